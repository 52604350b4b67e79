"""The canonical encoder: values come back as they were, equal values have equal bytes, all else is refused by path."""

from __future__ import annotations

import contextlib
import datetime
import enum
import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from buildgraph.digest import Digest
from buildgraph.encoding import MAX_DEPTH, decode, decode_trusted, encode, encode_value
from buildgraph.errors import EncodingError

# ---- values that come back ------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MOMENTS = st.datetimes(
    min_value=datetime.datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime.datetime(9998, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(datetime.UTC),
)
PATHS = st.lists(st.sampled_from(["a", "b.c", "ü", "..", "x y"]), min_size=1, max_size=3).map(
    lambda p: PurePosixPath(*p)
)
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary(max_size=8)
    | MOMENTS
    | st.dates()
    | PATHS
)
HASHABLE = st.recursive(ATOMS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4)
VALUES = st.recursive(
    ATOMS | st.sets(HASHABLE, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXT, inner, max_size=4)
        | st.frozensets(HASHABLE, max_size=3)
    ),
    max_leaves=12,
)


def alike(one: Any, other: Any) -> bool:
    """Equal, of the same types all the way down, and zero with the same sign."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, set | frozenset):
        return len(one) == len(other) and all(any(alike(a, b) for b in other) for a in one)
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


@given(VALUES)
@settings(max_examples=200)
def test_a_value_comes_back_equal_and_of_the_same_types(value: Any) -> None:
    """Lists as lists, tuples as tuples, 1 as an int and 1.0 as a float."""
    assert alike(decode(encode_value(value)), value)


@given(HASHABLE | st.lists(HASHABLE, max_size=2), HASHABLE | st.lists(HASHABLE, max_size=2))
@example([1], [True])
@example({1}, {1.0})
@example((0.0,), (-0.0,))
@settings(max_examples=200)
def test_values_are_alike_exactly_when_their_bytes_are(one: Any, other: Any) -> None:
    """No two values share their bytes, and no value has two spellings."""
    assert (encode(one) == encode(other)) == alike(one, other)


@given(VALUES)
@settings(max_examples=100)
def test_what_is_hashed_is_what_is_stored(value: Any) -> None:
    """For values that can be rebuilt, both encoders agree."""
    assert encode(value) == encode_value(value)


def test_ten_thousand_near_misses_all_differ() -> None:
    """Every small value in every small wrapping, and boundaries moved in all ways: no two share their bytes."""
    atoms: list[Any] = [None, True, False, 0, 1, -1, 0.0, -0.0, 1.0, -1.0, "", "0", "1", "a", "b", b"", b"0", b"1"]
    atoms += [[], (), {}, set(), frozenset(), {"": None}, "None", "True", "[]", "{}", "inf", "2024-01-01"]
    atoms += [2**63, -(2**63) - 1, PurePosixPath("a"), datetime.date(2024, 1, 1), math.inf, -math.inf]
    wrapped = [wrapping for atom in atoms for wrapping in (atom, [atom], (atom,), {"k": atom}, {"l": atom})]
    near = [pair for one in wrapped for other in atoms for pair in ([one, other], (one, other))]
    cuts = [[list(range(k)), list(range(k, n)), n] for n in range(30) for k in range(n + 1)]
    split = [["x" * k, "x" * (n - k), n] for n in range(30) for k in range(n + 1)]
    bytes_of = [encode(value) for value in [*near, *cuts, *split]]
    assert len(bytes_of) > 10_000
    assert len(set(bytes_of)) == len(bytes_of)


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**300, -(10**300)])
def test_a_number_of_any_size_comes_back(number: int) -> None:
    """Also beyond what msgpack itself holds."""
    assert decode(encode_value(number)) == number


def test_a_path_comes_back_without_touching_the_file_system() -> None:
    """As a pure path, undecodable names included."""
    path = Path("models") / b"caf\xe9".decode("utf-8", "surrogateescape")
    assert decode(encode_value(path)) == PurePosixPath(path)


def test_a_moment_comes_back_in_utc() -> None:
    """The same instant; which zone it was written in is not part of it."""
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
    moment = datetime.datetime(2024, 5, 1, 12, 0, 0, 7, tzinfo=zone)
    assert decode(encode_value(moment)) == moment
    assert decode(encode_value(moment)).tzinfo is datetime.UTC


def test_a_digest_is_encoded_as_its_bytes() -> None:
    """So that records hold digests without conversion."""
    digest = Digest.of(b"x")
    assert decode(encode_value([digest])) == [bytes(digest)]


def test_arrays_come_back_with_dtype_shape_and_values() -> None:
    """Every plain kind, empty ones, records, sub-arrays, objects; always writable and in C order."""
    np: Any = pytest.importorskip("numpy")
    nested = np.empty(2, dtype=object)
    nested[0], nested[1] = [1, 2], [3, 4]
    record = np.zeros(2, [("a", "<i4"), ("b", [("c", "<f8")]), ("d", "u1", (2, 3))])
    arrays = [
        np.arange(6, dtype=kind).reshape(2, 3) for kind in ("i1", "u2", "i4", "u8", "f2", "f4", "f8", "c8", "c16")
    ]
    arrays += [
        np.array(["a", "bc", ""]),
        np.array([b"a", b""]),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.array(1.5),
    ]
    arrays += [
        np.array(["2024-05-01", "NaT"], "M8[ns]"),
        np.array([1], "m8[25s]"),
        np.array([1, "a", None], dtype=object),
    ]
    arrays += [np.array([1.0, np.nan, -0.0]), record, nested, np.array([], dtype=object), np.array(b"ab", "V2")]
    for array in arrays:
        back = decode(encode_value({"array": array}))["array"]
        assert (back.dtype, back.shape, str(back.tolist())) == (array.dtype, array.shape, str(array.tolist()))
        assert back.flags.writeable
        assert back.flags.c_contiguous


def test_numpy_numbers_come_back_as_numpy_numbers() -> None:
    """A float32 does not turn into a float."""
    np: Any = pytest.importorskip("numpy")
    for number in (np.int8(-1), np.uint64(2**63), np.float16(0.5), np.float32(0.1), np.float64(0.1), np.bool_(True)):
        back = decode(encode_value(number))
        assert type(back) is type(number)
        assert back == number
    for value in (np.str_("ü"), np.str_(""), np.bytes_(b"a"), np.datetime64("2024-05-01"), np.complex64(1j)):
        assert type(decode(encode_value(value))) is type(value)
        assert decode(encode_value(value)) == value


def test_threads_may_encode_at_the_same_time() -> None:
    """The packer is shared: what one thread encodes never leaks into another's bytes."""
    values = [[{"key": [n] * 50, "tuple": (n, {n})}] * 20 for n in range(4)]
    expected = [encode(value) for value in values]
    wrong: list[int] = []

    def work(n: int) -> None:
        wrong.extend(n for _ in range(100) if encode(values[n]) != expected[n])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# ---- values that are refused ----------------------------------------------------------------------------------------


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.StrEnum):
    FAST = "fast"


