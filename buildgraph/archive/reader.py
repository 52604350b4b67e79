"""The strict reader: takes nothing an archive says on trust, and leaves nothing behind when it refuses one.

Only archives in exactly the form of our own writer are read: metadata, manifest, then the members that the manifest
names, in its order. Files are created in a private folder that gets its name only when every digest has been verified.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from buildgraph.archive.manifest import (
    MANIFEST,
    MAX_MANIFEST,
    MAX_METADATA,
    METADATA,
    ArchiveInfo,
    Damage,
    Entry,
    Limits,
    check_total,
    parse_manifest,
    parse_metadata,
)
from buildgraph.archive.streams import GZIP_HEAD, ZSTD_HEAD, Stream, gunzipped, plain, unreadable, unzstd
from buildgraph.archive.tar import TarReader
from buildgraph.archive.zip import ZipReader
from buildgraph.digest import Digest, Hasher
from buildgraph.errors import MachineError, UsageError, VerificationError

DEFAULT_LIMITS: Final = Limits()


def inspect(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> ArchiveInfo:
    """The metadata and manifest of the archive at `path`; reads only its beginning, and none of its members."""
    with _Opened(path) as opened:
        return opened.head(limits)


def iterate(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[Entry, bytes]]:
    """Each member of the archive at `path` with its verified bytes; the whole archive has been checked when it ends."""
    with _Opened(path) as opened:
        for entry in opened.head(limits).members:
            yield entry, b"".join(opened.verified(entry))
        opened.finish()


def read_member(path: str | os.PathLike[str], name: str, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The verified bytes of the member called `name`; reads the archive no further than there. Raises UsageError."""
    with _Opened(path) as opened:
        members = opened.head(limits).members
        if all(entry.path != name for entry in members):
            from buildgraph.errors import nearest  # only on the way out

            known = [entry.path for entry in members]
            raise UsageError(
                f"the archive has no member '{name}'", code="BG420", where=os.fspath(path),
                fix=nearest(name, known) or f"it has {', '.join(known[:5]) or 'none'}",
            )  # fmt: skip
        for entry in members:
            if entry.path == name:
                return b"".join(opened.verified(entry))
            for _ in opened.content(entry):
                pass
    raise AssertionError("the name is among the members")


def unpack(
    path: str | os.PathLike[str], folder: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS
) -> ArchiveInfo:
    """Writes the members of the archive at `path` into `folder`, which must not exist yet or be empty.

    Raises VerificationError when anything about the archive is not as it should be; then `folder` is as it was before.
    """
    where = os.path.abspath(folder)
    _check_destination(where)
    with _Opened(path) as opened:
        info = opened.head(limits)
        private = os.path.join(os.path.dirname(where), f".unpack-{os.urandom(8).hex()}.tmp")
        try:
            os.mkdir(private, 0o700)
            try:
                inner = os.path.join(private, "content")
                os.mkdir(inner)
                with _Tree(inner) as tree:
                    for entry in info.members:
                        tree.add(entry, opened.verified(entry))
                    opened.finish()
                _sync(inner, info.members)
                os.rename(inner, where)
                os.rmdir(private)
            except BaseException:
                from shutil import rmtree  # only on the way out

                rmtree(private, ignore_errors=True)
                raise
            _sync_one(os.path.dirname(where), os.O_DIRECTORY)
        except OSError as error:
            raise MachineError(
                f"the archive cannot be unpacked into '{where}'", code="BG409", where=os.fspath(path),
                why=error.strerror or str(error), fix="make room there, or choose another folder",
            ) from error  # fmt: skip
    return info


