"""The value matrix that is published: our columns have no wrong result and no key that changes by itself."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from benchmarks.values import OURS, column, verdict
from benchmarks.values.cases import ALONE, CASES, DIFFERENT, EQUAL

pytest.importorskip("pandas")


@pytest.mark.parametrize("tool", OURS)
def test_we_confuse_no_values_and_hash_none_anew(tool: str) -> None:
    """In processes that differ in hash seed, locale and time zone; what has no stable form is an error instead."""
    counts = Counter(verdict for verdict, _ in column(tool, sys.executable).values())
    assert counts["COLLIDE"] == counts["UNSTABLE"] == 0
    assert counts["ok"] > 40, "the matrix is refused more than it is answered"


def test_what_we_refuse_names_the_type() -> None:
    """A refusal is of use to somebody only if it says what could not be identified."""
    refused = [why for verdict, why in column(OURS[0], sys.executable).values() if verdict == "refused"]
    assert refused
    assert all(why.startswith("EncodingError: ") for why in refused)


def test_the_matrix_notices_a_tool_that_depends_on_the_process() -> None:
    """The detector can fail: pickle, which nobody has to install, writes sets in the order of the hash seed."""
    found = column("pickle", sys.executable)
    assert [name for name, (verdict, _) in found.items() if verdict == "UNSTABLE"][:2] == ["a set", "a frozenset"]


@pytest.mark.parametrize(
    ("kind", "answers", "expected"),
    [
        (DIFFERENT, ["a", "a", "b"], "ok"),
        (DIFFERENT, ["a", "a", "a"], "COLLIDE"),
        (DIFFERENT, ["a", "b", "c"], "UNSTABLE"),
        (EQUAL, ["a", "a", "a"], "same"),
        (EQUAL, ["a", "a", "b"], "differs"),
        (ALONE, ["a", "a"], "ok"),
    ],
)
def test_a_cell_says_what_happened(kind: str, answers: list[str], expected: str) -> None:
    """Two processes that agree, whatever they say."""
    said = [["hash", answer] for answer in answers]
    assert verdict(kind, [said, said]) == (expected, "")


def test_a_value_that_one_process_hashes_otherwise_is_unstable() -> None:
    """Within each process all is well: only the second process shows it."""
    assert verdict(ALONE, [[["hash", "a"]] * 2, [["hash", "b"]] * 2]) == ("UNSTABLE", "")


def test_no_two_cases_have_one_name() -> None:
    """Results are kept by name: a second case of the same name would hide the first."""
    assert len({case.name for case in CASES}) == len(CASES)
