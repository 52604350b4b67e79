"""buildgraph, in both kinds: `python` targets and `command` targets."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.measuring import BUILDGRAPH
from benchmarks.peers import COMMAND, COMMANDS, FUNCTIONS, Peer

_FUNCTIONS = """\
from buildgraph.rules import python

PARENTS = {parents}
for at, parents in enumerate(PARENTS):
    python(f"t{{at}}", fn="work:add", needs={{"own": f"src/{{at // 1000}}/{{at}}.txt", **{{f"t{{up}}": f":t{{up}}" for up in parents}}}})
"""
_WORK = '''\
def add(own: str, **parents):
    """The number in the first line of a file, and those of the parents."""
    return int(own.split()[0]) + sum(parents.values())
'''
_COMMANDS = """\
from buildgraph.rules import command

PARENTS = {parents}
for at, parents in enumerate(PARENTS):
    ins = [f"src/{{at // 1000}}/{{at}}.txt", *(f":t{{up}}" for up in parents)]
    command(f"t{{at}}", argv=["sh", "-c", {script!r}, "add", "$(out)", "$(in)"], srcs=ins, outs=["out.txt"])
"""
_SCRIPT = "out=$1; shift; " + COMMAND.format(ins='"$@"', out="$out")


def _write(folder: Path, graph: Graph, text: str) -> None:
    (folder / "buildgraph.toml").write_text("")
    (folder / "BUILD.py").write_text(text.format(parents=[list(parents) for parents in graph.parents], script=_SCRIPT.replace("$", "$$")))
    (folder / "work.py").write_text(_WORK)


def built(said: str) -> int:
    """From the last line: `12 targets: 3 built, 9 up to date in 0.20 s`."""
    found = re.search(r"(\d+) built", said.splitlines()[-1])
    return int(found.group(1)) if found else 0


def _ours(name: str, kind: str, text: str, most: int) -> Peer:
    program, *rest = BUILDGRAPH
    return Peer(
        name, kind, (program, *rest, "build"), lambda folder, graph: _write(folder, graph, text), version=(*rest, "--version"), most=most,
        ran=built, environment={"XDG_CACHE_HOME": "{folder}/.cache"},
    )  # fmt: skip


PYTHON = _ours("buildgraph", FUNCTIONS, _FUNCTIONS, 100_000)
COMMANDED = _ours("buildgraph (commands)", COMMANDS, _COMMANDS, 10_000)
PEERS = (PYTHON, COMMANDED)
