"""Who runs the nodes of a graph: this process with live objects, or a pool of worker processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from buildgraph.component import ExecutionContext
from buildgraph.errors import nearest
from buildgraph.execution.runner import Runner
from buildgraph.graph import order
from buildgraph.schema import GraphSchema
from buildgraph.session import worker_environment
from buildgraph.trainer.checks import check_circles
from buildgraph.trainer.errors import GraphRunError
from buildgraph.trainer.hooks import GraphNodeHook
from buildgraph.trainer.node import GraphNode
from buildgraph.trainer.storage import LocalModelStorage


class GraphRunner(ABC):
    """Runs a graph. A trainer uses `execution`, which runs single actions for the engine's scheduler."""

    @classmethod
    @abstractmethod
    def create(
        cls, graph_schema: GraphSchema, model_storage: LocalModelStorage, execution_context: ExecutionContext, hooks: Sequence[GraphNodeHook] | None = None
    ) -> GraphRunner:
        """A runner of `graph_schema`; eager components are constructed now. Raises GraphRunError for a graph with a circle."""

    @abstractmethod
    def run(self, inputs: Mapping[str, Any] | None = None, targets: Sequence[str] | None = None) -> dict[str, Any]:
        """The values of `targets` (default: the schema's), by name. `inputs` fill placeholders.

        Raises GraphRunError for inputs and targets that cannot be, and what a component raises (GraphComponentException).
        """

    @classmethod
    def execution(cls, root: str, own: Sequence[str], jobs: int) -> Runner:  # noqa: ARG003 - the signature is the contract
        """The engine's runner of single actions, in the folder `root`; `own` are the folders with people's own modules."""
        raise GraphRunError(
            f"'{cls.__qualname__}' cannot execute single actions", code="BG505", why="a trainer's scheduler decides what runs, and when",
            fix="use InlineRunner or ProcessPoolRunner, or define `execution`",
        )  # fmt: skip


class InlineRunner(GraphRunner):
    """Runs everything in this process: a run with live objects, for prediction and for debuggers."""

    def __init__(self, schema: GraphSchema, nodes: Mapping[str, GraphNode]) -> None:
        self._schema = schema
        self._nodes = nodes

    @classmethod
    def create(
        cls, graph_schema: GraphSchema, model_storage: LocalModelStorage, execution_context: ExecutionContext, hooks: Sequence[GraphNodeHook] | None = None
    ) -> InlineRunner:
        check_circles(graph_schema, GraphRunError)
        nodes = {
            name: GraphNode.from_schema_node(name, node, model_storage, execution_context, hooks) for name, node in graph_schema.nodes.items()
        }
        return cls(graph_schema, nodes)

    def run(self, inputs: Mapping[str, Any] | None = None, targets: Sequence[str] | None = None) -> dict[str, Any]:
        """One node after another, in an order that their needs allow; a value goes when nobody needs it any more."""
        minimal = checked(self._schema, inputs or {}, targets)
        wanted = list(targets or ()) or self._schema.target_names
        needs = {name: list(dict.fromkeys(node.needs.values())) for name, node in minimal.nodes.items()}
        users = dict.fromkeys((each for parents in needs.values() for each in parents), 0)
        for parents in needs.values():
            for each in parents:
                users[each] += 1
        known: dict[str, Any] = dict(inputs or {})
        for name in order(needs):
            _, known[name] = self._nodes[name](*((parent, known[parent]) for parent in needs[name] if parent in known))
            for parent in needs[name]:
                users[parent] -= 1
                if not users[parent] and parent not in wanted:
                    known.pop(parent, None)
        return {name: known[name] for name in wanted}

    @classmethod
    def execution(cls, root: str, own: Sequence[str], jobs: int) -> Runner:  # noqa: ARG003 - there is one process
        from buildgraph.execution.inline import InlineRunner as Inline
        from buildgraph.execution.worker import InlineWork

        work = InlineWork(root, worker_environment(), own)
        return Inline(work, forget=work.forget)


