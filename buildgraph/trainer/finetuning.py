"""Whether a model can be the base of a fine-tuning: each model keeps a record of what it was trained for, and it is compared."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from buildgraph.component import ExecutionContext, GraphComponent, ModelStorage
from buildgraph.digest import Digest
from buildgraph.encoding import decode, encode, encode_value
from buildgraph.errors import EncodingError, UsageError
from buildgraph.schema import GraphSchema, Resource, SchemaNode, node_as_dict
from buildgraph.trainer.components import component_class
from buildgraph.trainer.data import INTENT, INTENT_RESPONSE_KEY, TrainingData
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.importing import TrainingDataImporter
from buildgraph.version import VERSION

_FORMAT: Final = 1
_FILE: Final = "trained_for.msgpack"
_SHOWN: Final = 5  # differences in one message
_MAY_DIFFER: Final = ("eager", "constructor_name", "policy")
_OPTIONS_MAY_DIFFER: Final = ("epochs", "finetuning_epoch_fraction")


class FinetuningValidator(GraphComponent):
    """Keeps in a model what it was trained for; when it is to be fine-tuned, refuses what it cannot learn in addition."""

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._context = execution_context

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> FinetuningValidator:
        return cls(config, model_storage, resource, execution_context)

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"validate_core": True, "validate_nlu": True}

    def validate(self, importer: TrainingDataImporter) -> TrainingDataImporter:
        """Hands the importer on. Raises InvalidConfigException (BG540) for a base model that cannot be fine-tuned."""
        schema = self._context.graph_schema
        now = trained_for(
            schema, importer.get_domain() if self._config["validate_core"] else None, importer.get_nlu_data() if self._config["validate_nlu"] else None
        )
        if self._context.is_finetuning:
            found = list(differences(self._record(), decode(encode_value(now)), schema))
            if found:
                raise InvalidConfigException(
                    f"the base model cannot be fine-tuned: {found[0]}", code="BG540", facts=tuple(("differs", each) for each in found[1:_SHOWN]),
                    why="a fine-tuning goes on with what a model learnt, so the model is to do the same as before: same components and options, same labels, same domain",
                    fix="take back the change, or train without fine-tuning",
                )  # fmt: skip
        with self._model_storage.write_to(self._resource) as folder:
            (folder / _FILE).write_bytes(encode_value(now))
        return importer

    def _record(self) -> Mapping[str, Any]:
        """What the base model was trained for. Raises InvalidConfigException (BG540) when it does not say."""
        try:
            with self._model_storage.read_from(self._resource) as folder:
                record = decode((folder / _FILE).read_bytes())
        except (OSError, ValueError, EncodingError) as error:  # ValueError: there is no such resource
            raise _no_record("its record is missing or cannot be read") from error
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            raise _no_record(f"its record is of another version than that of buildgraph {VERSION}")
        return record


def trained_for(schema: GraphSchema, domain: Domain | None, data: TrainingData | None) -> dict[str, Any]:
    """The record of a training, plain data: its graph, its labels if there is `data`, what policies see of a `domain`."""
    return {
        "format": _FORMAT,
        "version": VERSION,
        "schema": {name: _comparable(node) for name, node in schema.nodes.items()},
        "domain": {} if domain is None else _sections(domain),
        "labels": {} if data is None else _labels(data),
    }


def differences(base: Mapping[str, Any], now: Mapping[str, Any], schema: GraphSchema) -> Iterator[str]:
    """What keeps a model trained for `base` from being fine-tuned for `now`, in words; nothing when it can be.

    An option at its default is as good as none. `schema` is the graph of `now`.
    """
    nodes = {**base["schema"], **now["schema"]}
    for name in sorted(nodes):
        before, after = base["schema"].get(name), now["schema"].get(name)
        if before is None or after is None:
            yield f"node '{name}' is {'new' if before is None else 'gone'}"
        elif before != after:
            yield from (f"{each} of node '{name}'" for each in _changed(before, after, schema, name))
    for kind in sorted({**base["labels"], **now["labels"]}):
        before, after = set(base["labels"].get(kind, [])), set(now["labels"].get(kind, []))
        if before != after:
            yield f"{kind} {', '.join([f'+{each}' for each in sorted(after - before)] + [f'-{each}' for each in sorted(before - after)])}"
    for section in sorted({**base["domain"], **now["domain"]}):
        if base["domain"].get(section) != now["domain"].get(section):
            yield f"{section} of the domain"


def find_base_model(path: str | os.PathLike[str]) -> Path:
    """The archive at `path`: itself, or in a folder the newest `*.tar.gz`, by its time. Raises UsageError (BG541)."""
    place = Path(path)
    if place.is_file():
        return place
    archives = [each for each in place.glob("*.tar.gz") if each.is_file()] if place.is_dir() else []
    if not archives:
        raise UsageError(
            f"there is no model at '{place}'", code="BG541", why="a model is an archive, or the youngest *.tar.gz of a folder",
            fix="train a model first, or name the archive or the folder where one is",
        )  # fmt: skip
    return max(archives, key=lambda each: (each.stat().st_mtime_ns, each.name))


def _comparable(node: SchemaNode) -> dict[str, Any]:
    """What of a node is compared, its config without what a fine-tuning may change."""
    kept = {key: value for key, value in node_as_dict(node).items() if key not in _MAY_DIFFER}
    return {**kept, "uses": node.entry_point, "config": {key: value for key, value in node.config.items() if key not in _OPTIONS_MAY_DIFFER}}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], schema: GraphSchema, name: str) -> list[str]:
    """What is not the same of two nodes: keys, and options by their names."""
    changed = [f"'{key}'" for key in before if key != "config" and encode_value(before[key]) != encode_value(after.get(key))]
    if before["config"] != after["config"] and not changed:
        defaults = component_class(schema.nodes[name], name).get_default_config()
        old, new = ({**defaults, **each["config"]} for each in (before, after))
        options = sorted({*old, *new} - {*_OPTIONS_MAY_DIFFER})
        changed += [f"option '{each}'" for each in options if each not in old or each not in new or encode(old[each]) != encode(new[each])]
    return changed


def _sections(domain: Domain) -> dict[str, str]:
    """The digest of each section of a domain; of responses the names count, not the texts."""
    found = {**domain.as_dict(), "responses": sorted(domain.responses)}
    return {name: str(Digest.of(encode(section))) for name, section in found.items() if section}


def _labels(data: TrainingData) -> dict[str, list[str]]:
    """What can be learnt to tell: intents, those of retrieval with their keys, entities, their roles and groups."""
    labels: dict[str, set[str]] = {"intents": set(data.intents), "response keys": set(), "entities": set(data.entities), "roles": set(), "groups": set()}
    for message in data.intent_examples:
        if message.get(INTENT_RESPONSE_KEY, message.get(INTENT)) != message.get(INTENT):
            labels["response keys"].add(message.get(INTENT_RESPONSE_KEY))
    for message in data.entity_examples:
        for entity in message.get("entities"):
            for kind, key in (("roles", "role"), ("groups", "group")):
                if entity.get(key):
                    labels[kind].add(entity[key])
    return {kind: sorted(found) for kind, found in labels.items()}


def _no_record(why: str) -> InvalidConfigException:
    return InvalidConfigException(
        "the base model cannot be fine-tuned: it does not say what it was trained for", code="BG540", why=why,
        fix="train it again with this version and with a recipe, or train without fine-tuning",
    )  # fmt: skip
