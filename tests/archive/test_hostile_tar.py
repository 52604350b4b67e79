"""What the headers of a tar may not say: each forgery changes one thing, and is refused by name and reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from buildgraph.errors import VerificationError

Refused = Callable[..., VerificationError]


# What the headers of a tar may not say

KINDS = [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"L", b"K", b"S", b"D", b"M", b"V", b"x", b"g", b"\0", b"Z"]


@pytest.mark.parametrize("kind", KINDS)
def test_members_that_are_no_plain_files_are_refused(forge: Any, refused: Refused, kind: bytes) -> None:
    for link in (b"", b"/etc/passwd", b"../../x"):
        changed = forge.tar_with(b"a.txt", kind=kind, link=link)
        assert "'a.txt'" in refused(changed, "BG412").headline


HEADERS = {
    "another name": {"name": b"../../evil"},
    "a name that is absolute": {"name": b"/a.txt"},
    "bytes behind the name": {"name": b"a.txt\0x"},
    "a folder in front": {"prefix": b".."},
    "a set-user-id bit": {"mode": b"0004755\0"},
    "an executable bit": {"mode": b"0000755\0"},
    "no mode": {"mode": b""},
    "an owner": {"uid": b"0001750\0"},
    "a group": {"gid": b"0001750\0"},
    "a user name": {"user": b"root"},
    "a group name": {"group": b"root"},
    "a time": {"mtime": b"14000000000\0"},
    "a link target": {"link": b"/etc"},
    "a device": {"device": b"0000001\0"},
    "a smaller size": {"size": b"00000000004\0"},
    "a larger size": {"size": b"00000000006\0"},
    "a huge size": {"size": b"77777777777\0"},
    "a size below zero": {"size": b"\xff" * 12},
    "a size in base 256": {"size": b"\x80" + bytes(10) + b"\5"},
    "a size with blanks": {"size": b"          5 "},
    "a size that is no number": {"size": b"five"},
    "a wrong checksum": {"checksum": b"000000\0 "},
    "no checksum": {"checksum": b""},
    "the magic of GNU tar": {"magic": b"ustar  \0"},
    "no magic": {"magic": b""},
    "bytes behind the header": {"rest": b"x"},
}


@pytest.mark.parametrize("fields", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("path", [b"metadata.json", b"MANIFEST", b"a.txt", b"dir/c"])
def test_header_fields_that_the_manifest_does_not_call_for_are_refused(
    forge: Any, refused: Refused, path: bytes, fields: dict[str, bytes]
) -> None:
    head = forge.entry(path, dict(forge.Forgery().all_members())[path])
    if forge.entry(path, dict(forge.Forgery().all_members())[path], **fields) != head:
        error = refused(forge.tar_with(path, **fields))
        if path in forge.FILES:
            assert error.code == "BG412"
            assert path.decode() in error.headline


INSERTED = {
    "a pax path": lambda forge: forge.pax(path="../../evil"),
    "a pax size": lambda forge: forge.pax(size="99999"),
    "a pax link": lambda forge: forge.pax(linkpath="/etc/pw"),
    "a global pax header": lambda forge: forge.entry(b"g", b"20 path=../../evil\n\n", kind=b"g"),
    "a GNU long name": lambda forge: forge.entry(b"././@LongLink", b"../../evil\0", kind=b"L"),
    "a folder": lambda forge: forge.entry(b"dir/", b"", kind=b"5"),
    "a link to a folder outside": lambda forge: forge.entry(b"dir", b"", kind=b"2", link=b"/tmp"),
    "another file": lambda forge: forge.entry(b"extra", b"extra"),
    "the same file": lambda forge: forge.entry(b"a.txt", b"alpha"),
    "zeros": lambda forge: bytes(512),
    "noise": lambda forge: b"\xa5" * 512,
    "a pipe": lambda forge: forge.entry(b"pipe", b"", kind=b"6"),
}


@pytest.mark.parametrize("make", INSERTED.values(), ids=INSERTED)
@pytest.mark.parametrize("at", range(6))
def test_members_that_the_manifest_does_not_name_are_refused_wherever_they_are(
    forge: Any, refused: Refused, make: Callable[[Any], bytes], at: int
) -> None:
    inserted = make(forge)
    parts = [forge.entry(p, d) for p, d in forge.Forgery().all_members()]
    if at in (3, 2) and inserted == parts[2]:
        parts[2] += inserted
    else:
        parts.insert(at, inserted)
    tar = b"".join(parts) + bytes(1024)
    error = refused(tar)
    assert error.code in ("BG410", "BG412", "BG417")
    refused(forge.gzipped(tar), error.code if at else "")


def test_members_that_are_missing_or_swapped_are_refused(forge: Any, refused: Refused) -> None:
    parts = [forge.entry(p, d) for p, d in forge.Forgery().all_members()]
    for gone in range(5):
        refused(b"".join(parts[:gone] + parts[gone + 1 :]) + bytes(1024))
    for first in range(4):
        swapped = [*parts[:first], parts[first + 1], parts[first], *parts[first + 2 :]]
        refused(b"".join(swapped) + bytes(1024))


def test_bytes_in_the_padding_are_refused(forge: Any, refused: Refused) -> None:
    tar = forge.Forgery().tar()
    at = tar.index(b"alpha") + 5
    tar[at + 10] = 1
    assert "'a.txt'" in refused(bytes(tar), "BG417").headline
