"""Process trees: descendants are found however they hide, and killed with their tree."""

from __future__ import annotations

import subprocess
import sys

from buildgraph.execution.processes import descendants, kill_sessions, kill_tree, reaped

NESTED = """
import os, sys
depth = int(sys.argv[1])
if depth:
    os.setsid()
    child = os.posix_spawn(sys.executable, [sys.executable, "-S", "-c", sys.argv[2], str(depth - 1), sys.argv[2]], {})
    os.waitpid(child, 0)
print("deep", flush=True)
sys.stdin.read()
"""


def nested(depth: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", NESTED, str(depth), NESTED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=False,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "deep\n"
    return process


def test_descendants_are_found_across_sessions():
    process = nested(3)
    with process:
        assert len(descendants(process.pid)) == 3
        first = descendants(process.pid)[0]
        assert len(descendants(process.pid, without=[first])) == 0
        assert len(descendants(first)) == 2
        kill_tree(process.pid)


def test_nothing_of_a_killed_tree_is_left():
    process = nested(3)
    with process:
        below = descendants(process.pid)
        status = kill_tree(process.pid)
        assert status is not None
        assert not set(below) & set(descendants(1))


def test_a_session_is_killed_by_its_number():
    process = nested(1)
    with process:
        kill_sessions([process.pid])  # it leads its own session; its child made one for itself, too
        assert reaped(process.pid, within=10) == 9


def test_a_child_that_lives_is_not_reaped():
    process = nested(0)
    with process:
        assert reaped(process.pid, within=0) is None
        assert kill_tree(process.pid) == 9
