"""The train schema of `default.v1`: data comes in, runs through the pipeline, and each part that learns is a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.recipes.registry import PREPROCESSORS, ComponentType
from buildgraph.trainer.recipes.steps import Step
from buildgraph.trainer.recipes.wiring import IMPORTER, NODE_OF, Nodes

PROVIDERS: Final = "buildgraph.trainer.providers"
DIALOGUE: Final = "buildgraph.trainer.dialogue"
CONVERTER: Final = "story_to_nlu_training_data_converter"
THREADED: Final = ("MitieEntityExtractor", "MitieIntentClassifier", "SklearnIntentClassifier")  # these take num_threads
EPOCHS, FRACTION = "epochs", "finetuning_epoch_fraction"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a model is made of, with the values of the command line that count."""

    pipeline: Sequence[Step]
    policies: Sequence[Step]
    language: str | None
    parameters: Mapping[str, Any]
    end_to_end: bool
    is_finetuning: bool

    @property
    def constructor(self) -> str:
        """How what learns is made: anew, or from what was learnt before."""
        return "load" if self.is_finetuning else "create"

    def chosen(self, *names: str) -> dict[str, Any]:
        """The parameters of these names that have a value."""
        return {name: self.parameters[name] for name in names if self.parameters.get(name) is not None}


def train_schema(parts: Parts) -> GraphSchema:
    """Validators, providers of data, the pipeline, the policies. Raises InvalidConfigException (BG500, BG542)."""
    graph = Nodes(_data_nodes(parts))
    checks = {"validate_core": bool(parts.policies), "validate_nlu": bool(parts.pipeline)}
    graph.add("schema_validator", _input("buildgraph.trainer.schema_validator:SchemaValidator", "validate", {"importer": IMPORTER}))
    graph.add("finetuning_validator", _input("buildgraph.trainer.finetuning:FinetuningValidator", "validate", {"importer": "schema_validator"}, checks))
    preprocessors = _add_pipeline(graph, parts) if parts.pipeline else []
    if parts.policies:
        _add_policies(graph, parts, preprocessors)
    return GraphSchema(graph.nodes)


def _input(uses: str, fn: str, needs: Mapping[str, str], config: Mapping[str, Any] | None = None, *, is_target: bool = False) -> SchemaNode:
    return SchemaNode(needs, uses, "create", fn, config or {}, is_target=is_target, is_input=True)


def _data_nodes(parts: Parts) -> dict[str, SchemaNode]:
    """The nodes that supply data, each of which comes in when it is needed."""
    importer = {"importer": "finetuning_validator"}
    persist = bool(parts.parameters.get("persist_nlu_training_data"))
    options: dict[str, Any] = {"language": parts.language} if parts.language else {}
    if persist:
        options["persist"] = True
    return {
        "nlu_training_data_provider": _input(f"{PROVIDERS}:NLUTrainingDataProvider", "provide", importer, options, is_target=persist),
        "domain_provider": _input(f"{PROVIDERS}:DomainProvider", "provide_train", importer, is_target=True),
        "stories_provider": _input(f"{PROVIDERS}:StoriesProvider", "provide", importer, parts.chosen("exclusion_percentage")),
        "training_tracker_provider": SchemaNode(
            {"story_graph": "stories_provider"}, f"{DIALOGUE}:TrainingTrackerProvider", "create", "provide",
            parts.chosen("augmentation_factor", "debug_plots"),
        ),
    }  # fmt: skip


def _add_pipeline(graph: Nodes, parts: Parts) -> list[str]:
    """Adds the nodes of the pipeline; the names of those that prepare messages, in their order."""
    last = graph.demand("nlu_training_data_provider")
    preprocessors = []
    for step in parts.pipeline:
        component = step.component
        if ComponentType.MODEL_LOADER in component.types:
            needs = graph.needs(component, "provide", {})
            graph.models[component.name] = graph.add(f"provide_{step.name}", SchemaNode(needs, component.uses, "create", "provide", step.config))
        trained = {}
        if component.is_trainable:
            needs = graph.needs(component, "train", {"training_data": last})
            config = _config(step, parts)
            trained["resource"] = graph.add(f"train_{step.name}", SchemaNode(needs, component.uses, parts.constructor, "train", config, is_target=True))
        if step.is_any(PREPROCESSORS):
            needs = {**graph.needs(component, "process_training_data", {"training_data": last}), **trained}
            last = graph.add(f"run_{step.name}", SchemaNode(needs, component.uses, "load", "process_training_data", step.config))
            preprocessors.append(last)
    return preprocessors


def _add_policies(graph: Nodes, parts: Parts, preprocessors: Sequence[str]) -> None:
    graph.demand("domain_provider")
    texts = ""
    if parts.end_to_end:
        nodes = _end_to_end_nodes(graph, preprocessors)
        graph.on_demand.update(nodes)
        texts = list(nodes)[-1]
    for step in parts.policies:
        learns_texts = texts and ComponentType.POLICY_WITH_END_TO_END_SUPPORT in step.component.types
        node_of = {**NODE_OF, "precomputations": texts} if learns_texts else NODE_OF
        needs = graph.needs(step.component, "train", {}, node_of)
        node = SchemaNode(needs, step.component.uses, parts.constructor, "train", _config(step, parts), is_target=True)
        graph.add(f"train_{step.name}", node)


def _end_to_end_nodes(graph: Nodes, preprocessors: Sequence[str]) -> dict[str, SchemaNode]:
    """The way of the texts in stories through what prepares messages, the pipeline's nodes again; the last one is its end."""
    needs = {"story_graph": "stories_provider"}
    last = CONVERTER
    nodes = {last: SchemaNode(needs, f"{DIALOGUE}:StoryTextConverter", "create", "convert_for_training", {})}
    for name in preprocessors:
        node = graph.nodes[name]
        nodes[f"e2e_{name}"] = replace(node, needs={**node.needs, "training_data": last})
        last = f"e2e_{name}"
    return nodes


def _config(step: Step, parts: Parts) -> dict[str, Any]:
    """What the user wrote for a component that learns, and over it the parameters that are meant for it."""
    config = dict(step.config)
    if step.component.name in THREADED:
        config.update(parts.chosen("num_threads"))
    if parts.is_finetuning:
        defaults = step.component.clazz().get_default_config()  # type: ignore[attr-defined]  # a component, as was checked
        if EPOCHS in defaults:
            fraction = _fraction(parts.parameters.get(FRACTION))
            config[EPOCHS] = ceil(config.get(EPOCHS, defaults[EPOCHS]) * fraction)
            config[FRACTION] = fraction
    return config


def _fraction(value: Any) -> float:
    """Which part of the epochs a fine-tuning takes; None: all. Raises InvalidConfigException (BG500)."""
    fraction = 1.0 if value is None else float(value)
    if not fraction > 0:
        raise InvalidConfigException(
            f"the fraction of epochs is {fraction:g}", where=FRACTION, why="a fine-tuning takes some part of the epochs of a whole training",
            fix="give a number above 0, such as 0.2",
        )  # fmt: skip
    return fraction
