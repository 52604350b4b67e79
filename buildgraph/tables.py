"""The canonical form of pandas frames and Arrow tables, for hashing: names, types and values, and nothing of how
the library happens to hold them (chunks, dictionary codes, bytes below a null, schema metadata, nullability flags)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildgraph.errors import EncodingError

Nested = Callable[[Any], Any]


def canonical_frame(value: Any, nested: Nested) -> list[Any]:
    """A pandas DataFrame or Series: index levels and columns, each with its name, dtype and values, in order."""
    index = [value.index.get_level_values(level) for level in range(value.index.nlevels)]
    if type(value).__name__ == "Series":
        labels, columns, names = [value.name], [value], []
    else:
        labels, columns = list(value.columns), [value.iloc[:, at] for at in range(value.shape[1])]
        names = list(value.columns.names)
    return [
        type(value).__name__,
        [[nested(level.name), _named("index", level, nested)] for level in index],
        nested(names),
        [[nested(label), _named(str(label), column, nested)] for label, column in zip(labels, columns, strict=True)],
    ]


def _named(name: str, column: Any, nested: Nested) -> list[Any]:
    try:
        return _column(column, nested)
    except EncodingError as error:
        raise error.inside(name) from None


def _column(column: Any, nested: Nested) -> list[Any]:
    dtype = column.dtype
    if hasattr(dtype, "categories"):
        return ["category", bool(dtype.ordered), _column(dtype.categories, nested), nested(column.array.codes)]
    if getattr(dtype, "tz", None) is not None:
        return [str(dtype), nested(column.to_numpy(dtype=f"M8[{dtype.unit}]"))]
    array = column.to_numpy()
    if array.dtype != object:
        return [str(dtype), nested(array)]
    items = array.tolist()
    absent = [at for at, missing in enumerate(column.isna().tolist()) if missing and items[at] is not None]
    kinds = [[at, type(items[at]).__name__] for at in absent]  # NaN, NA and NaT are different ways to be absent
    for at in absent:
        items[at] = None
    return [str(dtype), nested(items), kinds]


def canonical_table(value: Any, nested: Nested) -> list[Any]:
    """An Arrow Table or RecordBatch: its columns, each with its name, type and values, in order."""
    import pyarrow as pa

    columns = []
    for field, column in zip(value.schema, value.columns, strict=True):
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        array = pa.concat_arrays(chunks) if chunks else pa.array([], type=field.type)
        try:
            columns.append([field.name, str(field.type), _values(array, nested)])
        except EncodingError as error:
            raise error.inside(field.name) from None
    return [type(value).__name__, columns]


def _values(array: Any, nested: Nested) -> Any:
    """The values of an Arrow array: bytes for numbers, moments and decimals, lists for text and flags."""
    import pyarrow as pa

    kind, types = array.type, pa.types
    if isinstance(array, pa.ExtensionArray):
        return _values(array.storage, nested)
    if types.is_dictionary(kind):
        return _values(array.dictionary_decode(), nested)
    if types.is_struct(kind):
        return [len(array), _present(array), [_values(child, nested) for child in array.flatten()]]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return [array.value_lengths().to_pylist(), _values(array.flatten(), nested)]
    if types.is_integer(kind) or types.is_floating(kind) or _is_moment(kind):
        numbers = array.view({8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width])
        return [len(array), _present(array), _number_bytes(numbers.fill_null(0), kind.bit_width // 8)]
    if types.is_decimal(kind):
        return nested(array.view(pa.binary(kind.bit_width // 8)).to_pylist())
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_boolean(kind):
        return nested(array.to_pylist())
    if types.is_null(kind) or "binary" in str(kind):
        return nested(array.to_pylist())
    raise EncodingError(f"an Arrow column of type {kind}", fix="cast it to lists, structs, numbers, text or bytes")


def _is_moment(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_temporal(kind)) and not pa.types.is_interval(kind)


def _present(array: Any) -> list[bool] | None:
    """Which values are not null; None when all are."""
    return array.is_valid().to_pylist() if array.null_count else None


def _number_bytes(array: Any, width: int) -> bytes:
    buffer = array.buffers()[1]
    return buffer.slice(array.offset * width, len(array) * width).to_pybytes() if len(array) else b""
