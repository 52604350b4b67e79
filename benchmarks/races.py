"""The benchmarks that compare tools: `layered`, `chain`, `diamond`, `wide`, `clib`, `intents`, and `growth` with size."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import peers, workloads
from benchmarks.contest import hold
from benchmarks.graphs import SHAPES, Graph, source
from benchmarks.measuring import Fresh, run
from benchmarks.peers import ours
from benchmarks.workloads import Workload

EXAMPLES: Final[Mapping[str, Callable[[Path], Workload]]] = {"clib": workloads.clib, "intents": workloads.intents}
NAMES: Final = (*SHAPES, *EXAMPLES, "growth")
SIZE: Final = 1_000
_FIRST = Path(__file__).with_name("first.py")
_OFTEN = 3  # unchanged builds in a run: the cheapest to repeat and the first to drown in noise


def measure(name: str, size: int, runs: int, fresh: Fresh, tools: Path, among: Sequence[str] = ()) -> dict[str, Any]:
    """What the benchmark `name` found, as plain data. `size` 0 is its default; `among` names the tools, all if empty."""
    chosen = [peer for peer in peers.everything() if not among or peer.name in among]
    hold(_some(workloads.of_graph(SHAPES["wide"](10), tools, ours.PEERS), "none"), 1, fresh)  # bytecode and warm caches
    if name == "growth":
        return growth(size or 100_000, runs, fresh, tools, [peer for peer in chosen if peer.name in ("buildgraph", "ninja", "samurai", "make")])
    if name in EXAMPLES:
        return {"contests": [hold(_among(EXAMPLES[name](tools), among), runs, fresh)]}
    return {"contests": [
        hold(_often(workloads.of_graph(SHAPES[name](each), tools, [*(peer for peer in chosen if min(size or SIZE, peer.most) == each or (peer in ours.PEERS and peer.most > each))])), runs, fresh)
        for each in sorted({min(size or SIZE, peer.most) for peer in chosen})
    ]}  # fmt: skip


def _among(workload: Workload, names: Sequence[str]) -> Workload:
    return replace(workload, entrants=tuple(entrant for entrant in workload.entrants if not names or entrant.name in names))


def _often(workload: Workload) -> Workload:
    return replace(workload, edits=workload.edits[:1] * (_OFTEN - 1) + workload.edits)


def _some(workload: Workload, *edits: str) -> Workload:
    return replace(workload, edits=tuple(edit for edit in workload.edits if edit.name in edits))


# ---- growth ---------------------------------------------------------------------------------------------------------


def growth(size: int, runs: int, fresh: Fresh, tools: Path, among: Sequence[peers.Peer]) -> dict[str, Any]:
    """The layered graph at a hundredth, a tenth and all of `size`: contests, exponents, and the time to the first action."""
    contests, first = [], []
    for each in (max(10, size // 100), max(10, size // 10), size):
        graph = SHAPES["layered"](each)
        contests.append(hold(_often(_some(workloads.of_graph(graph, tools, among), "none", "leaf")), runs, fresh))
        first.append(_first_action(graph, runs, fresh()))
    return {"contests": contests, "first": first, "series": {edit: _series(contests, edit) for edit in ("cold", "none", "leaf")}}


def _series(contests: Sequence[Mapping[str, Any]], edit: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for contest in contests:
        for name, tool in contest["tools"].items():
            line = found.setdefault(name, {"targets": [], "cpu_s": []})
            line["targets"].append(contest["targets"])
            line["cpu_s"].append(tool["edits"][edit]["cpu_s"])
    for line in found.values():
        line["exponent"] = exponent(line["targets"], line["cpu_s"])
    return found


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float | None:
    """The b of cost = a * size^b that fits best on a logarithmic scale; None for fewer than two points."""
    if len(sizes) < 2 or min(costs) <= 0:
        return None
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((at - middle_x) ** 2 for at in x)
    return round(sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True)) / spread, 2) if spread else None


def _first_action(graph: Graph, runs: int, folder: Path) -> dict[str, Any]:
    """Seconds from the start of the process to the first TargetStarted after a leaf changed: wall, and CPU of the coordinator."""
    peers.prepare(ours.PYTHON, graph, folder)
    run(ours.PYTHON.argv, folder, ours.PYTHON.environment)
    edit = {edit.name: edit for edit in workloads.of_graph(graph, Path(), ()).edits}
    found = []
    for turn in range(runs + 1):  # the first leaves bytecode behind and is not counted
        workloads.write({source(graph.leaf): f"{turn + 2}{graph.leaf}\n"})(folder)
        said = subprocess.run([sys.executable, str(_FIRST), str(time.perf_counter())], cwd=folder, capture_output=True, text=True, check=True).stdout
        found.append([float(word) for word in said.split()])
    return {"targets": graph.size, "cone": edit["leaf"].cone, "wall_s": round(median(wall for wall, _ in found[1:]), 3), "cpu_s": round(median(cpu for _, cpu in found[1:]), 3)}
