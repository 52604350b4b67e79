"""Sources: files are what is in them; stat tuples only save reading, and never hide an edit."""

from __future__ import annotations

import os

import pytest

from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError
from buildgraph.execution import sources
from buildgraph.execution.sources import Sources


class Table(dict):
    """Rows that are kept between builds."""

    def put(self, key, row):
        self[key] = row


@pytest.fixture
def look(tmp_path):
    """A new build looks at a file; what earlier builds saw is remembered."""
    rows = Table()
    (tmp_path / "ws").mkdir()

    def digest(name="file"):
        clock = tmp_path / "clock"
        clock.write_bytes(b"")
        os.utime(clock)
        return Sources(str(tmp_path / "ws"), rows, now=lambda: clock.stat().st_mtime_ns).digest(name)[0]

    return digest


def edited(count, path, look):
    """How many of `count` edits that keep size and modification time go unnoticed."""
    path.write_bytes(b"00000")
    stamp = path.stat()
    missed = 0
    for number in range(count):
        content = b"%05d" % number
        with open(path, "r+b") as file:  # the same inode
            file.write(content)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        missed += look() != Digest.of(content)
    return missed


def test_three_hundred_edits_of_one_size_with_the_old_time_are_all_noticed(look, tmp_path):
    assert edited(300, tmp_path / "ws" / "file", look) == 0


def test_without_the_change_time_they_are_not_all_noticed(look, tmp_path, monkeypatch):
    """The test above notices when the stat tuple leaves out ctime."""
    path = tmp_path / "ws" / "file"
    path.write_bytes(b"00000")
    os.utime(path, ns=(10**18, 10**18))  # long ago, so that the rule for young files does not save us
    monkeypatch.setattr(sources, "_stamp", lambda s: (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, 0, s.st_mode))
    look()
    missed = 0
    for number in range(20):
        with open(path, "r+b") as file:
            file.write(b"%05d" % number)
        os.utime(path, ns=(10**18, 10**18))
        missed += look() != Digest.of(b"%05d" % number)
    assert missed > 0


def test_without_the_rule_for_young_files_a_quick_edit_can_hide(look, tmp_path, monkeypatch):
    """A file that is as young as the look at it is read again: with the rule off, a planted row is believed."""
    path = tmp_path / "ws" / "file"
    path.write_bytes(b"old")
    look()
    rows = look.__closure__[1].cell_contents if isinstance(look.__closure__[1].cell_contents, Table) else look.__closure__[0].cell_contents
    *stamp, hashed_at, _ = sources._ROW.unpack(rows[b"file"])
    rows[b"file"] = sources._ROW.pack(*stamp, hashed_at, Digest.of(b"planted"))
    assert look() == Digest.of(b"old")
    rows[b"file"] = sources._ROW.pack(*stamp, hashed_at + 10**10, Digest.of(b"planted"))
    assert look() == Digest.of(b"planted"), "an old row with the same stat tuple is what saves reading"


def test_a_file_is_read_once_in_a_build(tmp_path):
    (tmp_path / "file").write_text("one")
    seen = Sources(str(tmp_path), Table(), now=lambda: 0)
    first = seen.digest("file")
    (tmp_path / "file").write_text("two")
    assert seen.digest("file") == first
    assert seen.changed(["file", "unknown"]) == ["file"]


@pytest.mark.parametrize("change", ["content", "touch", "chmod", "replace", "remove", "folder"])
def test_any_change_during_a_build_is_found(tmp_path, change):
    path = tmp_path / "file"
    path.write_text("one")
    seen = Sources(str(tmp_path), Table(), now=lambda: 0)
    seen.digest("file")
    assert seen.changed(["file"]) == []
    if change == "content":
        path.write_text("two")
    elif change == "touch":
        os.utime(path, ns=(1, 1))
    elif change == "chmod":
        path.chmod(0o755)
    elif change == "replace":
        (tmp_path / "new").write_text("one")
        os.replace(tmp_path / "new", path)
    else:
        path.unlink()
        if change == "folder":
            path.mkdir()
    assert seen.changed(["file"]) == ["file"]


def test_the_executable_bit_is_part_of_a_tree(tmp_path):
    (tmp_path / "file").write_text("x")
    before = Sources(str(tmp_path), Table(), now=lambda: 0).tree("", ["file"])
    (tmp_path / "file").chmod(0o755)
    assert Sources(str(tmp_path), Table(), now=lambda: 0).tree("", ["file"]).digest != before.digest


def test_links_are_read_through(tmp_path):
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert Sources(str(tmp_path), Table(), now=lambda: 0).digest("link")[0] == Digest.of(b"x")


@pytest.mark.parametrize(("kind", "code"), [("missing", "BG050"), ("folder", "BG051"), ("pipe", "BG051"), ("dangling", "BG050")])
def test_what_cannot_be_hashed_is_named_and_never_waited_for(tmp_path, kind, code):
    if kind == "folder":
        (tmp_path / "file").mkdir()
    elif kind == "pipe":
        os.mkfifo(tmp_path / "file")
    elif kind == "dangling":
        (tmp_path / "file").symlink_to("nothing")
    with pytest.raises(BuildgraphError) as caught:
        Sources(str(tmp_path), Table(), now=lambda: 0).digest("file")
    assert caught.value.code == code
    assert "'file'" in caught.value.headline