class ProcessPoolRunner(GraphRunner):
    """Runs nodes in worker processes, independent ones at the same time. Values between nodes need a codec."""

    def __init__(
        self, schema: GraphSchema, storage: LocalModelStorage, context: ExecutionContext, hooks: Sequence[GraphNodeHook] | None
    ) -> None:
        self._schema = schema
        self._storage = storage
        self._context = context
        self._hooks = tuple(hooks or ())

    @classmethod
    def create(
        cls, graph_schema: GraphSchema, model_storage: LocalModelStorage, execution_context: ExecutionContext, hooks: Sequence[GraphNodeHook] | None = None
    ) -> ProcessPoolRunner:
        check_circles(graph_schema, GraphRunError)
        return cls(graph_schema, model_storage, execution_context, hooks)

    def run(self, inputs: Mapping[str, Any] | None = None, targets: Sequence[str] | None = None) -> dict[str, Any]:
        """As the base class says. What components persist is in the model storage afterwards; nothing is cached."""
        from buildgraph.trainer.running import execute, restore, value_of
        from buildgraph.trainer.session import Run

        checked(self._schema, inputs or {}, targets)
        wanted = list(targets or ()) or self._schema.target_names
        folder = tempfile.mkdtemp(prefix="buildgraph-run-")
        try:
            schema = GraphSchema({name: _as_target(node, name in wanted) for name, node in self._schema.nodes.items()})
            run = Run(schema, inputs or {}, self._storage, self._context)
            with execute(run, wanted, self.execution, os.path.join(folder, "store"), os.path.join(folder, "ledger"), folder, hooks=self._hooks) as done:
                for resource, output in done.resources().items():
                    restore(done.store, output, self._storage, resource)
                return {name: value_of(done, name, self._storage) for name in wanted}
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def execution(cls, root: str, own: Sequence[str], jobs: int) -> Runner:
        from buildgraph.execution.on_demand import OnDemand
        from buildgraph.execution.pool import ProcessPool

        return OnDemand(ProcessPool(jobs, root=root, environment=worker_environment(), path=own))


def _as_target(node: Any, is_target: bool) -> Any:
    from dataclasses import replace

    return node if node.is_target == is_target else replace(node, is_target=is_target)


def checked(schema: GraphSchema, inputs: Mapping[str, Any], targets: Sequence[str] | None) -> GraphSchema:
    """The part of `schema` that a run needs. Raises GraphRunError for inputs and targets that cannot be."""
    for name, value in inputs.items():
        if name in schema.nodes:
            raise GraphRunError(
                f"the input '{name}' is called like a node", code="BG506", why="a name means one thing: a node, or a value from outside", fix="rename one of them"
            )
        if isinstance(value, str) and value in schema.nodes:
            raise GraphRunError(
                f"the input '{name}' has the value '{value}', which is the name of a node", code="BG506",
                why="such a value is nearly always a mistake for the node itself", fix=f"need the node '{value}' instead, or wrap the text",
            )  # fmt: skip
    for name in targets or ():
        if name not in schema.nodes:
            raise GraphRunError(
                f"there is no node '{name}' to run", code="BG507", why="a target is a node of the schema", fix=nearest(name, schema.nodes) or "correct the name"
            )
    if not schema.nodes or not (targets or schema.target_names):
        return GraphSchema({})
    minimal = schema.minimal_graph_schema(targets)
    for name, node in minimal.nodes.items():
        for parameter, parent in node.needs.items():
            if parent not in schema.nodes and parent not in inputs:
                raise GraphRunError(
                    f"node '{name}' needs '{parent}' for its parameter '{parameter}', and nobody gave it", code="BG504",
                    why="whatever a node needs is another node or an input of the run", fix=nearest(parent, [*schema.nodes, *inputs]) or f"give '{parent}' among the inputs",
                )  # fmt: skip
    return minimal


