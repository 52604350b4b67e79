"""Fingerprints: the readers of the one walk over an action: hash it, show it, compare two."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, Final, NamedTuple

from buildgraph.action import Action, Inputs, describe
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode, encode_plain
from buildgraph.errors import EncodingError

KEY_FORMAT: Final = 1  # raised whenever the meaning of a key changes: old keys then miss
_ACTION, _DEEP = "buildgraph.action", "buildgraph.deep"
FIELDS: Final = tuple(field.name for field in fields(Action))  # a manifest holds their values, in this order
_ABSENT: Final = "absent"
_LONGEST: Final = 60  # characters of a value shown in a change


class Change(NamedTuple):
    """One field that differs between two actions: where, and both values in words."""

    field: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.field} changed: {self.before} -> {self.after}"


def manifest(action: Action, inputs: Inputs | None = None, *, deep: bool = False) -> bytes:
    """The canonical bytes of an action. Their digest is the key; the store keeps them as the blob of that digest.

    `inputs` stand in for those of the action, which are not known when it is made.
    """
    return encode_plain([_DEEP if deep else _ACTION, KEY_FORMAT, [value for _, value in describe(action, inputs)]])


def fingerprint(action: Action) -> Digest:
    """The action key of an action whose inputs are the output digests of its parents."""
    return Digest.of(manifest(action))


def deep_fingerprint(action: Action) -> Digest:
    """The key of an action whose inputs are the deep fingerprints of its parents."""
    return Digest.of(manifest(action, deep=True))


def group_fingerprint(members: list[Digest]) -> Digest:
    """The deep fingerprint of a node that does no work: one digest over those of the nodes it names."""
    return Digest.of(encode(["buildgraph.group", KEY_FORMAT, members]))


def explain(data: bytes) -> dict[str, Any]:
    """The fields of a manifest, decoded for people and for `diff`. Raises EncodingError when it is not one."""
    parts = decode_trusted(data)
    if not isinstance(parts, list) or len(parts) != 3 or parts[0] not in (_ACTION, _DEEP) or parts[1] != KEY_FORMAT:
        raise EncodingError("not the manifest of an action", code="BG042")
    try:
        found = dict(zip(FIELDS, parts[2], strict=True))
        found["config"] = decode_trusted(found["config"])
        found["inputs"] = {name: f"{codec} {Digest(digest)}" for name, codec, digest in found["inputs"]}
        found["environment"] = dict(found["environment"])
        found["code"] = str(Digest(found["code"]))
    except (KeyError, TypeError, ValueError):
        raise EncodingError("not the manifest of an action", code="BG042") from None
    return found


def diff(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """The fields in which two explained actions differ, most telling first, nested fields by their full path."""
    changes: list[Change] = []
    for field in after:
        _compare(field, before.get(field), after[field], changes)
    return changes


def _compare(field: str, before: Any, after: Any, changes: list[Change]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if key not in after:
                changes.append(Change(f"{field}.{key}", _shown(before[key]), _ABSENT))
            elif key not in before:
                changes.append(Change(f"{field}.{key}", _ABSENT, _shown(after[key])))
            else:
                _compare(f"{field}.{key}", before[key], after[key], changes)
    elif type(before) is not type(after) or encode(before) != encode(after):
        changes.append(Change(field, *_told_apart(before, after)))


def _told_apart(before: Any, after: Any) -> tuple[str, str]:
    """Both values in words that differ: plainly if that is enough, with quotes, or with the digest of each."""
    for show in (_shown, repr, _shown_with_digest):
        texts = show(before), show(after)
        if texts[0] != texts[1] and max(map(len, texts)) <= _LONGEST + 16:
            return texts
    return texts


def _shown(value: Any) -> str:
    """A short form of a value: digests by their first ten digits, long values cut."""
    text = value if isinstance(value, str) else repr(value)
    text = re.sub(r"^(?:cacheable:[\w.]+:|resource:)", "", text)  # of an input the class, or the resource, says enough
    text = re.sub(r"(?:b3:)?([0-9a-f]{10})[0-9a-f]{54}", r"\1", text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _shown_with_digest(value: Any) -> str:
    return f"{_shown(value)} ({Digest.of(encode(value)).short})"
