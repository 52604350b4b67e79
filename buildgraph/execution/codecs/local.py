"""The opt-in codec for values nothing else can hold: pickle, for this machine's own store only, never shared."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from buildgraph.execution.codecs.base import Codec, Nature, Source, carried


def _write(value: Any, out: BinaryIO) -> None:
    pickle.dump(value, out, protocol=5)


def _read(source: Source) -> Any:
    return pickle.loads(source.bytes())  # noqa: S301 - only for a node that says codec="pickle", from the local store


def globals_of(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    """The globals that a pickle names, as module and qualified name, read off its opcodes: nothing is loaded.

    Each is a class or a function that comes with the value. One that cannot be read off is ("", "").
    """
    from pickletools import genops  # only producers need it

    memo: dict[int, str] = {}
    count = 0  # of what was memoised in order
    module = last = ""  # the text on top of the stack, and the one below it
    for opcode, found, _ in genops(stream):
        name, argument = opcode.name, cast("Any", found)  # its type goes with the opcode
        if name == "MEMOIZE":
            if last:
                memo[count] = last
            count += 1
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = last
            count += 1
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            module, last = last, memo.get(argument, "")
        elif name in ("GLOBAL", "INST"):
            first, _, rest = argument.partition(" ")
            yield first, rest
            module = last = ""
        elif name == "STACK_GLOBAL":
            yield (module, last) if module and last else ("", "")
            module = last = ""
        elif name.startswith("EXT"):
            yield "", ""
            module = last = ""
        elif name != "FRAME":
            module, last = last, argument if isinstance(argument, str) and "UNICODE" in name else ""


def _nature(_value: Any, written: Source) -> Nature:
    with io.BytesIO(written.data) if written.data is not None else open(written.path, "rb") as stream:
        return Nature(classes=carried(globals_of(stream)))


CODECS = {"pickle": Codec("pickle", "value.pickle", _write, _read, nature=_nature)}
