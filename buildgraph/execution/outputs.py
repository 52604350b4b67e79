"""The output folder: materialises results as files under `build/<package>/<target>/`, atomically, and notices what changed there.

What was written is remembered as stat tuples; a file that is as it was left is not written again, one that somebody
edited or deleted is. Files are copies, never links into the store.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from typing import Any

from buildgraph.action import Output
from buildgraph.digest import Digest, Hasher
from buildgraph.encoding import decode_trusted, encode_plain
from buildgraph.errors import MachineError
from buildgraph.execution.codecs import FOLDER_CODECS, codec_named
from buildgraph.execution.codecs.base import INLINE
from buildgraph.execution.sources import Rows
from buildgraph.execution.trees import EXECUTABLE, FOLDER, LINK, Entry, entries_of
from buildgraph.label import split
from buildgraph.store import Store


class LostBlob(Exception):  # noqa: N818 - not an error of the user's: the build forgets the record and runs the producer
    """A blob behind a result is missing or damaged."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(str(digest))
        self.digest = digest


def holds_folder(output: Output) -> bool:
    """Whether the output is a tree of files rather than one encoded value."""
    return output.codec.partition(":")[0] in FOLDER_CODECS


class OutputFolder:
    """The files of targets below one folder of the workspace."""

    def __init__(self, root: str, folder: str, store: Store, rows: Rows) -> None:
        self._root = root
        self.folder = folder
        self._store = store
        self._rows = rows
        self._done: dict[str, tuple[Digest, list[str]]] = {}
        self._stamps: dict[str, dict[str, list[Any]]] = {}
        self._made: set[str] = set()
        self._around: dict[str, list[list[Any]]] = {}  # the folders of outputs, as they were left

    def place(self, label: str) -> str:
        """The folder of a target's outputs, relative to the workspace."""
        package, name = split(label)
        return f"{self.folder}/{package}/{name}" if package else f"{self.folder}/{name}"

    def ensure(self, label: str, output: Output) -> list[str]:
        """Write the outputs of `label` unless they are there; their paths relative to `place(label)`.

        Raises LostBlob when the store does not have them, MachineError (BG250) when they cannot be written.
        """
        done = self._done.get(label)
        if done is not None and done[0] == output.digest:
            return done[1]
        row = self._rows.get(label.encode())
        known: dict[str, list[Any]] = {}
        remembered: list[Any] = decode_trusted(row) if row is not None else []
        if len(remembered) == 4:  # else: nothing, or a row of an older version
            *was, files, folders = remembered
            place = f"{self._root}/{self.place(label)}"
            known = {os.fsdecode(path): stamp for path, *stamp in files}
            if (
                was == [output.digest, output.codec]
                and all(self._as_left(f"{place}/{path}", stamp) for path, stamp in known.items())
                and folders == self._folder_stamps(place, (os.fsdecode(path) for path, *_ in folders))
            ):
                self._around[label] = folders
                return self._keep(label, output, known)
        try:
            known = self._write(label, output, known)
        except OSError as error:
            raise self._unwritable(label, error) from None
        return self._remember(label, output, known)

    def adopt(self, label: str, output: Output, entries: Iterable[Entry], stage: str) -> bool:
        """Take the folder in which the action of `label` wrote `entries` as its output folder, unless there is one."""
        place = f"{self._root}/{self.place(label)}"
        try:
            self._make(place.rpartition("/")[0])
            try:
                os.rename(f"{self._root}/{stage}", place)
            except OSError:  # outputs of an earlier build, as a rule: what differs is written
                self.ensure(label, output)
                return False
            stamps = {entry.path: _settled(f"{place}/{entry.path}", entry) for entry in entries}
        except OSError as error:
            raise self._unwritable(label, error) from None
        self._remember(label, output, stamps)
        return True

    def changed(self, label: str) -> list[str]:
        """Files of `label` that were edited since they were written, as paths relative to the workspace."""
        stamps = self._stamps.get(label)
        if not stamps:
            return []
        place = self.place(label)
        return [f"{place}/{path}" for path, stamp in stamps.items() if not self._as_left(f"{self._root}/{place}/{path}", stamp)]

    def left(self) -> Iterator[tuple[bytes, tuple[int, ...]]]:
        """Every output and its folders, relative to the workspace, with inode, size, both times as they were left; a folder has no size."""
        for label, stamps in self._stamps.items():
            place = os.fsencode(self.place(label))
            for path, stamp in stamps.items():
                yield place + b"/" + os.fsencode(path), tuple(stamp[1:])
            for name, inode, modified, changed in self._around[label]:
                yield place + b"/" + name if name else place, (inode, -1, modified, changed)

    def forget(self, label: str) -> None:
        self._done.pop(label, None)

    def _remember(self, label: str, output: Output, stamps: dict[str, list[Any]]) -> list[str]:
        """Note how the outputs of `label` were left: the files, and the folders, which tell of foreign files."""
        files = [[os.fsencode(path), *stamp] for path, stamp in stamps.items()]
        folders = self._folder_stamps(f"{self._root}/{self.place(label)}", ["", *_folders_of(stamps)])
        row = [output.digest, output.codec, files, folders]
        self._around[label] = folders
        self._rows.put(label.encode(), encode_plain(row))
        return self._keep(label, output, stamps)

    def _keep(self, label: str, output: Output, stamps: dict[str, list[Any]]) -> list[str]:
        paths = list(stamps)
        self._done[label] = (output.digest, paths)
        self._stamps[label] = stamps
        return paths

    def _folder_stamps(self, place: str, folders: Iterable[str]) -> list[list[Any]]:
        """Folders below the output folder `place`, each with what changes when something in it comes or goes."""
        found = []
        for folder in folders:
            try:
                status = os.lstat(f"{place}/{folder}" if folder else place)
            except OSError:
                return []
            found.append([os.fsencode(folder), status.st_ino, status.st_mtime_ns, status.st_ctime_ns])
        return found

    def _as_left(self, full: str, stamp: list[Any]) -> bool:
        try:
            return _stamp(full, stamp[0]) == stamp
        except OSError:
            return False

    def _entries(self, output: Output) -> list[Entry]:
        found = entries_of(output.blob, self._store.blob)
        if isinstance(found, Digest):
            raise LostBlob(found)
        return found

    def _write(self, label: str, output: Output, known: dict[str, list[Any]]) -> dict[str, list[Any]]:
        place = f"{self._root}/{self.place(label)}"
        if os.path.islink(place) or not os.path.isdir(place):
            _remove(place)
            self._made.discard(place)
        fresh = self._make(place)
        if holds_folder(output):
            entries = self._entries(output)
            if not fresh:
                self._clear_way(place, entries)
            stamps = {entry.path: self._entry(place, entry, known.get(entry.path)) for entry in entries}
        else:
            name, data, path = self._value(output)
            full = os.path.join(place, name)
            stamps = {name: self._file(full, data, path, output.blob, 0o644)}
        if not fresh:
            self._remove_others(place, set(stamps))
        return stamps

    def _value(self, output: Output) -> tuple[str, bytes | None, str]:
        codec = codec_named(output.codec)
        path = self._store.path(output.blob) if output.size > INLINE else None
        if path is None or codec.show is not None:
            data = self._store.blob(output.blob)
            if data is None:
                raise LostBlob(output.blob)
            return (*codec.show(data), "") if codec.show else (codec.file, data, "")
        return codec.file, None, path

    def _entry(self, place: str, entry: Entry, known: list[Any] | None) -> list[Any]:
        full = os.path.join(place, entry.path)
        if (
            known is not None
            and known[0] == entry.digest
            and entry.mode not in (LINK, FOLDER)
            and self._as_left(full, known)
        ):
            mode = os.stat(full).st_mode & 0o777
            if (mode == 0o755) == (entry.mode == EXECUTABLE):
                return known
        if entry.mode == FOLDER:
            os.makedirs(full, exist_ok=True)
            return _stamp(full, None)
        self._make(os.path.dirname(full))
        if entry.mode == LINK:
            _remove(full)
            os.symlink(entry.target, full)
            return _stamp(full, None)
        assert entry.digest is not None
        path = self._store.path(entry.digest) if entry.size > INLINE else None
        data = None
        if path is None:
            data = self._store.blob(entry.digest)
            if data is None:
                raise LostBlob(entry.digest)
        return self._file(full, data, path or "", entry.digest, 0o755 if entry.mode == EXECUTABLE else 0o644)

    def _file(self, full: str, data: bytes | None, path: str, digest: Digest, mode: int) -> list[Any]:
        """Write one file beside its place, check what was copied, then rename it into place."""
        if os.path.isdir(full) and not os.path.islink(full):
            shutil.rmtree(full)  # anything else is replaced by the rename
        temporary = os.path.join(os.path.dirname(full), f".buildgraph-{os.getpid()}")  # short: a name may have 255 bytes
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            if data is not None:
                written = 0
                while written < len(data):
                    written += os.write(fd, data[written:] if written else data)
            else:
                self._copy(path, fd, digest)
            if mode == 0o755:
                os.fchmod(fd, mode)
            os.rename(temporary, full)
            status = os.fstat(fd)
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        return [digest, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]

    def _copy(self, path: str, fd: int, digest: Digest) -> None:
        hasher = Hasher()
        try:
            with open(path, "rb", buffering=0) as source:
                while piece := source.read(1 << 20):
                    hasher.write(piece)
                    view = memoryview(piece)
                    while view:
                        view = view[os.write(fd, view) :]
        except FileNotFoundError:
            raise LostBlob(digest) from None
        if hasher.digest() != digest:
            self._store.forget(digest)
            raise LostBlob(digest)

    def _make(self, folder: str) -> bool:
        """Make sure that `folder` exists; whether it is new."""
        if folder not in self._made:
            self._made.add(folder)
            try:
                os.mkdir(folder)
                return True
            except FileExistsError:
                if not os.path.isdir(folder):
                    raise
            except FileNotFoundError:
                os.makedirs(folder, exist_ok=True)
                return True
        return False

    def _clear_way(self, place: str, entries: Iterable[Entry]) -> None:
        """Remove what stands where a folder of the outputs belongs: nothing is ever written through a link."""
        folders = _folders_of(entry.path for entry in entries) | {entry.path for entry in entries if entry.mode == FOLDER}
        for folder in sorted(folders):
            full = os.path.join(place, folder)
            if os.path.islink(full) or not os.path.isdir(full):
                _remove(full)
                self._made.discard(full)

    def _remove_others(self, place: str, kept: set[str]) -> None:
        """Remove what is not an output: a target's folder holds its outputs and nothing else."""
        self._sweep(place, "", kept, _folders_of(kept) | kept)

    def _sweep(self, place: str, prefix: str, kept: set[str], folders: set[str]) -> None:
        pending = [prefix]
        while pending:
            here = pending.pop()
            with os.scandir(os.path.join(place, here)) as items:
                for item in list(items):
                    path = here + item.name
                    if item.is_dir(follow_symlinks=False):
                        if path in folders:
                            pending.append(path + "/")
                        else:
                            shutil.rmtree(item.path)
                    elif path not in kept:
                        os.unlink(item.path)

    def _in_the_way(self, label: str) -> str:
        """The first part of the path to the outputs of `label` that exists and is no folder."""
        path = ""
        for part in self.place(label).split("/"):
            path = f"{path}/{part}" if path else part
            if not os.path.isdir(os.path.join(self._root, path)):
                break
        return path

    def _unwritable(self, label: str, error: OSError) -> MachineError:
        free = ""
        try:
            status = os.statvfs(self._root)
            free = f"{status.f_bavail * status.f_frsize // 1024} KiB free"
        except OSError:
            free = "unknown"
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            return MachineError(
                f"the outputs of '{label}' have no place: something that is not a folder is in the way", code="BG251", where=self._in_the_way(label),
                why=f"outputs appear as files under {self.folder}/, which belongs to buildgraph", fix="move it away, then build again: results are kept in the store",
            )  # fmt: skip
        return MachineError(
            f"the outputs of '{label}' cannot be written: {error.strerror}", code="BG250", where=str(error.filename or self.place(label)), facts=(("disk", free),),
            why=f"outputs appear under {self.folder}/", fix="make room or correct the permissions, then build again: results are kept in the store",
        )  # fmt: skip


