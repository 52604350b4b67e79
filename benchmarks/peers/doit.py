"""doit: a task for each target, with the files it reads and writes; it hashes files whose time changed (its default)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.peers import COMMAND, COMMANDS, Peer, table

_DODO = """\
from graph import PARENTS

COMMAND = {command!r}


def task_add():
    for at, parents in enumerate(PARENTS):
        ins = [f"src/{{at // 1000}}/{{at}}.txt", *(f"out/{{up // 1000}}/{{up}}.txt" for up in parents)]
        out = f"out/{{at // 1000}}/{{at}}.txt"
        yield {{"name": str(at), "file_dep": ins, "targets": [out], "actions": [COMMAND.format(ins=" ".join(ins), out=out)]}}
"""


def _write(folder: Path, graph: Graph) -> None:
    table(graph, folder)
    (folder / "dodo.py").write_text(_DODO.format(command=COMMAND))


PEER = Peer("doit", COMMANDS, ("doit", "-v0", "-n2", "-Pthread"), _write, most=10_000)
