"""A wheel and an editable install, each in a fresh virtual environment: the rules come along, and workers find them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
NOT_SOURCES = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "tests", "benchmarks")
pytestmark = pytest.mark.slow


def run(*command, cwd, expect=0):
    """Run a program without settings or paths of ours."""
    network = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_")) or name.lower().endswith("_proxy")}
    environment = {**network, "PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == expect, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The project as it would be checked out: an editable install must not touch the folder under test."""
    folder = tmp_path_factory.mktemp("packaging") / "checkout"
    shutil.copytree(PROJECT, folder, ignore=NOT_SOURCES)
    for name in ("README.md", "LICENSE"):  # named by the metadata
        if not (folder / name).exists():
            (folder / name).write_text("buildgraph\n")
    return folder


def backend():
    """How pip gets the build backend: the one that is installed here if it is new enough, else from the index."""
    import setuptools

    return ["--no-build-isolation", "--no-index"] if int(setuptools.__version__.partition(".")[0]) >= 77 else []


@pytest.fixture(scope="module")
def wheel(source):
    dist = source.parent / "dist"
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", *backend(), "-w", dist, source, cwd=source.parent)
    return next(dist.glob("buildgraph-*.whl"))


def environment_with(folder, *what):
    """A fresh virtual environment with the project installed as `what`; what it depends on is lent by this one."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    lent = site.parent / "lent"
    lent.mkdir()
    for item in Path(sysconfig.get_path("purelib")).iterdir():
        if "buildgraph" not in item.name and not item.name.endswith(".pth"):
            (lent / item.name).symlink_to(item)
    (site / "lent.pth").write_text(f"{lent}\n")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", *backend(), *what, cwd=folder.parent)
    return folder


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request, source, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "venv"
    if request.param == "wheel":
        return environment_with(folder, request.getfixturevalue("wheel"))
    return environment_with(folder, "-e", source)


def test_the_rules_are_imported_from_anywhere(installed, tmp_path):
    found = run(installed / "bin/python", "-c", "import buildgraph.rules as r; print(*r.__all__)", cwd=tmp_path)
    assert found.split() == ["command", "component", "files", "group", "pack", "python"]


def test_the_package_under_test_is_not_the_one_that_answers(installed, tmp_path):
    found = run(installed / "bin/python", "-c", "import buildgraph; print(buildgraph.__file__)", cwd=tmp_path)
    assert not found.startswith(str(PROJECT))


@pytest.mark.parametrize("command", ["buildgraph", "bgr"])
def test_a_python_target_runs_in_a_worker(installed, tmp_path, command):
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "BUILD.py").write_text(
        "from buildgraph.rules import command, python\n"
        "python('pid', fn='own:who')\n"
        "command('copy', cmd='cat $(in) > $(out)', srcs=[':pid'], outs=['copy'])\n"
    )
    (tmp_path / "ws" / "own.py").write_text("import os\n\n\ndef who():\n    return [os.getpid(), os.getppid()]\n")
    said = run(installed / "bin" / command, "build", "--store", tmp_path / "store", cwd=tmp_path / "ws")
    assert "2 targets: 2 built" in said
    said = run(installed / "bin" / command, "build", "--store", tmp_path / "store", cwd=tmp_path / "ws")
    assert "2 targets: 2 up to date" in said
    assert (tmp_path / "ws/build/copy/copy").read_text() == (tmp_path / "ws/build/pid/value.json").read_text()


def test_the_wheel_holds_the_engine_and_the_rules_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "buildgraph/rules/__init__.py" in names
    assert "buildgraph/py.typed" in names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"buildgraph"}
    assert not [name for name in names if "test_" in name or "/examples/" in name]
