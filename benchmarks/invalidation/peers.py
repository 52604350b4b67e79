"""The peers, each set up as its users do: what they hash is what their first page of documentation shows."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import venv
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.edits import Edit
from benchmarks.invalidation.folder import input_of
from benchmarks.invalidation.scores import Build, Prepare, Score, Tool, UnsoundError, score

REQUIREMENTS = {
    "diskcache": "diskcache==5.6.3",
    "joblib": "joblib==1.6.0",
    "hamilton": "sf-hamilton==1.90.0",
    "redun": "redun==0.44.1",
    "doit": "doit==0.37.0",
    "snakemake": "snakemake==9.27.1",
    "dvc": "dvc==3.67.1",
}
_PROJECTS_NEED = "attrs==26.1.0"
_ONE_PIP = threading.Lock()
_HERE = Path(__file__).parent
_INTERPRETER = "BENCHMARK_PYTHON"  # the environment variable that names the peers' interpreter

# ---- tools that remember what a function returned -------------------------------------------------------------------


def _nothing(_: Path, __: Sequence[Edit]) -> None:
    """These tools are set up where the function is called."""


def _memoizer(name: str, root: Path, edits: Sequence[Edit], environment: Mapping[str, str]) -> frozenset[str]:
    """One process calls every step through the tool's cache, and says which functions were really called."""
    steps = json.dumps([[edit.package, input_of(edit)] for edit in edits])
    said = _run([environment[_INTERPRETER], str(_HERE / "memoizers.py"), name], root, environment, steps)
    return frozenset(json.loads(said.splitlines()[-1]))


# ---- tools that run a command when its files changed ----------------------------------------------------------------

_RUN = '''\
"""Runs the step of one project and writes what it returns; `ran.txt` is how the benchmark sees that it ran."""

import json
import sys
from importlib import import_module

package, path, out = sys.argv[1:]
with open("../ran.txt", "a") as file:
    file.write(package + "\\n")
with open(out, "w") as file:
    json.dump(import_module(package + ".step").answer(path), file)
'''

_DODO = '''\
def task_step():
    for name in {names!r}:
        step, data, out = f"{{name}}/step.py", f"{{name}}/input.txt", f"out/{{name}}.json"
        yield {{
            "name": name,
            "actions": [f"{python} run.py {{name}} {{data}} {{out}}"],
            "file_dep": [step, data],
            "targets": [out],
        }}
'''

_SNAKEFILE = """\
rule all:
    input: expand("out/{{name}}.json", name={names!r})

rule step:
    input: step="{{name}}/step.py", data="{{name}}/input.txt"
    output: "out/{{name}}.json"
    shell: "{python} run.py {{wildcards.name}} {{input.data}} {{output}}"
"""

_STAGE = """\
stages:
  step:
    wdir: ../..
    cmd: python run.py {name} {name}/input.txt out/{name}.json
    deps: [{deps}]
    outs: [out/{name}.json]
"""


def _files(root: Path, edits: Sequence[Edit], name: str, text: str) -> None:
    (root / "work" / "run.py").write_text(_RUN)
    (root / "work" / "out").mkdir()
    (root / "work" / name).write_text(text.format(names=[edit.package for edit in edits], python="python"))


def _dvc_files(root: Path, edits: Sequence[Edit], *, whole: bool) -> None:
    """A dvc.yaml for each project: a lock file with all of them would be written anew for each."""
    deps = "{0}" if whole else "{0}/step.py, {0}/input.txt"
    _files(root, edits, ".dvcignore", "")
    for edit in edits:
        folder = root / "work" / "pipelines" / edit.package
        folder.mkdir(parents=True)
        (folder / "dvc.yaml").write_text(_STAGE.format(name=edit.package, deps=deps.format(edit.package)))
    (root / "work" / ".dvc" / "tmp").mkdir(parents=True)
    (root / "work" / ".dvc" / "config").write_text("[core]\n    no_scm = True\n    analytics = false\n    check_update = false\n")


def _commands(argv: Sequence[str], root: Path, _: Sequence[Edit], environment: Mapping[str, str]) -> frozenset[str]:
    ran = root / "ran.txt"
    ran.write_text("")
    _run([environment[_INTERPRETER], "-m", *argv], root, environment)
    return frozenset(ran.read_text().split())


def _tool(name: str, what: str, prepare: Prepare, build: Build, requirement: str = "") -> Tool:
    return Tool(name, REQUIREMENTS[requirement or name].partition("==")[2], what, prepare, build)


_DVC = partial(_commands, ("dvc", "repro", "-q", "-P"))
TOOLS = (
    _tool("diskcache", "the function's name and its arguments", _nothing, partial(_memoizer, "diskcache")),
    _tool("joblib", "the source of the function, its arguments", _nothing, partial(_memoizer, "joblib")),
    _tool("hamilton", "the syntax tree of the function, its inputs", _nothing, partial(_memoizer, "hamilton")),
    _tool("redun", "the source of the function, its arguments, times of files", _nothing, partial(_memoizer, "redun")),
    _tool("doit", "the bytes of the listed files", partial(_files, name="dodo.py", text=_DODO), partial(_commands, ("doit", "-v0"))),
    _tool(
        "snakemake", "times, then bytes, of the listed files",
        partial(_files, name="Snakefile", text=_SNAKEFILE), partial(_commands, ("snakemake", "-j2", "--quiet", "all")),
    ),
    _tool("dvc", "the bytes of the listed files", partial(_dvc_files, whole=False), _DVC),
    _tool("dvc-folder", "the bytes of the whole package folder", partial(_dvc_files, whole=True), _DVC, "dvc"),
)  # fmt: skip


def outcome(tool: Tool, edits: Sequence[Edit], home: Path) -> Score | str:
    """The tool's score, or the reason why there is none. Peers are installed into `home` on first use."""
    try:
        if tool.version:
            for requirement in (_PROJECTS_NEED, REQUIREMENTS[tool.name.partition("-")[0]]):
                _install(home, requirement)
        return score(tool, edits, {_INTERPRETER: str(_python(home))})
    except UnsoundError as error:
        return f"not run: {error}"
    except subprocess.CalledProcessError as error:
        last = ((error.stderr or error.stdout or "").strip().splitlines() or ["no message"])[-1]
        return f"not run: {' '.join(Path(word).name for word in error.cmd[:4])} failed: {last}"


def default_home() -> Path:
    """Outside the checkout, and kept, so that the peers are installed once."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buildgraph-benchmarks" / "peers"


def _python(home: Path) -> Path:
    return home / "bin" / "python"


def _install(home: Path, requirement: str) -> None:
    """Let pip install it into the virtual environment at `home`, unless it was before. Raises CalledProcessError."""
    mark = home / f"installed-{requirement}"
    with _ONE_PIP:
        if not _python(home).exists():
            venv.create(home, with_pip=True)
        if not mark.exists():
            subprocess.run([str(_python(home)), "-m", "pip", "install", "--quiet", requirement], check=True, capture_output=True, text=True)
            mark.touch()


def _run(argv: Sequence[str], root: Path, environment: Mapping[str, str], given: str = "") -> str:
    """Standard output of the tool. Its interpreter comes first on PATH. Raises CalledProcessError."""
    path = f"{Path(argv[0]).parent}:{environment.get('PATH', os.defpath)}"
    done = subprocess.run(argv, cwd=root / "work", env={**environment, "PATH": path}, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, list(argv), done.stdout, done.stderr)
    return done.stdout
