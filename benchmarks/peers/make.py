"""GNU make: a rule for each target, without the built-in ones, which would look for files that nobody has."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph, output, source
from benchmarks.peers import COMMAND, COMMANDS, Peer


def _write(folder: Path, graph: Graph) -> None:
    command = COMMAND.replace("$", "$$").format(ins="$^", out="$@")
    names = [output(at) for at in range(graph.size)]
    rules = [f"{names[at]}: {' '.join([source(at), *map(output, parents)])}\n\t{command}\n" for at, parents in enumerate(graph.parents)]
    every = "all: " + " \\\n ".join(names) + "\n"
    (folder / "Makefile").write_text(f".PHONY: all\n{every}{''.join(rules)}")


PEER = Peer("make", COMMANDS, ("make", "-s", "-r", "-R", "-j2"), _write, environment={"LC_ALL": "C.UTF-8"})
