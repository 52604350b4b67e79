"""`python`: a plain function as a target."""

from __future__ import annotations

import json

import pytest

KINDS = '''{future}
import pathlib
import typing
from pathlib import Path


def plain(x):
    return [type(x).__name__.replace("Posix", ""), Path(x).name]

def path(x: Path):
    return [type(x).__name__.replace("Posix", ""), x.name]

def qualified(x: pathlib.Path):
    return ["Path", x.name]

def text(x: str):
    return ["str", x]

def raw(x: bytes):
    return ["bytes", x.decode()]

def named(x: dict[str, Path]):
    return ["dict", [[name, x[name].read_text()] for name in sorted(x)]]

def typed(x: typing.Dict[str, Path]):
    return ["dict", [[name, x[name].read_text()] for name in sorted(x)]]

def collected(**parents: str):
    return ["str", parents["x"]]
'''


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"], ids=["now", "postponed"])
@pytest.mark.parametrize("runner", ["inline", "pool"])
@pytest.mark.parametrize("source", ["files", "outs"])
def test_files_arrive_in_the_form_of_the_annotation(make, future, runner, source):
    """One file and several; sources and outputs of other targets; whether or not annotations are postponed."""
    declared = "files('one', srcs=['data/a.txt'])\nfiles('two', srcs=['data/*.txt'])\n"
    if source == "outs":
        declared = "command('one', cmd='echo -n A > $(outdir)/data/a.txt', outs=['data/a.txt'])\n"
        declared += "command('two', cmd='cp $(in) $(outdir)/data', srcs=['data/*.txt'], outs=['data/a.txt', 'data/b.txt'])\n"
    cases = {
        "plain": ("one", ["Path", "a.txt"]), "path": ("one", ["Path", "a.txt"]), "qualified": ("one", ["Path", "a.txt"]),
        "text": ("one", ["str", "A"]), "raw": ("one", ["bytes", "A"]), "collected": ("one", ["str", "A"]),
        "named": ("two", ["dict", [["data/a.txt", "A"], ["data/b.txt", "B"]]]),
        "typed": ("two", ["dict", [["data/a.txt", "A"], ["data/b.txt", "B"]]]),
    }  # fmt: skip
    declared += "\n".join(f"python('{name}', fn='kinds:{name}', needs={{'x': ':{parent}'}})" for name, (parent, _) in cases.items())
    declared += "\npython('folder', fn='kinds:text', needs={'x': ':two'})"
    workspace = make({"BUILD.py": declared, "kinds.py": KINDS.format(future=future), "data/a.txt": "A", "data/b.txt": "B"}, runner=runner)
    built = workspace.build(keep_going=True)
    assert list(built.report.errors) == ["//:folder"]
    assert "BG223" in built.error("//:folder")
    for name, (_, expected) in cases.items():
        assert json.loads(workspace.output(f"//:{name}").read_text()) == expected, name


def test_several_files_arrive_as_their_folder(make):
    workspace = make(
        {
            "BUILD.py": "python('n', fn='m:n', needs={'folder': 'data/**'})",
            "m.py": "def n(folder):\n    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*.txt'))\n",
            "data/a.txt": "", "data/b/c.txt": "", "data2/no.txt": "",
        }
    )  # fmt: skip
    workspace.build()
    assert json.loads(workspace.output("//:n").read_text()) == ["data/a.txt", "data/b/c.txt"]


def test_the_config_arrives_as_keyword_arguments_with_its_types(make):
    workspace = make(
        {
            "BUILD.py": "python('n', fn='m:n', config={'i': 1, 'f': 1.0, 't': True, 'n': None, 's': 's', 'l': [1, [2]], 'd': {'k': 'v'}})",
            "m.py": "def n(**config):\n    return {key: [type(value).__name__, value] for key, value in config.items()}\n",
        }
    )
    assert workspace.build().ok
    found = json.loads(workspace.output("//:n").read_text())
    assert found["i"] == ["int", 1]
    assert found["f"] == ["float", 1.0]
    assert found["t"] == ["bool", True]
    assert found["n"] == ["NoneType", None]
    assert found["l"] == ["list", [1, [2]]]
    assert found["d"] == ["dict", {"k": "v"}]


@pytest.mark.parametrize(
    ("value", "file", "content"),
    [
        ("'grüße'", "value.txt", "grüße"), ("b'raw'", "value.bin", "raw"), ("[1, 'a', None]", "value.json", '[1, "a", null]'),
        ("{'b': 1, 'a': 2}", "value.json", None), ("None", "value.json", "null"), ("1.5", "value.json", "1.5"), ("True", "value.json", "true"),
    ],
)  # fmt: skip
def test_a_value_is_readable_under_build(make, value, file, content):
    workspace = make({"BUILD.py": "python('n', fn='m:n')", "m.py": f"def n():\n    return {value}\n"})
    built = workspace.build()
    [path] = built.report.outputs["//:n"]
    assert path.startswith("build/n/value.")
    if content is not None:
        text = (workspace.root / path).read_text()
        assert (json.loads(text) if path.endswith("json") else text) == (json.loads(content) if path.endswith("json") else content)


