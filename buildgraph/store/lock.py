"""A lock between processes that names its holder and dies with it: flock on a small file that says who has it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple

from buildgraph.errors import LockError, StoreError

_PAUSE: Final = 0.02


class Holder(NamedTuple):
    """The process that has a lock: its id, its start time in clock ticks since boot, its host, and what for."""

    pid: int
    started: int
    host: str
    purpose: str

    def __str__(self) -> str:
        state = "" if self.host != os.uname().nodename else _WORDS.get(_process(self.pid)[0], "")
        return f"pid {self.pid} on {self.host} (`{self.purpose}`{state})"


_WORDS: Final = {"T": ", stopped", "t": ", being debugged", "D": ", waiting for the disk", "": ", gone"}
_UNKNOWN: Final = Holder(0, 0, "an unknown host", "unknown")


class FileLock:
    """An exclusive (or `shared`) lock on the file at `path`, taken for `purpose`; released when the process ends.

    Never remove the file of a lock: two processes could then hold it. A shared lock does not name its holders.
    """

    __slots__ = ("_fd", "path", "purpose", "shared")

    def __init__(self, path: str, purpose: str, *, shared: bool = False) -> None:
        self.path = path
        self.purpose = purpose
        self.shared = shared
        self._fd = -1

    @property
    def held(self) -> bool:
        return self._fd >= 0

    def acquire(
        self,
        wait: bool = True,
        on_wait: Callable[[Holder], None] | None = None,
        timeout: float | None = None,
        patience: float = 0.0,
    ) -> None:
        """Take the lock, or raise LockError (BG310) naming the holder: at once unless `wait`, else after `timeout` s.

        `on_wait` is told the holder once, when the wait has lasted `patience` seconds. Ctrl-C ends the wait.
        """
        if self._fd >= 0:
            raise AssertionError(f"{self.path} is already held here")
        if self._try():
            return
        begun = time.monotonic()
        while wait:
            waited = time.monotonic() - begun
            if timeout is not None and waited >= timeout:
                break
            if on_wait is not None and waited >= patience:
                on_wait(self.holder())
                on_wait = None
            time.sleep(_PAUSE * (0.5 + os.urandom(1)[0] / 255))  # jitter: waiting processes must not march in step
            if self._try():
                return
        holder = self.holder()
        who = str(holder) if holder.pid else "another process"
        raise LockError(
            f"{who} holds the lock for `{self.purpose}`",
            code="BG310", where=self.path, why="only one process may do this at a time",
            fix=f"wait for it, or end it: kill {holder.pid}" if holder.pid else "wait for it to end",
        )  # fmt: skip

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            if not self.shared:
                os.ftruncate(fd, 0)
            os.close(fd)

    def holder(self) -> Holder:
        """Who holds the lock, as far as its file tells."""
        try:
            with open(self.path, "rb") as file:
                pid, started, host, purpose = file.read(4096).decode(errors="replace").rstrip("\n").split(" ", 3)
            return Holder(int(pid), int(started), host, purpose)
        except (OSError, ValueError):
            return _UNKNOWN  # it has just been taken or given back

    def to_exclusive(self) -> bool:
        """Turn a held shared lock into an exclusive one if nobody else shares it; if somebody does it stays shared."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.to_shared()  # a refused conversion may have dropped the lock
            return False
        return True

    def to_shared(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _try(self) -> bool:
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreError(
                f"the lock file cannot be opened: {error.strerror}", code="BG311", where=self.path,
                why=f"`{self.purpose}` needs a lock there",
                fix="check the permissions of the folder and the space on its disk",
            ) from error  # fmt: skip
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if self.shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            if not _is_at(fd, self.path):  # somebody removed or replaced the file between our open and our lock
                os.close(fd)
                return False
            if not self.shared:
                self._sign(fd)
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def _sign(self, fd: int) -> None:
        pid = os.getpid()
        line = f"{pid} {_process(pid)[1]} {os.uname().nodename} {self.purpose}\n".encode()
        try:
            os.ftruncate(fd, 0)
            os.pwrite(fd, line, 0)
        except OSError:
            pass  # a full disk: the lock holds without a name on it


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _process(pid: int) -> tuple[str, int]:
    """State letter and start time of a process; an empty letter when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
        return fields[0].decode(), int(fields[19])
    except (OSError, IndexError, ValueError):
        return "", 0
