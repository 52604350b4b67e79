"""Small pipelines without graphs: each component is created, trained and loaded as a graph would do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from buildgraph.component import ExecutionContext, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.storage import LocalModelStorage

CONTEXT = ExecutionContext(GraphSchema({}))
INTENTS = {
    "greet": ["hello", "good morning", "hi there", "hey you", "hello my friend"],
    "leave": ["bye", "good bye", "see you later", "bye bye", "see you tomorrow"],
    "order": ["two pizzas please", "i want a pizza", "bring me 3 pizzas", "a large pizza", "one pizza for me"],
}


class Pipeline:
    """Trains components one after another on one set of examples, and predicts with what was loaded again."""

    def __init__(self, storage: LocalModelStorage, data: TrainingData) -> None:
        self.storage = storage
        self.data = data
        self.loaded: list[Any] = []

    def add(self, used: type[Any], **config: Any) -> Any:
        """Train `used`, load it anew, and let it process the examples if it is one that does; the loaded component."""
        resource = Resource(f"{len(self.loaded)}_{used.__name__}")
        component = used.create(config, self.storage, resource, CONTEXT)
        if hasattr(component, "train"):
            resource = component.train(self.data)
        found = used.load(config, self.storage, resource, CONTEXT)
        if hasattr(found, "process_training_data"):
            found.process_training_data(self.data)
        self.loaded.append(found)
        return found

    def predict(self, *texts: str) -> list[Message]:
        messages = [Message.build(text) for text in texts]
        for component in self.loaded:
            messages = component.process(messages)
        return messages

    def files(self, number: int = -1) -> dict[str, bytes]:
        """What the component `number` persisted."""
        name = sorted(self.storage.names(), key=lambda each: int(each.partition("_")[0]))[number]
        return {path.name: path.read_bytes() for path in sorted(self.storage.folder(name).iterdir())}


@pytest.fixture
def examples() -> TrainingData:
    return TrainingData([Message.build(text, intent) for intent, texts in INTENTS.items() for text in texts])


@pytest.fixture
def pipeline(tmp_path: Path, examples: TrainingData) -> Pipeline:
    return Pipeline(LocalModelStorage(tmp_path / "model"), examples)


@pytest.fixture
def pipeline_of(tmp_path: Path) -> Callable[[TrainingData], Pipeline]:
    """A pipeline on other examples, in a storage of its own."""
    made = 0

    def make(data: TrainingData) -> Pipeline:
        nonlocal made
        made += 1
        return Pipeline(LocalModelStorage(tmp_path / f"model-{made}"), data)

    return make
