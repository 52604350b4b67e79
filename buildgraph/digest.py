"""The identity of bytes: a BLAKE3 digest. The only module that computes one."""

from __future__ import annotations

import os
from typing import Final

from blake3 import blake3

from buildgraph.errors import UsageError

SIZE: Final = 32
_CHUNK: Final = 1 << 20


class Digest(bytes):
    """The BLAKE3 digest of some bytes (32 bytes); equal digests mean equal bytes. Printed as `b3:` and 64 hex digits.

    A `bytes` subclass so that it is a store key, a dictionary key and a msgpack value without conversion.
    """

    __slots__ = ()

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Digest:
        """The digest of `data`."""
        return cls(blake3(data).digest())

    @classmethod
    def of_file(cls, path: str | os.PathLike[str] | bytes) -> tuple[Digest, int]:
        """The digest and size in bytes of the file at `path`, streamed. Raises OSError.

        Uses a read loop and never mmap: a file that shrinks while it is mapped would kill the process (SIGBUS).
        """
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return cls.of_descriptor(fd)
        finally:
            os.close(fd)

    @classmethod
    def of_descriptor(cls, fd: int) -> tuple[Digest, int]:
        """The digest and size of what is left to read from the open file `fd`."""
        data = os.read(fd, _CHUNK)
        if len(data) < _CHUNK:  # most sources fit one read: one more tells that the end is reached
            rest = os.read(fd, _CHUNK) if data else b""
            if not rest:
                return cls(blake3(data).digest()), len(data)
            data += rest
        hasher, size = blake3(data), len(data)
        while data := os.read(fd, _CHUNK):
            hasher.update(data)
            size += len(data)
        return cls(hasher.digest()), size

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The digest printed as `text`, with or without the `b3:` in front. Raises UsageError."""
        digits = text.removeprefix("b3:")
        try:
            raw = bytes.fromhex(digits)
        except ValueError:
            raw = b""
        if len(raw) != SIZE or digits != raw.hex():  # fromhex overlooks spaces and capitals
            raise UsageError(
                f"'{text}' is not a digest", code="BG041", why="a digest is b3: and 64 lower-case hexadecimal digits",
                fix="copy it from `buildgraph show LABEL`",
            )  # fmt: skip
        return cls(raw)

    @property
    def short(self) -> str:
        """The first ten hex digits: enough for people."""
        return self[:5].hex()

    def __str__(self) -> str:
        return f"b3:{self.hex()}"

    def __repr__(self) -> str:
        return f"Digest({self.short}…)"


class Hasher:
    """Digests a stream piece by piece; `write` makes it usable wherever a file is written to."""

    __slots__ = ("_inner", "size")

    def __init__(self) -> None:
        self._inner = blake3()
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._inner.update(data)
        self.size += len(data)
        return len(data)

    def digest(self) -> Digest:
        return Digest(self._inner.digest())


def checksum(data: bytes) -> bytes:
    """Sixteen bytes that guard a stored record against rot; not an identity."""
    return blake3(data).digest(16)
