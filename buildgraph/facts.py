"""The file that holds a standing answer: facts as packed columns, and what to say while none of them changed.

Imported before anything else on the way of an unchanged build, so it imports nothing that Python has not loaded by
then but `zlib`. The layout: MAGIC, the CRC-32 of the rest, the lengths of the parts, the parts.
"""

from __future__ import annotations

import os
import sys
from zlib import crc32

from buildgraph.version import VERSION

FOLDER = ".buildgraph/standing"  # in the workspace
LOCK = ".buildgraph/lock"
SLACK = 10_000_000  # ns: a fact younger than this at the start of a build may have changed without a trace
MAGIC = b"buildgraph standing 1\n"
PARTS = 8  # request, surroundings, variables not looked at, environment, followed, unfollowed, rows, answer
WIDTH = 6
# What a terminal session says of itself: no part of an answer, unless a build file or the code of a target reads it.
PASSING = (
    "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM_SESSION_ID", "WINDOWID", "_",
)  # fmt: skip

Row = tuple[int, int, int, int, int, int]
NOTHING: Row = (0, 0, 0, 0, 0, 0)  # nothing is there


def row_of(status: os.stat_result) -> Row:
    """What tells one state of a file from the next: inode, size, both times, mode, device."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode, status.st_dev


def request_of(kind: str, start: str, store: str, labels: list[str]) -> bytes:
    """What was asked: `kind` is text or json, `start` the absolute folder, `store` the one named by a flag or ""."""
    return "\0".join((kind, start, store, *labels)).encode("utf-8", "surrogateescape")


def file_of(request: bytes) -> str:
    """The path, relative to the workspace, where the answer to `request` stands."""
    return f"{FOLDER}/{crc32(request):08x}"


def surroundings() -> bytes:
    """The interpreter, where it finds modules, and the version of this package."""
    return "\0".join((VERSION, sys.version, sys.platform, *sys.path)).encode("utf-8", "surrogateescape")


def environment_of(environment: dict[bytes, bytes], ignored: list[bytes]) -> bytes:
    """All variables but those `ignored`."""
    return b"\0".join([name + b"=" + environment[name] for name in sorted(environment) if name not in ignored])


def pack(parts: list[bytes]) -> bytes:
    """The parts as the content of a file."""
    body = b" ".join([b"%d" % len(part) for part in parts]) + b"\n" + b"".join(parts)
    return MAGIC + b"%08x\n" % crc32(body) + body


def unpack(data: bytes) -> list[slice] | None:
    """Where the parts are in the content of a file; None when it is damaged or of another version."""
    start = len(MAGIC) + 9
    if data[: len(MAGIC)] != MAGIC or data[len(MAGIC) : start] != b"%08x\n" % crc32(memoryview(data)[start:]):
        return None
    end = data.index(b"\n", start)
    lengths = [int(each) for each in data[start:end].split(b" ")]
    parts, at = [], end + 1
    for length in lengths:
        parts.append(slice(at, at + length))
        at += length
    return parts if len(parts) == PARTS and at == len(data) else None
