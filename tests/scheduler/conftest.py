"""Small workspaces for tests of the scheduler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from buildgraph.testing import TemporaryWorkspace

IMPORTS = "from buildgraph.rules import command, component, files, group, pack, python\n"


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., TemporaryWorkspace]:
    """Makes a workspace of the given files, the rules imported in its BUILD.py."""

    def make_workspace(files: Mapping[str, str | bytes], *, name: str = "ws", **options: object) -> TemporaryWorkspace:
        workspace = TemporaryWorkspace(tmp_path / name, tmp_path / "store", **options)  # type: ignore[arg-type]
        build = {path: IMPORTS + str(text) for path, text in files.items() if path.endswith("BUILD.py")}
        workspace.write({**files, **build})
        return workspace

    return make_workspace


@pytest.fixture
def chain(make: Callable[..., TemporaryWorkspace]) -> TemporaryWorkspace:
    """`words` counts a file's words, `parity` says whether that is odd, `report` puts it into a sentence."""
    return make(
        {
            "BUILD.py": """
python("words", fn="steps:words", needs={"text": "text.txt"}, config={"least": 1})
python("parity", fn="steps:parity", needs={"words": ":words"})
python("report", fn="steps:report", needs={"parity": ":parity"})
""",
            "steps.py": """
from helpers import is_long

def words(text: str, least):
    return [word for word in text.split() if is_long(word, least)]

def parity(words):
    return len(words) % 2

def report(parity):
    return f"the number is {'odd' if parity else 'even'}"
""",
            "helpers.py": "def is_long(word, least):\n    return len(word) >= least\n",
            "text.txt": "one two three",
        }
    )
