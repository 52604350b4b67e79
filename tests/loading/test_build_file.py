"""Evaluating build files: what they see, what they relied on, and when they run again."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from buildgraph.digest import Digest
from buildgraph.errors import Place, UsageError
from buildgraph.loading.load import LoadedGraph, load

DEFS = """
from buildgraph.rule import rule
from buildgraph.schema import SchemaNode

@rule
def plain(package, name: str, *, config: "dict[str, object]" = {}):
    return {name: SchemaNode({}, "", "", "", config)}
"""


class Workspace:
    """A workspace on disk with its memory and environment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.memory: dict[bytes, bytes] = {}
        self.environment: dict[str, str] = {}
        self.get = self.memory.get
        self.put = self.memory.__setitem__
        self.write("defs.py", DEFS)

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text), encoding="utf-8")

    def load(self) -> LoadedGraph:
        return load(
            str(self.root),
            [],
            memory=self,
            read_digest=lambda path: Digest.of_file(path)[0],
            environment=self.environment,
        )

    def names(self) -> list[str]:
        return [label.partition(":")[2] for label in self.load().requested]

    def evaluates(self) -> bool:
        return bool(self.load().evaluated)

    def refused(self) -> UsageError:
        with pytest.raises(UsageError) as caught:
            self.load()
        assert caught.value.fix
        assert "Traceback" not in caught.value.render()
        return caught.value


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


# What makes a build file run again: each case edits one thing it looked at, then puts it back

LOOKS = {
    "its own text": ("plain('a')", "BUILD.py", "from defs import plain\nplain('b')"),
    "a module it imports": ("import macros\nplain(macros.NAME)", "macros.py", "NAME = 'other'"),
    "a module that a module imports": ("import outer\nplain(outer.NAME)", "macros.py", "NAME = 'other'"),
    "a package it imports from": ("from tools.names import NAME\nplain(NAME)", "tools/names.py", "NAME = 'other'"),
    "a file it reads": ("plain(open('data.txt').read())", "data.txt", "other"),
    "a file it reads as bytes": (
        "import os\nplain(os.read(os.open('data.txt', os.O_RDONLY), 99).decode())",
        "data.txt",
        "other",
    ),
    "a file it reads by path": (
        "from pathlib import Path\nplain((Path(__file__).parent / 'data.txt').read_text())",
        "data.txt",
        "other",
    ),
    "a folder it lists": ("import os\nfor name in os.listdir('src'): plain(name)", "src/new.c", ""),
    "a folder it globs": (
        "from glob import glob\nfor name in glob('src/**/*.c', recursive=True): plain(name)",
        "src/new.c",
        "",
    ),
    "a folder below the one it globs": (
        "from pathlib import Path\nfor each in Path('src').rglob('*.c'): plain(each.name)",
        "src/sub/new.c",
        "",
    ),
    "a folder it walks": (
        "import os\nfor _, _, files in os.walk('src'):\n    for name in files: plain(name)",
        "src/sub/new.c",
        "",
    ),
    "a file that was not there": (
        "try: plain(open('maybe.txt').read())\nexcept OSError: plain('a')",
        "maybe.txt",
        "other",
    ),
}


@pytest.mark.parametrize("what", LOOKS)
def test_a_build_file_runs_again_when_what_it_looked_at_changed(workspace: Workspace, what: str) -> None:
    body, edited, text = LOOKS[what]
    workspace.write("macros.py", "NAME = 'first'")
    workspace.write("outer.py", "from macros import NAME")
    workspace.write("tools/names.py", "NAME = 'first'")
    workspace.write("data.txt", "first")
    workspace.write("src/a.c", "")
    workspace.write("src/sub/b.c", "")
    workspace.write("BUILD.py", f"from defs import plain\n{body}")
    before = workspace.names()
    assert not workspace.evaluates()
    assert workspace.names() == before
    old = (workspace.root / edited).read_text() if (workspace.root / edited).exists() else None
    workspace.write(edited, text)
    after = workspace.load()
    assert after.evaluated == ("",)
    assert workspace.names() != before
    if old is None:
        (workspace.root / edited).unlink()
    else:
        workspace.write(edited, old)
    assert workspace.names() == before


