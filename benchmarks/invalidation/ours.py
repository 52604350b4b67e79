"""buildgraph as its users set it up: one `python` target for each step, asked for by the command line."""

from __future__ import annotations

import json
import subprocess
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.edits import Edit
from benchmarks.invalidation.folder import input_of
from benchmarks.invalidation.scores import Tool


def _prepare(root: Path, edits: Sequence[Edit]) -> None:
    lines = ["from buildgraph.rules import files, python", ""]
    for edit in edits:
        lines.append(f'files(name="{edit.package}_input", srcs=["{input_of(edit)}"])')
        lines.append(f'python(name="{edit.package}", fn="{edit.package}.step:answer", needs={{"path": ":{edit.package}_input"}})')
    (root / "work" / "BUILD.py").write_text("\n".join(lines) + "\n")
    (root / "work" / "buildgraph.toml").write_text("")


def _python(root: Path) -> str:
    """An interpreter that has what this one has, and the distributions of the projects: workers ignore PYTHONPATH."""
    home = root / "venv"
    if not home.is_dir():
        venv.create(home, with_pip=False)
    (place,) = home.glob("lib/python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (place / "projects.pth").write_text(f"{root / 'site'}\nimport site; site.addsitedir({ours!r})\n")
    return str(home / "bin" / "python")


def _build(root: Path, edits: Sequence[Edit], environment: Mapping[str, str]) -> frozenset[str]:
    """What `status` calls stale; then everything is built."""
    command = [_python(root), "-m", "buildgraph"]
    status = _run([*command, "status", "--json", "--store", str(root / "store")], root, environment)
    _run([*command, "build", "--quiet", "--store", str(root / "store")], root, environment)
    targets = json.loads(status)["targets"]
    wanted = {f"//:{edit.package}": edit.package for edit in edits}
    return frozenset(package for label, package in wanted.items() if targets[label]["state"] == "stale")


def _run(command: Sequence[str], root: Path, environment: Mapping[str, str]) -> str:
    kept = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=root / "work", env=kept, stdout=subprocess.PIPE, text=True, check=True).stdout


OURS = Tool("buildgraph", "", "definitions that are reached, data files, variables, versions", _prepare, _build)
