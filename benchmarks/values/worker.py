"""Runs in the interpreter of one tool: prints what that tool makes of every value of the matrix, as one JSON object.

`python worker.py TOOL`. Each value is made anew for each fingerprint, so that nothing is equal by identity alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

Fingerprint = Callable[[Any], str]


class RefusedError(Exception):
    """The tool says that it cannot identify this value."""


def _buildgraph_key() -> Fingerprint:
    from buildgraph.digest import Digest
    from buildgraph.encoding import encode

    return lambda value: str(Digest.of(encode(value)))


def _buildgraph_output() -> Fingerprint:
    """What a consumer's key holds of this value when another target returned it: codec and digest."""
    from buildgraph.digest import Digest
    from buildgraph.execution.codecs import choose, codec_named

    folder = tempfile.mkdtemp(prefix="buildgraph-values-")

    def of(value: Any) -> str:
        path = os.path.join(folder, "value")
        encoded = codec_named(choose(value, "", "//:it")).encode(value, lambda: path)
        digest = encoded.identity or encoded.digest or Digest.of(encoded.data or b"")
        if encoded.path:
            os.unlink(path)
        return f"{encoded.codec} {digest}"

    return of


def _joblib() -> Fingerprint:
    import joblib

    return joblib.hash


def _hamilton() -> Fingerprint:
    from hamilton.caching import fingerprinting

    def of(value: Any) -> str:
        found = fingerprinting.hash_value(value)
        if found == fingerprinting.UNHASHABLE:
            raise RefusedError("<unhashable>")
        return found

    return of


def _redun() -> Fingerprint:
    from redun.value import get_type_registry

    return get_type_registry().get_hash


def _diskcache() -> Fingerprint:
    """The key of a memoized function's call, as the bytes that go into the key column."""
    import diskcache

    cache = diskcache.Cache(tempfile.mkdtemp(prefix="buildgraph-values-"))

    @cache.memoize(typed=True)
    def call(value: Any) -> None:
        pass

    return lambda value: hashlib.sha256(bytes(cache.disk.put(call.__cache_key__(value))[0])).hexdigest()


def _prefect() -> Fingerprint:
    from prefect.utilities.hashing import hash_objects

    return lambda value: hash_objects(value, raise_on_failure=True) or ""


def _pickle() -> Fingerprint:
    return lambda value: hashlib.sha256(pickle.dumps(value, protocol=5)).hexdigest()


TOOLS = {
    "buildgraph key": _buildgraph_key, "buildgraph output": _buildgraph_output, "joblib": _joblib, "Hamilton": _hamilton,
    "redun": _redun, "diskcache": _diskcache, "Prefect": _prefect, "pickle": _pickle,
}  # fmt: skip


def _found(fingerprint: Fingerprint, make: Callable[[], Any]) -> list[str]:
    """["hash", it] or ["refused", why]."""
    value = make()
    try:
        return ["hash", fingerprint(value)]
    except Exception as error:  # noqa: BLE001 - whatever a tool raises is its answer
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        return ["refused", re.sub(r"0x[0-9a-f]+", "0x...", said)]


def main() -> None:
    from cases import CASES  # beside this file: the tool's interpreter does not have the rest of this package

    warnings.simplefilter("ignore")
    fingerprint = TOOLS[sys.argv[1]]()
    rows = {
        case.name: [_found(fingerprint, make) for make in (case.one, case.one, *([case.other] if case.other else []))]
        for case in CASES
    }
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
