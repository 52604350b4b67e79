"""A training in a process of its own, as a user's script has it: cold, unchanged, deep, in parallel, and with much data.

Every train() is `python train.py` in a fresh interpreter: start, imports, the training and the archive are in its time.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.measuring import Fresh, Run, middle, run
from benchmarks.trainer import project
from benchmarks.trainer.project import Nodes, Sizes

SIZE = 400  # nodes
RESULTS: Final = Path(__file__).parent.parent / "results"
_WALL, _MIB = "wall s", "coordinator MiB"
_POOL, _INLINE = RUNNERS = ("ProcessPoolRunner", "InlineRunner")
_NONE: Final = "–"


class Trained(NamedTuple):
    """What one training took, seen from outside, and what it said: nodes that ran, the model, seconds within `train()`, MiB of its own process."""

    took: Run
    ran: int
    model: str
    seconds: float
    peak: float

    def figure(self, unit: str) -> float:
        return self.peak if unit == _MIB else self.took.wall


class Work(NamedTuple):
    """A graph to train: cold and, with `again`, a second time with nothing changed."""

    name: str
    nodes: Callable[[Sizes], Nodes]
    runners: tuple[str, ...]
    unit: str
    goals: tuple[str, ...]  # for cold, and again; of a training that is not repeated, only in the pool
    reference: tuple[str, ...]
    again: bool = False
    jobs: int = 0


WORK: Final = (
    Work("layered", project.layered, RUNNERS, _WALL, ("2", "0.5"), ("27", "10"), again=True),
    Work("layered, every node persists a file", lambda of: project.layered(of, "components.Persist"), RUNNERS, _WALL, (_NONE, _NONE), (_NONE, _NONE), again=True),
    Work("diamonds", project.diamond, RUNNERS, _WALL, ("1", "1"), ("43 at 22 layers", _NONE), again=True),
    Work("naps", project.naps, RUNNERS, _WALL, ("about 1",), ("2 by design",), jobs=2),
    Work("arrays", project.arrays, (_POOL,), _MIB, ("200",), ("954 by design",), jobs=2),
)  # fmt: skip


class Row(NamedTuple):
    """A line of the table: `ran` of `nodes` ran, and all runs made `models`. `cpu` is in seconds of the whole process tree,
    `seconds` are those within `train()`.
    """

    what: str
    runner: str
    figure: float
    unit: str
    goal: str
    reference: str
    seconds: float
    cpu: float
    ran: int
    nodes: int
    models: frozenset[str]


def measure(size: int, runs: int, fresh: Fresh) -> dict[str, Any]:
    """Medians over `runs`, each in a fresh folder. At the full size results/trainer.md is written."""
    rows = table(size, runs, fresh)
    if size == SIZE:
        (RESULTS / "trainer.md").write_text(markdown(rows, runs))
    return {f"{row.what} ({row.runner.removesuffix('Runner')})": _line(row) for row in rows}


def table(size: int, runs: int, fresh: Fresh) -> list[Row]:
    """Every row at `size`. A tiny training that does not count comes first: it leaves bytecode and warm caches behind."""
    _trained(project.layered(project.sizes(0)), _POOL, 0, fresh(), 1)
    return [row for work in WORK for runner in work.runners for row in _rows(work, runner, project.sizes(size), runs, fresh)]


def _rows(work: Work, runner: str, of: Sizes, runs: int, fresh: Fresh) -> list[Row]:
    nodes, states = work.nodes(of), ("cold", "unchanged")[: 1 + work.again]
    found = [_trained(nodes, runner, work.jobs, fresh(), len(states)) for _ in range(runs)]
    rows = []
    for at, state in enumerate(states):
        each = [trainings[at] for trainings in found]
        judged = of == project.sizes(SIZE)
        goal = work.goals[at] if judged and (work.again or runner == _POOL) else _NONE
        reference = work.reference[at] if judged else _NONE
        figure = middle([one.figure(work.unit) for one in each], 2)
        seconds, cpu = middle([one.seconds for one in each], 2), middle([one.took.cpu for one in each], 2)
        ran, models = max(one.ran for one in each), frozenset(one.model for one in each)
        rows.append(Row(f"{work.name}, {state}", runner, figure, work.unit, goal, reference, seconds, cpu, ran, project.count(nodes), models))
    return rows


def _trained(nodes: Nodes, runner: str, jobs: int, folder: Path, times: int) -> list[Trained]:
    project.write(folder, nodes)
    found = []
    for _ in range(times):
        took = run([sys.executable, "train.py", ".", runner, str(jobs)], folder)
        said = json.loads(took.output.splitlines()[-1])
        found.append(Trained(took, **said))
    return found


def _line(row: Row) -> str:
    return f"{row.figure:g} {row.unit} (goal {row.goal}, reference {row.reference}), in train() {row.seconds:g} s, CPU {row.cpu:g} s, ran {row.ran} of {row.nodes}"


def markdown(rows: list[Row], runs: int) -> str:
    """The table for people, the same layout every time."""
    of = project.sizes(SIZE)
    lines = [
        "# The graph trainer", "", f"Written by `python -m benchmarks trainer`; medians of {runs} runs, on Python {platform.python_version()} and {os.cpu_count()} processors with other work to do.", "",
        "Each `train()` is a Python process of its own: start, imports, training and archive are in its time. CPU seconds are of the process and all its children.", "",
        f"- *layered*: {of.nodes} nodes in {of.layers} layers, each with three parents in the layer before it; they add numbers.",
        "- *layered, every node persists a file*: the same, and every node writes a file into its resource, which goes into the archive.",
        f"- *diamonds*: {of.diamonds} layers of two nodes, each with both nodes of the layer before it as parents.",
        f"- *naps*: four independent nodes that sleep {of.nap:g} s each, on two workers (or, inline, one after another).",
        f"- *arrays*: {of.arrays} nodes that return {of.megabytes:g} MB of floats each, and one that needs them all; the figure is the peak resident memory of the process that calls `train()`.",
        "", "| training | runner | figure | goal | reference | in `train()` s | CPU s | nodes that ran |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {row.what} | {row.runner} | {row.figure:g} {row.unit} | {row.goal} | {row.reference} | {row.seconds:g} | {row.cpu:g} | {row.ran} of {row.nodes} |" for row in rows]
    return "\n".join([*lines, "", *_REFERENCE, ""])


_REFERENCE: Final = (
    "The reference is Rasa's engine, release 3.6.21, with its own runner, which runs one node after another, on a machine with two cores and other work to do. It was not run again for this table.",
    "",
    "- An unchanged graph takes it about 27 ms for each node: 200 nodes took 5.4 s.",
    "- Its time for diamonds is that of 22 layers, for 20 layers it was 10 s: the paths that it walks double with each layer, so 200 layers never end.",
    "- *by design* was not measured: naps follow each other, and all outputs are held until the end.",
)
