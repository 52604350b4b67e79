"""Examples that stand in a text say its intent."""

from __future__ import annotations

from typing import Any

import pytest
from buildgraph.rules.nlu.keywords import KeywordIntentClassifier

from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException

EXAMPLES = [("hello", "greet"), ("good morning", "greet"), ("morning run plan", "sport"), ("C++", "code"), ("👍", "agree"), ("Oslo", "city"), (" ", "none")]


def data(*more: tuple[str, str]) -> TrainingData:
    return TrainingData([Message.build(text, intent) for text, intent in (*EXAMPLES, *more)])


def said(classifier: Any, text: str) -> tuple[str | None, float]:
    (found,) = classifier.process([Message.build(text)])
    intent = found.as_dict(only_output_properties=True)["intent"]
    assert found.get("intent_ranking") == ([intent] if intent["name"] else [])
    return intent["name"], intent["confidence"]


@pytest.mark.parametrize(
    ("text", "intent"),
    [("well, hello there", "greet"), ("in C++, please", "code"), ("ok 👍", "agree"), ("a good morning run plan", "sport"), ("Oslo hello", "greet"), ("hello greet", "greet")],
)
def test_the_longest_example_in_a_text_says_its_intent(desk: Any, text: str, intent: str) -> None:
    """Also where a shorter one begins before it; examples are whole words, or whatever else they are."""
    assert said(desk.train(KeywordIntentClassifier, data()), text) == (intent, 1.0)


@pytest.mark.parametrize("text", ["", " ", "helloes", "othello", "oslo", "C+", "🙂"])
def test_a_text_without_an_example_has_no_intent(desk: Any, text: str) -> None:
    assert said(desk.train(KeywordIntentClassifier, data()), text) == (None, 0.0)


def test_case_matters_unless_told_otherwise(desk: Any) -> None:
    loose = desk.train(KeywordIntentClassifier, data(), case_sensitive=False)
    assert said(loose, "OSLO") == said(loose, "oslo") == ("city", 1.0)
    assert said(desk.train(KeywordIntentClassifier, data()), "OSLO") == (None, 0.0)


def test_what_an_earlier_classifier_said_stays_unless_an_example_is_there(desk: Any) -> None:
    classifier = desk.train(KeywordIntentClassifier, data())
    first, second = Message.build("unknown"), Message.build("hello")
    for each in (first, second):
        each.set("intent", {"name": "earlier", "confidence": 0.4})
    assert [each.get("intent")["name"] for each in classifier.process([first, second])] == ["earlier", "greet"]


def test_an_example_of_two_intents_says_none_and_a_warning_names_it(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert said(desk.train(KeywordIntentClassifier, data(("hello", "other"))), "hello") == (None, 0.0)
    assert "'hello'" in caplog.text


def test_without_examples_it_says_nothing(desk: Any) -> None:
    assert said(desk.train(KeywordIntentClassifier, TrainingData()), "hello") == (None, 0.0)


def test_an_unclear_value_is_refused(desk: Any) -> None:
    with pytest.raises(InvalidConfigException, match="case_sensitive") as caught:
        desk.make(KeywordIntentClassifier, case_sensitive="false")
    assert caught.value.code == "BG546"
