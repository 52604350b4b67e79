"""What is packed comes out again, in every format, as the same bytes everywhere; other programs can read it too."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buildgraph.archive import Limits, Member, inspect, iterate, read_member, suffix_format, unpack, write
from buildgraph.archive.tar import header
from buildgraph.archive.zip import central_header, end_records, local_header
from buildgraph.digest import Digest
from buildgraph.errors import MachineError, UsageError, VerificationError

FORMATS = ["tar", "tar.gz", "tar.zst", "zip"]
ODD = {
    "plain.txt": b"plain",
    "with space/and more.txt": b"space",
    "ünïcode/日本語.txt": b"text that is not ASCII",
    "-rf": b"leading dash",
    "line\nbreak": b"newline",
    "$(reboot);'\"": b"quotes",
    ".hidden/..three.dots": b"dots",
    "bytes-\udcff\udcfe.bin": b"no UTF-8",
    "empty": b"",
    "block": b"x" * 512,
    "long/" + "n" * 150 + "/" + "m" * 90: b"fits the two ustar fields",
    "long/" + "p" * 240: b"fits no ustar field",
    "long/" + "q" * 120 + "\udc80": b"fits no ustar field and is no UTF-8",
    "deep/" + "/".join("d" * 63) + "f": b"deep",
    "ä" * 120: b"long and not ASCII",
    "large.bin": bytes(range(256)) * 4096,
}


def members(files: dict[str, bytes], executable: tuple[str, ...] = ()) -> list[Member]:
    return [Member(p, len(data), Digest.of(data), p in executable, data) for p, data in files.items()]


def on_disk(folder: Path, files: dict[str, bytes]) -> list[Member]:
    """The same members, with their content in files below `folder`."""
    found = []
    for number, (path, data) in enumerate(files.items()):
        source = folder / f"source{number}"
        source.write_bytes(data)
        found.append(Member(path, len(data), Digest.of(data), False, str(source)))
    return found


def contents(folder: Path) -> dict[str, bytes]:
    root = os.fsencode(folder)
    found = {}
    for here, _, names in os.walk(root):
        for name in names:
            full = os.path.join(here, name)
            with open(full, "rb") as stream:
                found[os.path.relpath(full, root).decode("utf-8", "surrogateescape")] = stream.read()
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_odd_names_and_contents_survive_the_round_trip(tmp_path: Path, form: str) -> None:
    """Every legal name (blanks, newlines, no UTF-8, too long for ustar) and every size comes back as it was."""
    archive = tmp_path / "a"
    written = write(
        str(archive), members(ODD, ("plain.txt",)), metadata={"model": "ü", "list": [1, 2.5, None]}, format=form
    )
    assert unpack(archive, tmp_path / "out") == written == inspect(archive)
    assert contents(tmp_path / "out") == ODD
    assert {entry.path: data for entry, data in iterate(archive)} == ODD
    assert read_member(archive, "bytes-\udcff\udcfe.bin") == b"no UTF-8"
    assert written.metadata == {"model": "ü", "list": [1, 2.5, None]}
    assert written.format == form


@pytest.mark.parametrize("form", FORMATS)
def test_the_bytes_depend_on_nothing_but_the_content(tmp_path: Path, form: str) -> None:
    """Order of members, files or bytes as sources, umask, time zone, folder and process change nothing."""
    here = tmp_path / "one" / "a"
    here.parent.mkdir()
    info = write(str(here), members(ODD), metadata={"b": 1, "a": 2}, format=form)
    again = tmp_path / "two"
    write(str(again), list(reversed(on_disk(tmp_path, ODD))), metadata={"a": 2, "b": 1}, format=form)
    assert again.read_bytes() == here.read_bytes()

    script = (
        "import os, sys, json; os.umask(0o077)\n"
        "from buildgraph.archive import Member, inspect, unpack, write\n"
        "old = unpack(sys.argv[1], 'copy')\n"
        "def again(e): return Member(e.path, e.size, e.digest, e.executable, os.path.abspath('copy/' + e.path))\n"
        "ms = [again(e) for e in old.members]\n"
        "write('again', ms[::-1], metadata=old.metadata, format=sys.argv[2])\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    subprocess.run([sys.executable, "-c", script, str(here), form], cwd=elsewhere, env=environment, check=True)
    assert (elsewhere / "again").read_bytes() == here.read_bytes()
    assert inspect(elsewhere / "again").digest == info.digest


def test_the_manifest_digest_is_the_same_in_every_format_and_changes_with_the_content(tmp_path: Path) -> None:
    def digest(files: dict[str, bytes], form: str = "tar", executable: tuple[str, ...] = (), **metadata: Any) -> Digest:
        return write(str(tmp_path / "a"), members(files, executable), metadata=metadata, format=form).digest

    base = {"a": b"1", "b": b"2"}
    assert len({digest(base, form) for form in FORMATS}) == 1
    others = [
        digest({"a": b"1", "b": b"3"}),
        digest({"a": b"1", "c": b"2"}),
        digest({"a": b"1"}),
        digest(base, executable=("a",)),
        digest(base, note="other"),
    ]
    assert len({digest(base), *others}) == 6


def test_the_tar_format_is_frozen(tmp_path: Path) -> None:
    """A change of these digests is a change of the format: archives of before would no longer be reproduced."""
    info = write(str(tmp_path / "a"), members({"a/b": b"hello", "é": b""}, ("a/b",)), metadata={"k": [1]}, format="tar")
    assert (info.digest.hex(), Digest.of_file(str(tmp_path / "a"))[0].hex()) == FROZEN


FROZEN = (
    "e90a87334d6a8af16819ee19ccd5fdd2324d65e58e26a5b409812e0354b306c9",
    "69bf6abde042dc13abff100765a87fa73de10758bc30642657ab56644c9788c5",
)


def test_the_first_two_members_are_metadata_for_people_and_the_manifest(tmp_path: Path) -> None:
    write(str(tmp_path / "a"), members({"A-first": b""}), metadata={"z": 1, "a": {"é": None}}, format="tar")
    with tarfile.open(tmp_path / "a") as tar:
        assert tar.getnames() == ["metadata.json", "MANIFEST", "A-first"]
        about = tar.extractfile("metadata.json")
        assert about is not None
        assert about.read().decode() == '{\n  "a": {\n    "é": null\n  },\n  "z": 1\n}\n'


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_archive_is_an_archive(tmp_path: Path, form: str) -> None:
    write(str(tmp_path / "a"), [], metadata={}, format=form)
    assert unpack(tmp_path / "a", tmp_path / "out").members == ()
    assert contents(tmp_path / "out") == {}


@pytest.mark.parametrize("form", FORMATS)
def test_only_the_executable_bit_of_a_mode_is_kept(tmp_path: Path, form: str) -> None:
    write(str(tmp_path / "a"), members({"run": b"#!", "text": b""}, ("run",)), metadata={}, format=form)
    unpack(tmp_path / "a", tmp_path / "out")
    assert os.access(tmp_path / "out/run", os.X_OK)
    assert (tmp_path / "out/text").stat().st_mode & 0o111 == 0
    (tmp_path / "ordinary").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.lists(
            st.text(st.characters(exclude_characters="/\0\\:", codec="utf-8"), min_size=1, max_size=40),
            min_size=1,
            max_size=4,
        ).map("/".join),
        st.binary(max_size=2000),
        max_size=5,
    ),
    form=st.sampled_from(FORMATS),
)
def test_whatever_the_writer_accepts_the_reader_gives_back(tmp_path: Path, files: dict[str, bytes], form: str) -> None:
    archive = tmp_path / "a"
    try:
        write(str(archive), members(files), metadata={}, format=form)
    except UsageError as error:
        assert error.code == "BG401"
    else:
        assert {entry.path: data for entry, data in iterate(archive)} == files


# Other programs


def text_only(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if not any(0xDC80 <= ord(c) < 0xDD00 for c in path)}


@pytest.mark.parametrize("form", ["tar", "tar.gz"])
def test_pythons_tarfile_reads_what_we_write(tmp_path: Path, form: str) -> None:
    write(str(tmp_path / "a"), members(ODD, ("plain.txt",)), metadata={}, format=form)
    with tarfile.open(tmp_path / "a") as tar:
        found = {m.name: m for m in tar.getmembers()[2:]}
        for path, data in ODD.items():
            stream = tar.extractfile(found[path])
            assert stream is not None
            assert stream.read() == data
        assert sorted(found) == sorted(ODD)
        assert {(m.uid, m.gid, m.mtime, m.uname) for m in found.values()} == {(0, 0, 0, "")}
        assert found["plain.txt"].mode == 0o755
        assert found["empty"].mode == 0o644


@pytest.mark.parametrize("form", ["tar", "tar.gz"])
def test_gnu_tar_reads_what_we_write(tmp_path: Path, form: str, needs_tool: Callable[[str], str]) -> None:
    needs_tool("tar")
    write(str(tmp_path / "a"), members(ODD), metadata={}, format=form)
    (tmp_path / "out").mkdir()
    run = subprocess.run(["tar", "-xf", tmp_path / "a", "-C", tmp_path / "out"], check=True, capture_output=True)
    found = contents(tmp_path / "out")
    assert {path: found.get(path) for path in ODD} == ODD
    assert b"rror" not in run.stderr


def test_pythons_zipfile_reads_what_we_write(tmp_path: Path) -> None:
    files = text_only(ODD)
    write(str(tmp_path / "a"), members(files, ("plain.txt",)), metadata={}, format="zip")
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()[2:]} == files
        info = archive.getinfo("plain.txt")
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.external_attr >> 16 == 0o100755


def test_unzip_reads_what_we_write(tmp_path: Path, needs_tool: Callable[[str], str]) -> None:
    needs_tool("unzip")
    files = {path: data for path, data in text_only(ODD).items() if path.isascii() and "\n" not in path}
    write(str(tmp_path / "a.zip"), members(files), metadata={}, format="zip")
    subprocess.run(["unzip", "-q", tmp_path / "a.zip", "-d", tmp_path / "out"], check=True, capture_output=True)
    found = contents(tmp_path / "out")
    assert {path: found.get(path) for path in files} == files


# Sizes beyond what one likes to write to a disk


def opened(data: bytes) -> tarfile.TarFile:
    return tarfile.TarFile(fileobj=io.BytesIO(data))


def test_a_member_over_8_gib_gets_a_pax_size_that_tarfile_understands() -> None:
    size = (8 << 30) + 5
    info = opened(header(b"big", size, executable=False)).next()
    assert info is not None
    assert (info.name, info.size) == ("big", size)


def test_a_pax_record_counts_its_own_length_at_every_number_of_digits() -> None:
    for length in (*range(101, 300), *range(960, 1010)):
        path = b"\xc3\xa9" + b"x" * length
        info = opened(header(path, 0, executable=False)).getmembers()[0]
        assert info.name.encode() == path


def test_zip_records_beyond_4_gib_and_65535_members_are_those_that_zipfile_understands() -> None:
    """A directory that claims a large member far away, behind a hole, reads as it was meant."""
    far, size, packed = 5 << 30, 6 << 30, 7 << 30
    assert len(local_header(b"big", size, 1, packed)) == 30 + 3 + 20
    directory = central_header(b"big", size, 1, packed, far, executable=False)

    class Hole(io.BytesIO):
        """A file with nothing in front of its directory but an offset."""

        def seek(self, at: int, whence: int = 0) -> int:
            return super().seek(max(at - far, 0) if whence == 0 else at, whence) + far

        def tell(self) -> int:
            return super().tell() + far

    with zipfile.ZipFile(Hole(directory + end_records(1, len(directory), far))) as archive:
        info = archive.getinfo("big")
    assert (info.file_size, info.compress_size, info.header_offset) == (size, packed, far)
    assert end_records(70_000, 10, 10)[:4] == b"PK\6\6"
    assert len(end_records(65_534, 10, 10)) == 22


# What the writer refuses


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.tar", "tar"), ("b.tgz", "tar.gz"), ("x.y.tar.gz", "tar.gz"), ("m.tar.zst", "tar.zst"), ("d/z.zip", "zip")],
)
def test_the_suffix_chooses_the_format(name: str, form: str) -> None:
    assert suffix_format(name) == form


@pytest.mark.parametrize("name", ["model.rar", "model", "model.gz", ""])
def test_an_unknown_suffix_is_refused_with_the_four_that_are_known(name: str) -> None:
    with pytest.raises(UsageError, match="does not say") as caught:
        suffix_format(name)
    assert all(known in caught.value.render() for known in (".tar", ".tar.gz", ".tar.zst", ".zip", "BG400"))


@pytest.mark.parametrize(
    "paths",
    [
        ["/abs"],
        [".."],
        ["a/../b"],
        ["a//b"],
        ["a/"],
        [""],
        ["."],
        ["a\0b"],
        ["C:/x"],
        ["a\\b"],
        ["metadata.json"],
        ["manifest"],
        ["MANIFEST/x"],
        ["a", "a"],
        ["A", "a"],
        ["a", "a/b"],
        ["a/x", "A/y"],
        ["D/x", "d"],
        ["straße", "STRASSE"],
        ["\ud800"],
        ["x" * 256],
        ["d/" * 65 + "x"],
        [unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")],
    ],
    ids=repr,
)
def test_paths_that_would_not_unpack_everywhere_are_refused_before_anything_is_written(
    tmp_path: Path, paths: list[str]
) -> None:
    packed = [Member(path, 0, Digest.of(b""), False, b"") for path in paths]
    with pytest.raises(UsageError) as caught:
        write(str(tmp_path / "a"), packed, metadata={}, format="tar")
    assert caught.value.code == "BG401"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "metadata",
    [{1: 2}, {"x": {1}}, {"x": float("nan")}, {"x": b""}, {"x": [object()]}, {"x": "\ud800"}],
    ids=["int key", "set", "NaN", "bytes", "object", "surrogate"],
)
def test_metadata_that_is_not_plain_is_refused(tmp_path: Path, metadata: dict[Any, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        write(str(tmp_path / "a"), [], metadata=metadata, format="tar")
    assert caught.value.code == "BG403"


@pytest.mark.parametrize("now", [b"other", b"shor", b"longer", b""])
@pytest.mark.parametrize("form", FORMATS)
def test_a_source_that_changed_since_it_was_digested_is_never_packed(tmp_path: Path, now: bytes, form: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(now)
    (tmp_path / "a").write_bytes(b"the archive of before")
    for content in (str(source), now):
        with pytest.raises(VerificationError, match="'dir/it'") as caught:
            write(
                str(tmp_path / "a"),
                [Member("dir/it", 5, Digest.of(b"first"), False, content)],
                metadata={},
                format=form,
            )
        assert caught.value.code == "BG404"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "source"]
    assert (tmp_path / "a").read_bytes() == b"the archive of before"


def test_a_source_that_is_gone_a_folder_or_a_pipe_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, error, code in (
        ("gone", MachineError, "BG402"),
        ("", MachineError, "BG402"),
        ("pipe", VerificationError, "BG404"),
    ):
        with pytest.raises(error) as caught:
            write(
                str(tmp_path / "a"),
                [Member("it", 5, Digest.of(b"first"), False, str(tmp_path / name))],
                metadata={},
                format="tar",
            )
        assert caught.value.code == code
        assert "'it'" in caught.value.headline


def test_a_destination_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("no/such/folder/a.tar", "folder"):
        with pytest.raises(MachineError) as caught:
            write(str(tmp_path / name), [], metadata={}, format="tar")
        assert caught.value.code == "BG405"
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_without_zstandard_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(str(tmp_path / "a"), [], metadata={}, format="tar.zst")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    for attempt in (
        lambda: write(str(tmp_path / "b"), [], metadata={}, format="tar.zst"),
        lambda: inspect(tmp_path / "a"),
    ):
        with pytest.raises(MachineError, match="zstandard") as caught:
            attempt()
        assert "pip install 'buildgraph[zstd]'" in caught.value.fix


# What the reader answers when nothing is wrong with the archive


def test_unpacking_needs_a_folder_of_its_own(tmp_path: Path) -> None:
    write(str(tmp_path / "a"), members({"x": b"1"}), metadata={}, format="tar")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("full", "file", "link"):
        with pytest.raises(UsageError) as caught:
            unpack(tmp_path / "a", tmp_path / name)
        assert caught.value.code == "BG408"
    (tmp_path / "empty").mkdir()
    unpack(tmp_path / "a", f"{tmp_path / 'empty'}/")
    assert contents(tmp_path / "empty") == {"x": b"1"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "empty", "file", "full", "link"]
    with pytest.raises(MachineError) as failed:
        unpack(tmp_path / "a", tmp_path / "no/such/parent")
    assert failed.value.code == "BG409"


def test_a_member_that_is_not_there_is_a_usage_error_with_the_nearest_name(tmp_path: Path) -> None:
    write(str(tmp_path / "a"), members({"model.bin": b"1"}), metadata={}, format="zip")
    with pytest.raises(UsageError, match="no member") as caught:
        read_member(tmp_path / "a", "modle.bin")
    assert (caught.value.code, caught.value.fix) == ("BG420", "did you mean 'model.bin'?")
    with pytest.raises(MachineError) as missing:
        inspect(tmp_path / "gone")
    assert missing.value.code == "BG407"


@pytest.mark.parametrize("form", FORMATS)
def test_inspecting_reads_only_the_head(tmp_path: Path, form: str) -> None:
    """An archive of which only the beginning has arrived can be inspected already."""
    noise = b"".join(os.urandom(1 << 16) for _ in range(32))
    info = write(str(tmp_path / "a"), members({"noise": noise}), metadata={"n": 1}, format=form)
    os.truncate(tmp_path / "a", 1 << 20)
    assert inspect(tmp_path / "a") == info
    with pytest.raises(VerificationError):
        unpack(tmp_path / "a", tmp_path / "out")


def test_a_larger_limit_lets_a_larger_archive_in(tmp_path: Path) -> None:
    """Zeros pack a thousand to one: refused by default once they are many, accepted on request."""
    source = tmp_path / "zeros"
    with source.open("wb") as stream:
        stream.truncate(80 << 20)
    digest, size = Digest.of_file(str(source))
    write(str(tmp_path / "a"), [Member("zeros", size, digest, False, str(source))], metadata={}, format="tar.zst")
    with pytest.raises(VerificationError, match="80") as caught:
        inspect(tmp_path / "a")
    assert caught.value.code == "BG416"
    assert "limits" in caught.value.fix
    info = unpack(tmp_path / "a", tmp_path / "out", limits=Limits(ratio=100_000))
    assert json.loads(json.dumps(info.metadata)) == {}
    assert (tmp_path / "out/zeros").stat().st_size == size
