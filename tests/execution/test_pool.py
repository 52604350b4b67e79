"""The process pool, with real processes: what workers may do to themselves, and what is left of them afterwards."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import buildgraph
from buildgraph.errors import MachineError
from buildgraph.execution.pool import ProcessPool
from buildgraph.execution.processes import descendants, table
from buildgraph.execution.runner import Death, Finished, Runner

SOURCE = str(Path(buildgraph.__file__).parent.parent)
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PATH": os.defpath}

TOY = '''
import os, signal, socket, subprocess, sys, time

def run(request):
    verb, _, rest = request.decode().partition(" ")
    return (globals()[verb](*rest.split()) or "").encode() if verb != "echo" else request[5:]

def pid(): return str(os.getpid())
def grow(size): return "x" * int(size)
def mark(path, word):
    with open(path, "a") as file: file.write(word + "\\n")
def tell(path):  # whole or not at all
    with open(path + ".new", "w") as file: file.write(str(os.getpid()))
    os.rename(path + ".new", path)
def hold(path): tell(path); signal.pause()
def pause(seconds): time.sleep(float(seconds))
def stubborn(path): signal.signal(signal.SIGTERM, signal.SIG_IGN); tell(path); [signal.pause() for _ in iter(int, 1)]
def leave(status): os._exit(int(status))
def die(number): os.kill(os.getpid(), int(number)); signal.pause()
def crash(): import ctypes; ctypes.string_at(0)
def fail(): raise ValueError("a work function should not")
def hang_up(): os.closerange(3, 64); signal.pause()
def hang_up_and_return(): os.closerange(3, 64)
def scribble(words):
    for name in os.listdir("/proc/self/fd"):
        try: socket.socket(fileno=os.dup(int(name))).send(bytes.fromhex(words))
        except OSError: pass
    signal.pause()
def mute(): os.close(1); os.close(2)
def seen(module): return str(module in sys.modules)
def hashed(word): return str(hash(word))
def surroundings():
    mask = os.umask(0); os.umask(mask)
    leader = os.getsid(0) == os.getpid()
    return "|".join([os.getcwd(), oct(mask), os.readlink("/proc/self/fd/0"), str(leader), str(sorted(os.environ))])
def descriptors():
    found = []
    for number in range(3, 256):
        try: found.append(os.readlink(f"/proc/self/fd/{number}").partition(":")[0])
        except FileNotFoundError: pass
    return " ".join(found)
def daemon(path, then):
    """Leave a process behind that has its own session, another parent, and no ear for SIGTERM."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            tell(path)
            while True: signal.pause()
        os._exit(0)
    os.wait()
    while not os.path.exists(path): time.sleep(0.001)
    if then == "hold": signal.pause()
    if then == "exit": os._exit(3)
def child(path):
    """Wait for a child process, as a command's action does."""
    told = f"echo $$ > {path}.new; mv {path}.new {path}"
    subprocess.run(["sh", "-c", f"trap '' TERM; {told}; while :; do sleep 1000; done"])
