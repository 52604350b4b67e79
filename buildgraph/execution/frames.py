"""What the processes of a pool say to each other.

Between coordinator and worker, on a byte stream, in frames of four bytes of little-endian length and a msgpack value:
`[ticket, request]` one way, `[ticket, seconds, outcome]` the other, in the same order.

Between coordinator and nursery, one msgpack list per packet:
`[FORK, number]` with the worker's socket, `[END, number]`, `[PRELOAD, modules]` one way;
`[READY]`, `[PRELOADED]`, `[FORKED, number, pid]`, `[REFUSED, number, errno]` and
`[EXITED, number, signal, status, peak bytes]` the other.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

import msgpack

FORK, END, PRELOAD = "fork", "end", "preload"
READY, PRELOADED, FORKED, REFUSED, EXITED = "ready", "preloaded", "forked", "refused", "exited"
_LENGTH: Final = Struct("<I")
LARGEST: Final = 2**32 - 1  # bytes of one payload
CHUNK: Final = 1 << 16  # bytes to ask of the system at a time


class FrameError(Exception):
    """What arrived is no message of ours: somebody else wrote to the stream."""


def frame(value: Any) -> bytes:
    """`value` as one message. Raises OverflowError when it is larger than a frame can be."""
    try:
        payload = msgpack.packb(value)
    except ValueError as error:  # a byte string beyond what msgpack can hold
        raise OverflowError(str(error)) from None
    if len(payload) > LARGEST:
        raise OverflowError(f"{len(payload)} bytes do not fit in one frame")
    return b"".join((_LENGTH.pack(len(payload)), payload))


class Inbox:
    """Puts messages together again from the pieces a stream delivers."""

    __slots__ = ("_need", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._need = 4  # bytes in `_rest` before another look makes sense

    def take(self, data: bytes) -> list[Any]:
        """The messages completed by `data`, oldest first. Raises FrameError when one of them is none."""
        buffer: bytes | bytearray = data
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return []
            buffer = self._rest
        messages = []
        start, size = 0, len(buffer)
        self._need = 4
        while size - start >= 4:
            end = start + 4 + _LENGTH.unpack_from(buffer, start)[0]
            if end > size:
                self._need = end - start
                break
            try:
                messages.append(msgpack.unpackb(buffer[start + 4 : end]))
            except (ValueError, msgpack.UnpackException) as error:
                raise FrameError(str(error)) from None
            start = end
        if buffer is self._rest:
            del self._rest[:start]
        else:
            self._rest += buffer[start:]
        return messages
