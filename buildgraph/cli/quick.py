"""The way of an unchanged build: compares the facts of a standing answer and says it again, importing next to nothing.

Whatever it is not sure of, it leaves to the full command line.
"""

from __future__ import annotations

import os
import sys
import time

from buildgraph.facts import LOCK, WIDTH, environment_of, file_of, request_of, surroundings, unpack

TYPE_CHECKING = False  # importing typing would cost as much as starting Python
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 1 << 14  # bytes of paths that are taken apart at once: it bounds memory
_MANY = 6000  # facts from which on a second process is worth its start


def answer(words: list[str]) -> bool:
    """Answer the command line `words` if its answer stands, and say so; False leaves it to the full command line."""
    started = time.perf_counter()
    asked = _parsed(words)
    if asked is None:
        return False
    kind, quiet, folder, store, labels = asked
    try:
        start = os.path.abspath(folder or os.getcwd())
        request = request_of(kind, start, os.path.abspath(store) if store else "", labels)
        found = _found(start, file_of(request))
        if found is None:
            return False
        text = _standing(*found, request)
    except (OSError, ValueError):
        return False
    if text is None:
        return False
    before, _, after = text.partition("\0")
    if not quiet:
        seconds = time.perf_counter() - started
        said = f"{round(seconds, 3)}" if kind == "json" else f"{seconds:.2f}"
        sys.stdout.write(f"{before}{said}{after}")
    return True


def _parsed(words: list[str]) -> tuple[str, bool, str, str, list[str]] | None:
    """Kind, quiet, folder, store and labels of a plain `build`; None for any other command line."""
    kind, quiet, command = "text", False, False
    named = {"-C": "", "--store": ""}
    labels: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in named:
            value = next(rest, "")
            if not value or named[word]:
                return None
            named[word] = value
        elif word in ("-q", "--quiet"):
            quiet = True
        elif word == "--json" and command:
            kind = "json"
        elif not word or (word[0] == "-" and word[:2] != "-:" and word[:3] != "-//"):
            return None
        elif command:
            labels.append(word)
        elif word == "build":
            command = True
        else:
            return None
    # an excluded label is put behind the others by the full command line
    labels.sort(key=lambda label: label[0] == "-")
    return (kind, quiet and kind == "text", named["-C"], named["--store"], labels) if command else None


def _found(start: str, name: str) -> tuple[str, bytes] | None:
    """The nearest folder upwards where an answer of that name stands, and its content."""
    folder = start
    while True:
        try:
            fd = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            parent = os.path.dirname(folder)
            if parent == folder:
                return None
            folder = parent
            continue
        try:
            size = os.fstat(fd).st_size
            return folder, os.read(fd, size + 1)
        finally:
            os.close(fd)


def _standing(root: str, data: bytes, request: bytes) -> str | None:
    """The answer to `request` in `data`, if all facts of the workspace `root` are as they were."""
    from fcntl import LOCK_NB, LOCK_SH, flock

    parts = unpack(data)
    if parts is None or data[parts[0]] != request or data[parts[1]] != surroundings():
        return None
    if data[parts[3]] != environment_of(dict(os.environb), data[parts[2]].split(b"\0")):
        return None
    fd = os.open(f"{root}/{LOCK}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    here = os.getcwd()
    try:
        flock(fd, LOCK_SH | LOCK_NB)  # OSError when a build is running here
        os.chdir(root)
        return data[parts[7]].decode() if _holds(data, parts) else None
    finally:
        os.chdir(here)
        os.close(fd)


def _holds(data: bytes, parts: list[slice]) -> bool:
    """Whether every fact in `data` is as it was; half of many are left to a second process, as threads would not help."""
    if parts[6].stop - parts[6].start < _MANY * WIDTH * 8 or len(os.sched_getaffinity(0)) < 2:
        return _share(data, parts, 0, 1)
    other = os.fork()
    if not other:
        same = False
        try:
            same = _share(data, parts, 1, 2)
        finally:
            os._exit(not same)
    same = False
    try:
        same = _share(data, parts, 0, 2)
    finally:
        if not same:
            os.kill(other, 9)
        status = os.waitpid(other, 0)[1]
    return same and status == 0


def _share(data: bytes, parts: list[slice], share: int, shares: int) -> bool:
    """Whether the facts in every `shares`-th block, from the block `share` on, are as they were."""
    rows = memoryview(data)[parts[6]].cast("q")
    number = at = 0
    for part, look in ((parts[4], os.stat), (parts[5], os.lstat)):
        start = part.start
        while start < part.stop:
            end = data.find(b"\0", start + _BLOCK, part.stop)
            end = part.stop if end < 0 else end
            paths = data[start:end].split(b"\0")
            if number % shares == share and not _same(paths, look, iter(rows[at : at + len(paths) * WIDTH])):
                return False
            at += len(paths) * WIDTH
            number += 1
            start = end + 1
    return at == len(rows)


def _same(paths: list[bytes], look: Callable[[bytes], os.stat_result], rows: Iterator[int]) -> bool:
    """Whether each path still is what its row says."""
    for path, ino, size, modified, changed, mode, device in zip(paths, *[rows] * WIDTH):  # noqa: B905 - rows has a row for each
        try:
            now = look(path)
        except (FileNotFoundError, NotADirectoryError):
            if mode:
                return False
            continue
        if (
            now.st_mtime_ns != modified or now.st_ctime_ns != changed or now.st_size != size or now.st_ino != ino
            or now.st_mode != mode or now.st_dev != device
        ):  # fmt: skip
            return False
    return True
