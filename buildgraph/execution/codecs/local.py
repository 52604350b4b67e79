"""The opt-in codec for values nothing else can hold: pickle, for this machine's own store only, never shared."""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

from buildgraph.execution.codecs.base import Codec, Source


def _write(value: Any, out: BinaryIO) -> None:
    pickle.dump(value, out, protocol=5)


def _read(source: Source) -> Any:
    return pickle.loads(source.bytes())  # noqa: S301 - only for a node that says codec="pickle", from the local store


CODECS = {"pickle": Codec("pickle", "value.pickle", _write, _read)}
