"""A runner that is started by its first request: a run that finds everything pays for no workers."""

from __future__ import annotations

from collections.abc import Sequence

from buildgraph.execution.inline import InlineRunner
from buildgraph.execution.on_demand import OnDemand
from buildgraph.execution.runner import Finished, Runner


class Noting(InlineRunner):
    """Runs requests here, and notes what it is told on the way."""

    def __init__(self) -> None:
        super().__init__(lambda request: request.upper())
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    def preload(self, modules: Sequence[str]) -> None:
        self.told.append(f"preload {' '.join(modules)}")

    def recycle(self) -> None:
        self.told.append("recycle")

    def stop(self, *, grace: float = 0.5) -> None:
        self.told.append(f"stop within {grace}")
        super().stop(grace=grace)


def test_nothing_is_started_for_a_run_without_requests() -> None:
    """Neither by preloads nor by anything else that a scheduler says on the way."""
    inner = Noting()
    runner: Runner = OnDemand(inner)
    runner.start()
    runner.preload(["numpy"])
    assert runner.room() == runner.slots == 1
    runner.recycle()
    assert runner.wait() == []
    runner.stop()
    assert inner.told == []


def test_the_first_request_starts_it_and_what_was_to_be_preloaded_comes_first() -> None:
    """Later preloads are passed on as they come; at the end what was started is stopped, once."""
    inner = Noting()
    runner = OnDemand(inner)
    runner.start()
    runner.preload(["numpy", "scipy"])
    runner.preload(["scipy"])
    runner.submit(7, b"a")
    assert runner.wait() == [Finished(7, b"A", None)]
    runner.preload(["pandas"])
    runner.recycle()
    runner.submit(8, b"b")
    assert runner.room() == 0
    runner.stop(grace=0)
    runner.stop()
    assert inner.told == ["start", "preload numpy scipy", "preload pandas", "recycle", "stop within 0"]


def test_it_can_be_started_anew_after_it_was_stopped() -> None:
    """As any runner can."""
    inner = Noting()
    runner = OnDemand(inner)
    for ticket in (1, 2):
        runner.start()
        runner.submit(ticket, b"a")
        assert runner.wait() == [Finished(ticket, b"A", None)]
        runner.stop()
    assert inner.told == ["start", "preload ", "stop within 0.5"] * 2
