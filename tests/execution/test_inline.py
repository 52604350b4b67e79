"""The inline runner executes in this very process, one request after the other."""

from __future__ import annotations

import os

import pytest

from buildgraph.execution.inline import InlineRunner
from buildgraph.execution.runner import Finished, Runner


def test_requests_are_executed_here_in_their_order():
    runner: Runner = InlineRunner(lambda request: request + str(os.getpid()).encode())
    runner.start()
    assert runner.room() == 1
    runner.submit(1, b"a")
    runner.submit(2, b"b")
    assert runner.room() == 0
    assert runner.wait() == [Finished(1, f"a{os.getpid()}".encode(), None)]
    assert runner.wait() == [Finished(2, f"b{os.getpid()}".encode(), None)]
    assert runner.wait() == []


def test_nothing_is_executed_after_stop():
    ran = []
    runner = InlineRunner(lambda request: ran.append(request) or b"")
    runner.submit(1, b"a")
    runner.stop()
    assert runner.wait() == []
    assert ran == []


def test_an_interrupt_comes_through():
    def interrupted(request: bytes) -> bytes:
        raise KeyboardInterrupt

    runner = InlineRunner(interrupted)
    runner.submit(1, b"")
    with pytest.raises(KeyboardInterrupt):
        runner.wait()
