"""The only module that talks to LMDB: opens it safely, lets one writer in at a time, grows it, survives its errors.

A folder holds `index/` (the LMDB environment), `gate.lock` (who may write), `users.lock` (shared by every process that
has it open; exclusive for the one that replaces the index), a marker file that says the index was made, and
`corrupt-<time>/`.

LMDB loses its own locks when a process opens one environment twice, so open environments are kept in `_OPEN`, by real
path and counted. That registry is the one piece of module state here: it mirrors a limit of the process itself.
"""

from __future__ import annotations

import os
import signal
from _thread import RLock, get_native_id
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import lmdb

from buildgraph.errors import StoreError
from buildgraph.store.base import Warn
from buildgraph.store.guard import Look, look
from buildgraph.store.lock import FileLock, Holder
from buildgraph.store.marker import read_marker, write_marker
from buildgraph.store.quarantine import new_quarantine

MAP_SIZE: Final = 256 << 20
MAX_WAIT: Final = 60.0  # seconds at the gate, then the batch stays in memory
PATIENCE: Final = 5.0  # seconds at the gate before its holder is named
DAMAGED: Final = "BG304"
FORKED: Final = "BG303"

_TRIES: Final = 5
_ROOM: Final = 256 * 1024  # bytes that a new environment needs at once
_MAX_MAP: Final = 1 << 46
_SLACK: Final = 1 << 20
_STEP: Final = 4 << 20
_DAMAGE: Final = (
    lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.VersionMismatchError, lmdb.PanicError,
)  # fmt: skip
_HELD_BACK: Final = (signal.SIGINT, signal.SIGTSTP)

Change = Callable[[Any, Mapping[bytes, Any]], None]  # gets the transaction and the tables; may be called more than once

_OPEN: dict[str, Environment] = {}
_OPENING: Final = RLock()  # two threads that open, or close, the same one


class _Shut:
    """Stands where no environment is open: every use fails the way a broken disk does."""

    def close(self) -> None:
        pass

    def begin(self, *_: Any, **__: Any) -> Any:
        raise lmdb.Error("it is closed")

    info = sync = begin


