"""Reads the `stories` and `rules` of a file, and the stories of tests, which are written alike."""

from __future__ import annotations

from typing import Any, Final

from buildgraph.errors import nearest
from buildgraph.trainer.importing.nlu_yaml import marked_up
from buildgraph.trainer.importing.yaml_source import Entry, Source
from buildgraph.trainer.stories import ACTION, BOT, CHECKPOINT, LOOP, OR, SLOTS, USER, Step, Story

_KEYS: Final = {
    "story": ("story", "steps", "metadata"),
    "rule": ("rule", "steps", "condition", "conversation_start", "wait_for_user_input", "metadata"),
}
_STEP_KEYS: Final = ("intent", "user", "entities", ACTION, BOT, SLOTS, LOOP, CHECKPOINT, OR, "metadata")
_KINDS: Final = (USER, ACTION, BOT, CHECKPOINT, SLOTS, LOOP, OR)  # a checkpoint may have slots
_ANYTHING: Final = "..."  # how older files say that a rule may follow on anything


def read_stories(source: Source, node: Any, kind: str) -> list[Story]:
    """The stories of the list `node`; `kind` is "story" or "rule". Raises TrainingDataError with file and line."""
    what = {"story": "'stories'", "rule": "'rules'"}[kind]
    found = []
    for item in source.sequence(node, what):
        entry = source.mapping(item, f"a {kind}", _KEYS[kind])
        for needed in (kind, "steps"):
            if needed not in entry:
                source.refuse("BG515", f"has a {kind} without '{needed}'", item, f"a {kind} has a name and steps", f"add '{needed}:'")
        name = source.string(entry[kind].value, f"'{kind}'")
        steps = _steps(source, entry["steps"].value, "'steps'")
        if not steps:
            source.warn("BG523", f"the {kind} '{name}' has no steps", entry["steps"].key)
        conditions = _steps(source, entry["condition"].value, "'condition'") if "condition" in entry else ()
        flags = [_flag(source, entry, flag, default) for flag, default in (("conversation_start", False), ("wait_for_user_input", True))]
        found.append(Story(name, steps, kind == "rule", conditions, *flags))
    return found


def _flag(source: Source, entry: dict[str, Entry], name: str, default: bool) -> bool:
    value = source.value(entry[name].value) if name in entry else default
    if not isinstance(value, bool):
        source.refuse("BG514", f"has something else than true or false for '{name}'", entry[name].value, f"'{name}' is true or false", "write true or false")
    return value


def _steps(source: Source, node: Any, what: str) -> tuple[Step, ...]:
    items = source.sequence(node, what)
    return tuple(_step(source, item) for item in items if not (item.id == "scalar" and item.value == _ANYTHING))


def _step(source: Source, item: Any) -> Step:
    if item.id != "mapping":
        source.refuse("BG521", "has a step that is not a key with a value", item, f"a step has one of {', '.join(_STEP_KEYS)}", "write '- action: name' or the like")
    entry = source.mapping(item, "a step")
    for key in entry:
        if key not in _STEP_KEYS:
            source.refuse("BG521", f"has the unknown step '{key}'", entry[key].key, f"a step has one of {', '.join(_STEP_KEYS)}", nearest(key, _STEP_KEYS) or "correct or remove it")
    kinds = [kind for kind in _KINDS if kind in entry or (kind == USER and "intent" in entry)]
    if kinds == [CHECKPOINT, SLOTS]:
        kinds = [CHECKPOINT]
    if len(kinds) != 1:
        source.refuse("BG521", f"has a step that is {' and '.join(kinds) or 'of no kind'}", item, "a step is one thing", "write a dash before each step")
    (kind,) = kinds
    slots = _slots(source, entry[SLOTS].value) if SLOTS in entry else ()
    if kind == USER:
        return _user(source, entry)
    if kind == OR:
        return Step(OR, alternatives=_steps(source, entry[OR].value, "'or'"))
    if kind == SLOTS:
        return Step(SLOTS, slots=slots)
    node = entry[kind].value
    if kind == BOT:
        return Step(BOT, text=source.string(node, "'bot'"))
    if kind == LOOP and source.is_null(node):
        return Step(LOOP)
    name = source.string(node, f"'{kind}'")
    if kind in (ACTION, LOOP):
        source.mention("action", name, node)
    return Step(kind, name, slots=slots)


def _user(source: Source, entry: dict[str, Entry]) -> Step:
    """What a user means (`intent`, `entities`) or says (`user`, with entities in it), or both."""
    intent = source.string(entry["intent"].value, "'intent'") if "intent" in entry else None
    if intent is not None:
        source.mention("intent", intent, entry["intent"].value)
    text: str | None = None
    entities: list[dict[str, Any]] = []
    if USER in entry:
        node = entry[USER].value
        text, entities = marked_up(source, source.string(node, "'user'"), node.start_mark.line + 1 + (node.style in ("|", ">")))
    for item in source.sequence(entry["entities"].value, "'entities'") if "entities" in entry else ():
        if item.id == "scalar":
            entities.append({"entity": source.string(item, "an entity")})
            continue
        parts = source.mapping(item, "an entity")
        about: dict[str, Any] = {name: source.string(parts.pop(name).value, f"'{name}'") for name in ("role", "group") if name in parts}
        entities += [{"entity": name, "value": source.value(each.value), **about} for name, each in parts.items()]
    return Step(USER, intent, text, tuple(entities))


def _slots(source: Source, node: Any) -> tuple[tuple[Any, ...], ...]:
    """Slots as (name, value), or (name,) when any value will do."""
    found: list[tuple[Any, ...]] = []
    for item in [node] if node.id in ("mapping", "scalar") and not source.is_null(node) else source.sequence(node, f"'{SLOTS}'"):
        if item.id == "scalar":
            found.append((source.string(item, "a slot"),))
            source.mention("slot", item.value, item)
            continue
        for name, (key, value) in source.mapping(item, "a slot").items():
            found.append((name, source.value(value)))
            source.mention("slot", name, key)
    return tuple(found)
