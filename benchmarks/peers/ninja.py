"""ninja, and samurai, which reads the same file."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph, output, source
from benchmarks.peers import COMMAND, COMMANDS, Peer


def _write(folder: Path, graph: Graph) -> None:
    command = COMMAND.replace("$", "$$").format(ins="$in", out="$out")
    lines = ["rule add", f"  command = {command}"]
    lines += [f"build {output(at)}: add {' '.join([source(at), *map(output, parents)])}" for at, parents in enumerate(graph.parents)]
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")


_SAME = {"LC_ALL": "C.UTF-8"}  # what our commands see; loading a locale is part of what a small program costs
PEER = Peer("ninja", COMMANDS, ("ninja", "--quiet", "-j2"), _write, environment=_SAME)
SAMURAI = Peer("samurai", COMMANDS, ("samu", "-j2"), _write, environment=_SAME)
