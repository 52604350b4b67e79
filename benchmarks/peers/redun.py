"""redun: one task, called lazily for every target with its source as a File; results in its SQLite database."""

from __future__ import annotations

from pathlib import Path

from benchmarks.graphs import Graph
from benchmarks.peers import FUNCTIONS, Peer, calls, module, table

_DRIVER = '''\
import logging

from graph import PARENTS
from redun import File, Scheduler, task
from redun.config import Config

logging.disable()
redun_namespace = "work"
called = 0


@task()
def add(own, parents):
    global called
    called += 1
    with own.open() as file:
        return int(file.readline()) + sum(parents)


results = []
for at, parents in enumerate(PARENTS):
    results.append(add(File(f"src/{at // 1000}/{at}.txt"), [results[up] for up in parents]))
scheduler = Scheduler(config=Config({"backend": {"db_uri": "sqlite:///redun.db"}}))
scheduler.load()
scheduler.run(results)
print(called)
'''


def _write(folder: Path, graph: Graph) -> None:
    table(graph, folder)
    (folder / "driver.py").write_text(_DRIVER)


PEER = Peer("redun", FUNCTIONS, ("python", "driver.py"), _write, most=100, version=module("redun"), ran=calls)
