"""The answer that stands: an unchanged build says what the full command line says, and notices whatever changed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from buildgraph import facts

COMMAND = Path(sys.executable).parent / "buildgraph"
Place = Any  # the workspace of `conftest.py`

# What an unchanged build may import beyond what Python itself has by then.
ALLOWED = {"buildgraph", "buildgraph.version", "buildgraph.cli", "buildgraph.cli.quick", "buildgraph.facts", "fcntl", "gc", "zlib", "time", "__future__"}
SHOWN = {"PYTHONPROFILEIMPORTTIME": "1"}  # Python says what it imports


def imported(text: str) -> set[str]:
    return {line.rpartition("|")[2].strip() for line in text.splitlines() if line.startswith("import time:")}


def answered_at_once(place: Place, *words: str) -> bool:
    return "click" not in imported(place("build", *words, env=SHOWN).err)


def settle(place: Place, *words: str) -> None:
    """Build until the answer stands."""
    for _ in range(6):
        if answered_at_once(place, *words):
            return
    raise AssertionError("the answer does not stand")


def without_seconds(text: str) -> str:
    return re.sub(r' in \d+\.\d\d s$|"seconds": [\d.]+|\d+\.\d\d s  \(', "", text, flags=re.MULTILINE)


def outputs(place: Place) -> dict[str, bytes]:
    build = place.root / "build"
    return {str(path.relative_to(build)): path.read_bytes() for path in sorted(build.rglob("*")) if path.is_file()}


def twin(place: Place) -> Place:
    """A copy in which no stat tuple is what it was, so that nothing can answer but the full command line."""
    home = place.store.parent.with_name("twin")
    shutil.copytree(place.store.parent, home, symlinks=True)
    made = type(place)(home / place.root.name, home / "store")
    shutil.rmtree(made.root / ".buildgraph" / "standing", ignore_errors=True)
    return made


READER = '''import os

import helping


def read():
    return helping.help(os.environ.get("GREETING", "none"))
'''
MORE = '''from pathlib import Path

from buildgraph.rules import command, files, python

python("read", fn="reader:read")
files("data", srcs=["**/*.dat"])
command("sizes", cmd="cat $(in) > $(out)", srcs=[":data"], outs=["sizes.txt"])
command(f"n{len(list(Path('more').iterdir()))}", cmd="echo hi > $(out)", outs=["o"])
'''


HELPING = "def help(text):\n    return text\n"


@pytest.fixture
def place(place: Place, tmp_path: Path) -> Place:
    """The usual workspace, with more to rely on, in a home of its own."""
    made = type(place)(tmp_path / "home" / "ws", tmp_path / "home" / "store")
    shutil.copytree(place.root, made.root)
    made.write({"reader.py": READER, "helping.py": HELPING, "more/BUILD.py": MORE, "more/one.dat": "1", "more/deep/two.dat": "2", "more/helper.txt": "x"})
    return made


def write(name: str, text: str) -> Callable[[Place], None]:
    return lambda place: place.write({name: text})


def again(name: str, change: Callable[[str], str] = str) -> Callable[[Place], None]:
    return lambda place: place.write({name: change((place.root / name).read_text())})


def restored(place: Place) -> None:
    """An edit of the same size, with the modification time put back."""
    path = place.root / "text/a.txt"
    before = path.stat()
    path.write_text("two one\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def copied_over(place: Place) -> None:
    path = place.root / "text/a.txt"
    before = path.stat()
    other = place.root / "text/.new"
    other.write_text("two one\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)


def linked(place: Place) -> None:
    """The folder becomes a link to another one with the same names."""
    shutil.copytree(place.root / "text", place.root / "elsewhere")
    (place.root / "elsewhere/a.txt").write_text("other\n")
    shutil.rmtree(place.root / "text")
    (place.root / "text").symlink_to("elsewhere")


def package_linked(place: Place) -> None:
    (place.root / "tools").rename(place.root / "tools2")
    (place.root / "tools").symlink_to("tools2")


def output_replaced(place: Place) -> None:
    path = next(each for each in (place.root / "build").rglob("upper.txt"))
    path.unlink()
    path.mkdir()


def damage(name: str) -> Callable[[Place], None]:
    def change(place: Place) -> None:
        path = place.root / name
        data = bytearray(path.read_bytes())
        data[: 4 * 4096] = bytes(each ^ 0xFF for each in data[: 4 * 4096])  # beyond its head LMDB checks nothing, and what it does then is chance
        path.write_bytes(data)

    return change


def damage_answers(place: Place) -> None:
    for path in (place.root / ".buildgraph/standing").iterdir():
        data = bytearray(path.read_bytes())
        data[-30] ^= 1  # in the middle of what it says
        path.write_bytes(data)


def remove(name: str) -> Callable[[Place], None]:
    def change(place: Place) -> None:
        path = place.root / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    return change


EDITS: dict[str, Callable[[Place], object]] = {
    "nothing": lambda place: None,
    "a source": write("text/a.txt", "one two three\n"),
    "a source, same size": write("text/a.txt", "two one\n"),
    "a source, same size, its time put back": restored,
    "a source, replaced by a file as old": copied_over,
    "a source touched": lambda place: os.utime(place.root / "text/a.txt"),
    "a source with a time in the future": lambda place: os.utime(place.root / "text/a.txt", (4e9, 4e9)),
    "a source written again": again("text/a.txt"),
    "a source executable": lambda place: (place.root / "text/a.txt").chmod(0o755),
    "a source removed": remove("text/b.txt"),
    "a source that a command names removed": remove("text/a.txt"),
    "a source unreadable": lambda place: (place.root / "text/a.txt").unlink() or (place.root / "text/a.txt").mkdir(),
    "a new source": write("text/c.txt", "four\n"),
    "a new file that no glob names": write("text/c.md", "four\n"),
    "a new source in a new folder": write("more/new/x.dat", "4"),
    "a new source in an old folder": write("more/deep/x.dat", "4"),
    "a package inside a glob": write("more/deep/BUILD.py", ""),
    "a source renamed": lambda place: (place.root / "text/b.txt").rename(place.root / "text/d.txt"),
    "a folder of sources became a link": linked,
    "a folder of a package became a link": package_linked,
    "an output deleted": remove("build/upper"),
    "all outputs deleted": remove("build"),
    "an output edited": lambda place: next((place.root / "build").rglob("upper.txt")).write_text("edited"),
    "an output edited, same size": lambda place: next((place.root / "build").rglob("upper.txt")).write_text("TWO ONE\n"),
    "an output became a folder": output_replaced,
    "a file among the outputs": lambda place: (next((place.root / "build").rglob("upper.txt")).parent / "foreign").write_text("x"),
    "an output read-only": lambda place: next((place.root / "build").rglob("upper.txt")).chmod(0o400),
    "a build file": write("tools/BUILD.py", "from buildgraph.rules import python\n\npython('tools2', fn='tools.code:run')\n"),
    "a build file with a mistake": write("tools/BUILD.py", "from buildgraph.rules import python\n\npython(\n"),
    "a comment in a build file": again("tools/BUILD.py", lambda text: text + "# more\n"),
    "a build file removed": remove("tools/BUILD.py"),
    "a second build file": write("tools/graph.yml", "nodes: {}\n"),
    "a new package": write("new/BUILD.py", "from buildgraph.rules import command\n\ncommand('x', cmd='echo > $(out)', outs=['x'])\n"),
    "a folder that a build file lists": write("more/third.txt", "3"),
    "a function": again("steps.py", lambda text: text.replace("return sorted(", "return list(")),
    "a comment in code": again("steps.py", lambda text: "# hello\n" + text),
    "a helper module": write("helping.py", "def help(text):\n    return text + '?'\n"),
    "a helper module became a package": lambda place: (place.root / "helping.py").unlink() or place.write({"helping/__init__.py": "def help(text):\n    return 1\n"}),
    "a module that comes before": write("helping/__init__.py", "def help(text):\n    return 2\n"),
    "a module removed": remove("helping.py"),
    "a setting": write("buildgraph.toml", 'default = ["//tools"]\n'),
    "a setting with a mistake": write("buildgraph.toml", "nonsense = 1\n"),
    "settings in pyproject.toml": write("pyproject.toml", '[tool.buildgraph]\ndefault = ["//tools"]\n'),
    "the user's settings": lambda place: type(place)(place.store.parent, place.store).write({".config/buildgraph/config.toml": 'outputs = "out"\n'}),
    "another output folder": write("buildgraph.toml", 'outputs = "out"\n'),
    "the marker removed": remove("buildgraph.toml"),
    "a package that became a workspace": write("tools/buildgraph.toml", ""),
    "the store removed": lambda place: shutil.rmtree(place.store),
    "the store's index removed": lambda place: shutil.rmtree(place.store / "index"),
    "the ledger removed": remove(".buildgraph/ledger"),
    "the ledger damaged": damage(".buildgraph/ledger/index/data.mdb"),
    "the standing answer damaged": damage_answers,
    "everything of ours removed": remove(".buildgraph"),
    "a build of something else": lambda place: place("build", "//tools", env=SHOWN),
    "a forced build": lambda place: place("build", "--force", env=SHOWN),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize("edit", EDITS)
def test_the_answer_is_that_of_the_full_command_line(place, edit, how):
    settle(place, *how)
    EDITS[edit](place)
    full = twin(place)
    for _ in range(2):  # what is left after an answer must not mislead the next one either
        expected = subprocess.run([COMMAND, "build", *how], cwd=full.root, env=full.environment(SHOWN), capture_output=True, text=True)
        said = subprocess.run([COMMAND, "build", *how], cwd=place.root, env=place.environment(SHOWN), capture_output=True, text=True)
        assert sorted(without_seconds(said.stdout).splitlines()) == sorted(without_seconds(expected.stdout).splitlines())
        assert said.returncode == expected.returncode
        assert outputs(place) == outputs(full)


def test_an_unchanged_build_imports_next_to_nothing(place):
    settle(place)
    bare = subprocess.run([sys.executable, "-X", "importtime", "-c", "pass"], capture_output=True, text=True, check=True).stderr
    assert imported(place("build", env=SHOWN).err) - imported(bare) <= ALLOWED
    assert "click" in imported(place("build", "--force", env=SHOWN).err)  # so the check can fail
    script = "import sys; sys.path = sys.argv[1:]; from buildgraph.cli.quick import answer"
    empty = subprocess.run([sys.executable, "-I", "-S", "-X", "importtime", "-c", script, *paths()], capture_output=True, text=True, check=True).stderr
    assert not imported(empty) & {"typing", "re", "enum", "dataclasses", "functools", "collections", "logging", "asyncio", "click", "contextlib"}


def paths() -> list[str]:
    """Where the package is found."""
    return [str(Path(facts.__file__).parent.parent), *(path for path in sys.path if path)]


@pytest.mark.parametrize(
    ("variable", "value"), [("GREETING", "hello"), ("BUILDGRAPH_OUTPUTS", "out"), ("PATH", "/nowhere:/usr/bin:/bin"), ("UNRELATED", "1")]
)
def test_a_changed_variable_is_noticed(place, variable, value):
    settle(place)
    assert "click" in imported(place("build", env={**SHOWN, variable: value}).err)


def test_what_a_terminal_says_of_itself_is_no_change_unless_something_reads_it(place):
    settle(place)
    assert "click" not in imported(place("build", env={**SHOWN, "COLUMNS": "77"}).err)
    place.write({"reader.py": READER.replace("GREETING", "COLUMNS"), "tools/BUILD.py": "import os\nos.environ.get('LINES')\n"})
    settle(place)
    assert "click" in imported(place("build", env={**SHOWN, "LINES": "78"}).err)


def test_a_distribution_that_comes_or_goes_is_noticed(place, tmp_path):
    place.write({"helping.py": "try:\n    import fake\nexcept ImportError:\n    fake = None\n\n\ndef help(text):\n    return text, fake is None\n"})
    site = tmp_path / "site-packages"
    (site / "fake-1.0.dist-info").mkdir(parents=True)
    (site / "fake-1.0.dist-info/METADATA").write_text("Name: fake\nVersion: 1.0\n")
    (site / "fake.py").write_text("NAME = 'fake'\n")
    there = {**SHOWN, "PYTHONPATH": str(site)}
    for _ in range(6):
        if "click" not in imported(place("build", env=there).err):
            break
    else:
        raise AssertionError("the answer does not stand")
    (site / "fake-1.0.dist-info").rename(site / "fake-2.0.dist-info")
    (site / "fake-2.0.dist-info/METADATA").write_text("Name: fake\nVersion: 2.0\n")
    assert "click" in imported(place("build", env=there).err)


@pytest.mark.parametrize("flags", [("-v",), ("--events", "e.jsonl"), ("-k",), ("--force",), ("--no-deep-keys",), ("--jobs", "1"), ("--dry-run",)])
def test_anything_unusual_goes_the_full_way(place, flags):
    settle(place)
    assert "click" in imported(place("build", *flags, env=SHOWN).err)


def test_a_build_that_runs_in_the_workspace_is_waited_for(place):
    settle(place)
    import fcntl

    with open(place.root / ".buildgraph/lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert place("build", "--no-wait", env=SHOWN, expect=4).code == 4
        waiting = place.start("build")
        try:
            assert "waiting for" in waiting.stderr.readline()
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert waiting.wait(120) == 0


