"""Single values in the training cache, by whoever asks for them by key: the two look-ups of a training cache."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from buildgraph.action import ActionResult, Output
from buildgraph.component import Resource
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError
from buildgraph.execution import results
from buildgraph.execution.codecs import RESOURCE
from buildgraph.execution.outputs import LostBlob
from buildgraph.execution.request import Request
from buildgraph.execution.resources import ResourceFolders
from buildgraph.scheduler.accept import accept
from buildgraph.store import LocalStore, Store
from buildgraph.trainer.eviction import blobs_of, used
from buildgraph.trainer.places import Places
from buildgraph.trainer.storage import LocalModelStorage, ModelStorage

_KEY: Final = b"buildgraph.training-cache.key\0"
_OUTPUT: Final = b"buildgraph.training-cache.output\0"
_logger = logging.getLogger("buildgraph.trainer")


class _Private(NamedTuple):
    private: str


def keep(places: Places, key: str, value: Any, fingerprint: str, storage: ModelStorage, limit: int | None) -> None:
    """Remember both levels. A value that cannot be stored, or is larger than `limit` bytes, is not."""
    with _store(places.store) as store:
        blob = store.put(fingerprint.encode())
        said = Output("fingerprint", "str", blob, blob, len(fingerprint.encode()))
        fresh = {_key(key): ActionResult((said,), created=int(time.time()))}
        if (result := _stored(places, value, storage, store)) is not None:
            if limit is None or result.cost.size <= limit:
                fresh[_output(fingerprint)] = result
            else:
                _let_go(result, store)
        for each, record in fresh.items():
            store.record(each, record)
        if limit is not None:
            used(os.path.dirname(places.run), store, fresh, limit)


def _let_go(result: ActionResult, store: Store) -> None:
    for digest, _ in blobs_of(result, store):
        store.forget(Digest(digest))


def _stored(places: Places, value: Any, storage: ModelStorage, store: Store) -> ActionResult | None:
    private = os.path.join(places.run, "value")
    os.makedirs(private, exist_ok=True)
    known = {}
    if isinstance(value, Resource):
        if not isinstance(storage, LocalModelStorage) or not storage.folder(value.name).is_dir():
            return None
        known[value.name] = storage.folder(value.name)
    made = 0

    def scratch() -> str:
        nonlocal made
        made += 1
        return os.path.join(store.scratch(), f"cache-{made}")

    asked = Request("value", "", "", "", False, b"", "", (), (), "", "", (), "", "")
    try:
        outcome = results.of_value(asked, value, ResourceFolders(Path(private, "resources"), known), scratch, _Private(private))
    except BuildgraphError as error:
        _logger.debug("A value is not cached: %s", error.headline)
        return None
    except Exception as error:  # noqa: BLE001 - to_cache is user code
        _logger.error("A %s could not be cached: %s: %s", type(value).__qualname__, type(error).__name__, error)
        return None
    return accept(outcome, store, int(time.time()), {}, Digest.of(b""))


def look_up(folder: str, state: str, key: str, limit: int | None) -> str | None:
    """The fingerprint that `key` leads to; with a limit, that is a use of its value. `state` is the cache's own folder."""
    with _store(folder) as store:
        result = store.result(_key(key))
        data = store.blob(result.value.blob) if result is not None else None
        if data is None or result is None:
            return None
        fingerprint = data.decode()
        if limit is not None:
            value = store.result(_output(fingerprint))
            used(state, store, {_key(key): result, **({_output(fingerprint): value} if value is not None else {})}, limit)
        return fingerprint


def fetch(places: Places, fingerprint: str, name: str, storage: ModelStorage, limit: int | None) -> Any | None:
    """The value with that fingerprint, its resource written into `storage`; None when any of it is missing.

    With a limit, that is a use of it.
    """
    from buildgraph.trainer.running import Done, restore, value_of

    with _store(places.store) as store:
        result = store.result(_output(fingerprint))
        if result is None:
            return None
        if limit is not None:
            used(os.path.dirname(places.run), store, {_output(fingerprint): result}, limit)
        try:
            kind = result.value.codec.partition(":")[0]
            if kind == RESOURCE:
                restore(store, result.value, storage, name)
                return Resource(name, fingerprint)
            return value_of(Done(store, places.run, {name: result.value}, {}, {}, {}), name, storage)
        except LostBlob:
            return None
        except Exception as error:  # noqa: BLE001 - from_cache is user code, and its class may be gone
            _logger.warning("A cached value cannot be restored: %s: %s", type(error).__name__, error)
            return None


@contextmanager
def _store(folder: str) -> Iterator[Store]:
    store = LocalStore.open(folder)
    try:
        yield store
    finally:
        store.close()


def _key(key: str) -> Digest:
    return Digest.of(_KEY + key.encode())


def _output(fingerprint: str) -> Digest:
    return Digest.of(_OUTPUT + fingerprint.encode())
