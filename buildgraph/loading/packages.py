"""Finds packages: the folders of a workspace that hold a build file."""

from __future__ import annotations

import os
from collections.abc import Callable

from buildgraph.errors import Place, UsageError
from buildgraph.label import join, resolve
from buildgraph.loading.workspace import BUILD_FILE, GRAPH_FILE, MARKER

_SKIPPED = frozenset(("__pycache__", "node_modules"))


def discover(root: str, below: str = "", saw: Callable[[str], object] = lambda _folder: None) -> list[str]:
    """The paths of all packages in and below the folder `below`, sorted; [] when there is no such folder.

    Left out: names starting with a dot, `build` at the root, __pycache__, node_modules, virtual environments,
    workspaces of their own, and folders that are symbolic links. `saw` is called with every folder that was listed.
    """
    found: list[str] = []
    waiting = [below]
    while waiting:
        path = waiting.pop()
        saw(path)
        folders: list[str] = []
        names: set[str] = set()
        try:
            with os.scandir(os.path.join(root, path)) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    else:
                        names.add(entry.name)
        except OSError:
            continue  # unreadable or vanished: whoever asks for a package in it is told
        if path and (MARKER in names or "pyvenv.cfg" in names):
            continue
        if BUILD_FILE in names or GRAPH_FILE in names:
            found.append(path)
        waiting += [f"{path}/{name}" if path else name for name in folders if not is_skipped(name, at_root=not path)]
    return sorted(found)


def is_skipped(name: str, *, at_root: bool) -> bool:
    """Whether folders called `name` are never packages, nor hold any."""
    return name.startswith(".") or name in _SKIPPED or (at_root and name == "build")


def build_file_of(root: str, package: str) -> str | None:
    """The workspace-relative build file of `package`, or None when there is none. Raises UsageError (BG011, BG017)."""
    parts = package.split("/") if package else []
    folder = root
    for depth, part in enumerate(parts):
        folder = f"{folder}/{part}"
        if is_skipped(part, at_root=not depth) or os.path.islink(folder) or os.path.lexists(f"{folder}/{MARKER}"):
            return None
    found = [name for name in (BUILD_FILE, GRAPH_FILE) if os.path.isfile(f"{folder}/{name}")]
    if not found:
        return None
    resolve(join(package, "x"))  # a folder whose name cannot be part of a label
    files = [f"{package}/{name}" if package else name for name in found]
    if len(files) == 2:
        raise UsageError(
            f"package '//{package}' has two build files",
            code="BG017",
            where=tuple(Place(file) for file in files),
            why="a package is described in one place",
            fix=f"keep one of them, or move {GRAPH_FILE} into a folder of its own",
        )
    return files[0]
