"""`check-closure`: a target runs under observation, and what its fingerprint does not cover is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

RULES = "from buildgraph.rules import command, component, files, group, pack, python\n"
TARGET = 'python("target", fn="steps:run")\n'
CLEAN = "1 definition executed, 0 outside the closure; 0 files opened, 0 undeclared"
Check = Callable[..., Any]


@pytest.fixture
def check(empty: Any) -> Check:
    """Writes a workspace whose `//:target` is `steps:run` unless told otherwise, and checks it."""

    def run(steps: str, *arguments: str, build: str = TARGET, label: str = ":target", expect: int = 0, **others: str) -> Any:
        files = {name.replace("__", "/").replace("_py", ".py").replace("_txt", ".txt"): text for name, text in others.items()}
        empty.write({"buildgraph.toml": "", "BUILD.py": RULES + build, "steps.py": steps, **files})
        return empty("check-closure", label, *arguments, expect=expect)

    return run


def outside(said: Any) -> list[str]:
    """The places and notes of an error about code."""
    return [line.removeprefix("  where: ") for line in said.err.splitlines() if line.startswith("  where: ")]


class TestCode:
    def test_a_target_that_uses_what_it_names_is_clean(self, check):
        said = check("def run():\n    return helper()\n\n\ndef helper():\n    return sum(x for x in range(3))\n")
        assert said.last == "//:target: 2 definitions executed, 0 outside the closure; 0 files opened, 0 undeclared"
        assert said.err == ""

    def test_methods_and_inner_functions_count_as_what_they_stand_in(self, check):
        steps = "class Box:\n    def __init__(self):\n        self.f = lambda: 1\n\n    def get(self):\n        return self.f()\n\n\ndef run():\n    return Box().get()\n"
        assert "2 definitions executed, 0 outside" in check(steps).last

    def test_a_component_is_checked_from_its_constructor_on(self, check):
        steps = "class Trainer:\n    @classmethod\n    def create(cls, config, **_):\n        return cls()\n\n    def run(self):\n        return helper()\n\n\ndef helper():\n    return 1\n"
        said = check(steps, build='component("target", uses="steps:Trainer", fn="run")\n')
        assert "2 definitions executed, 0 outside" in said.last

    def test_a_module_named_at_run_time_is_found(self, check):
        """Reading cannot know what the two halves make; nor does it for a module that something else imported."""
        steps = "import importlib\nimport sys\n\n\ndef run():\n    importlib.import_module(''.join(['hid', 'den']))\n    return sys.modules[''.join(['hid', 'den'])].secret()\n"
        said = check(steps, expect=6, hidden_py="def secret():\n    return 1\n")
        assert outside(said) == ["hidden.py:1  is imported by steps.py:6", "hidden.py:1  'secret' runs, called from steps.py:7"]
        assert said.last == "//:target: 2 definitions executed, 1 outside the closure; 1 module imported from outside it; 0 files opened, 0 undeclared"
        assert 'extra_code=["hidden:secret"]' in said.err

    def test_a_function_found_among_all_objects_is_found(self, check):
        """Its module counts, for something else in it; nothing says that this one is called, too."""
        steps = (
            "import gc\nimport types\n\nimport helping\n\n\ndef run():\n    functions = [each for each in gc.get_objects() if type(each) is types.FunctionType]\n"
            "    return helping.helper() + next(each for each in functions if each.__name__ == 'sec' 'ret')()\n"
        )
        said = check(steps, expect=6, helping_py="def helper():\n    return 1\n\n\ndef secret():\n    return 1\n")
        assert outside(said) == ["helping.py:5  'secret' runs, called from steps.py:9"]
        assert "3 definitions executed, 1 outside the closure" in said.last
        assert 'extra_code=["helping:secret"]' in said.err

    def test_naming_it_in_the_target_is_the_way_out(self, check):
        steps = "import importlib\n\n\ndef run():\n    return importlib.import_module(''.join(['hid', 'den'])).secret()\n"
        build = 'python("target", fn="steps:run", extra_code=["hidden:secret"])\n'
        assert "2 definitions executed, 0 outside the closure" in check(steps, build=build, hidden_py="def secret():\n    return 1\n").last

    def test_code_that_the_target_ignores_is_left_out(self, check):
        steps = "import logs\n\n\ndef run():\n    logs.say()\n"
        build = 'python("target", fn="steps:run", ignore_code=["logs"])\n'
        assert "0 outside the closure" in check(steps, build=build, logs_py="def say():\n    return 1\n").last

    def test_a_function_whose_name_comes_in_a_value_is_found(self, check):
        build = 'python("made", fn="steps:make")\npython("target", fn="steps:run", needs={"name": ":made"})\n'
        steps = "import importlib\n\n\ndef make():\n    return 'help' + 'ing:help' + 'er'\n\n\ndef run(name):\n    module, _, function = name.partition(':')\n    return getattr(importlib.import_module(module), function)()\n"
        said = check(steps, build=build, expect=6, helping_py="def helper():\n    return 1\n")
        assert outside(said) == ["helping.py:1  is imported by steps.py:10", "helping.py:1  'helper' runs, called from steps.py:10"]

    def test_a_function_that_comes_in_a_value_counts_with_the_value(self, check):
        """The value is identified by the code that it carries."""
        build = 'python("made", fn="making:make", codec="pickle")\npython("target", fn="steps:run", needs={"given": ":made"})\n'
        making = "from helping import helper\n\n\ndef make():\n    return helper\n"
        said = check("def run(given):\n    return given()\n", build=build, making_py=making, helping_py="def helper():\n    return further()\n\n\ndef further():\n    return 1\n")
        assert "3 definitions executed, 0 outside the closure" in said.last

    def test_what_a_forked_child_runs_is_seen(self, check):
        steps = (
            "import os\n\n\ndef run():\n    pid = os.fork()\n    if pid == 0:\n        __import__(''.join(['hid', 'den'])).secret()\n        os._exit(0)\n    return os.waitpid(pid, 0)[1]\n"
        )
        assert "'secret' runs" in check(steps, expect=6, hidden_py="def secret():\n    return 1\n").err

    def test_what_a_thread_runs_is_seen(self, check):
        steps = "import threading\n\n\ndef work():\n    __import__(''.join(['hid', 'den'])).secret()\n\n\ndef run():\n    thread = threading.Thread(target=work)\n    thread.start()\n    thread.join()\n"
        assert "'secret' runs" in check(steps, expect=6, hidden_py="def secret():\n    return 1\n").err

    def test_a_function_that_runs_because_its_module_is_imported_is_said_to(self, check):
        steps = "def run():\n    __import__(''.join(['hid', 'den']))\n"
        said = check(steps, expect=6, hidden_py="def secret():\n    return 1\n\n\nVALUE = secret()\n")
        assert "hidden.py:1  'secret' runs during imports only, called from hidden.py:5" in said.err

    def test_one_that_runs_again_afterwards_is_said_to_run(self, check):
        steps = "def run():\n    return __import__(''.join(['hid', 'den'])).secret()\n"
        said = check(steps, expect=6, hidden_py="def secret():\n    return 1\n\n\nVALUE = secret()\n")
        assert "hidden.py:1  'secret' runs, called from steps.py:2" in said.err

    def test_making_a_definition_is_not_running_it(self, check):
        """Class bodies, default values and decorators of what nobody uses run when their module is imported."""
        steps = (
            "class Unused:\n    both = [x for x in (1, 2)] + list(map(lambda x: x, (1, 2)))\n\n    def size(default=3):\n        return default\n\n    three = size()\n\n\n"
            "@(lambda function: function)\ndef unused(given=tuple(x for x in (1, 2))):\n    return given\n\n\ndef run():\n    return 1\n"
        )
        assert check(steps).last == f"//:target: {CLEAN}"

    def test_code_of_others_does_not_count(self, check):
        """Neither the standard library's, nor installed packages', nor buildgraph's own."""
        steps = "import json\nimport msgpack\nfrom buildgraph.component import Resource\n\n\ndef run():\n    return [json.loads('[1]'), list(msgpack.Unpacker()), Resource('x').name]\n"
        assert check(steps).last == f"//:target: {CLEAN}"

    def test_code_beside_the_workspace_counts(self, check, tmp_path):
        """A folder that the code itself puts on the path is nobody's package."""
        (tmp_path / "beside").mkdir()
        (tmp_path / "beside" / "stranger.py").write_text("def greet():\n    return 'hello'\n")
        steps = f"import sys\n\n\ndef run():\n    sys.path.append({str(tmp_path / 'beside')!r})\n    return __import__(''.join(['str', 'anger'])).greet()\n"
        assert f"{tmp_path}/beside/stranger.py:1  'greet' runs, called from steps.py:6" in outside(check(steps, expect=6))


