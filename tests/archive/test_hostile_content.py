"""What an archive may not hold, or be: other content, hidden bytes, bombs, things that are no archives of ours."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from buildgraph.archive import Limits, inspect, reader, unpack
from buildgraph.archive.tar import header
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, VerificationError

Refused = Callable[..., VerificationError]
FORMATS = ["tar", "tar.gz", "tar.zst", "zip"]


# What the content may not be


@pytest.mark.parametrize("form", FORMATS)
def test_other_bytes_of_the_same_size_are_refused_with_both_digests(forge: Any, refused: Refused, form: str) -> None:
    forged = forge.Forgery()
    forged.members[0] = (b"a.txt", b"alphA")
    error = refused(forged.packed(form), "BG415")
    assert "'a.txt'" in error.headline
    assert str(Digest.of(b"alpha")) in error.headline
    assert str(Digest.of(b"alphA")) in error.headline


@pytest.mark.parametrize("form", FORMATS)
def test_it_is_the_digest_check_that_refuses_them(
    forge: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """With the check switched off the wrong bytes come through, so nothing else was guarding them."""
    forged = forge.Forgery()
    forged.members[0] = (b"a.txt", b"alphA")
    (tmp_path / "a").write_bytes(forged.packed(form))
    monkeypatch.setattr(reader._Opened, "verified", reader._Opened.content)
    unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out/a.txt").read_bytes() == b"alphA"


def test_the_path_check_is_not_the_only_thing_that_keeps_members_inside(
    forge: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even with the check switched off nothing escapes: each folder has to be made anew, and '..' is there."""
    (tmp_path / "inbox").mkdir()
    forged = forge.Forgery(members=[(b"../../evil", b"evil")])
    forged.frames[1:] = [forge.row(b"../../evil", b"evil")]
    (tmp_path / "a").write_bytes(bytes(forged.tar()))
    monkeypatch.setattr("buildgraph.archive.manifest.check_order", lambda *_: None)
    with pytest.raises(BuildgraphError) as caught:
        unpack(tmp_path / "a", tmp_path / "inbox" / "out")
    assert caught.value.code == "BG409", "a folder called '..' cannot be made"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "inbox"]


# What may not come before, after and instead


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "garbage", [b"\0", b"x", bytes(512), bytes(10240), b"PK\5\6" + bytes(18)], ids=lambda g: f"{g[:1]!r}x{len(g)}"
)
def test_anything_behind_the_end_is_refused(forge: Any, refused: Refused, form: str, garbage: bytes) -> None:
    refused(forge.Forgery().packed(form) + garbage, "BG417")


@pytest.mark.parametrize("form", FORMATS)
def test_a_second_archive_behind_the_first_is_refused(forge: Any, refused: Refused, form: str) -> None:
    refused(forge.Forgery().packed(form) * 2, "BG417")


def test_hidden_frames_behind_compressed_data_are_refused(forge: Any, refused: Refused) -> None:
    tar = bytes(forge.Forgery().tar())
    refused(forge.gzipped(tar) + forge.gzipped(b""), "BG417")
    refused(forge.gzipped(tar + bytes(512)), "BG417")
    refused(forge.zstd(tar) + b"\x50\x2a\x4d\x18\x04\0\0\0note", "BG417")
    refused(forge.zstd(tar) + forge.zstd(b""), "BG417")
    refused(forge.zstd(tar + bytes(512)), "BG417")


