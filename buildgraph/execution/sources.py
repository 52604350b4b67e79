"""Source files as the build sees them: identified by content, re-read only when their stat tuple says they may have changed.

A remembered digest is trusted only if the whole tuple (device, inode, size, mtime, ctime, mode) is the same and both
times are older than the moment of hashing by more than the file system's granularity; that moment is read from the
file system itself (a probe file), never from the clock. This is git's "racy" rule, with ctime added.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Protocol

from buildgraph.digest import Digest
from buildgraph.errors import MachineError, UsageError
from buildgraph.execution.globs import expand
from buildgraph.execution.trees import EXECUTABLE, FILE, Entry, manifests

Stamp = tuple[int, int, int, int, int, int]  # device, inode, size, mtime_ns, ctime_ns, mode
_ROW: Final = struct.Struct("<7q32s")
_SLACK: Final = 10_000_000  # ns: modern kernels stamp files at least every 4 ms


class Rows(Protocol):
    """Where digests are remembered between builds: keyed rows of bytes."""

    def get(self, key: bytes) -> bytes | None: ...
    def put(self, key: bytes, row: bytes) -> None: ...


class SourceTree(NamedTuple):
    """Files of the workspace as a tree: `folder` (relative to the workspace) and its entries."""

    folder: str
    entries: tuple[Entry, ...]
    digest: Digest

    @property
    def files(self) -> list[str]:
        """The files as paths relative to the workspace."""
        return [f"{self.folder}/{entry.path}" if self.folder else entry.path for entry in self.entries]


class Sources:
    """The source files of one build; each is looked at once, and again by `changed`."""

    def __init__(
        self,
        root: str,
        rows: Rows,
        *,
        now: Callable[[], int],
        is_package: Callable[[str], bool] = lambda _folder: False,
        skip: Iterable[str] = (),
    ) -> None:
        """`now` gives the file system's own time in ns; `is_package` says whether a folder is a package of its own.

        `skip` are absolute folders that no source comes from.
        """
        self.root = root
        self._is_package = is_package
        self._skip = tuple(skip)
        self._rows = rows
        self._now = now
        self._began = now()
        self._seen: dict[str, tuple[Stamp, Digest]] = {}
        self._walked: set[str] = set()

    def digest(self, path: str) -> tuple[Digest, int, bool]:
        """Digest, size and executable bit of the file at `path` (absolute, or relative to the workspace).

        Raises UsageError (BG050, BG051) when there is no such file or it is not a regular one.
        """
        seen = self._seen.get(path)
        if seen is None:
            seen = self._look(path)
        stamp, digest = seen
        return digest, stamp[2], bool(stamp[5] & 0o100)

    def read(self, path: str) -> tuple[bytes, Digest]:
        """Content and digest of a file; the content is read even when the digest is remembered."""
        full = os.path.join(self.root, path)
        with _opened(full, path) as fd:
            before = _stamp(os.fstat(fd))
            data = b""
            while piece := os.read(fd, 1 << 20):
                data += piece
        digest = Digest.of(data)
        self._seen[path] = (before, digest)
        return data, digest

    def looked(self) -> set[str]:
        """The files that were read or recognised, and what was looked at to find them; absolute or relative to the workspace."""
        return {*self._seen, *self._walked}

    @property
    def began(self) -> int:
        """When this build began, in ns of the file system's own time."""
        return self._began

    def changed(self, paths: Iterable[str]) -> list[str]:
        """Those of `paths` that are no longer what they were when this build looked at them."""
        found = []
        for path in paths:
            seen = self._seen.get(path)
            if seen is None:
                continue
            try:
                same = _stamp(os.stat(os.path.join(self.root, path))) == seen[0]
            except OSError:
                same = False
            if not same:
                found.append(path)
        return found

    def younger(self, paths: Iterable[str]) -> list[str]:
        """Those of `paths` that changed after this build began and before it read them: who ran then may have seen another."""
        found = ((path, self._seen.get(path)) for path in paths)
        return [path for path, seen in found if seen is not None and seen[0][4] > self._began]

    def select(self, folder: str, patterns: Iterable[str], exclude: Iterable[str], what: str, *, may_miss: bool = False) -> SourceTree:
        """The tree of the files below `folder` that `patterns` name and `exclude` does not. Raises UsageError."""
        full = os.path.join(self.root, folder) if folder else self.root
        files = expand(full, patterns, exclude, what=what, is_package=self._is_package, skip=self._skip, may_miss=may_miss, saw=self._walked.add)
        return self.tree(folder, files)

    def tree(self, folder: str, files: Iterable[str]) -> SourceTree:
        """The tree of `files`, which are relative to `folder`, which is relative to the workspace."""
        entries = []
        for file in sorted(set(files)):
            digest, size, executable = self.digest(f"{folder}/{file}" if folder else file)
            entries.append(Entry(file, EXECUTABLE if executable else FILE, digest, size))
        return SourceTree(folder, tuple(entries), manifests(entries)[0])

    def _look(self, path: str) -> tuple[Stamp, Digest]:
        full = os.path.join(self.root, path)
        try:
            status = os.stat(full)
        except OSError as error:
            raise _unreadable(path, error) from None
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_file(path)
        stamp = _stamp(status)
        key = os.fsencode(path)
        row = self._rows.get(key)
        if row is not None:
            *remembered, hashed_at, raw = _ROW.unpack(row)
            if tuple(remembered) == stamp and max(stamp[3], stamp[4]) + _SLACK < hashed_at:
                self._seen[path] = found = (stamp, Digest(raw))
                return found
        hashed_at = self._now()
        with _opened(full, path) as fd:
            stamp = _stamp(os.fstat(fd))
            digest, _ = Digest.of_descriptor(fd)
        self._rows.put(key, _ROW.pack(*stamp, hashed_at, digest))
        self._seen[path] = found = (stamp, digest)
        return found


def _stamp(status: os.stat_result) -> Stamp:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)


class _opened:  # noqa: N801 - reads as a verb where it is used
    """Opens a regular file without ever blocking on a FIFO or a device."""

    def __init__(self, full: str, shown: str) -> None:
        try:
            self.fd = os.open(full, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise _unreadable(shown, error) from None
        if not stat.S_ISREG(os.fstat(self.fd).st_mode):
            os.close(self.fd)
            raise _not_a_file(shown)

    def __enter__(self) -> int:
        return self.fd

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def _unreadable(path: str, error: OSError) -> UsageError | MachineError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return UsageError(
            f"there is no file '{path}'",
            code="BG050",
            why="a source must exist when the build starts",
            fix="create it, or correct the path in the build file",
        )
    return MachineError(
        f"'{path}' cannot be read: {error.strerror}",
        code="BG052",
        why="every source is hashed by content",
        fix="correct its permissions",
    )


def _not_a_file(path: str) -> UsageError:
    return UsageError(
        f"'{path}' is not a regular file",
        code="BG051",
        why="only the content of regular files can be hashed",
        fix="name a file, or a glob such as 'folder/**'",
    )