class Point(NamedTuple):
    x: Any


@dataclass
class Layer:
    units: Any


class Undecorated(Layer):
    """A subclass that may hold more than the fields it inherits."""


@dataclass
class Bag(dict[str, int]):
    """Fields, and elements that no field shows."""

    size: int = 0


@dataclass
class Unset:
    value: int = field(init=False)


class Word(str):
    __slots__ = ()


class Number(int):
    pass


class Names(list[str]):
    pass


class Plain:
    pass


def numbers() -> Iterator[int]:
    yield 1


async def coroutine() -> None: ...


REFUSED: dict[str, Any] = {
    "a lambda": lambda: 0,
    "a class": Plain,
    "a module": math,
    "an object whose default repr is its address": Plain(),
    "a generator": numbers(),
    "an iterator": iter([1]),
    "a range": range(3),
    "a dict view": {}.keys(),
    "a lock": threading.Lock(),
    "an exception": ValueError("x"),
    "a str subclass": Word("a"),
    "an int subclass": Number(1),
    "a list subclass": Names(),
    "a dict subclass": OrderedDict(a=1),
    "a dict that makes up values": defaultdict(int),
    "a bytearray": bytearray(b"a"),
    "a memoryview": memoryview(b"a"),
    "a complex number": 1j,
    "a time of day": datetime.time(12),
    "a length of time": datetime.timedelta(1),
    "a time zone": datetime.UTC,
    "a moment without a zone": datetime.datetime(2024, 1, 1),  # noqa: DTZ001 - the mistake itself
    "a moment before the year 1": datetime.datetime.min.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
    "an absolute path": Path("/etc/passwd"),
    "the parents of a path": Path("a/b").parents,
    "not a number": math.nan,
    "text with a lone surrogate": "\ud800",
    "a path with a lone surrogate": PurePosixPath("\ud800"),
    "a number as key": {1: 2},
    "bytes as key": {b"a": 1},
    "None as key": {None: 1},
    "an enum as key": {Mode.FAST: 1},
    "a key with a lone surrogate": {"\udfff": 1},
    "an undecorated subclass of a dataclass": Undecorated(1),
    "a dataclass that is a dict": Bag(),
    "a dataclass whose field was never set": Unset(),
    "a dataclass that holds a lambda": Layer(lambda: 0),
    "a named tuple that holds a set of objects": Point({Plain()}),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_these_are_refused_by_both_encoders(value: Any) -> None:
    """With the path to them, and a fix."""
    for encoder in (encode, encode_value):
        with pytest.raises(EncodingError) as caught:
            encoder({"model": {"layers": [0, (1, value)]}})
        assert caught.value.path.startswith("model.layers[1][1]")
        assert caught.value.fix


@pytest.mark.parametrize(
    "value", [Level.LOW, Mode.FAST, Point(1), Layer(1)], ids=["IntEnum", "StrEnum", "tuple", "dataclass"]
)
def test_what_needs_an_import_to_come_back_is_hashed_but_not_stored(value: Any) -> None:
    """Decoding never imports a name found in data."""
    assert encode([value]) != encode([1])
    with pytest.raises(EncodingError, match=r"layers\[0\]: a .* cannot be rebuilt from data alone"):
        encode_value({"layers": [value]})


def test_an_open_file_is_refused(tmp_path: Path) -> None:
    """Wherever it hides."""
    with open(tmp_path / "f", "w") as file, pytest.raises(EncodingError, match=r"a\.b\[0\]: a _io\.TextIOWrapper"):
        encode({"a": {"b": [file]}})


def test_arrays_without_bytes_of_their_own_are_refused() -> None:
    """Extended precision has undefined padding, variable-width strings are pointers, masked arrays hold two arrays."""
    np: Any = pytest.importorskip("numpy")
    arrays = [np.zeros(1, np.longdouble), np.ma.zeros(2), np.zeros(2, [("a", object)]), np.zeros((1, 2), "V0")]
    if hasattr(np.dtypes, "StringDType"):
        arrays.append(np.array(["a"], np.dtypes.StringDType()))
    for array in [*arrays, np.dtype("f4"), np.random.default_rng(1)]:
        with pytest.raises(EncodingError, match=r"^x\[0\]: a"):
            encode({"x": [array]})
    with pytest.raises(EncodingError, match=r"^x\[1\]: a value of type object"):
        encode({"x": np.array([1, object()], dtype=object)})


def test_columns_that_have_no_canonical_form_are_named() -> None:
    """The path leads to the column, and to the cell where there is one."""
    pd: Any = pytest.importorskip("pandas")
    pa: Any = pytest.importorskip("pyarrow")
    with pytest.raises(EncodingError, match=r"^data\.made\[1\]: a value of type object"):
        encode({"data": pd.DataFrame({"made": pd.Series(["a", object()], dtype=object)})})
    with pytest.raises(EncodingError, match=r"^data\.span\[0\]: a pandas.*Period"):
        encode({"data": pd.DataFrame({"span": pd.period_range("2024", periods=2, freq="D")})})
    with pytest.raises(EncodingError, match=r"^data\.pairs: an Arrow column of type map"):
        encode({"data": pa.table({"pairs": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))})})


