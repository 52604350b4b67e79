"""Forges archives: builds good ones without the writer, part by part, so that a test can change one thing."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import msgpack
import pytest
import zstandard

from buildgraph.archive import Limits, unpack
from buildgraph.archive.tar import header
from buildgraph.digest import Digest
from buildgraph.errors import VerificationError

FILES = {b"a.txt": b"alpha", b"dir/b.sh": b"#!/bin/sh\n" * 60, b"dir/c": b""}
ABOUT = b'{\n  "name": "forged"\n}\n'


def row(path: bytes, data: bytes = b"", /, **other: Any) -> list[Any]:
    values = {
        "path": path,
        "size": len(data),
        "executable": path.endswith(b".sh"),
        "digest": bytes(Digest.of(data)),
        **other,
    }
    return list(values.values())


@dataclass
class Forgery:
    """The parts of an archive, free to be changed. `frames` are the values in the manifest; `tail` follows them."""

    about: bytes = ABOUT
    frames: list[Any] = field(
        default_factory=lambda: [
            ["buildgraph.archive", 1, bytes(Digest.of(ABOUT))],
            *(row(p, d) for p, d in FILES.items()),
        ]
    )
    members: list[tuple[bytes, bytes]] = field(default_factory=lambda: list(FILES.items()))
    tail: bytes = b""

    @property
    def manifest(self) -> bytes:
        packed = [frame if isinstance(frame, bytes) else msgpack.packb(frame) for frame in self.frames]
        return b"".join(len(data).to_bytes(4, "big") + data for data in packed) + self.tail

    def all_members(self) -> list[tuple[bytes, bytes]]:
        return [(b"metadata.json", self.about), (b"MANIFEST", self.manifest), *self.members]

    def tar(self) -> bytearray:
        return bytearray(b"".join(entry(path, data) for path, data in self.all_members()) + bytes(1024))

    def packed(self, form: str) -> bytes:
        if form == "zip":
            return zipped(self.all_members())
        tar = bytes(self.tar())
        return {"tar": lambda: tar, "tar.gz": lambda: gzipped(tar), "tar.zst": lambda: zstd(tar)}[form]()


def entry(path: bytes, data: bytes, **fields: bytes) -> bytes:
    """A tar member with some header fields replaced and the checksum made right again."""
    head = bytearray(header(path, len(data), executable=path.endswith(b".sh")))
    for name, value in fields.items():
        start, end = FIELDS[name]
        head[start:end] = value.ljust(end - start, b"\0")
    if "checksum" not in fields:
        at = len(head) - 512
        head[at + 148 : at + 156] = b" " * 8
        head[at + 148 : at + 156] = b"%06o\0 " % sum(head[at:])
    return bytes(head) + data + bytes(-len(data) % 512)


FIELDS = {
    "name": (0, 100),
    "mode": (100, 108),
    "uid": (108, 116),
    "gid": (116, 124),
    "size": (124, 136),
    "mtime": (136, 148),
    "checksum": (148, 156),
    "kind": (156, 157),
    "link": (157, 257),
    "magic": (257, 265),
    "user": (265, 297),
    "group": (297, 329),
    "device": (329, 345),
    "prefix": (345, 500),
    "rest": (500, 512),
}


def gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8)
    body = packer.compress(data) + packer.flush()
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zstd(data: bytes, **options: Any) -> bytes:
    options = {"level": 3, "write_checksum": True, "write_content_size": False, **options}
    packer = zstandard.ZstdCompressor(**options).compressobj()
    return packer.compress(data) + packer.flush()  # type: ignore[no-any-return]


def zipped(members: list[tuple[bytes, bytes]], *, change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> bytes:
    """A zip written by the standard library with the fixed values of our writer."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path, data in members:
            info = zipfile.ZipInfo(path.decode("utf-8", "replace"))
            info.filename = info.orig_filename = path.decode("utf-8", "replace")
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = (0o100755 if path.endswith(b".sh") else 0o100644) << 16
            change(info)
            archive.writestr(info, data)
    return out.getvalue()


def tar_with(path: bytes, **fields: bytes) -> bytes:
    forged = Forgery()
    return b"".join(entry(p, d, **fields if p == path else {}) for p, d in forged.all_members()) + bytes(1024)


def pax(**records: str) -> bytes:
    data = b"".join(f"{len(k) + len(v) + 5} {k}={v}\n".encode() for k, v in records.items())
    return entry(b"PaxHeader", data, kind=b"x")


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., VerificationError]:
    def check(data: bytes, code: str = "", *, limits: Limits = Limits()) -> VerificationError:  # noqa: B008 - frozen
        """The error with which `data` is refused, after a look around for anything it left."""
        (tmp_path / "folder").mkdir(exist_ok=True)
        archive = tmp_path / "folder" / "archive"
        archive.write_bytes(data)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(VerificationError) as caught:
            unpack(archive, tmp_path / "folder" / "out", limits=limits)
        assert sorted(tmp_path.rglob("*")) == before, "something was left behind"
        assert caught.value.exit_code == 6
        assert str(archive) in caught.value.render()
        if code:
            assert caught.value.code == code, caught.value.headline
        return caught.value

    return check


@pytest.fixture
def forge() -> ModuleType:
    """The tools of this module."""
    return sys.modules[__name__]