class _Opened:
    """An open archive: knows which member is being read, and turns damage there into the error that says so."""

    __slots__ = ("_archive", "_current", "_fd", "_format", "_path", "_size")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._current = ""

    def __enter__(self) -> _Opened:
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a named pipe must not stop us
        except OSError as error:
            raise unreadable(self._path, error) from error
        try:
            found = os.fstat(self._fd)
            if not stat.S_ISREG(found.st_mode):
                raise Damage("BG410", "is not a plain file")
            self._size = found.st_size
            self._archive, self._format = _container(self._fd, self._path)
        except BaseException as error:
            os.close(self._fd)
            self._explain(error)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        os.close(self._fd)
        if error is not None:
            self._explain(error)

    def _explain(self, error: BaseException) -> None:
        if isinstance(error, Damage):
            subject = f"its member '{self._current}'" if self._current else "it"
            fix = "get it again from where it was built, or build it again"
            if error.code == "BG416":
                fix = "if you trust where it comes from, unpack it with higher limits"
            raise VerificationError(
                f"the archive is refused: {subject} {error.problem}", code=error.code, where=self._path,
                why="an archive is read only if it is exactly as buildgraph wrote it: nothing in it can surprise",
                fix=fix,
            ) from None  # fmt: skip

    def head(self, limits: Limits) -> ArchiveInfo:
        """Reads metadata and manifest; comes first."""
        archive = self._archive
        self._current = METADATA.decode()
        about = archive.head(METADATA, MAX_METADATA)
        metadata = parse_metadata(about)
        self._current = MANIFEST.decode()
        manifest = archive.head(MANIFEST, MAX_MANIFEST)
        digest, members = parse_manifest(manifest, limits)
        check_total(members, self._size, limits)
        if digest != Digest.of(about):
            raise Damage("BG415", f"names another digest for {METADATA.decode()} than its content has")
        self._current = ""
        return ArchiveInfo(metadata, members, Digest.of(manifest), self._format)

    def content(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of `entry`, which must be the next member, in pieces; not verified yet."""
        self._current = entry.path
        yield from self._archive.member(entry.raw, entry.size, executable=entry.executable)

    def verified(self, entry: Entry) -> Iterator[bytes]:
        """As `content`; raises at the end when the bytes were not those of the digest in the manifest."""
        hasher = Hasher()
        for piece in self.content(entry):
            hasher.write(piece)
            yield piece
        if hasher.digest() != entry.digest:
            raise Damage("BG415", f"has the digest {hasher.digest()}, and the manifest says {entry.digest}")

    def finish(self) -> None:
        """Demands that nothing follows the last member."""
        self._current = ""
        self._archive.finish()


def _container(fd: int, path: str) -> tuple[TarReader | ZipReader, str]:
    """The reader for the archive in the open file `fd`, told by how it begins, whatever its name is."""
    start = os.pread(fd, 512, 0)
    if start[:2] == GZIP_HEAD[:2]:
        return TarReader(Stream(gunzipped(fd, path))), "tar.gz"
    if start[:4] == ZSTD_HEAD[:4]:
        return TarReader(Stream(unzstd(fd, path))), "tar.zst"
    if start[:4] == b"PK\3\4":
        return ZipReader(Stream(plain(fd, path))), "zip"
    if start[257:262] == b"ustar":
        return TarReader(Stream(plain(fd, path))), "tar"
    raise Damage("BG410", "is empty" if not start else "is neither tar, tar.gz, tar.zst nor zip")


def _check_destination(folder: str) -> None:
    try:
        found = os.lstat(folder)
        free = stat.S_ISDIR(found.st_mode) and not os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise MachineError(
            f"'{folder}' cannot be looked at", code="BG409", where=folder,
            why=error.strerror or str(error), fix="choose another folder",
        ) from error  # fmt: skip
    if not free:
        raise UsageError(
            f"'{folder}' is there already", code="BG408", where=folder,
            why="an archive is unpacked into a folder of its own, so that nothing of yours is overwritten",
            fix="name a folder that does not exist yet, or an empty one",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Folder:
    name: bytes
    fd: int


class _Tree:
    """Creates files below one folder, through descriptors, so that no name is looked up twice or through a link."""

    __slots__ = ("_root", "_stack")

    def __init__(self, folder: str) -> None:
        self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._stack: list[_Folder] = []  # those around the member before: sorted paths keep a folder's members together

    def __enter__(self) -> _Tree:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave(0)
        os.close(self._root)

    def _leave(self, depth: int) -> None:
        while len(self._stack) > depth:
            os.close(self._stack.pop().fd)

    def add(self, entry: Entry, pieces: Iterator[bytes]) -> None:
        *folders, name = entry.raw.split(b"/")
        same = 0
        while same < min(len(self._stack), len(folders)) and self._stack[same].name == folders[same]:
            same += 1
        self._leave(same)
        for folder in folders[same:]:
            here = self._here()
            os.mkdir(folder, 0o755, dir_fd=here)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            self._stack.append(_Folder(folder, fd))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(name, flags, 0o755 if entry.executable else 0o644, dir_fd=self._here())
        try:
            for piece in pieces:
                done = os.write(fd, piece)
                while done < len(piece):
                    done += os.write(fd, memoryview(piece)[done:])
        finally:
            os.close(fd)

    def _here(self) -> int:
        return self._stack[-1].fd if self._stack else self._root


def _sync(root: str, members: tuple[Entry, ...]) -> None:
    """Puts everything below `root` on the disk. Comes after all files are written, when most of it is there already."""
    base = os.fsencode(root)
    folders = {base}
    for entry in members:
        path = os.path.join(base, entry.raw)
        _sync_one(path, 0)
        while (path := os.path.dirname(path)) not in folders:
            folders.add(path)
    for folder in folders:
        _sync_one(folder, os.O_DIRECTORY)


def _sync_one(path: str | bytes, flags: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
