"""Deciding that nothing changed: an unchanged workspace of tiny Python targets, by wall and CPU seconds.

The command line's own start is measured beside it, because it is most of the answer for small graphs.
"""

from __future__ import annotations

from typing import Any

from benchmarks.cold import build, workload
from benchmarks.measuring import BUILDGRAPH, Fresh, middle, run

SIZE = 1_000


def measure(size: int, runs: int, fresh: Fresh) -> dict[str, Any]:
    """Medians over `runs` unchanged builds after one cold build; every target is asked for."""
    folder = fresh()
    workload(folder, size)
    build(folder, "//...")
    unchanged = [build(folder, "//...") for _ in range(runs)]
    start = [run([*BUILDGRAPH, "--version"], folder) for _ in range(runs)]
    return {
        "targets": size + 1, "runs": runs,
        "unchanged: wall s": middle([one.wall for one in unchanged]), "unchanged: CPU s": middle([one.cpu for one in unchanged]),
        "--version: wall s": middle([one.wall for one in start]), "--version: CPU s": middle([one.cpu for one in start]),
    }  # fmt: skip
