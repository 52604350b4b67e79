"""The process that workers are forked from: small, without user code, and the parent that lets none of them escape.

It runs in a fresh interpreter with the fixed environment of workers, imports the work function once, forks a worker
for every channel it is sent, and reports how each one ended. It is the subreaper of all that workers leave behind, and
every worker is the subreaper of its own tree: whatever is our child without being a worker has lost its worker.
When the coordinator says so, or is gone, it ends everything below it and then itself.

The coordinator's end of it is `Nursery`, at the bottom; the packets between the two are described in `frames.py`.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import msgpack

from buildgraph.errors import MachineError
from buildgraph.execution.frames import (
    CHUNK,
    END,
    EXITED,
    FORK,
    FORKED,
    PRELOAD,
    PRELOADED,
    READY,
    REFUSED,
    Inbox,
    frame,
)
from buildgraph.execution.processes import (
    adopt_orphans,
    descendants,
    kill_sessions,
    kill_tree,
    reaped,
    send,
    signal_on_parents_death,
)

BOOT: Final = (
    "import gc, sys; gc.disable(); sys.path[:0] = [p for p in sys.argv[4:] if p not in sys.path]; "
    "from buildgraph.execution.nursery import main; main(int(sys.argv[1]), sys.argv[2], sys.argv[3])"
)
_PACKET: Final = 1 << 16
_GRACE: Final = 1.0  # seconds between TERM and KILL
_ORPHANED_GRACE: Final = 0.5  # the same, when there is nobody left who could be waiting
_LONGEST_IMPORT: Final = 120  # seconds; then the kernel ends this process, and the next one does without preloads
_TAIL: Final = 2000  # bytes of its last words that an error shows
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)


def main(parent: int, root: str, work: str) -> NoReturn:
    """Serve the coordinator `parent`, whose control socket is our standard input, until it is gone."""
    os.closerange(3, 1 << 16)
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    os.umask(0o022)
    os.chdir(root)
    sys.argv[:] = [""]
    server = _ForkServer(parent, control)
    signal_on_parents_death(signal.SIGHUP)
    adopt_orphans()
    server.leave_if_orphaned()
    module, _, name = work.partition(":")
    server.work = getattr(import_module(module), name)
    gc.freeze()
    gc.enable()
    server.reports.append([READY])
    server.serve()


class _ForkServer:
    def __init__(self, parent: int, control: socket.socket) -> None:
        self.parent = parent
        self.pid = os.getpid()
        self.control = control
        self.work: Callable[[bytes], bytes]
        self.reports: deque[list[Any]] = deque()
        self.workers: dict[int, int] = {}  # pid -> number
        self.ending: dict[int, float] = {}  # pid -> when KILL is due
        self.exits: list[list[Any]] = []  # reports that wait until the orphans of those workers are gone, too
        self.orphans_until: float | None = None
        self.kept: set[int] = set()  # processes that preloaded modules started
        self.hurry = False
        control.setblocking(False)
        self.wakeup, wakeup = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        self._wakeup_writer = wakeup
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, lambda *_: self.leave_if_orphaned())
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "hurry", True))
        signal.signal(signal.SIGTERM, lambda *_: self.leave(10.0))  # even in an import; SIGUSR1 cuts it short

    def serve(self) -> NoReturn:
        poll = select.poll()
        poll.register(self.wakeup, select.POLLIN)
        while True:
            self.report()
            poll.register(self.control, select.POLLIN | (select.POLLOUT if self.reports else 0))
            for fd, _ in poll.poll(self.patience()):
                if fd == self.wakeup:
                    os.read(self.wakeup, 4096)
                else:
                    self.listen()
            self.reap()
            self.enforce()

    def patience(self) -> float | None:
        due = [*self.ending.values()]
        if self.orphans_until is not None:
            due.append(self.orphans_until)
        return max(0.0, min(due) - time.monotonic()) * 1000 + 1 if due else None

    def report(self) -> None:
        try:
            while self.reports:
                self.control.send(msgpack.packb(self.reports[0]), socket.MSG_NOSIGNAL)
                self.reports.popleft()
        except BlockingIOError:
            return
        except OSError:
            self.leave(_ORPHANED_GRACE)

    def listen(self) -> None:
        try:
            packet, fds, _, _ = socket.recv_fds(self.control, _PACKET, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except ConnectionError:
            packet, fds = b"", []
        if not packet:
            self.leave(_ORPHANED_GRACE)
        kind, given = msgpack.unpackb(packet)
        if kind == FORK and fds:
            self.fork(given, socket.socket(fileno=fds[0]))
        elif kind == FORK:  # the socket got lost on the way in
            self.reports.append([REFUSED, given, errno.EMFILE])
        elif kind == END:
            self.end([pid for pid, number in self.workers.items() if number == given])
        elif kind == PRELOAD:
            self.preload(given)

    def fork(self, number: int, channel: socket.socket) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # until the child has handlers of its own
        try:
            pid = os.fork()
            if pid == 0:
                self.become_worker(channel)
            self.workers[pid] = number
            self.reports.append([FORKED, number, pid])
        except OSError as error:
            self.reports.append([REFUSED, number, error.errno])
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            channel.close()

    def become_worker(self, channel: socket.socket) -> NoReturn:
        status = 1
        try:
            os.setsid()  # a terminal's Ctrl-C is the coordinator's business
            signal_on_parents_death(signal.SIGKILL)
            if os.getppid() != self.pid:
                os._exit(status)
            adopt_orphans()
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for fd in (self.wakeup, self._wakeup_writer):
                os.close(fd)
            self.control.close()
            os.dup2(1, 2)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            serve(channel, self.work)
            status = 0
        except BaseException:  # noqa: BLE001 - a worker must never return into the nursery's loop
            import traceback  # slow to import, and hardly ever needed

            traceback.print_exc()
        finally:
            os._exit(status)

    def preload(self, modules: list[str]) -> None:
        """Import modules where every later worker inherits them; what they print or raise is for the workers to see."""
        saved, null, folder = os.dup(2), os.open(os.devnull, os.O_WRONLY), os.getcwd()
        os.dup2(null, 2)
        signal.alarm(_LONGEST_IMPORT)
        for name in modules:
            try:
                import_module(name)
            except BaseException:  # noqa: BLE001, S112 - the action that needs the module will say why it cannot be imported
                continue
        signal.alarm(0)
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
        os.chdir(folder)
        gc.freeze()
        if _has_children():
            self.kept.update(descendants(self.pid, without=self.workers))
        self.reports.append([PRELOADED])

    def end(self, pids: list[int]) -> None:
        for pid in pids:
            if pid not in self.ending:
                send([pid, *descendants(pid)], signal.SIGTERM)
                self.ending[pid] = time.monotonic() + _GRACE

    def reap(self) -> None:
        """Take note of children that ended: workers are reported, orphans are just gone."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            self.kept.discard(pid)
            number = self.workers.pop(pid, None)
            if number is not None:
                by_signal, code = (os.WTERMSIG(status), 0) if os.WIFSIGNALED(status) else (0, os.WEXITSTATUS(status))
                self.exits.append([EXITED, number, by_signal, code, usage.ru_maxrss * 1024])
                due = self.ending.pop(pid, None)
                if due is not None and (self.orphans_until is None or due < self.orphans_until):
                    self.orphans_until = due  # what is left of its tree has had its TERM

    def enforce(self) -> None:
        """Kill what was told to end and did not; report the workers of which nothing is left."""
        now = time.monotonic()
        for pid, due in self.ending.items():
            if now >= due:
                send([pid, *descendants(pid)], signal.SIGKILL)
                self.ending[pid] = now + 0.02
        if not self.exits:
            self.orphans_until = None
            return
        orphans = descendants(self.pid, without=self.kept.union(self.workers))
        if not orphans:
            self.reports.extend(self.exits)
            self.exits.clear()
            self.orphans_until = None
        elif self.orphans_until is None:
            send(orphans, signal.SIGTERM)
            self.orphans_until = now + _GRACE
        elif now >= self.orphans_until:
            send(orphans, signal.SIGKILL)
            self.orphans_until = now + 0.02

    def leave_if_orphaned(self) -> None:
        """The kernel's word that a thread of the coordinator ended may only mean that thread."""
        if os.getppid() != self.parent:
            self.leave(_ORPHANED_GRACE)

    def leave(self, grace: float) -> NoReturn:
        """End everything below this process, then this process."""
        kill_at = time.monotonic() + grace
        give_up_at = kill_at + 2 * _GRACE
        send(descendants(self.pid), signal.SIGTERM)
        while True:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                os._exit(0)  # no child left means no descendant left: orphans become our children
            now = time.monotonic()
            if self.hurry:
                self.hurry, kill_at, give_up_at = False, now, now + 2 * _GRACE
            if now >= kill_at:
                send(descendants(self.pid), signal.SIGKILL)
                kill_at = now + 0.01
            if now >= give_up_at:
                os._exit(1)
            time.sleep(0.001)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def serve(channel: socket.socket, work: Callable[[bytes], bytes]) -> None:
    """What a worker does: answer requests in their order until the coordinator hangs up."""
    inbox = Inbox()
    clock = time.perf_counter
    while data := channel.recv(CHUNK):
        for ticket, request in inbox.take(data):
            began = clock()
            outcome = work(request)
            channel.sendall(frame([ticket, clock() - began, outcome]), socket.MSG_NOSIGNAL)


