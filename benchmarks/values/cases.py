"""The value matrix: pairs that a cache must tell apart, pairs that are equal, and values that must hash the same everywhere.

It is imported by every tool's own interpreter, so it needs nothing but numpy and pandas.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import pandas as pd

DIFFERENT: Final = "differ"  # a component can tell the two values apart
EQUAL: Final = "equal"  # the values are equal, and are only held differently
ALONE: Final = "one value"  # one value, in several processes

NOON: Final = datetime(2024, 5, 1, 12)  # noqa: DTZ001 - a moment without a time zone is one of the cases
WORDS: Final = [f"word {i}" for i in range(200)]


@dataclass(frozen=True)
class Case:
    """One row: `one` and `other` make the values anew each time they are called."""

    name: str
    kind: str
    one: Callable[[], Any]
    other: Callable[[], Any] | None = None


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Shade(enum.Enum):
    RED = 1


@dataclass
class Layer:
    inner: Any
    units: int = 1


class Plain:
    """An object as most programs have them: no equality, no order, no repr."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Lookalike:
    def __init__(self, value: Any) -> None:
        self.value = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def nested(value: Any, wrap: Callable[[Any], Any], levels: int = 8) -> Any:
    for _ in range(levels):
        value = wrap(value)
    return value


def array(at: int | None = None) -> Any:
    """5,000 numbers, one of them changed."""
    made = np.arange(5_000, dtype="f8")
    if at is not None:
        made[at] = -1.0
    return made


def frame(**changes: Any) -> Any:
    made = {"a": list(range(1_000)), "b": [float(i) for i in range(1_000)], "c": [f"text {i}" for i in range(1_000)]}
    return pd.DataFrame({**made, **changes})


def cell(column: str, value: Any) -> Any:
    made = frame()
    made.loc[500, column] = value
    return made


def not_a_number(payload: int) -> Any:
    return np.array([0x7FF8000000000000 + payload], dtype="u8").view("f8")


