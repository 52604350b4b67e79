"""Every code that a message can show has a page, every page is about a code that is used, and the command prints it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from buildgraph.catalogue import PAGES

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"BG\d{3}")
ADVICE = re.compile(
    r"\b(use|correct|write|name|remove|rename|choose|give|make|keep|move|build|put|install|copy|drop|declare|see|run|"
    r"return|add|set|check|free|hand|wait|find|get|start|close|update|raise|leave|do not|ask|need|import|define|call|pass|"
    r"create|convert|split|annotate|page|go on|forgotten|begun|goes on|end it|debug|try)\b", re.IGNORECASE,
)  # fmt: skip


def sources() -> dict[str, str]:
    """The text of every module of the engine and the rules, but for the catalogue itself and the examples."""
    paths = [*ROOT.glob("buildgraph/**/*.py"), *ROOT.glob("rules/*.py"), *ROOT.glob("rules/nlu/**/*.py")]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths if path.parent.name != "catalogue"}


def mentioned(source: str) -> set[str]:
    """Codes anywhere in a module, also in docstrings and comments."""
    return set(CODE.findall(source))


def used(source: str) -> set[str]:
    """Codes in the texts of a module's code, docstrings left out."""
    tree = ast.parse(source)
    places = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, places) and node.body and isinstance(node.body[0], ast.Expr)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            found.update(CODE.findall(node.value))
    return found


def problems(pages: dict[str, tuple[str, str]], modules: dict[str, str]) -> list[str]:
    """What is wrong between pages and code; the detector that the tests below break on purpose."""
    found = [f"{code} in {name} has no page" for name, text in modules.items() for code in sorted(mentioned(text) - pages.keys())]
    everywhere = set().union(*map(used, modules.values()))
    found += [f"{code} has a page and is not used" for code in pages if code not in everywhere]
    titles: dict[str, str] = {}
    for code, (title, paragraph) in pages.items():
        text = " ".join(paragraph.split())
        if not CODE.fullmatch(code):
            found.append(f"{code} is not a code")
        if titles.setdefault(title, code) != code:
            found.append(f"{code} has the title of {titles[title]}")
        if not title or title.endswith(".") or title != title.strip():
            found.append(f"{code} has no good title: {title!r}")
        if len(re.findall(r"[.;:] |\.$", text)) < 2 or not text.endswith(".") or len(text) < 100:
            found.append(f"{code} is not explained: {text!r}")
        if not ADVICE.search(text):
            found.append(f"{code} does not say what to do: {text!r}")
    return found


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert problems(PAGES, sources()) == []


def test_pages_are_in_the_order_of_their_codes() -> None:
    assert list(PAGES) == sorted(PAGES)


PAGE = ("a title", "Something is not as it should be, and that matters because of something else. Correct it in the file, then build it again.")
RAISES = '"""Mentions BG002."""\nraise UsageError("x", code="BG001")\n'


@pytest.mark.parametrize(
    ("pages", "module", "problem"),
    [
        ({}, "x = 'BG001'\n", "BG001 in m.py has no page"),
        ({}, "# BG001\n", "BG001 in m.py has no page"),
        ({"BG001": PAGE}, '"""Only told of: BG001."""\n', "BG001 has a page and is not used"),
        ({"BG001": ("", PAGE[1])}, "x = 'BG001'\n", "BG001 has no good title: ''"),
        ({"BG001": ("a title", "Too short.")}, "x = 'BG001'\n", "BG001 is not explained: 'Too short.'"),
        ({"BG001": PAGE, "BG002": PAGE}, "x = 'BG001', f'[BG002] {1}'\n", "BG002 has the title of BG001"),
    ],
    ids=["no_page", "no_page_for_a_comment", "unused_page", "no_title", "no_prose", "same_title"],
)  # fmt: skip
def test_the_detector_sees(pages: dict[str, tuple[str, str]], module: str, problem: str) -> None:
    assert problem in problems(pages, {"m.py": module})


def test_the_detector_is_content_with_what_is_right() -> None:
    assert problems({"BG001": PAGE, "BG002": ("another", PAGE[1])}, {"m.py": RAISES, "n.py": "x = f'warning[BG002]: {x}'\n"}) == []


def explain(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-m", "buildgraph", "explain", code], capture_output=True, text=True, check=False)


def test_the_command_prints_a_page(tmp_path: Path) -> None:
    """Anywhere, in either case, wrapped for a terminal; no workspace is needed."""
    done = explain("bg021")
    assert done.returncode == 0, done.stderr
    title, text = PAGES["BG021"]
    assert done.stdout.startswith(f"BG021: {title}\n\n")
    assert " ".join(done.stdout.split()) == " ".join(f"BG021: {title} {text}".split())
    assert max(map(len, done.stdout.splitlines())) <= 100
