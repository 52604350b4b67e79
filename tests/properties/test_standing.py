"""The promise of the standing answer: whatever happens to a workspace, it is given only if the full build gives it, too."""

from __future__ import annotations

import io
import os
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buildgraph import Workspace, facts
from buildgraph.cli import quick
from buildgraph.cli.build import _text_around as text_around
from buildgraph.facts import request_of
from buildgraph.standing import Wish

BUILD = '''from buildgraph.rules import command, files, python

files("texts", srcs=["**/*.txt"], allow_empty=True)
python("read", fn="reading:read", needs={"folder": ":texts"})
command("cat", cmd="cat $(in) > $(out)", srcs=["a.txt", "b.txt"], outs=["o"])
command("again", cmd="cat $(in) > $(out)", srcs=[":cat"], outs=["p"])
'''
FILES = {
    "buildgraph.toml": 'runner = "inline"\n', "BUILD.py": BUILD, "reading.py": "import helper\n\ndef read(folder):\n    return [helper.KEY] + sorted(p.read_text() for p in folder.rglob('*.txt'))\n",
    "helper.py": "KEY = 1\n", "a.txt": "aa", "b.txt": "bb", "in/c.txt": "cc",
}  # fmt: skip
NAMES = ["a.txt", "b.txt", "in/c.txt", "in/d.txt", "helper.py", "reading.py", "BUILD.py", "build/cat/o", "build/again/p", "in/BUILD.py"]
TEXTS = ["aa", "bb", "KEY = 2\n", "KEY = 3\n", ""]
EDITS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(TEXTS)),
    st.tuples(st.just("write, time kept"), st.sampled_from(NAMES), st.sampled_from(TEXTS)),
    st.tuples(st.just("whole again"), st.sampled_from(sorted(FILES)), st.just("")),
    st.tuples(st.sampled_from(["touch", "remove", "executable", "link"]), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("remove all"), st.sampled_from(["build", "store", ".buildgraph", ".buildgraph/ledger", "in"]), st.just("")),
    st.tuples(st.just("build"), st.just(""), st.sampled_from(["//:cat", "//:read"])),
    st.just(("nothing", "", "")),
)


def apply(root: Path, edit: tuple[str, str, str]) -> None:
    what, name, text = edit
    path = root / name
    if what.startswith(("write", "whole")):
        if path.parent.is_dir() and not path.is_dir():
            before = path.stat() if path.exists() else None
            path.write_text(FILES[name] if what == "whole again" else text)
            if what == "write, time kept" and before:
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif name in FILES and not path.parent.exists():
            path.parent.mkdir()
    elif what == "remove all":
        place = root if name != "store" else root.parent
        shutil.rmtree(place / name, ignore_errors=True)
    elif path.is_file() and not path.is_symlink():
        if what == "touch":
            path.touch()
        elif what == "remove":
            path.unlink()
        elif what == "executable":
            path.chmod(0o755)
        elif what == "link":
            (root.parent / "elsewhere").mkdir(exist_ok=True)
            shutil.move(path, root.parent / "elsewhere" / path.name)
            path.symlink_to(root.parent / "elsewhere" / path.name)


def full(root: Path, store: Path, labels: list[str]) -> str:
    """What the full build says, leaving its answer; an error is said by its code."""
    try:
        wish = Wish(request_of("text", str(root), str(store), labels), str(root), text_around)
        report = Workspace(root, store=store, environment=dict(os.environ)).build(labels, wish=wish)
    except Exception as error:
        return f"failed: {getattr(error, 'code', type(error).__name__)}"
    return text_around(report)[0] if report.ok else "failed"


def at_once(root: Path, store: Path, labels: list[str]) -> str | None:
    said = io.StringIO()
    with redirect_stdout(said):
        answered = quick.answer(["-C", str(root), "--store", str(store), "build", *labels])
    return said.getvalue().rpartition(" in ")[0] + " in " if answered else None


def live(home: Path, script: list[tuple[str, str, str]]) -> int:
    """Live through `script`; how often an answer stood."""
    root, store, stood = home / "ws", home / "store", 0
    shutil.rmtree(home, ignore_errors=True)
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for _ in range(3):  # the folder of the outputs is new at first
        full(root, store, [])
    for edit in [("nothing", "", ""), *script]:
        if edit[0] == "build":
            full(root, store, [edit[2]])
        apply(root, edit)
        for _ in range(2):
            said = at_once(root, store, [])
            expected = full(root, store, [])
            assert said is None or said == expected
            stood += said is not None
    return stood


@pytest.mark.slow
def test_an_answer_stands_only_if_the_full_build_gives_it_too(tmp_path):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(EDITS, max_size=6))
    def holds(script):
        assert live(tmp_path / "home", script) > 0

    holds()


def test_the_property_fails_when_sources_are_no_facts(tmp_path, monkeypatch):
    monkeypatch.setattr(quick, "_same", lambda *_: True)
    with pytest.raises(AssertionError):
        live(tmp_path / "home", [("write", "a.txt", "zz")])


def test_everything_a_full_build_looks_at_is_a_fact(tmp_path, monkeypatch):
    """Every path inside the workspace that an unchanged build asks the system about is in the standing answer."""
    live(tmp_path / "home", [])
    root, store = tmp_path / "home" / "ws", tmp_path / "home" / "store"
    seen: set[str] = set()

    def spied(function):
        def spy(path=".", *rest, **named):
            if isinstance(path, (str, bytes, os.PathLike)):
                seen.add(os.path.abspath(os.fsdecode(path)))
            return function(path, *rest, **named)

        return spy

    for name in ("stat", "lstat", "scandir", "listdir", "open", "access", "readlink"):
        monkeypatch.setattr(os, name, spied(getattr(os, name)))
    full(root, store, [])
    monkeypatch.undo()
    data = next((root / facts.FOLDER).iterdir()).read_bytes()
    parts = facts.unpack(data)
    assert parts is not None
    known = {os.path.abspath(root / os.fsdecode(path)) for path in (data[parts[4]] + b"\0" + data[parts[5]]).split(b"\0")}
    inside = {path for path in seen if path.startswith(f"{root}/") and not path.startswith(f"{root}/.buildgraph")}
    unknown = {path for path in inside - known if not (os.path.dirname(path) in known and not os.path.lexists(path))}
    assert len(inside) > 8
    assert unknown == set()
