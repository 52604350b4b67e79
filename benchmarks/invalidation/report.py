"""The scorecard as data, text and Markdown; nothing in it depends on the day or the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.edits import EITHER, HIT, RUN, Edit
from benchmarks.invalidation import picture
from benchmarks.invalidation.scores import Score, Tool

Table = dict[str, Any]

_HEAD = """\
# Invalidation scorecard

Made by `python -m benchmarks invalidation --write benchmarks/results`; [`../README.md`](../README.md) says how.

Every edit changes a small project whose step a tool has just built; then the tool is asked again.
**Stale**: the result of the step changed, and the tool did not run it. **Wasted**: nothing that the step reaches changed its meaning, and the tool ran it.
Every label is proved by running the step in plain Python before and after.
{either} further edits leave the result alone in a way that only a proof could show: running is careful, not running is right; they are listed, not counted.
Counts are of constructs, not of how often people edit them.

![Stale and wasted edits of every tool](invalidation.svg)

"""


def tabulate(tools: Sequence[Tool], outcomes: Mapping[str, Score | str], edits: Sequence[Edit]) -> Table:
    """What the JSON file holds: counts, the edits with their labels, and what every tool did to each."""
    counts = {label: sum(edit.label == label for edit in edits) for label in (RUN, HIT, EITHER)}
    rows = {tool.name: _row(tool, outcomes[tool.name]) for tool in tools}
    listed = [{"name": edit.name, "group": edit.group, "label": edit.label, "why": edit.why} for edit in edits]
    return {"counts": counts, "tools": rows, "edits": listed}


def _row(tool: Tool, found: Score | str) -> Table:
    said = {"version": tool.version, "looks_at": tool.what}
    if isinstance(found, str):
        return {**said, "not_run": found}
    return {
        **said, "stale": found.stale, "wasted": found.wasted, "revert": found.revert, "moved": found.checkout,
        "ran": [edit.name for edit in found.asked if edit.package in found.ran],
    }  # fmt: skip


def text(table: Table) -> str:
    """A plain table for the terminal, with the names behind the counts of our own tool."""
    lines = [f"{'tool':<12} {'stale':>5} {'wasted':>6}  {'A-B-A':<18} {'moved':<18}"]
    for name, row in table["tools"].items():
        if "not_run" in row:
            lines.append(f"{name:<12} {row['not_run']}")
        else:
            lines.append(f"{name:<12} {len(row['stale']):>5} {len(row['wasted']):>6}  {row['revert']:<18} {row['moved']:<18}")
    ours = table["tools"].get("buildgraph", {})
    lines += [f"stale: {name}" for name in ours.get("stale", ())] + [f"wasted: {name}" for name in ours.get("wasted", ())]
    return "\n".join(lines)


def markdown(table: Table) -> str:
    """The whole scorecard: the summary, the counts by group, and what every tool did to every edit."""
    ran = {name: row for name, row in table["tools"].items() if "not_run" not in row}
    parts = [_HEAD.format(either=table["counts"][EITHER]), summary(table)]
    parts += ["\n## Stale and wasted by group\n\n", _by_group(table, ran)]
    parts += ["\n## Every edit\n\n`·` is right; of the edits that are not counted the table says what the tool did.\n"]
    for group in dict.fromkeys(edit["group"] for edit in table["edits"]):
        edits = [edit for edit in table["edits"] if edit["group"] == group]
        rows = [[edit["name"], edit["label"], edit["why"], *(_mark(edit, row) for row in ran.values())] for edit in edits]
        parts += [f"\n### {group[0].upper()}{group[1:]}\n\n", _grid(["edit", "label", "because", *ran], rows)]
    return "".join(parts)


def summary(table: Table) -> str:
    """The table that a README quotes."""
    counts = table["counts"]
    head = ["tool", "looks at", f"stale, of {counts[RUN]}", f"wasted, of {counts[HIT]}", "A→B→A", "moved checkout"]
    rows = []
    for name, row in table["tools"].items():
        what = [f"{name} {row['version']}".strip(), row["looks_at"]]
        rows.append([*what, *([row["not_run"], "", "", ""] if "not_run" in row else [str(len(row["stale"])), str(len(row["wasted"])), row["revert"], row["moved"]])])
    return _grid(head, rows)


def _by_group(table: Table, ran: Table) -> str:
    rows = []
    for group in dict.fromkeys(edit["group"] for edit in table["edits"]):
        names = {edit["name"] for edit in table["edits"] if edit["group"] == group}
        cells = [f"{len(names & set(row['stale']))} + {len(names & set(row['wasted']))}" for row in ran.values()]
        of = [sum(edit["label"] == label and edit["name"] in names for edit in table["edits"]) for label in (RUN, HIT)]
        rows.append([group, f"{of[0]} + {of[1]}", *cells])
    return _grid(["group", "edits", *ran], rows)


def _mark(edit: Table, row: Table) -> str:
    if edit["name"] in row["stale"]:
        return "**stale**"
    if edit["name"] in row["wasted"]:
        return "wasted"
    return "·" if edit["label"] != EITHER else "ran" if edit["name"] in row["ran"] else "hit"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def merged(table: Table, folder: Path, order: Sequence[str]) -> Table:
    """`table` with the rows of other tools that `folder` holds, if they are about the same edits."""
    file = folder / "invalidation.json"
    before = json.loads(file.read_text()) if file.is_file() else {}
    tools = {**(before["tools"] if before.get("edits") == table["edits"] else {}), **table["tools"]}
    return {**table, "tools": {name: tools[name] for name in order if name in tools}}


def write(table: Table, folder: Path) -> None:
    """invalidation.json, .md and .svg in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "invalidation.json").write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    (folder / "invalidation.md").write_text(markdown(table))
    picture.draw(table, folder / "invalidation.svg")
