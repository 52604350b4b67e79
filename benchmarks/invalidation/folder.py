"""The folder in which the projects of all edits lie side by side: how it is written, edited, and moved."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.edits import Edit


def write(root: Path, edits: Sequence[Edit], *, after: bool) -> None:
    """Bring the projects under `root` into their state before or after the edits, touching no file that is right."""
    for edit in edits:
        state, other = (edit.after, edit.before) if after else (edit.before, edit.after)
        for path in other.files.keys() - state.files.keys():
            _place(root, path).unlink(missing_ok=True)
            _prune(_place(root, path).parent, root)
        for path, text in state.files.items():
            place, content = _place(root, path), text.encode()
            if path in edit.after.touched or not place.is_file() or place.read_bytes() != content:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)


def age(root: Path, seconds: float) -> None:
    """Make all sources look as if they had last changed `seconds` ago."""
    then = time.time() - seconds
    for name in ("work", "site"):
        for folder, _, files in os.walk(root / name):
            for file in files:
                os.utime(os.path.join(folder, file), (then, then))


def move(root: Path, to: Path, edits: Sequence[Edit]) -> None:
    """A second checkout: all that tools keep comes along with its times, sources are as new as git would make them."""
    shutil.copytree(root, to, symlinks=True)
    for edit in edits:
        for path in edit.before.files:
            os.utime(_place(to, path))


def environment(root: Path, edits: Sequence[Edit], *, after: bool) -> Mapping[str, str]:
    """The environment of a build: this process's, and what the edits set. No bytecode files, which no tool hashes alike."""
    own = {name: value for edit in edits for name, value in (edit.after if after else edit.before).environment.items()}
    home = {"HOME": str(root / "home"), "XDG_CACHE_HOME": str(root / "home" / "cache"), "XDG_CONFIG_HOME": str(root / "home" / "config")}
    python = {"PYTHONPATH": f"{root / 'work'}:{root / 'site'}", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BUILDGRAPH_", "PYTHON"))}
    return {**kept, **home, **python, **own}


def input_of(edit: Edit) -> str:
    """The path of the step's input, relative to the folder of all projects."""
    return f"{edit.package}/input.txt"


def _place(root: Path, path: str) -> Path:
    return root / path if path.startswith("site/") else root / "work" / path


def _prune(folder: Path, root: Path) -> None:
    """Remove folders that have become empty, so that they are no namespace packages."""
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


