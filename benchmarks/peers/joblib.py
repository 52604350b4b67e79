"""joblib: `Memory.cache` on the function; the driver calls it for every target and reads the sources itself."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.peers import FUNCTIONS, Peer, calls, module, table

_DRIVER = '''\
from joblib import Memory

from graph import PARENTS

called = 0


@Memory("cache", verbose=0).cache
def add(own, *parents):
    global called
    called += 1
    return own + sum(parents)


results = []
for at, parents in enumerate(PARENTS):
    with open(f"src/{at // 1000}/{at}.txt") as file:
        own = int(file.readline())
    results.append(add(own, *(results[up] for up in parents)))
print(called)
'''


def _write(folder: Path, graph: Graph) -> None:
    table(graph, folder)
    (folder / "driver.py").write_text(_DRIVER)


PEER = Peer("joblib", FUNCTIONS, ("python", "driver.py"), _write, most=10_000, version=module("joblib"), ran=calls)