def test_other_forms_of_compression_are_refused(forge: Any, refused: Refused) -> None:
    tar = bytes(forge.Forgery().tar())
    refused(gzip.compress(tar, mtime=1), "BG410")
    named = io.BytesIO()
    with gzip.GzipFile("name", "wb", 6, named, mtime=0) as stream:
        stream.write(tar)
    refused(named.getvalue(), "BG410")
    refused(forge.zstd(tar, write_checksum=False), "BG410")
    refused(zstandard.ZstdCompressor().compress(tar), "BG410")
    refused(b"\x50\x2a\x4d\x18\x04\0\0\0note" + forge.zstd(tar), "BG410")
    broken = bytearray(forge.gzipped(tar))
    broken[-5] ^= 1
    refused(bytes(broken), "BG411")
    broken = bytearray(forge.zstd(tar))
    broken[5] = 0xFF  # a window of more than a terabyte
    refused(bytes(broken), "BG411")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        bytes(10240),
        b"hello\n" * 100,
        b"PK\5\6" + bytes(18),
        b"PK\3\4",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"\x7fELF" + bytes(600),
        bytes(257) + b"ustar",
        b"BZh9" + bytes(600),
    ],
    ids=lambda d: f"{d[:6]!r}",
)
def test_files_that_are_no_archives_of_ours_are_refused(refused: Refused, data: bytes) -> None:
    assert refused(data).code in ("BG410", "BG411")


def test_archives_of_other_programs_are_refused(forge: Any, refused: Refused, tmp_path: Path) -> None:
    for style in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=style) as tar:
            for path, data in forge.Forgery().all_members():
                info = tarfile.TarInfo(path.decode())
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        refused(out.getvalue())
        refused(forge.gzipped(out.getvalue()))
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../../evil", "evil")
    refused(evil.getvalue(), "BG410")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a device"])
def test_paths_that_are_no_files_are_refused(tmp_path: Path, kind: str) -> None:

    path = tmp_path / "a"
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "link to a device": lambda: path.symlink_to("/dev/zero")}[
        kind
    ]()
    with pytest.raises(VerificationError, match="plain file") as caught:
        inspect(path)
    assert caught.value.code == "BG410"


# Bombs


@pytest.mark.parametrize("form", FORMATS)
def test_more_than_the_limits_allow_is_refused_before_anything_is_read(forge: Any, refused: Refused, form: str) -> None:
    good = forge.Forgery().packed(form)
    refused(good, "BG416", limits=Limits(members=2))
    refused(good, "BG416", limits=Limits(total=604))
    refused(good, "BG413", limits=Limits(depth=1))


def test_a_promise_of_too_much_is_refused_whatever_is_there(forge: Any, refused: Refused) -> None:
    forged = forge.Forgery()
    forged.frames[1] = forge.row(b"a.txt", size=17 << 30)
    refused(bytes(forged.tar()), "BG416")
    forged.frames[1] = forge.row(b"a.txt", size=100 << 20)
    refused(forge.gzipped(bytes(forged.tar())), "BG416")
    forged.frames[1:] = [forge.row(b"%06d" % number) for number in range(100_001)]
    refused(forge.gzipped(bytes(forged.tar())), "BG416")


@pytest.mark.parametrize("name", [b"metadata.json", b"MANIFEST"])
def test_a_head_that_is_too_large_is_refused_by_its_size_alone(forge: Any, refused: Refused, name: bytes) -> None:
    size = (65 << 20) + 1
    start = b"" if name == b"metadata.json" else forge.entry(b"metadata.json", forge.ABOUT)
    refused(start + header(name, size, executable=False), "BG416")
    refused(forge.gzipped(start + header(name, size, executable=False) + bytes(1 << 20)), "BG416")


def test_compressed_data_that_swells_is_unpacked_no_further_than_declared(
    forge: Any, refused: Refused, tmp_path: Path
) -> None:
    """A gigabyte of zeros behind honest members: refused without ever holding or writing it."""
    tar = bytes(forge.Forgery().tar())
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    zeros = packer.compress(tar) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(128)) + packer.flush()
    honest = (len(tar) << 3).to_bytes(3, "little") + tar  # a raw block
    repeated = (1 << 17 << 3 | 2).to_bytes(3, "little") + b"\0"  # four bytes that stand for 128 KiB
    tracemalloc.start()
    refused(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + zeros, "BG417")
    refused(forge.zstd(tar)[:6] + honest + repeated * (1 << 13), "BG417")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
