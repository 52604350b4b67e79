"""The workspace's own modules in this very process: imported anew by each build, and out of everybody else's sight.

Workers are new processes and need none of this. Input components and the inline runner run in the coordinator, where a
module may be imported already: in an older version, or from another workspace that calls it the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import invalidate_caches
from types import ModuleType
from typing import Final

from buildgraph.execution.from_source import compile_from_source

_KEPT: Final = ("__main__", "buildgraph")
_SLACK: Final = 2.0  # seconds: the time of boot is known in whole ones


@contextmanager
def own_modules(root: str, *others: str) -> Iterator[None]:
    """Inside, modules are found from `root`, as they are on disk now; afterwards `sys.modules` is what it was.

    What lies in one of the `others` is imported anew as well.
    """
    compile_from_source()
    invalidate_caches()  # a file that is younger than the last look at its folder is found, too
    folders = tuple(f"{folder}/" for folder in (root, *others))
    before, path = _take_out(folders), list(sys.path)
    sys.path.insert(0, root)
    try:
        yield
    finally:
        sys.path[:] = path
        _take_out(folders)
        sys.modules.update(before)


def _take_out(folders: tuple[str, ...]) -> dict[str, ModuleType]:
    """Remove the modules below `folders` from `sys.modules`; they are returned."""
    found = {
        name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] not in _KEPT and _lies_in(module, folders)
    }
    for name in found:  # only now: a namespace package asks its parent where it lies
        del sys.modules[name]
    return found


def edited_since_start(folders: Iterable[str]) -> bool:
    """Whether a file behind an imported module below `folders` is as young as this process, so that it may have changed."""
    start, below = _started(), tuple(f"{folder}/" for folder in folders)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _KEPT and _lies_in(module, below) and (file := module.__dict__.get("__file__")):
            try:
                status = os.stat(file)
            except OSError:
                return True
            if max(status.st_mtime, status.st_ctime) > start - _SLACK:
                return True
    return False


def _started() -> float:
    """When this process began, in seconds since 1970."""
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    with open("/proc/stat", encoding="ascii") as file:
        boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    return boot + ticks / os.sysconf("SC_CLK_TCK")


def _lies_in(module: object, folders: tuple[str, ...]) -> bool:
    attributes = getattr(module, "__dict__", {})  # asks nothing of modules that make up attributes
    file = attributes.get("__file__")
    if file is None and (path := attributes.get("__path__")) is not None:
        try:
            file = next(iter(path), None)  # a namespace package
        except KeyError:  # whose parent is gone
            return False
    return isinstance(file, str) and file.startswith(folders) and "/site-packages/" not in file
