"""A target that fails tells which one, with which of the user's own lines, and caches nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Refused = Callable[..., str]
ONE = 'python(name="train", fn="steps:step", timeout=60)\n'


def fails(refused: Refused, steps: str, code: str, *, build: str = ONE, exit: int = 1, at: str = "BUILD.py:2", **how: object) -> str:  # noqa: A002 - the word for it
    return refused("build", build=build, steps=steps, exit=exit, code=code, names="//:train", at=at, **how)


RAISED = {
    "value_error": ("raise ValueError('no rows')", "ValueError: no rows"),
    "system_exit": ("import sys; sys.exit(0)", "SystemExit"),
    "keyboard_interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "exception_that_cannot_be_shown": ("raise Mute()", "Mute"),
    "endless_recursion": ("return step()", "RecursionError"),
    "out_of_memory": ("return bytearray(1 << 60)", "MemoryError"),
    "control_characters": ("raise ValueError('\\x1b[2Jgone')", "ValueError"),
}


@pytest.mark.parametrize("which", RAISED)
def test_raised(refused: Refused, which: str) -> None:
    line, shown = RAISED[which]
    steps = f"class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError\n\n\ndef step():\n    {line}\n"
    said = fails(refused, steps, "BG220")
    assert shown in said and "steps.py:7" in said and "\x1b" not in said


def test_error_deep_in_a_helper(refused: Refused) -> None:
    said = fails(refused, "import helper\n\n\ndef step():\n    helper.load('rows')\n", "BG220", files={"helper.py": "def load(name):\n    open(name + '.csv')\n"})
    assert "steps.py:5" in said and "helper.py:2" in said


def test_missing_argument(refused: Refused) -> None:
    assert "'rows'" in fails(refused, "def step(rows):\n    return rows\n", "BG237", exit=2)


def test_unexpected_argument(refused: Refused) -> None:
    build = 'python(name="train", fn="steps:step", config={"rte": 0.1})\n'
    said = fails(refused, "def step(rate=1.0):\n    return rate\n", "BG237", build=build, exit=2)
    assert "'rte'" in said and "did you mean 'rate'?" in said


def test_not_a_function(refused: Refused) -> None:
    fails(refused, "step = 5\n", "BG224", exit=2)


def test_module_that_cannot_be_imported(refused: Refused) -> None:
    fails(refused, "import tensorflou\n\n\ndef step():\n    return 1\n", "BG222")


def test_module_that_raises_on_import(refused: Refused) -> None:
    assert "steps.py:1" in fails(refused, "LIMIT = int('many')\n\n\ndef step():\n    return LIMIT\n", "BG220")


RETURNED = {
    "generator": ("(row for row in [1])", "generator"),
    "open_file": ("open('/dev/null')", "TextIOWrapper"),
    "lambda": ("lambda x: x", "function"),
    "lock": ("threading.Lock()", "lock"),
    "coroutine": ("later()", "coroutine"),
    "object_inside": ("{'rows': [1, 2, threading.Lock()]}", "rows[2]"),
    "not_a_number_inside": ("{'loss': [float('nan')]}", "loss[0]"),
    "missing_path": ("pathlib.Path('model.bin')", "model.bin"),
}


@pytest.mark.parametrize("which", RETURNED)
def test_returned(refused: Refused, which: str) -> None:
    value, shown = RETURNED[which]
    steps = f"import pathlib\nimport threading\n\n\nasync def later():\n    return 1\n\n\ndef step():\n    return {value}\n"
    assert shown in fails(refused, steps, "BG216" if which == "missing_path" else "BG232")


def test_returned_an_array_of_objects(refused: Refused) -> None:
    pytest.importorskip("numpy")
    fails(refused, "import numpy\n\n\ndef step():\n    return numpy.array([{}], dtype=object)\n", "BG233")


def test_value_of_the_wrong_kind_for_its_codec(refused: Refused) -> None:
    fails(refused, "def step():\n    return {'a': 1}\n", "BG232", build='python(name="train", fn="steps:step", codec="bytes")\n')


def test_missing_extra(refused: Refused) -> None:
    """The workspace's own numpy.py stands for a machine where the package is not installed."""
    files = {"numpy.py": "raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')\n"}
    build = 'python(name="train", fn="steps:step", codec="safetensors")\n'
    assert "buildgraph[numpy]" in fails(refused, "def step():\n    return {}\n", "BG231", build=build, files=files, exit=2)


def test_leaves_its_process(refused: Refused) -> None:
    fails(refused, "import os\n\n\ndef step():\n    os._exit(0)\n", "BG217")


def test_killed(refused: Refused) -> None:
    assert "SIGKILL" in fails(refused, "import os\n\n\ndef step():\n    os.kill(os.getpid(), 9)\n", "BG211")


def test_crashed_in_native_code(refused: Refused) -> None:
    assert "SIGSEGV" in fails(refused, "import os\n\n\ndef step():\n    os.kill(os.getpid(), 11)\n", "BG211")


