"""The zip form of an archive: records made from templates, and read front to back by comparing with the same ones.

The reader never searches for a directory at the end of the file: it walks the members in the manifest's order, then
demands exactly the directory that the writer would have written for them. Nothing can hide, overlap or differ.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from buildgraph.archive.manifest import Damage
from buildgraph.archive.streams import LEVEL, PIECE, Output, Stream, inflated

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR: Final = struct.Struct("<4sIQI")
_FULL: Final = 0xFFFFFFFF
_LARGE: Final = 0xFFF00000  # from here on a member gets 64-bit sizes: deflate may add a little
_DEFLATED: Final = 8
_DAY: Final = 0x21  # 1980-01-01, the first day there is
_UTF8: Final = 0x800
_UNIX: Final = 3 << 8


def local_header(path: bytes, size: int, crc: int, packed: int) -> bytes:
    """What stands before the content of a member."""
    large = size >= _LARGE
    extra = struct.pack("<2H2Q", 1, 16, size, packed) if large else b""
    stated = (_FULL, _FULL) if large else (packed, size)
    version = 45 if large else 20
    fixed = _LOCAL.pack(b"PK\3\4", version, _flags(path), _DEFLATED, 0, _DAY, crc, *stated, len(path), len(extra))
    return fixed + path + extra


def central_header(path: bytes, size: int, crc: int, packed: int, offset: int, *, executable: bool) -> bytes:
    """What stands for a member in the directory at the end."""
    large, far = size >= _LARGE, offset >= _FULL
    wide = (struct.pack("<2Q", size, packed) if large else b"") + (struct.pack("<Q", offset) if far else b"")
    extra = struct.pack("<2H", 1, len(wide)) + wide if wide else b""
    version = 45 if wide else 20
    mode = 0o100755 if executable else 0o100644
    stated = (_FULL, _FULL) if large else (packed, size)
    fixed = _CENTRAL.pack(
        b"PK\1\2", _UNIX | version, version, _flags(path), _DEFLATED, 0, _DAY, crc, *stated,
        len(path), len(extra), 0, 0, 0, mode << 16, _FULL if far else offset,
    )  # fmt: skip
    return fixed + path + extra


def end_records(count: int, size: int, offset: int) -> bytes:
    """What stands behind the directory of `count` members, itself of `size` bytes at `offset`."""
    wide = b""
    if count >= 0xFFFF or size >= _FULL or offset >= _FULL:
        wide = _END64.pack(b"PK\6\6", _END64.size - 12, _UNIX | 45, 45, 0, 0, count, count, size, offset)
        wide += _LOCATOR.pack(b"PK\6\7", 0, offset + size, 1)
    count = min(count, 0xFFFF)
    return wide + _END.pack(b"PK\5\6", 0, 0, count, count, min(size, _FULL), min(offset, _FULL), 0)


def _flags(path: bytes) -> int:
    if path.isascii():
        return 0
    try:
        path.decode()
    except UnicodeDecodeError:
        return 0  # bytes that are no text: readers take them as they like
    return _UTF8


class ZipWriter:
    """Writes members as a zip file."""

    __slots__ = ("_directory", "_out")

    def __init__(self, out: Output) -> None:
        self._out = out
        self._directory: list[bytes] = []

    def add(self, path: bytes, size: int, pieces: Iterable[bytes], *, executable: bool) -> None:
        out, offset = self._out, self._out.offset
        machine = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, 8)
        crc = 0
        if size <= PIECE:
            content = b"".join(pieces)
            crc = zlib.crc32(content)
            content = machine.compress(content) + machine.flush()
            packed = len(content)
            out.write(local_header(path, size, crc, packed))
            out.write(content)
        else:
            reserved = local_header(path, size, 0, 0)
            out.write(reserved)
            for piece in pieces:
                crc = zlib.crc32(piece, crc)
                out.write(machine.compress(piece))
            out.write(machine.flush())
            packed = out.offset - offset - len(reserved)
            out.rewrite(local_header(path, size, crc, packed), offset)
        self._directory.append(central_header(path, size, crc, packed, offset, executable=executable))

    def finish(self) -> None:
        offset = self._out.offset
        for record in self._directory:
            self._out.write(record)
        self._out.write(end_records(len(self._directory), self._out.offset - offset, offset))
        self._out.finish()


class ZipReader:
    """Reads members from a zip file, each of which must be the one expected."""

    __slots__ = ("_directory", "_offset", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._offset = 0
        self._directory: list[bytes] = []

    def head(self, path: bytes, limit: int) -> bytes:
        """The content of one of the archive's own two members, which state their size themselves."""
        fields = self._stream.take(_LOCAL.size)
        size = int(_LOCAL.unpack(fields)[8])
        if fields[:4] == b"PK\3\4" and size > limit:
            raise Damage("BG416", f"is {size} bytes large, and {limit} are allowed")
        return b"".join(self._content(fields, path, size, executable=False, code="BG410"))

    def member(self, path: bytes, size: int, *, executable: bool) -> Iterator[bytes]:
        """The content of the member that must come next."""
        return self._content(self._stream.take(_LOCAL.size), path, size, executable=executable, code="BG412")

    def _content(self, fields: bytes, path: bytes, size: int, *, executable: bool, code: str) -> Iterator[bytes]:
        crc, packed = _LOCAL.unpack(fields)[6:8]
        expected = local_header(path, size, crc, packed if size < _LARGE else 0)
        found = fields
        if fields[:4] == b"PK\3\4":
            found += self._stream.take(len(expected) - len(fields))
        if size >= _LARGE:
            packed = int.from_bytes(found[-8:], "little")
            expected = local_header(path, size, crc, packed)
        if found != expected:
            raise Damage(code, _difference(found, expected))
        left, actual = size, 0
        for piece in inflated(self._stream.pieces(packed), gzip=False):
            left -= len(piece)
            if left < 0:
                raise Damage("BG411", f"unpacks to more than the {size} bytes it declares")
            actual = zlib.crc32(piece, actual)
            yield piece
        if left:
            raise Damage("BG411", f"unpacks to fewer than the {size} bytes it declares")
        if actual != crc:
            raise Damage("BG411", "does not match its own checksum")
        self._directory.append(central_header(path, size, crc, packed, self._offset, executable=executable))
        self._offset += len(found) + packed

    def finish(self) -> None:
        directory = b"".join(self._directory)
        expected = directory + end_records(len(self._directory), len(directory), self._offset)
        start = self._stream.take(4)
        if start == b"PK\3\4":
            raise Damage("BG412", "goes on with a member that the manifest does not name")
        if start + self._stream.take(len(expected) - 4) != expected:
            raise Damage("BG412", "has a directory at its end that does not list exactly its members")
        if not self._stream.ended():
            raise Damage("BG417", "goes on after its end")


def _difference(found: bytes, expected: bytes) -> str:
    if found[:4] in (b"PK\1\2", b"PK\5\6", b"PK\6\6"):
        return "is missing: the members end before it"
    if found[:4] != b"PK\3\4":
        return "has a damaged header"
    got, wanted = _LOCAL.unpack(found[: _LOCAL.size]), _LOCAL.unpack(expected[: _LOCAL.size])
    if got[2] & 1:
        return "is encrypted"
    if got[2] & 8:
        return "states its size only behind its content"
    if got[3] != wanted[3]:
        return f"is compressed by method {got[3]} instead of {wanted[3]}"
    if got[8] != wanted[8]:
        return f"has the size {got[8]} in its header instead of {wanted[8]}"
    name = found[_LOCAL.size : _LOCAL.size + min(got[9], 255)]
    if got[9] != wanted[9] or name != expected[_LOCAL.size :][: len(name)]:
        return f"is called '{name.decode('utf-8', 'surrogateescape')}' in its header"
    return "has a header that buildgraph does not write (version, flags, time or extra fields)"