CASES: Final = (
    # the matrix as it was first measured
    Case("1 and '1'", DIFFERENT, lambda: 1, lambda: "1"),
    Case("the dict keys 1 and '1'", DIFFERENT, lambda: {1: "x"}, lambda: {"1": "x"}),
    Case("None and 'None'", DIFFERENT, lambda: None, lambda: "None"),
    Case("bytes and text", DIFFERENT, lambda: b"abc", lambda: "abc"),
    Case("a list and a tuple", DIFFERENT, lambda: [1, 2], lambda: (1, 2)),
    Case("one middle element of a 5,000 array", DIFFERENT, array, lambda: array(2_500)),
    Case("one number of a 1,000 row frame", DIFFERENT, frame, lambda: cell("a", -1)),
    Case("arrays of f4 and f8", DIFFERENT, lambda: np.zeros(4, "f4"), lambda: np.zeros(4, "f8")),
    Case("arrays of shape (2, 3) and (3, 2)", DIFFERENT, lambda: np.zeros((2, 3)), lambda: np.zeros((3, 2))),
    Case("a frame with a renamed column", DIFFERENT, frame, lambda: frame().rename(columns={"a": "z"})),
    Case("objects that differ 8 levels down", DIFFERENT, lambda: nested(1, Plain), lambda: nested(2, Plain)),
    Case("a dict in another insertion order", EQUAL, lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}),
    Case("equal texts of other identity", EQUAL, lambda: ["word"] * 2, lambda: ["word", "".join(["wo", "rd"])]),
    Case("C and Fortran order", EQUAL, lambda: np.ones((2, 3)), lambda: np.ones((2, 3), order="F")),
    Case("a set", ALONE, lambda: set(WORDS)),
    Case("a frozenset", ALONE, lambda: frozenset(WORDS)),
    Case("an object of a class", ALONE, lambda: Plain("x")),
    # scalars
    Case("1 and True", DIFFERENT, lambda: 1, lambda: True),
    Case("1 and 1.0", DIFFERENT, lambda: 1, lambda: 1.0),
    Case("0.0 and -0.0", DIFFERENT, lambda: 0.0, lambda: -0.0),
    Case("2**64 and 2**64 + 1", DIFFERENT, lambda: 2**64, lambda: 2**64 + 1),
    Case("2**63 and the same as a float", DIFFERENT, lambda: 2**63, lambda: float(2**63)),
    Case("a numpy number and a number", DIFFERENT, lambda: np.int64(1), lambda: 1),
    Case("a decimal 1.0 and 1.00", DIFFERENT, lambda: Decimal("1.0"), lambda: Decimal("1.00")),
    # text and paths
    Case("a text in two normal forms (NFC, NFD)", DIFFERENT, lambda: "\u00e9", lambda: "e\u0301"),
    Case("a lone surrogate and a question mark", DIFFERENT, lambda: "\ud800", lambda: "?"),
    Case("a path and its text", DIFFERENT, lambda: PurePosixPath("a/b"), lambda: "a/b"),
    # containers
    Case("an empty list and an empty dict", DIFFERENT, list, dict),
    Case("an empty list and an empty text", DIFFERENT, list, str),
    Case("[[], []] and [[[]]]", DIFFERENT, lambda: [[], []], lambda: [[[]]]),
    Case("['ab', 'c'] and ['a', 'bc']", DIFFERENT, lambda: ["ab", "c"], lambda: ["a", "bc"]),
    Case("a dict and its items", DIFFERENT, lambda: {"a": 1}, lambda: [["a", 1]]),
    Case("a set and a frozenset", DIFFERENT, lambda: {1}, lambda: frozenset({1})),
    Case("lists that differ 8 levels down", DIFFERENT, lambda: nested(1, lambda x: [x]), lambda: nested(2, lambda x: [x])),
    Case("dicts that differ 8 levels down", DIFFERENT, lambda: nested(1, lambda x: {"k": x}), lambda: nested(2, lambda x: {"k": x})),
    Case("one list twice and two equal lists", EQUAL, lambda: [["x"]] * 2, lambda: [["x"], ["x"]]),
    Case("a set in a dict", ALONE, lambda: {"words": set(WORDS)}),
    Case("a set of tuples", ALONE, lambda: {(word, 1) for word in WORDS}),
    Case("a dict filled from a set", ALONE, lambda: dict.fromkeys(set(WORDS), 1)),
    # time
    Case("a moment with and without a time zone", DIFFERENT, lambda: NOON, lambda: NOON.replace(tzinfo=UTC)),
    Case("the same clock in two time zones", DIFFERENT, lambda: NOON.replace(tzinfo=UTC), lambda: NOON.replace(tzinfo=timezone(timedelta(hours=1)))),
    Case("a moment, wherever the process is", ALONE, lambda: NOON.replace(tzinfo=UTC)),
    Case("a moment without a time zone", ALONE, lambda: NOON),
    # classes
    Case("an enum member and its value", DIFFERENT, lambda: Colour.RED, lambda: 1),
    Case("members of two enums", DIFFERENT, lambda: Colour.RED, lambda: Shade.RED),
    Case("a dataclass and its fields as a dict", DIFFERENT, lambda: Layer(1), lambda: {"inner": 1, "units": 1}),
    Case("dataclasses that differ 8 levels down", DIFFERENT, lambda: nested(1, Layer), lambda: nested(2, Layer)),
    Case("objects of two classes", DIFFERENT, lambda: Plain(1), lambda: Lookalike(1)),
    Case("objects with slots that differ", DIFFERENT, lambda: Slotted(1), lambda: Slotted(2)),
    Case("a class and its name", DIFFERENT, lambda: Plain, lambda: "Plain"),
    Case("an object that holds a set", ALONE, lambda: Plain(set(WORDS))),
    Case("a dataclass", ALONE, lambda: Layer("x")),
    # arrays
    Case("empty arrays of f4 and f8", DIFFERENT, lambda: np.zeros(0, "f4"), lambda: np.zeros(0, "f8")),
    Case("empty arrays of shape (0, 3) and (3, 0)", DIFFERENT, lambda: np.zeros((0, 3)), lambda: np.zeros((3, 0))),
    Case("arrays of the same bytes, f8 and i8", DIFFERENT, lambda: np.zeros(4, "f8"), lambda: np.zeros(4, "i8")),
    Case("an array and its list", DIFFERENT, lambda: np.array([1, 2]), lambda: [1, 2]),
    Case("records of other field names", DIFFERENT, lambda: np.zeros(2, [("a", "i4")]), lambda: np.zeros(2, [("b", "i4")])),
    Case("object arrays of 1 and True", DIFFERENT, lambda: np.array([1, "x"], dtype=object), lambda: np.array([True, "x"], dtype=object)),
    Case("an array in a list that differs", DIFFERENT, lambda: [array()], lambda: [array(2_500)]),
    Case("a slice with gaps and its copy", EQUAL, lambda: array()[::2], lambda: array()[::2].copy()),
    Case("NaN of two payloads", EQUAL, lambda: not_a_number(0), lambda: not_a_number(1)),
    # frames
    Case("one text of a 1,000 row frame", DIFFERENT, frame, lambda: cell("c", "other")),
    Case("a frame with a column as category", DIFFERENT, frame, lambda: frame(c=pd.Categorical(frame()["c"]))),
    Case("a frame with a named index", DIFFERENT, frame, lambda: frame().rename_axis(index="row")),
    Case("a frame with another index", DIFFERENT, frame, lambda: frame().set_index(frame().index + 1)),
    Case("a frame with another dtype", DIFFERENT, frame, lambda: frame().astype({"a": "i4"})),
    Case("columns in another order", DIFFERENT, frame, lambda: frame()[["b", "a", "c"]]),
    Case("a series with another name", DIFFERENT, lambda: frame()["a"], lambda: frame()["a"].rename("z")),
    Case("categories that nothing uses", DIFFERENT, lambda: pd.Series(pd.Categorical(["a"], ["a", "b"])), lambda: pd.Series(pd.Categorical(["a"], ["a", "c"]))),
    Case("None and NaN in an object column", DIFFERENT, lambda: pd.Series([None, "a"], dtype=object), lambda: pd.Series([float("nan"), "a"], dtype=object)),
    Case("a frame made at once and by columns", EQUAL, frame, lambda: pd.concat([frame()[["a"]], frame()[["b", "c"]]], axis=1)),
    Case("a frame", ALONE, frame),
)  # fmt: skip
