"""Worker processes of a training: there are some when a node has to run, and none when every result is known."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from buildgraph import (
    Domain,
    GraphModelConfiguration,
    GraphSchema,
    GraphTrainer,
    LocalModelStorage,
    LocalTrainingCache,
    ProcessPoolRunner,
    SchemaNode,
    TrainingType,
)
from buildgraph.events import BuildFinished, Event

COMPONENT = """
from buildgraph import GraphComponent

class Say(GraphComponent):
    def run(self):
        return "said"
"""
Trained = Callable[[GraphSchema], set[int]]


class Importer:
    def get_domain(self) -> Domain:
        return Domain()


def processes_below(process: int) -> set[int]:
    """The children of `process`, and theirs."""
    found = set()
    for line in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = line.read_text().partition(" (")
        except OSError:
            continue  # it has ended
        if int(rest.rpartition(") ")[2].split()[1]) == process:
            found |= {int(pid), *processes_below(int(pid))}
    return found


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Trains in the pool, always with the same cache, and returns the processes that there were of it in the end."""
    (tmp_path / "saying_parts.py").write_text(COMPONENT)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "saying_parts", raising=False)

    def train(schema: GraphSchema) -> set[int]:
        before, found = processes_below(os.getpid()), set[int]()

        def listen(event: Event) -> None:
            if isinstance(event, BuildFinished):
                found.update(processes_below(os.getpid()) - before)

        trainer = GraphTrainer(LocalModelStorage(tmp_path / "model"), LocalTrainingCache(tmp_path / "cache"), ProcessPoolRunner, listen=listen, jobs=1)
        configuration = GraphModelConfiguration(schema, GraphSchema({}), TrainingType.NLU, None, "en", None, None)
        trainer.train(configuration, Importer(), tmp_path / "model.tar.gz")  # type: ignore[arg-type]  # the domain is all that is asked for
        return found

    return train


def test_workers_are_started_for_what_has_to_run_only(trained: Trained) -> None:
    """Starting them, and importing what components need into them, would be most of the time of an unchanged training."""
    schema = GraphSchema({"say": SchemaNode({}, "saying_parts.Say", "create", "run", {}, is_target=True)})
    assert trained(schema)
    assert not trained(schema)
    changed = GraphSchema({"say": SchemaNode({}, "saying_parts.Say", "create", "run", {"loud": True}, is_target=True)})
    assert trained(changed)
