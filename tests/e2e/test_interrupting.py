"""Ctrl-C, at a terminal or not: exit code 130, soon, and nothing is left running."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from pathlib import Path

import pytest

from buildgraph.execution.processes import descendants

LONGEST = 60
SOON = 3.0  # seconds: what is promised

WAITING = '''
import os, signal, subprocess

def tell(path):
    with open(path + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(path + ".new", path)

def wait(path):
    tell(path)
    while True:
        signal.pause()

def stubborn(path):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wait(path)

def quick():
    return 1
'''


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(path, process):
    until = time.monotonic() + LONGEST
    while not path.exists():
        assert process.poll() is None, "the build ended before it was interrupted"
        assert time.monotonic() < until


@pytest.mark.parametrize("how", ["wait", "stubborn", "command"])
def test_an_interrupted_build_stops_everything_soon(empty, tmp_path, how):
    mark = tmp_path / "mark"
    if how == "command":
        script = f"trap '' TERM INT; echo $$$$ > {mark}.new; mv {mark}.new {mark}; while :; do sleep 60; done"
        declared = f"command('slow', cmd={script!r}, outs=['o'])"
    else:
        declared = f"python('slow', fn='waiting:{how}', config={{'path': {str(mark)!r}}})"
    text = f"from buildgraph.rules import command, python\npython('quick', fn='waiting:quick')\n{declared}\n"
    empty.write({"buildgraph.toml": "", "BUILD.py": text, "waiting.py": WAITING})
    empty("build", "//:quick")
    process = empty.start("build", "-j2")
    try:
        wait_for(mark, process)
        family = descendants(process.pid)
        assert int(mark.read_text()) in family
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST) == 130
        assert time.monotonic() - started < SOON
    finally:
        process.kill()
        out, err = process.communicate()
    assert not [pid for pid in family if is_alive(pid)]
    assert "interrupted" in err
    assert "Traceback" not in out + err
    assert empty.ran("//:quick") == [], "what had finished is kept"


def test_the_live_display_on_a_terminal(place):
    """A build at a terminal draws while it runs and leaves the line that counts."""
    leader, follower = pty.openpty()
    process = place.start("build", stdin=follower, stdout=follower, stderr=follower, text=False)
    os.close(follower)
    seen = b""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        ready, _, _ = select.select([leader], [], [], 1)
        if ready:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
    os.close(leader)
    assert process.wait(LONGEST) == 0
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen).decode()
    assert "built      //:words" in text
    assert re.search(r"5 targets: 5 built in \d+\.\d\d s", text)
    assert seen.count(b"\x1b[?25l") == seen.count(b"\x1b[?25h"), "the cursor is shown again"


def test_a_quiet_build_at_a_terminal_draws_nothing(place):
    leader, follower = pty.openpty()
    process = place.start("build", "-q", stdin=follower, stdout=follower, stderr=follower, text=False)
    os.close(follower)
    assert process.wait(LONGEST) == 0
    ready, _, _ = select.select([leader], [], [], 0)
    seen = b""
    if ready:
        try:
            seen = os.read(leader, 65536)
        except OSError:
            seen = b""
    os.close(leader)
    assert seen == b""
