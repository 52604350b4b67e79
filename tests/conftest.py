"""What holds for all tests: a home of their own, no settings of the developer's, and skips that are counted aloud."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

LOUD = "not tested here: "
HOMES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
_homes: list[str] = []

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=False)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """Point everything that finds the user's folders, here and in child processes, into an empty folder."""
    home = tempfile.mkdtemp(prefix="buildgraph-tests-")
    _homes.append(home)
    for variable in HOMES:
        os.environ[variable] = os.path.join(home, variable.lower())
        os.mkdir(os.environ[variable])
    for variable in [name for name in os.environ if name.startswith("BUILDGRAPH_")]:
        del os.environ[variable]


def pytest_unconfigure(config: pytest.Config) -> None:
    while _homes:
        shutil.rmtree(_homes.pop(), ignore_errors=True)


@pytest.fixture
def home() -> Path:
    """The home folder that this test and its child processes see; shared with other tests of the session."""
    return Path(os.environ["HOME"])


@pytest.fixture
def loud_skip() -> Callable[[str], NoReturn]:
    """Skips the test for a reason that the summary counts: what this machine cannot do is never hidden by green."""

    def skip(reason: str) -> NoReturn:
        pytest.skip(LOUD + reason)

    return skip


@pytest.fixture
def needs_tool(loud_skip: Callable[[str], NoReturn]) -> Callable[[str], str]:
    """The path of a program, or a loud skip when it is not installed."""
    return lambda name: shutil.which(name) or loud_skip(f"{name} is not installed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each thing that is missing here, with the number of tests it costs."""
    counts: Counter[str] = Counter()
    for skipped in terminalreporter.stats.get("skipped", []):
        reason = skipped.longrepr[2] if isinstance(skipped.longrepr, tuple) else str(skipped.longrepr)
        reason = reason.removeprefix("Skipped: ")
        absent = re.match(r"could not import '([\w.]+)'", reason)
        if absent:
            counts[f"{absent[1]} cannot be imported"] += 1
        elif reason.startswith(LOUD):
            counts[reason.removeprefix(LOUD)] += 1
    if counts:
        terminalreporter.section("not tested here", sep="!", red=True, bold=True)
        for reason, count in counts.most_common():
            terminalreporter.write_line(f"{count:5} skipped: {reason}")
