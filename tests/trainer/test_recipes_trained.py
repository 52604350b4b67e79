"""What the default recipe makes of a configuration is trained and answers: understanding and dialogues, with components of one's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.configuration import TrainingType
from buildgraph.trainer.graph_trainer import GraphTrainer
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.loader import load_predict_graph_runner
from buildgraph.trainer.metadata import ModelMetadata
from buildgraph.trainer.recipes import DefaultV1Recipe
from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner
from buildgraph.trainer.storage import LocalModelStorage

PARTS = '''
import json
from typing import Any
from buildgraph.component import GraphComponent
from buildgraph.schema import Resource
from buildgraph.trainer.data import Message, Token, TrainingData
from buildgraph.trainer.dialogue import PolicyPrediction
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.recipes import ComponentType, DefaultV1Recipe
from buildgraph.trainer.stories import StoryGraph

class Learner(GraphComponent):
    def __init__(self, config, storage, resource, known):
        self.config, self.storage, self.resource, self.known = config, storage, resource, known

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config, model_storage, resource, {})

    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, json.loads((folder / "known.json").read_text()))

    def keep(self) -> Resource:
        with self.storage.write_to(self.resource) as folder:
            (folder / "known.json").write_text(json.dumps(self.known, sort_keys=True))
        return self.resource

@DefaultV1Recipe.register(ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class Letters(GraphComponent):
    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            message.set("tokens", [Token(each, at, at + 1) for at, each in enumerate(message.get("text"))])
        return messages

class First(Learner):
    """Knows an intent by the first letter of its examples."""

    def train(self, training_data: TrainingData) -> Resource:
        self.known = {each.get("tokens")[0].text: each.get("intent") for each in training_data.intent_examples}
        return self.keep()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            intent = self.known.get(message.get("tokens")[0].text, self.config.get("otherwise"))
            message.set("intent", {"name": intent, "confidence": 1.0}, True)
        return messages

@DefaultV1Recipe.register(ComponentType.POLICY_WITH_END_TO_END_SUPPORT, is_trainable=True)
class Follow(Learner):
    """Does what followed in a story; to a text what its length reminds of."""

    def train(self, training_trackers: StoryGraph, domain: Domain, precomputations: TrainingData | None = None) -> Resource:
        for story in training_trackers.stories:
            for one, next_one in zip(story.steps, story.steps[1:]):
                self.known[one.name or "text"] = next_one.name
        self.known["letters"] = sum(len(each.get("tokens")) for each in precomputations.training_examples) if precomputations else 0
        return self.keep()

    def predict_action_probabilities(self, tracker: Any, domain: Domain, precomputations: list[Message] | None = None) -> PolicyPrediction:
        chosen = self.known.get(tracker.get("intent", "text"))
        events = [{"letters": self.known["letters"], "said": len(precomputations[0].get("tokens")) if precomputations else 0}]
        return PolicyPrediction([float(each == chosen) for each in domain.action_names], "Follow", events=events)
'''
PROJECT = {
    "data/nlu.yml": "nlu:\n- intent: greet\n  examples: |\n    - hello\n    - hi\n- intent: leave\n  examples: |\n    - bye\n    - bye bye\n",
    "data/stories.yml": "stories:\n- story: a\n  steps:\n  - intent: greet\n  - action: utter_hi\n",
    "domain.yml": "intents: [greet, leave]\nresponses:\n  utter_hi:\n  - text: hi\n",
}
PIPELINE = [{"name": "first_parts.Letters"}, {"name": "first_parts.First"}]
POLICIES = [{"name": "first_parts.Follow"}]


@pytest.fixture(params=[InlineRunner, ProcessPoolRunner], ids=["inline", "pool"])
def train(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelMetadata]:
    """Trains a configuration that names components of a user's own module."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "first_parts.py").write_text(PARTS)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    cache = LocalTrainingCache(tmp_path / "cache", environment={})

    def run(importer: TrainingFileImporter, archive: str, kind: TrainingType = TrainingType.BOTH, **config: Any) -> ModelMetadata:
        made = DefaultV1Recipe().graph_config_for_recipe({"assistant_id": "a", **config}, {}, kind)
        storage = LocalModelStorage.create(tmp_path / f"storage of {archive}")
        return GraphTrainer(storage, cache, request.param).train(made, importer, tmp_path / archive)

    yield run
    sys.modules.pop("first_parts", None)


