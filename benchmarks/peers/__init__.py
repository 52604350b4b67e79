"""The tools that build the same graph, one file each. A peer is plain data: how it is found, told the graph, and run."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.graphs import Graph, lay_out, output

# What a command target does: it adds the first lines of its inputs. Builtins of the shell only, so that it costs one
# process, and the same one for every tool.
COMMAND: Final = 's=0; for f in {ins}; do read v < $f; s=$((s+v)); done; echo $s > {out}'
COMMANDS, FUNCTIONS = "commands", "functions"


@dataclass(frozen=True, slots=True)
class Peer:
    """One tool. `argv` names its program first: one of the system, or one of the peers' virtual environment.

    `write` describes the graph in a folder whose sources exist. `ran` says how many targets ran from a run's output;
    without it, outputs with a new time are counted. `most` is the largest graph that it builds in a bearable time.
    """

    name: str
    kind: str
    argv: tuple[str, ...]
    write: Callable[[Path, Graph], None]
    most: int = 100_000
    version: tuple[str, ...] = ("--version",)
    ran: Callable[[str], int] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def program(peer: Peer, tools: Path) -> str | None:
    """The path of the peer's program, in the virtual environment `tools` or of the system; None when it is not here."""
    inside = tools / "bin" / peer.argv[0]
    return str(inside) if inside.exists() else shutil.which(peer.argv[0]) if peer.argv[0] != "python" else None


def version(peer: Peer, tools: Path) -> str | None:
    """What the peer says its version is; None when it, or the library that it is, is not here."""
    found = program(peer, tools)
    said = found and subprocess.run([found, *peer.version], capture_output=True, text=True, check=False)
    if not said or said.returncode:
        return None
    number = re.search(r"\d+(\.\d+)+", said.stdout)
    return number.group() if number else said.stdout.strip()


def prepare(peer: Peer, graph: Graph, folder: Path) -> None:
    """Everything that the peer needs for its first build, in an empty folder."""
    lay_out(graph, folder, outputs=peer.kind == COMMANDS)
    peer.write(folder, graph)


def times(graph: Graph, folder: Path) -> dict[int, int]:
    """When each output was written, in nanoseconds; of those that exist."""
    found = {}
    for target in range(graph.size):
        try:
            found[target] = (folder / output(target)).stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return found


def module(name: str) -> tuple[str, ...]:
    """How the peers' interpreter is asked for the version of a library that it can import."""
    return ("-c", f"import importlib.metadata as m; print(m.version('{name}'))")


def calls(said: str) -> int:
    """What a driver program printed last: how often the function was really called."""
    return int(said.split()[-1])


def table(graph: Graph, folder: Path) -> None:
    """The graph as `graph.py`, for build files that are Python and for drivers."""
    (folder / "graph.py").write_text(f"PARENTS = {[list(parents) for parents in graph.parents]}\n")


def everything() -> tuple[Peer, ...]:
    """All of them, in the order of the tables; ours first."""
    from benchmarks.peers import bazel, doit, dvc, hamilton, joblib, make, ninja, ours, redun, scons, snakemake

    return (*ours.PEERS, ninja.PEER, ninja.SAMURAI, make.PEER, bazel.PEER, doit.PEER, scons.PEER, snakemake.PEER, dvc.PEER, joblib.PEER, hamilton.PEER, redun.PEER)
