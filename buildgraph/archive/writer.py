"""Writes an archive whose bytes follow from its content alone; reads each source once and checks its digest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.archive.manifest import (
    MANIFEST,
    MAX_MANIFEST,
    MAX_METADATA,
    METADATA,
    ArchiveInfo,
    Damage,
    Entry,
    Limits,
    check_order,
    manifest_bytes,
    metadata_bytes,
)
from buildgraph.archive.streams import PIECE, Output, compressor
from buildgraph.archive.tar import TarWriter
from buildgraph.archive.zip import ZipWriter
from buildgraph.digest import Digest, Hasher
from buildgraph.errors import MachineError, UsageError, VerificationError

_SUFFIXES: Final = {".tar": "tar", ".tar.gz": "tar.gz", ".tgz": "tar.gz", ".tar.zst": "tar.zst", ".zip": "zip"}
FORMATS: Final = ("tar", "tar.gz", "tar.zst", "zip")


@dataclass(frozen=True, slots=True)
class Member:
    """One file to be packed. `source` is the absolute path of the file to read, or the bytes themselves."""

    path: str
    size: int
    digest: Digest
    executable: bool
    source: str | bytes


def suffix_format(name: str) -> str:
    """The format of an archive called `name`: tar, tar.gz, tar.zst or zip. Raises UsageError."""
    for suffix, known in _SUFFIXES.items():
        if name.endswith(suffix):
            return known
    raise UsageError(
        f"the name '{name}' does not say which kind of archive it is", code="BG400",
        why="the suffix chooses the format: .tar, .tar.gz (or .tgz), .tar.zst or .zip", fix=f"call it '{name}.tar.gz'",
    )  # fmt: skip


def write(destination: str, members: Iterable[Member], *, metadata: Mapping[str, Any], format: str) -> ArchiveInfo:  # noqa: A002 - the user's word
    """Packs `members` into the file `destination`, which appears whole or not at all.

    Raises UsageError for paths or metadata that cannot be archived, VerificationError when a source is not what its
    digest says, MachineError when something cannot be read or written.
    """
    if format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"'{format}' is not a format of archives", code="BG400", fix=f"choose one of {known}")
    ordered = sorted(members, key=lambda member: _raw(member.path, destination))
    entries = tuple(Entry(m.path, m.size, m.digest, m.executable) for m in ordered)
    try:
        check_order(entries, Limits())
    except Damage as damage:
        raise _unfit(damage.problem, destination) from None
    about = _about(metadata, destination)
    manifest = manifest_bytes(entries, Digest.of(about))
    if len(manifest) > MAX_MANIFEST or len(about) > MAX_METADATA:
        raise UsageError(
            "the archive has too many members, or too much metadata", code="BG416", where=destination,
            why=f"a reader accepts {MAX_METADATA >> 20} MiB of metadata and {MAX_MANIFEST >> 20} MiB of manifest",
            fix="pack several archives",
        )  # fmt: skip

    folder = os.path.dirname(destination) or "."
    temporary = os.path.join(folder, f".archive-{os.urandom(8).hex()}.tmp")
    packer = compressor(format)
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            out = Output(fd, packer)
            archive = ZipWriter(out) if format == "zip" else TarWriter(out)
            archive.add(METADATA, len(about), (about,), executable=False)
            archive.add(MANIFEST, len(manifest), (manifest,), executable=False)
            for member, entry in zip(ordered, entries, strict=True):
                archive.add(entry.raw, member.size, _content(member), executable=member.executable)
            archive.finish()
            os.fsync(fd)
            os.replace(temporary, destination)
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        _sync_folder(folder)
    except OSError as error:
        raise MachineError(
            f"the archive '{destination}' cannot be written", code="BG405", where=destination,
            why=error.strerror or str(error), fix="make room there, or choose another place",
        ) from error  # fmt: skip
    return ArchiveInfo(json.loads(about), entries, Digest.of(manifest), format)


def _content(member: Member) -> Iterator[bytes]:
    """The bytes of `member` in pieces of one size; raises at the end if they were not those of its digest."""
    hasher = Hasher()
    if isinstance(member.source, bytes):
        for at in range(0, len(member.source), PIECE):
            data = member.source[at : at + PIECE]
            hasher.write(data)
            yield data
    else:
        try:
            fd = os.open(member.source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a named pipe must not stop us
            try:
                while hasher.size <= member.size and (data := _read(fd, member.size - hasher.size)):
                    hasher.write(data)
                    yield data
            finally:
                os.close(fd)
        except OSError as error:
            raise _unreadable(member, error) from error
    if hasher.size != member.size or hasher.digest() != member.digest:
        raise VerificationError(
            f"'{member.path}' is not what it was when its digest was taken", code="BG404",
            where=member.source if isinstance(member.source, str) else (),
            facts=(
                ("expected", f"{member.digest} ({member.size} bytes)"),
                ("found", f"{hasher.digest()} ({hasher.size} bytes or more)"),
            ),
            why="an archive only ever holds what its manifest says", fix="build again, and leave the file alone then",
        )  # fmt: skip


def _read(fd: int, left: int) -> bytes:
    """The next piece of a file that should have `left` more bytes; asks for one more, to see a file that grew."""
    wanted = min(PIECE, left + 1)
    data = os.read(fd, wanted)
    while data and len(data) < min(wanted, left):  # a short read in the middle must not change the pieces
        more = os.read(fd, wanted - len(data))
        if not more:
            break
        data += more
    return data


def _about(metadata: Mapping[str, Any], destination: str) -> bytes:
    try:
        return metadata_bytes(metadata)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            "the metadata of an archive has to be plain data", code="BG403", where=destination,
            facts=(("found", str(error)),), why="it is stored as JSON, for people and for other programs",
            fix="use only None, bool, int, finite float, str, list and dict with str keys",
        ) from None  # fmt: skip


def _raw(path: str, destination: str) -> bytes:
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _unfit(f"names '{path}', which is no file name", destination) from None


def _unfit(problem: str, destination: str) -> UsageError:
    return UsageError(
        f"the archive {problem}", code="BG401", where=destination,
        why="paths in an archive are relative, plain and distinct on every file system, so that all unpack it alike",
        fix="rename the member, or leave it out",
    )  # fmt: skip


def _unreadable(member: Member, error: OSError) -> MachineError:
    return MachineError(
        f"the source of '{member.path}' cannot be read", code="BG402", where=str(member.source),
        why=error.strerror or str(error), fix="build again; the file went away or may not be read",
    )  # fmt: skip


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
