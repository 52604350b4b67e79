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
    if parts is None or parts[0] != request or parts[1] != surroundings():
        return None
    if parts[3] != environment_of(dict(os.environb), bytes(parts[2]).split(b"\0")):
        return None
    fd = os.open(f"{root}/{LOCK}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    here = os.getcwd()
    try:
        flock(fd, LOCK_SH | LOCK_NB)  # OSError when a build is running here
        os.chdir(root)
        rows = iter(parts[6].cast("q"))
        if not (_same(parts[4], os.stat, rows) and _same(parts[5], os.lstat, rows)):
            return None
        return bytes(parts[7]).decode()
    finally:
        os.chdir(here)
        os.close(fd)


def _same(names: memoryview, look: Callable[[bytes], os.stat_result], rows: Iterator[int]) -> bool:
    """Whether each path still is what its row says."""
    paths = bytes(names).split(b"\0") if names else []
    for path, ino, size, modified, changed, mode, device in zip(paths, *[rows] * WIDTH):  # noqa: B905 - both lists share the rows
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
