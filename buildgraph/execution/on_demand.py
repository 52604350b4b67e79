"""Starts a runner with the first request that it gets: whoever finds every result should not pay for workers."""

from __future__ import annotations

from collections.abc import Sequence

from buildgraph.execution.runner import Finished, Runner


class OnDemand:
    """A Runner that is another one, from the first request on. Nothing is started, and nothing preloaded, before."""

    def __init__(self, inner: Runner) -> None:
        self.slots = inner.slots
        self._inner = inner
        self._modules: list[str] = []
        self._started = False

    def start(self) -> None:
        """There is nothing to start yet."""

    def preload(self, modules: Sequence[str]) -> None:
        if self._started:
            self._inner.preload(modules)
        else:
            self._modules += [module for module in modules if module not in self._modules]

    def submit(self, ticket: int, request: bytes, *, timeout: float | None = None, kind: str = "") -> None:
        if not self._started:
            self._started = True
            self._inner.start()
            self._inner.preload(self._modules)
        self._inner.submit(ticket, request, timeout=timeout, kind=kind)

    def room(self) -> int:
        return self._inner.room() if self._started else self.slots

    def wait(self) -> list[Finished]:
        return self._inner.wait() if self._started else []

    def recycle(self) -> None:
        if self._started:
            self._inner.recycle()

    def stop(self, *, grace: float = 0.5) -> None:
        if self._started:
            self._started = False
            self._inner.stop(grace=grace)
