"""Bazel: a genrule for each target, in batch mode, because the work of a server is not that of the measured process."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.graphs import Graph, source
from benchmarks.peers import COMMAND, COMMANDS, Peer


def _write(folder: Path, graph: Graph) -> None:
    command = json.dumps(COMMAND.replace("$", "$$").format(ins="$(SRCS)", out="$@"))
    rules = [
        f'genrule(name = "t{at}", srcs = {json.dumps([source(at), *(f":t{up}" for up in parents)])}, outs = ["out/{at}.txt"], cmd = {command})\n'
        for at, parents in enumerate(graph.parents)
    ]
    (folder / "BUILD").write_text("".join(rules))
    (folder / "WORKSPACE").write_text("")


def _ran(said: str) -> int:
    """From the last line but one: `INFO: 12 processes: 3 internal, 9 linux-sandbox.`"""
    words = next((line for line in reversed(said.splitlines()) if " process" in line), "").partition(":")[2].replace(":", ",").split(",")
    return sum(int(word.split()[0]) for word in words if "sandbox" in word or "local" in word)


PEER = Peer("bazel", COMMANDS, ("bazel", "--batch", "--output_user_root=.bazel", "build", "//:all"), _write, most=10_000, ran=_ran)
