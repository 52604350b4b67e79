"""A store in this process's memory: for tests, dry runs and builds that may not write."""

from __future__ import annotations

import os

from buildgraph.action import ActionResult, DeepRecord
from buildgraph.digest import Digest
from buildgraph.store.base import OnDamage, ignore_damage
from buildgraph.store.files import check_size, read_file, size_of


class MemoryStore:
    """Dictionaries; only large files touch a disk, in a private folder under the system's temporary one."""

    __slots__ = ("_blobs", "_deep", "_files", "_on_damage", "_results", "_scratch")

    def __init__(self, *, on_damage: OnDamage = ignore_damage) -> None:
        self._blobs: dict[Digest, bytes] = {}
        self._files: dict[Digest, tuple[str, int]] = {}
        self._results: dict[Digest, ActionResult] = {}
        self._deep: dict[Digest, DeepRecord] = {}
        self._scratch: str | None = None
        self._on_damage = on_damage

    def blob(self, digest: Digest) -> bytes | None:
        data = self._blobs.get(digest)
        if data is None and digest in self._files:
            data = read_file(self._files[digest][0])
        if data is None or Digest.of(data) == digest:
            return data
        self.forget(digest)
        self._on_damage(digest)
        return None

    def has(self, digest: Digest) -> bool:
        return digest in self._blobs or self.path(digest) is not None

    def put(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        self._blobs[digest] = data
        return digest

    def put_file(self, path: str, digest: Digest, size: int) -> None:
        check_size(path, digest, size)
        taken = f"{self.scratch()}/{digest.hex()}"
        os.chmod(path, 0o444)
        os.rename(path, taken)
        self._files[digest] = taken, size

    def path(self, digest: Digest) -> str | None:
        found = self._files.get(digest)
        return found[0] if found is not None and size_of(found[0]) == found[1] else None

    def result(self, key: Digest) -> ActionResult | None:
        return self._results.get(key)

    def record(self, key: Digest, result: ActionResult) -> None:
        self._results[key] = result

    def deep(self, key: Digest) -> DeepRecord | None:
        return self._deep.get(key)

    def record_deep(self, key: Digest, record: DeepRecord) -> None:
        self._deep[key] = record

    def forget(self, digest: Digest) -> None:
        self._blobs.pop(digest, None)
        self._files.pop(digest, None)

    def forget_result(self, key: Digest) -> None:
        self._results.pop(key, None)
        self._deep.pop(key, None)

    def scratch(self) -> str:
        if self._scratch is None:
            import tempfile  # rarely needed, slow to import

            self._scratch = tempfile.mkdtemp(prefix="buildgraph-")
        return self._scratch

    def flush(self) -> None:
        """Nothing is buffered."""

    def sync(self) -> None:
        """Memory survives nothing."""

    def close(self) -> None:
        if self._scratch is not None:
            import shutil

            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
            self._files.clear()
