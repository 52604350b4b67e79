"""Codecs for numpy arrays (`.npy`, mapped when large) and dicts of arrays (safetensors). Never object arrays, never pickle."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from buildgraph.errors import TargetError
from buildgraph.execution.codecs.base import Codec, Source, missing_extra


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise missing_extra("numpy", "numpy") from None
    return numpy


def _write_array(value: Any, out: BinaryIO) -> None:
    np = _numpy()
    if value.dtype.hasobject:
        raise TargetError(
            f"an array of dtype {value.dtype} holds Python objects, which cannot be stored", code="BG233",
            why="a stored array is numbers or fixed-width text", fix="convert it, for example with .astype(str) or .tolist()",
        )  # fmt: skip
    np.lib.format.write_array(out, np.asarray(value, order="C"), allow_pickle=False)  # keeps a shape of ()


def _read_array(source: Source) -> Any:
    np = _numpy()
    if source.data is not None:
        return np.load(io.BytesIO(source.data), allow_pickle=False)
    return np.load(source.verified_path(), mmap_mode="r", allow_pickle=False)


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise missing_extra("safetensors", "safetensors") from None
    return safetensors.numpy


def _write_tensors(value: Any, out: BinaryIO) -> None:
    np = _numpy()
    out.write(_safetensors().save({name: np.asarray(array, order="C") for name, array in sorted(value.items())}))


def _read_tensors(source: Source) -> Any:
    return _safetensors().load(source.bytes())


CODECS = {
    "npy": Codec("npy", "value.npy", _write_array, _read_array, size=lambda value: int(value.nbytes)),
    "safetensors": Codec("safetensors", "value.safetensors", _write_tensors, _read_tensors),
}
