"""`python -m benchmarks NAME [--size N] [--runs N] [--folder DIR] [--json]`: run one benchmark and print its table."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from importlib import import_module

from benchmarks.measuring import in_memory, scratch

# One is imported when it is asked for: the peak memory of a process is never less than that of the one that started it.
BENCHMARKS = ("code", "cold", "commands", "history", "invalidation", "noop", "trainer", "values")
_TIMED = ("cold", "commands", "noop")
_WARM_UP = 10  # targets


def main() -> int:
    if sys.argv[1:2] == ["invalidation"]:  # has options of its own
        status: int = import_module("benchmarks.invalidation").main(sys.argv[2:])
        return status
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS, help="what to measure; benchmarks/README.md describes each")
    parser.add_argument("packages", nargs="*", help="history: packages of the package index, each NAME or NAME==NEWEST")
    parser.add_argument("--size", "--releases", type=int, default=0, help="number of targets (each benchmark has its own default)")
    parser.add_argument("--runs", type=int, default=3, help="paired runs; medians are printed")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--folder", default=in_memory(), help="where to work (default: %(default)s)")
    asked = parser.parse_args()
    module = import_module(f"benchmarks.{asked.name}")
    with scratch(asked.folder) as fresh:
        if asked.name in _TIMED:
            module.measure(_WARM_UP, 1, fresh)  # leaves bytecode and warm caches behind, for everybody
        found = module.measure(asked.size or module.SIZE, asked.runs, fresh, *asked.packages)
    machine = {"machine": platform.machine(), "python": platform.python_version(), "kernel": platform.release(), "folder": asked.folder}
    if asked.json:
        print(json.dumps({"benchmark": asked.name, **machine, **found}))
        return 0
    print(f"{asked.name}: {', '.join(f'{key} {value}' for key, value in machine.items())}")
    for key, value in found.items():
        print(f"  {key:<38} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
