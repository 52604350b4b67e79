"""Edits that were made up to break the code digest. Each is run before and after: the digest notices when results differ.

The projects lie in `adversary/`, one heading each. «+old→new» is an edit that changes the result, «-old→new» one that
does not; whether that is so is checked by running both. A path that becomes empty is a file that is not there.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from buildgraph.code import CodeIndex
from buildgraph.digest import Digest

HERE = Path(__file__).parent
EDIT = re.compile("«([+-])(.*?)→(.*?)»", re.DOTALL)
ENVIRONMENT = "env"  # the file of a project that holds variables


class Case(NamedTuple):
    name: str
    why: str
    matters: bool
    before: Mapping[str, str]
    after: Mapping[str, str]


def read(path: str) -> tuple[bytes, Digest]:
    content = Path(path).read_bytes()
    return content, Digest.of(content)


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def _files(text: str) -> dict[str, str]:
    files = {"app/__init__.py": ""}
    for part in re.split(r"^## *", text, flags=re.MULTILINE)[1:]:
        path, _, body = part.partition("\n")
        if path.strip():
            files[path.strip()] = body.rstrip("\n") + "\n" if body.strip() else ""
    return files


def _cases(text: str) -> list[Case]:
    found = []
    for project in re.split(r"^#### ", text, flags=re.MULTILINE)[1:]:
        name, why, body = project.split("\n", 2)
        edits = list(EDIT.finditer(body))
        before = _files(EDIT.sub(lambda edit: edit[2], body))
        for number, edit in enumerate(edits):
            choice = iter(range(len(edits)))
            after = EDIT.sub(lambda each, at=number, choice=choice: each[3] if next(choice) == at else each[2], body)  # type: ignore[misc]
            shown = f"{edit[2]} becomes {edit[3] or 'nothing'}" if edit[2] else f"{edit[3]} appears"
            label = re.sub(r"\s+", " ", f"{name}: {shown}, which {'matters' if edit[1] == '+' else 'does not matter'} (edit {number + 1})")
            found.append(Case(label, why.removeprefix("why: "), edit[1] == "+", before, _files(after)))
    return found


CASES = [case for file in sorted((HERE / "adversary").glob("*.txt")) for case in _cases(file.read_text("utf-8"))]


def _environment(files: Mapping[str, str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in files.get(ENVIRONMENT, "").split())


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Every project before and after its edit; projects with several edits share the first."""
    root = tmp_path_factory.mktemp("projects")
    firsts: dict[str, Path] = {}
    found = {}
    for number, case in enumerate(CASES):
        first = firsts.setdefault(repr(case.before), root / f"before-{number}")
        if not first.exists():
            write(first, case.before)
        found[case.name] = first, write(root / f"after-{number}", case.after)
    return found


@pytest.fixture(scope="module")
def outcomes(folders: dict[str, tuple[Path, Path]]) -> dict[Path, str]:
    """What the step of every folder returns, by running it in plain Python."""
    asked = {folder: _environment(files) for case in CASES for folder, files in zip(folders[case.name], (case.before, case.after), strict=True)}
    order = list(asked)
    said = subprocess.run(
        [sys.executable, str(HERE / "outcomes.py")], input=json.dumps([[str(folder), asked[folder]] for folder in order]),
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return dict(zip(order, json.loads(said), strict=True))


def _identity(folder: Path, files: Mapping[str, str]) -> tuple[object, ...]:
    """What a build compares: the digest, and the values of the variables that the code reads."""
    code = CodeIndex(str(folder), search=[str(folder / "site")], read=read).of("app.step:answer")
    environment = _environment(files)
    return code.digest, [(name, environment.get(name)) for name in code.environment]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_digest_changes_exactly_when_the_result_does(
    case: Case, folders: dict[str, tuple[Path, Path]], outcomes: dict[Path, str]
) -> None:
    before, after = folders[case.name]
    assert (outcomes[before] != outcomes[after]) is case.matters, f"the label is wrong: {outcomes[before]} and {outcomes[after]}"
    assert (_identity(before, case.before) != _identity(after, case.after)) is case.matters, case.why


def test_a_project_runs_to_its_end_before_any_edit(folders: dict[str, tuple[Path, Path]], outcomes: dict[Path, str]) -> None:
    failed = {str(case.name): outcomes[folders[case.name][0]] for case in CASES if outcomes[folders[case.name][0]].startswith("raised")}
    assert not failed