class TestFiles:
    # A literal name would be enough to make the file count.
    OPENS = "from pathlib import Path\n\nHERE = Path(__file__).parent\n\n\ndef run(**_):\n    return (HERE / '.'.join(['table', 'txt'])).read_text()\n"

    def test_a_file_that_is_opened_and_not_declared_is_found(self, check):
        said = check(self.OPENS, expect=6, table_txt="1 2\n")
        assert said.last.endswith("0 outside the closure; 1 file opened, 1 undeclared")
        assert outside(said) == ["table.txt  is opened and not declared"]
        assert "extra_code" not in said.err

    def test_a_declared_one_is_fine(self, check):
        said = check(self.OPENS, build='python("target", fn="steps:run", needs={"table": "table.txt"})\n', table_txt="1 2\n")
        assert said.last.endswith("1 file opened, 0 undeclared")

    def test_what_the_target_wrote_itself_is_no_input(self, check):
        steps = (
            "import tempfile\nfrom pathlib import Path\n\n\ndef run(out_dir):\n    for path in (Path(__file__).parent / 'cache.txt', Path('own'), out_dir / 'x.txt'):\n        path.write_text('1')\n        path.read_text()\n"
        )
        said = check(steps, build='python("target", fn="steps:run", outs=["x.txt"])\n')
        assert said.last.endswith("0 files opened, 0 undeclared")

    def test_the_output_of_a_target_that_is_not_needed_is_undeclared(self, check, empty):
        """It is there by luck: whoever builds the target first reads another one, or none."""
        steps = "from pathlib import Path\n\n\ndef other():\n    return 1\n\n\ndef run(**_):\n    return (Path(__file__).parent / '/'.join(['build', 'other', 'value.json'])).read_text()\n"
        build = 'python("other", fn="steps:other")\npython("target", fn="steps:run")\n'
        check(steps, build=build, label=":other")
        empty("build", ":other")
        assert outside(empty("check-closure", ":target", expect=6)) == ["build/other/value.json  is opened and not declared"]
        declared = build.replace('"steps:run"', '"steps:run", needs={"other": ":other"}')
        assert check(steps, build=declared).last.endswith("0 undeclared")


