"""Small workspaces for tests of the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from buildgraph.errors import BuildgraphError
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
def refused(make: Callable[..., TemporaryWorkspace]) -> Callable[[str], BuildgraphError]:
    """The error with which a build file is refused."""

    def error_of(declared: str, files: Mapping[str, str] | None = None) -> BuildgraphError:
        with pytest.raises(BuildgraphError) as caught:
            make({"BUILD.py": declared, **(files or {})}).build()
        return caught.value

    return error_of