def _folders_of(paths: Iterable[str]) -> set[str]:
    """The folders that `paths` lie in, at all levels but the top."""
    folders = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    return folders


def _remove(path: str) -> None:
    """Remove whatever is at `path`, which may be nothing."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _stamp(full: str, digest: Digest | None) -> list[Any]:
    status = os.lstat(full)
    if stat.S_ISDIR(status.st_mode):
        return [digest, status.st_ino, 0, 0, 0]
    return [digest, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _settled(full: str, entry: Entry) -> list[Any]:
    """The stamp of an output where its action left it, once it has the permissions that every output has."""
    status = os.lstat(full)
    if stat.S_ISREG(status.st_mode):
        mode = 0o755 if entry.mode == EXECUTABLE else 0o644
        if status.st_mode & 0o7777 != mode:
            os.chmod(full, mode)
            status = os.lstat(full)
        return [entry.digest, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    return _stamp(full, entry.digest)


def link_farm(root: str, folder: str, files: Iterable[tuple[str, str]]) -> None:
    """A folder (relative to `root`) of symbolic links: each (name, path of the source relative to `root`)."""
    full = os.path.join(root, folder)
    if os.path.isdir(full):
        shutil.rmtree(full)
    for name, source in files:
        link = os.path.join(full, name)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(os.path.join(root, source), link)
