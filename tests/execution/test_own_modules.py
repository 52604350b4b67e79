"""A workspace's own modules are taken out of sight while a build runs in this process, and come back."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from buildgraph.execution.modules import own_modules


def test_packages_without_an_init_leave_and_come_back_with_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a package asks its parent where it lies, so it can be asked only while the parent is there."""
    (tmp_path / "outer_space" / "inner").mkdir(parents=True)
    (tmp_path / "outer_space" / "inner" / "deep.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("outer_space.inner.deep")
    names = ["outer_space", "outer_space.inner", "outer_space.inner.deep"]
    with own_modules(str(tmp_path)):
        assert [name for name in names if name in sys.modules] == []
        (tmp_path / "outer_space" / "inner" / "deep.py").write_text("VALUE = 22\n")
        assert importlib.import_module("outer_space.inner.deep").VALUE == 22
    assert sys.modules["outer_space.inner.deep"] is module
    for name in names:
        sys.modules.pop(name, None)
