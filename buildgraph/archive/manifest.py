"""What an archive says about itself: its manifest and metadata as bytes, and the rules every path and size must obey.

Writer and reader share these rules, so that nothing is written that would be refused on reading. The first member of
an archive is metadata.json (for people), the second MANIFEST (for the reader): frames of a 4-byte big-endian length
and a canonical encoding. The first frame is [name, format version, digest of metadata.json]; each other one is
[path, size, executable, digest] of a member, ordered by path. Short frames keep hostile nesting short as well.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.digest import SIZE, Digest
from buildgraph.encoding import decode_trusted, encode_value
from buildgraph.errors import EncodingError

FORMAT: Final = 1
METADATA: Final = b"metadata.json"
MANIFEST: Final = b"MANIFEST"
MAX_METADATA: Final = 16 << 20
MAX_MANIFEST: Final = 64 << 20
_NAME: Final = "buildgraph.archive"
_MAX_PATH: Final = 4096
_MAX_PART: Final = 255
_MAX_FRAME: Final = _MAX_PATH + 64
_MAX_SIZE: Final = 1 << 62


class Damage(Exception):  # noqa: N818 - never leaves this folder: the reader turns it into the error that people see
    """Something in an archive is not as its writer would have left it."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as the manifest states it. `path` is relative, POSIX; undecodable bytes are surrogate escapes."""

    path: str
    size: int
    digest: Digest
    executable: bool

    @property
    def raw(self) -> bytes:
        """The path as the bytes that stand in the archive and in the file system."""
        return self.path.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """What is known of an archive without unpacking it. `digest` is the manifest's: it identifies all the content."""

    metadata: dict[str, Any]
    members: tuple[Entry, ...]
    digest: Digest
    format: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a reader accepts. `ratio` (unpacked to packed) counts from 64 MiB on: small files compress well."""

    members: int = 100_000
    total: int = 16 << 30
    ratio: int = 200
    depth: int = 64


_RATIO_FROM: Final = 64 << 20
_PLAIN: Final = re.compile(rb"\w[\w-]{0,60}(/[\w-]{1,60}){0,8}(\.[\w-]{1,20}){0,3}")  # nearly all paths, and all fit


def metadata_bytes(metadata: Mapping[str, Any]) -> bytes:
    """`metadata` as JSON that people can read and that has one form only. Raises TypeError, ValueError."""
    _only_plain(metadata, "metadata")
    return (json.dumps(dict(metadata), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _only_plain(value: Any, path: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"{path} has a key of type {type(key).__name__}")
            _only_plain(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _only_plain(item, f"{path}[{number}]")
    elif type(value) not in (str, int, float, bool, type(None)):
        raise TypeError(f"{path} is of type {type(value).__name__}")


def parse_metadata(data: bytes) -> dict[str, Any]:
    """The metadata in `data`. Raises Damage unless it is a JSON object in exactly the form that is written."""
    try:
        metadata = json.loads(data.decode())
        if type(metadata) is dict and metadata_bytes(metadata) == data:
            return metadata
    except (ValueError, TypeError, RecursionError):
        pass
    raise Damage("BG418", "is not a JSON object in the form that buildgraph writes")


def manifest_bytes(entries: Iterable[Entry], metadata: Digest) -> bytes:
    """The manifest of `entries`, which are sorted by path, and of the metadata with the digest `metadata`."""
    frames = [[_NAME, FORMAT, bytes(metadata)], *([e.raw, e.size, e.executable, bytes(e.digest)] for e in entries)]
    parts: list[bytes] = []
    for frame in frames:
        data = encode_value(frame)
        parts += (len(data).to_bytes(4, "big"), data)
    return b"".join(parts)


def parse_manifest(data: bytes, limits: Limits) -> tuple[Digest, tuple[Entry, ...]]:
    """The digest of the metadata, and the members, that a manifest states. Raises Damage unless all is in order."""
    frames = _frames(data)
    match next(frames, None):
        case [str(name), int(version), bytes(metadata)] if name == _NAME and len(metadata) == SIZE:
            pass
        case _:
            raise Damage("BG418", "does not begin as a buildgraph manifest")
    if version != FORMAT:
        raise Damage("BG419", f"has format version {version}, and this buildgraph reads {FORMAT}")
    entries: list[Entry] = []
    for frame in frames:
        if len(entries) == limits.members:
            raise Damage("BG416", f"names more than {limits.members} members")
        match frame:
            case [bytes(path), int(size), bool(executable), bytes(digest)] if type(size) is int and len(digest) == SIZE:
                if not 0 <= size <= _MAX_SIZE:
                    raise Damage("BG418", f"gives {_shown(path)} the size {size}")
                entries.append(Entry(path.decode("utf-8", "surrogateescape"), size, Digest(digest), executable))
            case _:
                raise Damage("BG418", f"has a row that names no member, after {len(entries)} others")
    if manifest_bytes(entries, Digest(metadata)) != data:
        raise Damage("BG418", "is not in canonical form")
    check_order(entries, limits)
    return Digest(metadata), tuple(entries)


def _frames(data: bytes) -> Any:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        frame = data[at + 4 : at + 4 + size]
        if size > _MAX_FRAME or len(frame) != size:
            raise Damage("BG418", f"breaks off or is misshapen at byte {at}")
        at += 4 + size
        try:
            yield decode_trusted(frame)
        except (EncodingError, ArithmeticError, AttributeError, LookupError, RuntimeError):  # hostile extension types
            raise Damage("BG418", f"holds no value at byte {at}") from None


def check_order(entries: Iterable[Entry], limits: Limits) -> None:
    """Refuses paths that are unsafe, unsorted, repeated, inside a file, or different only by case or Unicode form."""
    spelling: dict[str, bytes] = {}  # how a folder or file is written, by how it looks to a forgiving file system
    files = {folded(name.decode()) for name in (METADATA, MANIFEST)}
    folders: set[bytes] = {b""}
    before = b""
    for entry in entries:
        path = entry.raw
        if problem := problem_with(path, limits.depth):
            raise Damage("BG413", f"names {_shown(path)}, which {problem}")
        if path <= before:
            again = "twice" if path == before else f"after {_shown(before)}, out of order"
            raise Damage("BG414", f"names {_shown(path)} {again}")
        before = path
        here = folded(entry.path)
        if here in files or here in spelling:
            raise Damage("BG414", f"names {_shown(path)}, which is taken, at least on some machines")
        files.add(here)
        folder = path.rpartition(b"/")[0]
        while folder not in folders:
            folders.add(folder)
            here = folded(folder.decode("utf-8", "surrogateescape"))
            if here in files:
                raise Damage("BG414", f"names {_shown(path)} inside {_shown(folder)}, which is a file on some machines")
            if spelling.setdefault(here, folder) != folder:
                both = f"{_shown(folder)} and {_shown(spelling[here])}"
                raise Damage("BG414", f"names the folders {both}, which are one on some machines")
            folder = folder.rpartition(b"/")[0]


def folded(path: str) -> str:
    """`path` as file systems see it that mind neither upper case nor the Unicode form."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def problem_with(path: bytes, depth: int) -> str:
    """What makes `path` unfit for an archive, as the end of a sentence; empty if nothing does."""
    if _PLAIN.fullmatch(path) and path.count(b"/") < depth:
        return ""
    if b"\0" in path:
        return "holds a NUL byte"
    if b"\\" in path or path[1:2] == b":":
        return "could be a Windows path (a backslash, or a drive letter)"
    if path.startswith(b"/"):
        return "is absolute"
    parts = path.split(b"/")
    if b"" in parts:
        return "has an empty part"
    if b".." in parts or b"." in parts:
        return "has the part '..' or '.'"
    if len(path) > _MAX_PATH or len(max(parts, key=len)) > _MAX_PART:
        return f"is longer than {_MAX_PATH} bytes, or a part of it than {_MAX_PART}"
    if len(parts) > depth:
        return f"has more than {depth} parts"
    return ""


def check_total(entries: Iterable[Entry], packed: int, limits: Limits) -> None:
    """Refuses members that would unpack to more than `limits` allow an archive of `packed` bytes."""
    total = sum(entry.size for entry in entries)
    if total > limits.total:
        raise Damage("BG416", f"promises {total} bytes, and {limits.total} are allowed")
    if total > _RATIO_FROM and total > limits.ratio * packed:
        raise Damage("BG416", f"promises {total} bytes from {packed}, and {limits.ratio} times as many are allowed")


def _shown(path: bytes) -> str:
    return f"'{path[:200].decode('utf-8', 'surrogateescape')}'"
