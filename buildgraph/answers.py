"""What a user asks about one target: why it is as it is, what came out of it, what it printed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from buildgraph.action import ActionResult
from buildgraph.code import CodeDigest
from buildgraph.digest import Digest
from buildgraph.errors import UsageError
from buildgraph.execution.outputs import holds_folder
from buildgraph.execution.trees import entries_of
from buildgraph.fingerprint import Change, manifest
from buildgraph.fingerprint import explain as explain_manifest
from buildgraph.scheduler.loop import Known, Round
from buildgraph.scheduler.staleness import inputs_of
from buildgraph.session import Prepared, Session

_DEFINITIONS: Final = "code.definitions."


@dataclass(frozen=True, slots=True)
class ChangedDefinition:
    """A definition that is not what it was: where it is now ("" and 0 when it is gone), the names that lead to it from
    the entry point, and its text before and after ("" where it did not exist, or is no longer known)."""

    name: str
    file: str
    first: int
    last: int
    via: tuple[str, ...]
    before: str
    after: str


class Explanation(NamedTuple):
    """The verdict on a target, the fields of its fingerprint, and those that changed since the last build here."""

    label: str
    state: str
    reason: str
    key: Digest | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    code: CodeDigest | None = None
    definitions: tuple[ChangedDefinition, ...] = ()


class Shown(NamedTuple):
    """What is stored for a target: its key and result, and the files of its outputs with digest and size in bytes."""

    label: str
    key: Digest
    result: ActionResult
    files: tuple[tuple[str, Digest, int], ...]


def explain(session: Session, label: str) -> Explanation:
    """Why `label` is up to date, a hit, stale or not to be known yet. Raises UsageError for what has no fingerprint."""
    prepared, known = _judged(session, label)
    scene = prepared.scene
    if label not in scene.actions:
        return _of_input(prepared, label)
    code = scene.codes[label]
    if label in known.undetermined and label not in known.stale:
        return Explanation(label, "undetermined", "something it needs is stale, so its inputs are not known yet", None, notes=code.notes, code=code)
    outputs = {**scene.outputs_of, **known.outputs}
    node = scene.schema.nodes[label]
    if any(parent not in outputs for parent in node.needs.values()):  # settled by its deep key: its parents were not looked up
        prepared, known = _judged(session, label, use_deep=False)
        outputs = {**prepared.scene.outputs_of, **known.outputs}
    data = manifest(scene.actions[label], inputs_of(node.needs.items(), outputs))
    fields = scene.judge.explained(data)
    last = scene.judge.before(label).key
    changes = scene.judge.changes(last, data) if last is not None and last != Digest.of(data) else None
    state = "stale" if label in known.stale else known.status.get(label, "failed")
    definitions = tuple(_definitions(session, prepared, label, last, changes)) if changes and last is not None else ()
    return Explanation(label, state, known.stale.get(label, ""), Digest.of(data), fields, tuple(changes or ()), code.notes, code, definitions)


def _definitions(session: Session, prepared: Prepared, label: str, last: Digest, changes: Sequence[Change]) -> Iterator[ChangedDefinition]:
    """The definitions among `changes`, each with where it is and how it is reached."""
    scene, node = prepared.scene, prepared.scene.schema.nodes[label]
    names = [change.field.removeprefix(_DEFINITIONS) for change in changes if change.field.startswith(_DEFINITIONS)]
    previous = session.store.blob(last)
    if not names or previous is None:
        return
    before, now = Digest.parse(explain_manifest(previous)["code"]), scene.codes[label].digest
    reached = {f"{each.module}.{each.name}": each for each in session.code.reached(node.entry_point, session.code_options(node))}
    for name in names:
        place = reached.get(name.partition("#")[0])
        old, new = session.code.source_of(before, name), session.code.source_of(now, name)
        first, end = new[:2] if new is not None else (place.first, place.last) if place is not None else (0, 0)
        file = os.path.relpath(place.path, session.root) if place is not None else ""
        yield ChangedDefinition(name, file, first, end, place.via if place is not None else (), old[2] if old else "", new[2] if new else "")


def _of_input(prepared: Prepared, label: str) -> Explanation:
    output = prepared.examined.outputs.get(label)
    if output is None:
        error = prepared.examined.errors.get(label)
        if error is not None:
            raise error
        raise UsageError(f"'{label}' is a group", code="BG063", why="a group does no work, so it has no fingerprint", fix="ask for one of its members")
    tree = prepared.examined.trees.get(label)
    files = {entry.path: str(entry.digest) for entry in tree.entries} if tree is not None else {}
    return Explanation(label, "source", "examined on every build", output.digest, {"files": files})


def show(session: Session, label: str) -> Shown:
    """The stored result of `label`. Raises UsageError (BG064) when it has not been built."""
    prepared, known = _judged(session, label, use_deep=False)
    result = session.store.result(known.keys[label]) if label in known.keys else None
    if result is None:
        if label not in prepared.scene.actions:
            _of_input(prepared, label)
        raise UsageError(f"'{label}' has no stored result", code="BG064", why="it is stale or has not been built", fix=f"buildgraph build {label}")
    return Shown(label, known.keys[label], result, _files(session, result))


def log(session: Session, label: str) -> bytes:
    """What the last run of `label` printed, if it succeeded; the log of a failed run is a file of the workspace."""
    shown = show(session, label)
    return (session.store.blob(shown.result.log) or b"") if shown.result.log is not None else b""


def _files(session: Session, result: ActionResult) -> tuple[tuple[str, Digest, int], ...]:
    output = result.value
    if not holds_folder(output):
        return ((f"value ({output.codec})", output.digest, output.size),)
    entries = entries_of(output.blob, session.store.blob)
    if isinstance(entries, Digest):
        return ()
    return tuple((entry.path, entry.digest, entry.size) for entry in entries if entry.digest is not None)


def _judged(session: Session, label: str, *, use_deep: bool = True) -> tuple[Prepared, Known]:
    graph = session.load([label])
    prepared = session.prepare(graph, use_deep=use_deep)
    known = Known()
    Round(prepared.scene, None, known).run(prepared.asked.actions)
    return prepared, known