def changes(first: ModelMetadata, second: ModelMetadata) -> set[str]:
    """The nodes that had to run for the second training and not for the first."""
    return {name for name in second.lineage if second.lineage[name]["fingerprint"] != first.lineage.get(name, {}).get("fingerprint")}


def runner(tmp_path: Path, archive: str) -> tuple[ModelMetadata, Any]:
    return load_predict_graph_runner(tmp_path / f"loaded {archive}", tmp_path / archive, LocalModelStorage, InlineRunner)


def test_understanding_and_dialogue_are_trained_and_answer(train: Any, project: Any, tmp_path: Path) -> None:
    train(project(PROJECT), "m.tar.gz", pipeline=PIPELINE, policies=POLICIES)
    metadata, made = runner(tmp_path, "m.tar.gz")
    found = made.run({"__message__": ["hey"], "__tracker__": {"intent": "greet"}}, [metadata.nlu_target, metadata.core_target])
    assert found[metadata.nlu_target][0].get("intent")["name"] == "greet"
    names = made.run({}, ["domain_provider"])["domain_provider"].action_names
    assert names[found[metadata.core_target].probabilities.index(1.0)] == "utter_hi"


def test_texts_in_stories_reach_policies_as_the_pipeline_prepares_them(train: Any, project: Any, tmp_path: Path) -> None:
    stories = "stories:\n- story: a\n  steps:\n  - user: |\n      good day\n  - action: utter_hi\n"
    train(project({**PROJECT, "data/stories.yml": stories}), "m.tar.gz", TrainingType.END_TO_END, pipeline=PIPELINE, policies=POLICIES)
    metadata, made = runner(tmp_path, "m.tar.gz")
    tracker = {"latest_message": {"text": "hello you"}}
    prediction = made.run({"__tracker__": tracker}, [metadata.core_target])[metadata.core_target]
    assert prediction.events == [{"letters": len("good day"), "said": len("hello you")}]


def test_an_edit_runs_what_is_below_it(train: Any, project: Any) -> None:
    """A changed option one node, a changed story nothing of understanding, a changed answer nothing but what sees the domain."""
    whole = {"pipeline": PIPELINE, "policies": POLICIES}
    first = train(project(PROJECT), "1.tar.gz", **whole)
    option = train(project(PROJECT), "2.tar.gz", pipeline=[PIPELINE[0], {**PIPELINE[1], "otherwise": "leave"}], policies=POLICIES)
    assert changes(first, option) == {"train_First1"}
    story = train(project({**PROJECT, "data/stories.yml": PROJECT["data/stories.yml"].replace("greet", "leave")}, "story"), "3.tar.gz", **whole)
    assert changes(first, story) == {"training_tracker_provider", "train_Follow0"}
    answer = train(project({**PROJECT, "domain.yml": PROJECT["domain.yml"].replace("text: hi", "text: ho")}, "answer"), "4.tar.gz", **whole)
    assert changes(first, answer) == {"train_Follow0"}
    example = train(project({**PROJECT, "data/nlu.yml": PROJECT["data/nlu.yml"].replace("hello", "hallo")}, "example"), "5.tar.gz", **whole)
    assert changes(first, example) == {"run_Letters0", "train_First1"}


def test_the_same_training_in_another_folder_is_the_same_model(train: Any, project: Any, tmp_path: Path) -> None:
    train(project(PROJECT), "1.tar.gz", pipeline=PIPELINE, policies=POLICIES)
    train(project(PROJECT, "elsewhere"), "2.tar.gz", policies=POLICIES, pipeline=PIPELINE)
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes()
