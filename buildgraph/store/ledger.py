"""A workspace's memory of its last build: named tables and keyed rows. Losing it costs only time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode_value
from buildgraph.errors import BuildgraphError, EncodingError, LockError, StoreError
from buildgraph.store.base import SCHEMA, Warn, ignore_warning, seal, unseal
from buildgraph.store.environment import FORKED, MAP_SIZE, Environment

TABLE: Final = b"table"
ROW: Final = b"row"
_MAX_WAIT: Final = 10.0
_LONG: Final = 400  # LMDB keys end at 511 bytes; longer ones are stored by digest


class Ledger:
    """The ledger in a folder of its own. What cannot be read is None; what cannot be written is dropped, and said."""

    __slots__ = ("_environment", "_warn")

    def __init__(self, environment: Environment, warn: Warn) -> None:
        self._environment = environment
        self._warn = warn

    @classmethod
    def open(
        cls, folder: str | os.PathLike[str], *, warn: Warn = ignore_warning, map_size: int = MAP_SIZE,
        clock: Callable[[], float] = time.time,
    ) -> Ledger:  # fmt: skip
        """The ledger in `folder`, made when there is none; a damaged one is moved aside.

        Raises StoreError, or LockError when another process keeps the gate shut.
        """
        root = os.fspath(folder)
        try:
            os.makedirs(root, mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the ledger's folder cannot be made: {error.strerror}", code="BG300", where=root,
                why="the workspace remembers its last build there", fix="check the permissions of the workspace",
            ) from error  # fmt: skip
        environment = Environment.open(
            root, kind="ledger", tables=(TABLE, ROW), warn=warn, clock=clock, map_size=map_size
        )  # fmt: skip
        return cls(environment, warn)

    def read(self, table: str) -> Any | None:
        """The value of `table`, or None when it was never written, is of another version or damaged."""
        key = SCHEMA + table.encode()
        try:
            record = self._environment.get(TABLE, key)
            body = None if record is None else unseal(TABLE, key, record)
            return decode_trusted(body) if body is not None else None
        except EncodingError:
            return None
        except (StoreError, LockError) as error:
            self._complain(error)
            return None

    def write(self, tables: Mapping[str, Any]) -> None:
        """Replace the values of `tables`, all in one transaction."""
        rows = []
        for table, value in tables.items():
            key = SCHEMA + table.encode()
            rows.append((key, seal(TABLE, key, encode_value(value))))
        self._put(TABLE, rows)

    def get(self, table: str, key: bytes) -> bytes | None:
        """The row `key` of `table`."""
        return self.get_many(table, (key,)).get(key)

    def get_many(self, table: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Those of the rows `keys` that are there and whole."""
        wanted = {key: _row(table, key) for key in keys}
        try:
            records = self._environment.get_many(ROW, wanted.values())
        except (StoreError, LockError) as error:
            self._complain(error)
            return {}
        found = {}
        for (key, row), record in zip(wanted.items(), records, strict=True):
            body = unseal(ROW, row, record) if record is not None else None
            if body is not None:
                found[key] = body
        return found

    def put_many(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        """Set rows of `table`, or delete those that are None, all in one transaction."""
        changed = []
        for key, value in rows.items():
            row = _row(table, key)
            changed.append((row, seal(ROW, row, value) if value is not None else None))
        self._put(ROW, changed)

    def close(self) -> None:
        self._environment.close()

    def _put(self, table: bytes, rows: list[tuple[bytes, Any]]) -> None:
        rows.sort(key=lambda row: row[0])

        def change(txn: Any, tables: Mapping[bytes, Any]) -> None:
            for key, value in rows:
                if value is None:
                    txn.delete(key, db=tables[table])
                else:
                    txn.put(key, value, db=tables[table])

        try:
            self._environment.write(change, max_wait=_MAX_WAIT)
        except (LockError, StoreError) as error:
            self._complain(error)

    def _complain(self, error: BuildgraphError) -> None:
        if error.code == FORKED:
            raise error
        self._warn(error.code, f"{error.headline}; the next build looks at everything again")


def _row(table: str, key: bytes) -> bytes:
    if len(key) > _LONG:
        return SCHEMA + table.encode() + b"\1" + Digest.of(key)
    return SCHEMA + table.encode() + b"\0" + key
