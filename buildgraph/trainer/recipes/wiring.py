"""Which node fills which parameter: what a component's method asks for by name comes from the node of that name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from buildgraph.schema import SchemaNode
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.recipes.registry import RegisteredComponent

IMPORTER, MESSAGE, TRACKER = PLACEHOLDERS = ("__importer__", "__message__", "__tracker__")
RESERVED: Final = ("config", "model_storage", "resource", "execution_context")  # what constructors are given by the runner

# A parameter `x` is filled by the node `x_provider`, but for these.
NODE_OF: Final = {
    "tracker": TRACKER,
    "training_trackers": "training_tracker_provider",
    "training_data": "nlu_training_data_provider",
    "story_graph": "stories_provider",
}


class Nodes:
    """The nodes of a graph while it is put together. `on_demand` are nodes that come in when something needs them."""

    def __init__(self, on_demand: Mapping[str, SchemaNode]) -> None:
        self.nodes: dict[str, SchemaNode] = {}
        self.models: dict[str, str] = {}  # name of a model loader -> its node
        self.on_demand = dict(on_demand)

    def add(self, name: str, node: SchemaNode) -> str:
        """Puts in the node, after what it needs of the nodes on demand; its name."""
        for parent in node.needs.values():
            self._pull(parent)
        self.nodes[name] = node
        return name

    def demand(self, name: str) -> str:
        """Puts in a node on demand, if it is not there yet; its name."""
        self._pull(name)
        return name

    def needs(self, component: RegisteredComponent, method: str, given: Mapping[str, str], node_of: Mapping[str, str] = NODE_OF) -> dict[str, str]:
        """What the `method` of a component needs: `given`, and for other parameters what their names say.

        Raises InvalidConfigException (BG542) for a required parameter that no node fills.
        """
        if isinstance(component.uses, str):  # shipped, not imported: these take what is given and nothing else
            return dict(given)
        parameters = inspect.signature(getattr(component.uses, method)).parameters.values()
        named = [each for each in parameters if each.name != "self" and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
        needs = dict(given) if takes_any else {}
        for each in named:
            node = given.get(each.name) or self._filling(each.name, component, node_of)
            if node is not None:
                needs[each.name] = node
            elif each.default is each.empty and each.name not in RESERVED:
                raise self._unfilled(component, method, each)
        return needs

    def _filling(self, parameter: str, component: RegisteredComponent, node_of: Mapping[str, str]) -> str | None:
        """The node that fills a parameter by its name; None when there is none."""
        if parameter in RESERVED:
            return None
        if parameter == "model" and component.model_from is not None:
            return self.models.get(component.model_from)
        node = node_of.get(parameter, f"{parameter}_provider")
        return node if node in PLACEHOLDERS or node in self.nodes or node in self.on_demand else None

    def _pull(self, name: str) -> None:
        if name in self.on_demand and name not in self.nodes:
            self.add(name, self.on_demand[name])

    def _unfilled(self, component: RegisteredComponent, method: str, parameter: inspect.Parameter) -> InvalidConfigException:
        known: dict[str, Any] = {**self.nodes, **self.on_demand}
        providers = sorted(name.removesuffix("_provider") for name in known if name.endswith("_provider"))
        if parameter.name == "model" and component.model_from:
            why, fix = f"it takes the model of '{component.model_from}'", f"put '{component.model_from}' before it in the pipeline"
        else:
            why = "a parameter 'x' is filled by the node 'x_provider'"
            fix = f"give the parameter a default, or one of the names {', '.join(providers)}"
        return InvalidConfigException(
            f"nothing fills the parameter '{parameter.name}' of '{component.name}.{method}'", code="BG542", where=f"{component.name}.{method}", why=why, fix=fix,
        )  # fmt: skip
