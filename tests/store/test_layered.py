"""A near store in front of a far one keeps what passes, and believes nothing unchecked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from buildgraph.action import ActionResult, DeepRecord, Output
from buildgraph.digest import Digest
from buildgraph.store import Layered, LocalStore, MemoryStore

LARGE = os.urandom(1 << 10) * 200
KEY = Digest.of(b"key")
RESULT = ActionResult((Output("value", "str", KEY, KEY, 1),))


class Lying(MemoryStore):
    """A far store whose bytes are not what they should be."""

    def blob(self, digest: Digest) -> bytes | None:
        return b"not what you asked for"


def test_a_far_hit_is_kept_near() -> None:
    near, far = MemoryStore(), MemoryStore()
    digest = far.put(b"value")
    far.record(KEY, RESULT)
    far.record_deep(KEY, DeepRecord(KEY, KEY))
    both = Layered(near, far)
    assert both.blob(digest) == b"value"
    assert both.result(KEY) == RESULT
    assert both.deep(KEY) == DeepRecord(KEY, KEY)
    assert near.blob(digest) == b"value"
    assert near.result(KEY) == RESULT
    assert near.deep(KEY) == DeepRecord(KEY, KEY)


def test_a_result_comes_near_without_its_blobs() -> None:
    near, far = MemoryStore(), MemoryStore()
    digest = far.put(b"value")
    far.record(KEY, RESULT)
    Layered(near, far).result(KEY)
    assert not near.has(digest)


def test_a_large_far_file_is_copied_near(tmp_path: Path) -> None:
    near, far = LocalStore.open(tmp_path / "near"), LocalStore.open(tmp_path / "far")
    digest = far.put(LARGE)
    both = Layered(near, far)
    found = both.path(digest)
    assert found is not None
    assert found.startswith(near.root)
    assert Path(found).read_bytes() == LARGE
    both.close()


def test_a_damaged_far_file_is_a_miss_and_leaves_nothing_behind(tmp_path: Path) -> None:
    near, far = LocalStore.open(tmp_path / "near"), LocalStore.open(tmp_path / "far")
    digest = far.put(LARGE)
    path = Path(far.path(digest) or "")
    path.chmod(0o600)
    path.write_bytes(b"x" * len(LARGE))
    both = Layered(near, far)
    assert both.path(digest) is None
    assert not near.has(digest)
    assert os.listdir(near.scratch()) == []
    both.close()


def test_a_far_store_that_lies_is_a_miss() -> None:
    near = MemoryStore()
    assert Layered(near, Lying()).blob(KEY) is None
    assert not near.has(Digest.of(b"not what you asked for"))


def test_what_is_put_stays_near() -> None:
    near, far = MemoryStore(), MemoryStore()
    both = Layered(near, far)
    digest = both.put(b"value")
    both.record(KEY, RESULT)
    assert near.has(digest)
    assert not far.has(digest)
    assert far.result(KEY) is None


def test_what_is_put_goes_far_when_told_so(tmp_path: Path) -> None:
    near, far = LocalStore.open(tmp_path / "near"), LocalStore.open(tmp_path / "far")
    both = Layered(near, far, write_far=True)
    small, large = both.put(b"value"), Digest.of(LARGE)
    file = Path(both.scratch()) / "large"
    file.write_bytes(LARGE)
    both.put_file(str(file), large, len(LARGE))
    both.record(KEY, RESULT)
    both.flush()
    assert far.blob(small) == b"value"
    assert far.blob(large) == LARGE
    assert far.result(KEY) == RESULT
    both.close()


@pytest.mark.parametrize("write_far", [False, True])
def test_a_forgotten_result_does_not_come_back_from_afar(write_far: bool) -> None:
    far = MemoryStore()
    far.record(KEY, RESULT)
    both = Layered(MemoryStore(), far, write_far=write_far)
    assert both.result(KEY) == RESULT
    both.forget_result(KEY)
    assert both.result(KEY) is None
