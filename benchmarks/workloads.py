"""What is built and edited: a graph of tiny targets, the C library of the examples, the intent classifier of the examples.

A workload is a list of edits, each applied to a folder in place, and the entrants that build that folder. Edits follow
each other in one folder: what one changed stays changed, and `revert` and `back` undo what is named before them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import peers
from benchmarks.graphs import Graph, source
from benchmarks.measuring import Run
from benchmarks.peers import ours

EXAMPLES = Path(__file__).parent.parent / "rules" / "examples"
_EDITS = ("none", "touch", "comment", "leaf", "revert", "root", "branch", "back")


@dataclass(frozen=True, slots=True)
class Entrant:
    """One tool in one workload. `kind` is what its targets are; ratios are to ours of the same kind."""

    name: str
    kind: str
    version: str
    prepare: Callable[[Path], None]
    argv: Sequence[str]
    environment: Mapping[str, str]
    look: Callable[[Path], Mapping[str, int]]  # what `ran` compares with, taken before a run
    ran: Callable[[Run, Mapping[str, int], Path], int]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change and how many targets it reaches; None where nobody has counted."""

    name: str
    cone: int | None
    apply: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Workload:
    """What one contest is about. `missing` says why a tool is not in it."""

    name: str
    targets: int
    edits: tuple[Edit, ...]
    entrants: tuple[Entrant, ...]
    missing: Mapping[str, str] = field(default_factory=dict)


# ---- graphs ---------------------------------------------------------------------------------------------------------


def of_graph(graph: Graph, tools: Path, among: Sequence[peers.Peer]) -> Workload:
    """The tools of `among` that are on this machine, on one graph."""
    entrants, missing = [], {}
    for peer in among:
        version = peers.version(peer, tools)
        if version is None:
            missing[peer.name] = "MISSING: not on this machine"
            continue
        entrants.append(_entrant(peer, graph, tools, version))
    return Workload(graph.shape, graph.size, _edits(graph), tuple(entrants), missing)


