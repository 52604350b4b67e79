"""Which values a cache confuses or hashes anew in every process: the value matrix over our encoder, our codecs and other tools.

Every tool hashes every value in several processes that differ in hash seed, locale and time zone. One cell says:
ok (told apart, or the same everywhere), COLLIDE (different values, one hash: a wrong result), UNSTABLE (one value, more
than one hash: never a hit), same or differs (equal values, one or two hashes), refused (an error instead of a guess).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.environments import COMMON, TOOLS, peers
from benchmarks.measuring import Fresh
from benchmarks.values.cases import ALONE, CASES, EQUAL

SIZE = len(CASES)
OURS: Final = ("buildgraph key", "buildgraph output")
PROCESSES: Final = (  # hash seed, locale, time zone
    ("0", "C", "UTC"),
    ("1", "C.UTF-8", "Asia/Kathmandu"),
    ("31337", "de_DE.UTF-8", "America/New_York"),
)
RESULTS: Final = Path(__file__).parent.parent / "results"
_WORKER: Final = Path(__file__).parent / "worker.py"
_CHECKOUT: Final = Path(__file__).parent.parent.parent

Cell = tuple[str, str]  # verdict, and the error when it is "refused"


def measure(size: int, runs: int, fresh: Fresh) -> dict[str, Any]:
    """Writes results/values.md and values.json; returns the verdicts of each tool, counted. Always the whole matrix, once."""
    del size, runs, fresh
    environment = peers()
    columns: dict[str, dict[str, Cell]] = {tool: column(tool, sys.executable) for tool in OURS}
    for tool in TOOLS:
        if tool not in environment.missing:
            columns[tool] = column(tool, environment.python)
    columns["pickle"] = column("pickle", environment.python)
    (RESULTS / "values.json").write_text(_json(columns, environment.missing))
    (RESULTS / "values.md").write_text(_table(columns, environment.missing))
    return {tool: _counted(cells) for tool, cells in columns.items()} | dict(environment.missing)


def column(tool: str, python: str) -> dict[str, Cell]:
    """The verdict of `tool`, run by the interpreter `python`, on every case. Raises CalledProcessError when it cannot run."""
    with tempfile.TemporaryDirectory(prefix="buildgraph-values-") as home:
        answers = list(_answers(tool, python, home))
    return {case.name: verdict(case.kind, [answer[case.name] for answer in answers]) for case in CASES}


def _answers(tool: str, python: str, home: str) -> Iterable[dict[str, list[list[str]]]]:
    """What the tool said in each of the processes, which run at the same time."""
    command = [python, str(_WORKER), tool]
    children = []
    for seed, locale, zone in PROCESSES:
        settings = {"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone, "HOME": home, "PREFECT_HOME": home, "TMPDIR": home}
        environment = {**os.environ, **settings, "PYTHONPATH": str(_CHECKOUT) if tool in OURS else ""}
        children.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    for child in children:
        said, problem = child.communicate()
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command, said, problem)
        yield json.loads(said)


def verdict(kind: str, answers: list[list[list[str]]]) -> Cell:
    """One cell, from what several processes said: each [one, one made again, other], each ["hash", x] or ["refused", why]."""
    refused = [why for answer in answers for what, why in answer if what == "refused"]
    if refused:
        return "refused", min(refused)
    one = {found[1] for answer in answers for found in answer[:2]}
    other = {found[1] for answer in answers for found in answer[2:]}
    if len(one) > 1 or len(other) > 1:
        return "UNSTABLE", ""
    if kind == ALONE:
        return "ok", ""
    if kind == EQUAL:
        return "same" if one == other else "differs", ""
    return "COLLIDE" if one == other else "ok", ""


def _counted(cells: Mapping[str, Cell]) -> str:
    counts = Counter(verdict for verdict, _ in cells.values())
    return ", ".join(f"{counts[each]} {each}" for each in ("COLLIDE", "UNSTABLE", "refused", "differs", "same", "ok"))


def _json(columns: Mapping[str, Mapping[str, Cell]], missing: Mapping[str, str]) -> str:
    cases = [
        {"case": case.name, "kind": case.kind, "verdicts": {tool: cells[case.name][0] for tool, cells in columns.items()},
         "errors": {tool: cells[case.name][1] for tool, cells in columns.items() if cells[case.name][1]}}
        for case in CASES
    ]  # fmt: skip
    found = {"benchmark": "values", "pins": {"common": COMMON, **TOOLS}, "processes": PROCESSES, "not run": dict(missing), "cases": cases}
    return json.dumps(found, indent=1, ensure_ascii=True) + "\n"


def _table(columns: Mapping[str, Mapping[str, Cell]], missing: Mapping[str, str]) -> str:
    lines = ["# The value matrix", "", "Written by `python -m benchmarks values`; errors behind *refused* are in `values.json`.", "", *str(__doc__).splitlines()[2:], ""]
    lines += [f"Versions: {', '.join(pin for pins in (COMMON, *TOOLS.values()) for pin in pins)}.", ""]
    lines += [f"| case | kind | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    for case in CASES:
        cells = [cells[case.name][0] for cells in columns.values()]
        shown = [f"**{cell}**" if cell.isupper() else cell for cell in cells]
        lines.append(f"| {case.name} | {case.kind} | {' | '.join(shown)} |")
    for each in ("COLLIDE", "UNSTABLE", "differs", "refused"):
        counts = [str(sum(verdict == each for verdict, _ in cells.values())) for cells in columns.values()]
        lines.append(f"| *{each}, of {len(CASES)}* | | {' | '.join(counts)} |")
    lines += [f"\n{tool}: {why}" for tool, why in missing.items()]
    return "\n".join(lines) + "\n"
