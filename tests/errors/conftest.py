"""One helper for all golden error tests: a workspace, one real command, and the exact text that it must print.

The golden text of `test_x` is `golden/x.txt`. After a deliberate change of a message, write them anew with
`REWRITE_GOLDEN=1 pytest tests/errors` and read the difference; a test that wrote its golden text fails, so that
nothing passes unread.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from buildgraph.workspace import Workspace

GOLDEN = Path(__file__).parent / "golden"
RULES = "from buildgraph.rules import command, component, files, group, pack, python\n"
SECONDS = 60
_FRESH = ("up_to_date", "hit_local", "cut_off")
_VARIES = (
    (re.compile(r"\d+\.\d\d s\b"), "0.00 s"),
    (re.compile(r"\d+ (KiB|MiB)( free)?"), r"N \1\2"),
    (re.compile(r"pid \d+ on \S+"), "pid N on HOST"),
    (re.compile(r"kill \d+"), "kill N"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x..."),
    (re.compile(r"b3:[0-9a-f]{64}"), "b3:..."),
    (re.compile(r"(looked in: /tmp/case/workspace, /tmp/case), .*"), r"\1, ..."),
    (re.compile(r"sh: (?:line )?1: (\S+): (?:command )?not found"), r"sh: \1: not found"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A workspace of one test and the name of its golden text."""

    name: str
    root: Path
    store: Path
    golden: Path = GOLDEN
    prefix: tuple[str, ...] = ()  # of the command that runs

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for path, content in files.items():
            full = self.root / path
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_bytes(content if isinstance(content, bytes) else content.encode())

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The real command line in a process of its own (-P: like the installed script, it does not import from here)."""
        home = self.root.parent / "home"
        surroundings = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "BUILDGRAPH_STORE": str(self.store)}
        command = [*self.prefix, sys.executable, "-P", "-m", "buildgraph", *arguments]
        return subprocess.run(
            command, cwd=self.root, env=surroundings | dict(environment or {}), capture_output=True, text=True, timeout=SECONDS,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def refused(
        self, *arguments: str, build: str = "", steps: str = "", files: Mapping[str, str | bytes] | None = None,
        exit: int = 2, code: str, names: str, at: str = "", environment: Mapping[str, str] | None = None,  # noqa: A002 - the word for it
    ) -> str:  # fmt: skip
        """Run `buildgraph ARGUMENTS` where BUILD.py holds RULES and `build`, and steps.py `steps`; it must be refused.

        The exit code is `exit`, the error's code `code`, and the message holds `names`, the user's own words, and `at`,
        the place to blame. Nothing may be cached, and the text is the golden one.
        """
        written = {"BUILD.py": RULES + build} if build else {}
        self.write({**written, **({"steps.py": steps} if steps else {}), **(files or {})})
        done = self.run(*arguments, environment=environment)
        said = _without_what_varies(done.stderr, self.root.parent)
        assert done.returncode == exit, f"exit code {done.returncode}:\n{done.stderr}\n{done.stdout}"
        assert f"error[{code}]: " in said, said
        assert names in said and at in said, said
        for block in said.split("error[")[1:]:
            assert all(f"\n  {part}: " in block for part in ("why", "fix", "more")), f"a part is missing:\n{block}"
        assert "Traceback" not in said and "error[BG999]" not in said, said
        assert "warning[" not in said or "warning" in self.name, said
        if build and "build" in arguments and exit == 1:
            self._cached_nothing(names.strip("'"))
        self.compare(f"$ {' '.join(['buildgraph', *arguments])}\n{said}exit code {exit}\n")
        return said

    def _cached_nothing(self, label: str) -> None:
        states = {each.label: each.state for each in Workspace(self.root, store=self.store).status()}
        assert states[label] not in _FRESH, states

    def compare(self, text: str) -> None:
        """`text` must be the golden one of this case, or becomes it when that was asked for."""
        golden = self.golden / f"{self.name}.txt"
        text = _without_what_varies(text, self.root.parent)
        if os.environ.get("REWRITE_GOLDEN") and (not golden.exists() or golden.read_text("utf-8") != text):
            golden.write_text(text, "utf-8")
            pytest.fail(f"wrote {golden.name}: read it")
        assert golden.exists(), f"there is no golden/{golden.name}; it would be:\n{text}"
        assert text == golden.read_text("utf-8")


def _without_what_varies(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "/tmp/case")
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    return text


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    """An empty folder that becomes the workspace of one test."""
    root = tmp_path / "workspace"
    root.mkdir()
    (tmp_path / "home").mkdir()
    return Case(request.node.name.removeprefix("test_").replace("[", "-").rstrip("]"), root, tmp_path / "store")


@pytest.fixture
def refused(case: Case) -> Callable[..., str]:
    """What `Case.refused` does, for tests that need nothing else of it."""
    return case.refused


@pytest.fixture
def unprivileged(case: Case, needs_tool: Callable[[str], str]) -> Case:
    """The same case, run without the privilege of root to read what permissions forbid."""
    if os.geteuid() != 0:
        return case
    dropped = "=-dac_override,-dac_read_search"
    return replace(case, prefix=(needs_tool("setpriv"), f"--bounding-set{dropped}", f"--inh-caps{dropped}"))
