"""Finds the sources of packages installed in place: path files and the finders that build backends generate."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from buildgraph.digest import Digest


@dataclass(frozen=True, slots=True)
class InPlace:
    """Where code lies that is installed without being copied.

    `folders` are searched like the path itself; `modules` maps a dotted name to the place of that package or module,
    `namespaces` to the folders of a namespace package.
    """

    folders: tuple[str, ...]
    modules: dict[str, str]
    namespaces: dict[str, tuple[str, ...]]


def in_place(listings: Iterable[tuple[str, Iterable[str]]], read: Callable[[str], tuple[bytes, Digest]]) -> InPlace:
    """What the path files and generated finders of some folders, given with the names in each, add to the path."""
    folders: list[str] = []
    modules: dict[str, str] = {}
    namespaces: dict[str, tuple[str, ...]] = {}
    for folder, names in listings:
        for name in sorted(names):
            if not is_addition(name):
                continue
            try:
                content = read(f"{folder}/{name}")[0]
            except OSError:
                continue  # it vanished, or Python could not read it either
            if name.endswith(".py"):
                tables = _tables(content)
                modules.update({key: str(value) for key, value in tables.get("MAPPING", {}).items()})
                namespaces.update({key: tuple(value) for key, value in tables.get("NAMESPACES", {}).items()})
            else:
                folders += _folders(folder, content)
    return InPlace(tuple(dict.fromkeys(folders)), modules, namespaces)


def is_addition(name: str) -> bool:
    """Whether a file in a folder of installed packages adds to the path: a path file, or a generated finder."""
    return name.endswith(".pth") or (name.startswith("__editable__") and name.endswith("_finder.py"))


def _folders(folder: str, content: bytes) -> list[str]:
    """The folders that a path file names; its lines of code are not run."""
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    named = [line for line in lines if line and not line.startswith(("#", "import ", "import\t"))]
    paths = [os.path.normpath(os.path.join(folder, line)) for line in named]
    return [path for path in paths if os.path.isdir(path)]


def _tables(content: bytes) -> dict[str, dict[str, Any]]:
    """The literal dictionaries that a generated finder assigns at top level."""
    tables: dict[str, dict[str, Any]] = {}
    try:
        statements = ast.parse(content).body
    except (SyntaxError, ValueError):
        return tables
    for statement in statements:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        if isinstance(target, ast.Name):
            try:
                value = ast.literal_eval(statement.value)
            except (ValueError, TypeError):
                continue
            if isinstance(value, dict):
                tables[target.id] = value
    return tables
