"""The guard in front of LMDB: it stops a truncated file, and takes no healthy file for one."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lmdb
import pytest

from buildgraph.store.base import ignore_warning
from buildgraph.store.environment import Environment
from buildgraph.store.guard import look


def opened(root: Path, **settings: Any) -> Environment:
    root.mkdir(exist_ok=True)
    return Environment.open(
        str(root), kind="store", tables=(b"rows",), warn=ignore_warning, clock=time.time, **settings
    )


def put(key: bytes, value: bytes) -> Any:
    def change(txn: Any, tables: Mapping[bytes, Any]) -> None:
        txn.put(key, value, db=tables[b"rows"])

    return change


def looks_short(root: Path, seed: int) -> bool:
    """Whether the guard would refuse the file at some moment of a busy life."""
    chance, keys = random.Random(seed), []
    environment = opened(root)

    def change(txn: Any, tables: Mapping[bytes, Any]) -> None:
        for _ in range(chance.randrange(1, 60)):
            key = chance.randbytes(33) if not keys or chance.random() < 0.6 else chance.choice(keys)
            if chance.random() < 0.5:
                txn.put(key, bytes(chance.choice([10, 3000, 9000, 60_000])), db=tables[b"rows"])
                keys.append(key)
            else:
                txn.delete(key, db=tables[b"rows"])

    found = False
    for _ in range(150):
        environment.write(change)
        found = found or look(str(root / "index" / "data.mdb")).problem != ""
    environment.close()
    return found


def test_a_healthy_file_is_never_taken_for_a_truncated_one(tmp_path: Path) -> None:
    assert not any(looks_short(tmp_path / str(seed), seed) for seed in range(4))


def test_without_the_spare_length_healthy_files_would_be_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that it is the spare length that helps."""
    monkeypatch.setattr(Environment, "_reserve", lambda _: None)
    assert any(looks_short(tmp_path / str(seed), seed) for seed in range(4))


def test_the_guard_reads_what_lmdb_says_about_itself(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path), map_size=1 << 24, sync=False) as env:
        for number in range(20):
            with env.begin(write=True) as txn:
                txn.put(b"%d" % number, bytes(10_000))
        found = look(str(tmp_path / "data.mdb"))
        assert found.problem == ""
        assert found.map_size == 1 << 24
        assert found.needed == (env.info()["last_pgno"] + 1) * env.stat()["psize"]


@pytest.mark.parametrize("problem", ["missing", "empty", "cut off", "makes no sense", "bytes"])
def test_the_guard_says_what_is_wrong(tmp_path: Path, problem: str) -> None:
    path = tmp_path / "data.mdb"
    with lmdb.open(str(tmp_path), map_size=1 << 24) as env, env.begin(write=True) as txn:
        txn.put(b"key", bytes(100_000))
    if problem == "missing":
        path.unlink()
    else:
        data = path.read_bytes()
        broken = {"empty": b"", "cut off": data[:4200], "makes no sense": b"x" * 9000, "bytes": data[:20_000]}
        path.write_bytes(broken[problem])
    assert problem in look(str(path)).problem


def test_the_map_grows_until_the_value_fits(tmp_path: Path) -> None:
    environment = opened(tmp_path / "store", map_size=1 << 20)
    value = os.urandom(9 << 20)
    environment.write(put(b"key", value))
    assert environment.get(b"rows", b"key") == value
    environment.close()


def test_readers_that_died_give_their_places_back(tmp_path: Path) -> None:
    environment = opened(tmp_path / "store")
    calls: list[str] = []

    class Full:
        """An environment whose reader table is full until it is checked."""

        def begin(self, *arguments: Any, **settings: Any) -> Any:
            if not calls:
                raise lmdb.ReadersFullError("full")
            return inner.begin(*arguments, **settings)

        def reader_check(self) -> None:
            calls.append("checked")

    environment.write(put(b"key", b"value"))
    inner, environment._env = environment._env, Full()
    assert environment.get(b"rows", b"key") == b"value"
    assert calls == ["checked"]
    environment._env = inner
    environment.close()
