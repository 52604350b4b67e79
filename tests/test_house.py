"""The tests' own house: a home of their own, and skips that nobody overlooks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parent / "conftest.py"

SKIPPING = """
import pytest

def test_one(needs_tool):
    assert needs_tool("sh").endswith("/sh")
    needs_tool("no-such-tool")

def test_two(needs_tool):
    needs_tool("no-such-tool")

def test_three(loud_skip):
    loud_skip("the kernel is too old")

def test_four():
    pytest.importorskip("no_such_module")

def test_five():
    pytest.skip("of no concern")
"""

HOME = """
import os
from pathlib import Path

def test_home(home):
    assert home == Path.home() == Path(os.path.expanduser("~"))
    assert "buildgraph-tests-" in str(home)
    assert os.environ["XDG_CACHE_HOME"] != str(home)
    assert "BUILDGRAPH_STORE" not in os.environ
    print(home)
"""


def session(folder: Path, test: str, **environment: str) -> str:
    """What pytest says about one test file under our conftest, run as a user would."""
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "--import-mode=importlib", "."]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_what_cannot_be_tested_here_is_counted_aloud(tmp_path: Path) -> None:
    """By what is missing, most first; a skip of another kind is pytest's own business."""
    said = session(tmp_path, SKIPPING)
    assert "not tested here" in said
    assert "    2 skipped: no-such-tool is not installed\n" in said
    assert "    1 skipped: the kernel is too old\n" in said
    assert "    1 skipped: no_such_module cannot be imported\n" in said
    assert "of no concern" not in said


def test_tests_have_a_home_of_their_own_which_is_gone_afterwards(tmp_path: Path) -> None:
    """And none of the developer's settings: not the real store, not the real configuration."""
    said = session(tmp_path, HOME, BUILDGRAPH_STORE="/nowhere")
    assert "1 passed" in said
    (used,) = [line for line in said.splitlines() if "buildgraph-tests-" in line and line.endswith("home")]
    assert not Path(used.rpartition(" ")[2]).exists()