def test_a_variable_that_was_read_makes_it_run_again(workspace: Workspace) -> None:
    workspace.write(
        "BUILD.py",
        "import os\nfrom defs import plain\nplain(os.environ.get('NAME', 'absent'))\nplain(os.getenv('SECOND') or 'x')",
    )
    assert workspace.names() == ["absent", "x"]
    workspace.environment["OTHER"] = "1"
    assert not workspace.evaluates()
    workspace.environment["NAME"] = "given"
    assert workspace.names() == ["given", "x"]
    workspace.environment["SECOND"] = "y"
    assert workspace.names() == ["given", "y"]
    del workspace.environment["NAME"]
    assert workspace.names() == ["absent", "y"]


def test_looking_at_the_whole_environment_relies_on_all_of_it(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "import os\nfrom defs import plain\nplain(f'n{len(dict(os.environ))}')")
    assert workspace.names() == ["n0"]
    assert not workspace.evaluates()
    workspace.environment["ANY"] = "1"
    assert workspace.names() == ["n1"]


def test_an_unchanged_package_does_not_run_even_if_it_would_fail(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    poison = tmp_path_factory.mktemp("outside") / "poison"  # outside of the workspace, so nothing that was relied on
    workspace.write("BUILD.py", f"from defs import plain\nplain('a')\nassert not open({str(poison)!r}).read()")
    poison.write_text("")
    workspace.load()
    poison.write_text("poisoned")
    assert workspace.names() == ["a"]
    workspace.memory.clear()
    assert workspace.refused().code == "BG034"


@pytest.mark.parametrize(
    "path", ["notes.txt", "other.py", "src/__pycache__/x.pyc", ".buildgraph/ledger", "build/out.txt"]
)
def test_other_files_do_not_make_it_run_again(workspace: Workspace, path: str) -> None:
    workspace.write("src/a.c", "")
    workspace.write("macros.py", "NAME = 'first'")
    workspace.write(
        "BUILD.py", "import os, macros\nfrom defs import plain\nfor name in sorted(os.listdir('src')): plain(name)"
    )
    workspace.load()
    workspace.write(path, "")
    assert not workspace.evaluates()


def test_running_a_program_makes_a_package_volatile(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "import subprocess\nfrom defs import plain\nplain(subprocess.run(['true']).args[0])")
    for graph in (workspace.load(), workspace.load()):
        assert graph.evaluated == ("",)
        assert [code for code, _ in graph.warnings] == ["BG126"]


def test_damaged_or_foreign_memory_is_as_good_as_none(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "from defs import plain\nplain('a')")
    workspace.load()
    ((key, data),) = workspace.memory.items()
    for damaged in (b"", b"\xc1", data[:-1], b"\x92\xc4\x00\xc4\x00", data.replace(b"buildgraph", b"elsewhere!")):
        workspace.memory[key] = damaged
        assert workspace.load().evaluated == ("",), damaged
        assert not workspace.evaluates()


# Both ways to a package give the same nodes


def test_a_remembered_package_equals_the_evaluated_one(workspace: Workspace) -> None:
    body = "plain('a', config={'z': (1, [2.5, None]), 'a': {'k': b'x', 's': {3, 1}}, 'big': 1 << 70})"
    workspace.write("BUILD.py", f"from defs import plain\n{body}\nplain('b')")
    evaluated, remembered = workspace.load(), workspace.load()
    assert (evaluated.evaluated, remembered.evaluated) == (("",), ())
    assert dict(evaluated.schema.nodes) == dict(remembered.schema.nodes)
    assert repr(evaluated.schema) == repr(remembered.schema)
    assert (evaluated.requested, evaluated.origins) == (remembered.requested, remembered.origins)
    assert evaluated.schema.nodes["//:a"].config["z"] == (1, [2.5, None])


def test_a_config_that_cannot_come_back_from_data_is_evaluated_every_time(workspace: Workspace) -> None:
    workspace.write(
        "BUILD.py",
        "import enum\nfrom defs import plain\nclass Size(enum.Enum):\n    S = 1\nplain('a', config={'size': Size.S})",
    )
    for graph in (workspace.load(), workspace.load()):
        assert graph.evaluated == ("",)
        assert [code for code, _ in graph.warnings] == ["BG127"]


def test_a_config_that_has_no_canonical_form_is_refused_at_its_line(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "from defs import plain\nplain('a', config={'layers': [1, lambda: 2]})")
    error = workspace.refused()
    assert "config of '//:a': layers[1]" in error.headline
    assert str(error.where[0]) == "BUILD.py:2"


# What a build file sees


def declared(workspace: Workspace, expression: str) -> Any:
    workspace.write(
        "pkg/BUILD.py", f"import os, sys\nfrom defs import plain\nplain('a', config={{'value': {expression}}})"
    )
    return workspace.load().schema.nodes["//pkg:a"].config["value"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("__name__", "BUILD"),
        ("__file__", "{root}/pkg/BUILD.py"),
        ("os.getcwd()", "{root}"),
        ("sys.path[0]", "{root}"),
        ("sorted(os.environ)", ["HOME"]),
    ],
)
def test_the_surroundings_are_the_same_every_time(workspace: Workspace, expression: str, expected: Any) -> None:
    workspace.environment["HOME"] = "/home/nobody"
    if isinstance(expected, str):
        expected = expected.format(root=workspace.root)
    assert declared(workspace, expression) == expected


