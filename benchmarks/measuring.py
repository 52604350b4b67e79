"""One way to run a command and count what it cost: wall and CPU seconds of its whole process tree, peak memory of its largest process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

BUILDGRAPH = (sys.executable, "-m", "buildgraph")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a command took: seconds of wall time, of CPU time in the whole tree, and MiB of its own process."""

    wall: float
    cpu: float
    rss: float
    output: str


def run(argv: Sequence[str], folder: Path) -> Run:
    """Run `argv` in `folder` to its end. Raises CalledProcessError when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment())
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv, output)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def _environment() -> dict[str, str]:
    home = Path(__file__).parent.parent
    return {**os.environ, "PYTHONPATH": str(home)} if not _installed() else dict(os.environ)


def _installed() -> bool:
    return subprocess.run([sys.executable, "-c", "import buildgraph.rules"], cwd="/", capture_output=True, check=False).returncode == 0


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A folder that never held anything: creating files where many were deleted is slow on some file systems."""
    folder = Path(tempfile.mkdtemp(prefix="buildgraph-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def middle(values: Sequence[float], digits: int = 3) -> float:
    return round(median(values), digits)


