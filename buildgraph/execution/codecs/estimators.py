"""Codec for scikit-learn estimators: skops files, identified by the fitted state because skops bytes differ on every dump."""

from __future__ import annotations

from typing import Any, BinaryIO

from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.errors import EncodingError, VerificationError
from buildgraph.execution.codecs.base import Codec, Nature, Source, carried, missing_extra

# Types that skops does not trust by itself, of libraries that the producing target already ran.
_TRUSTED = ("sklearn.", "numpy.", "scipy.")
_DEPTH = 60


def _skops() -> Any:
    try:
        import skops.io
    except ImportError:
        raise missing_extra("skops", "sklearn") from None
    return skops.io


def _write(value: Any, out: BinaryIO) -> None:
    out.write(_skops().dumps(value))


def _read(source: Source) -> Any:
    skops, data = _skops(), source.bytes()
    unknown = skops.get_untrusted_types(data=data)
    foreign = [name for name in unknown if not name.startswith(_TRUSTED)]
    if foreign:
        raise VerificationError(
            f"a stored estimator names the type {foreign[0]}", code="BG234", why="only types of scikit-learn, scipy and numpy are loaded from data",
            fix="return plain arrays instead, or give your class to_cache/from_cache",
        )  # fmt: skip
    return skops.loads(data, trusted=unknown)


def fitted_state(value: Any, named: set[tuple[str, str]], depth: int = 0) -> Any:
    """A canonical description of an estimator: class, parameters and fitted arrays. Raises EncodingError if it has none.

    The classes and functions in it are added to `named`, as module and qualified name.
    """
    if depth > _DEPTH:
        raise EncodingError("an estimator that refers to itself")
    kind = type(value)
    if value is None or kind in (bool, int, str, bytes):
        return value
    if kind is float:
        return value if value == value else ["nan"]
    if kind in (list, tuple):
        return [kind.__name__, *(fitted_state(item, named, depth + 1) for item in value)]
    if kind is dict:
        pairs = [[fitted_state(key, named, depth + 1), fitted_state(item, named, depth + 1)] for key, item in value.items()]
        return ["dict", *sorted(pairs, key=encode)]
    library = kind.__module__.partition(".")[0]
    if library == "numpy" and kind.__name__ == "ndarray" and value.dtype.hasobject:
        return ["objects", list(value.shape), *(fitted_state(item, named, depth + 1) for item in value.ravel().tolist())]
    if library == "numpy" and kind.__name__ != "RandomState":
        return value
    if kind is type or (callable(value) and hasattr(value, "__qualname__")):
        named.add((str(value.__module__), value.__qualname__))
        return ["name", value.__module__, value.__qualname__]
    state = value.__getstate__() if hasattr(value, "__getstate__") else None
    if not isinstance(state, dict):
        state = getattr(value, "__dict__", None)
    if state is None:
        raise EncodingError(f"a {kind.__module__}.{kind.__qualname__}")
    named.add((kind.__module__, kind.__qualname__))
    return [f"{kind.__module__}.{kind.__qualname__}", fitted_state(dict(state), named, depth + 1)]


def _nature(value: Any, _written: Source) -> Nature:
    named: set[tuple[str, str]] = set()
    try:
        identity = Digest.of(encode(["buildgraph.estimator", 1, fitted_state(value, named)]))
    except EncodingError:
        identity = None  # identified by its bytes: correct, but children run again whenever it does
    return Nature(identity, carried(named))


CODECS = {"skops": Codec("skops", "value.skops", _write, _read, nature=_nature)}