'''


def eventually(holds: Callable[[], bool], within: float = 20.0) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + within
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


def is_alive(pid: int) -> bool:
    return any(process.pid == pid and process.alive for process in table())


def pid_in(path: Path) -> int:
    """The process id that a worker tells in a file, once it has got there."""
    assert eventually(path.exists), f"nobody wrote {path}"
    return int(path.read_text())


@pytest.fixture
def toys(tmp_path: Path) -> Path:
    (tmp_path / "toy.py").write_text(TOY)
    return tmp_path


@pytest.fixture
def make(toys: Path) -> Iterator[Callable[..., ProcessPool]]:
    """Makes started pools; nothing of them may be left at the end."""
    pools: list[ProcessPool] = []
    before = set(descendants(os.getpid()))

    def make_pool(jobs: int = 2, *, work: str = "toy:run") -> ProcessPool:
        pool = ProcessPool(jobs, work=work, root=str(toys), environment=ENVIRONMENT, path=[SOURCE, str(toys)])
        pools.append(pool)
        pool.start()
        return pool

    yield make_pool
    for pool in pools:
        pool.stop()
    assert set(descendants(os.getpid())) <= before


def all_of(pool: Runner) -> dict[int, bytes | Death]:
    """What comes of everything outstanding, by ticket; no ticket may finish twice."""
    found: dict[int, bytes | Death] = {}
    while finished := pool.wait():
        for one in finished:
            assert one.ticket not in found
            found[one.ticket] = one.outcome if one.death is None else one.death  # type: ignore[assignment]  # either is set
    return found


def ask(pool: Runner, request: str, *, timeout: float | None = None) -> bytes | Death:
    """What comes of one request."""
    pool.submit(7, request.encode(), timeout=timeout, kind=request)
    return all_of(pool)[7]


def learn(pool: ProcessPool, kind: str) -> None:
    """Let the pool see that requests of a kind are cheap."""
    for _ in range(20):
        for ticket in range(20):
            pool.submit(ticket, b"echo ", kind=kind)
        all_of(pool)
        if pool.room() >= 8 * pool.slots:
            return
    raise AssertionError("the pool does not learn that echoes are cheap")


# Plain work


def test_every_request_is_answered_once(make):
    pool = make()
    for ticket in range(2000):
        pool.submit(ticket, b"echo %d" % ticket, kind="echo")
    assert all_of(pool) == {ticket: b"%d" % ticket for ticket in range(2000)}


def test_wait_has_nothing_to_wait_for_when_nothing_is_outstanding(make):
    assert make().wait() == []


def test_as_many_requests_run_at_once_as_there_are_slots(make, tmp_path):
    pool = make(3)
    for ticket in range(3):
        pool.submit(ticket, f"hold {tmp_path / str(ticket)}".encode())
    assert pool.room() == 0
    pool.submit(3, b"echo waits for its turn", timeout=0.01)
    held = []

    def all_hold() -> bool:  # forking is reported to the coordinator, so it has to listen
        held[:] = [tmp_path / str(ticket) for ticket in range(3) if (tmp_path / str(ticket)).exists()]
        return len(held) == 3

    assert eventually(all_hold)
    pids = {pid_in(path) for path in held}
    assert len(pids) == 3
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert all_of(pool)[3] == b"waits for its turn"


def test_a_pool_can_be_started_again_after_it_was_stopped(make):
    pool = make()
    first = ask(pool, "pid")
    pool.stop()
    pool.stop()
    pool.start()
    assert ask(pool, "pid") != first


@pytest.mark.parametrize("size", [1 << 16, 16 << 20])
def test_large_messages_in_both_directions_do_not_block_each_other(make, size):
    pool = make()
    for ticket in range(4):
        pool.submit(ticket, b"echo " + b"%d" % ticket * size)
    assert all_of(pool) == {ticket: b"%d" % ticket * size for ticket in range(4)}


def test_large_answers_to_queued_small_requests_arrive(make):
    pool = make(1)
    learn(pool, "x")
    for ticket in range(40):
        pool.submit(ticket, b"grow 1000000" if ticket % 2 else b"echo " + b"y" * 1_000_000, kind="x")
    assert {len(outcome) for outcome in all_of(pool).values()} == {1_000_000}  # type: ignore[arg-type]  # no deaths


# What workers find


def test_workers_find_their_folder_a_fixed_umask_no_input_and_only_the_given_environment(make, toys):
    seen = ask(make(), "surroundings")
    assert isinstance(seen, bytes)
    assert seen.decode().split("|") == [str(toys), "0o22", "/dev/null", "True", str(sorted(ENVIRONMENT))]


def test_workers_hold_no_descriptor_but_their_channel(make):
    with open(os.devnull) as inherited:
        os.set_inheritable(inherited.fileno(), True)
        pool = make()
        assert ask(pool, "descriptors") == b"socket"


def test_the_hash_seed_is_the_given_one(make):
    assert len({ask(make(), "hashed word") for _ in range(2)}) == 1
    program = [sys.executable, "-c", "print(hash('word'), end='')"]
    expected = subprocess.run(program, env={"PYTHONHASHSEED": "0"}, capture_output=True, check=True).stdout
    assert ask(make(), "hashed word") == expected


def test_preloaded_modules_are_there_and_those_that_fail_are_not(make, toys):
    (toys / "heavy.py").write_text("print('loading')")
    (toys / "broken.py").write_text("import sys; sys.exit('no')")
    pool = make()
    pool.preload(["heavy", "broken", "not_there_at_all"])
    assert ask(pool, "seen heavy") == b"True"
    assert ask(pool, "seen broken") == b"False"


def test_a_module_whose_import_ends_the_process_is_left_out(make, toys):
    """It is the action that needs it that should die of it."""
    (toys / "deadly.py").write_text("import os; os._exit(5)")
    pool = make()
    pool.preload(["deadly"])
    for ticket in range(4):
        pool.submit(ticket, b"seen deadly")
    assert set(all_of(pool).values()) == {b"False"}


# What workers do to themselves


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("leave 0", (0, 0)),
        ("leave 3", (0, 3)),
        ("fail", (0, 1)),
        ("die 9", (9, 0)),
        ("die 15", (15, 0)),
        ("crash", (signal.SIGSEGV, 0)),
        ("hang_up", (15, 0)),
        ("hang_up_and_return", None),
        ("scribble 020000000101", (15, 0)),  # bytes that are no message
        ("scribble 0d0000009363cb0000000000000000c400", (15, 0)),  # an answer to a ticket that nobody has
    ],
)
def test_a_worker_that_ends_fails_its_own_request_only(make, request_, expected):
    pool = make()
    pool.submit(0, request_.encode())
    for ticket in range(1, 20):
        pool.submit(ticket, b"echo fine", kind="echo")
    found = all_of(pool)
    death = found.pop(0)
    assert isinstance(death, Death)
    assert not death.timed_out
    assert death.rss > 1_000_000
    if expected is not None:
        assert (death.signal, death.status) == expected
    assert found == dict.fromkeys(range(1, 20), b"fine")


def test_a_worker_may_close_its_standard_output(make):
    pool = make(1)
    assert ask(pool, "mute") == b""
    assert ask(pool, "echo still here") == b"still here"


def test_requests_behind_a_dying_one_run_once_elsewhere(make, tmp_path):
    pool = make(1)
    learn(pool, "cheap")
    pool.submit(0, f"hold {tmp_path / 'holder'}".encode(), kind="cheap")
    for ticket in range(1, 6):
        pool.submit(ticket, f"mark {tmp_path / 'marks'} {ticket}".encode(), kind="cheap")
    os.kill(pid_in(tmp_path / "holder"), signal.SIGKILL)
    found = all_of(pool)
    assert isinstance(found[0], Death)
    assert found[0].signal == signal.SIGKILL
    assert set(found) == set(range(6))
    assert (tmp_path / "marks").read_text().split() == ["1", "2", "3", "4", "5"]


def test_what_was_answered_before_a_death_counts(make):
    pool = make(1)
    learn(pool, "cheap")
    pid = int(ask(pool, "pid"))  # type: ignore[arg-type]  # bytes
    for ticket in range(4):
        pool.submit(ticket, b"grow 40000", kind="cheap")
    pool.submit(4, b"die 9" + b" " * 70_000, kind="cheap")
    assert eventually(lambda: not is_alive(pid))
    found = all_of(pool)
    assert isinstance(found.pop(4), Death)
    assert found == dict.fromkeys(range(4), b"x" * 40_000)


def test_an_idle_worker_that_is_killed_is_replaced_in_silence(make):
    pool = make(1)
    pid = int(ask(pool, "pid"))  # type: ignore[arg-type]  # bytes
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(pid))
    found = [ask(pool, "pid") for _ in range(2)]
    assert not isinstance(found[-1], Death)


# Room


def test_requests_that_are_not_cheap_do_not_share_a_worker(make, tmp_path):
    """However often one of their kind was seen: the next may take for ever, and others are to run meanwhile."""
    pool = make(2)
    for ticket in range(15):
        pool.submit(ticket, b"pause 0.05", kind="slow")
        all_of(pool)
    pool.submit(100, f"hold {tmp_path / 'holder'}".encode(), kind="slow")
    for ticket in range(5):
        pool.submit(ticket, b"pause 0.05", kind="slow")
    done: list[Finished] = []
    while len(done) < 5:
        done += pool.wait()
    assert sorted(finished.ticket for finished in done) == [0, 1, 2, 3, 4]


def test_nothing_waits_behind_requests_of_an_unknown_or_expensive_kind(make):
    pool = make(2)
    assert pool.room() == 2
    pool.submit(0, b"pause 0.02", kind="slow")
    assert pool.room() == 1
    all_of(pool)
    assert pool.room() == 2


def test_cheap_requests_are_handed_out_in_numbers(make):
    pool = make(2)
    learn(pool, "cheap")
    assert 16 <= pool.room() <= 128


def test_cheap_requests_do_not_wait_behind_an_expensive_one(make, tmp_path):
    pool = make(2)
    learn(pool, "cheap")
    pool.submit(1000, f"hold {tmp_path / 'holder'}".encode(), kind="unknown")
    for ticket in range(200):
        pool.submit(ticket, b"echo ", kind="cheap")
    done: list[Finished] = []
    while len(done) < 200:
        done += pool.wait()
    os.kill(pid_in(tmp_path / "holder"), signal.SIGKILL)
    assert list(all_of(pool)) == [1000]


# Timeouts


def test_a_timeout_ends_the_action(make):
    death = ask(make(), "pause 1000", timeout=0.05)
    assert isinstance(death, Death)
    assert (death.signal, death.timed_out) == (signal.SIGTERM, True)


def test_a_timeout_ends_what_ignores_the_request_to_end(make, tmp_path):
    death = ask(make(), f"stubborn {tmp_path / 'pid'}", timeout=0.5)
    assert isinstance(death, Death)
    assert (death.signal, death.timed_out) == (signal.SIGKILL, True)
    assert not is_alive(pid_in(tmp_path / "pid"))


def test_a_timeout_ends_the_whole_tree_of_its_own_worker_and_no_other(make, tmp_path):
    pool = make(3)
    pool.submit(0, f"daemon {tmp_path / 'other'} stay".encode())
    assert all_of(pool) == {0: b""}
    pool.submit(1, f"hold {tmp_path / 'holder'}".encode(), kind="hold")  # goes to the worker that is up, the other daemon's
    pool.submit(2, f"daemon {tmp_path / 'daemon'} hold".encode(), timeout=1.0, kind="daemon")
    pool.submit(3, f"child {tmp_path / 'child'}".encode(), timeout=1.0, kind="child")
    found: list[Finished] = []
    while len(found) < 2:
        found += pool.wait()
    for one in found:
        assert one.death is not None
        assert one.death.timed_out
    assert not is_alive(pid_in(tmp_path / "daemon"))
    assert not is_alive(pid_in(tmp_path / "child"))
    assert is_alive(pid_in(tmp_path / "holder"))
    assert is_alive(pid_in(tmp_path / "other"))


def test_a_daemon_does_not_outlive_the_worker_that_dies(make, tmp_path):
    death = ask(make(), f"daemon {tmp_path / 'pid'} exit")
    assert isinstance(death, Death)
    assert (death.status, death.timed_out) == (3, False)
    assert not is_alive(pid_in(tmp_path / "pid"))


def test_a_timeout_counts_from_the_start_of_its_own_execution(make):
    pool = make(1)
    learn(pool, "cheap")
    pool.submit(0, b"pause 0.6", kind="cheap")
    pool.submit(1, b"pause 0.1", timeout=0.5, kind="cheap")
    assert all_of(pool) == {0: b"", 1: b""}


def test_an_action_is_not_blamed_for_the_timeout_of_the_one_before(make):
    """The answer may come just when the worker is being ended for being late; what it began since runs again."""
    before = set(descendants(os.getpid()))
    pool = make(1)
    [nursery] = set(descendants(os.getpid())) - before
    learn(pool, "cheap")
    os.kill(nursery, signal.SIGSTOP)
    pool.submit(0, b"pause 0.3", timeout=0.1, kind="cheap")
    pool.submit(1, b"pause 0.3", kind="cheap")
    assert pool.wait() == [Finished(0, b"", None)]
    os.kill(nursery, signal.SIGCONT)
    assert all_of(pool) == {1: b""}


def test_requests_behind_one_that_times_out_run_elsewhere(make):
    pool = make(1)
    learn(pool, "cheap")
    pool.submit(0, b"pause 1000", timeout=0.1, kind="cheap")
    for ticket in range(1, 5):
        pool.submit(ticket, b"echo fine", timeout=60, kind="cheap")
    found = all_of(pool)
    assert isinstance(found.pop(0), Death)
    assert set(found.values()) == {b"fine"}


# Fresh workers


def test_recycling_replaces_every_worker(make):
    pool = make(1)
    before = ask(pool, "pid")
    assert ask(pool, "pid") == before
    pool.recycle()
    after = ask(pool, "pid")
    assert after != before
    assert eventually(lambda: not is_alive(int(before)))  # type: ignore[arg-type]  # bytes


def test_recycling_lets_running_requests_finish(make, tmp_path):
    pool = make(1)
    pool.submit(0, b"pause 0.2", kind="a")
    pool.recycle()
    pool.submit(1, b"pid", kind="b")
    found = all_of(pool)
    assert found[0] == b""
    assert not isinstance(found[1], Death)


# The machine


def test_a_nursery_that_is_killed_is_an_error_that_says_so(make, tmp_path):
    before = set(descendants(os.getpid()))
    pool = make(1)
    [nursery] = set(descendants(os.getpid())) - before
    pool.submit(0, f"hold {tmp_path / 'pid'}".encode())
    worker = pid_in(tmp_path / "pid")
    os.kill(nursery, signal.SIGKILL)
    assert eventually(lambda: not is_alive(worker))
    for _ in range(2):
        with pytest.raises(MachineError, match="forked") as caught:
            all_of(pool)
        assert caught.value.code == "BG200"
        assert ("ended", "killed by signal 9") in caught.value.facts


@pytest.mark.parametrize(
    ("work", "last_words"),
    [("nowhere:run", "No module named 'nowhere'"), ("toy:nothing", "has no attribute 'nothing'")],
)
def test_a_work_function_that_cannot_be_had_is_an_error_that_shows_why(make, work, last_words):
    pool = make(work=work)
    pool.submit(0, b"")
    with pytest.raises(MachineError) as caught:
        pool.wait()
    assert caught.value.code == "BG200"
    assert last_words in dict(caught.value.facts)["its last words"]


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path):
    pool = ProcessPool(1, work="toy:run", root=str(tmp_path / "gone"), environment=ENVIRONMENT, path=[SOURCE])
    pool.start()
    pool.submit(0, b"")
    try:
        with pytest.raises(MachineError) as caught:
            pool.wait()
    finally:
        pool.stop()
    assert str(tmp_path / "gone") in dict(caught.value.facts)["its last words"]


@contextmanager
def only_so_many_descriptors(free: int) -> Iterator[None]:
    """Leave this process so many descriptors that it can still open."""
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(free + 1)]  # fills the gaps, too
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1], hard))
    for fd in taken:
        os.close(fd)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_pool_makes_do_with_the_workers_it_gets(make):
    before = len(descendants(os.getpid()))
    pool = make(8)
    ask(pool, "pid")
    with only_so_many_descriptors(4):
        for ticket in range(40):
            pool.submit(ticket, b"pause 0.002")
        assert len(all_of(pool)) == 40
        pool.submit(40, b"pause 0.01", kind="another")
        assert pool.room() <= 4
        all_of(pool)
    assert 2 <= len(descendants(os.getpid())) - before - 1 <= 5


def test_no_worker_at_all_is_an_error(make):
    pool = make(2)
    with only_so_many_descriptors(1), pytest.raises(MachineError) as caught:
        pool.submit(0, b"echo ")
    assert caught.value.code == "BG201"


def test_pools_leave_no_descriptors_behind(make, toys):
    ask(make(), "pid")  # whatever is opened once and for all
    before = sorted(os.listdir("/proc/self/fd"))
    for round_ in range(6):
        pool = ProcessPool(2, work="toy:run", root=str(toys), environment=ENVIRONMENT, path=[SOURCE, str(toys)])
        pool.start()
        if round_ % 3:
            pool.submit(0, b"leave 1" if round_ % 2 else b"echo ")
            pool.wait()
        pool.stop()
    assert sorted(os.listdir("/proc/self/fd")) == before


# The end


@pytest.mark.parametrize("request_", ["stubborn {path}", "daemon {path} hold", "daemon {path} stay", "child {path}"])
def test_nothing_survives_stop(make, tmp_path, request_):
    pool = make()
    pool.submit(0, request_.format(path=tmp_path / "pid").encode())
    pid = pid_in(tmp_path / "pid")
    pool.stop(grace=0.1)
    assert not is_alive(pid)


def test_a_pool_deep_in_an_import_stops(make, toys):
    (toys / "endless.py").write_text("import os, time\nos.mkdir('importing')\nwhile True: time.sleep(0.01)")
    pool = make()
    assert ask(pool, "echo up") == b"up"
    pool.preload(["endless"])
    assert eventually((toys / "importing").exists)
    pool.stop()


COORDINATOR = """
import os, sys
from buildgraph.execution.pool import ProcessPool
pool = ProcessPool(3, work="toy:run", root=sys.argv[1], environment=dict(os.environ), path=sys.argv[2:])
pool.start()
for ticket, verb in enumerate(["stubborn", "daemon {} hold", "child"]):
    path = os.path.join(sys.argv[1], f"pid{ticket}")
    pool.submit(ticket, (verb.format(path) if "{}" in verb else f"{verb} {path}").encode())
try:
    pool.wait()
except KeyboardInterrupt:
    pool.stop()
    print("stopped", flush=True)
"""


@pytest.fixture
def coordinator(toys: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", COORDINATOR, str(toys), SOURCE, str(toys)],
        env={**ENVIRONMENT, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def test_after_an_interrupt_stop_ends_everything(coordinator, toys):
    pids = [pid_in(toys / f"pid{ticket}") for ticket in range(3)]
    below = descendants(coordinator.pid)
    assert set(pids) < set(below)
    coordinator.send_signal(signal.SIGINT)
    assert coordinator.communicate(timeout=20)[0] == "stopped\n"
    assert not set(below) & {process.pid for process in table() if process.alive}


def test_nothing_survives_a_coordinator_that_is_killed(coordinator, toys):
    for ticket in range(3):
        pid_in(toys / f"pid{ticket}")
    below = set(descendants(coordinator.pid))
    assert len(below) >= 5
    coordinator.kill()
    assert eventually(lambda: not below & {process.pid for process in table() if process.alive})


INTERRUPTED = """
import os, random, signal, sys
from buildgraph.execution.pool import ProcessPool
from buildgraph.execution.processes import descendants

def work_forever(pool):
    pool.start()
    ticket = 0
    while True:
        for _ in range(pool.room()):
            ticket += 1
            pool.submit(ticket, b"die 9" if ticket % 50 == 0 else b"echo " + b"x" * 5000, kind="echo", timeout=60)
        pool.wait()

def interrupt(*_):
    global interrupts
    interrupts += 1
    if interrupts <= 2:
        raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
chance = random.Random(1)
for _ in range(30):
    pool = ProcessPool(2, work="toy:run", root=sys.argv[1], environment=dict(os.environ), path=sys.argv[2:])
    interrupts = 0
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0005, 0.15), 0.002)  # the second one meets `stop`
            work_forever(pool)
        except KeyboardInterrupt:
            pool.stop()
            interrupts = 2
    except KeyboardInterrupt:
        pool.stop()
    signal.setitimer(signal.ITIMER_REAL, 0)
    left = descendants(os.getpid())
    assert not left, [open(f"/proc/{pid}/cmdline").read() for pid in left]
print("nothing left")
"""


def test_an_interrupt_at_any_moment_leaves_a_pool_that_can_be_stopped(toys):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(toys), SOURCE, str(toys)],
        env={**ENVIRONMENT, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.stdout, done.stderr) == ("nothing left\n", "")
