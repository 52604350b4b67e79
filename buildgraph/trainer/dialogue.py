"""What policies of one's own need around them: stories to learn from, texts in stories, and one answer from several policies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from buildgraph.component import ExecutionContext, GraphComponent, ModelStorage
from buildgraph.schema import Resource
from buildgraph.trainer.data import TEXT, Message, TrainingData
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.stories import BOT, CHECKPOINT, USER, StoryGraph


@dataclass(frozen=True, slots=True)
class PolicyPrediction:
    """What a policy thinks should be done next: a probability for each action, in the order of `domain.action_names`."""

    probabilities: list[float]
    policy_name: str | None = None
    policy_priority: int = 1
    events: list[dict[str, Any]] | None = None

    @property
    def max_confidence(self) -> float:
        return max(self.probabilities, default=0.0)


class TrainingTrackerProvider(GraphComponent):
    """Hands on stories as policies learn from them: as a StoryGraph, there are no tracker objects.

    `augmentation_factor` n adds up to n stories for each story, by joining two of them; which two is always the same.
    """

    def __init__(self, factor: int, plots: bool) -> None:
        self._factor = factor
        if plots:
            warnings.warn("Stories are not plotted; 'debug_plots' does nothing.", UserWarning, stacklevel=3)

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> TrainingTrackerProvider:  # noqa: ARG003 - the signature is the contract
        return cls(int(config["augmentation_factor"] or 0), bool(config["debug_plots"]))

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"augmentation_factor": 0, "debug_plots": False}

    def provide(self, story_graph: StoryGraph) -> StoryGraph:
        whole = [each for each in story_graph.stories if not each.is_rule and all(step.kind != CHECKPOINT for step in each.walk())]
        joined = [
            replace(first, name=f"{first.name} + {second.name}", steps=first.steps + second.steps)
            for shift in range(1, min(self._factor + 1, len(whole)))
            for first, second in zip(whole, whole[shift:] + whole[:shift], strict=True)
        ]
        return StoryGraph.of([*story_graph.stories, *joined]) if joined else story_graph


class StoryTextConverter(GraphComponent):
    """Makes messages of what users and bots say in their own words, so that a pipeline can prepare them."""

    def convert_for_training(self, story_graph: StoryGraph) -> TrainingData:
        """Each text once, sorted."""
        texts = {step.text for story in story_graph.stories for step in story.walk() if step.kind in (USER, BOT) and step.text}
        return TrainingData([Message({TEXT: text}) for text in sorted(texts)])

    def convert_for_inference(self, tracker: Any) -> list[Message]:
        """What was said last, if that has a text: `tracker.latest_message.text`, of objects or dicts."""
        text = _part(_part(tracker, "latest_message"), TEXT)
        return [Message({TEXT: text})] if text else []


class PolicyPredictionEnsemble(GraphComponent):
    """Chooses among the predictions of policies."""

    def combine_predictions_from_kwargs(self, tracker: Any, domain: Domain, **kwargs: PolicyPrediction) -> PolicyPrediction:  # noqa: ARG002 - what ensembles of one's own may want
        """The most confident one; among equals the one of the highest priority, then of the first policy.

        Raises InvalidConfigException (BG500) when there is none.
        """
        if not kwargs:
            raise InvalidConfigException("no policy predicted anything", where="policies", why="one of their predictions is the answer", fix="list a policy below 'policies:'")
        ordered = [prediction for _, prediction in sorted(kwargs.items())]
        return max(ordered, key=lambda each: (each.max_confidence, each.policy_priority))


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
