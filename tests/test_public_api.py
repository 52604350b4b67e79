"""What `import buildgraph` offers: exactly the promised names, each of them real, and at no cost until it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import buildgraph.rules
import pytest

import buildgraph
from buildgraph import Workspace
from buildgraph.testing import TemporaryWorkspace


@pytest.mark.parametrize("name", buildgraph.__all__)
def test_every_promised_name_is_there_and_documented(name):
    found = getattr(buildgraph, name)
    assert found.__name__ == name
    assert inspect.getdoc(found)


def test_the_list_of_names_is_sorted_and_complete():
    assert buildgraph.__all__ == sorted(buildgraph.__all__)
    assert {"Workspace", "BuildReport", "GraphComponent", "BuildgraphError", "Resource", "Digest"} <= set(buildgraph.__all__)


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="has no attribute 'Workspase'"):
        _ = buildgraph.Workspase


def test_importing_the_package_imports_nothing_heavy():
    program = "import sys; import buildgraph; print(*sorted(m for m in sys.modules if m.startswith('buildgraph.') or m in ('lmdb', 'click', 'rich', 'numpy')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"buildgraph.version"}


def test_importing_the_workspace_imports_neither_the_command_line_nor_the_extras():
    program = "import sys; from buildgraph import Workspace; print(*(m for m in ('click', 'rich', 'yaml', 'numpy', 'pyarrow', 'asyncio', 'logging') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", buildgraph.rules.__all__)
def test_every_rule_is_documented(name):
    assert inspect.getdoc(getattr(buildgraph.rules, name))


def test_the_promised_line_works(tmp_path):
    """`buildgraph.Workspace(...).build([...])`, with a report that can be read."""
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store")
    workspace.write({"BUILD.py": "from buildgraph.rules import python\npython('t', fn='m:t')", "m.py": "def t():\n    return 42\n"})
    report = Workspace(tmp_path / "ws", store=tmp_path / "store", runner="inline").build(["//:t"])
    assert (report.ok, report.built, report.targets) == (True, 1, 1)
    assert report.outputs == {"//:t": ("build/t/value.json",)}
    assert report.line().startswith("1 target: 1 built in ")


def test_the_environment_of_the_process_is_not_read(tmp_path, monkeypatch):
    """What a build may see of the environment is passed in."""
    monkeypatch.setenv("BUILDGRAPH_OUTPUTS", "elsewhere")
    monkeypatch.setenv("WHO", "process")
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", environment={"WHO": "passed"})
    workspace.write(
        {"BUILD.py": "from buildgraph.rules import command\ncommand('t', cmd='echo $$WHO > $(out)', outs=['o'], env_inherit=['WHO'])"}
    )
    assert workspace.build().ok
    assert workspace.output("//:t", "o").read_text() == "passed\n"
