"""A small project of one's own for every test of the trainer: components in a folder, a cache, trainings one after another."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.testing import Recorder
from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.graph_trainer import GraphTrainer
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.metadata import ModelMetadata
from buildgraph.trainer.runner import GraphRunner, InlineRunner, ProcessPoolRunner
from buildgraph.trainer.storage import LocalModelStorage

PARTS = '''"""Components that people of this project wrote."""

import os
from pathlib import Path

from buildgraph import GraphComponent, InvalidConfigException, Resource

from tools import FACTOR, doubled


class Base(GraphComponent):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config, model_storage, resource, execution_context)

    def __init__(self, config, storage, resource, context):
        self.config, self.storage, self.resource, self.context = config, storage, resource, context

    def offset(self):
        return 0


class Give(Base):
    """Gives what its config says."""

    def run(self):
        return self.config.get("value")


class Read(Base):
    """Reads a number from a file, and counts how often it did."""

    def run(self):
        with open(self.config["log"], "a") as log:
            log.write("read\\n")
        return int(Path(self.config["file"]).read_text())


class Add(Base):
    @staticmethod
    def get_default_config():
        return {"by": 1, "nested": {"left": 0, "right": 0}}

    def run(self, number: int) -> int:
        nested = self.config["nested"]
        return number + self.config["by"] + nested["left"] + nested["right"] + self.offset()

    def less(self, number: int) -> int:
        return number - self.config["by"]

    def times(self, number: int) -> int:
        return doubled(number) * FACTOR

    def both(self, left: int, right: int) -> int:
        return left + right


class Train(Base):
    """Learns a number: persists it, also in a sub-folder."""

    def train(self, number: int) -> Resource:
        with self.storage.write_to(self.resource) as folder:
            (folder / "model.txt").write_text(str(number * self.config.get("scale", 1) + self.config.get("noise", 0) * 0))
            (folder / "deep").mkdir(exist_ok=True)
            (folder / "deep" / "more.txt").write_text("always the same")
        return self.resource

    def fail_half_way(self, number: int) -> Resource:
        with self.storage.write_to(self.resource) as folder:
            (folder / "model.txt").write_text(str(number))
            raise RuntimeError("half way")


class Process(Base):
    """Uses what was learnt."""

    @classmethod
    def load(cls, config, model_storage, resource, execution_context):
        with model_storage.read_from(resource) as folder:
            learnt = int((folder / "model.txt").read_text())
            assert (folder / "deep" / "more.txt").is_file()
        self = cls(config, model_storage, resource, execution_context)
        self.learnt = learnt
        return self

    def run(self) -> int:
        return self.learnt + self.config.get("by", 0)

    def process(self, number: int) -> int:
        return self.learnt + number


class Fail(Base):
    def run(self, **inputs):
        raise ValueError(self.config.get("message", "it never works"))

    def refuse(self, **inputs):
        raise InvalidConfigException("this config cannot be")

    def leave(self, **inputs):
        os._exit(3)


class Expect(Base):
    def run(self, number: int) -> int:
        assert number == self.config["number"], f"{number} is not {self.config['number']}"
        return number


class Addon(Base):
    """Depends on a file that its config names."""

    @classmethod
    def fingerprint_addon(cls, config):
        return Path(config["file"]).read_text()

    def run(self) -> str:
        return Path(self.config["file"]).read_text().upper()


class Outer:
    class Inner(Base):
        def run(self) -> str:
            return "inner"


class Text(Base):
    """What it receives, as text."""

    def run(self, value) -> str:
        return f"{type(value).__name__} {value!r}"

    def domain(self, importer) -> str:
        return " ".join(sorted(importer.get_domain().intents))
'''
TOOLS = '''"""Helpers."""

FACTOR = 10


def doubled(number):
    return 2 * number
'''
# `importer` of `Text.domain` arrives in the worker by its class, whose module the component's module has to import.
IMPORTER = "from buildgraph.trainer.importing import TrainingFileImporter  # noqa: F401\n"


def node(
    uses: str, needs: Mapping[str, str] | None = None, fn: str = "run", config: Mapping[str, Any] | None = None, constructor_name: str = "create", **more: Any
) -> SchemaNode:
    """A node of a component in parts.py, or of another one by its whole name."""
    return SchemaNode(needs or {}, uses if "." in uses or ":" in uses else f"parts.{uses}", constructor_name, fn, config or {}, **more)


def target(uses: str, needs: Mapping[str, str] | None = None, **more: Any) -> SchemaNode:
    return node(uses, needs, is_target=True, **more)


def configured(nodes: Mapping[str, SchemaNode], predict: Mapping[str, SchemaNode] | None = None, **more: Any) -> GraphModelConfiguration:
    known: dict[str, Any] = {"assistant_id": None, "language": None, "core_target": None, "nlu_target": None, **more}
    return GraphModelConfiguration(GraphSchema(dict(nodes)), GraphSchema(dict(predict or {})), TrainingType.BOTH, **known)


def changed(node: SchemaNode, **config: Any) -> SchemaNode:
    """The node with other settings."""
    return replace(node, config={**node.config, **config})


@dataclass(frozen=True)
class Trained:
    """What a training came to, and what was heard of it."""

    metadata: ModelMetadata
    heard: Recorder
    archive: Path

    @property
    def ran(self) -> list[str]:
        return sorted(self.heard.ran)

    @property
    def statuses(self) -> dict[str, str]:
        return self.heard.statuses


class Lab:
    """A folder with code, a cache, and a place for models; trainings of it by one kind of runner."""

    node, target = staticmethod(node), staticmethod(target)
    configured, changed = staticmethod(configured), staticmethod(changed)

    def __init__(self, folder: Path, runner: type[GraphRunner], cache: Path | None = None) -> None:
        self.folder = folder
        self.runner = runner
        self.cache_folder = cache or folder / "cache"
        self.code = folder / "code"
        self.heard = Recorder()
        self.options: dict[str, Any] = {}
        self._made = 0
        self.write("parts.py", PARTS.replace("\nfrom tools", f"{IMPORTER}\nfrom tools"))
        self.write("tools.py", TOOLS)

    def write(self, name: str, text: str) -> Path:
        """A file of the project's code, as an editor leaves it."""
        path = self.code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        importlib.invalidate_caches()
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.code / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def use(self) -> None:
        """Import from this project from now on."""
        forget_modules()
        sys.path.insert(0, str(self.code))

    @property
    def cache(self) -> LocalTrainingCache:
        return LocalTrainingCache(self.cache_folder)

    def storage(self) -> LocalModelStorage:
        """A new, empty model storage."""
        self._made += 1
        return LocalModelStorage.create(self.folder / "storages" / str(self._made))

    def number(self, value: int, name: str = "number.txt") -> Path:
        path = self.folder / name
        path.write_text(str(value))
        return path

    def reader(self, name: str = "number.txt", **more: Any) -> SchemaNode:
        """An input node that reads the file which `number` writes."""
        return node("Read", config={"file": str(self.folder / name), "log": str(self.folder / f"{name}.log")}, is_input=True, **more)

    def reads(self, name: str = "number.txt") -> int:
        """How often the file was read."""
        log = self.folder / f"{name}.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def trainer(self, **options: Any) -> GraphTrainer:
        self.heard = Recorder()
        known: dict[str, Any] = {"listen": self.heard, "jobs": 2, **self.options, **options}
        return GraphTrainer(known.pop("storage", None) or self.storage(), known.pop("cache", None) or self.cache, self.runner, **known)

    def train(
        self, nodes: Mapping[str, SchemaNode], *, importer: Any = None, archive: str = "model.tar.gz", force: bool = False, finetune: bool = False,
        configuration: GraphModelConfiguration | None = None, **options: Any,
    ) -> Trained:  # fmt: skip
        """One training; whatever it raises passes through, and `heard` is what happened until then."""
        trainer = self.trainer(**options)
        path = self.folder / "models" / archive
        metadata = trainer.train(configuration or configured(nodes), importer or TrainingFileImporter(), path, force, finetune)
        return Trained(metadata, self.heard, path)

    def fingerprint(self, nodes: Mapping[str, SchemaNode], *, importer: Any = None, finetune: bool = False, **options: Any) -> dict[str, Any]:
        return self.trainer(**options).fingerprint(GraphSchema(dict(nodes)), importer or TrainingFileImporter(), finetune)


def forget_modules(names: Sequence[str] = ("parts", "tools", "other", "layered", "shade")) -> None:
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(params=[InlineRunner, ProcessPoolRunner], ids=["inline", "pool"])
def runner(request: pytest.FixtureRequest) -> type[GraphRunner]:
    return request.param


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Any]:
    """Makes labs; what they import is forgotten after the test."""
    path = list(sys.path)

    def make(runner: type[GraphRunner], name: str = "lab", cache: Path | None = None) -> Lab:
        return Lab(tmp_path / name, runner, cache)

    yield make
    sys.path[:] = path
    forget_modules()


@pytest.fixture
def lab(make_lab: Any, runner: type[GraphRunner]) -> Lab:
    made: Lab = make_lab(runner)
    made.use()
    return made


@pytest.fixture
def inline_lab(make_lab: Any) -> Lab:
    """For what does not depend on who runs nodes."""
    made: Lab = make_lab(InlineRunner)
    made.use()
    return made
