"""What an action sees of the process it runs in, and what it leaves behind there: nothing."""

from __future__ import annotations

import json
import os
import sys

import pytest

from buildgraph.testing import TemporaryWorkspace


@pytest.fixture(params=["inline", "pool"])
def run(request, tmp_path):
    """Builds functions, one after the other in one process, and returns what they returned."""
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner=request.param, jobs=1)

    def values(code, *names):
        lines = ["from buildgraph.rules import python"]
        for number, name in enumerate(names):  # a chain, so that their order is known
            needs = f"{{'after': ':{names[number - 1]}'}}" if number else "{}"
            lines.append(f"python({name!r}, fn='m:{name}', needs={needs})")
        workspace.write({"BUILD.py": "\n".join(lines), "m.py": code})
        built = workspace.build()
        assert built.ok, [error.render() for error in built.report.errors.values()]
        return [json.loads(workspace.output(f"//:{name}").read_text()) for name in names]

    return values


def test_the_environment_is_fixed(run, monkeypatch):
    monkeypatch.setenv("SECRET", "leak")
    [seen] = run("import os\n\ndef seen():\n    return dict(os.environ)\n", "seen")
    assert "SECRET" not in seen
    assert seen["OMP_NUM_THREADS"] == seen["OPENBLAS_NUM_THREADS"] == "1"
    assert (seen["TZ"], seen["LC_ALL"], seen["PYTHONHASHSEED"]) == ("UTC", "C.UTF-8", "0")
    assert os.environ["SECRET"] == "leak"


def test_what_an_action_does_to_its_process_is_put_back(run):
    before = (os.getcwd(), dict(os.environ), list(sys.path), sys.stdout, sys.getrecursionlimit())
    _spoiled, seen = run(
        """
import os, sys

def state():
    umask = os.umask(0o022)
    return [os.environ.get("MINE"), os.path.basename(os.getcwd()), oct(umask), sys.getrecursionlimit() == 77_777, sorted(os.listdir("."))]

def spoil():
    os.environ["MINE"] = "x"
    open("litter", "w").close()
    os.chdir("/")
    os.umask(0o077)
    sys.setrecursionlimit(77_777)
    sys.stdout = None
    return 1

def look(after):
    return state()
""",
        "spoil", "look",
    )  # fmt: skip
    assert seen == [None, "cwd", "0o22", False, []]
    assert (os.getcwd(), dict(os.environ), list(sys.path), sys.stdout, sys.getrecursionlimit()) == before


def test_the_working_folder_is_private_and_empty(run):
    first, second = run(
        "import os\n\ndef first():\n    open('x', 'w').close()\n    return os.listdir('.')\n\ndef second(after):\n    return os.listdir('.')\n", "first", "second"
    )
    assert (first, second) == (["x"], [])


def test_home_and_temporary_files_are_inside_the_workspace(run, tmp_path):
    [seen] = run("import os\n\ndef seen():\n    return [os.path.expanduser('~'), os.environ['TMPDIR']]\n", "seen")
    assert all(path.startswith(str(tmp_path / "ws" / ".buildgraph")) for path in seen)


def test_nothing_of_it_is_left_after_the_build(run, tmp_path):
    run("def x():\n    open('litter', 'w').close()\n    return 1\n", "x")
    workers = tmp_path / "ws" / ".buildgraph" / "workers"
    assert not workers.exists() or list(workers.rglob("litter")) == []


def test_what_is_printed_is_the_log_whoever_prints_it(tmp_path):
    from buildgraph.answers import log

    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner="pool", jobs=1)
    workspace.write(
        {
            "BUILD.py": "from buildgraph.rules import python\npython('t', fn='m:t')\npython('quiet', fn='m:quiet', needs={'x': ':t'})",
            "m.py": """
import os, subprocess, sys

def t():
    print("printed")
    sys.stdout.flush()
    print("to stderr", file=sys.stderr, flush=True)
    os.write(1, b"raw\\n")
    subprocess.run(["echo", "from a child"], check=True)
    return 1

def quiet(x):
    return 2
""",
        }
    )
    workspace.build()
    with workspace.workspace().open("look") as session:
        assert log(session, "//:t").decode().splitlines() == ["printed", "to stderr", "raw", "from a child"]
        assert log(session, "//:quiet") == b""


def test_a_very_long_log_loses_its_middle(tmp_path):
    from buildgraph.answers import log

    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner="pool", jobs=1)
    workspace.write(
        {
            "BUILD.py": "from buildgraph.rules import python\npython('t', fn='m:t')",
            "m.py": "def t():\n    print('first')\n    print('x' * 2_000_000)\n    print('last')\n    return 1\n",
        }
    )
    workspace.build()
    with workspace.workspace().open("look") as session:
        text = log(session, "//:t").decode()
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert "bytes cut" in text
    assert len(text) < 600_000


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("import os; os._exit(3)", "BG217"), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "BG211"),
        ("raise SystemExit(0)", "BG220"), ("raise KeyboardInterrupt", "BG220"), ("raise MemoryError", "BG220"),
        ("import ctypes; ctypes.string_at(0)", "BG211"),
    ],
)  # fmt: skip
def test_however_an_action_ends_only_its_target_fails(tmp_path, body, code):
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner="pool", jobs=2)
    workspace.write(
        {
            "BUILD.py": "from buildgraph.rules import python\npython('bad', fn='m:bad')\n" + "\n".join(f"python('g{n}', fn='m:good', config={{'n': {n}}})" for n in range(5)),
            "m.py": f"def bad():\n    {body}\n\ndef good(n):\n    return n\n",
        }
    )
    built = workspace.build(keep_going=True)
    assert list(built.report.errors) == ["//:bad"]
    assert code in built.error("//:bad")
    assert built.report.built == 5


def test_a_worker_that_dies_once_is_forgiven(tmp_path):
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner="pool", jobs=1)
    mark = tmp_path / "mark"
    workspace.write(
        {
            "BUILD.py": f"from buildgraph.rules import python\npython('t', fn='m:t', config={{'mark': {str(mark)!r}}})",
            "m.py": "import os\n\ndef t(mark):\n    if not os.path.exists(mark):\n        open(mark, 'w').close()\n        os.abort()\n    return 1\n",
        }
    )
    built = workspace.build()
    assert built.ok
    assert built.ran == ["//:t"]