def test_nothing_is_left_behind(workspace: Workspace) -> None:
    before = list(sys.path), list(sys.meta_path), os.environ, os.getcwd(), __import__, {*sys.modules}
    workspace.write("macros.py", "import tools.deep\nWHO = 'macros'")
    workspace.write("tools/deep.py", "")
    workspace.write(
        "BUILD.py",
        "import os, sys, macros\nos.environ['LEFT'] = '1'\nos.chdir('tools')\nsys.path.append('x')\n"
        "from defs import plain\nplain('a')",
    )
    workspace.load()
    assert (list(sys.path), list(sys.meta_path), os.environ, os.getcwd(), __import__) == before[:5]
    assert not {"macros", "tools", "tools.deep", "defs", "BUILD"} & {*sys.modules}
    assert "LEFT" not in os.environ


def test_two_workspaces_do_not_see_each_others_modules(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Workspace(tmp_path_factory.mktemp("other"))
    for each, name in ((workspace, "one"), (other, "two")):
        each.write("macros.py", f"NAME = {name!r}")
        each.write("BUILD.py", "from defs import plain\nfrom macros import NAME\nplain(NAME)")
    assert (workspace.names(), other.names(), workspace.names()) == (["one"], ["two"], ["one"])


def test_modules_imported_before_are_not_seen_and_stay(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.write("macros.py", "NAME = 'old'")
    monkeypatch.syspath_prepend(str(workspace.root))
    mine = __import__("macros")
    workspace.write("macros.py", "NAME = 'new'")
    workspace.write("BUILD.py", "from defs import plain\nfrom macros import NAME\nplain(NAME)")
    assert workspace.names() == ["new"]
    assert sys.modules.pop("macros") is mine


def test_an_edit_within_the_same_second_is_seen(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "from defs import plain\nfrom macros import NAME\nplain(NAME)")
    for name in ("one", "two", "six"):
        workspace.write("macros.py", f"NAME = {name!r}")
        os.utime(workspace.root / "macros.py", (1_000_000_000, 1_000_000_000))
        assert workspace.names() == [name]


def test_what_it_prints_goes_to_stderr(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    workspace.write("BUILD.py", "print('hello')\nfrom defs import plain\nplain('a')")
    workspace.load()
    assert capsys.readouterr() == ("", "hello\n")


def test_dataclasses_work_in_a_build_file(workspace: Workspace) -> None:
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom defs import plain\n"
    workspace.write("BUILD.py", f"{head}@dataclass\nclass P:\n    n: str\nplain(P('a').n)")
    assert workspace.names() == ["a"]


def test_a_workspace_file_named_like_the_standard_library_hides_nothing(workspace: Workspace) -> None:
    workspace.write("colorsys.py", "raise ValueError")
    workspace.write("BUILD.py", "import colorsys\nfrom defs import plain\nplain(colorsys.__name__)")
    assert workspace.names() == ["colorsys"]


def test_an_installed_distribution_is_known_by_the_listing_of_its_folder(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path_factory.mktemp("lib") / "site-packages"
    (site / "company_rules").mkdir(parents=True)
    (site / "company_rules" / "__init__.py").write_text("NAME = 'v1'")
    (site / "company_rules-1.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(site))
    workspace.write("BUILD.py", "from defs import plain\nfrom company_rules import NAME\nplain(NAME)")
    assert workspace.names() == ["v1"]
    assert not workspace.evaluates()
    (site / "company_rules-1.dist-info").rename(site / "company_rules-2.dist-info")
    assert workspace.evaluates()
    del sys.modules["company_rules"]


def test_a_module_from_elsewhere_is_known_by_its_content(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path_factory.mktemp("checkout") / "shared_rules.py"
    source.write_text("NAME = 'v1'")
    monkeypatch.syspath_prepend(str(source.parent))
    workspace.write("BUILD.py", "from defs import plain\nfrom shared_rules import NAME\nplain(NAME)")
    assert workspace.names() == ["v1"]
    assert not workspace.evaluates()
    source.write_text("NAME = 'v2'")
    assert workspace.evaluates()
    del sys.modules["shared_rules"]


# What goes wrong in a build file


@pytest.mark.parametrize(
    ("text", "code", "headline", "line"),
    [
        ("x = 1\nraise ValueError('no luck')\n", "BG034", "'BUILD.py' raised ValueError", 2),
        ("x = 1\n1 / 0\n", "BG034", "'BUILD.py' raised ZeroDivisionError", 2),
        ("x = 1\neval('1 +')\n", "BG034", "'BUILD.py' raised SyntaxError", 2),
        ("import sys\nsys.exit(3)\n", "BG034", "'BUILD.py' ended the program", 2),
        ("import nothing_like_this\n", "BG034", "'BUILD.py' imports a module that is not there", 1),
        ("def f(): f()\nf()\n", "BG034", "'BUILD.py' raised RecursionError", 1),
        ("x = 1\nif x\n", "BG035", "'BUILD.py' is not valid Python", 2),
        ("\tx = (\n", "BG035", "'BUILD.py' is not valid Python", 1),
        ("x = '\\x00'\0\n", "BG035", "'BUILD.py' is not valid Python", 0),
        ("from defs import plain\nplain('a', cfg={})\n", "BG031", "rule 'plain' does not take 'cfg'", 2),
        ("from defs import plain\nplain('a')\n\nplain('a')\n", "BG024", "'//:a' is declared twice", 2),
    ],
)
def test_mistakes_have_a_line(workspace: Workspace, text: str, code: str, headline: str, line: int) -> None:
    workspace.write("BUILD.py", text)
    error = workspace.refused()
    place = error.where[0]
    assert isinstance(place, Place)
    assert (error.code, error.headline, place.file, place.line) == (code, headline, "BUILD.py", line)
    if line:
        assert place.text == text.splitlines()[line - 1].strip()


def test_a_file_that_is_not_text_is_told(workspace: Workspace) -> None:
    (workspace.root / "BUILD.py").write_bytes(b"x = '\xff'\n")
    assert workspace.refused().code == "BG035"


def test_an_error_in_a_helper_names_the_build_file_and_the_helper(workspace: Workspace) -> None:
    workspace.write("macros.py", "def broken():\n    return [][0]\n")
    workspace.write("BUILD.py", "from macros import broken\nbroken()\n")
    error = workspace.refused()
    assert str(error.where[0]) == "BUILD.py:2"
    assert error.facts == (("raised", "IndexError: list index out of range"), ("called", "macros.py:2 in broken"))


def test_a_syntax_error_in_a_helper_names_the_helper(workspace: Workspace) -> None:
    workspace.write("macros.py", "def broken(:\n")
    workspace.write("BUILD.py", "import macros\n")
    error = workspace.refused()
    assert (error.code, str(error.where[0])) == ("BG035", "macros.py:1")


def test_an_exception_that_cannot_be_shown_is_told_all_the_same(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd\n")
    assert workspace.refused().facts == (("raised", "Odd: (its message cannot be shown)"),)


def test_an_interrupt_passes_through(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        workspace.load()


def test_a_failed_build_file_is_not_remembered(workspace: Workspace) -> None:
    workspace.write("BUILD.py", "raise ValueError")
    workspace.refused()
    assert workspace.memory == {}
