"""DVC: a stage for each target in one dvc.yaml; it hashes dependencies and outputs whose time, size or inode changed."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.graphs import Graph, output, source
from benchmarks.peers import COMMAND, COMMANDS, Peer


def _write(folder: Path, graph: Graph) -> None:
    stages = {}
    for at, parents in enumerate(graph.parents):
        ins = [source(at), *map(output, parents)]
        stages[f"t{at}"] = {"cmd": COMMAND.format(ins=" ".join(ins), out=output(at)), "deps": ins, "outs": [output(at)]}
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}, indent=1))
    (folder / ".dvcignore").write_text("")
    (folder / ".dvc" / "tmp").mkdir(parents=True)
    (folder / ".dvc" / "config").write_text("[core]\n    no_scm = True\n    analytics = false\n    check_update = false\n")


def _ran(said: str) -> int:
    return said.count("Running stage")


PEER = Peer("dvc", COMMANDS, ("dvc", "repro"), _write, most=30, ran=_ran, environment={"DVC_SITE_CACHE_DIR": "{folder}/.site"})
