"""Pipelines that say intents: what they learn, that a loaded one says the same, equal bytes in every process, and refused settings."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")

from buildgraph.rules.nlu import COMPONENTS

from buildgraph.component import ExecutionContext, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.data import INTENT, INTENT_RANKING, TEXT, TOKENS, Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.storage import LocalModelStorage

CONTEXT = ExecutionContext(GraphSchema({}))
EXAMPLES = {
    "greet": ["hello", "hi there", "good morning", "hey you", "good evening"],
    "bye": ["goodbye", "see you later", "bye bye", "until tomorrow", "farewell then"],
    "order": ["I want a pizza", "bring me two pizzas", "a large pizza please", "order some pasta", "can I have soup"],
}
FEATURIZERS: list[tuple[str, dict[str, Any]]] = [
    ("WhitespaceTokenizer", {}), ("RegexFeaturizer", {}), ("LexicalSyntacticFeaturizer", {}), ("CountVectorsFeaturizer", {}),
    ("CountVectorsFeaturizer", {"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}),
]  # fmt: skip
LEARNERS = ("LogisticRegressionClassifier", "SklearnIntentClassifier")
TRAIN_IN_A_PROCESS = """
import sys
sys.path[:0] = [{here!r}]
from pathlib import Path
from test_pipeline import FEATURIZERS, LEARNERS, digests, trained
print(digests(trained(Path({folder!r}), [*FEATURIZERS, *((name, {{}}) for name in LEARNERS)])[0]))
"""


def data() -> TrainingData:
    messages = [Message.build(text, intent) for intent, texts in EXAMPLES.items() for text in texts]
    return TrainingData(messages, regex_features=[{"name": "number", "pattern": r"\d+"}])


def component(name: str) -> Any:
    module, _, attribute = COMPONENTS[name]["uses"].partition(":")
    return getattr(import_module(module), attribute)


def trained(folder: Path, pipeline: list[tuple[str, dict[str, Any]]], training_data: TrainingData | None = None) -> tuple[LocalModelStorage, list[Any]]:
    """A storage with what each component of `pipeline` learnt, and the components."""
    storage, found, examples = LocalModelStorage.create(folder), [], training_data or data()
    for place, (name, config) in enumerate(pipeline):
        one = component(name).create(config, storage, Resource(f"{place}_{name}"), CONTEXT)
        if COMPONENTS[name]["is_trainable"]:
            one.train(examples)
        if hasattr(one, "process_training_data"):
            examples = one.process_training_data(examples)
        found.append(one)
    return storage, found


def loaded(storage: LocalModelStorage, pipeline: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    return [component(name).load(config, storage, Resource(f"{place}_{name}"), CONTEXT) for place, (name, config) in enumerate(pipeline)]


def answers(components: list[Any], *texts: str) -> list[Message]:
    messages = [Message.build(text) for text in texts]
    for one in components:
        messages = one.process(messages)
    return messages


def digests(storage: LocalModelStorage) -> dict[str, str]:
    files = sorted(each for each in storage.path.rglob("*") if each.is_file())
    return {each.relative_to(storage.path).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_intents_of_the_examples_are_learnt_and_survive_loading(learner: str, tmp_path: Path) -> None:
    """A ranking begins with the intent itself; the loaded pipeline says exactly what the trained one says."""
    pipeline = [*FEATURIZERS, (learner, {})]
    storage, fresh = trained(tmp_path, pipeline)
    texts = [message.get(TEXT) for message in data().training_examples] + ["xyzzy", ""]
    before, after = answers(fresh, *texts), answers(loaded(storage, pipeline), *texts)
    assert [message.as_dict() for message in before] == [message.as_dict() for message in after]
    assert [message.get(INTENT)["name"] for message in after[:-2]] == [message.get(INTENT) for message in data().training_examples]
    for message in after[:-2]:
        ranking = message.get(INTENT_RANKING)
        assert ranking[0] == message.get(INTENT)
        assert sum(each["confidence"] for each in ranking) == pytest.approx(1)
    assert after[-1].get(INTENT) == {"name": None, "confidence": 0.0}


def test_every_process_writes_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order of its sets; other examples give other bytes."""
    said = []
    for seed in ("1", "77"):
        code = TRAIN_IN_A_PROCESS.format(here=str(Path(__file__).parent), folder=str(tmp_path / seed))
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
    assert "weights.npy" in said[0]
    other = TrainingData([*data().training_examples, Message.build("one more pizza", "order")])
    pipeline = [*FEATURIZERS, *((name, {}) for name in LEARNERS)]
    assert str(digests(trained(tmp_path / "other", pipeline, other)[0])) + "\n" != said[0]


