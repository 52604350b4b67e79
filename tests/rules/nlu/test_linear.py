"""What both linear classifiers have in common: what they answer, what they need, what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sklearn")

import numpy as np
from buildgraph.rules.nlu.classifying import LinearClassifier
from buildgraph.rules.nlu.counting import CountVectorsFeaturizer
from buildgraph.rules.nlu.logistic import LogisticRegressionClassifier
from buildgraph.rules.nlu.svm import SklearnIntentClassifier

from buildgraph.errors import UsageError
from buildgraph.trainer.data import Features, Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException

TEXTS = {
    "greet": ["hello", "hello there", "good morning", "hi there", "hi"],
    "bye": ["good bye", "bye bye", "see you", "see you later", "bye"],
    "order": ["a pizza please", "order a pizza", "two pizza please", "order pizza", "i want pizza"],
}
BOTH = pytest.mark.parametrize("uses", [LogisticRegressionClassifier, SklearnIntentClassifier])


class Shop:
    """A classifier behind a featurizer of words."""

    def __init__(self, desk: Any, message: Callable[..., Message]) -> None:
        self.desk = desk
        self.message = message

    def learn(self, uses: type[LinearClassifier], texts: dict[str, list[str]], **config: Any) -> Shop:
        data = TrainingData([self.message(text, intent) for intent, group in texts.items() for text in group])
        self.words = self.desk.train(CountVectorsFeaturizer, data, "words")
        self.fresh = self.desk.make(uses, "it", **config)
        self.fresh.train(self.words.process_training_data(data))
        self.loaded = self.desk.load(uses, "it", **config)
        return self

    def ask(self, *texts: str) -> list[Message]:
        answered: list[Message] = self.loaded.process(self.words.process([self.message(each) for each in texts]))
        assert answered == self.fresh.process(self.words.process([self.message(each) for each in texts]))
        return answered


@pytest.fixture
def shop(desk: Any, message: Callable[..., Message]) -> Shop:
    return Shop(desk, message)


def names(found: list[Message]) -> list[str | None]:
    return [each.get("intent")["name"] for each in found]


@BOTH
def test_it_says_what_it_was_shown_and_how_sure_it_is(shop: Shop, uses: Any) -> None:
    """Confidences are plain numbers, fall, and together are 1; the intent is the first of the ranking. Loaded or fresh."""
    found = shop.learn(uses, TEXTS).ask(*(text for group in TEXTS.values() for text in group))
    assert names(found) == [intent for intent, group in TEXTS.items() for _ in group]
    for each in found:
        answered = each.as_dict(only_output_properties=True)
        ranking = answered["intent_ranking"]
        sure = [one["confidence"] for one in ranking]
        assert answered["intent"] == ranking[0]
        assert {one["name"] for one in ranking} == set(TEXTS)
        assert sure == sorted(sure, reverse=True)
        assert all(type(one) is float and 0 <= one <= 1 for one in sure)
        assert sum(sure) == pytest.approx(1)


@BOTH
def test_what_is_alike_is_told_alike(shop: Shop, uses: Any) -> None:
    assert names(shop.learn(uses, TEXTS).ask("pizza", "good morning to you", "bye now")) == ["order", "greet", "bye"]


@BOTH
def test_of_two_intents_each_is_told(shop: Shop, uses: Any) -> None:
    two = {intent: TEXTS[intent] for intent in ("greet", "bye")}
    found = shop.learn(uses, two).ask("hello", "see you")
    assert names(found) == ["greet", "bye"]
    assert [sum(one["confidence"] for one in each.get("intent_ranking")) for each in found] == [pytest.approx(1)] * 2


@BOTH
def test_one_intent_is_the_answer_and_a_warning_asks_for_two(shop: Shop, uses: Any, caplog: pytest.LogCaptureFixture) -> None:
    (found,) = shop.learn(uses, {"greet": ["hello"]}).ask("hello")
    assert found.get("intent") == {"name": "greet", "confidence": 1.0}
    assert "examples of two intents" in caplog.text


@BOTH
def test_one_example_of_each_is_enough(shop: Shop, uses: Any) -> None:
    assert names(shop.learn(uses, {"greet": ["hello"], "bye": ["bye"], "order": ["pizza"]}).ask("pizza", "hello", "bye")) == ["order", "greet", "bye"]


@BOTH
@pytest.mark.parametrize("text", ["", "👍", "zzz"])
def test_a_text_of_which_nothing_is_known_has_no_intent(shop: Shop, uses: Any, text: str) -> None:
    (found,) = shop.learn(uses, TEXTS).ask(text)
    assert found.get("intent") == {"name": None, "confidence": 0.0}
    assert found.get("intent_ranking") == []


@BOTH
def test_without_examples_or_features_it_never_answers(desk: Any, uses: Any, message: Callable[..., Message], caplog: pytest.LogCaptureFixture) -> None:
    for data, said in ((TrainingData(), "examples of two intents"), (TrainingData([message("a", "x"), message("b", "y")]), "says something about whole texts")):
        caplog.clear()
        (found,) = desk.train(uses, data).process([message("a")])
        assert found.get("intent") == {"name": None, "confidence": 0.0}
        assert said in caplog.text
    assert desk.load(uses).process([]) == []


@BOTH
def test_a_classifier_that_is_trained_again_forgets(shop: Shop, uses: Any) -> None:
    shop.learn(uses, TEXTS)
    (found,) = shop.learn(uses, {"only": ["hello"]}).ask("hello")
    assert found.get("intent_ranking") == [{"name": "only", "confidence": 1.0}]


@BOTH
@pytest.mark.parametrize(("length", "shown"), [(1, 1), (2, 2), (10, 3), (0, 3)])
def test_the_ranking_is_as_long_as_wanted(shop: Shop, uses: Any, length: int, shown: int) -> None:
    (found,) = shop.learn(uses, TEXTS, ranking_length=length).ask("hello")
    assert len(found.get("intent_ranking")) == shown


@BOTH
def test_of_several_classifiers_the_last_answers(shop: Shop, uses: Any) -> None:
    found = shop.words.process([shop.message("hello")]) if shop.learn(uses, TEXTS) else []
    found[0].set("intent", {"name": "other", "confidence": 1.0})
    assert names(shop.loaded.process(found)) == ["greet"]


def measured(rows: list[list[float]], *intents: str, origin: str = "mine") -> list[Message]:
    found = [Message.build(f"text {number}", intent) for number, intent in enumerate(intents or [""] * len(rows))]
    for each, row in zip(found, rows, strict=True):
        each.add_features(Features(np.array([row]), "sentence", "text", origin))
    return found


@BOTH
def test_features_of_other_kinds_count_too(desk: Any, uses: Any) -> None:
    """Dense ones, two by one name, huge values, and such that some messages do not have."""
    data = measured([[0.0, 1e6], [1e6, 0.0]] * 3, *["a", "b"] * 3)
    for each in data[::2]:
        each.add_features(Features(np.array([[1.0]]), "sentence", "text", "mine"))
    loaded = desk.train(uses, TrainingData(data))
    found = loaded.process(measured([[0.0, 1e6], [1e6, 0.0], [1e300, 0.0]]))
    assert names(found) == ["a", "b", "b"]
    assert all(np.isfinite(one["confidence"]) for each in found for one in each.get("intent_ranking"))


@BOTH
def test_who_was_not_there_in_training_is_not_listened_to(desk: Any, uses: Any) -> None:
    loaded = desk.train(uses, TrainingData(measured([[0.0, 1.0], [1.0, 0.0]] * 2, *["a", "b"] * 2)))
    (known,) = measured([[0.0, 1.0]])
    known.add_features(Features(np.array([[9.0, 9.0, 9.0]]), "sentence", "text", "new"))
    assert names(loaded.process([known])) == ["a"]
    assert names(loaded.process([Message.build("nothing")])) == [None]


@BOTH
def test_features_of_another_width_are_refused(desk: Any, uses: Any) -> None:
    loaded = desk.train(uses, TrainingData(measured([[0.0, 1.0], [1.0, 0.0]], "a", "b")))
    with pytest.raises(UsageError, match="3 columns and had 2") as caught:
        loaded.process(measured([[1.0, 2.0, 3.0]]))
    assert caught.value.code == "BG548"


@BOTH
@pytest.mark.parametrize("config", [{"ranking_length": -1}, {"ranking_length": None}, {"random_state": None}, {"random_state": 1.5}])
def test_a_value_that_cannot_be_is_refused_by_its_option(desk: Any, uses: Any, config: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigException, match=next(iter(config))) as caught:
        desk.make(uses, **config)
    assert caught.value.code == "BG546"
