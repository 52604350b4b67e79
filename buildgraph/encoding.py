"""The one canonical encoder: the only producer of bytes that are hashed or stored as records.

The format is msgpack with every choice taken away (format version 1):

* None, bool, 64-bit int, str (UTF-8, no surrogates), bytes are themselves; a float is always 64 bits, -0.0 stays
  -0.0 and NaN is refused; a larger int is extension 1 (signed, big-endian, shortest).
* A list is an array; a tuple is extension 2 around an array, so `[1]` and `(1,)` differ and come back as they were.
* A dict has str keys only, sorted by their UTF-8 bytes. A set (3) or frozenset (4) holds its encoded elements, sorted.
* A relative path (5, comes back as PurePosixPath), an aware datetime (6, comes back in UTC), a date (7), a numpy
  array (8: dtype, shape, C-order little-endian bytes) and a numpy scalar (9) have extensions of their own.
* Enum members (16), dataclasses and named tuples (17), pandas frames and series (18) and Arrow tables (19) can be
  hashed, but do not come back from data alone: `encode_value` refuses them, because decoding must never import a name.
* Inside arrays, frames and tables a number is its bits, so NaN is allowed there; outside them it is refused.
* Everything else is refused, with the path to it inside the value. Nothing depends on `repr`, pickle, hash seed,
  locale, dict order or memory addresses.

`decode` refuses bytes that are not exactly what `encode` would have produced.
"""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any, Final

import msgpack

from buildgraph.digest import Digest
from buildgraph.errors import EncodingError

FORMAT: Final = 1
MAX_DEPTH: Final = 100

_INT, _TUPLE, _SET, _FROZENSET, _PATH, _DATETIME, _DATE, _ARRAY, _SCALAR = range(1, 10)
_ENUM, _FIELDS, _FRAME, _TABLE = range(16, 20)
_ATOMS = frozenset((type(None), bool, bytes, Digest))
_CONTAINERS = (str, bytes, bytearray, int, float, complex, list, dict, set, frozenset)
_NAN_FIX = "use None for a missing number"
_TEXT_FIX = "pass undecodable text as bytes"
_PATH_FIX = "use a path relative to the workspace"

_pack = msgpack.Packer(use_bin_type=True, autoreset=True).pack


def encode(value: Any) -> bytes:
    """The canonical bytes of `value`, to be hashed. Raises EncodingError naming the path to what has none."""
    return _bytes_of(value, portable=False)


def encode_plain(value: Any) -> bytes:
    """The bytes of `encode` for None, bool, 64-bit int, float, str, bytes and lists of them, without the walk.

    For the engine's own rows, whose types are known; anything else must go through `encode`.
    """
    try:
        return _pack(value)  # type: ignore[no-any-return]  # msgpack is untyped
    except UnicodeEncodeError as error:
        raise EncodingError("text with a lone surrogate", fix=_TEXT_FIX) from error


def encode_value(value: Any) -> bytes:
    """The canonical bytes of `value`, to be decoded again elsewhere. Raises EncodingError naming the path."""
    return _bytes_of(value, portable=True)


def decode(data: bytes | memoryview) -> Any:
    """The value that `encode_value` turned into `data`. Raises EncodingError when `data` is not canonical."""
    value = decode_trusted(data)
    try:
        same = encode_value(value) == data
    except EncodingError as error:
        raise EncodingError(f"not a canonical value ({error.problem})", code="BG042") from None
    if not same:
        raise EncodingError("not in canonical form", code="BG042", fix="write it with buildgraph's own encoder")
    return value


def decode_trusted(data: bytes | memoryview) -> Any:
    """As `decode`, without checking that the form is canonical: for bytes whose digest or checksum was checked."""
    return _unpacked(data, 0)


