"""What an action persists: whole resources, each under its own name, and what of them others can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildgraph.errors import UsageError
from buildgraph.execution.resources import ResourceFolders, folder_name, resource_name
from buildgraph.schema import Resource


@pytest.fixture
def storage(tmp_path: Path) -> ResourceFolders:
    given = tmp_path / "given"
    given.mkdir()
    (given / "file").write_text("of a parent")
    return ResourceFolders(tmp_path / "own", {"parent": given})


def content(storage: ResourceFolders, name: str) -> dict[str, str]:
    with storage.read_from(Resource(name)) as folder:
        return {path.name: path.read_text() for path in folder.iterdir()}


def test_what_was_written_can_be_read_and_added_to(storage: ResourceFolders) -> None:
    with storage.write_to(Resource("model")) as folder:
        (folder / "a").write_text("1")
    with storage.write_to(Resource("model")) as folder:
        (folder / "b").write_text("2")
    assert content(storage, "model") == {"a": "1", "b": "2"}
    assert content(storage, "parent") == {"file": "of a parent"}


def test_half_of_a_resource_is_none(storage: ResourceFolders, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), storage.write_to(Resource("model")) as folder:
        (folder / "a").write_text("1")
        raise RuntimeError
    with pytest.raises(UsageError) as caught:
        content(storage, "model")
    assert caught.value.code == "BG226"
    assert list((tmp_path / "own").iterdir()) == []


def test_a_second_write_that_fails_leaves_the_first(storage: ResourceFolders) -> None:
    with storage.write_to(Resource("model")) as folder:
        (folder / "a").write_text("1")
    with pytest.raises(RuntimeError), storage.write_to(Resource("model")) as folder:
        (folder / "a").write_text("2")
        raise RuntimeError
    assert content(storage, "model") == {"a": "1"}


def test_writing_inside_of_writing_is_no_accident(storage: ResourceFolders) -> None:
    """Two resources at once, and one twice: the outer block ends last and wins."""
    with storage.write_to(Resource("model")) as outer, storage.write_to(Resource("other")) as other:
        (outer / "a").write_text("outer")
        (other / "b").write_text("other")
        with storage.write_to(Resource("model")) as inner:
            (inner / "a").write_text("inner")
    assert content(storage, "model") == {"a": "outer"}
    assert content(storage, "other") == {"b": "other"}


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "a\0b", "x" * 300])
def test_a_name_that_leads_elsewhere_is_refused(storage: ResourceFolders, name: str) -> None:
    with pytest.raises(UsageError) as caught, storage.write_to(Resource(name)):
        pass
    assert caught.value.code == "BG227"


@pytest.mark.parametrize("name", ["train", "//pkg:train", "a/b", "a_b", "100%", "%2F", "a:b"])
def test_every_name_has_a_folder_of_its_own(name: str) -> None:
    assert resource_name(folder_name(name)) == name
    assert "/" not in folder_name(name)
