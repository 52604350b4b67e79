"""What the records of a zip may not say: each forgery changes one thing, and is refused by name and reason."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from buildgraph.errors import VerificationError

Refused = Callable[..., VerificationError]


# What a zip may not be


def patched(data: bytes, struct_at: int, form: str, value: int) -> bytes:
    out = bytearray(data)
    struct.pack_into(form, out, struct_at, value)
    return bytes(out)


LOCAL = {
    "encrypted": (6, "<H", 1),
    "sizes behind the content": (6, "<H", 8),
    "flagged as UTF-8": (6, "<H", 0x800),
    "stored": (8, "<H", 0),
    "another method": (8, "<H", 99),
    "a newer version": (4, "<H", 63),
    "a time": (10, "<H", 1),
    "a day": (12, "<H", 0x5555),
    "another checksum": (14, "<I", 7),
    "a smaller packed size": (18, "<I", 3),
    "a larger packed size": (18, "<I", 9),
    "an endless packed size": (18, "<I", 0xFFFFFFFF),
    "a smaller size": (22, "<I", 4),
    "a larger size": (22, "<I", 6),
    "a longer name": (26, "<H", 6),
    "no name": (26, "<H", 0),
    "an extra field": (28, "<H", 4),
}
CENTRAL = {
    "made elsewhere": (4, "<H", 20),
    "a newer version": (6, "<H", 63),
    "encrypted": (8, "<H", 1),
    "stored": (10, "<H", 0),
    "a time": (12, "<H", 1),
    "another checksum": (16, "<I", 7),
    "another packed size": (20, "<I", 3),
    "another size": (24, "<I", 6),
    "a shorter name": (28, "<H", 4),
    "an extra field": (30, "<H", 1),
    "a comment": (32, "<H", 1),
    "another disk": (34, "<H", 1),
    "a symbolic link": (38, "<I", 0o120777 << 16),
    "a folder": (38, "<I", 0o040755 << 16),
    "a set-user-id bit": (38, "<I", 0o104755 << 16),
    "another offset": (42, "<I", 0),
    "an overlap": (42, "<I", 40),
}
END = {
    "another disk": (4, "<H", 1),
    "fewer members": (8, "<H", 4),
    "more members": (10, "<H", 6),
    "another directory": (16, "<I", 0),
    "a smaller one": (12, "<I", 10),
    "a comment": (20, "<H", 5),
}


@pytest.mark.parametrize("change", LOCAL.values(), ids=LOCAL)
def test_local_records_of_a_zip_that_the_manifest_does_not_call_for_are_refused(
    forge: Any, refused: Refused, change: tuple[int, str, int]
) -> None:
    good = forge.Forgery().packed("zip")
    for name in (b"metadata.json", b"a.txt"):
        changed = patched(good, good.index(name) - 30 + change[0], change[1], change[2])
        assert name.decode() in refused(changed).headline


@pytest.mark.parametrize("change", CENTRAL.values(), ids=CENTRAL)
def test_directory_records_of_a_zip_that_differ_from_the_members_are_refused(
    forge: Any, refused: Refused, change: tuple[int, str, int]
) -> None:
    good = forge.Forgery().packed("zip")
    refused(patched(good, good.rindex(b"a.txt") - 46 + change[0], change[1], change[2]), "BG412")


@pytest.mark.parametrize("change", END.values(), ids=END)
def test_end_records_of_a_zip_that_differ_are_refused(
    forge: Any, refused: Refused, change: tuple[int, str, int]
) -> None:
    good = forge.Forgery().packed("zip")
    refused(patched(good, len(good) - 22 + change[0], change[1], change[2]), "BG412")


def test_zip_members_that_are_missing_extra_twice_or_elsewhere_are_refused(forge: Any, refused: Refused) -> None:
    parts = forge.Forgery().all_members()
    for gone in range(5):
        refused(forge.zipped(parts[:gone] + parts[gone + 1 :]))
    refused(forge.zipped([*parts, (b"extra", b"")]), "BG412")
    with pytest.warns(UserWarning, match="Duplicate"):
        refused(forge.zipped([*parts, parts[-1]]), "BG412")
    refused(forge.zipped([parts[1], parts[0], *parts[2:]]), "BG410")
    good = forge.zipped(parts)
    refused(b"#!/bin/sh\n" + good, "BG410")
    at = good.index(b"PK\1\2")
    refused(good[:at] + b"hidden" + good[at:])

    def comment(info: zipfile.ZipInfo) -> None:
        info.comment = b"hello"

    refused(forge.zipped(parts, change=comment), "BG412")

    def time(info: zipfile.ZipInfo) -> None:
        info.extra = b"UT\5\0\1\0\0\0\0"

    refused(forge.zipped(parts, change=time), "BG410")
