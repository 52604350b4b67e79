"""The store on disk: damage is noticed, forgotten and survived; full disks, killed writers and forks hurt nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import lmdb
import pytest

from buildgraph.action import ActionResult, DeepRecord, Output
from buildgraph.digest import Digest
from buildgraph.errors import StoreError
from buildgraph.store import LocalStore
from buildgraph.store.base import SCHEMA
from buildgraph.store.local import AC, BLOB, DEEP

LARGE = os.urandom(1 << 10) * 200
VALUE = b"a value that is easy to find"
KEY, OTHER = Digest.of(b"key"), Digest.of(b"other")


def a_result(data: bytes = VALUE) -> ActionResult:
    digest = Digest.of(data)
    return ActionResult((Output("value", "msgpack", digest, digest, len(data)),))


def filled(path: Path) -> None:
    """A closed store at `path` that holds one small blob, one large blob, and a result."""
    store = LocalStore.open(path)
    store.put(VALUE)
    store.put(LARGE)
    store.record(KEY, a_result())
    store.record_deep(KEY, DeepRecord(KEY, KEY))
    store.close()


def rewrite(path: Path, change: Callable[[lmdb.Transaction, dict[bytes, object]], None]) -> None:
    """Change rows of the closed store at `path` behind its back."""
    with lmdb.open(str(path / "index"), max_dbs=16, map_size=1 << 28) as env:
        tables = {name: env.open_db(name) for name in (AC, BLOB, DEEP)}
        with env.begin(write=True) as txn:
            change(txn, tables)


def flip(data: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(data))


def run(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of its own that runs `script`."""
    command = [sys.executable, "-c", script, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, env=environment)


def test_another_process_sees_what_was_flushed(tmp_path: Path) -> None:
    store = LocalStore.open(tmp_path / "store")
    digest = store.put(VALUE)
    script = (
        "import sys; from buildgraph.store import LocalStore; from buildgraph.digest import Digest\n"
        "print(LocalStore.open(sys.argv[1]).blob(Digest.parse(sys.argv[2])))"
    )
    before, _ = run(script, str(tmp_path / "store"), str(digest)).communicate()
    store.flush()
    after, _ = run(script, str(tmp_path / "store"), str(digest)).communicate()
    store.close()
    assert before == b"None\n"
    assert after == f"{VALUE!r}\n".encode()


def test_what_gathers_is_flushed_before_it_fills_the_memory(tmp_path: Path) -> None:
    store = LocalStore.open(tmp_path / "store")
    digests = [store.put(b"%d" % number + bytes(60_000)) for number in range(150)]
    other = LocalStore.open(tmp_path / "store")
    assert other.has(digests[0])
    assert not other.has(digests[-1])
    other.close()
    store.close()


# damage


@pytest.mark.parametrize("bit", range(0, len(VALUE) * 8, 37))
def test_a_flipped_bit_in_a_small_blob_is_a_miss(tmp_path: Path, bit: int) -> None:
    filled(tmp_path / "store")
    digest = Digest.of(VALUE)
    rewrite(tmp_path / "store", lambda txn, tables: txn.put(SCHEMA + digest, flip(VALUE, bit), db=tables[BLOB]))
    damaged: list[Digest] = []
    store = LocalStore.open(tmp_path / "store", on_damage=damaged.append)
    assert store.blob(digest) is None
    assert damaged == [digest]
    assert not store.has(digest)
    store.put(VALUE)
    store.flush()
    assert store.blob(digest) == VALUE
    store.close()
    assert [path.read_bytes() for path in (tmp_path / "store").glob("corrupt-*/*")] == [flip(VALUE, bit)]


