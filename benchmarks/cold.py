"""Cold build of many tiny Python targets: CPU per target and memory of the coordinator.

Each target calls a function that adds its number to the value of a parent 1,000 targets before it. Two requests are
measured: the last 1,000 targets, which need all others (`last`), and every target, whose outputs are then also
written to the output folder as files (`all`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.measuring import BUILDGRAPH, Fresh, Run, middle, run

SIZE = 10_000
_BUILD = """
from buildgraph.rules import group, python

labels = []
for i in range({size}):
    needs = {{"before": labels[i - {row}]}} if i >= {row} else {{}}
    labels.append(python(name=f"t{{i}}", fn="work:add", needs=needs, config={{"i": i}}))
python(name="last", fn="work:total", needs={{f"x{{i}}": label for i, label in enumerate(labels[-{row}:])}})
"""
_WORK = """
def add(i, before=0):
    return before + i


def total(**values):
    return sum(values.values())
"""


def workload(folder: Path, size: int) -> None:
    row = min(1000, max(1, size // 10))
    (folder / "buildgraph.toml").write_text("")
    (folder / "BUILD.py").write_text(_BUILD.format(size=size, row=row))
    (folder / "work.py").write_text(_WORK)


def build(folder: Path, *labels: str) -> Run:
    return run([*BUILDGRAPH, "build", "-q", "--store", str(folder / "store"), *labels], folder)


def measure(size: int, runs: int, fresh: Fresh) -> dict[str, Any]:
    """Medians over `runs` fresh folders: microseconds of CPU per target, targets per second, MiB of the coordinator."""
    cold: dict[str, list[Run]] = {"last": [], "all": []}
    again: list[Run] = []
    for _ in range(runs):
        for what, label in (("last", "//:last"), ("all", "//...")):
            folder = fresh()
            workload(folder, size)
            cold[what].append(build(folder, label))
            if what == "last":
                again.append(build(folder, label))
    found: dict[str, Any] = {"targets": size + 1, "runs": runs}
    for what, each in cold.items():
        found[f"{what}: CPU us per target"] = middle([one.cpu / (size + 1) * 1e6 for one in each], 0)
        found[f"{what}: targets per second"] = middle([(size + 1) / one.wall for one in each], 0)
        found[f"{what}: coordinator MiB"] = middle([one.rss for one in each], 1)
    found["unchanged: wall s"] = middle([one.wall for one in again])
    found["unchanged: CPU s"] = middle([one.cpu for one in again])
    return found
