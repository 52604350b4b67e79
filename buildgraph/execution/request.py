"""What goes to a worker and what comes back, as bytes: the only things that cross the process boundary.

Named tuples rather than dataclasses: one of each is made for every action, and they are five times cheaper to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import intern
from typing import Any, Final, NamedTuple

import msgpack

from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, ConfigError, MachineError, TargetError, UsageError, VerificationError
from buildgraph.execution.trees import Entry

VALUE, FILES, RESOURCE, FOLDERS = "v", "t", "r", "s"
CONTEXT = "@execution_context"  # parameters that begin with @ are the engine's: no code gets them by that name
MODEL_STORAGE = "@model_storage"
ADDON = "@fingerprint_addon"


class Input(NamedTuple):
    """One input as a worker gets it: an encoded value (inline, or a file to verify), or files at a place.

    FOLDERS are what a parent persisted beside its value: readable through the model storage, and no argument.
    """

    parameter: str
    kind: str
    codec: str
    data: bytes | None = None
    path: str = ""  # a file with the encoded value, or the folder of the files, relative to the workspace
    digest: bytes = b""
    paths: Sequence[str] = ()


class Request(NamedTuple):
    """An action with everything a worker needs to run it. Paths are relative to the workspace unless absolute."""

    target: str
    entry_point: str
    constructor: str
    fn: str
    eager: bool
    config: bytes
    resource: str
    inputs: tuple[Input, ...]
    outs: tuple[str, ...]
    codec: str
    inputs_as: str
    environment: tuple[tuple[str, str], ...]
    stage: str  # folder for declared outputs
    scratch: str  # folder for large encoded values, on the store's file system (absolute)

    def encode(self) -> bytes:
        inputs = [[i.parameter, i.kind, i.codec, i.data, i.path, i.digest, i.paths] for i in self.inputs]
        row = [
            self.target, self.entry_point, self.constructor, self.fn, self.eager, self.config, self.resource, inputs, self.outs, self.codec,
            self.inputs_as, self.environment, self.stage, self.scratch,
        ]  # fmt: skip
        return msgpack.packb(row, unicode_errors="surrogateescape")  # type: ignore[no-any-return]

    @classmethod
    def decode(cls, data: bytes) -> Request:
        row = msgpack.unpackb(data, unicode_errors="surrogateescape")
        row[7] = tuple([Input(*each) for each in row[7]])
        row[8], row[11] = tuple(row[8]), tuple([tuple(pair) for pair in row[11]])
        return cls(*row)


class StoredFile(NamedTuple):
    """A file of a tree as it leaves the worker: its entry, and its bytes when small, else a finished file in scratch."""

    entry: Entry
    data: bytes | None = None
    path: str = ""


class Outcome(NamedTuple):
    """What came of a request: a value or a tree with its codec, or an error; what was printed; what it cost.

    `wall` and `cpu` are seconds, `rss` the worker's peak memory in bytes. `classes` are those that the value carries,
    sorted, each "module:Qualname".
    """

    codec: str = ""
    data: bytes | None = None
    path: str = ""
    digest: bytes = b""
    size: int = 0
    identity: bytes = b""
    files: tuple[StoredFile, ...] | None = None
    error: dict[str, Any] | None = None
    log: bytes = b""
    wall: float = 0.0
    cpu: float = 0.0
    rss: int = 0
    classes: tuple[str, ...] = ()
    resources: tuple[StoredFile, ...] | None = None  # what was persisted beside the value

    def encode(self, log: bytes = b"", wall: float = 0.0, cpu: float = 0.0, rss: int = 0) -> bytes:
        """The outcome as bytes, with what was printed and what it cost: known last, so not in the value yet."""
        row = [
            self.codec, self.data, self.path, self.digest, self.size, self.identity, _as_rows(self.files), self.error, log, wall, cpu, rss, self.classes,
            _as_rows(self.resources),
        ]  # fmt: skip
        return msgpack.packb(row, unicode_errors="surrogateescape")  # type: ignore[no-any-return]

    @classmethod
    def decode(cls, data: bytes) -> Outcome:
        row = msgpack.unpackb(data, unicode_errors="surrogateescape")
        row[0] = intern(row[0])  # a build remembers the codec of every target
        row[6], row[13] = _from_rows(row[6]), _from_rows(row[13])
        row[12] = tuple(row[12])
        return cls(*row)


def _as_rows(files: Sequence[StoredFile] | None) -> list[list[Any]] | None:
    if files is None:
        return None
    return [[f.entry.path, f.entry.mode, f.entry.digest, f.entry.size, f.entry.target, f.data, f.path] for f in files]


def _from_rows(rows: list[list[Any]] | None) -> tuple[StoredFile, ...] | None:
    if rows is None:
        return None
    return tuple(
        StoredFile(Entry(path, mode, Digest(digest) if digest else None, size, target), content, file)
        for path, mode, digest, size, target, content, file in rows
    )


_KINDS: Final = {kind.__name__: kind for kind in (ConfigError, UsageError, TargetError, MachineError, VerificationError)}


def error_as_data(error: BuildgraphError) -> dict[str, Any]:
    """An error as plain data that `error_from_data` turns back into an equal one."""
    kind = next((name for name, cls in _KINDS.items() if isinstance(error, cls)), "TargetError")
    return {
        "kind": kind, "headline": error.headline, "code": error.code, "where": [str(place) for place in error.where],
        "facts": [list(fact) for fact in error.facts], "why": error.why, "fix": error.fix,
    }  # fmt: skip


def error_from_data(data: dict[str, Any]) -> BuildgraphError:
    return _KINDS[data["kind"]](
        data["headline"], code=data["code"], where=tuple(data["where"]), facts=tuple((label, value) for label, value in data["facts"]), why=data["why"], fix=data["fix"],
    )  # fmt: skip
