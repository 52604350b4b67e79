"""Components as a graph would use them: made of options, given messages, stored and loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from buildgraph.component import ExecutionContext, GraphComponent, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.data import Message, Token, TrainingData
from buildgraph.trainer.storage import LocalModelStorage

CONTEXT = ExecutionContext(GraphSchema({}))


class Desk:
    """One storage, and what is done with components on it."""

    def __init__(self, storage: LocalModelStorage) -> None:
        self.storage = storage

    def make(self, uses: type[GraphComponent], resource: str = "it", **config: Any) -> Any:
        return uses.create(config, self.storage, Resource(resource), CONTEXT)

    def train(self, uses: type[GraphComponent], data: TrainingData, resource: str = "it", **config: Any) -> Any:
        """The component as it is loaded again after its training."""
        assert self.make(uses, resource, **config).train(data) == Resource(resource)
        return self.load(uses, resource, **config)

    def load(self, uses: type[GraphComponent], resource: str = "it", **config: Any) -> Any:
        return uses.load(config, self.storage, Resource(resource), CONTEXT)

    def files(self) -> dict[str, bytes]:
        return {each.name: each.read_bytes() for each in sorted(self.storage.path.rglob("*")) if each.is_file()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(LocalModelStorage.create(tmp_path / "storage"))


@pytest.fixture
def message() -> Callable[..., Message]:
    """A message whose tokens are what stands between spaces."""

    def made(text: str, intent: str | None = None) -> Message:
        built = Message.build(text, intent)
        tokens, here = [], 0
        for word in text.split():
            start = text.index(word, here)
            here = start + len(word)
            tokens.append(Token(word, start, here))
        built.set("tokens", tokens)
        return built

    return made