def _unpacked(data: bytes | memoryview, depth: int) -> Any:
    """What msgpack finds in `data`. `depth` counts extensions in extensions: each takes 30 KB of the C stack."""
    if depth > MAX_DEPTH:
        raise EncodingError(f"nested more than {MAX_DEPTH} levels deep", code="BG042")
    try:
        return msgpack.unpackb(data, ext_hook=lambda code, part: _from_extension(code, part, depth + 1))
    except EncodingError:
        raise
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise EncodingError(f"not an encoded value ({type(error).__name__})", code="BG042") from None


def _bytes_of(value: Any, *, portable: bool) -> bytes:
    try:
        return _pack(canonical(value, portable=portable))  # type: ignore[no-any-return]  # msgpack is untyped
    except ValueError as error:  # a single text, array or table of 4 GiB and more
        raise EncodingError(f"too large to encode ({error})", fix="pass it as a file") from None


def canonical(value: Any, *, portable: bool = False, depth: int = 0) -> Any:
    """`value` rebuilt from what msgpack encodes in exactly one way. Raises EncodingError."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 63 else msgpack.ExtType(_INT, _signed(value))
    if kind is float:
        if value != value:
            raise EncodingError("NaN has no equal, not even itself", fix=_NAN_FIX)
        return value
    if depth >= MAX_DEPTH:
        raise EncodingError(f"nested more than {MAX_DEPTH} levels deep", fix="flatten it")
    if kind is list:
        return _items(value, portable, depth)
    if kind is dict:
        return _mapping(value, portable, depth)
    if kind is tuple:
        return msgpack.ExtType(_TUPLE, _pack(_items(value, portable, depth)))
    if kind is set or kind is frozenset:
        try:
            elements = sorted(_pack(canonical(item, portable=portable, depth=depth + 1)) for item in value)
        except EncodingError as error:
            raise error.inside("{}") from None
        return msgpack.ExtType(_SET if kind is set else _FROZENSET, b"".join(elements))
    return _uncommon(value, kind, portable, depth)


def _items(value: Any, portable: bool, depth: int) -> list[Any]:
    out: list[Any] = []
    try:
        for item in value:  # text is what there is most of
            plain = type(item) is str and item.isascii()
            out.append(item if plain else canonical(item, portable=portable, depth=depth + 1))
    except EncodingError as error:
        raise error.inside(f"[{len(out)}]") from None
    return out


def _mapping(value: dict[Any, Any], portable: bool, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key in value:
        if type(key) is not str:
            raise EncodingError(f"a key is {described(key)}, not a str", fix="use str keys, or a list of pairs")
    for key in sorted(value):  # order of code points = order of UTF-8 bytes
        try:
            out[key if key.isascii() else _text(key)] = canonical(value[key], portable=portable, depth=depth + 1)
        except EncodingError as error:
            raise error.inside(key) from None
    return out


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise EncodingError("text with a lone surrogate", fix=_TEXT_FIX) from None
    return value


def _signed(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True)


def described(value: Any) -> str:
    """The type of `value` in words, for messages."""
    kind = type(value)
    plain = kind.__module__ == "builtins"
    return f"a value of type {kind.__qualname__}" if plain else f"a {kind.__module__}.{kind.__qualname__}"


def _uncommon(value: Any, kind: type, portable: bool, depth: int) -> Any:
    """Types that need an import to recognise; none is imported unless the value shows that somebody already did."""
    library = kind.__module__.partition(".")[0]
    if library == "numpy":
        from buildgraph.arrays import canonical_array

        found = canonical_array(value, lambda items: canonical(items, portable=portable, depth=depth + 1))
        if found is not None:
            return msgpack.ExtType(_SCALAR if len(found) == 2 else _ARRAY, _pack(found))
    elif library == "pathlib" and hasattr(value, "as_posix"):
        return _path(value)
    elif library == "datetime":
        return _moment(value)
    record = isinstance(value, Enum) or hasattr(kind, "__dataclass_fields__") or hasattr(kind, "_fields")
    if not portable:
        hashed = _record(value, kind, depth) if record else _table(value, kind, library, depth)
        if hashed is not None:
            return hashed
    raise EncodingError(described(value) + (" cannot be rebuilt from data alone" if portable and record else ""))


def _record(value: Any, kind: Any, depth: int) -> Any:
    """An enum member, dataclass or named tuple: its qualified name and fields. None for what only looks like one."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, Enum):
        try:
            return msgpack.ExtType(_ENUM, _pack([name, canonical(value.value, depth=depth + 1)]))
        except EncodingError as error:
            raise error.inside("value") from None
    if isinstance(value, tuple):
        if len(value) != len(kind._fields):
            return None
        values = dict(zip(kind._fields, value, strict=True))
        return msgpack.ExtType(_FIELDS, _pack([name, canonical(values, depth=depth + 1)]))
    if "__dataclass_fields__" not in vars(kind) or isinstance(value, _CONTAINERS):
        return None  # an undecorated subclass, or a container: it may hold more than its fields say
    missing = [field.name for field in fields(value) if not hasattr(value, field.name)]
    if missing:
        raise EncodingError(f"{described(value)} whose field '{missing[0]}' was never set")
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    return msgpack.ExtType(_FIELDS, _pack([name, canonical(values, depth=depth + 1)]))