def _entrant(peer: peers.Peer, graph: Graph, tools: Path, version: str) -> Entrant:
    def ran(run: Run, before: Mapping[str, int], folder: Path) -> int:
        return peer.ran(run.output) if peer.ran else changed(before, peers.times(graph, folder))

    path = {"PATH": f"{tools / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    argv = (peers.program(peer, tools) or peer.argv[0], *peer.argv[1:])
    look: Callable[[Path], Mapping[str, int]] = (lambda _: {}) if peer.ran else partial(peers.times, graph)
    return Entrant(peer.name, peer.kind, version, partial(peers.prepare, peer, graph), argv, {**path, **peer.environment}, look, ran)


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> int:
    """How many outputs have a new time."""
    return sum(before.get(name) != time for name, time in after.items())


def _edits(graph: Graph) -> tuple[Edit, ...]:
    leaf, root, some = source(graph.leaf), source(graph.root), graph.some()
    of_leaf, of_root, of_some = graph.cone([graph.leaf]), graph.cone([graph.root]), graph.cone(some)
    numbers = {source(at): f"{at}\n" for at in some}
    others = {path: f"1{text}" for path, text in numbers.items()}
    return (
        Edit("none", 0, write({})),
        Edit("touch", 0, lambda folder: os.utime(folder / leaf)),
        Edit("comment", of_leaf, write({leaf: f"{graph.leaf}\n# a comment\n"})),
        Edit("leaf", of_leaf, write({leaf: f"5{graph.leaf}\n# a comment\n"})),
        Edit("revert", of_leaf, write({leaf: f"{graph.leaf}\n# a comment\n"})),
        Edit("root", of_root, write({root: f"5{graph.root}\n"})),
        Edit("branch", of_some, write(others)),
        Edit("back", of_some, write(numbers)),
    )


def write(texts: Mapping[str, str]) -> Callable[[Path], None]:
    """An edit that gives files another text."""

    def apply(folder: Path) -> None:
        for path, text in texts.items():
            (folder / path).write_text(text, encoding="utf-8")

    return apply


def replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit of a part of a file. Raises ValueError when the part is not there: the example has moved on."""

    def apply(folder: Path) -> None:
        text = (folder / path).read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{path} no longer says {old!r}")
        (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


def together(*edits: Callable[[Path], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        for edit in edits:
            edit(folder)

    return apply


# ---- the examples ---------------------------------------------------------------------------------------------------


def clib(tools: Path) -> Workload:
    """The C library, its program and its test; make and ninja find headers by depfiles, as their users have it."""
    from benchmarks.peers import clib as described

    bits = ("kit/bits.h", "KIT_BITS_PER_WORD = 64", "KIT_BITS_PER_WORD = 32")
    story = ("app/story.txt", "mill", "mine")
    edits = _edited(
        touch="kit/order.h", comment=replace("kit/order.h", "#endif", "/* a comment */\n#endif"), leaf=bits, root=story,
        branch=[("kit/utf8.c", "#include", "/* another branch */\n#include"), ("kit/bits.h", bits[1], bits[2])],
    )  # fmt: skip
    missing = {peer.name: "not in this workload: it would be a port of its own" for peer in peers.everything() if peer.name not in ("buildgraph", "make", "ninja")}
    entrants = [_example("clib", "commands")]
    for peer in described.PEERS:
        version = peers.version(peer, tools)
        if version is None:
            missing[peer.name] = "MISSING: not on this machine"
            continue
        look = described.times
        prepare = partial(_copied, "clib", partial(described.describe, peer.name))
        entrants.append(Entrant(peer.name, "commands", version, prepare, peer.argv, peer.environment, look, lambda _, before, folder: changed(before, described.times(folder))))
    missing.pop("buildgraph (commands)", None)
    return Workload("clib", described.TARGETS, edits, tuple(entrants), missing)


def intents(_: Path) -> Workload:
    """The intent classifier; its steps hand values to each other, which none of the command-like peers can express."""
    evaluate = ("nlu/evaluate.py", "from __future__", "# a comment\nfrom __future__")
    edits = _edited(
        touch="nlu/text.py", comment=replace("nlu/text.py", *evaluate[1:]), leaf=("nlu/text.py", "lower()", 'lower().replace("lights", "light")'),
        root=("BUILD.py", '"C": 20.0', '"C": 15.0'),
        branch=[("data/home.json", "kitchen", "pantry"), ("BUILD.py", '"C": 1.0', '"C": 2.0')],
    )  # fmt: skip
    missing = {peer.name: "not in this workload: it would be a port of its own" for peer in peers.everything()[2:]}
    return Workload("intents", 51, edits, (_example("intents", "functions"),), missing)


_Part = tuple[str, str, str]  # a file, a text in it, another text


def _edited(*, touch: str, comment: Callable[[Path], None], leaf: _Part, root: _Part, branch: Sequence[_Part]) -> tuple[Edit, ...]:
    def undo(part: _Part) -> Callable[[Path], None]:
        return replace(part[0], part[2], part[1])

    applied = {
        "none": write({}), "touch": lambda folder: os.utime(folder / touch), "comment": comment, "leaf": replace(*leaf), "revert": undo(leaf),
        "root": replace(*root), "branch": together(*(replace(*part) for part in branch)), "back": together(*map(undo, branch)),
    }  # fmt: skip
    return tuple(Edit(name, 0 if name in ("none", "touch") else None, applied[name]) for name in _EDITS)


def _copied(name: str, then: Callable[[Path], None], folder: Path) -> None:
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build", ".buildgraph", "__pycache__"))
    then(folder)


def _example(name: str, kind: str) -> Entrant:
    def ran(run: Run, _: Mapping[str, int], __: Path) -> int:
        return ours.built(run.output)

    version = peers.version(ours.PYTHON, Path()) or "?"
    prepare = partial(_copied, name, write({}))
    return Entrant("buildgraph", kind, version, prepare, ours.PYTHON.argv, ours.PYTHON.environment, lambda _: {}, ran)
