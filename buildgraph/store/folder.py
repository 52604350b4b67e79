"""The folder of a store: whose it is, whether it is a store at all, and the private corner for files in the making."""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

from buildgraph.errors import StoreError
from buildgraph.store.marker import FORMAT, format_of, read_marker

_OURS: Final = ("STORE", "blobs", "corrupt-", "gate.lock", "index", "tmp", "users.lock")
_FOLDERS: Final = ("blobs", "tmp")


def prepare(path: str, *, read_only: bool) -> str:
    """The real path of the store folder to use, made (0700) if need be. Raises StoreError (BG300, BG301, BG302).

    A store of a newer format is left alone: ours then lives in a folder of its own inside it.
    """
    if sys.maxsize < 1 << 32:
        raise _unusable("it needs a 64-bit Python", path)
    root = os.path.realpath(path)
    _make(root, read_only=read_only)
    _check_owner(root, read_only=read_only)
    fields = read_marker(f"{root}/STORE")
    if fields is None:
        foreign = sorted(name for name in os.listdir(root) if not name.startswith(_OURS))
        if foreign or read_only:
            what = f"it holds '{foreign[0]}'" if foreign else "it is empty"
            raise StoreError(
                f"'{root}' is not a store: {what}", code="BG302", where=root, why="a store is a folder of its own",
                fix="name a new folder, or one that a build has used as its store",
            )  # fmt: skip
        os.chmod(root, 0o700)
    elif format_of(fields) > FORMAT:
        root = f"{root}/v{FORMAT}"
        _make(root, read_only=read_only)
    if not read_only:
        for name in _FOLDERS:
            _make(f"{root}/{name}", read_only=False)
    return root


def make_scratch(root: str | None) -> str:
    """A new folder `<boot>-<pid>-<n>` in `tmp/` of a store, or a temporary one without a store. Raises OSError."""
    if root is None:
        import tempfile  # slow to import, and only needed when the store cannot be written

        return tempfile.mkdtemp(prefix="buildgraph-")
    stem, count = f"{root}/{_FOLDERS[1]}/{_boot()}-{os.getpid()}", 0
    while True:
        try:
            os.mkdir(f"{stem}-{count}", 0o700)
            return f"{stem}-{count}"
        except FileExistsError:
            count += 1


def _boot() -> str:
    """Names this run of the machine, so that whoever cleans up knows whose folder it was."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read(8).decode()
    except OSError:
        return "unknown"


def _make(path: str, *, read_only: bool) -> None:
    try:
        if not read_only:
            os.makedirs(path, mode=0o700, exist_ok=True)
        if not os.path.isdir(path):
            raise _unusable("there is no such folder", path)
    except OSError as error:
        raise _unusable(str(error.strerror), path) from error


def _check_owner(root: str, *, read_only: bool) -> None:
    status = os.stat(root)
    trusted = {os.geteuid(), 0} if read_only else {os.geteuid()}
    if status.st_uid not in trusted or stat.S_IMODE(status.st_mode) & 0o022:
        problem = "belongs to another user" if status.st_uid not in trusted else "can be written by other users"
        raise StoreError(
            f"the store {problem}", code="BG301", where=root,
            why="whoever writes there decides what your builds produce",
            fix=f"chmod 700 {root}" if status.st_uid in trusted else "name a folder of your own with --store",
        )  # fmt: skip


def _unusable(problem: str, path: str) -> StoreError:
    return StoreError(
        f"the store cannot be used: {problem}", code="BG300", where=path, why="results are kept there between builds",
        fix="name a folder that can be written with --store",
    )  # fmt: skip
