"""Whole process trees on Linux: who descends from whom, who inherits orphans, and how all of them are ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


class Process(NamedTuple):
    """One line of the process table; `alive` is false for what has ended and only waits to be reaped."""

    pid: int
    parent: int
    session: int
    alive: bool


def table() -> list[Process]:
    """All processes that can be seen now."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()  # the name before may hold spaces and brackets
        except OSError:
            continue  # it ended meanwhile
        if len(fields) > 3:
            found.append(Process(int(name), int(fields[1]), int(fields[3]), fields[0] not in (b"Z", b"X")))
    return found


def descendants(pid: int, *, without: Collection[int] = ()) -> list[int]:
    """The living processes that descend from `pid`; the trees that start at `without` are left out."""
    children: dict[int, list[Process]] = {}
    for process in table():
        children.setdefault(process.parent, []).append(process)
    found, todo = [], [pid]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child.pid not in without:
                todo.append(child.pid)
                if child.alive:
                    found.append(child.pid)
    return found


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to every process that still exists and may be signalled."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def reaped(pid: int, *, within: float) -> int | None:
    """The wait status of our child `pid` when it ends in time, else None; 0 when somebody else has reaped it."""
    until = time.monotonic() + within
    pause = 0.0005
    while True:
        try:
            gone, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 0
        if gone:
            return status
        if time.monotonic() >= until:
            return None
        time.sleep(pause)
        pause = min(pause * 2, 0.01)


def kill_tree(pid: int, *, within: float = 1.0) -> int | None:
    """Kill all that descends from our child `pid`, then the child; its wait status as `reaped` has it."""
    until = time.monotonic() + within
    while (below := descendants(pid)) and time.monotonic() < until:
        send(below, signal.SIGKILL)
        time.sleep(0.002)
    send([pid], signal.SIGKILL)
    return reaped(pid, within=within)


def kill_sessions(sessions: Collection[int]) -> None:
    """Kill every process of the given sessions."""
    if sessions:
        send([process.pid for process in table() if process.session in sessions and process.alive], signal.SIGKILL)


def signal_on_parents_death(number: int) -> None:
    """Have the kernel send this process a signal when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none can leave the tree."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    import ctypes  # only the nursery and its workers need it

    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