def test_only_the_fields_of_a_dataclass_count() -> None:
    """Class variables and init-only variables are not fields."""

    @dataclass
    class Step:
        value: int
        start: InitVar[int]
        count: ClassVar[int] = 0

    before = encode(Step(1, 2))
    Step.count = 9
    assert encode(Step(1, 3)) == before


def test_nesting_has_a_limit_and_a_value_that_holds_itself_meets_it() -> None:
    """An error with a path, not a crash."""
    at_limit: Any = 0
    for _ in range(MAX_DEPTH):
        at_limit = [at_limit]
    assert decode(encode_value(at_limit)) == at_limit
    tuples: Any = ()
    for _ in range(MAX_DEPTH - 1):
        tuples = (tuples,)
    assert decode(encode_value(tuples)) == tuples
    circle: dict[str, Any] = {}
    circle["self"] = circle
    for value in ([at_limit], circle):
        with pytest.raises(EncodingError, match="nested more than 100 levels deep"):
            encode(value)


def test_the_message_names_the_path_the_type_and_the_fix() -> None:
    """The whole text, as a user meets it."""
    with pytest.raises(EncodingError) as caught:
        encode({"model": {"layers": [{"units": 3}, {"init": lambda: 0}]}})
    assert caught.value.render() == (
        "error[BG040]: model.layers[1].init: a value of type function\n"
        "  why: every value that is hashed needs one exact form, the same in every process and on every machine\n"
        "  fix: use None, bool, int, float, str, bytes, list, tuple, dict with str keys, set, Path or a numpy array\n"
        "  more: buildgraph explain BG040"
    )


