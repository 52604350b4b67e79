"""The replay of releases: its judge sees what a component can reach, and a change that a key overlooks is reported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.history.reach import Place, Release, changed
from benchmarks.releases import content, spread

BEFORE = {
    "pkg.api": b"from pkg.text import clean as tidy\nimport pkg.numbers as n\n\nclass Component:\n    def run(self, x):\n        return tidy(x), n.LIMIT\n",
    "pkg.text": b"MARK = '!'\n\ndef clean(text):\n    '''Cleans.'''\n    return text.strip(MARK)\n\ndef unused():\n    return 1\n",
    "pkg.numbers": b"LIMIT = 3\nOTHER = 4\n",
}
COMPONENT = "pkg.api:Component"


def changes(module: str, old: bytes, new: bytes, start: Mapping[str, bytes] = BEFORE) -> list[Place]:
    """What the judge sees of one edit, from the component."""
    assert old in start[module], "the edit edits nothing"
    after = {**start, module: start[module].replace(old, new)}
    return changed(Release(start).reachable(COMPONENT), Release(after).reachable(COMPONENT))


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("pkg.api", b"tidy(x),", b"x,", [("pkg.api", "Component"), ("pkg.text", "MARK"), ("pkg.text", "clean")]),
        ("pkg.text", b"text.strip", b"text.lstrip", [("pkg.text", "clean")]),
        ("pkg.text", b"'!'", b"'?'", [("pkg.text", "MARK")]),
        ("pkg.numbers", b"LIMIT = 3", b"LIMIT = 5", [("pkg.numbers", "LIMIT")]),
        ("pkg.numbers", b"OTHER = 4\n", b"OTHER = 4\nprint(OTHER)\n", [("pkg.numbers", ""), ("pkg.numbers", "OTHER")]),
    ],
    ids=["its own body", "a helper under another name", "a constant of the helper", "an attribute of a module", "a new statement"],
)
def test_the_judge_sees_a_change_that_can_matter(module: str, old: bytes, new: bytes, expected: list[Place]) -> None:
    """Otherwise a stale result would be counted as a good hit."""
    assert changes(module, old, new) == expected


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("pkg.text", b"return 1", b"return 2"),
        ("pkg.text", b"'''Cleans.'''", b"'''Cleans it.'''"),
        ("pkg.numbers", b"LIMIT = 3", b"LIMIT = (3)  # three"),
        ("pkg.numbers", b"OTHER = 4", b"OTHER = 5"),
        ("pkg.numbers", b"OTHER = 4\n", b"OTHER = 4\nif __name__ == '__main__':\n    print(OTHER)\n"),
    ],
    ids=["an unused function", "a docstring", "layout", "an unused constant", "a program"],
)
def test_the_judge_overlooks_what_cannot_matter(module: str, old: bytes, new: bytes) -> None:
    """Otherwise a good hit would be counted as stale."""
    assert changes(module, old, new) == []


def test_names_of_local_variables_reach_nothing() -> None:
    """A local variable that is called as something of the module is not it."""
    start = {**BEFORE, "pkg.text": BEFORE["pkg.text"].replace(b"return text.strip(MARK)", b"unused = text\n    return unused")}
    assert changes("pkg.text", b"return 1", b"return 2", start) == []


def test_what_is_installed_and_what_is_a_type_reach_nothing() -> None:
    """`shutil.unused` is not our `unused`, and a type that is never evaluated is not used."""
    head = b"from __future__ import annotations\nimport shutil\nfrom pkg.text import unused\n"
    for body in (b"shutil.unused()", b"None", b"(lambda x: x)(shutil)"):
        start = {**BEFORE, "pkg.api": head + b"class Component:\n    def run(self, x: unused) -> unused:\n        return " + body + b"\n"}
        assert changes("pkg.text", b"return 1", b"return 2", start) == []
    start = {**BEFORE, "pkg.api": head + b"class Component:\n    def run(self, x):\n        return unused()\n"}
    assert changes("pkg.text", b"return 1", b"return 2", start) == [("pkg.text", "unused")]


def test_the_number_of_a_release_is_no_change(tmp_path: Path) -> None:
    """Every release changes it, and no commit does; other numbers stay."""
    file = tmp_path / "version.py"
    file.write_bytes(b"__version__ = '1.2.0'\nversion_info = '11.2.0'\nother = '1.2.0'\n")
    assert content(file, "1.2.0") == b"__version__ = '0'\nversion_info = '11.2.0'\nother = '1.2.0'\n"


def test_components_are_chosen_far_apart() -> None:
    """The same ones every time, and not all from one module."""
    assert spread(list("abcdefghi"), 3) == ["a", "d", "g"]
    assert spread(["a", "b"], 3) == ["a", "b"]
