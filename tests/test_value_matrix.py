"""The value matrix: pairs that other tools confuse, or hash anew in every process, must do neither here."""

from __future__ import annotations

import enum
import os
import random
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import pytest

from buildgraph.digest import Digest
from buildgraph.encoding import encode

np: Any = pytest.importorskip("numpy")
pd: Any = pytest.importorskip("pandas")
pa: Any = pytest.importorskip("pyarrow")


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Shade(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: int


Spot = namedtuple("Spot", "x y")  # the untyped kind has to work too


@dataclass(frozen=True)
class Layer:
    inner: Any
    units: int = 1


@dataclass
class Stage:
    inner: Any
    units: int = 1


def deep(value: Any, levels: int = 8) -> Any:
    """`value` inside that many dataclasses."""
    for _ in range(levels):
        value = Layer(value)
    return value


def changed(array: Any, index: Any, value: Any) -> Any:
    copy = array.copy()
    copy[index] = value
    return copy


LONG = np.arange(5_000, dtype="f8")
FRAME = pd.DataFrame({"a": range(1_000), "b": [float(i) for i in range(1_000)], "c": [str(i) for i in range(1_000)]})
TABLE = pa.table({"a": [1, 2, None], "b": [1.0, float("nan"), None], "c": ["x", None, "y"]})
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def frame(**changes: Any) -> Any:
    copy = FRAME.copy()
    for column, value in changes.items():
        copy[column] = value
    return copy


def frame_with_cell(value: Any, row: int, column: str) -> Any:
    copy = FRAME.copy()
    copy.loc[row, column] = value
    return copy


DIFFERENT = {
    "the number 1 and the text 1": (1, "1"),
    "the keys 1 and 01": ({"1": 0}, {"01": 0}),
    "the number 1 and the float 1.0": (1, 1.0),
    "the number 1 and True": (1, True),
    "the number 0 and False": (0, False),
    "the float 1.0 and True": (1.0, True),
    "zero and minus zero": (0.0, -0.0),
    "two neighbouring floats": (0.1, 0.1 + 2**-56),
    "a float and its text": (0.1, "0.1"),
    "2**63 and 2**63 as a float": (2**63, float(2**63)),
    "2**64 and 2**64 + 1": (2**64, 2**64 + 1),
    "a huge number and its negative": (2**100, -(2**100)),
    "a huge number and its bytes": (2**64, (2**64).to_bytes(9, "big")),
    "None and the text None": (None, "None"),
    "None and the empty text": (None, ""),
    "None and False": (None, False),
    "None and an empty dict": (None, {}),
    "None and an empty list": (None, []),
    "an empty list and an empty dict": ([], {}),
    "an empty list and an empty tuple": ([], ()),
    "an empty list and an empty set": ([], set()),
    "an empty text and empty bytes": ("", b""),
    "bytes and text": (b"abc", "abc"),
    "a list and a tuple": ([1, 2], (1, 2)),
    "a list and a tuple further in": ({"a": [[1]]}, {"a": [(1,)]}),
    "a set and a frozenset": ({1}, frozenset({1})),
    "a set and a list": ({1, 2}, [1, 2]),
    "a set of 1 and a set of True": ({1}, {True}),
    "a value and the list of it": (1, [1]),
    "a list and a list with None behind": ([1], [1, None]),
    "a boundary moved between texts": (["ab", "c"], ["a", "bc"]),
    "a boundary moved between lists": ([[1], [2, 3]], [[1, 2], [3]]),
    "a boundary moved between key and value": ({"ab": "c"}, {"a": "bc"}),
    "one dict in another and both side by side": ({"a": {"b": 1}}, {"a": {}, "b": 1}),
    "a dict and its items": ({"a": 1}, [["a", 1]]),
    "a missing key and a key that is None": ({}, {"a": None}),
    "two orders of a list": ([1, 2], [2, 1]),
    "a text and the same text composed otherwise": ("\u00e9", "e\u0301"),
    "a text and the same with a null behind": ("a", "a\0"),
    "upper and lower case": ("a", "A"),
    "a path and its text": (Path("a/b"), "a/b"),
    "two paths": (Path("a/b"), Path("a/c")),
    "a file and the one above it": (Path("a"), Path("../a")),
    "a date and its text": (date(2024, 5, 1), "2024-05-01"),
    "a date and its midnight": (date(2024, 5, 1), datetime(2024, 5, 1, tzinfo=UTC)),
    "two moments a microsecond apart": (NOON, NOON + timedelta(microseconds=1)),
    "the same clock in two zones": (NOON, NOON.replace(tzinfo=timezone(timedelta(hours=1)))),
    "an enum member and its value": (Colour.RED, 1),
    "two members of an enum": (Colour.RED, Colour.GREEN),
    "two enums with equal values": (Colour.RED, Shade.RED),
    "a number and an enum that is a number": (1, Level.LOW),
    "a flag and two flags": (Access.READ, Access.READ | Access.WRITE),
    "a named tuple and its tuple": (Point(1, 2), (1, 2)),
    "two named tuples of the same fields": (Point(1, 2), Spot(1, 2)),
    "a dataclass and its fields": (Layer(1), {"inner": 1, "units": 1}),
    "two dataclasses of the same fields": (Layer(1), Stage(1)),
    "a dataclass with another value": (Layer(1), Layer(1, 2)),
    "an object that differs 8 levels down": (deep(1), deep(2)),
    "an object that differs 8 levels down by type": (deep(1), deep(True)),
    "an object 8 and one 9 levels deep": (deep(1, 8), deep(1, 9)),
    "one middle element of 5,000": (LONG, changed(LONG, 2_500, -1.0)),
    "the last bit of one element": (LONG, changed(LONG, 4_999, np.nextafter(LONG[4_999], 0))),
    "an array of zeros and one of minus zeros": (np.zeros(3), -np.zeros(3)),
    "arrays of f4 and f8": (np.zeros(4, "f4"), np.zeros(4, "f8")),
    "arrays of i4 and u4": (np.zeros(4, "i4"), np.zeros(4, "u4")),
    "arrays of the same bytes, f8 and i8": (np.zeros(4, "f8"), np.zeros(4, "i8")),
    "arrays of flags and of small numbers": (np.ones(4, "?"), np.ones(4, "i1")),
    "arrays of seconds and of milliseconds": (np.zeros(2, "m8[s]"), np.zeros(2, "m8[ms]")),
    "shapes (2, 3) and (3, 2)": (np.zeros((2, 3)), np.zeros((3, 2))),
    "shapes (6,) and (2, 3)": (np.zeros(6), np.zeros((2, 3))),
    "shapes () and (1,)": (np.zeros(()), np.zeros(1)),
    "empty arrays of other shapes": (np.zeros((0, 3)), np.zeros((3, 0))),
    "an array and its transpose": (np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]]).T),
    "an array and its list": (np.array([1, 2]), [1, 2]),
    "a numpy number and a number": (np.int64(1), 1),
    "a numpy number and an array of it": (np.int64(1), np.array(1)),
    "numpy numbers of other widths": (np.float32(1), np.float64(1)),
    "a numpy text and its text": (np.str_("a"), "a"),
    "an object array and its list": (np.array([1, "a"], dtype=object), [1, "a"]),
    "object arrays that differ in a type": (np.array([1, 2], dtype=object), np.array([1, True], dtype=object)),
    "records of other field names": (np.zeros(2, [("a", "i4")]), np.zeros(2, [("b", "i4")])),
    "records whose sub-arrays differ in type": (np.zeros(2, [("a", "f4", (2,))]), np.zeros(2, [("a", "i4", (2,))])),
    "records whose sub-arrays differ in shape": (np.zeros(2, [("a", "i4", (4,))]), np.zeros(2, [("a", "i4", (2, 2))])),
    "one cell of 1,000 rows, a number": (FRAME, frame_with_cell(-1, 500, "a")),
    "one cell of 1,000 rows, a float": (FRAME, frame_with_cell(-1.0, 500, "b")),
    "one cell of 1,000 rows, a text": (FRAME, frame_with_cell("-1", 500, "c")),
    "one cell that is missing": (FRAME, frame_with_cell(float("nan"), 500, "b")),
    "one text that is missing": (FRAME, frame_with_cell(None, 500, "c")),
    "a frame with a renamed column": (FRAME, FRAME.rename(columns={"a": "z"})),
    "a frame with a column named 0 and one named '0'": (pd.DataFrame({0: [1]}), pd.DataFrame({"0": [1]})),
    "a frame with columns in another order": (FRAME, FRAME[["b", "a", "c"]]),
    "a frame with another dtype": (FRAME, frame(a=FRAME["a"].astype("i4"))),
    "a frame with a nullable dtype": (FRAME, frame(a=FRAME["a"].astype("Int64"))),
    "a frame with text as category": (FRAME, frame(c=FRAME["c"].astype("category"))),
    "a frame with another index": (FRAME, FRAME.set_index(FRAME.index + 1)),
    "a frame with a named index": (FRAME, FRAME.rename_axis(index="row")),
    "a frame with named columns": (FRAME, FRAME.rename_axis(columns="what")),
    "a frame with a column as index": (FRAME, FRAME.set_index("a")),
    "a frame with two columns as index, in two orders": (FRAME.set_index(["a", "b"]), FRAME.set_index(["b", "a"])),
    "a frame without a row": (FRAME, FRAME.iloc[:-1]),
    "an empty frame and one of empty columns": (pd.DataFrame(), pd.DataFrame({"a": []})),
    "two columns of the same name, swapped": (
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[2, 1]], columns=["a", "a"]),
    ),
    "None and NaN in an object column": (
        pd.Series([None, "a"], dtype=object),
        pd.Series([float("nan"), "a"], dtype=object),
    ),
    "NA and NaT in an object column": (pd.Series([pd.NA], dtype=object), pd.Series([pd.NaT], dtype=object)),
    "an object column of 1 and one of '1'": (pd.Series([1, "b"], dtype=object), pd.Series(["1", "b"], dtype=object)),
    "categories that are ordered": (
        pd.Series(pd.Categorical(["a", "b"])),
        pd.Series(pd.Categorical(["a", "b"], ordered=True)),
    ),
    "categories that nothing uses": (
        pd.Series(pd.Categorical(["a"], ["a", "b"])),
        pd.Series(pd.Categorical(["a"], ["a", "c"])),
    ),
    "moments of a column in two zones": (
        pd.Series(pd.to_datetime(["2024-05-01"]).tz_localize("UTC")),
        pd.Series(pd.to_datetime(["2024-05-01"]).tz_localize("Europe/Berlin")),
    ),
    "a series and its frame": (FRAME["a"], FRAME[["a"]]),
    "a series with another name": (FRAME["a"], FRAME["a"].rename("z")),
    "a table with another cell": (TABLE, TABLE.set_column(0, "a", pa.array([1, 3, None]))),
    "a table with a null less": (TABLE, TABLE.set_column(0, "a", pa.array([1, 2, 0]))),
    "a table with a null instead of an empty text": (
        pa.table({"c": [""]}),
        pa.table({"c": pa.array([None], pa.string())}),
    ),
    "a table with a null instead of NaN": (
        pa.table({"b": [float("nan")]}),
        pa.table({"b": pa.array([None], pa.float64())}),
    ),
    "a table with a renamed column": (TABLE, TABLE.rename_columns(["z", "b", "c"])),
    "a table with another type": (TABLE, TABLE.set_column(0, "a", TABLE["a"].cast(pa.int32()))),
    "a table of seconds and one of milliseconds": (
        pa.table({"t": pa.array([0], pa.timestamp("s"))}),
        pa.table({"t": pa.array([0], pa.timestamp("ms"))}),
    ),
    "a boundary moved between lists of a table": (pa.table({"l": [[1], [2, 3]]}), pa.table({"l": [[1, 2], [3]]})),
    "an empty and a missing list of a table": (pa.table({"l": [[1], []]}), pa.table({"l": [[1], None]})),
    "a missing record of a table and one of nulls": (
        pa.table({"s": pa.array([None], pa.struct([("k", pa.int64())]))}),
        pa.table({"s": pa.array([{"k": None}], pa.struct([("k", pa.int64())]))}),
    ),
    "a table and its record batch": (TABLE, TABLE.to_batches()[0]),
}

