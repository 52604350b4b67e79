"""What a manifest or the metadata may not say: each forgery changes one thing, and is refused by name and reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from buildgraph.archive import iterate, unpack
from buildgraph.digest import Digest
from buildgraph.errors import VerificationError

Refused = Callable[..., VerificationError]
FORMATS = ["tar", "tar.gz", "tar.zst", "zip"]


@pytest.mark.parametrize("form", FORMATS)
def test_the_forger_makes_archives_that_are_accepted_when_nothing_is_changed(
    forge: Any, tmp_path: Path, form: str
) -> None:
    (tmp_path / "a").write_bytes(forge.Forgery().packed(form))
    assert {entry.raw: data for entry, data in iterate(tmp_path / "a")} == forge.FILES
    assert unpack(tmp_path / "a", tmp_path / "out").format == form


# What the manifest may not say

UNSAFE = [
    b"/etc/passwd",
    b"//x",
    b"../x",
    b"a/../../x",
    b"a/..",
    b"..",
    b"./a",
    b".",
    b"a/./b",
    b"a//b",
    b"a/",
    b"",
    b"a\0b",
    b"\0",
    b"C:/x",
    b"c:x",
    b"a\\b",
    b"\\\\server\\x",
    b"x" * 256,
    b"d/" * 65 + b"x",
    b"/".join([b"y" * 255] * 16) + b"/yy",
]


@pytest.mark.parametrize("path", UNSAFE, ids=lambda path: repr(path[:20]))
def test_unsafe_paths_are_refused(forge: Any, refused: Refused, path: bytes) -> None:
    forged = forge.Forgery(members=[(path, b"evil")])
    forged.frames[1:] = [forge.row(path, b"evil")]
    error = refused(bytes(forged.tar()), "BG413")
    assert "MANIFEST" in error.headline
    if path.isascii() and b"\0" not in path:
        refused(forged.packed("zip"), "BG413")


CLASHES = {
    "twice the same": [b"a", b"a"],
    "out of order": [b"b", b"a"],
    "upper case": [b"A", b"a"],
    "folders in upper case": [b"D/x", b"d/y"],
    "composed and decomposed": ["e\u0301".encode(), "\u00e9".encode()],
    "sharp s": [b"STRASSE", "straße".encode()],
    "Kelvin sign": [b"k", "\u212a".encode()],
    "a file as a folder": [b"a", b"a/b"],
    "a file as a folder in upper case": [b"A", b"a/b"],
    "a folder as a file in upper case": [b"A/b", b"a"],
    "metadata": [b"metadata.json"],
    "manifest": [b"MANIFEST"],
    "metadata in lower case": [b"metadata.json"],
    "inside the manifest": [b"Manifest/x"],
}


@pytest.mark.parametrize("paths", CLASHES.values(), ids=CLASHES)
def test_paths_that_meet_on_some_machine_are_refused(forge: Any, refused: Refused, paths: list[bytes]) -> None:
    forged = forge.Forgery(members=[(path, b"") for path in paths])
    forged.frames[1:] = [forge.row(path) for path in paths]
    refused(bytes(forged.tar()), "BG414")


ROWS: dict[str, Callable[[Any], Any]] = {
    "size below zero": lambda forge: forge.row(b"x", size=-1),
    "size of 2**63": lambda forge: forge.row(b"x", size=1 << 63),
    "size that is true": lambda forge: forge.row(b"x", size=True),
    "size that is text": lambda forge: forge.row(b"x", size="0"),
    "size that is a float": lambda forge: forge.row(b"x", size=0.0),
    "executable that is 1": lambda forge: forge.row(b"x", executable=1),
    "digest too short": lambda forge: forge.row(b"x", digest=b"1" * 31),
    "digest too long": lambda forge: forge.row(b"x", digest=b"1" * 33),
    "digest as hex": lambda forge: forge.row(b"x", digest="0" * 64),
    "path as text": lambda forge: forge.row(b"x", path="x"),
    "too few fields": lambda forge: forge.row(b"x")[:3],
    "too many fields": lambda forge: [*forge.row(b"x"), None],
    "nothing": lambda forge: None,
    "a dict": lambda forge: {"path": b"x"},
    "deep nesting": lambda forge: b"\x91" * 2000 + b"\xc0",
    "unknown extension": lambda forge: msgpack.ExtType(77, b""),
    "array extension": lambda forge: msgpack.ExtType(8, b"\x90"),
    "object array": lambda forge: msgpack.ExtType(8, msgpack.packb(["O", [1 << 60], []])),
    "date extension": lambda forge: msgpack.ExtType(6, b"\xff"),
    "set of lists": lambda forge: msgpack.ExtType(3, b"\x90"),
    "no value": lambda forge: b"\xc1",
    "two values": lambda forge: b"\xc0\xc0",
    "empty frame": lambda forge: b"",
    "promise of a large array": lambda forge: b"\xdd\xff\xff\xff\xff",
    "size in a longer form": lambda forge: b"\x94\xc4\x01x\xcd\x00\x00\xc2\xc4\x20" + bytes(Digest.of(b"")),
    "tuple": lambda forge: msgpack.ExtType(2, msgpack.packb(forge.row(b"x"))),
}


@pytest.mark.parametrize("value", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_rows_that_state_no_member_are_refused(
    forge: Any, refused: Refused, value: Callable[[Any], Any], form: str
) -> None:
    forged = forge.Forgery(members=[*forge.FILES.items(), (b"x", b"")])
    forged.frames.append(value(forge))
    refused(forged.packed(form), "BG418")


ABOUT = object()  # stands for the digest of the metadata
HEADS: dict[str, tuple[Any, str]] = {
    "another name": (["other.archive", 1, ABOUT], "BG418"),
    "a newer version": (["buildgraph.archive", 2, ABOUT], "BG419"),
    "version zero": (["buildgraph.archive", 0, ABOUT], "BG419"),
    "version true": (["buildgraph.archive", True, ABOUT], "BG418"),
    "another metadata digest": (["buildgraph.archive", 1, bytes(32)], "BG415"),
    "no metadata digest": (["buildgraph.archive", 1], "BG418"),
}


@pytest.mark.parametrize(("head", "code"), HEADS.values(), ids=HEADS)
def test_manifests_of_another_kind_are_refused(forge: Any, refused: Refused, head: Any, code: str) -> None:
    forged = forge.Forgery()
    forged.frames[0] = [bytes(Digest.of(forge.ABOUT)) if part is ABOUT else part for part in head]
    refused(bytes(forged.tar()), code)


@pytest.mark.parametrize(
    "tail",
    [b"\0", b"\0\0\0\5abc", b"\xff\xff\xff\xff", b"\0\0\x20\0" + b"\xc0" * 8192],
    ids=["short", "cut", "endless", "large"],
)
def test_a_manifest_that_breaks_off_is_refused(forge: Any, refused: Refused, tail: bytes) -> None:
    refused(bytes(forge.Forgery(tail=tail).tar()), "BG418")


def test_an_empty_manifest_is_refused(forge: Any, refused: Refused) -> None:
    refused(bytes(forge.Forgery(frames=[], members=[]).tar()), "BG418")


@pytest.mark.parametrize(
    "about",
    [
        b"",
        b"{}",
        b"[]\n",
        b"null\n",
        b'{\n  "a": 1,\n  "a": 1\n}\n',
        b'{\n  "a": NaN\n}\n',
        b'{\n  "a": 1e999\n}\n',
        b'{\n  "\xff": 1\n}\n',
        b"[" * 100_000,
        b'{"a":1}\n',
        b'{\n  "a": ' + b"9" * 5000 + b"\n}\n",
    ],
    ids=lambda about: repr(about[:24]),
)
def test_metadata_in_any_other_form_is_refused(forge: Any, refused: Refused, about: bytes) -> None:
    forged = forge.Forgery(about=about)
    forged.frames[0] = ["buildgraph.archive", 1, bytes(Digest.of(about))]
    assert "metadata.json" in refused(bytes(forged.tar()), "BG418").headline