def test_a_flipped_bit_in_a_large_blob_is_a_miss(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    damaged: list[Digest] = []
    store = LocalStore.open(tmp_path / "store", on_damage=damaged.append)
    digest = Digest.of(LARGE)
    path = Path(store.path(digest) or "")
    path.chmod(0o600)
    path.write_bytes(flip(LARGE, 1234))
    assert store.blob(digest) is None
    assert damaged == [digest]
    assert store.path(digest) is None
    assert store.put(LARGE) == digest
    assert store.blob(digest) == LARGE
    store.close()
    assert [kept.read_bytes() for kept in (tmp_path / "store").glob("corrupt-*/*")] == [flip(LARGE, 1234)]


def test_without_the_check_the_wrong_bytes_would_come_out(tmp_path: Path) -> None:
    """Proves that it is the check that notices, and not luck."""
    filled(tmp_path / "store")
    rewrite(tmp_path / "store", lambda txn, tables: txn.put(SCHEMA + Digest.of(VALUE), b"wrong", db=tables[BLOB]))
    rewrite(tmp_path / "store", swap_records)
    store = LocalStore.open(tmp_path / "store", _verify=False)
    assert store.blob(Digest.of(VALUE)) == b"wrong"
    assert store.result(OTHER) == a_result()
    store.close()


def test_a_truncated_large_blob_has_no_path(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    damaged: list[Digest] = []
    store = LocalStore.open(tmp_path / "store", on_damage=damaged.append)
    path = Path(store.path(Digest.of(LARGE)) or "")
    path.chmod(0o600)
    os.truncate(path, 10)
    assert store.path(Digest.of(LARGE)) is None
    assert damaged == [Digest.of(LARGE)]
    store.close()


def test_a_large_blob_that_somebody_removed_is_a_miss(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    store = LocalStore.open(tmp_path / "store")
    os.unlink(store.path(Digest.of(LARGE)) or "")
    assert not store.has(Digest.of(LARGE))
    assert store.blob(Digest.of(LARGE)) is None
    store.close()


def swap_records(txn: lmdb.Transaction, tables: dict[bytes, object]) -> None:
    record = txn.get(SCHEMA + KEY, db=tables[AC])
    txn.put(SCHEMA + OTHER, record, db=tables[AC])


def test_a_record_moved_to_another_key_is_a_miss(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    rewrite(tmp_path / "store", swap_records)
    store = LocalStore.open(tmp_path / "store")
    assert store.result(OTHER) is None
    assert store.result(KEY) == a_result()
    store.close()


@pytest.mark.parametrize("table", [AC, DEEP])
def test_no_flipped_bit_in_a_record_goes_unnoticed(tmp_path: Path, table: bytes) -> None:
    filled(tmp_path / "store")
    found: list[bytes] = []
    rewrite(tmp_path / "store", lambda txn, tables: found.append(txn.get(SCHEMA + KEY, db=tables[table])))
    for bit in range(0, len(found[0]) * 8, 29):
        rewrite(tmp_path / "store", lambda txn, t, bit=bit: txn.put(SCHEMA + KEY, flip(found[0], bit), db=t[table]))
        store = LocalStore.open(tmp_path / "store")
        assert (store.result(KEY) if table == AC else store.deep(KEY)) is None
        store.close()


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1, 0.0])
def test_a_truncated_index_is_moved_aside(tmp_path: Path, kept: float) -> None:
    filled(tmp_path / "store")
    data = tmp_path / "store" / "index" / "data.mdb"
    pages = os.stat(data).st_blocks * 512  # without the hole at the end
    os.truncate(data, int(pages * kept))
    codes: list[str] = []
    store = LocalStore.open(tmp_path / "store", warn=lambda code, _: codes.append(code))
    assert codes == ["BG304"]
    assert store.result(KEY) is None
    store.record(KEY, a_result())
    store.sync()
    assert store.result(KEY) == a_result()
    store.close()
    assert len(list((tmp_path / "store").glob("corrupt-*/index/data.mdb"))) == 1


def test_garbage_in_the_meta_pages_is_moved_aside(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    data = tmp_path / "store" / "index" / "data.mdb"
    data.write_bytes(os.urandom(8192) + data.read_bytes()[8192:])
    codes: list[str] = []
    LocalStore.open(tmp_path / "store", warn=lambda code, _: codes.append(code)).close()
    assert codes == ["BG304"]


def test_only_the_newest_three_quarantines_are_kept(tmp_path: Path) -> None:
    for second in range(5):
        filled(tmp_path / "store")
        os.truncate(tmp_path / "store" / "index" / "data.mdb", 0)
        LocalStore.open(tmp_path / "store", clock=lambda second=second: float(second)).close()
    names = sorted(path.name for path in (tmp_path / "store").glob("corrupt-*"))
    assert names == ["corrupt-19700101T000002Z", "corrupt-19700101T000003Z", "corrupt-19700101T000004Z"]


def test_a_damaged_index_that_others_use_stays_where_it_is(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    script = (
        "import sys; from buildgraph.store import LocalStore\n"
        "store = LocalStore.open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    other = run(script, str(tmp_path / "store"))
    assert other.stdout is not None
    assert other.stdout.readline() == b"open\n"
    os.truncate(tmp_path / "store" / "index" / "data.mdb", 0)
    codes: list[str] = []
    store = LocalStore.open(tmp_path / "store", warn=lambda code, _: codes.append(code))
    assert codes == ["BG304"]
    assert store.blob(store.put(VALUE)) == VALUE
    store.record(KEY, a_result())
    store.sync()
    assert store.result(KEY) == a_result()
    store.close()
    other.kill()
    other.communicate()
    assert not list((tmp_path / "store").glob("corrupt-*"))


# several processes


WRITER = """
import sys
from buildgraph.store import LocalStore
from buildgraph.digest import Digest
def complain(code, message):
    sys.exit(f"{code} {message}")
store = LocalStore.open(sys.argv[1], map_size=1 << 20, warn=complain)
print("open", flush=True)
sys.stdin.readline()
for number in range(60):
    store.put(b"%s %d " % (sys.argv[2].encode(), number) + bytes(60_000))
    store.flush()
store.close()
"""


def test_two_processes_grow_one_map(tmp_path: Path) -> None:
    processes = [run(WRITER, str(tmp_path / "store"), name) for name in ("one", "two")]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == [b"", b""]
    assert [process.returncode for process in processes] == [0, 0]
    store = LocalStore.open(tmp_path / "store", map_size=1 << 20)
    for name in (b"one", b"two"):
        for number in range(60):
            assert store.has(Digest.of(b"%s %d " % (name, number) + bytes(60_000)))
    store.close()


ENDLESS = """
import sys
from buildgraph.store import LocalStore
from buildgraph.action import ActionResult, Output
from buildgraph.digest import Digest
store = LocalStore.open(sys.argv[1])
number = int(sys.argv[2]) * 100_000
while True:
    data = b"%d" % number * 1000
    digest = store.put(data)
    store.record(Digest.of(b"%d" % number), ActionResult((Output("value", "bytes", digest, digest, len(data)),)))
    store.flush()
    print(number, flush=True)
    number += 1
"""


def test_a_killed_writer_leaves_everything_it_flushed(tmp_path: Path) -> None:
    for turn in range(5):
        process = run(ENDLESS, str(tmp_path / "store"), str(turn))
        assert process.stdout is not None
        for _ in range(20 + turn * 7):
            last = int(process.stdout.readline())
        process.kill()
        process.communicate()
        codes: list[str] = []
        store = LocalStore.open(tmp_path / "store", warn=lambda code, _, codes=codes: codes.append(code))
        for number in range(turn * 100_000, last + 1):
            result = store.result(Digest.of(b"%d" % number))
            assert result is not None
            assert store.blob(result.value.blob) == b"%d" % number * 1000
        store.close()
        assert codes == []


def test_a_stopped_holder_of_the_gate_is_named_and_the_build_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "store")
    monkeypatch.setattr("buildgraph.store.environment.PATIENCE", 0.0)
    warnings: list[tuple[str, str]] = []
    store = LocalStore.open(tmp_path / "store", warn=lambda code, message: warnings.append((code, message)))
    monkeypatch.setattr(store, "_max_wait", 0.1, raising=True)
    script = (
        "import sys; from buildgraph.store import FileLock\n"
        "FileLock(sys.argv[1], 'gc').acquire(); print('held', flush=True); sys.stdin.read()"
    )
    holder = run(script, str(tmp_path / "store" / "gate.lock"))
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WNOWAIT)
    digest = store.put(b"while the gate is shut")
    store.flush()
    store.flush()
    assert [code for code, _ in warnings] == ["BG308", "BG312"]
    assert f"pid {holder.pid}" in warnings[0][1]
    assert "`gc`, stopped" in warnings[0][1]
    assert store.blob(digest) == b"while the gate is shut"
    holder.kill()
    holder.communicate()
    store.flush()
    other = LocalStore.open(tmp_path / "store")
    assert other.blob(digest) == b"while the gate is shut"
    other.close()
    store.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("use", ["blob", "has", "result", "put", "record", "flush", "open"])
def test_a_forked_child_is_refused(tmp_path: Path, use: str) -> None:
    filled(tmp_path / "store")
    store = LocalStore.open(tmp_path / "store")
    uses: dict[str, Callable[[], object]] = {
        "blob": lambda: store.blob(KEY),
        "has": lambda: store.has(KEY),
        "result": lambda: store.result(KEY),
        "put": lambda: store.put(b"from the child"),
        "record": lambda: store.record(KEY, a_result()),
        "flush": store.flush,
        "open": lambda: LocalStore.open(tmp_path / "store"),
    }
    child = os.fork()
    if child == 0:
        code = 1
        try:
            uses[use]()
        except StoreError as error:
            code = 0 if error.code == "BG303" else 2
        finally:
            store.close()
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.result(KEY) == a_result()
    store.close()


def test_a_store_opened_twice_in_a_process_is_one(tmp_path: Path) -> None:
    one, two = LocalStore.open(tmp_path / "store"), LocalStore.open(tmp_path / "store")
    digest = one.put(VALUE)
    one.close()
    assert two.blob(digest) == VALUE
    two.close()
    LocalStore.open(tmp_path / "store").close()


# the disk


@pytest.fixture
def small_disk(tmp_path: Path, loud_skip: Callable[[str], NoReturn]) -> Iterator[Path]:
    """A file system of 6 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True)
    if mounted.returncode != 0:
        loud_skip("what a full disk does: mounting a tmpfs needs root")
    os.chmod(folder, 0o700)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("size", [50_000, 500_000], ids=["small blobs", "large blobs"])
def test_a_full_disk_ends_caching_and_not_the_build(small_disk: Path, size: int) -> None:
    codes: list[str] = []
    store = LocalStore.open(small_disk / "store", warn=lambda code, _: codes.append(code))
    early = store.put(VALUE)
    store.record(KEY, a_result())
    store.flush()
    digests = []
    for number in range(10_000_000 // size):
        digests.append(store.put(b"%d" % number + os.urandom(size)))
        store.flush()
    late = Digest.of(b"late")
    store.record(late, a_result())
    store.sync()
    assert codes == ["BG305"]
    assert all(store.has(digest) and store.blob(digest) is not None for digest in digests)
    assert store.result(late) == a_result()
    store.close()
    again = LocalStore.open(small_disk / "store", read_only=True)
    assert again.blob(early) == VALUE
    assert again.result(KEY) == a_result()
    assert again.result(late) is None
    again.close()


def test_a_store_is_not_begun_on_a_full_disk(small_disk: Path) -> None:
    """It would end in a bus error, as LMDB maps its files."""
    (small_disk / "large").write_bytes(bytes(6 * 1024 * 1024 - 64 * 1024))
    with pytest.raises(StoreError) as caught:
        LocalStore.open(small_disk / "store")
    assert caught.value.code == "BG305"
    (small_disk / "large").unlink()
    LocalStore.open(small_disk / "store").close()


def test_a_read_only_store_is_read_and_not_written(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*") if path.is_file()}
    store = LocalStore.open(tmp_path / "store", read_only=True)
    assert store.blob(Digest.of(VALUE)) == VALUE
    assert store.blob(Digest.of(LARGE)) == LARGE
    assert store.result(KEY) == a_result()
    new = store.put(b"new")
    store.record(OTHER, a_result())
    store.sync()
    assert store.blob(new) == b"new"
    assert store.result(OTHER) == a_result()
    store.close()
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*") if path.is_file()}
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed <= {"lock.mdb", "users.lock"}


# the folder


def test_a_folder_with_other_things_in_it_is_not_taken_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError) as caught:
        LocalStore.open(tmp_path)
    assert caught.value.code == "BG302"
    assert "thesis.txt" in caught.value.headline


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    (tmp_path / "store").chmod(0o777)
    with pytest.raises(StoreError) as caught:
        LocalStore.open(tmp_path / "store")
    assert caught.value.code == "BG301"
    assert caught.value.fix.startswith("chmod 700")


def test_a_file_in_the_place_of_the_folder_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError) as caught:
        LocalStore.open(tmp_path / "store")
    assert caught.value.code == "BG300"


def test_the_folder_is_private_and_says_what_it_is(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    lines = (tmp_path / "store" / "STORE").read_text().splitlines()
    assert lines[:2] == ["buildgraph store", "format 1"]
    assert lines[-1] == "initialised yes"


def test_a_store_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    marker = tmp_path / "store" / "STORE"
    marker.write_text(marker.read_text().replace("format 1", "format 2"))
    data = (tmp_path / "store" / "index" / "data.mdb").read_bytes()
    store = LocalStore.open(tmp_path / "store")
    assert store.result(KEY) is None
    store.record(KEY, a_result())
    store.close()
    assert (tmp_path / "store" / "v1" / "STORE").exists()
    assert (tmp_path / "store" / "index" / "data.mdb").read_bytes() == data


def test_scratch_names_boot_and_process_and_goes_with_the_store(tmp_path: Path) -> None:
    store = LocalStore.open(tmp_path / "store")
    scratch = Path(store.scratch())
    assert scratch.parent == tmp_path / "store" / "tmp"
    assert scratch.name.split("-")[1] == str(os.getpid())
    store.close()
    assert not scratch.exists()