PLAIN = {"b": 2, "a": [1, 2.5, None], "c": {"y": b"y", "x": "x"}}
CHUNKED = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
PADDED = np.dtype([("a", "i1"), ("b", "i4")], align=True)
STRUCTS = pa.table({"s": [{"k": 1.5}, None], "l": [[1, 2], None], "d": pa.array(["a", "b"]).dictionary_encode()})


def padded(filling: int) -> Any:
    """The same two records, with other bytes where no field lies."""
    raw = np.full(2 * PADDED.itemsize, filling, "u1").view(PADDED)
    raw["a"], raw["b"] = 1, 2
    return raw


SAME = {
    "a dict in another order": (PLAIN, dict(reversed(PLAIN.items()))),
    "a set filled in another order": (set(range(100)), set(range(99, -1, -1))),
    "equal texts of other identity": (["word", "word"], ["".join(["wo", "rd"]), "word"]),
    "a list that holds one list twice, and two equal lists": ([[1]] * 2, [[1], [1]]),
    "C and Fortran order": (np.array([[1, 2], [3, 4]], order="C"), np.array([[1, 2], [3, 4]], order="F")),
    "a slice with gaps and its copy": (LONG[::2], LONG[::2].copy()),
    "big-endian and little-endian": (LONG.astype(">f8"), LONG.astype("<f8")),
    "flags made of other bytes": (np.array([1, 0], "?"), np.array([7, 0], "u1").view("?")),
    "records with other bytes between their fields": (padded(0), padded(255)),
    "records with and without gaps": (padded(0), padded(0).astype([("a", "i1"), ("b", "i4")])),
    "a read-only array": (LONG, np.frombuffer(LONG.tobytes(), "f8")),
    "one path written in two ways": (Path("a/./b//c"), PurePosixPath("a/b/c")),
    "one path of two systems": (PureWindowsPath("a\\b"), PurePosixPath("a/b")),
    "one moment in two zones": (NOON, NOON.astimezone(timezone(timedelta(hours=-7)))),
    "bytes and the digest they are": (bytes(32), Digest(bytes(32))),
    "a copied frame": (FRAME, FRAME.copy(deep=True)),
    "a frame whose row numbers are a range or a list": (FRAME, FRAME.set_index(pd.Index(list(range(1_000))))),
    "a frame made column by column or at once": (FRAME, pd.concat([FRAME[["a", "b"]], FRAME[["c"]]], axis=1)),
    "a table in other chunks": (TABLE, CHUNKED),
    "a table with schema metadata": (TABLE, TABLE.replace_schema_metadata({"made": "today"})),
    "a table whose columns may be null or not": (
        pa.table({"a": [1]}),
        pa.table({"a": [1]}, schema=pa.schema([pa.field("a", pa.int64(), nullable=False)])),
    ),
    "a table cut from a larger one": (TABLE, pa.concat_tables([TABLE, TABLE]).slice(3, 3)),
    "nested columns cut from a larger table": (
        STRUCTS,
        pa.concat_tables([STRUCTS] * 3, unify_dictionaries=False).slice(2, 2),
    ),
    "a dictionary column with other codes": (
        pa.table({"d": pa.array(["b", "a"]).dictionary_encode()}),
        pa.table({"d": pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int32()), pa.array(["a", "b"]))}),
    ),
    "other bytes below a null": (
        pa.table({"a": pa.array([1, None])}),
        pa.table({"a": pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1, 9]))])}),
    ),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_these_differ(pair: tuple[Any, Any]) -> None:
    """Two values that a component can tell apart never have the same bytes."""
    assert encode(pair[0]) != encode(pair[1])
    assert encode({"config": [pair[0]]}) != encode({"config": [pair[1]]})


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_these_are_the_same(pair: tuple[Any, Any]) -> None:
    """What is only held differently has the same bytes."""
    assert encode(pair[0]) == encode(pair[1])


