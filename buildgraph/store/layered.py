"""A near store in front of a far one: what the far one has is kept near as it passes."""

from __future__ import annotations

import os

from buildgraph.action import ActionResult, DeepRecord
from buildgraph.digest import Digest, Hasher
from buildgraph.store.base import Store
from buildgraph.store.files import check_size

_CHUNK = 1 << 20


class Layered:
    """Reads near, then far, and back-fills; writes near, and far too with `write_far`.

    Far bytes are hashed before they count. A record comes near without its blobs: they follow when somebody asks.
    What was forgotten stays hidden, even if the far store still has it, until it is put or recorded again.
    """

    __slots__ = ("_far", "_hidden", "_hidden_keys", "_near", "_write_far")

    def __init__(self, near: Store, far: Store, *, write_far: bool = False) -> None:
        self._near = near
        self._far = far
        self._write_far = write_far
        self._hidden: set[Digest] = set()
        self._hidden_keys: set[Digest] = set()

    def blob(self, digest: Digest) -> bytes | None:
        data = self._near.blob(digest)
        if data is not None or digest in self._hidden:
            return data
        data = self._far.blob(digest)
        if data is None or Digest.of(data) != digest:
            return None
        self._near.put(data)
        return data

    def has(self, digest: Digest) -> bool:
        return self._near.has(digest) or (digest not in self._hidden and self._far.has(digest))

    def put(self, data: bytes) -> Digest:
        digest = self._near.put(data)
        self._hidden.discard(digest)
        if self._write_far:
            self._far.put(data)
        return digest

    def put_file(self, path: str, digest: Digest, size: int) -> None:
        check_size(path, digest, size)
        if self._write_far:
            _hand_over(path, digest, self._far)
        self._near.put_file(path, digest, size)
        self._hidden.discard(digest)

    def path(self, digest: Digest) -> str | None:
        found = self._near.path(digest)
        if found is not None or digest in self._hidden:
            return found
        far = self._far.path(digest)
        if far is None or not _hand_over(far, digest, self._near):
            return None
        return self._near.path(digest)

    def result(self, key: Digest) -> ActionResult | None:
        result = self._near.result(key)
        if result is not None or key in self._hidden_keys:
            return result
        result = self._far.result(key)
        if result is not None:
            self._near.record(key, result)
        return result

    def record(self, key: Digest, result: ActionResult) -> None:
        self._near.record(key, result)
        self._hidden_keys.discard(key)
        if self._write_far:
            self._far.record(key, result)

    def deep(self, key: Digest) -> DeepRecord | None:
        record = self._near.deep(key)
        if record is not None or key in self._hidden_keys:
            return record
        record = self._far.deep(key)
        if record is not None:
            self._near.record_deep(key, record)
        return record

    def record_deep(self, key: Digest, record: DeepRecord) -> None:
        self._near.record_deep(key, record)
        self._hidden_keys.discard(key)
        if self._write_far:
            self._far.record_deep(key, record)

    def forget(self, digest: Digest) -> None:
        self._near.forget(digest)
        self._hidden.add(digest)

    def forget_result(self, key: Digest) -> None:
        self._near.forget_result(key)
        self._hidden_keys.add(key)

    def scratch(self) -> str:
        return self._near.scratch()

    def flush(self) -> None:
        self._near.flush()
        if self._write_far:
            self._far.flush()

    def sync(self) -> None:
        self._near.sync()
        if self._write_far:
            self._far.sync()

    def close(self) -> None:
        self._near.close()
        self._far.close()


def _hand_over(path: str, digest: Digest, store: Store) -> bool:
    """Give `store` a copy of the file at `path`, hashed on the way; False when the bytes are not those of `digest`."""
    copy = f"{store.scratch()}/{digest.hex()}-{os.urandom(4).hex()}"
    hasher = Hasher()
    try:
        with open(path, "rb", buffering=0) as source, open(copy, "xb", buffering=0) as target:
            while data := source.read(_CHUNK):
                hasher.write(data)
                view = memoryview(data)
                while view:
                    view = view[target.write(view) :]
        if hasher.digest() == digest:
            store.put_file(copy, digest, hasher.size)
            return True
    except OSError:
        pass  # neither file is needed: a copy that cannot be made is a miss
    if os.path.exists(copy):
        os.unlink(copy)
    return False
