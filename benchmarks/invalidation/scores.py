"""Runs a tool over all edits and counts where it is stale, where it wastes work, and what it remembers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.edits import HIT, RUN, Edit
from benchmarks.invalidation.folder import age, environment, move, write

Prepare = Callable[[Path, Sequence[Edit]], None]
Build = Callable[[Path, Sequence[Edit], Mapping[str, str]], frozenset[str]]  # root, edits, environment -> packages that ran


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as its users set it up: `prepare` writes its files once, `build` asks it for every step."""

    name: str
    version: str  # the one that pip installs; empty for what is here already
    what: str  # it looks at, in a few words
    prepare: Prepare
    build: Build


@dataclass(frozen=True, slots=True)
class Score:
    """What a tool did: the packages that ran after their edit, after undoing it, and in a second checkout."""

    asked: tuple[Edit, ...]
    ran: frozenset[str]
    reverted: frozenset[str]
    moved: frozenset[str]

    @property
    def stale(self) -> list[str]:
        """Names of the edits that changed the result and were not noticed."""
        return [edit.name for edit in self.asked if edit.label == RUN and edit.package not in self.ran]

    @property
    def wasted(self) -> list[str]:
        """Names of the edits that changed nothing and ran all the same."""
        return [edit.name for edit in self.asked if edit.label == HIT and edit.package in self.ran]

    @property
    def revert(self) -> str:
        """Whether going back to what was built before is a hit, over the steps that ran in between."""
        return _share(len(self.ran & self.reverted), len(self.ran))

    @property
    def checkout(self) -> str:
        """Whether a second checkout hits, over all steps."""
        return _share(len(self.moved), len(self.asked))


def _share(ran: int, of: int) -> str:
    return "–" if of == 0 else "hit" if ran == 0 else "re-run" if ran == of else f"{ran} of {of} re-run"


class UnsoundError(Exception):
    """The tool did not do what every tool must: run everything first, and nothing when nothing changed."""


def score(tool: Tool, edits: Sequence[Edit], more: Mapping[str, str] = MappingProxyType({})) -> Score:
    """Build, build again, edit, build, undo, build, move, build; `more` is added to the environment. Raises UnsoundError, or CalledProcessError from the tool."""
    with tempfile.TemporaryDirectory(prefix="buildgraph-peers-") as name:
        root = Path(name) / "here"
        (root / "home").mkdir(parents=True)
        write(root, edits, after=False)
        tool.prepare(root, edits)
        age(root, 3600)
        everything = frozenset(edit.package for edit in edits)
        before, after = ({**environment(root, edits, after=after), **more} for after in (False, True))
        first = tool.build(root, edits, before)
        if first != everything:
            raise UnsoundError(f"did not run at first: {', '.join(sorted(everything - first))}")
        again = tool.build(root, edits, before)
        if again:
            raise UnsoundError(f"ran although nothing changed: {', '.join(sorted(again))}")
        write(root, edits, after=True)
        ran = tool.build(root, edits, after)
        write(root, edits, after=False)
        reverted = tool.build(root, edits, before)
        there = Path(name) / "there"
        move(root, there, edits)
        moved = tool.build(there, edits, {**environment(there, edits, after=False), **more})
        return Score(tuple(edits), ran, reverted, moved)
