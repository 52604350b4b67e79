"""The ledger remembers between builds, and forgets rather than remembers wrongly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from buildgraph.digest import Digest
from buildgraph.errors import StoreError
from buildgraph.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger")
    yield opened
    opened.close()


def test_what_was_never_written_is_none(ledger: Ledger) -> None:
    assert ledger.read("files") is None
    assert ledger.get("files", b"a") is None
    assert ledger.get_many("files", [b"a", b"b"]) == {}


def test_tables_come_back_in_the_next_session(tmp_path: Path) -> None:
    value = {"names": ["a", "b"], "digest": Digest.of(b"a"), "pair": (1, None)}
    ledger = Ledger.open(tmp_path / "ledger")
    ledger.write({"files": value, "count": 3})
    ledger.close()
    ledger = Ledger.open(tmp_path / "ledger")
    assert ledger.read("files") == value
    assert ledger.read("count") == 3
    ledger.close()


def test_rows_are_set_replaced_and_deleted(ledger: Ledger) -> None:
    ledger.put_many("files", {b"a": b"1", b"b": b"2", b"c": b""})
    ledger.put_many("files", {b"a": b"3", b"b": None, b"never": None})
    assert ledger.get_many("files", [b"a", b"b", b"c"]) == {b"a": b"3", b"c": b""}
    assert ledger.get("files", b"a") == b"3"


def test_tables_do_not_see_each_others_rows(ledger: Ledger) -> None:
    ledger.put_many("files", {b"a": b"1"})
    assert ledger.get("modules", b"a") is None


def test_keys_may_be_longer_than_the_database_allows(ledger: Ledger) -> None:
    long, longer = b"x" * 1000, b"x" * 1001
    ledger.put_many("files", {long: b"1", longer: b"2"})
    assert ledger.get_many("files", [long, longer]) == {long: b"1", longer: b"2"}


def test_a_large_table_fits_a_map_that_was_small(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger", map_size=1 << 20)
    columns = os.urandom(5 << 20)
    ledger.write({"columns": columns})
    assert ledger.read("columns") == columns
    ledger.close()


def damage(folder: Path, table: bytes) -> None:
    with lmdb.open(str(folder / "index"), max_dbs=16, map_size=1 << 28) as env:
        db = env.open_db(table)
        with env.begin(write=True) as txn:
            for key, value in list(txn.cursor(db)):
                txn.put(key, value[:3] + bytes([value[3] ^ 1]) + value[4:], db=db)


def test_a_damaged_table_and_a_damaged_row_are_none(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger")
    ledger.write({"files": ["some", "files"]})
    ledger.put_many("files", {b"a": b"1234"})
    ledger.close()
    damage(tmp_path / "ledger", b"table")
    damage(tmp_path / "ledger", b"row")
    ledger = Ledger.open(tmp_path / "ledger")
    assert ledger.read("files") is None
    assert ledger.get("files", b"a") is None
    ledger.write({"files": ["again"]})
    assert ledger.read("files") == ["again"]
    ledger.close()


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_truncated_ledger_is_moved_aside_and_a_fresh_one_used(tmp_path: Path, size: int) -> None:
    ledger = Ledger.open(tmp_path / "ledger")
    ledger.write({"files": [1]})
    ledger.close()
    os.truncate(tmp_path / "ledger" / "index" / "data.mdb", size)
    codes: list[str] = []
    ledger = Ledger.open(tmp_path / "ledger", warn=lambda code, _: codes.append(code))
    assert codes == ["BG304"]
    assert ledger.read("files") is None
    ledger.write({"files": [2]})
    assert ledger.read("files") == [2]
    ledger.close()


def test_a_ledger_that_cannot_be_made_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("")
    with pytest.raises(StoreError) as caught:
        Ledger.open(tmp_path / "ledger")
    assert caught.value.code == "BG300"
