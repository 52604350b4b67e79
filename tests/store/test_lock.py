"""A lock between processes names its holder, can be waited for, and dies with the process that has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildgraph.errors import LockError, StoreError
from buildgraph.store import FileLock, Holder

HOLD = (
    "import sys; from buildgraph.store import FileLock\n"
    "FileLock(sys.argv[1], 'collect garbage').acquire(); print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


@pytest.fixture
def other(path: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock at `path`."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_held_lock_is_refused_with_the_name_of_its_holder(path: str, other: subprocess.Popen[bytes]) -> None:
    with pytest.raises(LockError) as caught:
        FileLock(path, "build").acquire(wait=False)
    assert caught.value.code == "BG310"
    assert caught.value.exit_code == 4
    assert f"pid {other.pid}" in caught.value.headline
    assert "`collect garbage`" in caught.value.headline
    assert str(other.pid) in caught.value.fix


def test_a_stopped_holder_is_said_to_be_stopped(path: str, other: subprocess.Popen[bytes]) -> None:
    other.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
    assert "stopped" in str(FileLock(path, "build").holder())


def test_a_lock_dies_with_its_holder(path: str, other: subprocess.Popen[bytes]) -> None:
    other.kill()
    other.wait()
    with FileLock(path, "build") as lock:
        assert lock.held
        assert lock.holder().pid == os.getpid()


def test_waiting_ends_when_the_holder_does(path: str, other: subprocess.Popen[bytes]) -> None:
    told: list[Holder] = []

    def on_wait(holder: Holder) -> None:
        told.append(holder)
        other.terminate()

    lock = FileLock(path, "build")
    lock.acquire(on_wait=on_wait)
    assert lock.held
    assert [(holder.pid, holder.purpose) for holder in told] == [(other.pid, "collect garbage")]
    lock.release()


def test_waiting_gives_up_after_the_timeout(path: str, other: subprocess.Popen[bytes]) -> None:
    with pytest.raises(LockError):
        FileLock(path, "build").acquire(timeout=0.05)


def test_ctrl_c_ends_the_waiting(path: str, other: subprocess.Popen[bytes]) -> None:
    lock = FileLock(path, "build")
    with pytest.raises(KeyboardInterrupt):
        lock.acquire(on_wait=lambda _: signal.raise_signal(signal.SIGINT))
    assert not lock.held


def test_the_holder_is_named_only_when_the_wait_has_lasted(path: str, other: subprocess.Popen[bytes]) -> None:
    told: list[Holder] = []
    with pytest.raises(LockError):
        FileLock(path, "build").acquire(on_wait=told.append, timeout=0.05, patience=60.0)
    assert told == []


def test_the_start_time_tells_processes_with_the_same_number_apart(path: str, other: subprocess.Popen[bytes]) -> None:
    started = int(Path(f"/proc/{other.pid}/stat").read_text().rpartition(") ")[2].split()[19])
    assert FileLock(path, "build").holder().started == started


def test_a_released_lock_names_nobody_and_can_be_taken_again(path: str) -> None:
    lock = FileLock(path, "build")
    with lock:
        pass
    assert Path(path).read_bytes() == b""
    with FileLock(path, "test"):
        assert not lock.held


def test_two_locks_in_one_process_exclude_each_other(path: str) -> None:
    with FileLock(path, "one"), pytest.raises(LockError):
        FileLock(path, "two").acquire(wait=False)


def test_shared_locks_go_together_and_exclude_an_exclusive_one(path: str) -> None:
    one, two = FileLock(path, "one", shared=True), FileLock(path, "two", shared=True)
    one.acquire()
    two.acquire()
    with pytest.raises(LockError):
        FileLock(path, "three").acquire(wait=False)
    assert not one.to_exclusive()
    two.release()
    assert one.to_exclusive()
    with pytest.raises(LockError):
        two.acquire(wait=False)
    one.to_shared()
    two.acquire(wait=False)
    one.release()
    two.release()


def test_a_refused_conversion_keeps_the_shared_lock(path: str) -> None:
    one, two = FileLock(path, "one", shared=True), FileLock(path, "two", shared=True)
    one.acquire()
    two.acquire()
    assert not one.to_exclusive()
    two.release()
    with pytest.raises(LockError):
        FileLock(path, "three").acquire(wait=False)
    one.release()


def test_no_two_threads_hold_a_lock_at_once(path: str) -> None:
    holding, most = 0, []

    def work() -> None:
        nonlocal holding
        for _ in range(5):
            with FileLock(path, "work"):
                holding += 1
                most.append(holding)
                holding -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


def test_a_lock_whose_file_cannot_be_made_is_an_error_with_a_fix(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        FileLock(str(tmp_path / "absent" / "lock"), "build").acquire()
    assert caught.value.code == "BG311"


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError):
        FileLock(str(tmp_path / "lock"), "build").acquire()
    assert not (tmp_path / "precious").exists()
