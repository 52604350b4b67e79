"""Events: frozen values with stable names, the format of the event log."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from buildgraph import events
from buildgraph.digest import Digest
from buildgraph.events import BuildStarted, Event, TargetBuilt, TargetHit, as_dict, broadcast, event_type, ignore

KINDS: list[type] = [
    kind
    for _, kind in inspect.getmembers(events, inspect.isclass)
    if hasattr(kind, "_fields") and kind.__module__ == "buildgraph.events"
]

# The format of `--events`. A field may be added at the end; renaming or removing one breaks what reads the log.
FORMAT = {
    "build_started": ["requested", "jobs"],
    "graph_loaded": ["targets", "packages", "evaluated"],
    "target_up_to_date": ["target", "key"],
    "target_hit": ["target", "key", "origin"],
    "target_cut_off": ["target", "key"],
    "target_started": ["target", "key", "reason"],
    "target_built": ["target", "key", "seconds", "cpu", "size"],
    "target_retried": ["target", "why"],
    "target_failed": ["target", "code", "error", "log"],
    "target_skipped": ["target", "because"],
    "inputs_changed": ["target", "paths"],
    "result_lost": ["target", "digest"],
    "outputs_written": ["target", "paths"],
    "warned": ["code", "message"],
    "build_finished": [
        "targets", "built", "hit_local", "hit_remote", "cut_off", "up_to_date", "failed", "skipped", "seconds",
        "interrupted",
    ],
}  # fmt: skip


def example_of(kind: type) -> Any:
    """An event with a plausible value in every field."""
    values: dict[str, Any] = {"str": "//a:b", "int": 3, "float": 0.5, "bool": True, "tuple[str, ...]": ("x", "y")}
    values |= {"Digest": Digest.of(b"x"), "Digest | None": Digest.of(b"x")}
    return kind(**{name: values[hint.__forward_arg__] for name, hint in kind.__annotations__.items()})


def test_types_and_fields_are_what_readers_of_the_log_rely_on() -> None:
    """A new event is entered in the table above; an old one keeps its beginning."""
    found = {event_type(kind): list(kind._fields) for kind in KINDS}
    assert set(found) == set(FORMAT)
    assert {name: fields[: len(FORMAT[name])] for name, fields in found.items()} == FORMAT


@pytest.mark.parametrize("kind", KINDS, ids=event_type)
def test_every_event_is_a_frozen_value_that_json_can_hold(kind: type) -> None:
    """One object per line of the log, its type first."""
    event = example_of(kind)
    with pytest.raises(AttributeError):
        setattr(event, kind._fields[0], "other")
    assert not hasattr(event, "__dict__")
    data = json.loads(json.dumps(as_dict(event)))
    assert list(data) == ["type", *kind._fields]
    assert data["type"] == event_type(kind) == event_type(event)


def test_digests_are_shown_as_people_copy_them() -> None:
    """And sequences as lists."""
    key = Digest.of(b"x")
    assert as_dict(TargetHit("//a:b", key))["key"] == str(key)
    assert as_dict(BuildStarted(("//a:b",), 2)) == {"type": "build_started", "requested": ["//a:b"], "jobs": 2}


def test_all_listeners_are_told_in_order() -> None:
    """One listener is itself; none at all is fine."""
    heard: list[tuple[str, Event]] = []
    event = TargetBuilt("//a:b", Digest.of(b"x"), 0.1, 0.1, 3)
    broadcast(lambda e: heard.append(("first", e)), lambda e: heard.append(("second", e)))(event)
    assert heard == [("first", event), ("second", event)]
    assert broadcast(ignore) is ignore
    broadcast()(event)
