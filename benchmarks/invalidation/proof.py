"""Proves the labels: runs every step in plain Python before and after its edit and compares the results."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.edits import RUN, Edit
from benchmarks.invalidation.folder import environment, input_of, write

# Runs in an interpreter of its own, which loads nothing of any project: each step gets a process forked from it.
_RUNNER = """
import json, os, sys

sys.path[:0] = sys.argv[1:]
for package, path in json.load(sys.stdin):
    if os.fork() == 0:
        try:
            from importlib import import_module
            line = ["result", import_module(package + ".step").answer(path)]
            text = json.dumps(line)
        except BaseException as error:
            text = json.dumps(["error", type(error).__name__ + ": " + str(error)])
        os.write(1, (text + "\\n").encode())
        os._exit(0)
    os.wait()
"""


def results(root: Path, edits: Sequence[Edit], *, after: bool) -> list[list[object]]:
    """What every step returns in plain Python: `["result", value]`, or `["error", text]`."""
    write(root, edits, after=after)
    asked = json.dumps([[edit.package, input_of(edit)] for edit in edits])
    done = subprocess.run(
        [sys.executable, "-B", "-c", _RUNNER, str(root / "work"), str(root / "site")], cwd=root / "work",
        env=environment(root, edits, after=after), input=asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def unproved(edits: Sequence[Edit]) -> list[str]:
    """One line for every edit whose label is not what execution shows; empty when all are right."""
    with tempfile.TemporaryDirectory(prefix="buildgraph-edits-") as name:
        before, after = (results(Path(name), edits, after=after) for after in (False, True))
    found = []
    assert len(before) == len(after) == len(edits)
    for edit, old, new in zip(edits, before, after, strict=True):
        if "error" in (old[0], new[0]):
            found.append(f"{edit.name}: the step fails: {old[1] if old[0] == 'error' else new[1]}")
        elif (old != new) != (edit.label == RUN):
            found.append(f"{edit.name}: is labelled {edit.label}, but {old[1]!r} became {new[1]!r}")
    return found
