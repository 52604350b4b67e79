"""Digests: one identity for bytes, however they are read, and one spelling of it."""

from __future__ import annotations

import os
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.digest import SIZE, Digest, Hasher, checksum
from buildgraph.errors import UsageError

CHUNK = 1 << 20


def test_the_digest_is_blake3() -> None:
    """The published test vectors of BLAKE3, so that other tools can check our stores."""
    assert Digest.of(b"").hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert Digest.of(b"abc").hex() == "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7])
def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, size: int) -> None:
    """At every size around the size of one read."""
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    assert Digest.of_file(tmp_path / "f") == (Digest.of(data), size)
    assert Digest.of_file(os.fsencode(tmp_path / "f")) == (Digest.of(data), size)


def test_a_descriptor_is_read_from_where_it_is() -> None:
    """Also when it yields a little at a time, as a pipe does."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as out:
        out.write(b"one ")
        assert os.read(reader, 4) == b"one "
        out.write(b"two three")
    try:
        assert Digest.of_descriptor(reader) == (Digest.of(b"two three"), 9)
    finally:
        os.close(reader)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """The caller knows what the file was for, and says so."""
    with pytest.raises(FileNotFoundError):
        Digest.of_file(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        Digest.of_file(tmp_path)


def test_reading_files_leaves_no_descriptor_open(tmp_path: Path) -> None:
    """Neither on success nor on failure."""
    (tmp_path / "f").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        Digest.of_file(tmp_path / "f")
        with pytest.raises(OSError, match="directory"):
            Digest.of_file(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_a_stream_has_the_digest_of_all_its_pieces(pieces: list[bytes]) -> None:
    """However it is cut."""
    hasher = Hasher()
    for piece in pieces:
        assert hasher.write(piece) == len(piece)
    assert hasher.digest() == Digest.of(b"".join(pieces))
    assert hasher.size == len(b"".join(pieces))


@given(st.binary(max_size=50))
def test_a_printed_digest_is_read_back(data: bytes) -> None:
    """With and without its prefix; the short form is the beginning of the long one."""
    digest = Digest.of(data)
    assert Digest.parse(str(digest)) == Digest.parse(digest.hex()) == digest
    assert str(digest).startswith(f"b3:{digest.short}")
    assert len(digest.short) == 10


@pytest.mark.parametrize(
    "text",
    [
        "", "b3:", "b3:12", "sha256:" + "0" * 64, "0" * 63, "0" * 65, "A" * 64, "g" * 64, "b3:b3:" + "0" * 61,
        " " + "0" * 64, "00 " * 32, "0" * 63 + "\n0", "\u0660" * 64,
    ],
)  # fmt: skip
def test_another_spelling_of_a_digest_is_refused(text: str) -> None:
    """One digest, one spelling: what is printed can be searched for."""
    with pytest.raises(UsageError, match="is not a digest") as caught:
        Digest.parse(text)
    assert caught.value.code == "BG041"


def test_a_digest_is_bytes() -> None:
    """A store key, a dictionary key and a msgpack value without conversion."""
    digest = Digest.of(b"x")
    assert digest == bytes(digest)
    assert hash(digest) == hash(bytes(digest))
    assert {bytes(digest): 1}[digest] == 1
    assert msgpack.unpackb(msgpack.packb(digest)) == digest
    assert len(digest) == SIZE
    assert repr(digest) == f"Digest({digest.short}…)"


def test_a_checksum_notices_every_flipped_bit() -> None:
    """And is shorter than a digest, so that nobody takes it for one."""
    data = b"a record"
    flipped = [data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1 :] for i in range(len(data)) for bit in range(8)]
    assert len({checksum(data), *map(checksum, flipped)}) == len(flipped) + 1
    assert len(checksum(data)) == 16