def test_no_two_rows_of_the_matrix_collide() -> None:
    """Beyond the pairs: all values of the matrix against all others."""
    values = [value for pair in DIFFERENT.values() for value in pair]
    seen: dict[bytes, list[Any]] = {}
    for value in values:
        seen.setdefault(encode(value), []).append(value)
    kinds = [{type(value) for value in equal} for equal in seen.values()]
    assert [found for found in kinds if len(found) > 1] == []
    assert len(seen) > 150


def test_not_a_number_is_allowed_inside_arrays_frames_and_tables() -> None:
    """There a number is its bits; the same NaN is the same bytes, and differs from any number."""
    for hold in (lambda x: np.array([x]), lambda x: pd.DataFrame({"x": [x]}), lambda x: pa.table({"x": [x]})):
        assert encode(hold(float("nan"))) == encode(hold(float("nan")))
        assert encode(hold(float("nan"))) != encode(hold(0.0))


@pytest.mark.parametrize(
    "kind", ["category", "Int64", "Float64", "boolean", "string", "datetime64[ns]", "timedelta64[s]"]
)
def test_every_common_kind_of_column_can_be_hashed(kind: str) -> None:
    """Missing values and all; nullable columns are no reason to fail."""
    column = pd.Series(pd.array([1, 0, None], dtype="Int64"))
    column = column.astype("string") if kind == "string" else column.astype(kind)
    assert encode(column) == encode(column.copy())
    assert encode(column) != encode(column.iloc[:2])


