"""Finds the workspace: the root folder that labels and relative paths start from."""

from __future__ import annotations

import os
import re
from typing import Final

from buildgraph.errors import UsageError

MARKER: Final = "buildgraph.toml"
BUILD_FILE: Final = "BUILD.py"
GRAPH_FILE: Final = "graph.yml"
_TABLE: Final = re.compile(rb"^\s*\[\s*tool\s*\.\s*buildgraph\s*[\].]", re.MULTILINE)


def find_root(start: str) -> str:
    """The root of the workspace around the folder `start`, absolute. Raises UsageError (BG012).

    The nearest folder upwards with buildgraph.toml or a [tool.buildgraph] table in pyproject.toml; without one, the
    nearest folder with a build file, continued upwards while the parent has one too.
    """
    start = os.path.abspath(start)
    folders = [start]
    while (parent := os.path.dirname(folders[-1])) != folders[-1]:
        folders.append(parent)
    for folder in folders:
        if is_marked(folder):
            return folder
    for at, folder in enumerate(folders):
        if has_build_file(folder):
            while at + 1 < len(folders) and has_build_file(folders[at + 1]):
                at += 1
            return folders[at]
    raise UsageError(
        "there is no workspace here",
        code="BG012",
        where=start,
        facts=(("looked in", ", ".join(folders)),),
        why=f"a workspace has a {MARKER}, a pyproject.toml with [tool.buildgraph], or a {BUILD_FILE}",
        fix="run `buildgraph init` in the folder that shall be its root",
    )


def is_marked(folder: str) -> bool:
    """Whether `folder` says of itself that it is the root of a workspace."""
    return os.path.isfile(os.path.join(folder, MARKER)) or has_table(os.path.join(folder, "pyproject.toml"))


def has_table(path: str) -> bool:
    """Whether the pyproject.toml at `path` has a [tool.buildgraph] table."""
    try:
        with open(path, "rb") as file:
            return _TABLE.search(file.read()) is not None
    except OSError:
        return False


def has_build_file(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, BUILD_FILE)) or os.path.isfile(os.path.join(folder, GRAPH_FILE))
