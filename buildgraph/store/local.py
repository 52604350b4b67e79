"""The store on this machine's disk: LMDB for metadata and small blobs, files for large ones, damage never trusted.

A blob is written before the record that names it, and both become visible in one transaction. When the disk cannot be
written, caching is switched off for this process with one warning: what was put stays readable here, in memory.
One thread writes; others may read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from buildgraph.action import ActionResult, DeepRecord
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode_value
from buildgraph.errors import LockError, StoreError, VerificationError
from buildgraph.store.base import GUARD, INLINE, SCHEMA, OnDamage, Warn, ignore_damage, ignore_warning, seal, unseal
from buildgraph.store.environment import DAMAGED, FORKED, MAP_SIZE, MAX_WAIT, Environment, disk_failure, forked
from buildgraph.store.files import BlobFiles, check_size, read_file, size_of, write_file
from buildgraph.store.folder import make_scratch, prepare
from buildgraph.store.quarantine import new_quarantine

META: Final = b"meta"
BLOB: Final = b"blob"
BLOC: Final = b"bloc"
AC: Final = b"ac"
DEEP: Final = b"deep"
TABLES: Final = (META, BLOB, BLOC, AC, DEEP)

_MAX_ROWS: Final = 16384  # the build loop flushes by time: this only bounds memory
_MAX_BYTES: Final = 8 << 20
_PLAIN: Final = 0  # kind of a blob file: its bytes as they are
_NEVER: Final = 0  # when a blob file was last verified by a collector


class LocalStore:
    """The Store in a folder. Use `open`; `environment` is None when there is no index to use."""

    __slots__ = (
        "_blobs", "_bytes", "_clock", "_deep", "_environment", "_files", "_held", "_limit", "_looked", "_max_wait",
        "_off", "_on_damage", "_pid", "_places", "_quarantine", "_results", "_scratch", "_verify", "_warn", "root",
    )  # fmt: skip

    def __init__(
        self, root: str, environment: Environment | None, *, on_damage: OnDamage, warn: Warn, read_only: bool,
        clock: Callable[[], float], verify: bool,
    ) -> None:  # fmt: skip
        self.root = root
        self._environment = environment
        self._files = BlobFiles(f"{root}/blobs")
        self._on_damage = on_damage
        self._warn = warn
        self._clock = clock
        self._verify = verify
        self._off = read_only or environment is None
        self._pid = os.getpid()
        self._blobs: dict[Digest, bytes] = {}  # put, and not committed yet
        self._places: dict[Digest, tuple[str, int]] = {}  # suffix and size of the files taken over
        self._held: dict[Digest, tuple[str, int]] = {}  # path and size of files that could not be taken over
        self._results: dict[Digest, bytes] = {}  # sealed
        self._deep: dict[Digest, bytes] = {}
        self._bytes = 0
        self._limit = _MAX_ROWS
        self._max_wait = MAX_WAIT
        self._scratch = ""
        self._quarantine = ""
        self._looked: set[str] = set()

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, on_damage: OnDamage = ignore_damage, warn: Warn = ignore_warning,
        read_only: bool = False, map_size: int = MAP_SIZE, clock: Callable[[], float] = time.time, _verify: bool = True,
    ) -> LocalStore:  # fmt: skip
        """The store in the folder `path`, made when there is none. Raises StoreError when it cannot be used.

        `_verify=False` trusts what it reads; it exists to prove that the tests notice.
        """
        root = prepare(os.fspath(path), read_only=read_only)
        environment = None
        try:
            environment = Environment.open(
                root, kind="store", tables=TABLES, warn=warn, clock=clock, map_size=map_size, read_only=read_only
            )
        except StoreError as error:
            if error.code != DAMAGED or read_only:
                raise
            warn(error.code, f"{error.headline}; this build caches nothing")
        except LockError as error:
            warn("BG312", f"{error.headline} for {MAX_WAIT:.0f} s; this build caches nothing")
        return cls(root, environment, on_damage=on_damage, warn=warn, read_only=read_only, clock=clock, verify=_verify)

    # blobs

    def blob(self, digest: Digest) -> bytes | None:
        if os.getpid() != self._pid:
            self._check_process()
        data = self._blobs.get(digest)
        if data is not None:
            return data
        data = self._read(BLOB, digest)
        file = ""
        if data is None:
            file = self._location(digest)[0]
            data = read_file(file) if file else None
            if data is None:
                return None
        if not self._verify or Digest.of(data) == digest:
            return data
        self._damaged(digest, file, data)
        return None

    def has(self, digest: Digest) -> bool:
        if digest in self._blobs:
            return True
        environment = self._environment
        try:
            if environment is not None and environment.has(BLOB, SCHEMA + digest):
                return True
        except (StoreError, LockError) as error:
            self._switch_off(error)
        return self.path(digest) is not None

    def put(self, data: bytes) -> Digest:
        if os.getpid() != self._pid:
            self._check_process()
        digest = Digest.of(data)
        if digest not in self._blobs:
            if len(data) > INLINE:
                self._put_large(digest, data)
            else:
                self._blobs[digest] = data
                self._bytes += len(data)
                self._flush_if_full()
        return digest

    def put_file(self, path: str, digest: Digest, size: int) -> None:
        self._check_process()
        check_size(path, digest, size)
        if size <= INLINE:
            self._put_small(path, digest)
        elif self.path(digest) is not None:
            os.unlink(path)
        elif self._off:
            self._held[digest] = path, size
        else:
            try:
                self._places[digest] = self._files.take(path, digest), size
            except OSError as error:
                self._switch_off(disk_failure("store", self.root, error))
                self._held[digest] = path, size
            self._flush_if_full()

    def path(self, digest: Digest) -> str | None:
        file, size = self._location(digest)
        if not file:
            return None
        self._looked.add(file)
        found = size_of(file)
        if found == size:
            return file
        if found < 0:
            self.forget(digest)  # somebody removed it
        else:
            self._damaged(digest, file, None)
        return None

    def looked(self) -> set[str]:
        """The files that what was read so far rests on, all of the index in one of them."""
        return {f"{self.root}/index/data.mdb", *self._looked}

    def forget(self, digest: Digest) -> None:
        self._bytes -= len(self._blobs.pop(digest, b""))
        file = self._location(digest)[0]
        self._held.pop(digest, None)
        self._places.pop(digest, None)
        key = SCHEMA + digest

        def change(txn: Any, tables: Mapping[bytes, Any]) -> None:
            txn.delete(key, db=tables[BLOB])
            txn.delete(key, db=tables[BLOC])

        self._write(change)
        if file and not self._off:
            _unlink(file)  # after the commit: the file name has a random part, so no later put is hit

    # records

    def result(self, key: Digest) -> ActionResult | None:
        record = self._results.get(key) or self._read(AC, key)
        if record is None:
            return None
        body = unseal(AC, key, record) if self._verify else record[:-GUARD]
        return ActionResult.decode(body) if body is not None else None

    def record(self, key: Digest, result: ActionResult) -> None:
        if os.getpid() != self._pid:
            self._check_process()
        self._results[key] = seal(AC, key, result.encode())
        self._flush_if_full()

    def deep(self, key: Digest) -> DeepRecord | None:
        record = self._deep.get(key) or self._read(DEEP, key)
        body = unseal(DEEP, key, record) if record is not None else None
        return DeepRecord.decode(body) if body else None

    def record_deep(self, key: Digest, record: DeepRecord) -> None:
        self._check_process()
        self._deep[key] = seal(DEEP, key, record.encode())
        self._flush_if_full()

    def forget_result(self, key: Digest) -> None:
        self._results.pop(key, None)
        self._deep.pop(key, None)

        def change(txn: Any, tables: Mapping[bytes, Any]) -> None:
            txn.delete(SCHEMA + key, db=tables[AC])
            txn.delete(SCHEMA + key, db=tables[DEEP])

        self._write(change)

    # life

    def scratch(self) -> str:
        self._check_process()
        if not self._scratch:
            try:
                self._scratch = make_scratch(None if self._off else self.root)
            except OSError as error:
                self._switch_off(disk_failure("store", self.root, error))
                self._scratch = make_scratch(None)
        return self._scratch

    def flush(self) -> None:
        self._check_process()
        if self._off or not (self._blobs or self._places or self._results or self._deep):
            return
        try:
            self._files.settle()
        except OSError as error:
            self._switch_off(disk_failure("store", self.root, error))
            return
        if self._write(self._commit):
            for pending in (self._blobs, self._places, self._results, self._deep):
                pending.clear()
            self._bytes = 0
            self._limit, self._max_wait = _MAX_ROWS, MAX_WAIT

    def sync(self) -> None:
        self.flush()
        if self._environment is not None and not self._off:
            try:
                self._environment.sync()
            except StoreError as error:
                self._switch_off(error)

    def close(self) -> None:
        if os.getpid() != self._pid:
            return
        self.flush()
        if self._environment is not None:
            self._environment.close()
            self._environment = None
            self._off = True
        if self._scratch:
            import shutil  # slow to import, and needed only by builds with large files

            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = ""

    # inside

    def _read(self, table: bytes, digest: Digest) -> bytes | None:
        if self._environment is None:
            return None
        try:
            return self._environment.get(table, SCHEMA + digest)
        except (StoreError, LockError) as error:
            self._switch_off(error)
            return None

    def _write(self, change: Callable[[Any, Mapping[bytes, Any]], None]) -> bool:
        """Commit `change`; False when it could not be done, after saying so once."""
        if self._off or self._environment is None:
            return False
        try:
            self._environment.write(change, max_wait=self._max_wait)
        except LockError as error:
            if self._max_wait:
                self._warn("BG312", f"{error.headline} for {MAX_WAIT:.0f} s: results wait in memory")
            self._max_wait = 0.0  # never wait twice for the same holder
            self._limit = self._rows() + _MAX_ROWS
            self._bytes = 0
            return False
        except StoreError as error:
            self._switch_off(error)
            return False
        return True

    def _commit(self, txn: Any, tables: Mapping[bytes, Any]) -> None:
        places = [
            (SCHEMA + digest, seal(BLOC, digest, encode_value([size, _PLAIN, suffix, _NEVER])))
            for digest, (suffix, size) in self._places.items()
        ]
        for table, rows in (
            (BLOB, [(SCHEMA + digest, data) for digest, data in self._blobs.items() if len(data) <= INLINE]),
            (BLOC, places),
            (AC, [(SCHEMA + key, record) for key, record in self._results.items()]),
            (DEEP, [(SCHEMA + key, record) for key, record in self._deep.items()]),
        ):
            if rows:
                rows.sort()  # neighbours share pages
                txn.cursor(tables[table]).putmulti(rows, overwrite=table is not BLOB)

    def _rows(self) -> int:
        return len(self._results) + len(self._blobs) + len(self._places) + len(self._deep)

    def _flush_if_full(self) -> None:
        records = len(self._results) + len(self._deep)
        if records >= self._limit or len(self._blobs) >= 4 * self._limit or self._bytes >= _MAX_BYTES:
            self.flush()

    def _location(self, digest: Digest) -> tuple[str, int]:
        """Path and recorded size of a large blob; an empty path when there is none."""
        held = self._held.get(digest)
        if held is not None:
            return held
        place = self._places.get(digest)
        if place is None:
            record = self._read(BLOC, digest)
            body = unseal(BLOC, digest, record) if record is not None else None
            if body is None:
                return "", 0
            size, kind, suffix, _ = decode_trusted(body)
            if kind != _PLAIN:
                return "", 0
            place = suffix, size
        return self._files.place(digest, place[0]), place[1]

    def _put_large(self, digest: Digest, data: bytes) -> None:
        if self._off:
            self._blobs[digest] = data
            return
        try:
            path = f"{self.scratch()}/{digest.hex()}-{os.urandom(4).hex()}"
            write_file(path, data)
        except OSError as error:
            self._switch_off(disk_failure("store", self.root, error))
            self._blobs[digest] = data
            return
        self.put_file(path, digest, len(data))

    def _put_small(self, path: str, digest: Digest) -> None:
        data = read_file(path)
        if data is None or self.put(data) != digest:
            raise VerificationError(
                "a file changed while it was handed to the store", code="BG307", where=path,
                facts=(("digest", str(digest)),), fix="build again",
                why="a blob is stored under the digest of the bytes that were written",
            )  # fmt: skip
        os.unlink(path)

    def _damaged(self, digest: Digest, file: str, data: bytes | None) -> None:
        """Keep the damaged bytes for whoever wants to know, forget the blob, and tell."""
        if not self._off:
            try:
                if not self._quarantine:
                    self._quarantine = new_quarantine(self.root, self._clock())
                if file:
                    os.rename(file, f"{self._quarantine}/{os.path.basename(file)}")
                else:
                    write_file(f"{self._quarantine}/{digest.hex()}-{os.urandom(4).hex()}", data or b"")
            except OSError as error:
                self._switch_off(disk_failure("store", self.root, error))
        self.forget(digest)
        self._on_damage(digest)

    def _switch_off(self, error: StoreError | LockError) -> None:
        """Cache nothing more in this process, and say so once. What was put stays readable."""
        if error.code == FORKED:
            raise error
        if not self._off:
            self._off = True
            self._warn(error.code, f"{error.headline}; this build caches nothing more")

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise forked("store", self.root)


def _unlink(path: str) -> None:
    with suppress(OSError):  # an orphan costs space, not correctness
        os.unlink(path)