# ---- bytes that are refused -----------------------------------------------------------------------------------------


def extension(code: int, data: bytes) -> bytes:
    packed: bytes = msgpack.packb(msgpack.ExtType(code, data))
    return packed


NOT_CANONICAL = {
    "unsorted keys": b"\x82\xa1b\x01\xa1a\x02",
    "a key twice": b"\x82\xa1a\x01\xa1a\x01",
    "a number as key": b"\x81\x01\x02",
    "bytes as key": b"\x81\xc4\x01a\x02",
    "a float of 32 bits": b"\xca\x3f\x80\x00\x00",
    "NaN": b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    "an int in more bytes than it needs": b"\xcd\x00\x01",
    "a text with a longer length than it needs": b"\xd9\x01a",
    "bytes with a longer length than they need": b"\xc5\x00\x01a",
    "a list with a longer length than it needs": b"\xdc\x00\x00",
    "a dict with a longer length than it needs": b"\xde\x00\x00",
    "an extension with a longer length than it needs": b"\xc7\x01\x02\x90",
    "trailing bytes": b"\x01\x01",
    "nothing at all": b"",
    "a text that ends early": b"\xa5abc",
    "a text that is not UTF-8": b"\xa1\xff",
    "a text with a surrogate": b"\xa3\xed\xa0\x80",
    "a byte that msgpack never uses": b"\xc1",
    "a small int as a large one": extension(1, b"\x01"),
    "a large int with a leading zero": extension(1, b"\x00" + (2**64).to_bytes(9, "big")),
    "a tuple that is not an array": extension(2, b"\xa2ab"),
    "a tuple with bytes behind": extension(2, b"\x91\x01\x01"),
    "a set in another order": extension(3, b"\x02\x01"),
    "a set with an element twice": extension(3, b"\x01\x01"),
    "a set of lists": extension(3, b"\x90"),
    "a set that ends early": extension(3, b"\x01\xa5a"),
    "a frozenset in another order": extension(4, b"\x02\x01"),
    "an absolute path": extension(5, b"/etc"),
    "a path in another spelling": extension(5, b"a//b"),
    "a moment without a zone": extension(6, b"2024-05-01T12:00:00.000000"),
    "a moment in another zone": extension(6, b"2024-05-01T12:00:00.000000+01:00"),
    "a moment without microseconds": extension(6, b"2024-05-01T12:00:00+00:00"),
    "a date in another spelling": extension(7, b"20240501"),
    "an array of too few bytes": extension(8, msgpack.packb(["<f8", [2], b"12345678"])),
    "an array that is big-endian": extension(8, msgpack.packb([">f8", [1], b"12345678"])),
    "an array of no known kind": extension(8, msgpack.packb(["f4,,", [1], b"1234"])),
    "an array whose shape is to be guessed": extension(8, msgpack.packb(["<f8", [-1], b"12345678"])),
    "an array of flags that are neither 0 nor 1": extension(8, msgpack.packb(["|b1", [1], b"\x07"])),
    "an array without parts": extension(8, b"\x90"),
    "an array that is a text": extension(8, b"\xa3abc"),
    "an array with a dict for a kind": extension(8, msgpack.packb([{"names": 1}, [1], b"1234"])),
    "an object array of too few items": extension(8, msgpack.packb(["O", [2], [1]])),
    "a numpy number of no bytes": extension(9, msgpack.packb(["<f8", b""])),
    "a numpy number of two": extension(9, msgpack.packb(["<f8", bytes(16)])),
    "an enum member": extension(16, b"\x90"),
    "a dataclass": extension(17, b"\x90"),
    "an unknown extension": extension(99, b""),
    "a time stamp of msgpack": b"\xd6\xff\x00\x00\x00\x01",
    "a bomb of nested lists": b"\x91" * 100_000 + b"\x00",
    "a bomb of nested tuples": b"",
}
bomb = b"\x90"
for _ in range(5_000):
    bomb = extension(2, b"\x91" + bomb)
