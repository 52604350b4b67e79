"""The seam between the scheduler and whatever executes actions: bytes in, bytes out, one ticket per request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Death(NamedTuple):
    """How the worker ended that died under a request.

    `signal` is 0 when it exited, then `status` is its exit status; `rss` is its peak memory in bytes, 0 when unknown.
    """

    signal: int
    status: int
    timed_out: bool
    rss: int


class Finished(NamedTuple):
    """A request that is over: either what the work function returned, or how its worker died."""

    ticket: int
    outcome: bytes | None
    death: Death | None


class Runner(Protocol):
    """Executes requests, each once, in any order. One thread owns a runner and makes all its calls."""

    slots: int

    def start(self) -> None:
        """Return at once; workers come up in the background."""

    def preload(self, modules: Sequence[str]) -> None:
        """Import third-party modules before workers start; an import that fails is left for the worker to meet."""

    def submit(self, ticket: int, request: bytes, *, timeout: float | None = None, kind: str = "") -> None:
        """Take a request. `timeout` is in seconds of execution; what a request of the same `kind` costs is learnt."""

    def room(self) -> int:
        """How many more requests make sense now; at 0 it is better to wait first."""

    def wait(self) -> list[Finished]:
        """Block until at least one request is over; empty when none is outstanding."""

    def recycle(self) -> None:
        """Let fresh workers execute every request that has not been handed to one (user code on disk changed)."""

    def stop(self, *, grace: float = 0.5) -> None:
        """End everything that was started; nothing is left running. May be called again at any time."""
