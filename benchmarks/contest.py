"""A contest: tools build one workload edit by edit, side by side, and every figure is of a pair measured moments apart."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.measuring import Fresh, Run, run
from benchmarks.workloads import Entrant, Workload

OURS = "buildgraph"
COLD = "cold"


def hold(workload: Workload, runs: int, fresh: Fresh) -> dict[str, Any]:
    """The medians of `runs` runs, each from fresh folders, the order of the tools reversed in every other one.

    Within a run every tool does the same edit before anyone does the next. A tool that fails is out, with its last words.
    """
    measured: dict[tuple[str, str], list[tuple[Run, int]]] = defaultdict(list)
    out: dict[str, str] = dict(workload.missing)
    for name, why in out.items():
        print(f"{workload.name}: {name}: {why}", file=sys.stderr)
    for turn in range(runs):
        racing = [entrant for entrant in workload.entrants[:: -1 if turn % 2 else 1] if entrant.name not in out]
        folders = {entrant.name: fresh() for entrant in racing}
        for entrant in racing:
            entrant.prepare(folders[entrant.name])
        for edit in (None, *workload.edits):
            for entrant in racing:
                if entrant.name in out:
                    continue
                folder = folders[entrant.name]
                if edit:
                    edit.apply(folder)
                before = entrant.look(folder)
                try:
                    done = run(entrant.argv, folder, entrant.environment)
                except subprocess.CalledProcessError as error:
                    out[entrant.name] = "FAILED: " + ((error.output or "").strip().splitlines() or ["no message"])[-1][:120]
                    print(f"{workload.name}: {entrant.name}: {out[entrant.name]}", file=sys.stderr)
                    continue
                measured[entrant.name, edit.name if edit else COLD].append((done, entrant.ran(done, before, folder)))
    return {
        "workload": workload.name, "targets": workload.targets, "runs": runs, "missing": out,
        "edits": {COLD: workload.targets, **{edit.name: edit.cone for edit in workload.edits}},
        "tools": {
            entrant.name: {
                "kind": entrant.kind, "version": entrant.version,
                "edits": {name: _row(measured[entrant.name, name], _pair(entrant, name, measured), workload.targets) for name in (COLD, *(edit.name for edit in workload.edits))},
            }
            for entrant in workload.entrants if entrant.name not in out
        },
    }  # fmt: skip


def _pair(entrant: Entrant, edit: str, measured: dict[tuple[str, str], list[tuple[Run, int]]]) -> Sequence[tuple[Run, int]]:
    """Our runs of the same kind of target; of the other kind where that is all there is."""
    kinds = (f"{OURS} (commands)", OURS) if entrant.kind == "commands" else (OURS,)
    return next((measured[name, edit] for name in kinds if measured.get((name, edit))), [])


def _row(runs: Sequence[tuple[Run, int]], ours: Sequence[tuple[Run, int]], targets: int) -> dict[str, Any]:
    cpu = [one.cpu for one, _ in runs]
    row: dict[str, Any] = {
        "ran": int(median(count for _, count in runs)), "cpu_s": _digits(median(cpu)), "wall_s": _digits(median(one.wall for one, _ in runs)),
        "rss_mib": round(max(one.rss for one, _ in runs), 1), "cpu_us_per_target": _digits(median(cpu) / targets * 1e6),
    }  # fmt: skip
    if len(ours) == len(runs):
        pairs = list(zip(runs, ours, strict=True))
        row |= {f"{what}_ratio": _digits(median(getattr(a, what) / max(getattr(b, what), 1e-6) for (a, _), (b, _) in pairs)) for what in ("cpu", "wall")}
    return row


def _digits(value: float) -> float:
    """Three that count; more would say that they are known."""
    return float(f"{value:.3g}")
