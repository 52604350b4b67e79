"""Which modules an entry point reaches: every way to import, and what happens where reading is not enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from buildgraph.code import CodeDigest, explain
from buildgraph.errors import MachineError, UsageError

Closure = Callable[..., CodeDigest]


def modules(code: CodeDigest) -> set[str]:
    return set(explain(code.manifest)["modules"])


PACKAGE = {"pkg/__init__.py": "", "pkg/a.py": "", "pkg/b.py": "", "pkg/deep/__init__.py": "", "pkg/deep/c.py": ""}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pkg.a", {"pkg", "pkg.a"}),
        ("import pkg.deep.c as c", {"pkg", "pkg.deep", "pkg.deep.c"}),
        ("from pkg import a, b", {"pkg", "pkg.a", "pkg.b"}),
        ("from pkg.deep.c import anything", {"pkg", "pkg.deep", "pkg.deep.c"}),
        ("def f():\n    import pkg.a", {"pkg", "pkg.a"}),
        ("class C:\n    def f(self):\n        from pkg import b", {"pkg", "pkg.b"}),
        ("try:\n    import pkg.a\nexcept ImportError:\n    import pkg.b", {"pkg", "pkg.a", "pkg.b"}),
        ("if 1:\n    pass\nelif 2:\n    import pkg.a\nelse:\n    import pkg.b", {"pkg", "pkg.a", "pkg.b"}),
        ("import importlib\nimportlib.import_module('pkg.a')", {"pkg", "pkg.a"}),
        ("from importlib import import_module as load\nload(name='pkg.a')", {"pkg", "pkg.a"}),
        ("import importlib as i\ni.import_module('.a', 'pkg')", {"pkg", "pkg.a"}),
        ("__import__('pkg.a')", {"pkg", "pkg.a"}),
        ("__import__('pkg', fromlist=['b'])", {"pkg", "pkg.b"}),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pkg.a\nelse:\n    import pkg.b",
            {"pkg", "pkg.b"},
        ),
        ("import typing as t\nif t.TYPE_CHECKING:\n    import pkg.a", set()),
        ("if not TYPE_CHECKING:\n    import pkg.a", {"pkg", "pkg.a"}),
        ("import os.path, json, sys, __future__", set()),
    ],
)
def test_each_way_to_import_is_followed(closure: Closure, source: str, expected: set[str]) -> None:
    code = closure({**PACKAGE, "main.py": f"{source}\ndef run(): pass\n"})
    assert modules(code) == {"main"} | expected
    assert code.notes == ()


def test_relative_imports_are_followed_from_modules_and_from_packages(closure: Closure) -> None:
    files = {
        **PACKAGE,
        "pkg/deep/__init__.py": "from . import c\nfrom .. import b",
        "pkg/deep/c.py": "from ..a import x\ndef run(): pass",
    }
    assert modules(closure(files, "pkg.deep.c:run")) == {"pkg", "pkg.a", "pkg.b", "pkg.deep", "pkg.deep.c"}


def test_what_a_package_re_exports_is_followed(closure: Closure) -> None:
    files = {
        "pkg/__init__.py": "from .inner import Thing\n",
        "pkg/inner.py": "from pkg.far import x\nclass Thing: pass\n",
    }
    code = closure({**files, "pkg/far.py": "x = 1", "main.py": "from pkg import Thing\ndef run(): pass\n"})
    assert modules(code) == {"main", "pkg", "pkg.inner", "pkg.far"}


@pytest.mark.parametrize(
    ("exports", "expected"),
    [
        ("", {"pkg"}),
        ("__all__ = ['a', 'name']", {"pkg", "pkg.a"}),
        ("__all__ = ['a']\n__all__ += ['b']", {"pkg", "pkg.a", "pkg.b"}),
        ("__all__ = [str(n) for n in names()]", {"pkg", "pkg.a", "pkg.b", "pkg.deep"}),
    ],
)
def test_a_star_import_takes_the_modules_that_the_package_exports(
    closure: Closure, exports: str, expected: set[str]
) -> None:
    code = closure({**PACKAGE, "pkg/__init__.py": exports, "main.py": "from pkg import *\ndef run(): pass\n"})
    assert modules(code) == {"main"} | expected


def test_modules_may_import_each_other(closure: Closure) -> None:
    files = {
        "main.py": "import other\ndef run(): pass",
        "other.py": "import main\nfrom third import x",
        "third.py": "import other",
    }
    assert modules(closure(files)) == modules(closure({}, "main:run")) == {"main", "other", "third"}
    before = closure({})
    assert closure({"third.py": "import other\nx = 2"}).digest != before.digest


def test_packages_without_an_init_file_work(closure: Closure) -> None:
    code = closure({"space/inner/tool.py": "", "main.py": "from space.inner import tool\ndef run(): pass"})
    assert modules(code) == {"main", "space.inner.tool"}
    assert modules(closure({"space/inner/tool.py": "def run(): pass"}, "space.inner.tool:run")) == {"space.inner.tool"}


def test_a_module_of_the_workspace_hides_one_of_the_standard_library(closure: Closure) -> None:
    files = {
        "main.py": "import random, sys, html\ndef run(): pass",
        "random.py": "",
        "sys.py": "",
        "html/notes.txt": "",
    }
    assert modules(closure(files)) == {"main", "random"}, "built-in modules and real packages are not hidden"


def test_a_package_hides_a_module_of_the_same_name(closure: Closure) -> None:
    code = closure({"main.py": "import tool\ndef run(): pass", "tool.py": "", "tool/__init__.py": ""})
    assert [path.rpartition("workspace/")[2] for path in code.files] == ["main.py", "tool/__init__.py"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "import importlib\ndef f(n): importlib.import_module(n)",
            "calls import_module with a name that is not literal",
        ),
        ("def f(n): exec(n)", "uses exec"),
        ("def f(n): return map(eval, n)", "uses eval"),
        ("import builtins\nbuiltins.exec('1')", "uses exec"),
        ("from importlib import import_module as load\nloaders = [load]", "uses import_module"),
        ("import pkgutil\nfor m in pkgutil.walk_packages(): pass", "uses walk_packages"),
        ("from importlib import import_module as im\ndef f(n): im(f'.{n}', __package__)", "calls import_module"),
    ],
)
def test_what_reading_cannot_resolve_widens_to_the_package_and_says_so(
    closure: Closure, source: str, said: str
) -> None:
    code = closure({**PACKAGE, "pkg/a.py": source + "\ndef run(): pass", "other.py": ""}, "pkg.a:run")
    assert modules(code) == {"pkg", "pkg.a", "pkg.b", "pkg.deep", "pkg.deep.c"}
    assert len(code.notes) == 1 and said in code.notes[0] and "every module of package 'pkg' counts" in code.notes[0]


@pytest.mark.parametrize("name", ["f'pkg.{n}'", "'pkg.' + n", "'pkg.%s' % n", "'pkg.{}'.format(n)", "f'pkg.x_{n}'"])
def test_the_literal_beginning_of_a_computed_name_says_which_package_counts(closure: Closure, name: str) -> None:
    code = closure({**PACKAGE, "main.py": f"import importlib\ndef run(n): importlib.import_module({name})"})
    assert modules(code) == {"main", "pkg", "pkg.a", "pkg.b", "pkg.deep", "pkg.deep.c"}


def test_a_method_called_eval_widens_nothing(closure: Closure) -> None:
    code = closure({**PACKAGE, "pkg/a.py": "def run(model, re): return model.eval(), re.compile('x')"}, "pkg.a:run")
    assert modules(code) == {"pkg", "pkg.a"} and code.notes == ()


def test_widening_follows_the_imports_of_what_it_adds_and_survives_files_that_do_not_parse(closure: Closure) -> None:
    files = {
        **PACKAGE,
        "pkg/a.py": "def run(s): exec(s)",
        "pkg/b.py": "import far",
        "pkg/BUILD.py": "",
        "far.py": "",
        "pkg/t.py": "{{",
    }
    code = closure(files, "pkg.a:run")
    assert modules(code) == {"pkg", "pkg.a", "pkg.b", "pkg.deep", "pkg.deep.c", "pkg.t", "far"}
    assert "pkg.t is not valid Python: its bytes count" in code.notes
    assert closure({"pkg/t.py": "{{{"}, "pkg.a:run").digest != code.digest


def test_a_link_to_a_folder_above_ends(closure: Closure, tmp_path: Path) -> None:
    closure({**PACKAGE, "pkg/a.py": "def run(s): exec(s)"}, "pkg.a:run")
    (tmp_path / "workspace/pkg/deep/again").symlink_to("..")
    assert "pkg.deep.c" in modules(closure({}, "pkg.a:run"))


def test_a_compiled_extension_counts_by_its_bytes(closure: Closure) -> None:
    files = {"main.py": "import fast\ndef run(): pass", "fast.abi3.so": "machine code"}
    before = closure(files)
    assert modules(before) == {"main", "fast"} and "fast is compiled" in before.notes[0]
    assert closure({"fast.abi3.so": "other code"}).digest != before.digest


def test_an_import_that_leads_nowhere_is_noted_and_followed_once_it_exists(closure: Closure) -> None:
    before = closure(
        {"main.py": "try:\n    import quick, pkg.no\nexcept ImportError: pass\ndef run(): pass", **PACKAGE}
    )
    assert before.notes == (
        "main imports 'pkg.no', which does not exist",
        "main imports 'quick', which is not installed",
    )
    after = closure({"quick.py": ""})
    assert after.digest != before.digest and modules(after) == {"main", "quick", "pkg"}


def test_expressions_deeper_than_the_recursion_limit_are_digested(closure: Closure) -> None:
    before = closure({"main.py": "def run(x): return " + " + ".join(["x"] * 900) + "\n"})
    assert closure({"main.py": "def run(x): return " + " + ".join(["x"] * 901) + "\n"}).digest != before.digest


def test_a_module_defines_what_any_top_level_statement_binds(closure: Closure) -> None:
    source = (
        "import a.b\nfrom c import d as e\nf, (g, *h) = 1, (2, 3)\nfor i in (): pass\nwith open('x') as j: pass\n"
        "if k := 1:\n    def m(): pass\ntry: pass\nexcept Exception:\n    class n: pass\n"
        "def o():\n    global p\n    q = p = 1\nr: int = 1\nmatch f:\n    case [s, *t]: pass\n    case {**u}: pass\n"
    )
    for name in "aefghijkmnoprstu":
        closure({"main.py": source}, f"main:{name}")
    for name in "bcdq":
        with pytest.raises(UsageError, match=f"module 'main' defines no '{name}'"):
            closure({}, f"main:{name}")


@pytest.mark.parametrize("source", ["from other import *", "def __getattr__(n): pass", "globals()['run'] = 1"])
def test_a_module_that_may_gain_names_at_run_time_is_trusted(closure: Closure, source: str) -> None:
    assert closure({"main.py": source, "other.py": "run = 1"}).files


MISTAKES = {
    "no such module": (
        {"training/steps.py": ""}, "trainin.steps:run",
        ("error[BG100]: there is no module 'trainin'\n  looked in: the workspace root, then the installed packages\n"
        "  why: modules are found from the workspace root first, then among the installed packages\n"
        "  fix: did you mean 'training'?\n  more: buildgraph explain BG100"),
    ),
    "no such module in a package": (
        {"training/steps.py": ""}, "training.stesp:run",
        ("error[BG100]: there is no module 'training.stesp'\n  looked in: training\n"
        "  why: modules are found from the workspace root first, then among the installed packages\n"
        "  fix: did you mean 'training.steps'?\n  more: buildgraph explain BG100"),
    ),
    "a syntax error": (
        {"main.py": "import helper\ndef run(): pass", "helper.py": "x = 1\ndef f(:\n"}, "main:run",
        ("error[BG101]: helper.py is not valid Python: invalid syntax\n  where: helper.py:2\n"
        "    | def f(:\n    | ^^^^^^^\n"
        "  why: a module that a target reaches must parse, because its code is part of the target's fingerprint\n"
        "  fix: correct the line\n  more: buildgraph explain BG101"),
    ),
    "no such name": (
        {"main.py": "def train(): pass"}, "main:trian",
        ("error[BG102]: module 'main' defines no 'trian'\n  where: main.py\n"
        "  why: the name behind the colon must be defined, assigned or imported at the top level of the module\n"
        "  fix: did you mean 'train'?\n  more: buildgraph explain BG102"),
    ),
    "not an entry point": (
        {}, "main.run",
        ("error[BG103]: 'main.run' does not name a function or a class\n"
        "  why: code is named by its module and its name there, so that it can be found without running anything\n"
        "  fix: write it as 'package.module:name', such as 'training.steps:split'\n  more: buildgraph explain BG103"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_place_reason_and_fix(closure: Closure, mistake: str) -> None:
    files, entry, message = MISTAKES[mistake]
    with pytest.raises(UsageError) as caught:
        closure({"README": "", **files}, entry)
    assert caught.value.render() == message


@pytest.mark.parametrize("source", ["x = 'a\0b'", "# coding: klingon\n", "x = " + "(" * 500])
def test_sources_that_python_refuses_in_odd_ways_are_syntax_errors_too(closure: Closure, source: str) -> None:
    with pytest.raises(UsageError) as caught:
        closure({"main.py": source})
    assert caught.value.code == "BG101"


def test_a_file_that_cannot_be_read_is_the_machines_trouble(closure: Closure, tmp_path: Path) -> None:
    closure({"main.py": "import gone\ndef run(): pass"})
    (tmp_path / "workspace/gone.py").symlink_to("nowhere")
    with pytest.raises(MachineError, match=r"cannot read gone\.py"):
        closure({})