class TestTheCommand:
    def test_json(self, check):
        steps = "def run():\n    __import__(''.join(['hid', 'den'])).secret()\n    return open(__file__.replace('steps.py', ''.join(['table', chr(46), 'txt']))).read()\n"
        found = check(steps, "--json", expect=6, hidden_py="def secret():\n    return 1\n", table_txt="1\n").data
        assert found["outside"][1] == {"file": "hidden.py", "line": 1, "name": "secret", "entry_point": "hidden:secret", "by": "steps.py:2", "importing": False}
        assert {name: found[name] for name in ("label", "ok", "executed", "opened", "undeclared")} == {
            "label": "//:target", "ok": False, "executed": 2, "opened": 1, "undeclared": ["table.txt"],
        }  # fmt: skip

    def test_needs_are_built_and_the_result_is_thrown_away(self, check, empty):
        build = 'python("words", fn="steps:words")\npython("target", fn="steps:run", needs={"words": ":words"})\n'
        steps = "def words():\n    return ['a', 'b']\n\n\ndef run(words):\n    return len(words)\n"
        assert "built      //:words" in check(steps, build=build).out
        assert empty.ran() == ["//:target"]
        assert empty("check-closure", ":target").out == f"//:target: {CLEAN}\n"

    @pytest.mark.parametrize(
        "build",
        [
            'command("target", cmd="true > $(out)", outs=["x"])\n',
            'files("target", srcs=["steps.py"])\n',
            'group("target", deps=[":other"])\npython("other", fn="steps:run")\n',
            'pack("target", srcs=["steps.py"], out="x.zip")\n',
            'python("target", fn="steps:run", code_version="3")\n',
        ],
        ids=["command", "files", "group", "pack", "code_version"],
    )
    def test_what_runs_no_python_of_the_workspace_is_refused(self, check, build):
        said = check("def run():\n    return 1\n", build=build, expect=2)
        assert said.err.startswith("error[BG261]: the closure of '//:target' cannot be checked\n  where: BUILD.py:2\n")

    def test_a_target_that_fails_says_why(self, check):
        said = check("def run():\n    raise ValueError('no rows')\n", expect=1)
        assert said.err.startswith("error[BG220]: target '//:target' raised ValueError: no rows\n")

    def test_one_that_ends_its_process_says_so(self, check):
        assert "error[BG217]" in check("import os\n\n\ndef run():\n    os._exit(0)\n", expect=1).err

    def test_so_does_one_that_needs_a_failing_one(self, check, empty):
        build = 'python("bad", fn="steps:bad")\npython("target", fn="steps:run", needs={"bad": ":bad"})\n'
        said = check("def bad():\n    return 1 / 0\n\n\ndef run(bad):\n    return bad\n", build=build, expect=1)
        assert "target '//:bad' raised ZeroDivisionError" in said.err

    def test_a_source_that_does_not_exist_is_said(self, check):
        said = check("def run(table):\n    return 1\n", build='python("target", fn="steps:run", needs={"table": "table.txt"})\n', expect=2)
        assert "error[BG050]" in said.err

    def test_other_commands_do_not_load_it(self):
        code = "import sys, buildgraph.cli.root; print([name for name in sys.modules if 'tracing' in name or 'soundness' in name])"
        done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"
