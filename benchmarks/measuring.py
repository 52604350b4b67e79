"""One way to run a command and count what it cost: wall and CPU seconds of its whole process tree, peak memory of its largest process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

BUILDGRAPH = (sys.executable, "-m", "buildgraph")
_ROOM = 2 << 30  # bytes

Fresh = Callable[[], Path]  # makes a folder that never held anything


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
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return found if _installed() else {**found, "PYTHONPATH": str(Path(__file__).parent.parent)}


def _installed() -> bool:
    return subprocess.run([sys.executable, "-c", "import buildgraph.rules"], cwd="/", capture_output=True, check=False).returncode == 0


@contextmanager
def scratch(parent: str) -> Iterator[Fresh]:
    """A function that makes a new folder below `parent` at each call. All of them go when everything has been measured:
    after thousands of deletions ext4 takes far longer to create a file, for minutes, and the next run would pay for it.
    """
    top = tempfile.mkdtemp(prefix="buildgraph-bench-", dir=parent)
    try:
        yield lambda: Path(tempfile.mkdtemp(dir=top))
    finally:
        shutil.rmtree(top, ignore_errors=True)


def in_memory() -> str:
    """A folder whose files are in memory, where there is one with room; else the usual one for temporary files."""
    shared = "/dev/shm"
    roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM
    return shared if roomy else tempfile.gettempdir()


def middle(values: Sequence[float], digits: int = 3) -> float:
    return round(median(values), digits)


