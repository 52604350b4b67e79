"""Snakemake: one rule for all targets with a function for its inputs; times first, then checksums (its default)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.peers import COMMAND, COMMANDS, Peer, table

_SNAKEFILE = """\
import sys

sys.path.insert(0, workflow.basedir)
from graph import PARENTS

OUT = [f"out/{{at // 1000}}/{{at}}.txt" for at in range(len(PARENTS))]


rule all:
    input: OUT


rule add:
    input: lambda found: [f"src/{{found.folder}}/{{found.at}}.txt", *(OUT[up] for up in PARENTS[int(found.at)])]
    output: "out/{{folder}}/{{at}}.txt"
    shell: {command!r}
"""


def _write(folder: Path, graph: Graph) -> None:
    table(graph, folder)
    (folder / "Snakefile").write_text(_SNAKEFILE.format(command=COMMAND.format(ins="{input}", out="{output}")))


PEER = Peer("snakemake", COMMANDS, ("snakemake", "-j2", "--quiet", "all"), _write, most=100, environment={"XDG_CACHE_HOME": "{folder}/.cache"})
