"""Globs over source files: `*` and `?` within a name, `**` over folders; never across the border of another package."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from buildgraph.errors import MachineError, UsageError

_SKIPPED = frozenset(("__pycache__", "node_modules"))


def is_glob(text: str) -> bool:
    return any(c in text for c in "*?[")


def _prefix(what: str) -> str:
    return f"'{what}': " if what else ""


def check_path(text: str, what: str) -> str:
    """`text` if it is a path below the package folder. Raises UsageError (BG053)."""
    if text.startswith("/") or ".." in text.split("/") or not text or "\0" in text:
        raise UsageError(
            f"{_prefix(what)}'{text}' leads out of its package", code="BG053", why="a source is written relative to the folder of its build file",
            fix="move the file, or declare `files` in the package that holds it and use its label",
        )  # fmt: skip
    return os.path.normpath(text)


def expand(
    folder: str,
    patterns: Iterable[str],
    exclude: Iterable[str],
    *,
    what: str,
    is_package: Callable[[str], bool],
    skip: Iterable[str] = (),
    may_miss: bool = False,
    saw: Callable[[str], object] = lambda _path: None,
) -> list[str]:
    """The files below `folder` (absolute) that `patterns` name and `exclude` does not, relative and sorted.

    A pattern without a wildcard names one file, or a folder and with it everything below. `is_package` gets an
    absolute folder; `skip` are absolute folders never entered; with `may_miss` a plain path need not exist.
    `saw` is called with every absolute path that was looked at and is no file found. Raises UsageError (BG050, BG053).
    """
    skipped = frozenset(skip)
    unwanted = [_regex(check_path(pattern, what)) for pattern in exclude]
    found: set[str] = set()
    for written in patterns:
        pattern = check_path(written, what)
        full = os.path.join(folder, pattern)
        if not is_glob(pattern):
            saw(full)
            if os.path.isdir(full):
                found.update(_walk(folder, pattern, None, is_package, skipped, saw))
            elif os.path.lexists(full):
                found.add(pattern)
            elif not may_miss:
                raise UsageError(
                    f"{_prefix(what)}there is no file '{written}'",
                    code="BG050",
                    why="a path without a wildcard must exist",
                    fix="create it, correct the path, or use a glob",
                )
            continue
        fixed = pattern.split("/")
        depth = next(i for i, part in enumerate(fixed) if is_glob(part))
        start = "/".join(fixed[:depth])
        limit = len(fixed) - depth if "**" not in fixed else None
        saw(os.path.join(folder, start))
        if os.path.isdir(os.path.join(folder, start)):
            match = _regex(pattern)
            found.update(path for path in _walk(folder, start, limit, is_package, skipped, saw) if match.fullmatch(path))
    return sorted(path for path in found if not any(regex.fullmatch(path) for regex in unwanted))


def _walk(
    folder: str, start: str, limit: int | None, is_package: Callable[[str], bool], skipped: frozenset[str],
    saw: Callable[[str], object],
) -> Iterable[str]:
    """Files below `start`, at most `limit` levels down; hidden ones, caches and other packages left out."""
    pending = [(start, 1)]
    while pending:
        where, level = pending.pop()
        here = os.path.join(folder, where) if where else folder
        saw(here)
        if here in skipped or (where != "" and is_package(here)):
            continue
        with _listed(here, where) as items:
            for item in items:
                name = item.name
                if name.startswith(".") or name in _SKIPPED:
                    continue
                path = f"{where}/{name}" if where else name
                if item.is_dir(follow_symlinks=False):
                    if limit is None or level < limit:
                        pending.append((path, level + 1))
                elif item.is_symlink() and item.is_dir():
                    saw(item.path)
                else:
                    yield path


def _listed(folder: str, shown: str) -> Any:  # an iterator of os.DirEntry and a context manager
    try:
        return os.scandir(folder)
    except OSError as error:
        raise MachineError(
            f"the folder '{shown or '.'}' cannot be read: {error.strerror}", code="BG052", why="every source is found by listing its folder",
            fix="correct its permissions",
        ) from None  # fmt: skip


@lru_cache(maxsize=4096)  # a pure function of its argument
def _regex(pattern: str) -> re.Pattern[str]:
    segments = pattern.split("/")
    parts = []
    for i, segment in enumerate(segments):
        last = i == len(segments) - 1
        if segment == "**":
            parts.append(".*" if last else "(?:[^/]+/)*")
        else:
            parts.append(_segment(segment) + ("" if last else "/"))
    return re.compile("".join(parts), re.DOTALL)


def _segment(text: str) -> str:
    """One name of a pattern as a regular expression: `*`, `?`, `[abc]` and `[!abc]`."""
    out, i = "", 0
    while i < len(text):
        char = text[i]
        close = text.find("]", i + 2) if char == "[" else -1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif close > 0:
            body = text[i + 1 : close].replace("\\", "\\\\").replace("[", "\\[")
            out += "[^" + body[1:] + "]" if body[0] == "!" else "[" + body.replace("^", "\\^") + "]"
            i = close
        else:
            out += re.escape(char)
        i += 1
    return out
