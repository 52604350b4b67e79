"""The entries of `pipeline:` and `policies:`: which component each one is, and what is said of those that are none."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.errors import nearest
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.recipes.registry import ComponentType, RegisteredComponent, Registry, imported

# Policies that configuration files name and that are not shipped: the rest of such a file can be trained all the same.
DIALOGUE_POLICIES: Final = frozenset({
    "AugmentedMemoizationPolicy", "EnsemblePolicy", "EnterpriseSearchPolicy", "FallbackPolicy", "FlowPolicy", "FormPolicy", "IntentlessPolicy",
    "MappingPolicy", "MemoizationPolicy", "RulePolicy", "SklearnPolicy", "TEDPolicy", "TwoStageFallbackPolicy", "UnexpecTEDIntentPolicy",
})  # fmt: skip

# Components that configuration files name and that are not shipped, with what does their work here.
_INSTEAD: Final = {
    "ConveRTFeaturizer": "CountVectorsFeaturizer",
    "DIETClassifier": "LogisticRegressionClassifier for intents and CRFEntityExtractor for entities",
    "DucklingEntityExtractor": "RegexEntityExtractor",
    "JiebaTokenizer": "WhitespaceTokenizer",
    "LanguageModelFeaturizer": "CountVectorsFeaturizer",
    "MitieEntityExtractor": "CRFEntityExtractor",
    "MitieFeaturizer": "CountVectorsFeaturizer",
    "MitieIntentClassifier": "LogisticRegressionClassifier",
    "MitieTokenizer": "WhitespaceTokenizer",
    "SpacyEntityExtractor": "CRFEntityExtractor",
    "SpacyFeaturizer": "CountVectorsFeaturizer",
    "SpacyTokenizer": "WhitespaceTokenizer",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One entry: its component, what the user wrote for it, and its name in graphs, such as `RegexFeaturizer1`."""

    component: RegisteredComponent
    config: dict[str, Any]
    name: str

    def is_any(self, types: frozenset[ComponentType]) -> bool:
        return bool(self.component.types & types)


def pipeline_steps(config: Mapping[str, Any], registry: Registry) -> list[Step]:
    """The entries of `pipeline:`; none when there is no such key. Raises InvalidConfigException (BG531, BG532, BG534, BG536, BG543)."""
    known = registry.known()
    steps = []
    unknown: list[tuple[str, str]] = []
    for index, (name, options) in enumerate(_entries(config, "pipeline")):
        where = f"pipeline, entry {index + 1}"
        component = _found(name, where, known, registry)
        if component is None:
            if name in DIALOGUE_POLICIES:
                raise _misplaced(name, where, "pipeline", "policies")
            unknown.append((name, where))
            continue
        if component.is_policy:
            raise _misplaced(name, where, "pipeline", "policies")
        steps.append(Step(component, options, f"{component.name}{index}"))
    if unknown:
        raise _unknown(unknown, known)
    tokenizers = [step.name for step in steps if ComponentType.MESSAGE_TOKENIZER in step.component.types]
    if len(tokenizers) > 1:
        raise InvalidConfigException(
            f"the pipeline has {len(tokenizers)} tokenizers", code="BG543", where="pipeline", facts=(("tokenizers", ", ".join(tokenizers)),),
            why="what comes after one works on its tokens, and a message has tokens of one kind", fix="keep one of them",
        )  # fmt: skip
    return steps


def policy_steps(config: Mapping[str, Any], registry: Registry) -> list[Step]:
    """The entries of `policies:` that can be trained; well-known ones that are not shipped are warned of and left out.

    Raises InvalidConfigException (BG531, BG532, BG534, BG536).
    """
    known = registry.known()
    steps = []
    absent = []
    for index, (name, options) in enumerate(_entries(config, "policies")):
        where = f"policies, entry {index + 1}"
        if name not in known and _is_dialogue_policy(name):
            absent.append(name)
            continue
        component = _found(name, where, known, registry)
        if component is None:
            raise _unknown_policy(name, where)
        if not component.is_policy:
            raise _misplaced(name, where, "policies", "pipeline")
        steps.append(Step(component, options, f"{component.name}{index}"))
    if absent:
        which = "the dialogue part is not trained" if not steps else "they are left out"
        warnings.warn(
            f"buildgraph ships no dialogue policies, and the configuration names {', '.join(absent)}: {which}. "
            f"A policy of your own is named by its path, as in 'name: my_package.my_module.MyPolicy'.", UserWarning, stacklevel=4,
        )  # fmt: skip
    return steps


