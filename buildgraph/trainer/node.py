"""A node of a graph that runs in this process with live objects: constructed once or for each call, hooks around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from buildgraph.component import ExecutionContext, ModelStorage, Resource
from buildgraph.errors import BuildgraphError, TargetError, UsageError
from buildgraph.execution.calling import Call, construct, invoke, merged_config
from buildgraph.schema import SchemaNode
from buildgraph.trainer.components import component_class
from buildgraph.trainer.errors import GraphComponentException, GraphRunError, InvalidConfigException
from buildgraph.trainer.hooks import GraphNodeHook, hook_failed


class GraphNode:
    """A component with what it needs to run; call it with (parent, value) pairs, and it returns (name, output).

    An eager node's component is constructed at once and kept; any other is constructed for each call, and its
    constructor may take inputs. The execution context is a snapshot of when the node was made.
    """

    def __init__(
        self, node_name: str, component_class: Any, constructor_name: str, component_config: dict[str, Any], fn_name: str, inputs: dict[str, str],
        eager: bool, model_storage: ModelStorage, resource: Resource | None, execution_context: ExecutionContext, hooks: Sequence[GraphNodeHook] | None = None,
    ) -> None:  # fmt: skip
        """Raises GraphComponentException when an eager component cannot be constructed."""
        self.name = node_name
        self.context = replace(execution_context, node_name=node_name)
        self._inputs = inputs
        self._hooks = list(hooks or ())
        self._class = component_class
        self._storage = model_storage
        defaults = component_class.get_default_config() if hasattr(component_class, "get_default_config") else {}
        self.config = merged_config(defaults, component_config)
        services: dict[str, Callable[[], Any]] = {"execution_context": lambda: self.context}
        where = f"{getattr(component_class, '__module__', '')}:{getattr(component_class, '__qualname__', repr(component_class))}"  # it may be no class
        self._call = Call(node_name, where, constructor_name, fn_name, eager, component_config, resource, services)
        self._method = self._guarded(lambda: construct(self._call, component_class, {}, model_storage)[0]) if eager else None

    @classmethod
    def from_schema_node(
        cls, node_name: str, schema_node: SchemaNode, model_storage: ModelStorage, execution_context: ExecutionContext,
        hooks: Sequence[GraphNodeHook] | None = None,
    ) -> GraphNode:  # fmt: skip
        return cls(
            node_name, component_class(schema_node, node_name), schema_node.constructor_name, dict(schema_node.config), schema_node.fn,
            dict(schema_node.needs), schema_node.eager, model_storage, schema_node.resource, execution_context, hooks,
        )  # fmt: skip

    def __call__(self, *inputs_from_previous_nodes: tuple[str, Any]) -> tuple[str, Any]:
        """Run the node. Raises GraphRunError for a missing input, GraphComponentException for what goes wrong in it."""
        given = dict(inputs_from_previous_nodes)
        received = {}
        for parameter, parent in self._inputs.items():
            if parent not in given:
                raise GraphRunError(
                    f"node '{self.name}' needs '{parent}' for its parameter '{parameter}', and nobody gave it", code="BG504",
                    why="whatever a node needs is another node or an input of the run", fix=f"give '{parent}' among the inputs of the run",
                )  # fmt: skip
            received[parameter] = given[parent]
        data = [self._hook(hook, lambda hook=hook: hook.on_before_node(self.name, self.context, self.config, received)) for hook in self._hooks]  # type: ignore[misc]  # a lambda with a default
        output = self._guarded(lambda: self._run(received))
        for hook, each in zip(self._hooks, data, strict=True):
            self._hook(hook, lambda hook=hook, each=each: hook.on_after_node(self.name, self.context, self.config, output, each))  # type: ignore[misc]  # see above
        return self.name, output

    def _run(self, received: dict[str, Any]) -> Any:
        if self._method is not None:
            return invoke(self._call, self._method, received)
        method, left = construct(self._call, self._class, received, self._storage)
        return invoke(self._call, method, left)

    def _hook(self, hook: GraphNodeHook, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:
            raise hook_failed(self.name, hook, error) from error

    def _guarded(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:
            raise component_failed(self.name, error) from error


def component_failed(name: str, error: Exception) -> BuildgraphError:
    """What to raise for an error of a component: configuration errors as they are, everything else as a component's."""
    if isinstance(error, InvalidConfigException | GraphComponentException):
        return error
    if isinstance(error, BuildgraphError):
        if not isinstance(error, UsageError | TargetError):
            return error
        headline = error.headline if name in error.headline else f"node '{name}': {error.headline}"
        fix = error.fix.partition("; `buildgraph log")[0]  # a training keeps no logs: what was printed last is among the facts
        return GraphComponentException(headline, code=error.code, where=error.where, facts=error.facts, why=error.why, fix=fix)
    return GraphComponentException(
        f"node '{name}' raised {type(error).__name__}: {error}", code="BG220", why="an exception in its code ends a target", fix="correct the component",
    )  # fmt: skip
