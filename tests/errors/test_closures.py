"""What `check-closure` says about a target that uses more than its fingerprint covers, and about one it cannot check."""

from __future__ import annotations

from collections.abc import Callable

Refused = Callable[..., str]
STEPS = """import importlib
from pathlib import Path


def step():
    plugin = importlib.import_module("".join(["plug", "in"]))
    return plugin.scale(float(Path(__file__).with_name(".".join(["factor", "txt"])).read_text()))
"""
FILES = {"plugin.py": "def scale(factor):\n    return 2 * factor\n", "factor.txt": "1.5\n"}


def test_code_and_a_file_outside_of_the_closure(refused: Refused) -> None:
    said = refused(
        "check-closure", "//:train", build='python(name="train", fn="steps:step")\n', steps=STEPS, files=FILES, exit=6, code="BG260", names="//:train", at="plugin.py:1",
    )  # fmt: skip
    assert "steps.py:6" in said and "factor.txt" in said


def test_closure_of_a_group(refused: Refused) -> None:
    refused("check-closure", "//:models", build='group(name="models", deps=[])\n', exit=2, code="BG261", names="//:models", at="BUILD.py:2")