NOT_CANONICAL["a bomb of nested tuples"] = bomb


@pytest.mark.parametrize("data", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_these_bytes_are_refused(data: bytes) -> None:
    """What the encoder never writes is never read, so a value has one digest only."""
    with pytest.raises(EncodingError) as caught:
        decode(data)
    assert caught.value.code == "BG042"


@given(st.binary(max_size=64))
@example(b"\xc7\x00\x08")
@settings(max_examples=1_000)
def test_any_bytes_are_a_canonical_value_or_refused(data: bytes) -> None:
    """Never another error, and what is accepted is exactly what would be written."""
    try:
        value = decode(data)
    except EncodingError:
        return
    assert encode_value(value) == data


@given(VALUES, st.data())
@settings(max_examples=300)
def test_a_damaged_value_is_another_value_or_refused(value: Any, data: Any) -> None:
    """A flipped bit, a cut or an insertion never yields the same value from other bytes."""
    encoded = encode_value(value)
    at = data.draw(st.integers(0, len(encoded) - 1))
    flipped = bytes([encoded[at] ^ 1 << data.draw(st.integers(0, 7))])
    damaged = data.draw(st.sampled_from([encoded[:at], encoded[:at] + flipped + encoded[at + 1 :], encoded + flipped]))
    with contextlib.suppress(EncodingError):
        assert not alike(decode(damaged), value)


@given(st.sampled_from(range(-128, 128)), st.binary(max_size=24))
@settings(max_examples=1_000)
def test_any_extension_is_decoded_or_refused(code: int, data: bytes) -> None:
    """Also by the reader that trusts its bytes: no error but ours leaves it."""
    with contextlib.suppress(EncodingError):
        decode_trusted(b"\xc7" + bytes([len(data), code & 255]) + data)


def test_a_memoryview_is_decoded_like_bytes() -> None:
    """Values are read out of mapped files without a copy."""
    assert decode(memoryview(encode_value({"a": (1,)}))) == {"a": (1,)}