def test_two_keywords_and_a_doubt(tmp_path: Path) -> None:
    """A keyword decides; without one the fallback does."""
    pipeline: list[tuple[str, dict[str, Any]]] = [("KeywordIntentClassifier", {"case_sensitive": False}), ("FallbackClassifier", {})]
    _, components = trained(tmp_path, pipeline)
    known, unknown = answers(components, "well, HELLO to you", "nothing of that")
    assert known.get(INTENT) == {"name": "greet", "confidence": 1.0}
    assert unknown.get(INTENT) == {"name": "nlu_fallback", "confidence": 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", ["Hello", "world"]),
        ("see https://a.example/x?y=1 now", ["see", "https://a.example/x?y=1", "now"]),
        ("mail me@host.example.", ["mail", "me@host.example"]),
        ("it costs 3.50", ["it", "costs", "3.50"]),
        ("", []),
    ],
)
def test_tokens_stand_where_they_say(text: str, words: list[str], tmp_path: Path) -> None:
    (message,) = answers(trained(tmp_path, FEATURIZERS[:1])[1], text)
    tokens = message.get(TOKENS)
    assert [token.text for token in tokens] == words == [text[token.start : token.end] for token in tokens]


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("WhitespaceTokenizer", "token_pattern", "("), ("CountVectorsFeaturizer", "token_pattern", "("), ("CountVectorsFeaturizer", "min_df", "x"),
        ("CountVectorsFeaturizer", "max_features", 0), ("CountVectorsFeaturizer", "analyzer", "words"), ("CountVectorsFeaturizer", "min_ngram", 3),
        ("LogisticRegressionClassifier", "solver", "nope"), ("LogisticRegressionClassifier", "tol", "x"), ("LogisticRegressionClassifier", "class_weight", "x"),
        ("SklearnIntentClassifier", "C", []), ("SklearnIntentClassifier", "kernels", ["rbf"]), ("SklearnIntentClassifier", "scoring_function", "nope"),
        ("LexicalSyntacticFeaturizer", "features", [["low"], ["low"]]), ("FallbackClassifier", "threshold", 2),
    ],
)  # fmt: skip
def test_a_value_that_an_option_cannot_have_is_refused(name: str, option: str, value: Any, tmp_path: Path) -> None:
    """As configuration, naming component and option, not as an error of a library."""
    with pytest.raises(InvalidConfigException, match=f"{name} cannot use {option}") as caught:
        trained(tmp_path, [(name, {option: value})])
    assert caught.value.code == "BG546"


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_an_option_that_there_is_not_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigException, match=f"{name} has no option 'colour'") as caught:
        trained(tmp_path, [(name, {"colour": 1})])
    assert caught.value.code == "BG545"


def test_an_option_without_effect_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Only where it is not left at its default."""
    with caplog.at_level(logging.INFO):
        trained(tmp_path / "a", [*FEATURIZERS[:1], ("CountVectorsFeaturizer", {})])
        assert "no account" not in caplog.text
        trained(tmp_path / "b", [*FEATURIZERS[:1], ("CountVectorsFeaturizer", {"additional_vocabulary_size": {"text": 5}})])
    assert "CountVectorsFeaturizer takes no account of 'additional_vocabulary_size'" in caplog.text


def test_one_intent_is_all_that_one_intent_can_teach(tmp_path: Path) -> None:
    """Nothing is fitted; what has features gets that intent."""
    only = TrainingData([Message.build("hello", "greet"), Message.build("hi there", "greet")])
    _, components = trained(tmp_path, [*FEATURIZERS, ("LogisticRegressionClassifier", {})], only)
    assert answers(components, "hello")[0].get(INTENT) == {"name": "greet", "confidence": 1.0}


def test_a_solver_for_two_intents_is_refused_for_three(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigException, match="cannot use solver: 'liblinear'"):
        trained(tmp_path, [*FEATURIZERS, ("LogisticRegressionClassifier", {"solver": "liblinear"})])
