"""SCons: a Command for each target, decided by content (its default)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.peers import COMMAND, COMMANDS, Peer, table

_SCONSTRUCT = """\
import sys

sys.path.insert(0, Dir("#").abspath)
from graph import PARENTS

env = Environment(tools=[])
for at, parents in enumerate(PARENTS):
    ins = [f"src/{{at // 1000}}/{{at}}.txt", *(f"out/{{up // 1000}}/{{up}}.txt" for up in parents)]
    env.Command(f"out/{{at // 1000}}/{{at}}.txt", ins, {command!r})
"""


def _write(folder: Path, graph: Graph) -> None:
    table(graph, folder)
    command = COMMAND.replace("$", "$$").format(ins="$SOURCES", out="$TARGET")
    (folder / "SConstruct").write_text(_SCONSTRUCT.format(command=command))


PEER = Peer("scons", COMMANDS, ("scons", "-s", "-j2"), _write, most=1_000)
