"""The process pool: hands requests to workers, a few at a time, and survives whatever happens to a worker.

    coordinator ── control packets, sockets of new workers ──▶ nursery
        │ ◀─────────── how every worker ended ──────────────── │ fork, reap, kill
        └── frames [ticket, request] ──▶ worker ── [ticket, seconds, outcome] ──▶ coordinator

A worker answers in order, so the oldest unanswered request of a dead worker, its head, is the one it died under; those
behind it were never begun and go to other workers. How many requests a worker holds depends on what their kinds have
cost: `BUDGET` seconds of expected work at most when all of them are cheap, so that they flow; one that is not cheap, or
of a kind never seen, is alone with its worker.
While every busy worker has more than it is at, the coordinator dozes: waking it for each answer costs more than many
an action, and answers that come in a bunch are taken in, and followed up, in a bunch.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from buildgraph.errors import MachineError
from buildgraph.execution.frames import (
    CHUNK,
    EXITED,
    FORKED,
    PRELOADED,
    READY,
    REFUSED,
    FrameError,
    Inbox,
    frame,
)
from buildgraph.execution.runner import Death, Finished

if TYPE_CHECKING:  # imported when the pool starts: they bring `socket`, which a build with nothing to do never needs
    import socket

    from buildgraph.execution.nursery import Nursery

BUDGET: Final = 0.1  # seconds of expected work that one worker may hold
_CHEAP: Final = 0.02  # expected seconds up to which requests share a worker
DEEPEST: Final = 64  # requests that one worker may hold
_UNKNOWN: Final = 3600.0  # expected seconds of a kind never seen: nothing waits behind it
_DOZE: Final = 0.25  # part of a worker's expected work during which its answers may wait to be taken in
_COMING_UP: Final = 4  # workers that may be asked for ahead of being forked; forks are serial anyway
_FLUSH: Final = 1 << 16  # bytes for a busy worker that are not held back until the next wait
_MSG_NOSIGNAL: Final = 0x4000  # socket.MSG_NOSIGNAL: a dead worker is news, not a SIGPIPE


@dataclass(slots=True)
class _Cost:
    """What requests of one kind cost: a moving mean and a moving mean deviation, in seconds."""

    mean: float
    deviation: float

    def learn(self, seconds: float) -> None:
        difference = seconds - self.mean
        self.mean += difference / 4
        self.deviation += (abs(difference) - self.deviation) / 4

    def expected(self) -> float:
        """A pessimistic estimate, much as TCP's for its timer: a kind of mixed sizes counts as expensive."""
        return self.mean + 2 * self.deviation


