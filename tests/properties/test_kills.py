"""A build that dies at any moment leaves nothing behind that could make a later build wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from buildgraph.execution.processes import descendants

SETTINGS = settings(
    max_examples=20, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)  # fmt: skip
LONGEST = 60  # seconds after which a process of ours is taken for hung


def start(it):
    """The build as a process of its own."""
    options = ["-C", it.workspace.root, "--store", it.workspace.store]
    command = [sys.executable, "-m", "buildgraph", "build", "-k", "-j2", *options]
    environment = {"PATH": os.environ["PATH"], "HOME": str(it.folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere)


def kill_after(process, seconds):
    """Kill the coordinator, unless it is done before; its workers must follow it."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        family = descendants(process.pid)
        process.kill()
        process.wait(LONGEST)
        until = time.monotonic() + LONGEST
        while any(is_alive(pid) for pid in family):
            assert time.monotonic() < until, "a worker outlived its coordinator"


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def kill_a_worker(process, which):
    """Kill one of the processes below the coordinator as soon as there is one; the build must come to its own end."""
    until = time.monotonic() + LONGEST
    while process.poll() is None and time.monotonic() < until:
        family = descendants(process.pid)
        if family:
            try:
                os.kill(list(family)[which % len(family)], signal.SIGKILL)
            except ProcessLookupError:
                continue
            break
    return process.wait(LONGEST)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(2))
def test_a_killed_coordinator_leaves_a_workspace_that_builds_correctly(world, share):
    @SETTINGS
    @given(world.models(), world.scripts(most=1), st.floats(0.02, 0.7), st.floats(0.02, 0.7))
    def holds(model, script, early, late):
        with world.life(model) as it:
            kill_after(start(it), early)
            it.build_and_compare()
            for happening, a, b, _ in script:
                happening(it, a, b)
                it.follow()
            kill_after(start(it), late)
            it.build_and_compare()

    holds()


@pytest.mark.slow
def test_a_killed_worker_spoils_nothing_and_the_build_comes_to_its_own_end(world):
    @settings(SETTINGS, max_examples=15)
    @given(world.models(), st.integers(0, 5))
    def holds(model, which):
        with world.life(model) as it:
            status = kill_a_worker(start(it), which)
            assert status in (0, 1, 2), "a build ends by itself"
            it.build_and_compare()

    holds()
