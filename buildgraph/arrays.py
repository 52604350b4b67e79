"""The canonical form of numpy arrays and scalars: dtype, shape and C-order little-endian bytes, and back.

Imported only once somebody else has imported numpy, or to decode what needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from buildgraph.errors import EncodingError

_KINDS: Final = frozenset("biufcSUVMm")
_SPELLED = re.compile(r"[<|][biufcSUVMm]\d+(\[\d*[A-Za-z]+\])?")


def canonical_array(value: Any, nested: Callable[[Any], Any]) -> list[Any] | None:
    """`[dtype, shape, bytes]` of an array, `[dtype, bytes]` of a scalar, None for anything else of numpy.

    `nested` is the canonical form of the elements of an object array. Raises EncodingError for a dtype without bytes.
    """
    if type(value) is np.ndarray:
        if value.dtype == object:
            return ["O", list(value.shape), nested(value.ravel().tolist())]
        form = _form(value.dtype)
        if value.dtype.kind == "b":
            value = value.view(np.uint8) != 0  # any other byte that stands for True
        return [form, list(value.shape), value.astype(_dtype(form), copy=False).tobytes(order="C")]
    if isinstance(value, np.str_ | np.bytes_):  # an array would drop their trailing zeros
        return ["U", nested(str(value))] if isinstance(value, np.str_) else ["S", bytes(value)]
    if isinstance(value, np.generic):
        form = _form(value.dtype)
        return [form, np.asarray(value).astype(_dtype(form), copy=False).tobytes()]
    return None


def rebuilt_array(parts: Any) -> Any:
    """What `canonical_array` turned into `parts`. Raises ValueError, TypeError or LookupError for anything else."""
    if len(parts) == 2:
        form, data = parts
        if form in ("U", "S"):
            return np.str_(data) if form == "U" else np.bytes_(data)
        return np.frombuffer(data, dtype=_dtype(form))[0]
    form, shape, data = parts
    if form != "O":
        return np.frombuffer(data, dtype=_dtype(form)).reshape(shape).copy()
    flat = np.empty(len(data), dtype=object)
    for position, item in enumerate(data):  # assigned one by one: numpy would take apart elements that are lists
        flat[position] = item
    return flat.reshape(shape)


def _form(dtype: Any) -> Any:
    """A dtype as data: its spelling, the fields of a record without padding, or a sub-array's element and shape."""
    if dtype.subdtype is not None:
        element, shape = dtype.subdtype
        return {"of": _form(element), "shape": list(shape)}
    if dtype.names:
        return [[name, _form(dtype[name])] for name in dtype.names]
    foreign = dtype.kind == "V" and dtype.type is not np.void  # bfloat16 and its like say they are raw bytes
    if dtype.kind not in _KINDS or dtype.char in "gG" or foreign or not dtype.itemsize:
        problem = f"an array of {dtype} has no bytes of its own"
        raise EncodingError(problem, fix="convert it with astype, for instance to float64, 'U' or object")
    return str(dtype.newbyteorder("<").str)


def _dtype(form: Any) -> Any:
    if isinstance(form, str):
        if not _SPELLED.fullmatch(form):
            raise ValueError("not a dtype")
        return np.dtype(form)
    if isinstance(form, dict):
        return np.dtype((_dtype(form["of"]), tuple(form["shape"])))
    return np.dtype([(name, _dtype(field)) for name, field in form])
