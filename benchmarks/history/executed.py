"""The other independent judge: what really runs when a component is called, against the definitions that count for it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.environments import environment
from buildgraph.code import CodeIndex
from buildgraph.digest import Digest

_COMMON: Final = ("numpy==2.4.6",)
_SECONDS: Final = 60  # for one component
_WORKER: Final = Path(__file__).parent / "exercise.py"


@dataclass(frozen=True)
class Executed:
    """How many components could be called, how many functions and classes ran (each counted once), and those that no key holds."""

    components: int
    definitions: int
    outside: tuple[str, ...]


def executed(package: str, version: str, root: Path, points: Iterable[str]) -> Executed:
    """Calls every component of one release, in an environment that has what the release requires."""
    peers = environment(f"exercise/{package}", _COMMON, {package: (f"{package}=={version}",)})
    index = CodeIndex(str(root), search=[], read=_read)
    count = 0
    ran: set[tuple[str, str]] = set()
    outside: set[str] = set()
    for point in points:
        calls = _calls(peers.python, root, point)
        count += bool(calls)
        lines: dict[str, list[tuple[int, int]]] = {}
        for row in index.reached(point):
            lines.setdefault(row.path, []).append((row.first, row.last))
        for file, line, function in calls:
            ran.add((file, function.partition(".")[0]))
            if not any(first <= line <= last for first, last in lines.get(str(root / file), ())):
                outside.add(f"{point}: {file}:{line} {function}")
    return Executed(count, len(ran), tuple(sorted(outside)))


def _calls(python: str, root: Path, point: str) -> list[tuple[str, int, str]]:
    """File, line and name of each function that ran; nothing when the component cannot even be imported there."""
    with tempfile.TemporaryDirectory(prefix="buildgraph-exercise-") as folder:
        places = {"PYTHONPATH": str(root), "HOME": folder, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        answer = Path(folder) / "answer.json"
        command = [python, str(_WORKER), str(root), point, str(answer)]
        try:
            subprocess.run(command, cwd=folder, env={**os.environ, **places}, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            return []
        return [(file, line, function) for file, line, function in json.loads(answer.read_text())] if answer.exists() else []


def _read(path: str) -> tuple[bytes, Digest]:
    content = Path(path).read_bytes()
    return content, Digest.of(content)
