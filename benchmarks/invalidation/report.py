"""The scorecard as data, text, Markdown and picture; nothing in it depends on the day or the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.edits import EITHER, HIT, RUN, Edit
from benchmarks.invalidation.scores import Score, Tool

Table = dict[str, Any]


def tabulate(tools: Sequence[Tool], outcomes: Mapping[str, Score | str], edits: Sequence[Edit]) -> Table:
    """What the JSON file holds: counts, the edits with their labels, and what every tool did to each."""
    counts = {label: sum(edit.label == label for edit in edits) for label in (RUN, HIT, EITHER)}
    rows = {tool.name: _row(tool, outcomes[tool.name], edits) for tool in tools}
    listed = [{"name": edit.name, "group": edit.group, "label": edit.label, "why": edit.why} for edit in edits]
    return {"counts": counts, "tools": rows, "edits": listed}


def _row(tool: Tool, found: Score | str, edits: Sequence[Edit]) -> Table:
    if isinstance(found, str):
        return {"looks_at": tool.what, "requirement": tool.requirement, "not_run": found}
    did = {edit.name: "ran" if edit.package in found.ran else "hit" for edit in edits}
    return {
        "looks_at": tool.what, "requirement": tool.requirement, "stale": found.stale, "wasted": found.wasted,
        "revert": found.revert, "moved": found.checkout, "did": did,
    }  # fmt: skip


def text(table: Table) -> str:
    """A plain table for the terminal, with the names behind every count of ours."""
    lines = [f"{'tool':<12} {'stale':>5} {'wasted':>6}  {'revert':<18} {'moved':<18}"]
    for name, row in table["tools"].items():
        if "not_run" in row:
            lines.append(f"{name:<12} {row['not_run']}")
        else:
            lines.append(f"{name:<12} {len(row['stale']):>5} {len(row['wasted']):>6}  {row['revert']:<18} {row['moved']:<18}")
    ours = table["tools"].get("buildgraph", {})
    lines += [f"stale: {name}" for name in ours.get("stale", ())] + [f"wasted: {name}" for name in ours.get("wasted", ())]
    return "\n".join(lines)


def write(table: Table, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "invalidation.json").write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
