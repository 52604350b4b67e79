"""Macros that compile C: plain functions that call rules, for any build file of this workspace to import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from buildgraph.rules import command, files

COMPILE = ["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-I."]
ROOT = Path(__file__).parent
_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def c_headers(folder: str) -> list[str]:
    """Each header of the folder as a target of its own, so that a source can depend on just those it includes."""
    return [files(header.name, srcs=[header.name]) for header in sorted((ROOT / folder).glob("*.h"))]


def c_object(folder: str, source: str) -> str:
    """The object file of one source. It depends on the headers it includes, directly or through others."""
    name = f"{Path(source).stem}.o"
    return command(
        name,
        argv=[*COMPILE, "-c", "$(in)", "-o", "$(out)"],
        srcs=[source],
        deps=[_label(header) for header in included(f"{folder}/{source}")],
        outs=[name],
    )


def c_library(name: str, *, folder: str) -> str:
    """A static library of every source in the folder; its headers become targets too."""
    c_headers(folder)
    objects = [c_object(folder, source.name) for source in sorted((ROOT / folder).glob("*.c"))]
    return command(name, argv=["ar", "rcsD", "$(out)", "$(in)"], srcs=objects, outs=[f"lib{name}.a"])


def c_binary(name: str, *, folder: str, srcs: Sequence[str], libraries: Sequence[str] = ()) -> str:
    """A program linked from its own sources and libraries, which come last."""
    objects = [c_object(folder, source) for source in srcs]
    return command(name, argv=["gcc", "-o", "$(out)", "$(in)"], srcs=[*objects, *libraries], outs=[name])


def c_test(name: str, *, program: str) -> str:
    """Runs a test program, which writes its report to the path it is given and fails if a check does."""
    return command(name, argv=[f"$(location {program})", "$(out)"], deps=[program], outs=["report.txt"])


def included(path: str) -> list[str]:
    """The workspace's headers that the file includes, directly or through others, sorted.

    The build file that asks relies on the text of all of them, so it is evaluated again after an edit of any.
    """
    found: set[str] = set()
    waiting = [path]
    while waiting:
        text = (ROOT / waiting.pop()).read_text(encoding="utf-8")
        fresh = set(_INCLUDE.findall(text)) - found
        found |= fresh
        waiting.extend(fresh)
    return sorted(found)


def _label(header: str) -> str:
    folder, _, name = header.rpartition("/")
    return f"//{folder}:{name}"
