"""What happens around a node: hooks of the user's, and the lines that a training writes to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from buildgraph.component import ExecutionContext, Files, Resource
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted
from buildgraph.events import Event, TargetBuilt, TargetCutOff, TargetHit, TargetStarted, TargetUpToDate
from buildgraph.execution.calling import merged_config
from buildgraph.execution.codecs import FOLDER_CODECS, RESOURCE, Source, codec_named
from buildgraph.execution.request import FOLDERS, Input, Outcome, Request, error_as_data
from buildgraph.execution.runner import Finished, Runner
from buildgraph.schema import GraphSchema
from buildgraph.trainer.errors import GraphComponentException


class GraphNodeHook(Protocol):
    """Called before and after a node runs; what the first call returns is handed to the second.

    `received_inputs` is keyed by parameter. In a trainer, hooks see nodes that run, not those that are found.
    """

    def on_before_node(
        self, node_name: str, execution_context: ExecutionContext, config: dict[str, Any], received_inputs: Mapping[str, Any]
    ) -> dict[str, Any]: ...

    def on_after_node(
        self, node_name: str, execution_context: ExecutionContext, config: dict[str, Any], output: Any, input_hook_data: dict[str, Any]
    ) -> None: ...


def hook_failed(name: str, hook: object, error: Exception) -> GraphComponentException:
    """The error for a hook that raised."""
    failed = GraphComponentException(
        f"the hook {type(hook).__qualname__} raised {type(error).__name__} at node '{name}': {error}", code="BG503",
        why="a hook belongs to the run of its node: what it raises fails the node", fix="correct the hook, or leave it out",
    )  # fmt: skip
    failed.__cause__ = error
    return failed


class _Asked(NamedTuple):
    request: Request
    config: dict[str, Any]
    data: list[dict[str, Any]]


class HookedRunner:
    """A Runner that calls hooks in this process, around actions that another runner executes."""

    def __init__(self, inner: Runner, hooks: Sequence[GraphNodeHook], context: ExecutionContext, place: Callable[[str], str], defaults: Callable[[str], Mapping[str, Any]]) -> None:
        """`place` gives the absolute path of a file that an input names, `defaults` the default config of an entry point."""
        self.slots = inner.slots
        self._inner = inner
        self._hooks = hooks
        self._context = context
        self._place = place
        self._defaults = defaults
        self._asked: dict[int, _Asked] = {}
        self._failed: list[Finished] = []

    def start(self) -> None:
        self._inner.start()

    def preload(self, modules: Sequence[str]) -> None:
        self._inner.preload(modules)

    def submit(self, ticket: int, request: bytes, *, timeout: float | None = None, kind: str = "") -> None:
        asked = Request.decode(request)
        config = merged_config(self._defaults(asked.entry_point), decode_trusted(asked.config))
        inputs = _Received([given for given in asked.inputs if given.kind != FOLDERS and not given.parameter.startswith("@")], self._place)
        data: list[dict[str, Any]] = []
        for hook in self._hooks:
            try:
                data.append(hook.on_before_node(asked.target, self._of(asked), config, inputs))
            except Exception as error:  # noqa: BLE001 - whatever a hook raises fails the node
                self._failed.append(_failure(ticket, hook_failed(asked.target, hook, error)))
                return
        self._asked[ticket] = _Asked(asked, config, data)
        self._inner.submit(ticket, request, timeout=timeout, kind=kind)

    def room(self) -> int:
        return self._inner.room()

    def wait(self) -> list[Finished]:
        if self._failed:
            failed, self._failed = self._failed, []
            return failed
        return [self._after(finished) for finished in self._inner.wait()]

    def recycle(self) -> None:
        self._inner.recycle()

    def stop(self, *, grace: float = 0.5) -> None:
        self._inner.stop(grace=grace)

    def _of(self, asked: Request) -> ExecutionContext:
        return replace(self._context, node_name=asked.target)

    def _after(self, finished: Finished) -> Finished:
        asked = self._asked.pop(finished.ticket)
        outcome = Outcome.decode(finished.outcome) if finished.outcome is not None else None
        if outcome is None or outcome.error is not None:
            return finished
        value = _value(outcome, asked.request.target)
        for hook, data in zip(self._hooks, asked.data, strict=True):
            try:
                hook.on_after_node(asked.request.target, self._of(asked.request), asked.config, value, data)
            except Exception as error:  # noqa: BLE001 - see above
                return _failure(finished.ticket, hook_failed(asked.request.target, hook, error))
        return finished


def _failure(ticket: int, error: GraphComponentException) -> Finished:
    return Finished(ticket, Outcome(error=error_as_data(error)).encode(), None)


class _Received(Mapping[str, Any]):
    """The inputs of a node, each decoded when a hook looks at it."""

    def __init__(self, given: Sequence[Input], place: Callable[[str], str]) -> None:
        self._given = {each.parameter: each for each in given}
        self._place = place

    def __getitem__(self, parameter: str) -> Any:
        given = self._given[parameter]
        kind, _, name = given.codec.partition(":")
        if kind == RESOURCE:
            return Resource(name, bytes(given.digest).hex())
        if kind in FOLDER_CODECS:
            return Files(given.path, tuple(given.paths), self._place(""))
        return codec_named(given.codec).read(Source(given.data, self._place(given.path) if given.path else "", Digest(given.digest)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def _value(outcome: Outcome, target: str) -> Any:
    """The output as a hook sees it: the value, a resource, or the paths of the files that were written."""
    kind, _, name = outcome.codec.partition(":")
    if outcome.files is not None:
        return Resource(name) if kind == RESOURCE else Files(target, tuple(file.entry.path for file in outcome.files), "")
    return codec_named(outcome.codec).read(Source(outcome.data, outcome.path, Digest(outcome.digest) if outcome.digest else None))


class TrainingLog:
    """A listener that writes the lines of a training to the log: what starts, ends, and is restored."""

    def __init__(self, schema: GraphSchema, logger: logging.Logger) -> None:
        """Only targets that are no inputs are spoken of."""
        self._shown = {name: node.entry_point.rpartition(":")[2] for name, node in schema.nodes.items() if node.is_target and not node.is_input}
        self._logger = logger

    def __call__(self, event: Event) -> None:
        component = self._shown.get(getattr(event, "target", ""))
        if component is None:
            return
        if isinstance(event, TargetStarted):
            self._logger.info("Starting to train component '%s' (node '%s': %s).", component, event.target, event.reason)
        elif isinstance(event, TargetBuilt):
            self._logger.info("Finished training component '%s' (%.2f s).", component, event.seconds)
        elif isinstance(event, TargetHit | TargetUpToDate | TargetCutOff):
            self._logger.info("Restored component '%s' from cache.", component)