def _entries(config: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and options of each entry."""
    entries = config.get(key) or []
    if not isinstance(entries, list):
        raise InvalidConfigException(
            f"'{key}' is a {type(entries).__name__}, not a list", code="BG536", where=key, why="it is a list of components, each with its 'name'",
            fix=f"write below '{key}:' one line '- name: ...' for each component",
        )  # fmt: skip
    found = []
    for index, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not name:
            raise InvalidConfigException(
                f"entry {index + 1} of '{key}' has no name", code="BG536", where=f"{key}, entry {index + 1}", facts=(("entry", str(entry)),),
                why="the name says which component it is", fix="write it as '- name: ...', with options as further keys below the name",
            )  # fmt: skip
        found.append((name, {option: value for option, value in entry.items() if option != "name"}))
    return found


def _found(name: str, where: str, known: Mapping[str, RegisteredComponent], registry: Registry) -> RegisteredComponent | None:
    """The component called `name`, or the one at the path `name`."""
    if name in known or "." not in name.replace(":", "."):
        return known.get(name)
    module, _, clazz = name.rpartition(":" if ":" in name else ".")
    try:
        return registry.of_class(imported(module, clazz))
    except InvalidConfigException as error:
        error.where = (where, *error.where)
        short = name.rpartition(".")[2]
        if short in known:
            error.fix = f"write 'name: {short}' for the one that buildgraph ships, or {error.fix}"
        raise


def _is_dialogue_policy(name: str) -> bool:
    """Whether `name` is a well-known policy; a full path counts when its package is one of theirs."""
    package, _, short = name.rpartition(".")
    return short in DIALOGUE_POLICIES and package.partition(".")[0] in ("", "rasa", "rasa_plus")


def _unknown(unknown: list[tuple[str, str]], known: Mapping[str, RegisteredComponent]) -> InvalidConfigException:
    """One error for all entries that name no component, each with what could stand there instead."""
    names = sorted(each for each, component in known.items() if not component.is_policy)

    def hint(name: str) -> str:
        return f"use {_INSTEAD[name]}" if name in _INSTEAD else nearest(name, names) or "use one of these, or remove the entry"

    first, where = unknown[0]
    others = tuple((name, f"{place}; {hint(name)}") for name, place in unknown[1:])
    return InvalidConfigException(
        f"there is no component '{first}'" + (f", and {len(others)} more of the pipeline are not known" if others else ""), code="BG531", where=where,
        facts=(*others, ("shipped or registered", ", ".join(names) or "none")),
        why="an entry of the pipeline names a component that is shipped, or the path of a class of your own",
        fix=f"{hint(first)}; for a class of your own write its path, as in 'name: my_package.my_module.{first}'",
    )  # fmt: skip


def _unknown_policy(name: str, where: str) -> InvalidConfigException:
    return InvalidConfigException(
        f"there is no policy '{name}'", code="BG531", where=where,
        why="buildgraph ships no dialogue policies; one of your own is registered, or named by its path",
        fix=f"write its path, as in 'name: my_package.my_module.{name}', or remove the entry",
    )  # fmt: skip


def _misplaced(name: str, where: str, key: str, right: str) -> InvalidConfigException:
    what = "a policy" if right == "policies" else "a component of the pipeline"
    return InvalidConfigException(
        f"'{name}' is {what} and cannot be in '{key}'", code="BG534", where=where,
        why="policies choose what an assistant does next; components of the pipeline understand what it is told", fix=f"move it to '{right}'",
    )  # fmt: skip
