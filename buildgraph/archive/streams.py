"""Bytes in bounded pieces: compressed on the way out; decompressed on the way in, never more than asked for.

Compressors always see pieces of one fixed size, so equal content leads to equal calls however it was read.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from buildgraph.archive.manifest import Damage
from buildgraph.errors import MachineError

PIECE: Final = 1 << 18
LEVEL: Final = 6  # of zlib
_ZSTD_LEVEL: Final = 3
_ZSTD_WINDOW: Final = 8 << 20
_ZSTD_BLOCK: Final = 1 << 17
GZIP_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # no flags, no time, no hint, unknown system
ZSTD_HEAD: Final = b"\x28\xb5\x2f\xfd\x04"  # a window, a checksum, no size, no dictionary


class Compressor(Protocol):
    """Turns pieces of a stream into compressed bytes."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class Plain:
    """The compressor that leaves everything as it is."""

    __slots__ = ()

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class Gzip:
    """One gzip member whose header names no time, file or system."""

    __slots__ = ("_crc", "_head", "_inner", "_size")

    def __init__(self) -> None:
        self._inner = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, 8)
        self._head = GZIP_HEAD
        self._crc = self._size = 0

    def compress(self, data: bytes, /) -> bytes:
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        head, self._head = self._head, b""
        return head + self._inner.compress(data)

    def flush(self) -> bytes:
        return self._inner.flush() + struct.pack("<II", self._crc, self._size & 0xFFFFFFFF)


def compressor(format: str) -> Compressor:  # noqa: A002 - the archive's own word for it
    """What compresses the stream of an archive of this format."""
    if format == "tar.gz":
        return Gzip()
    if format == "tar.zst":
        made = _zstandard().ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True, write_content_size=False)
        return made.compressobj()  # type: ignore[no-any-return]
    return Plain()


def _zstandard() -> Any:
    try:
        import zstandard  # an optional extra
    except ImportError:
        raise MachineError(
            "a .tar.zst archive needs the package zstandard, which is not installed", code="BG406",
            why="zstandard is an optional extra, so that a plain install stays small",
            fix="pip install 'buildgraph[zstd]', or choose .tar.gz",
        ) from None  # fmt: skip
    return zstandard


class Output:
    """Collects bytes and writes them to the open file `fd` through a compressor, in pieces of one size."""

    __slots__ = ("_compressor", "_fd", "_pending", "_size", "offset")

    def __init__(self, fd: int, compressor: Compressor) -> None:
        self._fd = fd
        self._compressor = compressor
        self._pending: list[bytes] = []
        self._size = 0
        self.offset = 0  # how many bytes were given so far

    def write(self, data: bytes) -> None:
        self._pending.append(data)
        self._size += len(data)
        self.offset += len(data)
        if self._size >= PIECE:
            self._drain()

    def _drain(self) -> None:
        data = b"".join(self._pending)
        whole = len(data) - len(data) % PIECE
        if whole == len(data) == PIECE:
            self._emit(data)
        else:
            for at in range(0, whole, PIECE):
                self._emit(data[at : at + PIECE])
        self._pending = [data[whole:]] if whole < len(data) else []
        self._size = len(data) - whole

    def _emit(self, data: bytes) -> None:
        _write_all(self._fd, self._compressor.compress(data))

    def flush(self) -> None:
        """Writes out what is pending (a compressor is left in the middle of its stream)."""
        self._emit(b"".join(self._pending))
        self._pending, self._size = [], 0

    def rewrite(self, data: bytes, offset: int) -> None:
        """Puts `data` in place of what was written at `offset`; for an output that is not compressed."""
        self.flush()
        if os.pwrite(self._fd, data, offset) != len(data):
            raise OSError(f"only a part of {len(data)} bytes could be written")

    def finish(self) -> None:
        """Ends the stream."""
        self.flush()
        _write_all(self._fd, self._compressor.flush())


def _write_all(fd: int, data: bytes) -> None:
    done = os.write(fd, data) if data else 0
    while done < len(data):
        done += os.write(fd, memoryview(data)[done:])


class Stream:
    """Reads exact numbers of bytes from an iterator of non-empty pieces. Raises Damage when it ends too early."""

    __slots__ = ("_at", "_left", "_pieces")

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""
        self._at = 0

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, piece by piece."""
        while size > 0:
            if self.ended():
                raise Damage("BG411", "breaks off in the middle")
            part = self._left[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            yield part

    def take(self, size: int) -> bytes:
        """The next `size` bytes in one."""
        end = self._at + size
        if end <= len(self._left):
            part = self._left[self._at : end]
            self._at = end
            return part
        return b"".join(self.pieces(size))

    def ended(self) -> bool:
        """Whether nothing is left."""
        if self._at == len(self._left):
            self._left, self._at = next(self._pieces, b""), 0
        return not self._left


def plain(fd: int, path: str) -> Iterator[bytes]:
    """The bytes of the open file `fd` as they are; `path` is for people."""
    while data := _read(fd, path):
        yield data


def _read(fd: int, path: str) -> bytes:
    try:
        return os.read(fd, PIECE)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError) -> MachineError:
    """What is raised when the archive at `path` cannot be read for a reason that lies outside it."""
    return MachineError(
        f"the archive '{path}' cannot be read", code="BG407", where=path,
        why=error.strerror or str(error), fix="check the path and its permissions",
    )  # fmt: skip


def inflated(pieces: Iterable[bytes], *, gzip: bool) -> Iterator[bytes]:
    """What deflated `pieces` hold. Raises Damage when they are damaged, end early or go on after the end."""
    machine = zlib.decompressobj(31 if gzip else -15)
    try:
        for piece in pieces:
            if machine.eof:
                raise Damage("BG417", "goes on after its compressed data")
            while piece:
                data = machine.decompress(piece, PIECE)
                piece = machine.unconsumed_tail
                if data:
                    yield data
            if machine.unused_data:
                raise Damage("BG417", "goes on after its compressed data")
        while not machine.eof:
            if not (data := machine.decompress(b"", PIECE)):
                raise Damage("BG411", "breaks off in the middle of its compressed data")
            yield data
    except zlib.error:
        raise Damage("BG411", "has damaged compressed data") from None


def gunzipped(fd: int, path: str) -> Iterator[bytes]:
    """The bytes inside the gzip file `fd`, which must have been written by `Gzip`."""
    if os.pread(fd, len(GZIP_HEAD), 0) != GZIP_HEAD:
        raise Damage("BG410", "has a gzip header that buildgraph does not write")
    return inflated(plain(fd, path), gzip=True)


def unzstd(fd: int, path: str) -> Iterator[bytes]:
    """The bytes inside the zstd file `fd`, one block at a time: no block can hold more than 128 KiB."""
    zstandard = _zstandard()
    machine = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    raw = Stream(plain(fd, path))
    head = raw.take(len(ZSTD_HEAD) + 1)
    if head[:-1] != ZSTD_HEAD:
        raise Damage("BG410", "has a zstd header that buildgraph does not write")
    try:
        machine.decompress(head)
        last = 0
        while not last:
            block = raw.take(3)
            number = int.from_bytes(block, "little")
            last, kind, size = number & 1, number >> 1 & 3, number >> 3
            if kind == 3 or size > _ZSTD_BLOCK:
                raise Damage("BG411", "has damaged compressed data")
            if data := machine.decompress(block + raw.take(1 if kind == 1 else size)):
                yield data
        if data := machine.decompress(raw.take(4)):
            yield data
    except zstandard.ZstdError:
        raise Damage("BG411", "has damaged compressed data") from None
    if not raw.ended():
        raise Damage("BG417", "goes on after its compressed data")
