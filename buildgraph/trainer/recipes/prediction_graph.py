"""The predict schema of `default.v1`: a message comes in and runs through all that the pipeline learnt; then policies choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.trainer.recipes.registry import PREDICTORS, PREPROCESSORS, ComponentType
from buildgraph.trainer.recipes.steps import Step
from buildgraph.trainer.recipes.training_graph import CONVERTER, DIALOGUE, PROVIDERS, Parts
from buildgraph.trainer.recipes.wiring import MESSAGE, NODE_OF, TRACKER, Nodes

NLU_TARGET: Final = "run_RegexMessageHandler"
CORE_TARGET: Final = "select_prediction"


def predict_schema(parts: Parts, trained: GraphSchema) -> GraphSchema:
    """The graph that answers, on what the nodes of the train schema learnt. Raises InvalidConfigException (BG542)."""
    on_demand = {}
    if "domain_provider" in trained.nodes:
        on_demand["domain_provider"] = _eager({}, f"{PROVIDERS}:DomainProvider", "provide_inference", {}, "domain_provider")
    graph = Nodes(on_demand)
    last = graph.add("nlu_message_converter", _eager({"messages": MESSAGE}, f"{PROVIDERS}:NLUMessageConverter", "convert_user_message", {}))
    preprocessors = []
    for step in parts.pipeline:
        if ComponentType.MODEL_LOADER in step.component.types:
            node = _eager(graph.needs(step.component, "provide", {}), step.component.uses, "provide", step.config)
            graph.models[step.component.name] = graph.add(f"provide_{step.name}", node)
        if step.is_any(PREPROCESSORS | PREDICTORS):
            last = graph.add(f"run_{step.name}", _of_step(graph, step, trained, "process", {"messages": last}, NODE_OF))
        if step.is_any(PREPROCESSORS):
            preprocessors.append(last)
    needs = {"messages": last}
    if parts.policies:
        needs["domain"] = "domain_provider"
    graph.add(NLU_TARGET, _eager(needs, f"{PROVIDERS}:RegexMessageHandler", "process", {}))
    if parts.policies:
        _add_policies(graph, parts, trained, preprocessors)
    return GraphSchema(graph.nodes)


def _add_policies(graph: Nodes, parts: Parts, trained: GraphSchema, preprocessors: Sequence[str]) -> None:
    texts = ""
    if CONVERTER in trained.nodes:
        nodes = _end_to_end_nodes(graph, preprocessors)
        graph.on_demand.update(nodes)
        texts = list(nodes)[-1]
    chosen = {}
    for index, step in enumerate(parts.policies):
        learnt_texts = "precomputations" in trained.nodes[f"train_{step.name}"].needs
        node_of = {**NODE_OF, "precomputations": texts} if learnt_texts else NODE_OF
        chosen[f"policy{index}"] = graph.add(f"run_{step.name}", _of_step(graph, step, trained, "predict_action_probabilities", {}, node_of))
    needs = {**chosen, "domain": "domain_provider", "tracker": TRACKER}
    graph.add(CORE_TARGET, _eager(needs, f"{DIALOGUE}:PolicyPredictionEnsemble", "combine_predictions_from_kwargs", {}))


def _end_to_end_nodes(graph: Nodes, preprocessors: Sequence[str]) -> dict[str, SchemaNode]:
    """The way of what was said last through what prepares messages, the pipeline's nodes again; the last one is its end."""
    last = "tracker_to_message_converter"
    nodes = {last: _eager({"tracker": TRACKER}, f"{DIALOGUE}:StoryTextConverter", "convert_for_inference", {})}
    for name in preprocessors:
        node = graph.nodes[name]
        nodes[f"e2e_{name}"] = replace(node, needs={**node.needs, "messages": last})
        last = f"e2e_{name}"
    return nodes


def _of_step(graph: Nodes, step: Step, trained: GraphSchema, fn: str, given: Mapping[str, str], node_of: Mapping[str, str]) -> SchemaNode:
    """The node that applies a component: with the config and the resource of the node that trained it, if one did."""
    name = f"train_{step.name}"
    learnt = trained.nodes.get(name)
    config = step.config if learnt is None else learnt.config
    return _eager(graph.needs(step.component, fn, given, node_of), step.component.uses, fn, config, "" if learnt is None else name)


def _eager(needs: Mapping[str, str], uses: Any, fn: str, config: Mapping[str, Any], resource: str = "") -> SchemaNode:
    return SchemaNode(needs, uses, "load", fn, config, eager=True, resource=Resource(resource) if resource else None)
