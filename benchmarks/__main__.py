"""`python -m benchmarks NAME [--size N] [--runs N] [--folder DIR] [--json] [--write DIR]`: run one benchmark and print what it found."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.environments import cache_folder
from benchmarks.measuring import in_memory, scratch

# One is imported when it is asked for: a benchmark should not pay for what another one needs.
RACES = ("layered", "chain", "diamond", "wide", "clib", "intents", "growth")
SINGLE = ("code", "cold", "commands", "hashing", "history", "noop", "trainer", "values")
_TIMED = ("cold", "commands", "hashing", "noop")
_WARM_UP = 10  # targets


def main() -> int:
    if sys.argv[1:2] == ["invalidation"]:  # has options of its own
        status: int = import_module("benchmarks.invalidation").main(sys.argv[2:])
        return status
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=(*RACES, *SINGLE, "goals", "invalidation"), metavar="NAME", help="what to measure; benchmarks/README.md describes each")
    parser.add_argument("packages", nargs="*", help="history: packages of the package index, each NAME or NAME==NEWEST")
    parser.add_argument("--size", "--releases", type=int, default=0, help="number of targets (each benchmark has its own default)")
    parser.add_argument("--runs", type=int, default=3, help="paired runs; medians are printed")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--folder", default=in_memory(), help="where to work (default: %(default)s)")
    parser.add_argument("--write", type=Path, metavar="DIR", help="also write what was found there, with a picture where there is one")
    parser.add_argument("--peers", type=Path, default=None, metavar="DIR", help="virtual environment of the peers (default: tools in the cache folder of the benchmarks)")
    parser.add_argument("--among", default="", metavar="A,B", help="workloads: only these tools")
    asked = parser.parse_args()
    found = _found(asked)
    if asked.write:
        _write(found, asked.write)
    if asked.json:
        print(json.dumps(found))
    elif asked.name in (*RACES, "goals"):
        print(_page(found))
    else:
        print(f"{asked.name}: {', '.join(f'{key} {value}' for key, value in found.items() if key in _machine(asked.folder))}")
        for key, value in found.items():
            if key not in ("benchmark", *_machine(asked.folder)):
                print(f"  {key:<38} {value}")
    return 0


def _found(asked: argparse.Namespace) -> dict[str, Any]:
    tools = (asked.peers or cache_folder("tools")).absolute()
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{tools / 'bin'}"
    if asked.name == "goals":
        return {"workload": "goals", **import_module("benchmarks.goals").compared(asked.write or Path(__file__).parent / "results")}
    with scratch(asked.folder) as fresh:
        if asked.name in RACES:
            among = [name for name in asked.among.split(",") if name]
            found = import_module("benchmarks.races").measure(asked.name, asked.size, asked.runs, fresh, tools, among)
            return {"workload": asked.name, "command": _command(asked), "machine": _machine(asked.folder), **found}
        module = import_module(f"benchmarks.{asked.name}")
        if asked.name in _TIMED:
            module.measure(_WARM_UP, 1, fresh)  # leaves bytecode and warm caches behind, for everybody
        return {"benchmark": asked.name, **_machine(asked.folder), **module.measure(asked.size or module.SIZE, asked.runs, fresh, *asked.packages)}


def _machine(folder: str) -> dict[str, str]:
    return {"machine": platform.machine(), "processors": str(os.cpu_count()), "python": platform.python_version(), "kernel": platform.release(), "folder": folder}


def _command(asked: argparse.Namespace) -> str:
    given = {"--size": asked.size, "--runs": asked.runs, "--among": asked.among, "--write": asked.write}
    defaults = {"--size": 0, "--runs": 3, "--among": "", "--write": None}
    return " ".join(["python -m benchmarks", asked.name, *(f"{option} {value}" for option, value in given.items() if value != defaults[option])])


def _page(found: dict[str, Any]) -> str:
    text: str = import_module("benchmarks.goals" if found["workload"] == "goals" else "benchmarks.tables").markdown(found)
    return text


def _write(found: dict[str, Any], into: Path) -> None:
    """NAME.json; of a comparison also NAME.md, and NAME.svg and NAME.png where there is matplotlib."""
    name = found.get("workload") or found["benchmark"]
    if name == "goals":
        (into / "goals.md").write_text(_page(found) + "\n", encoding="utf-8")
        return
    (into / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if name in RACES:
        (into / f"{name}.md").write_text(_page(found) + "\n", encoding="utf-8")
        try:
            plots = import_module("benchmarks.plots")
            (plots.growth if name == "growth" else plots.contest)(found, into)
        except ImportError as error:
            print(f"no picture: {error.name} is MISSING", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
