"""Codecs: how a value becomes bytes that any process can read again, chosen by declared name or by type. Never pickle by default."""

from __future__ import annotations

import sys
from typing import Any, Final

from buildgraph.errors import TargetError, UsageError, nearest
from buildgraph.execution.codecs import plain
from buildgraph.execution.codecs.base import Codec, Encoded, Source

__all__ = ["CODECS", "TREE", "Codec", "Encoded", "Source", "choose", "codec_named"]

TREE: Final = "tree"  # folders have their own machinery: see execution/trees.py
RESOURCE: Final = "resource"
CACHEABLE: Final = "cacheable"
RESOURCES: Final = "resources"  # what an action persisted beside its value: a tree with one folder for each resource
FOLDER_CODECS: Final = (TREE, RESOURCE, CACHEABLE, RESOURCES)  # held as a tree; two carry a name after a colon

# name -> module that defines CODEC: imported only when a value of that kind shows up
CODECS: Final = {
    "msgpack": "buildgraph.execution.codecs.plain",
    "str": "buildgraph.execution.codecs.plain",
    "bytes": "buildgraph.execution.codecs.plain",
    "npy": "buildgraph.execution.codecs.arrays",
    "safetensors": "buildgraph.execution.codecs.arrays",
    "arrow": "buildgraph.execution.codecs.tables",
    "pandas": "buildgraph.execution.codecs.tables",
    "skops": "buildgraph.execution.codecs.estimators",
    "pickle": "buildgraph.execution.codecs.local",
}


def codec_named(name: str) -> Codec:
    """The codec called `name`. Raises UsageError (BG230) for an unknown one."""
    found = _loaded.get(name)
    if found is not None:
        return found
    module = CODECS.get(name)
    if module is None:
        raise UsageError(
            f"there is no codec '{name}'", code="BG230", why=f"codecs are {', '.join(CODECS)}", fix=nearest(name, CODECS) or "leave codec out to choose by type",
        )  # fmt: skip
    from importlib import import_module

    codec: Codec = import_module(module).CODECS[name]
    _loaded[name] = codec
    return codec


_loaded: dict[str, Codec] = dict(plain.CODECS)  # codecs are constants: this only saves finding them again


def choose(value: Any, declared: str, target: str) -> str:
    """The name of the codec for `value`: the declared one, else by type. Raises TargetError (BG232) if there is none."""
    if declared:
        return declared
    kind = type(value)
    if kind is str:
        return "str"
    if kind is bytes or kind is bytearray:
        return "bytes"
    if kind in _PLAIN:
        return "msgpack"
    library = kind.__module__.partition(".")[0]
    if library == "numpy" and kind.__name__ == "ndarray":
        return "npy"
    if library == "pandas" and kind.__name__ == "DataFrame":
        return "pandas"
    if library == "pyarrow" and kind.__name__ == "Table":
        return "arrow"
    if library == "pathlib":
        return TREE
    if library == "buildgraph" and kind.__name__ == "Resource":
        return f"{RESOURCE}:{value.name}"
    if callable(getattr(value, "to_cache", None)) and callable(getattr(kind, "from_cache", None)):
        return f"{CACHEABLE}:{kind.__module__}:{kind.__qualname__}"
    base = sys.modules.get("sklearn.base")
    if base is not None and isinstance(value, base.BaseEstimator):
        return "skops"
    if kind in (tuple, set, frozenset) or library in ("numpy", "datetime"):
        return "msgpack"
    raise unstorable(value, target)


_PLAIN = frozenset((type(None), bool, int, float, list, dict))


def unstorable(value: Any, target: str, path: str = "") -> TargetError:
    """The error for a value that no codec takes: names the type, the path inside the value, and the three ways out."""
    kind = type(value)
    if kind.__name__ in _CALLS_FOR:
        value.close()  # nobody will run it, and it need not complain of that
    what = f"{kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else kind.__qualname__
    return TargetError(
        f"target '{target}' returned a {what}, which cannot be stored", code="BG232", facts=(("at", path),) if path else (),
        why="a result is kept as data that every process can read again without running code",
        fix=_CALLS_FOR.get(kind.__name__, WAYS_OUT),
    )  # fmt: skip


WAYS_OUT: Final = (
    "return plain data, bytes, an array, a table or a Path; or give the class to_cache/from_cache; "
    'or set codec="pickle" (this machine only)'
)
_CALLS_FOR: Final = {
    "generator": "return what it yields: list(...)",
    "coroutine": "return what it comes to: asyncio.run(...)",
}
