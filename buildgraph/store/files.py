"""Large blobs as files: named `<digest>-<random>` so that a late unlink never hits a blob that was put again."""

from __future__ import annotations

import os

from buildgraph.digest import Digest
from buildgraph.errors import VerificationError


class BlobFiles:
    """The folder `blobs/` of a store. Files appear by rename, read-only and synced; `settle` syncs the folders once."""

    __slots__ = ("_dirty", "root")

    def __init__(self, root: str) -> None:
        self.root = root
        self._dirty: set[str] = set()

    def place(self, digest: Digest, suffix: str) -> str:
        name = digest.hex()
        return f"{self.root}/{name[:2]}/{name}-{suffix}"

    def take(self, path: str, digest: Digest) -> str:
        """Move the finished file at `path` in; the random suffix of its new name comes back. Raises OSError."""
        suffix = os.urandom(4).hex()
        target = self.place(digest, suffix)
        os.chmod(path, 0o444)
        sync_path(path)
        try:
            os.rename(path, target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
            os.rename(path, target)
            self._dirty.add(self.root)
        self._dirty.add(os.path.dirname(target))
        return suffix

    def settle(self) -> None:
        """Make the names of all files taken so far durable. Raises OSError."""
        for folder in sorted(self._dirty):
            sync_path(folder)
        self._dirty.clear()


def sync_path(path: str) -> None:
    """fsync a file or a folder."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_file(path: str, data: bytes) -> None:
    """Make the new file `path` with `data` in it; it must not exist. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
    finally:
        os.close(fd)


def size_of(path: str) -> int:
    """Size of the file at `path`, or -1 when there is none."""
    try:
        return os.lstat(path).st_size
    except OSError:
        return -1


def read_file(path: str) -> bytes | None:
    """The bytes of the file at `path`, or None when it cannot be read: to a store that is a miss."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return None


def check_size(path: str, digest: Digest, size: int) -> None:
    """Raise VerificationError (BG307) unless the file at `path` is as long as its writer says."""
    found = size_of(path)
    if found != size:
        raise VerificationError(
            "a file changed while it was handed to the store", code="BG307", where=path,
            facts=(("digest", str(digest)), ("expected", f"{size} bytes"), ("found", f"{found} bytes")),
            why="a blob is stored under the digest of the bytes that were written", fix="build again",
        )  # fmt: skip