def test_ran_too_long(refused: Refused) -> None:
    fails(refused, "import select\n\n\ndef step():\n    select.select([], [], [])\n", "BG210", build='python(name="train", fn="steps:step", timeout=0.3)\n')


WROTE = {
    "too_little": ("(out_dir / 'modle').write_text('x')", "BG212", "modle"),
    "nothing": ("pass", "BG212", "nothing"),
    "too_much": ("(out_dir / 'model').write_text('x'); (out_dir / 'notes.txt').write_text('x')", "BG213", "notes.txt"),
    "link_that_leads_out": ("(out_dir / 'model').symlink_to('/etc/hostname')", "BG215", "/etc/hostname"),
    "pipe": ("import os; os.mkfifo(out_dir / 'model')", "BG214", "'model'"),
}


@pytest.mark.parametrize("which", WROTE)
def test_wrote(refused: Refused, which: str) -> None:
    line, code, shown = WROTE[which]
    build = 'python(name="train", fn="steps:step", outs=["model"])\n'
    assert shown in fails(refused, f"def step(out_dir):\n    {line}\n", code, build=build)


def test_several_files_as_one_text(refused: Refused) -> None:
    build = 'files(name="data", srcs=["*.csv"])\npython(name="train", fn="steps:step", needs={"rows": ":data"})\n'
    said = fails(refused, "def step(rows: str):\n    return rows\n", "BG223", build=build, files={"a.csv": "", "b.csv": ""}, at="BUILD.py:3")
    assert "'rows'" in said


COMPONENT = """from abc import ABC, abstractmethod
from buildgraph import GraphComponent


class Train(GraphComponent):
    def run(self):
        return 1


class Abstract(Train, ABC):
    @abstractmethod
    def more(self): ...


class Heavy(Train):
    @staticmethod
    def required_packages():
        return ["tensorflou"]


class Fragile(Train):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        raise ValueError(f"no layers in {config}")


class Reader(Train):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        with model_storage.read_from(resource):
            return cls()


def function():
    return 1
"""


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code", "shown"),
    [
        ('uses="steps:Train", constructor_name="crate"', "BG221", 2, "did you mean 'create'?"),
        ('uses="steps:Train", fn="rum"', "BG221", 2, "did you mean 'run'?"),
        ('uses="steps:function"', "BG224", 2, "'steps:function'"),
        ('uses="steps:Abstract"', "BG224", 2, "more"),
        ('uses="steps:Heavy"', "BG228", 2, "tensorflou"),
        ('uses="steps:Fragile", config={"size": 3}', "BG220", 1, "no layers in {'size': 3}"),
        ('uses="steps:Reader"', "BG226", 2, "'//:train'"),
        ('uses="steps:Train", config={"size": 3}, needs={"rows": "steps.py"}', "BG237", 2, "'rows'"),
    ],
    ids=["no_constructor", "no_method", "not_a_class", "abstract", "missing_package", "constructor_raises", "unknown_resource", "unexpected_need"],
)  # fmt: skip
def test_component(refused: Refused, arguments: str, code: str, exit_code: int, shown: str) -> None:
    assert shown in fails(refused, COMPONENT, code, build=f'component(name="train", {arguments})\n', exit=exit_code)


def test_input_component_that_raises(refused: Refused) -> None:
    fails(refused, COMPONENT, "BG220", build='component(name="train", uses="steps:Fragile", is_input=True)\n')


def test_input_that_needs_what_is_not_an_input(refused: Refused) -> None:
    build = 'component(name="a", uses="steps:Train")\ncomponent(name="train", uses="steps:Train", is_input=True, needs={"a": ":a"})\n'
    fails(refused, COMPONENT, "BG066", build=build, exit=2, at="BUILD.py:3")


@pytest.mark.parametrize(
    ("line", "code", "exit_code", "shown"),
    [
        ("cmd='echo working; exit 3'", "BG218", 1, "status 3"),
        ("argv=['sh', '-c', 'kill -9 $$$$']", "BG218", 1, "signal 9"),
        ("argv=['no-such-program', '--version']", "BG060", 2, "'no-such-program'"),
        ("cmd='no-such-program --version'", "BG218", 1, "status 127"),
        ("argv=['./steps.py'], srcs=['steps.py']", "BG219", 1, "./steps.py"),
        ("cmd='cat $(location *.py)', srcs=['*.py']", "BG219", 1, "3 files"),
        ("cmd='true', outs=['model']", "BG212", 1, "model"),
        ("cmd='touch $(out) $(outdir)/notes', outs=['model']", "BG213", 1, "notes"),
    ],
    ids=["exits", "killed", "no_program", "no_program_for_the_shell", "not_executable", "location_of_many", "no_output", "undeclared_output"],
)  # fmt: skip
def test_command(refused: Refused, line: str, code: str, exit_code: int, shown: str) -> None:
    assert shown in fails(refused, "x = 1\n", code, build=f"command(name='train', {line})\n", exit=exit_code, files={"more.py": ""})
