"""The goals beside what was measured, read from the results of the other benchmarks; this one measures nothing itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_Row = dict[str, Any]
_NO_OP = {1_000: 2.5, 10_000: 1.0, 100_000: 0.6}  # times ninja, wall
_BEATEN = {"joblib": 10, "doit": 10, "scons": 10, "snakemake": 100, "dvc": 100, "redun": 100}
_FIRST = {10_000: 0.13, 100_000: 0.75}  # wall seconds
_COLD = {10_000: 2.5, 100_000: 28.0}  # wall seconds


def compared(results: Path) -> dict[str, Any]:
    """A row for every goal: what it is, the bound, what was measured and by what. What has no result says how to get one."""
    growth, layered, commands, hashing = (_read(results, name) for name in ("growth", "layered", "commands", "hashing"))
    return {"rows": [*_of_growth(growth), *_of_commands(commands), *_of_hashing(hashing), *_of_peers(layered), _no_flag()]}


def markdown(found: dict[str, Any]) -> str:
    lines = ["# Goals", "", "`python -m benchmarks goals`, from the results beside it.", "", "| goal | bound | measured | met | by |", "|---|--:|--:|---|---|"]
    return "\n".join([*lines, *(f"| {row['goal']} | {row['bound']} | {row['measured']} | {row['met']} | `python -m benchmarks {row['by']}` |" for row in found["rows"])])


def _read(results: Path, name: str) -> dict[str, Any]:
    path = results / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _row(goal: str, bound: float, measured: float | None, by: str, *, least: bool = False) -> _Row:
    met = "–" if measured is None else "yes" if (measured >= bound if least else measured <= bound) else "**no**"
    return {"goal": goal, "bound": f"{'≥' if least else '≤'} {bound:g}", "measured": "not measured" if measured is None else f"{measured:g}", "met": met, "by": by}


def _of_growth(growth: dict[str, Any]) -> Iterator[_Row]:
    contests = {contest["targets"]: contest["tools"] for contest in growth.get("contests", ())}
    first = {row["targets"]: row for row in growth.get("first", ())}

    def of(size: int, tool: str, edit: str, key: str) -> float | None:
        found = contests.get(size, {}).get(tool, {}).get("edits", {}).get(edit, {}).get(key)
        return None if found is None else float(found)

    def ratio(size: int) -> float | None:
        theirs = of(size, "ninja", "none", "wall_ratio")
        return round(1 / theirs, 2) if theirs else None

    yield from (_row(f"no-op at {size:,}, wall, times ninja", bound, ratio(size), "growth") for size, bound in _NO_OP.items())
    yield _row("no-op at 100,000, largest process, MiB", 64, of(100_000, "buildgraph", "none", "rss_mib"), "growth")
    for size, bound in _FIRST.items():
        row = first.get(size)
        yield _row(f"one leaf changed at {size:,}, to the first action, s" + (f" (cone {row['cone']:,})" if row else ""), bound, row["wall_s"] if row else None, "growth")
    yield from (_row(f"cold, tiny Python targets, {size:,}, wall s", bound, of(size, "buildgraph", "cold", "wall_s"), "growth") for size, bound in _COLD.items())
    yield _row("exponent of a cold build", 1.05, growth["series"]["cold"]["buildgraph"]["exponent"] if growth else None, "growth")


def _of_commands(commands: dict[str, Any]) -> Iterator[_Row]:
    by = f"commands --size {commands.get('commands', 1000)}"
    yield _row(f"cold, {commands.get('commands', 1000):,} argv commands, CPU, times ninja", 0.75, commands.get("CPU ratio buildgraph / ninja"), by)


def _of_hashing(hashing: dict[str, Any]) -> Iterator[_Row]:
    yield _row("hashing a big input, speed, times b3sum", 0.9, hashing.get("speed, times b3sum"), "hashing", least=True)


def _of_peers(layered: dict[str, Any]) -> Iterator[_Row]:
    """CPU seconds of an unchanged build, at the largest size at which the peer was measured."""
    for name, bound in _BEATEN.items():
        contests = [contest for contest in layered.get("contests", ()) if name in contest["tools"]]
        measured = contests[-1]["tools"][name]["edits"]["none"].get("cpu_ratio") if contests else None
        yield _row(f"no-op, {name}'s CPU, times ours" + (f", at {contests[-1]['targets']:,}" if contests else ""), bound, measured, "layered", least=True)


def _no_flag() -> _Row:
    return {"goal": "all hits with every byte re-hashed, 10,000, s", "bound": "≤ 0.4", "measured": "not measured: there is no `--paranoid`", "met": "–", "by": "growth"}