@dataclass(slots=True, eq=False)
class _Asked:
    """A request that is not over."""

    ticket: int
    data: bytes
    timeout: float | None
    kind: str
    cost: float = 0.0  # expected seconds when it was handed out


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker as the coordinator sees it. It is known by its number until its end is reported."""

    number: int
    channel: socket.socket
    pid: int = 0  # 0 until it is forked
    requests: deque[_Asked] = field(default_factory=deque)  # unanswered, oldest first
    load: float = 0.0  # their expected seconds
    since: float = 0.0  # when the oldest became the oldest
    inbox: Inbox = field(default_factory=Inbox)
    outbox: bytearray = field(default_factory=bytearray)
    retiring: bool = False  # gets no more requests, and hangs up after the last answer
    ending: bool = False  # the nursery has been told to end it
    overdue: _Asked | None = None  # the request whose timeout was the reason


class ProcessPool:
    """A Runner whose workers are processes. `work` is "module:function" with bytes in and out.

    Workers see exactly `environment`, have `root` as their folder, and find modules on `path` first.
    """

    def __init__(
        self,
        jobs: int,
        *,
        work: str = "buildgraph.execution.worker:run",
        root: str,
        environment: Mapping[str, str],
        path: Sequence[str],
    ) -> None:
        assert jobs >= 1, "a pool has at least one worker"
        self.slots = jobs
        self._work = work
        self._root = root
        self._environment = dict(environment)
        self._path = list(path)
        self._nursery: Nursery | None = None
        self._preloads_break = False
        self._costs: dict[str, _Cost] = {}
        self._numbers = 0
        self._forget()

    def _forget(self) -> None:
        """The state of a pool with nothing running and nothing asked."""
        self._limit = self.slots  # workers; fewer when the machine refuses to start more
        self._preloading = 0
        self._poll = select.poll()
        self._workers: dict[int, _Worker] = {}
        self._by_fd: dict[int, _Worker] = {}
        self._unsent: set[_Worker] = set()
        self._backlog: deque[_Asked] = deque()
        self._outstanding = 0
        self._timed = 0  # how many of these have a timeout
        self._latest = ""
        self._finished: list[Finished] = []

    def start(self) -> None:
        assert self._nursery is None, "the pool is running"
        from buildgraph.execution.nursery import Nursery

        self._nursery = Nursery(self._work, root=self._root, environment=self._environment, path=self._path)
        self._poll.register(self._nursery.start(), select.POLLIN)

    def preload(self, modules: Sequence[str]) -> None:
        if modules and not self._preloads_break:
            self._preloading += 1
            self._running().preload(modules)

    def submit(self, ticket: int, request: bytes, *, timeout: float | None = None, kind: str = "") -> None:
        try:
            data = frame([ticket, request])
        except OverflowError:
            raise MachineError(
                f"an action's request of {len(request)} bytes is too large for a worker",
                code="BG202",
                why="a request and the values inside it are sent as one message of less than 4 GiB",
                fix="hand large inputs over as files",
            ) from None
        self._latest = kind
        self._outstanding += 1
        self._timed += timeout is not None
        self._backlog.append(_Asked(ticket, data, timeout, kind))
        self._dispatch()

    def room(self) -> int:
        expected = self._expected(self._latest)
        window = DEEPEST if expected * DEEPEST <= BUDGET else max(1, int(BUDGET / expected))
        busy = sum(1 for worker in self._workers.values() if worker.requests or worker.ending)
        return max(0, self._limit * window - self._outstanding, self._limit - busy - len(self._backlog))

    def wait(self) -> list[Finished]:
        while self._outstanding and not self._finished:
            self._dispatch()
            for worker in list(self._unsent):
                self._send(worker)
            self._doze()
            news = False
            for fd, event in self._poll.poll(self._patience()):
                sender = self._by_fd.get(fd)
                if sender is None:
                    news = True  # looked at after the answers: the end of a worker concerns what it has not answered
                elif event & ~select.POLLOUT:
                    self._receive(sender)
            if news:
                self._hear()
            if self._timed:
                self._expire()
        if self._backlog:
            self._dispatch()
        finished, self._finished = self._finished, []
        return finished

    def _doze(self) -> None:
        """Let answers pile up, for as long as no worker runs out of work meanwhile."""
        shortest = BUDGET
        for worker in self._workers.values():
            if worker.requests:
                if len(worker.requests) == 1 or worker.ending or not worker.pid:
                    return
                shortest = min(shortest, worker.load)
        time.sleep(shortest * _DOZE)

    def recycle(self) -> None:
        for worker in list(self._workers.values()):
            worker.retiring = True
            self._retire(worker)

    def stop(self, *, grace: float = 0.5) -> None:
        nursery = self._nursery
        if nursery is not None:
            nursery.stop(grace=grace, workers=[worker.pid for worker in self._workers.values() if worker.pid])
            nursery.close()
        for worker in self._workers.values():
            worker.channel.close()
        self._nursery = None
        self._forget()

    def _running(self) -> Nursery:
        assert self._nursery is not None, "the pool was not started"
        return self._nursery

    # Which worker gets what.

    def _expected(self, kind: str) -> float:
        cost = self._costs.get(kind)
        expected = cost.expected() if cost is not None else _UNKNOWN
        return expected if expected <= _CHEAP else max(expected, BUDGET)

    def _dispatch(self) -> None:
        """Hand out what waits, as far as workers should hold more; ask for another worker while all are busy."""
        while self._backlog:
            asked = self._backlog[0]
            asked.cost = self._expected(asked.kind)
            worker = self._place(asked.cost)
            if worker is None or worker.requests or not worker.pid:
                self._grow()
                worker = worker or self._place(asked.cost)
            if worker is None:
                return
            self._backlog.popleft()
            if not worker.requests:
                worker.since = time.monotonic()
            worker.requests.append(asked)
            worker.load += asked.cost
            worker.outbox += asked.data
            self._unsent.add(worker)
            if len(worker.requests) == 1 or len(worker.outbox) > _FLUSH:
                self._send(worker)

    def _place(self, cost: float) -> _Worker | None:
        """The worker with the least to do that may hold another request of this cost; one that is up is preferred."""
        best: _Worker | None = None
        least = (True, 0.0, 0)
        for worker in self._workers.values():
            held = len(worker.requests)
            if worker.retiring or worker.ending or (held and (worker.load + cost > BUDGET or held >= DEEPEST)):
                continue
            burden = (not worker.pid, worker.load, held)
            if best is None or burden < least:
                best, least = worker, burden
        return best

    def _grow(self) -> None:
        """Ask for one more worker, unless there are enough or some are coming up anyway."""
        coming_up = sum(1 for worker in self._workers.values() if not worker.pid)
        if len(self._workers) >= self._limit or coming_up >= _COMING_UP:
            return
        self._numbers += 1
        try:
            channel = self._running().fork(self._numbers)
        except OSError as error:
            self._refused(error.errno or 0)
            return
        worker = _Worker(self._numbers, channel)
        self._workers[worker.number] = self._by_fd[channel.fileno()] = worker
        self._poll.register(channel, select.POLLIN)

    def _refused(self, number: int) -> None:
        """The machine has no room for another worker: make do with those there are."""
        if not self._workers:
            raise MachineError(
                "no worker process can be started",
                code="BG201",
                why=f"the system refuses: {os.strerror(number)}",
                fix="free memory, or raise the limits on processes and open files (ulimit -u, ulimit -n)",
            )
        self._limit = len(self._workers)

    # What goes to and fro between us and a worker.

    def _send(self, worker: _Worker) -> None:
        try:
            sent = worker.channel.send(worker.outbox, _MSG_NOSIGNAL)
            del worker.outbox[:sent]
        except BlockingIOError:
            pass
        except OSError:
            worker.outbox.clear()  # it is dying; the nursery will say how
        if worker.outbox:
            self._unsent.add(worker)
            self._poll.modify(worker.channel, select.POLLIN | select.POLLOUT)
        else:
            self._unsent.discard(worker)
            self._poll.modify(worker.channel, select.POLLIN)

    def _receive(self, worker: _Worker) -> bool:
        """Take in what a worker has answered; false when there was nothing to take."""
        try:
            data = worker.channel.recv(CHUNK)
            answers = worker.inbox.take(data)
            for answer in answers:
                self._answered(worker, answer)
        except BlockingIOError:
            return False
        except (OSError, FrameError):  # the end, or something else than the worker has written to its channel
            data = b""
        if not data:
            self._disconnect(worker)  # nothing sensible will come from it any more; the nursery will report its end
            self._end(worker)
            return False
        if answers and worker.requests:
            worker.since = time.monotonic()
        if worker.retiring:
            self._retire(worker)
        return True

    def _answered(self, worker: _Worker, answer: object) -> None:
        asked = worker.requests[0] if worker.requests else None
        if not isinstance(answer, list) or len(answer) != 3 or asked is None or answer[0] != asked.ticket:
            raise FrameError("not an answer to the oldest request")
        ticket, seconds, outcome = answer
        worker.requests.popleft()
        worker.load = worker.load - asked.cost if worker.requests else 0.0
        cost = self._costs.get(asked.kind)
        if cost is None:
            self._costs[asked.kind] = _Cost(seconds, seconds / 2)
        else:
            cost.learn(seconds)
        self._over(asked, Finished(ticket, outcome, None))

    def _over(self, asked: _Asked, finished: Finished) -> None:
        self._outstanding -= 1
        self._timed -= asked.timeout is not None
        self._finished.append(finished)

    def _end(self, worker: _Worker) -> None:
        if not worker.ending:
            worker.ending = True
            self._running().end(worker.number)

    def _retire(self, worker: _Worker) -> None:
        if not worker.requests and not worker.ending:
            self._drop(worker)

    def _drop(self, worker: _Worker) -> None:
        """Forget a worker; one that lives sees the end of its channel and exits."""
        self._disconnect(worker)
        self._workers.pop(worker.number, None)

    def _disconnect(self, worker: _Worker) -> None:
        fd = worker.channel.fileno()
        if fd >= 0:
            self._poll.unregister(fd)
            del self._by_fd[fd]
            self._unsent.discard(worker)
            worker.channel.close()

    # What the nursery says.

    def _hear(self) -> None:
        message = self._running().hear()
        if message is None:
            self._lost()
            return
        kind, *given = message
        worker = self._workers.get(given[0]) if given else None  # None, too, for one that was dropped before
        if kind == READY:
            self._running().ready = True
        elif kind == PRELOADED:
            self._preloading -= 1
        elif worker is None:
            return
        elif kind == FORKED:
            worker.pid, worker.since = given[1], time.monotonic()
        elif kind == REFUSED:
            self._requeue(worker)
            self._refused(given[1])
        elif kind == EXITED:
            self._died(worker, *given[1:])

    def _died(self, worker: _Worker, by_signal: int, status: int, rss: int) -> None:
        while worker.channel.fileno() >= 0 and self._receive(worker):
            pass  # what it had answered before counts
        head = worker.requests[0] if worker.requests else None
        if head is not None and (worker.overdue is None or worker.overdue is head):
            worker.requests.popleft()
            self._over(head, Finished(head.ticket, None, Death(by_signal, status, worker.overdue is head, rss)))
        self._requeue(worker)

    def _requeue(self, worker: _Worker) -> None:
        """Forget a worker that is gone; what it never answered comes first again."""
        self._drop(worker)
        self._backlog.extendleft(reversed(worker.requests))
        worker.requests.clear()

    def _lost(self) -> None:
        """The nursery is gone. If a module it was importing may be the reason, start another that imports nothing."""
        nursery = self._running()
        nursery.stop(grace=0, workers=[worker.pid for worker in self._workers.values() if worker.pid])
        if not nursery.ready or not self._preloading:
            raise nursery.obituary()
        nursery.close()
        self._preloads_break = True
        self._preloading = 0
        for worker in list(self._workers.values()):
            self._requeue(worker)
        self._poll = select.poll()
        self._nursery = None
        self.start()

    # Timeouts.

    def _patience(self) -> float | None:
        """Milliseconds until the next timeout is due."""
        if not self._timed:
            return None
        due = [worker.since + head.timeout for worker, head in self._heads() if head.timeout is not None]
        return min(3_600_000.0, max(0.0, min(due) - time.monotonic()) * 1000 + 1) if due else None

    def _expire(self) -> None:
        now = time.monotonic()
        for worker, head in self._heads():
            if head.timeout is not None and now - worker.since >= head.timeout:
                worker.overdue = head
                self._end(worker)

    def _heads(self) -> list[tuple[_Worker, _Asked]]:
        """The requests that are being executed, as far as we know."""
        running = [worker for worker in self._workers.values() if worker.pid and not worker.ending]
        return [(worker, worker.requests[0]) for worker in running if worker.requests]
