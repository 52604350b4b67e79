"""What an assistant knows of: intents, entities, slots, responses, actions and forms, by name and with their properties."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from buildgraph.component import ModelStorage
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode, encode_value
from buildgraph.trainer.errors import TrainingDataError

DEFAULT_INTENTS: Final = ("restart", "back", "out_of_scope", "session_start", "nlu_fallback")
DEFAULT_ACTIONS: Final = (
    "action_listen", "action_restart", "action_session_start", "action_default_fallback", "action_deactivate_loop",
    "action_revert_fallback_events", "action_default_ask_affirmation", "action_default_ask_rephrase",
    "action_two_stage_fallback", "action_unlikely_intent", "action_back", "action_extract_slots",
)  # fmt: skip
LISTED: Final = ("intents", "entities", "actions")  # written as names, or as a name with properties
_FILE: Final = "domain.msgpack"


@dataclass(frozen=True, slots=True)
class Domain:
    """Everything by name: `domain.intents["greet"]` are the properties of that intent, `"greet" in domain.intents`.

    A response is a list of variations. Cacheable and Fingerprintable; the order of names means nothing.
    """

    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    entities: dict[str, dict[str, Any]] = field(default_factory=dict)
    slots: dict[str, dict[str, Any]] = field(default_factory=dict)
    responses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    forms: dict[str, dict[str, Any]] = field(default_factory=dict)
    e2e_actions: list[str] = field(default_factory=list)
    session_config: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Domain:
        """A domain from the shape that `as_dict` gives and domain files have. Raises TrainingDataError (BG514)."""
        sections = {name: data[name] for name in SECTIONS if data.get(name)}
        for name, section in sections.items():
            if name in LISTED or (name == "forms" and isinstance(section, list)):
                section = dict(_named(item, name) for item in section) if isinstance(section, list) else None
            if not isinstance(section, list if name == "e2e_actions" else dict):
                raise _wrong(name)
            sections[name] = sorted(section) if isinstance(section, list) else section
        return cls(**sections)

    def as_dict(self) -> dict[str, Any]:
        """The shape of a domain file, without empty sections, sorted by name; plain data."""
        found: dict[str, Any] = {}
        for name in SECTIONS:
            section = getattr(self, name)
            if name in LISTED:
                section = [{key: section[key]} if section[key] else key for key in sorted(section)]
            elif name == "e2e_actions":
                section = sorted(section)
            else:
                section = {key: section[key] for key in sorted(section)}
            if section:
                found[name] = section
        return found

    @property
    def is_empty(self) -> bool:
        return not self.as_dict()

    @property
    def action_names(self) -> list[str]:
        """Everything that can be done next: actions, responses (those of a retrieval intent as one), forms, defaults; sorted."""
        responses = {name.partition("/")[0] for name in self.responses}
        return sorted({*self.actions, *responses, *self.forms, *DEFAULT_ACTIONS})

    def merge(self, other: Domain | None) -> Domain:
        """Both as a new domain. A name of both is `other`'s; the variations of a response are joined."""
        if other is None:
            return self
        merged = {name: {**getattr(self, name), **getattr(other, name)} for name in SECTIONS if name != "e2e_actions"}
        for name in self.responses.keys() & other.responses.keys():
            mine = self.responses[name]
            merged["responses"][name] = mine + [each for each in other.responses[name] if each not in mine]
        return Domain(**merged, e2e_actions=sorted({*self.e2e_actions, *other.e2e_actions}))

    def conflicts(self, other: Domain) -> list[tuple[str, str]]:
        """Section and name of what both define, differently."""
        return [
            (section, name) for section in SECTIONS if section not in ("e2e_actions", "responses")
            for name, mine in getattr(self, section).items() if name in getattr(other, section) and getattr(other, section)[name] != mine
        ]  # fmt: skip

    def fingerprint(self) -> str:
        """The digest of what it says."""
        return str(Digest.of(encode(self.as_dict())))

    def to_cache(self, directory: Path, model_storage: ModelStorage) -> None:  # noqa: ARG002 - the protocol's
        (directory / _FILE).write_bytes(encode_value(self.as_dict()))

    @classmethod
    def from_cache(cls, node_name: str, directory: Path, model_storage: ModelStorage, output_fingerprint: str) -> Domain:  # noqa: ARG003 - the protocol's
        return cls.from_dict(decode_trusted((directory / _FILE).read_bytes()))


SECTIONS: Final = tuple(each.name for each in fields(Domain))


def _named(item: Any, section: str) -> tuple[str, dict[str, Any]]:
    """A name with its properties, from a name or a dict of one name."""
    if isinstance(item, str):
        return item, {}
    if isinstance(item, dict) and len(item) == 1:
        ((name, properties),) = item.items()
        if isinstance(name, str) and (properties is None or isinstance(properties, dict)):
            return name, properties or {}
    raise _wrong(section)


def _wrong(section: str) -> TrainingDataError:
    why = f"'{section}' is a list of names, some with properties" if section in LISTED else f"'{section}' leads from names to properties"
    return TrainingDataError(f"'{section}' of a domain has another shape", code="BG514", why=why, fix="give it the shape that it has in a domain file")
