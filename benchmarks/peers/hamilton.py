"""Hamilton: a function for each target, with its caching driver; the sources' numbers are the inputs."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.peers import FUNCTIONS, Peer, calls, module, table

_DRIVER = '''\
import sys

import targets
from graph import PARENTS
from hamilton import driver

sys.setrecursionlimit(100_000)
inputs = {}
for at in range(len(PARENTS)):
    with open(f"src/{at // 1000}/{at}.txt") as file:
        inputs[f"s{at}"] = int(file.readline())
built = driver.Builder().with_modules(targets).with_cache(path="cache").build()
built.execute([f"t{at}" for at in range(len(PARENTS))], inputs=inputs)
print(targets.called)
'''
_TARGET = """\

def t{at}({parameters}) -> int:
    _count()
    return {sum}
"""
_COUNT = """\
called = 0


def _count():
    global called
    called += 1

"""


def _write(folder: Path, graph: Graph) -> None:
    table(graph, folder)
    text = [_COUNT]
    for at, parents in enumerate(graph.parents):
        names = [f"s{at}", *(f"t{up}" for up in parents)]
        text.append(_TARGET.format(at=at, parameters=", ".join(f"{name}: int" for name in names), sum=" + ".join(names)))
    (folder / "targets.py").write_text("\n".join(text))
    (folder / "driver.py").write_text(_DRIVER)


PEER = Peer(
    "hamilton", FUNCTIONS, ("python", "driver.py"), _write, most=1_000, version=module("sf-hamilton"), ran=calls,
    environment={"HAMILTON_TELEMETRY_ENABLED": "false"},
)  # fmt: skip
