"""The golden texts themselves: what compares them notices every difference, and none is left over from a test that is gone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
BUILD = 'python(name="train", fn="steps:step")\n'
HOW: dict[str, Any] = {"build": BUILD, "steps": "step = 5\n", "code": "BG224", "names": "//:train", "at": "BUILD.py:2"}


def test_a_changed_text_is_noticed(case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written only when that is asked for, and then the test fails, too; afterwards one letter makes the difference."""
    case = replace(case, golden=tmp_path)
    monkeypatch.delenv("REWRITE_GOLDEN", raising=False)
    with pytest.raises(AssertionError, match="there is no golden"):
        case.compare("error[BG001]: one\n")
    monkeypatch.setenv("REWRITE_GOLDEN", "1")
    with pytest.raises(pytest.fail.Exception, match="read it"):
        case.compare("error[BG001]: one\n")
    monkeypatch.delenv("REWRITE_GOLDEN")
    case.compare("error[BG001]: one\n")
    with pytest.raises(AssertionError, match="One"):
        case.compare("error[BG001]: One\n")


@pytest.mark.parametrize("wrong", [{"code": "BG225"}, {"exit": 1}, {"names": "//:other"}, {"at": "BUILD.py:3"}], ids=["code", "exit", "names", "at"])
def test_a_refusal_of_another_kind_is_noticed(case: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        case.refused("build", **{**HOW, "exit": 2, **wrong})


def test_success_is_noticed(case: Any) -> None:
    with pytest.raises(AssertionError, match="exit code 0"):
        case.refused("build", **{**HOW, "steps": "def step():\n    return 1\n"})


def test_every_golden_text_has_a_test() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(HERE)], capture_output=True, text=True, check=False, cwd=HERE
    ).stdout  # fmt: skip
    tests = {line.partition("::test_")[2].replace("[", "-").rstrip("]") for line in listed.splitlines() if "::test_" in line}
    assert tests, listed
    assert {path.stem for path in (HERE / "golden").iterdir()} - tests == set()
