"""The closure of definitions: what counts, how a target can say otherwise, and what is remembered of it.

Which edits count and which do not is the business of the scorecard (`tests/test_benchmarks.py`) and of
`test_adversary.py`; here is what the digest says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from buildgraph.code import CodeDigest, CodeIndex, Options, explain
from buildgraph.digest import Digest
from buildgraph.errors import UsageError

PROJECT = {
    "app/__init__.py": "",
    "app/model.py": (
        "import logging\n\nfrom app.text import featurize\n\nLIMIT = 3\nUNUSED = 4\n\n\n"
        "class Model:\n    def train(self):\n        return featurize('a b')[:LIMIT]\n"
    ),
    "app/text.py": "import os\n\n\ndef tokenize(text):\n    return text.split(os.environ.get('SEPARATOR'))\n\n\ndef featurize(text):\n    return tokenize(text)\n\n\ndef other():\n    return 1\n",
}
ENTRY = "app.model:Model"

Index = Callable[..., CodeIndex]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Writes `files` into the workspace and gives an index of it, with what `memo` remembers."""

    def of(files: Mapping[str, str] = PROJECT, memo: dict[bytes, bytes] | None = None, seen: list[str] | None = None) -> CodeIndex:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

        def read(path: str) -> tuple[bytes, Digest]:
            if seen is not None:
                seen.append(Path(path).name)
            content = Path(path).read_bytes()
            return content, Digest.of(content)

        return CodeIndex(str(tmp_path), search=[], read=read, digest=lambda path: Digest.of(Path(path).read_bytes()), memo=memo)

    return of


def names(code: CodeDigest) -> set[str]:
    return set(explain(code.manifest)["definitions"])


def test_only_definitions_that_names_lead_to_count(index: Index) -> None:
    code = index().of(ENTRY)
    assert names(code) == {"app.model.Model", "app.model.LIMIT", "app.text.featurize", "app.text.tokenize"}
    assert {Path(file).name for file in code.files} == {"__init__.py", "model.py", "text.py"}, "these are looked at again after a run"


def test_each_definition_is_told_with_its_lines_and_the_names_that_lead_to_it(index: Index) -> None:
    rows = {row.name: row for row in index().reached(ENTRY)}
    assert rows["tokenize"].via == ("Model", "featurize", "tokenize")
    assert (rows["tokenize"].first, rows["tokenize"].last, Path(rows["tokenize"].path).name) == (4, 5, "text.py")


def test_variables_read_by_literal_name_are_told(index: Index) -> None:
    assert index().of(ENTRY).environment == ("SEPARATOR",)


def test_a_variable_that_only_unrelated_code_reads_is_not(index: Index) -> None:
    assert index().of("app.text:other").environment == ()


@pytest.mark.parametrize(
    ("granularity", "edited", "counts"),
    [
        ("source", "app/text.py", False), ("source", "app/model.py", True),
        ("definition", "app/text.py", True), ("definition", "app/__init__.py", False),
        ("module", "app/__init__.py", True), ("module", "app/beside.py", False),
        ("package", "app/beside.py", True), ("package", "elsewhere.py", False),
    ],
)  # fmt: skip
def test_granularity_says_how_far_an_edit_is_heard(index: Index, granularity: str, edited: str, counts: bool) -> None:
    files = {**PROJECT, "app/beside.py": "X = 1\n", "elsewhere.py": "X = 1\n"}
    before = index(files).of(ENTRY, Options(granularity)).digest
    changed = files[edited].replace("split(", "rsplit(").replace("a b", "a c").replace("X = 1", "X = 2") or "X = 1\n"
    assert (index({edited: changed}).of(ENTRY, Options(granularity)).digest != before) == counts


def test_a_version_stands_in_for_the_code(index: Index) -> None:
    options = Options(version="2")
    before = index().of(ENTRY, options)
    assert index({"app/model.py": "def broken(:"}).of(ENTRY, options) == before and before.files == ()
    assert index().of(ENTRY, Options(version="3")).digest != before.digest


def test_extra_code_counts_and_ignored_code_does_not(index: Index) -> None:
    files = {**PROJECT, "app/plugin.py": "def hook():\n    return 1\n"}
    assert "app.plugin.hook" in names(index(files).of(ENTRY, Options(extra=("app.plugin:hook",))))
    assert "app.plugin.hook" in names(index().of(ENTRY, Options(extra=("app.plugin",))))
    assert names(index().of(ENTRY, Options(ignored=("app.text",)))) == {"app.model.Model", "app.model.LIMIT"}


def test_extra_code_that_does_not_exist_is_a_mistake(index: Index) -> None:
    with pytest.raises(UsageError, match=r"there is no module 'app\.plugins'"):
        index().of(ENTRY, Options(extra=("app.plugins:hook",)))


def test_what_cannot_be_resolved_widens_to_the_module_says_so_and_is_an_error_when_strict(index: Index) -> None:
    files = {"app/model.py": "def Model(name):\n    return globals()[name]\n\n\ndef helper():\n    return 1\n"}
    code = index({**PROJECT, **files}).of(ENTRY)
    assert "app.model.helper" in names(code) and "every definition of it counts" in code.notes[0]
    with pytest.raises(UsageError) as caught:
        index({}).of(ENTRY, Options(strict=True))
    assert caught.value.code == "BG105"


def test_strict_accepts_what_reading_resolves(index: Index) -> None:
    assert index().of(ENTRY, Options(strict=True)) == index().of(ENTRY)


def test_nothing_is_read_again_when_nothing_changed(index: Index) -> None:
    memo: dict[bytes, bytes] = {}
    first, seen = index(memo=memo).of(ENTRY), list[str]()
    assert index({}, memo, seen).of(ENTRY) == first and seen == []


def test_an_edited_body_makes_only_its_own_module_be_read_again(index: Index) -> None:
    memo: dict[bytes, bytes] = {}
    index(memo=memo).of(ENTRY)
    seen: list[str] = []
    after = index({"app/text.py": PROJECT["app/text.py"].replace("split", "rsplit")}, memo, seen).of(ENTRY)
    assert seen == ["text.py"] and after == index({}).of(ENTRY)


@pytest.mark.parametrize("damage", [b"", b"\x91\x01", b"\xff" * 40])
def test_what_is_remembered_may_be_damaged(index: Index, damage: bytes) -> None:
    memo: dict[bytes, bytes] = {}
    first = index(memo=memo).of(ENTRY)
    assert index({}, dict.fromkeys(memo, damage)).of(ENTRY) == first


def test_the_text_that_a_definition_had_can_be_shown_later(index: Index) -> None:
    memo: dict[bytes, bytes] = {}
    before = index(memo=memo).of(ENTRY)
    later = index({"app/text.py": "\n\n" + PROJECT["app/text.py"].replace("split", "rsplit")}, memo)
    now = later.of(ENTRY)
    old, new = later.source_of(before.digest, "app.text.tokenize"), later.source_of(now.digest, "app.text.tokenize")
    assert old is not None and old[:2] == (4, 5) and ".split(" in old[2]
    assert new is not None and new[:2] == (6, 7) and ".rsplit(" in new[2]
    assert later.source_of(before.digest, "app.text.nothing") is None
