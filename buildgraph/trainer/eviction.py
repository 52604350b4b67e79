"""Keeps a training cache within its size: what was used longest ago goes first (LRU)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from buildgraph.action import ActionResult
from buildgraph.digest import Digest
from buildgraph.execution.outputs import holds_folder
from buildgraph.execution.trees import entries_of
from buildgraph.store import FileLock, Ledger, Store

_TABLE: Final = "uses"
Uses = dict[str, list[Any]]  # key in hex -> when it was used last (ns), and its blobs: pairs of digest and size


def used(folder: str, store: Store, results: Mapping[Digest, ActionResult], limit: int) -> None:
    """Note that `results` are in use now, and let go of what `limit` (bytes) has no room for.

    `folder` is that of the cache. What is in use goes last.
    """
    lock = FileLock(os.path.join(folder, "uses.lock"), "eviction")
    lock.acquire(True, lambda _holder: None)
    try:
        ledger = Ledger.open(os.path.join(folder, "ledger"))
        try:
            uses: Uses = ledger.read(_TABLE) or {}
            now = time.time_ns()
            for key, result in results.items():
                uses[key.hex()] = [now, blobs_of(result, store)]
            for each in _evicted(uses, limit):
                _drop(each, uses, store)
            ledger.write({_TABLE: uses})
        finally:
            ledger.close()
    finally:
        lock.release()


def blobs_of(result: ActionResult, store: Store) -> list[list[Any]]:
    """The blobs behind a result, with their sizes in bytes. Manifests are small and count nothing."""
    found: dict[bytes, int] = {}
    for output in result.outputs:
        if holds_folder(output):
            entries = entries_of(output.blob, store.blob)
            found[output.blob] = 0
            if not isinstance(entries, Digest):
                found.update({entry.digest: entry.size for entry in entries if entry.digest is not None})
        else:
            found[output.blob] = output.size
    return [[digest, size] for digest, size in found.items()]


def _evicted(uses: Uses, limit: int) -> Iterable[str]:
    """The keys to drop, oldest first, until what is left fits. A blob counts once, however many results share it."""
    shared: dict[bytes, int] = {}
    sizes: dict[bytes, int] = {}
    for _, blobs in uses.values():
        for digest, size in blobs:
            shared[digest] = shared.get(digest, 0) + 1
            sizes[digest] = size
    total = sum(sizes.values())
    gone = []
    for key in sorted(uses, key=lambda key: uses[key][0]):
        if total <= limit:
            break
        gone.append(key)
        for digest, size in uses[key][1]:
            shared[digest] -= 1
            total -= size if not shared[digest] else 0
    return gone


def _drop(key: str, uses: Uses, store: Store) -> None:
    _, blobs = uses.pop(key)
    store.forget_result(Digest.parse(key))
    left = {digest for _, others in uses.values() for digest, _ in others}
    for digest, _ in blobs:
        if digest not in left:
            store.forget(Digest(digest))
