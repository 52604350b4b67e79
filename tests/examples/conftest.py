"""Example workspaces under test: copied to a folder of their own, built by the real command line in a real process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "rules" / "examples"
SECONDS = 240
NOT_SOURCES = shutil.ignore_patterns("build", ".buildgraph", "__pycache__", ".mypy_cache", ".ruff_cache")


@dataclass(frozen=True, slots=True)
class Built:
    """What one build said: its exit code, the counts of `--json`, and the targets by what happened to them."""

    code: int
    counts: dict[str, Any]
    by_type: dict[str, set[str]]
    said: str

    @property
    def ran(self) -> set[str]:
        """The targets that were executed, without the package."""
        return {target.rpartition(":")[2] for target in self.by_type.get("target_built", set())}

    @property
    def cut_off(self) -> set[str]:
        return {target.rpartition(":")[2] for target in self.by_type.get("target_cut_off", set())}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of an example at some path, with the store that its builds use."""

    root: Path
    store: Path

    def build(self, *arguments: str, expect: int = 0) -> Built:
        """Run `buildgraph build`; its exit code must be `expect`."""
        events = self.store.parent / f"{self.root.name}-events.jsonl"
        events.unlink(missing_ok=True)
        command: list[str | Path] = ["buildgraph", "-C", self.root, "build", *arguments]
        done = self.python("-m", *command, "--store", self.store, "--json", "--events", events)
        assert done.returncode == expect, f"exit code {done.returncode}, not {expect}:\n{done.stderr}\n{done.stdout}"
        by_type: dict[str, set[str]] = {}
        for line in events.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if "target" in event:
                by_type.setdefault(event["type"], set()).add(event["target"])
        return Built(done.returncode, json.loads(done.stdout), by_type, done.stderr)

    def python(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run this interpreter in the checkout, without a home directory or settings of the caller."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
        environment = {**kept, "HOME": str(self.store.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def elsewhere(self, root: Path) -> Checkout:
        """The same sources at another path, with the same store."""
        shutil.copytree(self.root, root, ignore=NOT_SOURCES)
        return Checkout(root, self.store)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old`, which must be in the file exactly once."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        with (self.root / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def output(self, label: str, name: str) -> Path:
        """A file under build/."""
        package, _, target = label.removeprefix("//").partition(":")
        return self.root / "build" / package / target / name

    def output_bytes(self, built: Built) -> dict[str, bytes]:
        """The outputs of the requested targets, by path."""
        return {path: (self.root / path).read_bytes() for paths in built.counts["outputs"].values() for path in paths}


@pytest.fixture(scope="session")
def check_out(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkout]:
    """Makes a fresh copy of an example, with an empty store of its own."""

    def copy(name: str) -> Checkout:
        folder = tmp_path_factory.mktemp(name)
        shutil.copytree(EXAMPLES / name, folder / "origin", ignore=NOT_SOURCES)
        return Checkout(folder / "origin", folder / "store")

    return copy


@pytest.fixture(scope="session")
def skip_loudly() -> Callable[[str, str], None]:
    """Skips what cannot run here, and says so where nobody can overlook it."""

    def skip(missing: str, install: str) -> None:
        message = f"the example is NOT tested: {missing} is missing; install it with: {install}"
        warnings.warn(message, stacklevel=2)
        pytest.skip(message)

    return skip
