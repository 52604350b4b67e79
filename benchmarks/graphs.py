"""Graphs of tiny targets: every target has a source file of its own and adds its number to the results of its parents.

A graph is plain data, the same for every tool; how a tool is told about it is in `peers/`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_FOLDER = 1000  # files in one
_DEPTH, _FAN_IN = 10, 3


@dataclass(frozen=True, slots=True)
class Graph:
    """The parents of each target, which come before it. `leaf` is a source with a large cone, `root` one with the smallest."""

    shape: str
    parents: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        return len(self.parents)

    @property
    def leaf(self) -> int:
        return max(range(min(self.size, self.size // _DEPTH + 1, 20)), key=lambda at: (self.cone([at]), -at))

    @property
    def root(self) -> int:
        return self.size - 1

    def cone(self, changed: list[int] | range) -> int:
        """How many targets the sources of `changed` reach: those targets and all that depend on them."""
        reached = set(changed)
        for target, parents in enumerate(self.parents):
            if not reached.isdisjoint(parents):
                reached.add(target)
        return len(reached)

    def some(self) -> range:
        """One source in a hundred, at least two: what another branch changes."""
        return range(self.size - 1, -1, -min(100, max(1, self.size // 2)))[: max(2, self.size // 100)]


def source(target: int) -> str:
    return f"src/{target // _FOLDER}/{target}.txt"


def output(target: int) -> str:
    return f"out/{target // _FOLDER}/{target}.txt"


def lay_out(graph: Graph, folder: Path, *, outputs: bool = False) -> None:
    """Write the sources; with `outputs` also the folders that commands write into."""
    for start in range(0, graph.size, _FOLDER):
        (folder / source(start)).parent.mkdir(parents=True)
        if outputs:
            (folder / output(start)).parent.mkdir(parents=True)
        for target in range(start, min(graph.size, start + _FOLDER)):
            (folder / source(target)).write_text(f"{target}\n")


def _layered(size: int) -> Graph:
    """Ten layers; each target needs three of the layer before, drawn with a fixed seed."""
    draw = random.Random(size)
    row = max(1, size // _DEPTH)
    return Graph("layered", tuple(
        () if at < row else tuple(sorted({(at // row - 1) * row + draw.randrange(row) for _ in range(_FAN_IN)})) for at in range(size)
    ))  # fmt: skip


def _chain(size: int) -> Graph:
    return Graph("chain", tuple((at - 1,) if at else () for at in range(size)))


def _diamond(size: int) -> Graph:
    """One diamond on top of the other: a target, two that need it, one that needs both."""
    return Graph("diamond", tuple(() if not at else (at - 2, at - 1) if at % 3 == 0 else ((at - 1) // 3 * 3,) for at in range(size)))


def _wide(size: int) -> Graph:
    """One target that all others need."""
    return Graph("wide", tuple((0,) if at else () for at in range(size)))


SHAPES: Mapping[str, Callable[[int], Graph]] = {"layered": _layered, "chain": _chain, "diamond": _diamond, "wide": _wide}
