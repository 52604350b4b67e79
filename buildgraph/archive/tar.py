"""The tar form of an archive: ustar headers made from one template, and read by comparing with the same one.

The manifest fixes path, size and mode of every member, hence every byte of its header. So there is nothing to
interpret when reading: a header is the expected one, or the archive is refused with a word on what is there instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from buildgraph.archive.manifest import Damage
from buildgraph.archive.streams import Output, Stream

_BLOCK: Final = 512
_ZEROS: Final = bytes(_BLOCK)
_END: Final = bytes(2 * _BLOCK)
_MAX_SIZE: Final = 8 << 30  # what eleven octal digits can hold
_OWNER: Final = b"0000000\0" * 2  # uid and gid 0
_TIME: Final = b"%011o\0" % 0
_FIXED: Final = bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2  # link, magic, user and group names, device
_SUM: Final = sum(_OWNER) + sum(_TIME) + sum(_FIXED) + 8 * 32  # a checksum counts its own field as spaces
_FIELDS: Final = {"name": slice(0, 100), "folder": slice(345, 500), "size": slice(124, 136), "mode": slice(100, 108)}
_KINDS: Final = {
    b"0": "a plain file",
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"5": "a folder",
    b"6": "a named pipe",
    b"K": "a GNU long link",
    b"L": "a GNU long name",
    b"S": "a sparse file",
    b"g": "a global extended header",
    b"x": "an extended header",
}


def header(path: bytes, size: int, *, executable: bool) -> bytes:
    """The header blocks of one member; with a pax extended header only if name or size does not fit the plain one."""
    name, prefix, records = path, b"", b""
    if len(path) > 100 or not path.isascii():
        text = _is_text(path)
        at = path.find(b"/", len(path) - 101, 156) if len(path) > 100 else -1
        if (text and not path.isascii()) or (len(path) > 100 and at < 0):
            name = path[:100].rstrip(b"/")
            records = (b"" if text else _record(b"hdrcharset", b"BINARY")) + _record(b"path", path)
        elif at > 0:
            prefix, name = path[:at], path[at + 1 :]
    if size >= _MAX_SIZE:
        records += _record(b"size", b"%d" % size)
    plain = _block(name, prefix, 0 if size >= _MAX_SIZE else size, b"0", executable=executable)
    if not records:
        return plain
    return _block(b"PaxHeader", b"", len(records), b"x", executable=False) + records + padding(len(records)) + plain


def _block(name: bytes, prefix: bytes, size: int, kind: bytes, *, executable: bool) -> bytes:
    mode = b"0000755\0" if executable else b"0000644\0"
    digits = b"%011o\0" % size
    total = _SUM + sum(name) + sum(mode) + sum(digits) + kind[0] + sum(prefix)
    before = name.ljust(100, b"\0") + mode + _OWNER + digits + _TIME
    return before + b"%06o\0 " % total + kind + _FIXED + prefix.ljust(167, b"\0")


def _record(key: bytes, value: bytes) -> bytes:
    """A pax record `length key=value`; the length counts its own digits."""
    rest = len(key) + len(value) + 3
    size = rest + len(str(rest))
    size = rest + len(str(size))
    return b"%d %s=%s\n" % (size, key, value)


def _is_text(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def padding(size: int) -> bytes:
    """The zeros that fill the last block of `size` bytes."""
    return _ZEROS[: -size % _BLOCK]


class TarWriter:
    """Writes members as a tar stream."""

    __slots__ = ("_out",)

    def __init__(self, out: Output) -> None:
        self._out = out

    def add(self, path: bytes, size: int, pieces: Iterable[bytes], *, executable: bool) -> None:
        write = self._out.write
        write(header(path, size, executable=executable))
        for piece in pieces:
            write(piece)
        if size % _BLOCK:
            write(padding(size))

    def finish(self) -> None:
        self._out.write(_END)
        self._out.finish()


class TarReader:
    """Reads members from a tar stream, each of which must be the one expected."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def head(self, path: bytes, limit: int) -> bytes:
        """The content of one of the archive's own two members, which state their size themselves."""
        block = self._stream.take(_BLOCK)
        digits = block[124:135]
        size = int(digits, 8) if digits.isdigit() and not digits.translate(None, b"01234567") else 0
        if size > limit:
            raise Damage("BG416", f"is {size} bytes large, and {limit} are allowed")
        _compare(block, header(path, size, executable=False), "BG410")
        content = self._stream.take(size)
        self._pad(size)
        return content

    def member(self, path: bytes, size: int, *, executable: bool) -> Iterator[bytes]:
        """The content of the member that must come next."""
        expected = header(path, size, executable=executable)
        _compare(self._stream.take(len(expected)), expected, "BG412")
        yield from self._stream.pieces(size)
        self._pad(size)

    def _pad(self, size: int) -> None:
        if any(self._stream.take(-size % _BLOCK)):
            raise Damage("BG417", "has bytes hidden in the padding behind it")

    def finish(self) -> None:
        block = self._stream.take(_BLOCK)
        if any(block):
            raise Damage("BG412", f"goes on with {_seen(block)} that the manifest does not name")
        if any(self._stream.take(_BLOCK)) or not self._stream.ended():
            raise Damage("BG417", "goes on after its end")


def _compare(actual: bytes, expected: bytes, code: str) -> None:
    if actual == expected:
        return
    if not any(actual[:_BLOCK]):
        raise Damage(code, "is missing: the archive ends before it")
    for at in range(0, len(expected), _BLOCK):
        found, wanted = actual[at : at + _BLOCK], expected[at : at + _BLOCK]
        if found == wanted:
            continue
        if found[148:156] != b"%06o\0 " % (sum(found) - sum(found[148:156]) + 8 * 32) and at == 0:
            raise Damage(code, "has a damaged header")
        if found[156] != wanted[156]:
            raise Damage(code, f"is {_seen(found)} instead of {_KINDS[wanted[156:157]]}")
        for what, part in _FIELDS.items():
            if found[part] != wanted[part]:
                seen, due = _text(found[part]), _text(wanted[part])
                raise Damage(code, f"has the {what} {seen} in its header instead of {due}")
        raise Damage(code, "has a header that buildgraph does not write (owner, time, link or device)")


def _seen(block: bytes) -> str:
    return f"{_KINDS.get(block[156:157], 'something unknown')} called {_text(block[:100])}"


def _text(field: bytes) -> str:
    return f"'{field.rstrip(bytes(1)).decode('utf-8', 'surrogateescape')}'"
