"""Executes requests in the coordinator itself: for debuggers, where processes would only be in the way.

What a pool can do about a misbehaving action is missing here: no timeout ends it, and when it exits, so do we.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from buildgraph.execution.runner import Finished


class InlineRunner:
    """A Runner with one slot, which is the calling thread."""

    slots = 1

    def __init__(self, work: Callable[[bytes], bytes], *, forget: Callable[[], None] = lambda: None) -> None:
        """`forget` lets go of the user's modules that `work` imported."""
        self._work = work
        self._forget = forget
        self._asked: deque[tuple[int, bytes]] = deque()

    def start(self) -> None:
        """There is nothing to start."""

    def preload(self, modules: Sequence[str]) -> None:
        """Modules are imported when the first action needs them."""

    def submit(self, ticket: int, request: bytes, *, timeout: float | None = None, kind: str = "") -> None:  # noqa: ARG002 - the seam's signature
        self._asked.append((ticket, request))

    def room(self) -> int:
        return 0 if self._asked else 1

    def wait(self) -> list[Finished]:
        if not self._asked:
            return []
        ticket, request = self._asked.popleft()
        return [Finished(ticket, self._work(request), None)]

    def recycle(self) -> None:
        """What runs from now on imports the user's modules anew."""
        self._forget()

    def stop(self, *, grace: float = 0.5) -> None:  # noqa: ARG002 - the seam's signature
        self._asked.clear()
        self._forget()
