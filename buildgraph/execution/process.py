"""The state of one worker process: what actions see of it, put back to how it was after each of them."""

from __future__ import annotations

import os
import resource as limits
import sys

_LOG_HEAD, _LOG_TAIL = 256 * 1024, 256 * 1024  # bytes of an action's output that are kept


class Process:
    """The state of one worker process: its private folder, its log, and the environment that actions start from."""

    def __init__(self, root: str, private: str, *, redirect: bool = True) -> None:
        """With `redirect`, what is printed goes to the log; else it is seen at once."""
        self.root = root
        self.private = private
        self.home = os.path.join(private, "home")
        self.work = os.path.join(private, "cwd")
        os.makedirs(self.home, exist_ok=True)
        os.makedirs(self.work, exist_ok=True)
        os.environ.update(HOME=self.home, TMPDIR=self.home)
        self.environment = dict(os.environ)
        self._raw = dict(os.environ._data)  # type: ignore[attr-defined]  # see `reset`
        self.files = 0
        self.log = os.open(
            os.path.join(private, "log"), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        sys.stdout.flush()
        sys.stderr.flush()
        if redirect:
            os.dup2(self.log, 1)
            os.dup2(self.log, 2)
        self.recursion = sys.getrecursionlimit()
        os.chdir(self.work)
        self._untouched = _looks(".")
        self._cpu = 0.0
        self.spent()

    def scratch(self, folder: str) -> str:
        """A path for a new file in `folder`."""
        self.files += 1
        return os.path.join(folder, f"{os.getpid()}-{self.files}")

    def environ_of(self, declared: tuple[tuple[str, str], ...]) -> dict[bytes, bytes]:
        """The environment of a program that an action starts, as bytes."""
        return {**self._raw, **{os.fsencode(name): os.fsencode(value) for name, value in declared}}

    def take_log(self) -> bytes:
        """What was printed since the last time; the middle is cut out when it is very long."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, ValueError, OSError):  # closed, or put away by user code
                return b"(standard output was closed)\n"
        size = os.lseek(self.log, 0, os.SEEK_END)
        if not size:
            return b""
        data = os.pread(self.log, _LOG_HEAD + _LOG_TAIL, 0)
        if size > len(data):
            data = (
                data[:_LOG_HEAD]
                + b"\n... %d bytes cut ...\n" % (size - _LOG_HEAD - _LOG_TAIL)
                + os.pread(self.log, _LOG_TAIL, size - _LOG_TAIL)
            )
        os.ftruncate(self.log, 0)
        return data

    def spent(self) -> tuple[float, int]:
        """CPU seconds since the last time, children included, and the peak memory of this process in bytes."""
        own, children = limits.getrusage(limits.RUSAGE_SELF), limits.getrusage(limits.RUSAGE_CHILDREN)
        total = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        since, self._cpu = total - self._cpu, total
        return since, own.ru_maxrss * 1024

    def reset(self) -> None:
        """Put back what an action may have changed in this process."""
        os.umask(0o022)
        try:
            if _looks(".") != self._untouched:
                os.chdir(self.work)  # if that helps, it was left and is untouched
                if _looks(".") != self._untouched:
                    self._clean()
        except OSError:
            self._clean()
        if os.environ._data != self._raw:  # type: ignore[attr-defined]  # decoding every variable would cost 20 times more
            os.environ.clear()
            os.environ.update(self.environment)
        if sys.getrecursionlimit() != self.recursion:
            sys.setrecursionlimit(self.recursion)
        if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__

    def close(self) -> None:
        """Put everything back and remove the private folder."""
        import shutil

        self.reset()
        os.close(self.log)
        os.chdir(self.root)
        shutil.rmtree(self.private, ignore_errors=True)

    def _clean(self) -> None:
        import shutil

        os.chdir(self.root)
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work, exist_ok=True)
        os.chdir(self.work)
        self._untouched = _looks(".")


def _looks(folder: str) -> tuple[int, int, int]:
    """Which folder it is, and when something in it came or went last."""
    status = os.stat(folder)
    return status.st_dev, status.st_ino, status.st_mtime_ns
