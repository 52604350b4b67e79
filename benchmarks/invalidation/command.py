"""`python -m benchmarks invalidation [--tools a,b] [--edits x,y] [--json]`: score tools, or prove the labels."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.edits import EDITS, Edit
from benchmarks.invalidation import peers, report
from benchmarks.invalidation.ours import OURS
from benchmarks.invalidation.proof import unproved
from benchmarks.invalidation.scores import Score

_AT_ONCE = 2  # tools; nothing is timed
TOOLS = {tool.name: tool for tool in (OURS, *peers.TOOLS)}


def main(arguments: Sequence[str]) -> int:
    """0 ok; 1 with `--check` a label is wrong; 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks invalidation", description=__doc__)
    parser.add_argument("--tools", default=",".join(TOOLS), help="of " + ", ".join(TOOLS))
    parser.add_argument("--edits", default="", help="names or groups of edits, or beginnings of them; default: all")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--check", action="store_true", help="run no tool: prove the labels by running every step in plain Python")
    parser.add_argument("--venv", type=Path, default=peers.default_home(), help="where the peers are installed (default: %(default)s)")
    parser.add_argument("--write", type=Path, metavar="DIR", help="also write invalidation.md, .json and .svg there; tools that were not asked for keep their rows")
    asked = parser.parse_args(arguments)
    if asked.write and asked.edits:
        parser.error("--write is about all edits")
    names = asked.tools.split(",")
    edits = chosen(asked.edits)
    if not edits or not set(names) <= TOOLS.keys():
        parser.error("no such edit" if not edits else f"no such tool: {', '.join(sorted(set(names) - TOOLS.keys()))}")
    if asked.check:
        wrong = unproved(edits)
        print(json.dumps({"edits": len(edits), "wrong": wrong}) if asked.json else "\n".join([*wrong, f"{len(edits)} edits, {len(wrong)} wrong labels"]))
        return 1 if wrong else 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = dict(zip(names, pool.map(lambda name: _outcome(name, edits, asked.venv), names), strict=True))
    table = report.tabulate([TOOLS[name] for name in names], outcomes, edits)
    print(json.dumps(table) if asked.json else report.text(table))
    if asked.write:
        report.write(report.merged(table, asked.write, list(TOOLS)), asked.write)
    return 0


def _outcome(name: str, edits: Sequence[Edit], home: Path) -> Score | str:
    found = peers.outcome(TOOLS[name], edits, home)
    print(f"{name}: {'done' if isinstance(found, Score) else found}", file=sys.stderr)
    return found


def chosen(wanted: str) -> list[Edit]:
    """The edits whose name or group begins with one of the words, which commas separate."""
    words = tuple(word.strip() for word in wanted.split(",") if word.strip())
    return [edit for edit in EDITS if not words or edit.name.startswith(words) or edit.group.startswith(words)]
