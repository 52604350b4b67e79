"""From what an action returned or wrote to an outcome: encode the value, or collect exactly the declared outputs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from buildgraph.component import Resource
from buildgraph.digest import Digest, Hasher
from buildgraph.errors import EncodingError, MachineError, TargetError
from buildgraph.execution.codecs import CACHEABLE, RESOURCE, TREE, WAYS_OUT, choose, codec_named
from buildgraph.execution.codecs.base import INLINE, carried
from buildgraph.execution.process import Process
from buildgraph.execution.request import Input, Outcome, Request, StoredFile
from buildgraph.execution.resources import ResourceFolders, folder_name
from buildgraph.execution.trees import FOLDER, LINK, Entry, scan


class Private(Protocol):
    """Whose folder values are written to on the way."""

    @property
    def private(self) -> str: ...


def prepare_stage(stage: str, outs: tuple[str, ...]) -> None:
    """An empty folder for the declared outputs, with the folders they lie in."""
    try:
        os.mkdir(stage)
    except FileNotFoundError:
        os.makedirs(stage)
    except FileExistsError:
        import shutil

        shutil.rmtree(stage)
        os.mkdir(stage)
    for out in outs:
        if "/" in out:
            os.makedirs(os.path.join(stage, os.path.dirname(out)), exist_ok=True)


def declared_outputs(asked: Request, stage: str, scratch: Callable[[], str]) -> Outcome:
    """The tree of what was written to `stage`. Raises TargetError (BG212, BG213) unless it is exactly what was declared."""
    entries = scan(stage, asked.target)
    files = {out for out in asked.outs if not out.endswith("/")}
    folders = tuple(out for out in asked.outs if out.endswith("/"))
    written = {entry.path for entry in entries if entry.mode != FOLDER}
    if folders or written != files:
        _check_declared(asked, written, files, folders)
    kept = [entry for entry in entries if entry.mode != FOLDER or entry.path.startswith(folders)]
    return Outcome(codec=TREE, files=tuple(_stored(stage, entry, scratch) for entry in kept))


def _check_declared(asked: Request, written: set[str], files: set[str], folders: tuple[str, ...]) -> None:
    missing = sorted(files - written) + [
        folder for folder in folders if not any(path.startswith(folder) for path in written)
    ]
    extra = sorted(path for path in written - files if not path.startswith(folders))
    if missing:
        raise TargetError(
            f"target '{asked.target}' ran, but did not create what it promised", code="BG212",
            facts=(("missing", ", ".join(missing)), ("found instead", ", ".join(extra) or "nothing")),
            why="every declared output must exist when the action ends; nothing was cached", fix="write it to $(out) or out_dir, or correct `outs`",
        )  # fmt: skip
    if extra:
        raise TargetError(
            f"target '{asked.target}' wrote '{extra[0]}', which it did not declare", code="BG213", facts=(("undeclared", ", ".join(extra[:10])),),
            why="only declared outputs are stored, so that a hit restores all there is; nothing was cached", fix=f"add it to `outs`: outs=[..., '{extra[0]}']",
        )  # fmt: skip


def of_value(
    asked: Request, value: Any, storage: ResourceFolders | None, scratch: Callable[[], str], process: Private
) -> Outcome:
    """The outcome that holds `value`. Raises TargetError (BG232) naming the type and the path to what cannot be stored."""
    codec = choose(value, asked.codec, asked.target)
    if codec.startswith(RESOURCE + ":") and isinstance(value, Resource):
        folder = storage.folder_of(value) if storage else Path(process.private, "none")
        written = storage is not None and value.name in storage.written
        if not folder.exists():
            folder.mkdir(parents=True)
            written = True
        return _folder(asked, codec, folder, scratch, remove=written)
    if codec.startswith(CACHEABLE + ":"):
        folder = Path(process.private, "value")
        folder.mkdir(exist_ok=True)
        value.to_cache(folder, storage or ResourceFolders(Path(process.private, "resources"), {}))
        module, _, name = codec.partition(":")[2].partition(":")
        return _folder(asked, codec, folder, scratch, remove=True)._replace(classes=carried([(module, name)]))
    if codec == TREE:
        return _path_value(asked, Path(value), scratch)
    try:
        encoded = codec_named(codec).encode(value, scratch)
    except EncodingError as error:
        raise _unstorable_part(asked, error) from None
    except (TypeError, AttributeError, ValueError) as error:
        raise TargetError(
            f"target '{asked.target}' returned a {type(value).__qualname__}, which codec '{codec}' cannot store", code="BG232",
            facts=(("because", f"{type(error).__name__}: {error}"),), why="the codec takes values of its own kind only", fix="leave codec out to choose by type, or return another kind of value",
        ) from error  # fmt: skip
    return Outcome(
        codec, encoded.data, encoded.path, encoded.digest or b"", encoded.size, encoded.identity or b"", classes=encoded.classes
    )


def persisted(asked: Request, storage: ResourceFolders, value: Any, scratch: Callable[[], str]) -> tuple[StoredFile, ...] | None:
    """The files of all resources that were written, each in a folder named after it, but for one that is the value itself."""
    returned = value.name if isinstance(value, Resource) else None
    found: list[StoredFile] = []
    for name, folder in sorted(storage.written.items()):
        if name == returned:
            continue
        inner, place = folder_name(name), str(folder)
        entries = scan(place, asked.target)
        found += [_stored(place, entry, scratch, inner) for entry in entries] or [StoredFile(Entry(inner, FOLDER))]
    return tuple(found) or None


def _unstorable_part(asked: Request, error: EncodingError) -> TargetError:
    at = f"value{error.path if error.path.startswith('[') or not error.path else '.' + error.path}"
    return TargetError(
        f"target '{asked.target}' returned something that cannot be stored", code="BG232", facts=(("at", f"{at}: {error.problem}"),),
        why="a result is kept as data that every process can read again without running code",
        fix=WAYS_OUT if error.fix == EncodingError("").fix else error.fix,
    )  # fmt: skip


def _path_value(asked: Request, path: Path, scratch: Callable[[], str]) -> Outcome:
    if not path.exists():
        raise TargetError(
            f"target '{asked.target}' returned the path '{path}', which does not exist",
            code="BG216",
            why="a returned Path is stored as a tree",
            fix="create it before returning",
        )
    if path.is_dir():
        return _folder(asked, TREE, path, scratch)
    entry = Entry(path.name, "x" if os.access(path, os.X_OK) else "f", None, path.stat().st_size)
    return Outcome(codec=TREE, files=(_stored(str(path.parent), entry, scratch),))


def _folder(asked: Request, codec: str, folder: Path, scratch: Callable[[], str], *, remove: bool = False) -> Outcome:
    files = tuple(_stored(str(folder), entry, scratch) for entry in scan(str(folder), asked.target))
    if remove:
        import shutil

        shutil.rmtree(folder)
    return Outcome(codec=codec, files=files)


def _stored(folder: str, entry: Entry, scratch: Callable[[], str], inside: str = "") -> StoredFile:
    """The bytes of one file of a tree: inline when small, else copied to a new file while they are digested.

    `inside` is the folder of the tree that it belongs into.
    """
    full = f"{folder}/{entry.path}"
    if inside:
        entry = entry._replace(path=f"{inside}/{entry.path}")
    if entry.mode in (LINK, FOLDER):
        return StoredFile(entry)
    if entry.size <= INLINE:
        data = _read(full, entry.size)
        return StoredFile(Entry(entry.path, entry.mode, Digest.of(data), len(data)), data)
    copy, hasher = scratch(), Hasher()
    with open(full, "rb", buffering=0) as file, open(copy, "xb", buffering=0) as out:
        while piece := file.read(1 << 20):
            hasher.write(piece)
            out.write(piece)
    return StoredFile(Entry(entry.path, entry.mode, hasher.digest(), hasher.size), None, copy)


def _read(path: str, size: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, size + 1)
        while len(data) > size and (piece := os.read(fd, 1 << 20)):  # it has grown since it was looked at
            data += piece
        return data
    finally:
        os.close(fd)


def from_cache(given: Input, asked: Request, process: Process) -> Any:
    """A value that wrote itself to a folder, read back by its class. Raises MachineError (BG229) if the class is unknown.

    The class must belong to a module that the consumer's own code imports: a name found in a store imports nothing.
    """
    from buildgraph.execution.calling import entry

    _, module, name = given.codec.split(":", 2)
    entry(asked.entry_point)
    if module not in sys.modules:
        raise MachineError(
            f"target '{asked.target}' gets a {name}, but does not import its module '{module}'", code="BG229",
            why="a class named only by stored data is never imported", fix=f"import {module} in the module of '{asked.entry_point}'",
        )  # fmt: skip
    folder = Path(process.root, given.path)
    return entry(f"{module}:{name}").from_cache(
        asked.target, folder, ResourceFolders(Path(process.private, "resources"), {}), bytes(given.digest).hex()
    )
