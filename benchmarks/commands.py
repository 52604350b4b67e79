"""Many small commands on the same graph as ninja: the ratio of CPU seconds, paired run by run.

Each command copies one file; the graph has ten layers, every command copies the output of one in the layer before.
Ours names the program directly (`argv`); ninja always goes through `sh -c`, as its users do. Commands of both see the
same locale (C.UTF-8), because loading it is part of what a small program costs.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks.measuring import BUILDGRAPH, Fresh, Run, middle, run

SIZE = 1_000
_BUILD = """
from buildgraph.rules import command

row = {row}
for i in range({size}):
    source = f":c{{i - row}}" if i >= row else "in.txt"
    command(name=f"c{{i}}", argv=["cp", "$(in)", "$(out)"], srcs=[source], outs=["out.txt"])
"""


def _ours(folder: Path, size: int, row: int) -> Run:
    (folder / "buildgraph.toml").write_text("")
    (folder / "BUILD.py").write_text(_BUILD.format(size=size, row=row))
    (folder / "in.txt").write_text("hello\n")
    return run([*BUILDGRAPH, "build", "-q", "-j2", "--store", str(folder / "store")], folder)


def _ninja(folder: Path, size: int, row: int) -> Run:
    lines = ["rule cp", "  command = cp $in $out"]
    lines += [f"build build/c{i}/out.txt: cp {f'build/c{i - row}/out.txt' if i >= row else 'in.txt'}" for i in range(size)]
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")
    (folder / "in.txt").write_text("hello\n")
    return run(["env", "LC_ALL=C.UTF-8", "ninja", "--quiet", "-j2"], folder)


def measure(size: int, runs: int, fresh: Fresh) -> dict[str, Any]:
    """Medians over `runs` pairs. Without ninja on this machine only our side is measured, and the table says so."""
    row = max(1, size // 10)
    ours: list[Run] = []
    theirs: list[Run] = []
    for _ in range(runs):
        ours.append(_ours(fresh(), size, row))
        if shutil.which("ninja"):
            theirs.append(_ninja(fresh(), size, row))
    found: dict[str, Any] = {"commands": size, "runs": runs, "buildgraph: CPU s": middle([one.cpu for one in ours]), "buildgraph: wall s": middle([one.wall for one in ours])}
    if not theirs:
        return {**found, "ninja": "not installed: nothing to compare with"}
    found |= {"ninja: CPU s": middle([one.cpu for one in theirs]), "ninja: wall s": middle([one.wall for one in theirs])}
    found["CPU ratio buildgraph / ninja"] = middle([a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True)])
    return found