def _table(value: Any, kind: type, library: str, depth: int) -> Any:
    def nested(part: Any) -> Any:
        return canonical(part, depth=depth + 1)

    if library == "pandas" and kind.__name__ in ("DataFrame", "Series"):
        from buildgraph.tables import canonical_frame

        return msgpack.ExtType(_FRAME, _pack(canonical_frame(value, nested)))
    if library == "pyarrow" and kind.__name__ in ("Table", "RecordBatch"):
        from buildgraph.tables import canonical_table

        return msgpack.ExtType(_TABLE, _pack(canonical_table(value, nested)))
    return None


def _path(value: Any) -> Any:
    if value.is_absolute():
        raise EncodingError("an absolute path means something else on every machine", fix=_PATH_FIX)
    try:
        return msgpack.ExtType(_PATH, value.as_posix().encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise EncodingError("a path with a lone surrogate", fix=_TEXT_FIX) from None


def _moment(value: Any) -> Any:
    import datetime

    if type(value) is datetime.datetime:
        if value.utcoffset() is None:
            raise EncodingError("a datetime without a time zone", fix="add tzinfo=datetime.timezone.utc")
        try:
            utc = value.astimezone(datetime.UTC)
        except OverflowError:
            raise EncodingError("a datetime outside the years 1 to 9999 in UTC", fix="use one inside") from None
        return msgpack.ExtType(_DATETIME, utc.isoformat(timespec="microseconds").encode())
    if type(value) is datetime.date:
        return msgpack.ExtType(_DATE, value.isoformat().encode())
    raise EncodingError(described(value))


def _from_extension(code: int, data: bytes, depth: int) -> Any:
    if code == _INT:
        return int.from_bytes(data, "big", signed=True)
    if code == _TUPLE:
        return tuple(_unpacked(data, depth))
    if code in (_SET, _FROZENSET):
        if depth > MAX_DEPTH:
            raise EncodingError(f"nested more than {MAX_DEPTH} levels deep", code="BG042")
        unpacker = msgpack.Unpacker(
            ext_hook=lambda inner, part: _from_extension(inner, part, depth + 1), max_buffer_size=0
        )
        unpacker.feed(data)
        elements = list(unpacker)
        return set(elements) if code == _SET else frozenset(elements)
    if code == _PATH:
        from pathlib import PurePosixPath

        return PurePosixPath(data.decode("utf-8", "surrogateescape"))
    if code in (_DATETIME, _DATE):
        import datetime

        return (datetime.datetime if code == _DATETIME else datetime.date).fromisoformat(data.decode())
    if code in (_ARRAY, _SCALAR):
        try:
            from buildgraph.arrays import rebuilt_array
        except ImportError:
            raise EncodingError(
                "a numpy array, and numpy is not installed", code="BG043", fix="pip install 'buildgraph[numpy]'"
            ) from None
        return rebuilt_array(_unpacked(data, depth))
    raise EncodingError(f"extension {code} cannot be decoded", code="BG042")
