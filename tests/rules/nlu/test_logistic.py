"""Logistic regression: its confidences are scikit-learn's, and its options have an effect or are refused."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sklearn")

import numpy as np
from buildgraph.rules.nlu.logistic import LogisticRegressionClassifier
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from buildgraph.trainer.data import Features, Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException

POINTS = np.random.default_rng(3).normal(size=(60, 4))


def data(intents: int) -> TrainingData:
    """Points of which some are near each other; every third is of the first intent."""
    found = []
    for number, point in enumerate(POINTS):
        each = Message.build(f"text {number}", f"intent{number % intents}")
        each.add_features(Features(point[None, :] + number % intents, "sentence", "text", "mine"))
        found.append(each)
    return TrainingData(found)


def confidences(found: list[Message], intents: int) -> Any:
    rows = [{one["name"]: one["confidence"] for one in each.get("intent_ranking")} for each in found]
    return np.array([[row[f"intent{number}"] for number in range(intents)] for row in rows])


def expected(training_data: TrainingData, **config: Any) -> Any:
    points = csr_matrix(np.concatenate([each.features[0].matrix for each in training_data.training_examples]))
    model = LogisticRegression(**{"class_weight": "balanced", "random_state": 42, **config})
    return model.fit(points, [each.get("intent") for each in training_data.training_examples]).predict_proba(points)


@pytest.mark.parametrize("intents", [2, 3])
@pytest.mark.parametrize("config", [{}, {"C": 0.01, "max_iter": 500}, {"solver": "newton-cg"}, {"solver": "saga", "tol": 1e-3, "max_iter": 1000}, {"class_weight": {"intent0": 5.0}}])
def test_confidences_are_those_of_scikit_learn(desk: Any, intents: int, config: dict[str, Any]) -> None:
    found = desk.train(LogisticRegressionClassifier, data(intents), **config).process(data(intents).training_examples)
    assert np.allclose(confidences(found, intents), expected(data(intents), **config), atol=1e-4)


def test_options_have_an_effect() -> None:
    """Or the test above would hold for any."""
    assert not np.allclose(expected(data(3)), expected(data(3), C=0.01), atol=1e-4)
    assert not np.allclose(expected(data(3)), expected(data(3), class_weight={"intent0": 5.0}), atol=1e-4)


@pytest.mark.parametrize("intents", [2, 3])
def test_liblinear_tells_each_intent_from_all_others(desk: Any, intents: int) -> None:
    """As it did before scikit-learn left more than two intents to others."""
    found = desk.train(LogisticRegressionClassifier, data(intents), solver="liblinear").process(data(intents).training_examples)
    sure = confidences(found, intents)
    assert np.allclose(sure.sum(axis=1), 1)
    if intents == 2:
        assert np.allclose(sure, expected(data(2), solver="liblinear"), atol=1e-4)
    assert np.mean(sure.argmax(axis=1) == expected(data(intents)).argmax(axis=1)) > 0.8


def test_what_is_impossible_for_every_intent_is_still_an_answer(desk: Any) -> None:
    far = Message.build("far")
    far.add_features(Features(np.full((1, 4), -1e9), "sentence", "text", "mine"))
    (found,) = desk.train(LogisticRegressionClassifier, data(3), solver="liblinear").process([far])
    assert sum(one["confidence"] for one in found.get("intent_ranking")) == pytest.approx(1)


@pytest.mark.parametrize("config", [{"class_weight": {"nobody": 2.0}}, {"class_weight": {"intent0": 2.0}, "solver": "liblinear"}])
def test_weights_that_cannot_be_given_are_refused(desk: Any, config: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigException, match="class_weight") as caught:
        desk.train(LogisticRegressionClassifier, data(3), **config)
    assert caught.value.code == "BG546"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_iter", 0), ("max_iter", 10.5), ("max_iter", None), ("tol", 0), ("tol", "small"), ("C", -1), ("C", float("inf")), ("C", float("nan")), ("C", True), ("solver", "adam"), ("solver", None),
        ("class_weight", "even"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_option(desk: Any, option: str, value: object) -> None:
    with pytest.raises(InvalidConfigException, match=option) as caught:
        desk.make(LogisticRegressionClassifier, **{option: value})
    assert caught.value.code == "BG546"
