"""The installed command, run as a process of its own, in a workspace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LONGEST = 120  # seconds after which a process is taken for hung
COMMAND = Path(sys.executable).parent / "buildgraph"

FILES = {
    "buildgraph.toml": "",
    "BUILD.py": '''from buildgraph.rules import command, files, group, pack, python

files("text", srcs=["text/*.txt"])
python("words", fn="steps:words", needs={"folder": ":text"})
python("count", fn="steps:count", needs={"words": ":words"}, config={"factor": 1})
command("upper", cmd="tr a-z A-Z < $(in) > $(out)", srcs=["text/a.txt"], outs=["upper.txt"])
pack("model", srcs=[":count", ":upper"], out="model.tar.gz")
group("everything", deps=[":model", ":words"])
''',
    "steps.py": '''def words(folder):
    texts = [path.read_text() for path in sorted(folder.rglob("*.txt"))]
    print("looking at", len(texts), "files")
    return sorted(word for text in texts for word in text.split())


def count(words, factor):
    return len(words) * factor
''',
    "text/a.txt": "one two\n",
    "text/b.txt": "three\n",
    "tools/BUILD.py": "from buildgraph.rules import python\n\npython('tools', fn='tools.code:run')\n",
    "tools/code.py": "def run():\n    return 'tools'\n",
}


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)

    @property
    def last(self) -> str:
        return self.out.splitlines()[-1]


@dataclass(frozen=True)
class Place:
    """A workspace, and the store that its commands use."""

    root: Path
    store: Path

    def environment(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a command sees: no home directory of ours, no settings of ours."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        own = {"HOME": str(self.store.parent), "BUILDGRAPH_STORE": str(self.store), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**kept, **own, **(variables or {})}

    def __call__(self, *arguments: str | Path, expect: int = 0, env: Mapping[str, str] | None = None, cwd: Path | None = None, typed: str = "") -> Said:
        """Run `buildgraph` with `arguments` in the workspace, `typed` on its standard input; it must exit with `expect`."""
        done = subprocess.run(
            [COMMAND, *map(str, arguments)], cwd=cwd or self.root, env=self.environment(env), capture_output=True, encoding="utf-8",
            errors="surrogateescape", timeout=LONGEST, check=False, input=typed,
        )  # fmt: skip
        said = Said(done.returncode, done.stdout, done.stderr)
        assert said.code == expect, f"exit code {said.code}, not {expect}\n{said.out}\n{said.err}"
        return said

    def start(self, *arguments: str | Path, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
        """Start `buildgraph` and leave it running."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [COMMAND, *map(str, arguments)], cwd=self.root, env=self.environment(env),
            **{"stdout": pipe, "stderr": pipe, "text": True, **options},
        )  # fmt: skip

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def ran(self, *arguments: str | Path) -> list[str]:
        """Build; the targets that were executed."""
        events = self.store.parent / "events.jsonl"
        self("build", *arguments, "--events", events)
        found = [json.loads(line) for line in events.read_text().splitlines()]
        return sorted(event["target"] for event in found if event["type"] == "target_built")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A workspace with a few targets of every kind, nothing built."""
    made = Place(tmp_path / "ws", tmp_path / "store")
    made.write(FILES)
    return made


@pytest.fixture
def empty(tmp_path: Path) -> Place:
    """A folder with nothing in it."""
    (tmp_path / "empty").mkdir()
    return Place(tmp_path / "empty", tmp_path / "store")


@pytest.fixture
def another(tmp_path: Path) -> Callable[[Place, str], Place]:
    """Makes another checkout of a place, with the same store."""

    def copy(origin: Place, name: str) -> Place:
        made = Place(tmp_path / name, origin.store)
        made.write({path: (origin.root / path).read_text() for path in FILES})
        return made

    return copy
