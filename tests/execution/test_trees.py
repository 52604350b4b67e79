"""Trees: folders as values, identified by what is in them, down to odd names."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError
from buildgraph.execution.trees import EXECUTABLE, FILE, FOLDER, LINK, Entry, entries_of, manifests, scan
from buildgraph.testing import TemporaryWorkspace

A, B = Digest.of(b"a"), Digest.of(b"b")
ODD = [
    b"new\nline", b"tab\t", b"not-utf-8-\xff\xfe", b"-leading-dash", b" ", b"quote'\"", b"$(dollar)", b"back\\slash", b"x" * 255,
    unicodedata.normalize("NFC", "é").encode(), unicodedata.normalize("NFD", "é").encode(), b".hidden", b"...", b"\x01\x7f", "😀".encode(),
]  # fmt: skip

names = st.binary(min_size=1, max_size=8).filter(lambda raw: b"/" not in raw and b"\0" not in raw and raw not in (b".", b".."))


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


@st.composite
def trees(draw):
    """Entries of a random tree; no path is below a file."""
    found: dict[str, Entry] = {}
    for parts in draw(st.lists(st.lists(names, min_size=1, max_size=3), max_size=8)):
        path = os.fsdecode(b"/".join(parts))
        if any(path == other or path.startswith(other + "/") or other.startswith(path + "/") for other in found):
            continue
        mode = draw(st.sampled_from((FILE, EXECUTABLE, LINK, FOLDER)))
        if mode == LINK:
            found[path] = Entry(path, LINK, target=os.fsdecode(draw(names)))
        elif mode == FOLDER:
            found[path] = Entry(path, FOLDER)
        else:
            found[path] = Entry(path, mode, draw(st.sampled_from((A, B))), draw(st.integers(0, 9)))
    return list(found.values())


@given(trees(), st.randoms(use_true_random=False))
def test_a_manifest_describes_its_tree_exactly(entries, random):
    root, blobs = manifests(entries)
    assert sorted(entries_of(root, blobs.get), key=lambda entry: entry.path) == sorted(entries, key=lambda entry: entry.path)
    random.shuffle(entries)
    assert manifests(entries)[0] == root


@given(trees(), trees())
def test_different_trees_have_different_digests(first, second):
    same = sorted(map(repr, first)) == sorted(map(repr, second))
    assert (manifests(first)[0] == manifests(second)[0]) == same


def test_what_two_trees_have_in_common_is_stored_once():
    _, first = manifests([Entry("same/deep/x", FILE, A, 1), Entry("other/y", FILE, A, 1)])
    _, second = manifests([Entry("same/deep/x", FILE, A, 1), Entry("other/y", FILE, B, 1)])
    assert len(first.keys() & second.keys()) == 2  # same/ and same/deep/


def test_a_lost_manifest_is_named():
    root, blobs = manifests([Entry("folder/x", FILE, A, 1)])
    lost = next(digest for digest in blobs if digest != root)
    del blobs[lost]
    assert entries_of(root, blobs.get) == lost


@pytest.mark.parametrize("data", [b"", b"junk", b"\x93\xa1x\x01\x90"])
def test_a_manifest_that_makes_no_sense_is_refused(data):
    with pytest.raises(BuildgraphError) as caught:
        entries_of(A, lambda _digest: data)
    assert caught.value.code == "BG240"


def test_scanning_finds_files_links_empty_folders_and_executables(tmp_path):
    (tmp_path / "d/empty").mkdir(parents=True)
    (tmp_path / "d/run").write_text("x")
    (tmp_path / "d/run").chmod(0o755)
    (tmp_path / "d/link").symlink_to("run")
    (tmp_path / "up").symlink_to("d/../d/run")
    (tmp_path / "dangling").symlink_to("nothing")
    assert scan(str(tmp_path), "//:t") == [
        Entry("d/empty", FOLDER), Entry("d/link", LINK, target="run"), Entry("d/run", EXECUTABLE, None, 1),
        Entry("dangling", LINK, target="nothing"), Entry("up", LINK, target="d/../d/run"),
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "d/../../outside", ".."])
def test_a_link_that_leads_out_is_refused(tmp_path, target):
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(BuildgraphError) as caught:
        scan(str(tmp_path), "//:t")
    assert caught.value.code == "BG215"


def test_what_is_neither_file_nor_folder_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BuildgraphError) as caught:
        scan(str(tmp_path), "//:t")
    assert caught.value.code == "BG214"


@pytest.mark.parametrize("runner", ["inline", "pool"])
def test_a_tree_of_odd_names_is_stored_and_comes_back(tmp_path, runner):
    """Through worker, store and output folder, byte for byte: newlines, undecodable bytes, both forms of an accent."""
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner=runner)
    workspace.write(
        {
            "BUILD.py": "from buildgraph.rules import python\npython('odd', fn='m:odd', outs=['d/'])\npython('names', fn='m:names', needs={'tree': ':odd'})",
            "m.py": f"""
import os

NAMES = {ODD!r}

def odd(out_dir):
    folder = os.fsencode(out_dir / "d")
    for name in NAMES:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(name)
    os.symlink(NAMES[0], os.path.join(folder, b"link"))
    os.mkdir(os.path.join(folder, b"empty"))

def names(tree):
    return sorted(os.listdir(os.fsencode(tree / "d")))
""",
        }
    )
    built = workspace.build()
    assert built.ok, [error.render() for error in built.report.errors.values()]
    folder = os.fsencode(workspace.output("//:odd", "d"))

    def content():
        files = {name: read_bytes(os.path.join(folder, name)) for name in os.listdir(folder) if name != b"empty"}
        return files, os.readlink(os.path.join(folder, b"link")), os.listdir(os.path.join(folder, b"empty"))

    before = content()
    assert {name: data for name, data in before[0].items() if name != b"link"} == {name: name for name in ODD}
    workspace.remove("build")
    assert workspace.build().ran == []
    assert content() == before
