"""One big input file: how fast it is hashed, beside `b3sum` with one thread on the same file. The size is in MiB."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.measuring import BUILDGRAPH, Fresh, middle, run

SIZE = 1_024
_BUILD = """
from buildgraph.rules import command

command("seen", argv=["touch", "$(out)"], srcs=["big.bin"], outs=["seen.txt"])
"""
_PIECE = 1 << 20


def _build(folder: Path, mebibytes: int) -> float:
    """CPU seconds of a build that reads a file of so many MiB for the first time."""
    (folder / "buildgraph.toml").write_text("")
    (folder / "BUILD.py").write_text(_BUILD)
    with (folder / "big.bin").open("wb") as file:
        piece = os.urandom(_PIECE)
        for at in range(mebibytes):
            file.write(piece[at:] + piece[:at])
    return run([*BUILDGRAPH, "build", "-q"], folder, {"XDG_CACHE_HOME": "{folder}/cache"}).cpu


def measure(size: int, runs: int, fresh: Fresh) -> dict[str, Any]:
    """Medians over `runs` pairs: what the file adds to a build without it, and what b3sum adds to one of an empty file."""
    ours, theirs, ratios = [], [], []
    for _ in range(runs):
        empty, full = fresh(), fresh()
        base = _build(empty, 0)
        took = _build(full, size) - base
        ours.append(size / 1024 / max(took, 1e-3))
        if shutil.which("b3sum"):
            sums = [run(["b3sum", "--num-threads", "1", "--no-mmap", "big.bin"], folder).cpu for folder in (empty, full)]
            theirs.append(size / 1024 / max(sums[1] - sums[0], 1e-3))
            ratios.append(ours[-1] / theirs[-1])
        (full / "big.bin").unlink()
    found: dict[str, Any] = {"MiB": size, "runs": runs, "buildgraph: GiB per CPU s": middle(ours, 2)}
    if not theirs:
        return {**found, "b3sum": "MISSING: not on this machine"}
    return {**found, "b3sum: GiB per CPU s": middle(theirs, 2), "speed, times b3sum": middle(ratios, 2)}
