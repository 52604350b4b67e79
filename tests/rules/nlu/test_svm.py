"""The support vector machine: how it chooses, how sure it is, and what it refuses."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

pytest.importorskip("sklearn")

import numpy as np
from buildgraph.rules.nlu.svm import SklearnIntentClassifier

from buildgraph.encoding import decode_trusted
from buildgraph.trainer.data import Features, Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException


def data(each: int, noise: float = 0.3, intents: int = 3) -> TrainingData:
    """Points around a corner for each intent."""
    chance, found = np.random.default_rng(7), []
    for number in range(each * intents):
        message = Message.build(f"text {number}", f"intent{number % intents}")
        corner = np.eye(intents)[number % intents]
        message.add_features(Features((corner + chance.normal(scale=noise, size=intents))[None, :], "sentence", "text", "mine"))
        found.append(message)
    return TrainingData(found)


def right_and_sure(desk: Any, training_data: TrainingData, **config: Any) -> tuple[float, float]:
    """The part of the examples that is told right, and how sure it was of them on average."""
    loaded = desk.train(SklearnIntentClassifier, training_data, **config)
    asked = [Message({"text": each.get("text")}, list(each.features)) for each in training_data.training_examples]
    found = loaded.process(asked)
    pairs = list(zip(found, training_data.training_examples, strict=True))
    return np.mean([one.get("intent")["name"] == other.get("intent") for one, other in pairs]), np.mean([one.get("intent")["confidence"] for one in found])


def test_what_is_clear_is_told_right_and_surely(desk: Any) -> None:
    right, sure = right_and_sure(desk, data(20, noise=0.05))
    assert right == 1.0
    assert sure > 0.95


def test_it_is_about_as_sure_as_it_is_right(desk: Any) -> None:
    """The scale of its confidences is learnt from examples that it had not seen."""
    right, sure = right_and_sure(desk, data(60, noise=0.6))
    assert 0.6 < right < 0.95
    assert abs(right - sure) < 0.1


@pytest.mark.parametrize("each", [1, 2, 3, 7])
@pytest.mark.parametrize("intents", [2, 3])
def test_few_examples_are_enough(desk: Any, each: int, intents: int) -> None:
    """With one of each there is nothing to hold back: the first value of C counts."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert right_and_sure(desk, data(each, 0.05, intents))[0] == 1.0


def test_an_intent_of_one_example_makes_nobody_unsure(desk: Any) -> None:
    """The others are still held back, so that confidences get their scale."""
    many = data(20, noise=0.05, intents=12)
    rare = TrainingData([each for number, each in enumerate(many.training_examples) if each.get("intent") != "intent5" or number == 5])
    right, sure = right_and_sure(desk, rare)
    assert right == 1.0
    assert sure > 0.9


def test_without_a_second_example_of_anything_it_is_sure_enough(desk: Any) -> None:
    right, sure = right_and_sure(desk, data(1, noise=0.0, intents=12))
    assert right == 1.0
    assert sure > 0.3


def test_one_value_of_c_needs_no_choice_and_gives_other_weights_than_another(desk: Any) -> None:
    seen = set()
    for values in ([0.001], [100]):
        desk.train(SklearnIntentClassifier, data(10), C=values)
        seen.add(desk.files()["weights.npy"])
    assert len(seen) == 2


def test_the_value_that_does_best_on_held_back_examples_is_chosen(desk: Any) -> None:
    """A C that learns nothing loses, wherever it stands in the list."""
    rare = TrainingData([each for number, each in enumerate(data(20).training_examples) if number % 3 or number < 12])
    alone = desk.train(SklearnIntentClassifier, rare, C=[1]) and desk.files()["weights.npy"]
    for values in ([1, 1e-9], [1e-9, 1]):
        desk.train(SklearnIntentClassifier, rare, C=values, scoring_function="accuracy")
        assert desk.files()["weights.npy"] == alone


def test_what_it_persists_is_said_in_plain_data(desk: Any) -> None:
    desk.train(SklearnIntentClassifier, data(5))
    record = decode_trusted(desk.files()["classifier.msgpack"])
    assert record["intents"] == ["intent0", "intent1", "intent2"]
    assert record["blocks"] == [["mine", 0, 3]]


def test_options_of_other_kernels_are_accepted_beside_the_linear_one(desk: Any) -> None:
    assert right_and_sure(desk, data(5, 0.05), kernels=["rbf", "linear"], gamma=[0.1, 1], num_threads=4)[0] == 1.0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("C", []), ("C", 5), ("C", [0]), ("C", [1, "2"]), ("C", [True]), ("C", [float("inf")]), ("kernels", ["rbf"]), ("kernels", "linear"), ("max_cross_validation_folds", 1),
        ("max_cross_validation_folds", 2.5), ("scoring_function", None),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_option(desk: Any, option: str, value: object) -> None:
    with pytest.raises(InvalidConfigException, match=option) as caught:
        desk.make(SklearnIntentClassifier, **{option: value})
    assert caught.value.code == "BG546"


def test_a_scorer_that_does_not_exist_is_refused_before_anything_is_learnt(desk: Any) -> None:
    with pytest.raises(InvalidConfigException, match="f2_weighed") as caught:
        desk.train(SklearnIntentClassifier, data(5), scoring_function="f2_weighed")
    assert caught.value.code == "BG546"