class Environment:
    """One LMDB environment of this process. Any thread may read and write; a forked child may do neither."""

    __slots__ = (
        "_clock", "_env", "_lock", "_map_size", "_names", "_pid", "_references", "_tables", "_users", "_warn",
        "_writing", "gate", "kind", "marker", "read_only", "root",
    )  # fmt: skip

    def __init__(
        self, root: str, kind: str, tables: tuple[bytes, ...], *, map_size: int, read_only: bool, warn: Warn,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.root = root
        self.kind = kind
        self.marker = f"{root}/{kind.upper()}"
        self.read_only = read_only
        self.gate = FileLock(f"{root}/gate.lock", f"write to the {kind}")
        self._users = FileLock(f"{root}/users.lock", f"use the {kind}", shared=True)
        self._names = tables
        self._map_size = map_size
        self._warn = warn
        self._clock = clock
        self._pid = os.getpid()
        self._references = 1
        self._lock = RLock()  # no transaction of ours may be open while the map is resized
        self._writing = RLock()
        self._env: Any = _Shut()
        self._tables: dict[bytes, Any] = {}

    @classmethod
    def open(
        cls, root: str, *, kind: str, tables: tuple[bytes, ...], warn: Warn, clock: Callable[[], float],
        map_size: int = MAP_SIZE, read_only: bool = False,
    ) -> Environment:  # fmt: skip
        """The environment in `root`, made when there is none; a damaged one is moved aside. Raises StoreError."""
        real = os.path.realpath(root)
        with _OPENING:
            known = _OPEN.get(real)
            if known is not None:
                known.check_process()
                if known.read_only and not read_only:
                    raise StoreError(
                        f"the {kind} is already open for reading only in this process", code="BG309", where=real,
                        why="a process can open it once", fix="close it first, or open it for writing at once",
                    )  # fmt: skip
                known._references += 1
                return known
            made = cls(real, kind, tables, map_size=map_size, read_only=read_only, warn=warn, clock=clock)
            made._start()
            _OPEN[real] = made
            return made

    # reading

    def get(self, table: bytes, key: bytes) -> bytes | None:
        """The value of `key`, copied out. Raises StoreError when the disk fails."""
        for attempt in range(_TRIES):
            if os.getpid() != self._pid:
                self.check_process()
            try:
                with self._lock:
                    txn = self._env.begin(self._tables.get(table))
                    try:
                        return txn.get(key)  # type: ignore[no-any-return] # lmdb has no useful types
                    finally:
                        txn.abort()
            except lmdb.Error as error:
                self._mend(error, attempt)
        return None

    def has(self, table: bytes, key: bytes) -> bool:
        """Whether `key` has a value; the value is not copied."""
        for attempt in range(_TRIES):
            if os.getpid() != self._pid:
                self.check_process()
            try:
                with self._lock:
                    txn = self._env.begin(self._tables.get(table), None, False, True)
                    try:
                        return txn.get(key) is not None
                    finally:
                        txn.abort()
            except lmdb.Error as error:
                self._mend(error, attempt)
        return False

    def get_many(self, table: bytes, keys: Iterable[bytes]) -> list[bytes | None]:
        """The values of `keys`, in order, from one transaction."""
        wanted = list(keys)
        for attempt in range(_TRIES):
            self.check_process()
            try:
                with self._lock, self._env.begin(self._tables.get(table)) as txn:
                    return [txn.get(key) for key in wanted]
            except lmdb.Error as error:
                self._mend(error, attempt)
        return [None] * len(wanted)

    # writing

    def write(self, change: Change, *, max_wait: float = MAX_WAIT) -> None:
        """Commit `change` in one transaction behind the gate; it is called again when the map was too small.

        Raises LockError when the gate stays shut for `max_wait` seconds, StoreError when the disk fails.
        """
        self.check_process()
        with self._writing:
            self.gate.acquire(timeout=max_wait, on_wait=self._say_busy, patience=PATIENCE)
            try:
                attempt = 0
                while True:
                    try:
                        self._commit(change)
                        break
                    except lmdb.MapFullError:
                        self._grow()
                    except lmdb.Error as error:
                        self._mend(error, attempt)
                        attempt += 1
            finally:
                self.gate.release()

    def sync(self) -> None:
        """Force every commit down to the disk. Raises StoreError."""
        self.check_process()
        try:
            with self._lock:
                self._env.sync(True)
        except lmdb.Error as error:
            raise self._failure(error) from error

    def _commit(self, change: Change) -> None:
        main = get_native_id() == self._pid  # a stop or Ctrl-C in here would keep the next writer waiting
        old = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK) if main else None
        try:
            with self._lock:
                with self._env.begin(write=True) as txn:
                    change(txn, self._tables)
                self._reserve()
        finally:
            if old is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, old)

    def _reserve(self) -> None:
        """Keep the file longer than its last page: pages freed before they were written may leave it shorter.

        The guard could not tell such a file from a truncated one. The extra length is a hole and takes no space.
        """
        path = f"{self.root}/index/data.mdb"
        needed = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        try:
            if os.stat(path).st_size < needed + _SLACK:
                os.truncate(path, needed + _STEP)
        except OSError:
            pass  # a full disk: what was committed is safe, and the next opener looks twice

    def _grow(self) -> None:
        with self._lock:
            size = self._env.info()["map_size"] * 2
            try:
                if size > _MAX_MAP:
                    raise lmdb.MapFullError("the map cannot grow further")
                self._env.set_mapsize(size)
            except lmdb.Error as error:
                raise self._failure(error) from error

    def _say_busy(self, holder: Holder) -> None:
        self._warn("BG308", f"the {self.kind} is busy: {holder} holds {self.gate.path}; waiting up to {MAX_WAIT:.0f} s")

    # trouble

    def check_process(self) -> None:
        """Raise StoreError (BG303) in a forked child: LMDB would read silently and corrupt on write."""
        if os.getpid() != self._pid:
            raise forked(self.kind, self.root)

    def _mend(self, error: lmdb.Error, attempt: int) -> None:
        """Do what lets the next attempt succeed, or raise StoreError."""
        if attempt >= _TRIES - 1:
            raise self._failure(error) from error
        if isinstance(error, lmdb.MapResizedError):  # another process made the map larger
            with self._lock:
                self._env.set_mapsize(0)
        elif isinstance(error, lmdb.ReadersFullError):  # dead processes still hold reader slots
            with self._lock:
                self._env.reader_check()
        elif isinstance(error, (lmdb.BadRslotError, lmdb.BadTxnError)):
            self._begin_alone("")
        elif isinstance(error, _DAMAGE) and not self.read_only:
            self._begin_alone(f"LMDB says: {error}")
        else:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        return disk_failure(self.kind, self.root, error)

    # opening and closing

    def _start(self) -> None:
        try:
            try:
                self._users.acquire(timeout=MAX_WAIT)
            except StoreError:
                if not self.read_only:
                    raise  # else: on a read-only file system nobody can replace the index under us
            if self.read_only:
                self._open_to_read(look(f"{self.root}/index/data.mdb"))
            else:
                self._begin_alone("")
        except BaseException:
            self._shut()
            self._users.release()
            raise

    def _open_to_read(self, found: Look) -> None:
        try:
            if found.problem:
                raise lmdb.CorruptedError(found.problem)
            self._map(found)
        except lmdb.Error as error:
            raise StoreError(
                f"the {self.kind} cannot be read: {error}", code=DAMAGED, where=f"{self.root}/index/data.mdb",
                why="it was opened for reading only, so it cannot be replaced",
                fix="open it for writing once, or use another one",
            ) from error  # fmt: skip

    def _begin_alone(self, problem: str) -> None:
        """Open the index (again) behind the gate. Raises LockError when the gate stays shut."""
        with self._writing:
            gated = self.gate.held
            if not gated:
                self.gate.acquire(timeout=MAX_WAIT, on_wait=self._say_busy, patience=PATIENCE)
            try:
                with self._lock:
                    self._shut()
                    self._begin(problem)
            finally:
                if not gated:
                    self.gate.release()

    def _begin(self, problem: str) -> None:
        """Behind the gate: open the index, after moving it aside if it is damaged (or `problem` says so)."""
        known = read_marker(self.marker) is not None
        found = look(f"{self.root}/index/data.mdb")
        problem = problem or found.problem
        try:
            if not problem:
                try:
                    self._map(found)
                except _DAMAGE as error:
                    self._shut()
                    problem = f"LMDB says: {error}"
            if problem:
                if known or os.path.lexists(f"{self.root}/index/data.mdb"):
                    self._set_aside(problem)
                os.makedirs(f"{self.root}/index", mode=0o700, exist_ok=True)
                self._map(Look())
            self._reserve()
            if not known:
                write_marker(self.marker, self.kind, int(self._clock()))
        except (OSError, lmdb.Error) as error:
            raise self._failure(error) from error

    def _set_aside(self, problem: str) -> None:
        if not self._users.to_exclusive():
            raise StoreError(
                f"the {self.kind} is damaged and other processes have it open: {problem}", code=DAMAGED,
                where=f"{self.root}/index", why="a damaged index can be replaced when nobody else uses it",
                fix="end the other builds, then build again",
            )  # fmt: skip
        try:
            folder = new_quarantine(self.root, self._clock())
            if os.path.lexists(f"{self.root}/index"):
                os.rename(f"{self.root}/index", f"{folder}/index")
        finally:
            self._users.to_shared()
        self._warn(DAMAGED, f"the {self.kind} was damaged ({problem}): its index is in {folder}; a new one is in use")

    def _map(self, found: Look) -> None:
        if not self.read_only and not os.path.exists(f"{self.root}/index/lock.mdb"):
            self._check_room()
        self._env = lmdb.open(
            f"{self.root}/index", map_size=max(self._map_size, found.map_size), readonly=self.read_only, create=True,
            mode=0o600, sync=True, metasync=False, writemap=False, max_readers=1024, max_dbs=16,
        )  # fmt: skip
        if self.read_only:
            self._tables = {name: self._env.open_db(name, create=False) for name in self._names}
            return
        with self._env.begin(write=True) as txn:  # LMDB keeps table handles only from a write transaction
            self._tables = {name: self._env.open_db(name, txn=txn) for name in self._names}
        self._env.reader_check()

    def _check_room(self) -> None:
        """LMDB writes its new lock file through memory, where a full disk ends the process. Raises StoreError (BG305)."""
        space = os.statvfs(f"{self.root}/index")
        if space.f_blocks and space.f_bavail * space.f_frsize < _ROOM:
            raise StoreError(
                f"the disk of the {self.kind} is full: {space.f_bavail * space.f_frsize // 1024} KiB are free", code="BG305", where=self.root,
                why=f"a new {self.kind} needs {_ROOM // 1024} KiB", fix="make room there, or choose another place with --store",
            )  # fmt: skip

    def _shut(self) -> None:
        self._env.close()
        self._env = _Shut()

    def close(self) -> None:
        """Give one reference back; the last one closes. In a forked child nothing is touched."""
        if os.getpid() != self._pid or self._references == 0:
            return
        with _OPENING:
            self._references -= 1
            if self._references == 0:
                del _OPEN[self.root]
                with self._lock:
                    self._shut()
                self._users.release()


def forked(kind: str, root: str) -> StoreError:
    """The error of a store that came into this process by fork()."""
    return StoreError(
        f"the {kind} is used in a forked child of the process that opened it", code=FORKED, where=root,
        why="an open LMDB environment does not survive fork(), and what is buffered would be written twice",
        fix="start the process with spawn or forkserver, and pass it bytes or paths",
    )  # fmt: skip


def disk_failure(kind: str, root: str, error: Exception) -> StoreError:
    """What a failed read or write under `root` means: a full disk (BG305) or a failing one (BG306).

    LMDB reports a full disk as an input/output error, so the file system is asked.
    """
    try:
        space = os.statvfs(root)
        full = space.f_bavail * 100 < space.f_blocks or (space.f_files > 0 and space.f_favail == 0)
    except OSError:
        full = False
    if full:
        return StoreError(
            f"the disk of the {kind} is full: {error}", code="BG305", where=root,
            why="less than one percent of it is free", fix="make room there, or move the store with --store",
        )  # fmt: skip
    return StoreError(
        f"the {kind} cannot be read or written: {error}", code="BG306", where=root,
        why="the operating system refused", fix="check permissions, the disk and its free space",
    )  # fmt: skip