def test_every_common_kind_of_arrow_column_can_be_hashed() -> None:
    """Numbers, moments, decimals, text, bytes, flags, lists, structs, dictionaries, nulls: and each value counts."""
    plain: dict[str, tuple[Any, Any]] = {
        "f2": (pa.float16(), [np.float16(1), None]), "u8": (pa.uint64(), [2**63, None]), "d": (pa.date32(), [7, None]),
        "t": (pa.time64("us"), [7, None]), "m": (pa.timestamp("ns", "UTC"), [7, None]), "n": (pa.null(), [None, None]),
        "s": (pa.large_string(), ["a", None]), "y": (pa.binary(2), [b"ab", None]), "b": (pa.bool_(), [True, None]),
        "f": (pa.list_(pa.int8(), 2), [[1, 2], None]), "e": (pa.duration("s"), [7, None]),
        "v": (pa.string_view(), ["a", None]),
    }  # fmt: skip
    columns = {name: pa.array(values, type=kind) for name, (kind, values) in plain.items()}
    columns["decimal"] = pa.array([1, None], pa.int64()).cast(pa.decimal128(30, 2))
    for name, column in columns.items():
        whole, turned = pa.table({name: column}), pa.table({name: pa.concat_arrays([column[1:], column[:1]])})
        assert encode(whole) == encode(pa.concat_tables([whole.slice(0, 1), whole.slice(1)])), name
        assert name == "n" or encode(whole) != encode(turned), name


