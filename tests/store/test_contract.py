"""What every store promises, held against each of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buildgraph.action import ActionResult, Cost, DeepRecord, Output
from buildgraph.digest import Digest
from buildgraph.errors import VerificationError
from buildgraph.store import Layered, LocalStore, MemoryStore, Store

LARGE = os.urandom(1 << 10) * 200
KEY = Digest.of(b"key")


def local(folder: Path) -> Store:
    return LocalStore.open(folder / "store")


def memory(_folder: Path) -> Store:
    return MemoryStore()


def layered(folder: Path) -> Store:
    return Layered(LocalStore.open(folder / "near"), MemoryStore())


def writing_both(folder: Path) -> Store:
    return Layered(LocalStore.open(folder / "near"), LocalStore.open(folder / "far"), write_far=True)


@pytest.fixture(params=[local, memory, layered, writing_both], ids=lambda factory: factory.__name__)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    factory: Callable[[Path], Store] = request.param
    made = factory(tmp_path)
    yield made
    made.close()


def a_result(data: bytes = b"value", created: int = 1) -> ActionResult:
    digest = Digest.of(data)
    output = Output("value", "msgpack", digest, digest, len(data))
    return ActionResult((output,), None, Cost(0.5, 0.25, 10, 20), created)


def a_file(store: Store, data: bytes) -> str:
    path = os.path.join(store.scratch(), os.urandom(4).hex())
    Path(path).write_bytes(data)
    return path


def test_what_was_never_put_is_not_there(store: Store) -> None:
    assert store.blob(KEY) is None
    assert store.path(KEY) is None
    assert store.result(KEY) is None
    assert store.deep(KEY) is None
    assert not store.has(KEY)


@pytest.mark.parametrize("data", [b"", b"small", bytes(64 << 10), LARGE], ids=["empty", "small", "threshold", "large"])
@pytest.mark.parametrize("flushed", [False, True])
def test_a_blob_comes_back_before_and_after_the_flush(store: Store, data: bytes, flushed: bool) -> None:
    digest = store.put(data)
    if flushed:
        store.flush()
    assert digest == Digest.of(data)
    assert store.has(digest)
    assert store.blob(digest) == data


@pytest.mark.parametrize("flushed", [False, True])
def test_a_result_comes_back_before_and_after_the_flush(store: Store, flushed: bool) -> None:
    store.put(b"value")
    store.record(KEY, a_result())
    store.record_deep(KEY, DeepRecord(KEY, Digest.of(b"ancestry"), (KEY,)))
    if flushed:
        store.sync()
    assert store.result(KEY) == a_result()
    assert store.deep(KEY) == DeepRecord(KEY, Digest.of(b"ancestry"), (KEY,))


def test_a_second_record_replaces_the_first(store: Store) -> None:
    store.record(KEY, a_result(created=1))
    store.flush()
    store.record(KEY, a_result(created=2))
    store.flush()
    assert store.result(KEY) == a_result(created=2)


def test_a_finished_file_is_taken_over_and_read_only(store: Store) -> None:
    path = a_file(store, LARGE)
    store.put_file(path, Digest.of(LARGE), len(LARGE))
    assert not os.path.exists(path)
    found = store.path(Digest.of(LARGE))
    assert found is not None
    assert os.stat(found).st_mode & 0o777 == 0o444
    assert Path(found).read_bytes() == LARGE
    assert store.blob(Digest.of(LARGE)) == LARGE


def test_a_file_put_twice_is_stored_once(store: Store) -> None:
    for _ in range(2):
        store.put_file(a_file(store, LARGE), Digest.of(LARGE), len(LARGE))
        store.flush()
    assert store.blob(Digest.of(LARGE)) == LARGE


def test_a_small_file_is_taken_over_too(store: Store) -> None:
    store.put_file(a_file(store, b"small"), Digest.of(b"small"), 5)
    assert store.blob(Digest.of(b"small")) == b"small"


def test_a_file_of_another_size_than_announced_is_refused(store: Store) -> None:
    with pytest.raises(VerificationError) as caught:
        store.put_file(a_file(store, LARGE), Digest.of(LARGE), len(LARGE) + 1)
    assert caught.value.code == "BG307"
    assert not store.has(Digest.of(LARGE))


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("flushed", [False, True])
def test_what_was_forgotten_is_gone_until_it_is_put_again(store: Store, data: bytes, flushed: bool) -> None:
    digest = store.put(data)
    store.record(KEY, a_result())
    if flushed:
        store.flush()
    store.forget(digest)
    store.forget_result(KEY)
    assert store.blob(digest) is None
    assert not store.has(digest)
    assert store.result(KEY) is None
    store.put(data)
    store.record(KEY, a_result())
    assert store.blob(digest) == data
    assert store.result(KEY) == a_result()


def test_the_scratch_folder_is_private_and_stays_the_same(store: Store) -> None:
    assert os.stat(store.scratch()).st_mode & 0o777 == 0o700
    assert store.scratch() == store.scratch()


def test_closing_twice_is_fine(store: Store) -> None:
    store.put(b"value")
    store.close()
    store.close()


@given(st.lists(st.tuples(st.sampled_from(["put", "forget", "flush"]), st.binary(max_size=4)), max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_store_agrees_with_a_set_of_blobs(store: Store, steps: list[tuple[str, bytes]]) -> None:
    kept: set[bytes] = set()
    for _, data in steps:
        store.forget(Digest.of(data))
    for step, data in steps:
        if step == "put":
            store.put(data)
            kept.add(data)
        elif step == "forget":
            store.forget(Digest.of(data))
            kept.discard(data)
        else:
            store.flush()
        assert {each for _, each in steps if store.has(Digest.of(each))} == kept
        assert all(store.blob(Digest.of(each)) == (each if each in kept else None) for _, each in steps)
