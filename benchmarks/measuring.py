"""One way to run a command and count what it cost: wall and CPU seconds of its whole process tree, peak memory of its largest process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

_SCRIPT = Path(sys.executable).with_name("buildgraph")
# As users start it: the command that the installer wrote, where there is one.
BUILDGRAPH = (str(_SCRIPT),) if _SCRIPT.exists() else (sys.executable, "-m", "buildgraph")
_ROOM = 2 << 30  # bytes

# A process inherits the peak memory of the one that starts it, so a small one of its own starts what is measured. It
# imports nothing; 13 and 25 are SIGPIPE and SIGXFSZ, which Python ignores and its children must not.
_METER = """
import os, posix, sys, time
began = time.perf_counter()
pid = posix.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, setsigdef=(13, 25))
_, status, used = posix.wait4(pid, 0)
wall = time.perf_counter() - began
found = [os.waitstatus_to_exitcode(status), wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
os.write(int(sys.argv[1]), repr(found).encode())
"""

Fresh = Callable[[], Path]  # makes a folder that never held anything


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a command took: seconds of wall time, of CPU time in the whole tree, MiB of its largest process."""

    wall: float
    cpu: float
    rss: float
    output: str


def run(argv: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run `argv` in `folder` to its end, with `environment` added to ours; "{folder}" in a value is the folder.

    Raises CalledProcessError when it fails, FileNotFoundError when there is no such program.
    """
    program = shutil.which(argv[0])
    if program is None:
        raise FileNotFoundError(argv[0])
    given = {name: value.replace("{folder}", str(folder)) for name, value in (environment or {}).items()}
    read, write = os.pipe()
    with os.fdopen(read) as report:
        meter = [sys.executable, "-I", "-S", "-c", _METER, str(write), program, *argv[1:]]
        try:
            done = subprocess.run(
                meter, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env=_environment() | given, pass_fds=[write], check=True,
            )  # fmt: skip
        finally:
            os.close(write)
        code, wall, cpu, rss = json.loads(report.read())
    if code:
        raise subprocess.CalledProcessError(code, list(argv), done.stdout)
    return Run(wall, cpu, rss, done.stdout)


def _environment() -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return found if _installed() else {**found, "PYTHONPATH": str(Path(__file__).parent.parent)}


@cache
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