CHILD = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("test_value_matrix", sys.argv[1])
matrix = importlib.util.module_from_spec(spec)
sys.modules["test_value_matrix"] = matrix
spec.loader.exec_module(matrix)
print(hash("a word"), matrix.digest_of_everything())
"""


def digest_of_everything() -> str:
    """One digest over the matrix and over what other tools hash anew in every process."""
    words = [f"word {i}" for i in range(200)]
    unstable = [
        set(words),
        frozenset(words),
        {"nested": [{*words[:50]}, frozenset({(1, "a"), (2, "b")})]},
        deep({*words}),
    ]
    qualified = (Layer, Stage, Point, Spot, Colour, Shade, Level, Access)
    for kind in qualified:  # the name under which the test runner imports this file is not the subject
        kind.__module__ = "matrix"
    return str(Digest.of(b"".join(encode(value) for pair in (*DIFFERENT.values(), unstable) for value in pair)))


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "de_DE.UTF-8"])
def test_the_bytes_are_the_same_in_every_process(locale: str) -> None:
    """Another process, hash seed, locale or time zone: the same bytes. A locale that is missing falls back to C."""
    children = []
    for seed in ("0", "1", "31337"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": "Asia/Kathmandu"}
        command = [sys.executable, "-c", CHILD, __file__]
        children.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    hashes, digests = zip(*(child.communicate()[0].split() for child in children), strict=True)
    assert len(set(hashes)) == 3, "the processes are not as different as they should be"
    assert set(digests) == {digest_of_everything()}


def test_a_shuffled_dict_has_the_same_bytes() -> None:
    """Whatever the order in which keys arrive, also further in."""
    chance = random.Random(7)
    items = [(f"key {i} ü", {"z": i, "a": [i], "m": {"k": 1, "j": 2}}) for i in range(50)]
    expected = encode(dict(items))
    for _ in range(20):
        chance.shuffle(items)
        assert encode({key: dict(reversed(value.items())) for key, value in items}) == expected


def test_a_dataclass_with_another_name_is_another_value() -> None:
    """The qualified name is part of the value, made classes included."""
    one, other = make_dataclass("One", ["x"]), make_dataclass("Other", ["x"])
    assert encode(one(1)) != encode(other(1))


def test_the_matrix_would_notice_a_fallback_to_repr() -> None:
    """The detector can fail: an encoder that falls back to `str`, as other tools do, collides on this matrix."""
    collided = [name for name, (one, other) in DIFFERENT.items() if str(one) == str(other)]
    assert len(collided) > 10, "the matrix has lost its teeth"