def test_a_value_arrives_decoded_at_its_children(make):
    workspace = make(
        {
            "BUILD.py": """
python("made", fn="m:made")
python("same", fn="m:same", needs={"value": ":made"})
""",
            "m.py": """
VALUE = {"tuple": (1, 2), "set": {1, 2}, "bytes": b"x", "nested": [{"a": [None, True, 1.5, "ü"]}], "big": 10**30}

def made():
    return VALUE

def same(value):
    assert value == VALUE, value
    assert type(value["tuple"]) is tuple and type(value["set"]) is set
    return True
""",
        }
    )
    built = workspace.build()
    assert built.ok, built.error("//:same")


def test_declared_outputs_are_written_to_out_dir(make):
    workspace = make(
        {
            "BUILD.py": "python('n', fn='m:n', outs=['a.txt', 'd/'], config={'text': 'hi'})",
            "m.py": "def n(text, out_dir):\n    (out_dir / 'a.txt').write_text(text)\n    (out_dir / 'd' / 'e').mkdir()\n    (out_dir / 'd' / 'e' / 'f').touch()\n",
        }
    )
    assert workspace.build().report.outputs["//:n"] == ("build/n/a.txt", "build/n/d/e/f")
    workspace.edit("m.py", "'a.txt').write_text", "'b.txt').write_text")
    assert "BG212" in workspace.build().error("//:n")


def test_a_returned_path_is_stored_as_a_tree(make):
    workspace = make(
        {
            "BUILD.py": "python('n', fn='m:n')\npython('child', fn='m:child', needs={'tree': ':n'})",
            "m.py": """
from pathlib import Path

def n():
    folder = Path("made here")
    folder.mkdir()
    (folder / "x").write_text("x")
    return folder

def child(tree: "dict[str, Path]"):
    return sorted(tree)
""",
        }
    )
    built = workspace.build()
    assert built.ok, built.report.errors
    assert json.loads(workspace.output("//:child").read_text()) == ["x"]


def test_variables_that_a_function_reads_by_name_are_inputs(make):
    workspace = make({"BUILD.py": "python('n', fn='m:n')", "m.py": "import os\n\ndef n():\n    return [os.environ.get('WHO')]\n"})
    workspace.environment = {"WHO": "ada"}
    workspace.build()
    assert json.loads(workspace.output("//:n").read_text()) == ["ada"]
    workspace.environment = {"WHO": "grace"}
    assert workspace.build().ran == ["//:n"]
    workspace.environment = {"WHO": "grace", "OTHER": "1"}
    assert workspace.build().ran == []


def test_ignored_variables_and_those_of_the_users_session_are_not_inputs(make):
    source = "import os\n\ndef n():\n    return [os.environ.get('WHO'), os.getenv('LOGNAME')]\n"
    workspace = make({"BUILD.py": "python('n', fn='m:n')", "m.py": source, "buildgraph.toml": "ignore_environment = ['W*']\n"})
    workspace.environment = {"WHO": "ada", "LOGNAME": "ada"}
    workspace.build()
    assert json.loads(workspace.output("//:n").read_text()) == [None, None]
    workspace.environment = {"WHO": "grace", "LOGNAME": "grace"}
    assert workspace.build().ran == []


def test_a_function_sees_the_variables_that_it_declares(make):
    workspace = make(
        {
            "BUILD.py": "python('n', fn='m:n', env_inherit=['WHO'])\npython('apart', fn='m:n', config={'other': 1})",
            "m.py": "import os\n\ndef n(other=0):\n    return [os.environ.get('who'.upper()), other]\n",
        }
    )
    workspace.environment = {"WHO": "ada"}
    workspace.build()
    assert json.loads(workspace.output("//:n").read_text()) == ["ada", 0]
    assert json.loads(workspace.output("//:apart").read_text()) == [None, 1]
    workspace.environment = {"WHO": "grace"}
    assert workspace.build().ran == ["//:n"]


def test_a_timeout_ends_a_function(make):
    workspace = make(
        {"BUILD.py": "python('n', fn='m:n', timeout=0.3)", "m.py": "import signal\n\ndef n():\n    while True:\n        signal.pause()\n"},
        runner="pool", jobs=1,
    )  # fmt: skip
    assert "BG210" in workspace.build().error("//:n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("fn='m'", "BG056"), ("fn='m.n'", "BG056"), ("fn='m:n', codec='yaml'", "BG230"),
        ("fn='m:n', needs={'x': ':y'}, config={'x': 1}", "BG225"), ("fn='m:n', outs=['/abs']", "BG057"),
        ("fn='m:n', config={'x': object()}", "BG"), ("fn='m:n', nedes={}", "BG"), ("fn='nowhere:n'", "BG100"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_when_it_is_declared(refused, arguments, code):
    error = refused(f"python('n', {arguments})\npython('y', fn='m:n')", {"m.py": "def n():\n    return 1\n"})
    assert error.code.startswith(code)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def n():\n    return object()\n", "BG232"),
        ("def n():\n    return {'a': [1, object()]}\n", "a"),
        ("n = 3\n", "BG224"),
        ("def n(missing):\n    return 1\n", "missing"),
        ("def n():\n    import no_such_package_anywhere\n", "BG222"),
        ("def n():\n    raise SystemExit(3)\n", "SystemExit"),
        ("def n():\n    return open('/nowhere/at/all')\n", "FileNotFoundError"),
    ],
)
def test_what_fails_when_it_runs_names_the_target_and_the_place(make, code, expected):
    built = make({"BUILD.py": "python('n', fn='m:n')", "m.py": code}).build()
    assert expected in built.error("//:n")
    assert "//:n" in built.error("//:n") or "m:n" in built.error("//:n")
    assert built.ran == []
