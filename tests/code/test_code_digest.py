"""What a code digest notices: every edit that the closure of modules can see, and no other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from buildgraph.code import CodeDigest, CodeIndex, Options, explain
from buildgraph.digest import Digest

ENTRY = "app.train:Trainer"
MODULES = Options("module")
PROJECT = {
    "app/__init__.py": "",
    "app/base.py": "class Base:\n    size = 1\n",
    "app/far.py": "RATE = 0.5\n",
    "app/helper.py": "from app.far import RATE\n\ndef help(x):\n    return x * RATE\n",
    "app/plugin.py": "def hook():\n    return 1\n",
    "app/unreached.py": "VALUE = 1\n",
    "app/train.py": (
        '"""Trains."""\n'
        "import importlib\n"
        "from .base import Base\n"
        "from app.helper import help\n"
        "LIMIT = 10\n"
        "class Trainer(Base):\n"
        '    """A trainer."""\n'
        "    def run(self, x=1):\n"
        '        """Runs."""\n'
        "        return importlib.import_module('app.plugin').hook() + help(x) + LIMIT\n"
        "def unrelated():\n"
        "    return 2\n"
    ),
}


def read(path: str) -> tuple[bytes, Digest]:
    content = Path(path).read_bytes()
    return content, Digest.of(content)


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def code_of(root: Path, entry: str = ENTRY, *search: Path) -> CodeDigest:
    return CodeIndex(str(root), search=[str(folder) for folder in search], read=read).of(entry, MODULES)


def modules(code: CodeDigest) -> set[str]:
    return set(explain(code.manifest)["modules"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", PROJECT)


def edited(project: Path, file: str, before: str, after: str) -> CodeDigest:
    text = (project / file).read_text()
    assert before in text
    (project / file).write_text(text.replace(before, after, 1))
    return code_of(project)


SILENT = {
    "a comment": ("app/train.py", "LIMIT = 10\n", "LIMIT = 10  # at most\n"),
    "a module docstring": ("app/train.py", "Trains.", "Trains models."),
    "a class docstring": ("app/train.py", "A trainer.", "The trainer."),
    "a function docstring": ("app/train.py", "Runs.", "Runs it."),
    "a new docstring": ("app/helper.py", "    return x", '    "Helps."\n    return x'),
    "another layout": ("app/train.py", "def run(self, x=1):", "def run(\n        self,\n        x = 1,\n    ):"),
    "other quotes": ("app/train.py", "'app.plugin'", '"app.plugin"'),
    "shifted lines": ("app/train.py", "import importlib\n", "\n\n\nimport importlib\n"),
    "a module nobody imports": ("app/unreached.py", "VALUE = 1", "VALUE = 2"),
}
HEARD = {
    "a body": ("app/train.py", "+ LIMIT", "- LIMIT"),
    "a default argument": ("app/train.py", "x=1", "x=2"),
    "a helper here": ("app/train.py", "return 2", "return 3"),
    "a constant": ("app/train.py", "LIMIT = 10", "LIMIT = 11"),
    "the type of a constant": ("app/train.py", "LIMIT = 10", "LIMIT = 10.0"),
    "a base class elsewhere": ("app/base.py", "size = 1", "size = 2"),
    "a helper elsewhere": ("app/helper.py", "x * RATE", "x + RATE"),
    "a constant two modules away": ("app/far.py", "0.5", "0.6"),
    "a plug-in imported by literal name": ("app/plugin.py", "return 1", "return 2"),
    "the package's own code": ("app/__init__.py", "", "import os\n"),
    "a decorator": ("app/train.py", "def unrelated", "@staticmethod\ndef unrelated"),
    "an annotation": ("app/train.py", "x=1", "x: int = 1"),
}


@pytest.mark.parametrize("edit", SILENT)
def test_an_edit_that_changes_no_behaviour_keeps_the_digest(project: Path, edit: str) -> None:
    before = code_of(project)
    assert edited(project, *SILENT[edit]).digest == before.digest


@pytest.mark.parametrize("edit", HEARD)
def test_an_edit_that_may_change_behaviour_changes_the_digest_and_reverting_restores_it(
    project: Path, edit: str
) -> None:
    before = code_of(project)
    file, old, new = HEARD[edit]
    original = (project / file).read_text()
    assert edited(project, file, old, new).digest != before.digest
    (project / file).write_text(original)
    assert code_of(project) == before


def test_a_docstring_that_the_module_reads_counts(tmp_path: Path) -> None:
    first = code_of(write(tmp_path, {"main.py": '"""usage: a"""\ndef run(): return __doc__\n'}), "main:run")
    second = code_of(write(tmp_path, {"main.py": '"""usage: b"""\ndef run(): return __doc__\n'}), "main:run")
    assert first.digest != second.digest


def test_the_manifest_names_what_the_digest_covers(project: Path) -> None:
    code = code_of(project)
    fields = explain(code.manifest)
    assert code.digest == Digest.of(code.manifest)
    assert fields["entry"] == "app.train"
    assert set(fields["modules"]) == {"app", "app.train", "app.base", "app.helper", "app.far", "app.plugin"}
    assert fields["distributions"] == {} and fields["notes"] == [] and code.notes == () and code.preload == ()
    assert code.files == tuple(sorted(f"{project}/{f}" for f in PROJECT if f != "app/unreached.py"))


def test_moving_the_workspace_keeps_the_manifest(project: Path, tmp_path: Path) -> None:
    before = code_of(project)
    moved = shutil.move(project, tmp_path / "elsewhere")
    assert code_of(Path(moved)).manifest == before.manifest


def test_touching_files_keeps_the_digest(project: Path) -> None:
    before = code_of(project)
    os.utime(project / "app/train.py", (1, 1))
    assert code_of(project) == before


def test_processes_with_different_hash_seeds_agree(project: Path) -> None:
    script = (
        "import sys\nfrom buildgraph.code import CodeIndex, Options\nfrom buildgraph.digest import Digest\n"
        "def read(path):\n    data = open(path, 'rb').read()\n    return data, Digest.of(data)\n"
        f"print(CodeIndex({str(project)!r}, search=[], read=read).of({ENTRY!r}, Options('module')).digest)\n"
    )
    home = str(Path(sys.modules["buildgraph"].__path__[0]).parent)
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": home, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert answers == {f"{code_of(project).digest}\n"}


def test_all_entry_points_of_a_module_share_one_digest(project: Path) -> None:
    index = CodeIndex(str(project), search=[], read=read)
    assert index.of("app.train:Trainer", MODULES).digest == index.of("app.train:unrelated", MODULES).digest == index.of("app.train:Trainer.run", MODULES).digest


def test_user_code_is_never_run(tmp_path: Path) -> None:
    code = code_of(write(tmp_path, {"main.py": "raise SystemExit('imported')\ndef run(): pass\n"}), "main:run")
    assert modules(code) == {"main"} and "main" not in sys.modules


def test_a_summary_is_remembered_by_content_and_a_damaged_one_is_made_anew(project: Path) -> None:
    memo: dict[bytes, bytes] = {}
    first = CodeIndex(str(project), search=[], read=read, memo=memo).of(ENTRY, MODULES)
    assert len(memo) == 2 * 6, "for each module what it says, and its source"
    kept = dict(memo)
    assert CodeIndex(str(project), search=[], read=read, memo=memo).of(ENTRY, MODULES) == first and memo == kept
    damaged = dict.fromkeys(memo, b"\x93\x01")
    assert CodeIndex(str(project), search=[], read=read, memo=damaged).of(ENTRY, MODULES) == first and damaged == kept


def test_an_index_only_parses_what_is_reached(project: Path) -> None:
    (project / "app/unreached.py").write_text("def broken(:\n")
    assert "app.unreached" not in modules(code_of(project))


def test_a_file_that_appears_and_takes_over_an_import_was_in_a_listed_folder(project: Path) -> None:
    index = CodeIndex(str(project), search=[], read=read)
    before = index.of(ENTRY, MODULES)
    assert {str(project), f"{project}/app"} <= set(index.listed())
    write(project, {"app/base/__init__.py": "class Base:\n    size = 3\n"})
    assert code_of(project).digest != before.digest
