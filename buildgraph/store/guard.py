"""Looks at a data file before LMDB maps it: a file shorter than its meta pages say would kill the process (SIGBUS)."""

from __future__ import annotations

import os
import struct
from typing import Final, NamedTuple

_META: Final = struct.Struct("=8xHHI II QQ 48s 48s QQ")  # page header, magic, version, address, map size, trees, ends
_PSIZE: Final = struct.Struct("=I")
_MAGIC: Final = 0xBEEFC0DE
_VERSION: Final = 1
_IS_META: Final = 0x08
_SIZES: Final = tuple(1 << n for n in range(9, 17))


class Look(NamedTuple):
    """What a data file looks like from outside: `problem` is empty when LMDB may open it; sizes are in bytes."""

    problem: str = ""
    size: int = 0
    needed: int = 0
    map_size: int = 0


def look(path: str) -> Look:
    """Parse both meta pages of the data file at `path` and compare its size with what they say."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_META.size)
            if not head:
                return Look("it is empty")
            first = _meta(head)
            if isinstance(first, str):
                return Look(f"its first meta page {first}")
            psize = first[0]
            file.seek(psize)
            second = _meta(file.read(_META.size))
            if isinstance(second, str):
                return Look(f"its second meta page {second}")
            size = os.fstat(file.fileno()).st_size  # last: the file only grows, and it grows before its meta pages do
    except FileNotFoundError:
        return Look("it is missing")
    except OSError as error:
        return Look(f"it cannot be read: {error.strerror}")
    newest = max(first, second, key=lambda meta: meta[3])
    needed = max(newest[1] + 1, 2) * psize
    if size < needed:
        return Look(f"it has {size} bytes, and its index needs {needed}", size, needed, newest[2])
    return Look("", size, needed, newest[2])


def _meta(page: bytes) -> tuple[int, int, int, int] | str:
    """Page size, last page, map size and transaction id of a meta page, or what is wrong with it."""
    if len(page) < _META.size:
        return "is cut off"
    _, flags, _, magic, version, _, map_size, free, _, last, txn = _META.unpack(page)
    psize = _PSIZE.unpack_from(free)[0]
    if not flags & _IS_META or magic != _MAGIC or psize not in _SIZES:
        return "makes no sense"
    if version != _VERSION:
        return f"has data version {version}"
    return psize, last, map_size, txn
