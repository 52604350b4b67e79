"""What is trained: graphs as data, and the two files of a project that trains them, as a user would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

_COMPONENTS: Final = """
import time

from buildgraph import GraphComponent


class Read(GraphComponent):
    def run(self, importer):
        return importer.start


class Add(GraphComponent):
    def __init__(self, number):
        self.number = number

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config["number"])

    def run(self, **values):
        return self.number + sum(values.values())


class Persist(Add):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        made = cls(config["number"])
        made.storage, made.resource = model_storage, resource
        return made

    def run(self, **values):
        found = super().run(**values)
        with self.storage.write_to(self.resource) as folder:
            (folder / "number.txt").write_text(str(found))
        return found


class Nap(Add):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config["seconds"])

    def run(self, **values):
        time.sleep(self.number)
        return 1
"""
_ARRAYS: Final = """
import numpy

from buildgraph import GraphComponent


class Make(GraphComponent):
    def __init__(self, number, count):
        self.number, self.count = number, count

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config["number"], config["count"])

    def run(self, start):
        return numpy.arange(self.count, dtype="float64") + self.number + start


class Total(GraphComponent):
    def run(self, **arrays):
        return sum(float(array.sum()) for array in arrays.values())
"""
_TRAIN: Final = """
import json
import sys
import time
from pathlib import Path

import buildgraph


class Importer:
    start = 1

    def get_domain(self):
        return buildgraph.Domain()

    def fingerprint(self):
        return str(self.start)


def main(folder, runner, jobs):
    schema = buildgraph.GraphSchema.from_dict(json.loads(Path(folder, "graph.json").read_text()))
    configuration = buildgraph.GraphModelConfiguration(
        schema, buildgraph.GraphSchema({}), buildgraph.TrainingType.NLU, None, "en", None, "none"
    )
    ran = []

    def listen(event):
        if type(event).__name__ == "TargetBuilt":
            ran.append(event.target)

    cache = buildgraph.LocalTrainingCache(Path(folder, "cache"))
    storage = buildgraph.LocalModelStorage.create(Path(folder, f"model-{time.time_ns()}"))
    trainer = buildgraph.GraphTrainer(storage, cache, getattr(buildgraph, runner), listen=listen, jobs=int(jobs))
    before = time.perf_counter()
    made = trainer.train(configuration, Importer(), Path(folder, "model.tar.gz"))
    now = time.perf_counter()
    peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"ran": len(ran), "model": made.model_id, "seconds": now - before, "peak": peak / 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
"""


class Sizes(NamedTuple):
    """How large the graphs are."""

    nodes: int
    layers: int
    diamonds: int  # layers of two nodes
    nap: float  # seconds
    arrays: int
    megabytes: float  # of each array


def sizes(size: int) -> Sizes:
    """What issues are judged by at `size` 400, and all of it smaller or larger in proportion."""
    return Sizes(max(4, size // 8) * 8, 8, max(2, size // 2), 0.5 * size / 400, 10, 100 * size / 400)


Nodes = dict[str, dict[str, Any]]


def _node(uses: str, needs: Mapping[str, str], config: Mapping[str, Any], *, target: bool = False) -> dict[str, Any]:
    return {"uses": uses, "needs": dict(needs), "constructor_name": "create", "fn": "run", "config": dict(config), "is_target": target}


def _source() -> Nodes:
    return {"source": {**_node("components.Read", {"importer": "__importer__"}, {}), "is_input": True}}


def layered(of: Sizes, uses: str = "components.Add") -> Nodes:
    """Layers of equal width; every node needs three of the layer before it, the last layer are the targets."""
    width, found = of.nodes // of.layers, _source()
    for layer in range(of.layers):
        for at in range(width):
            needs = {f"x{i}": f"n{layer - 1}_{(at + i) % width}" for i in range(3)} if layer else {"x0": "source"}
            found[f"n{layer}_{at}"] = _node(uses, needs, {"number": layer * width + at}, target=layer == of.layers - 1)
    return found


def diamond(of: Sizes) -> Nodes:
    """Layers of two; both nodes of a layer need both of the layer before it: the number of paths doubles with each."""
    found = _source()
    for layer in range(of.diamonds):
        needs = {"x0": f"n{layer - 1}_0", "x1": f"n{layer - 1}_1"} if layer else {"x0": "source"}
        for at in range(2):
            found[f"n{layer}_{at}"] = _node("components.Add", needs, {"number": 2 * layer + at}, target=layer == of.diamonds - 1)
    return found


def naps(of: Sizes) -> Nodes:
    """Four nodes that sleep and need nothing of each other."""
    return _source() | {f"nap{at}": _node("components.Nap", {"x": "source"}, {"seconds": of.nap, "at": at}, target=True) for at in range(4)}


def arrays(of: Sizes) -> Nodes:
    """Nodes that each return an array, and one that needs them all."""
    floats = int(of.megabytes * 1e6 / 8)
    makers = {f"array{at}": _node("arrays.Make", {"start": "source"}, {"number": at, "count": floats}) for at in range(of.arrays)}
    return _source() | makers | {"total": _node("arrays.Total", {name: name for name in makers}, {}, target=True)}


def count(nodes: Nodes) -> int:
    """How many of `nodes` can be found in the cache: all but inputs."""
    return sum(not node.get("is_input") for node in nodes.values())


def write(folder: Path, nodes: Nodes) -> None:
    """Write a project that trains `nodes`."""
    (folder / "components.py").write_text(_COMPONENTS)
    (folder / "arrays.py").write_text(_ARRAYS)
    (folder / "train.py").write_text(_TRAIN)
    (folder / "graph.json").write_text(json.dumps({"nodes": nodes}))