class Nursery:
    """The coordinator's end: starts the process, talks to it, and sees to it that nothing of it is left."""

    def __init__(self, work: str, *, root: str, environment: Mapping[str, str], path: Sequence[str]) -> None:
        self._arguments = [sys.executable, "-P", "-s", "-c", BOOT, str(os.getpid()), root, work, *path]
        self._environment = environment
        self._pid = 0
        self._forking = False
        self._status: int | None = None
        self._stderr = -1
        self.ready = False
        self.control: socket.socket | None = None

    def start(self) -> socket.socket:
        """Start the process; what it has to say can be read with `hear` when the returned socket is readable."""
        try:
            self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._stderr = os.memfd_create("nursery", os.MFD_CLOEXEC)
                self._spawn(theirs.fileno())
        except OSError as error:
            raise MachineError(
                "the worker processes cannot be started",
                code="BG200",
                where=self._arguments[0],
                why=f"starting this Python interpreter failed: {error.strerror}",
                fix="check that it exists, and that there is memory and room for one more process and some open files",
            ) from None
        return self.control

    def _spawn(self, control: int) -> None:
        high: list[int] = []
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            # out of the way of 0 to 2, which are about to be replaced
            high.extend(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (control, self._stderr))
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # no process whose pid an interrupt lost
            self._pid = os.posix_spawn(
                self._arguments[0],
                self._arguments,
                self._environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, high[0], 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, high[1], 2),
                ],
                setsid=True,  # signals for the coordinator's terminal or process group are not for workers
                setsigmask=(),
                setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
            )
        finally:
            for fd in high:
                os.close(fd)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def preload(self, modules: Sequence[str]) -> None:
        self._tell([PRELOAD, list(modules)])

    def end(self, number: int) -> None:
        """Have a worker and all below it ended: TERM, and KILL a second later."""
        self._tell([END, number])

    def _tell(self, message: list[Any]) -> None:
        try:
            self._control().send(msgpack.packb(message), socket.MSG_NOSIGNAL)
        except ConnectionError:
            return  # that it is gone is what `hear` will say

    def fork(self, number: int) -> socket.socket:
        """Ask for a worker; returns our end of its channel, usable at once. Raises OSError when the system refuses."""
        ours, theirs = socket.socketpair()
        self._forking = True
        with theirs:
            try:
                message = msgpack.packb([FORK, number])
                socket.send_fds(self._control(), [message], [theirs.fileno()], socket.MSG_NOSIGNAL)
            except ConnectionError:
                pass  # as in `_tell`
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)
        return ours

    def hear(self) -> list[Any] | None:
        """The next message, or None when the process is gone."""
        try:
            packet = self._control().recv(_PACKET)
        except ConnectionError:  # it left something unread, which is said once and before what it had to say itself
            packet = self._control().recv(_PACKET)
        return list(msgpack.unpackb(packet)) if packet else None

    def _control(self) -> socket.socket:
        assert self.control is not None, "the nursery was not started"
        return self.control

    def stop(self, *, grace: float, workers: Collection[int] = ()) -> None:
        """Have it end every worker and itself, or do it from here when it cannot. `workers` are pids still in use."""
        if self._pid:
            if self._forking:  # else it has nothing to tidy up, and may be deep in an import
                for number, patience in ((signal.SIGTERM, grace), (signal.SIGUSR1, _GRACE)):
                    send([self._pid], number)
                    self._status = reaped(self._pid, within=patience)
                    if self._status is not None:
                        break
            if self._status is None:
                self._status = kill_tree(self._pid)
            if self._status != 0:
                kill_sessions(workers)
            self._pid = 0

    def close(self) -> None:
        """Give back the file descriptors, once it was stopped."""
        if self.control is not None:
            self.control.close()
        fd, self._stderr = self._stderr, -1
        if fd >= 0:
            os.close(fd)

    def obituary(self) -> MachineError:
        """The error that says how the process ended, once it was stopped."""
        status = self._status or 0
        code = os.waitstatus_to_exitcode(status)
        how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
        size = os.fstat(self._stderr).st_size
        last = os.pread(self._stderr, _TAIL, max(0, size - _TAIL)).decode(errors="replace").strip()
        facts = (("ended", how), ("its last words", last)) if last else (("ended", how),)
        if not self.ready:
            return MachineError(
                "the worker processes cannot be started",
                code="BG200",
                where=self._arguments[0],
                facts=facts,
                why="every worker is forked from one helper process, and that could not get ready",
                fix="put right what its last line says; `buildgraph doctor` checks the installation",
            )
        return MachineError(
            "the process that workers are forked from has ended",
            code="BG200",
            where=self._arguments[0],
            facts=facts,
            why="every worker is forked from one helper process, and nothing can run without it",
            fix="run the build again; if it was killed, the system's log says why (often: too little memory)",
        )
