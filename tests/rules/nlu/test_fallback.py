"""When nobody is sure, the answer is `nlu_fallback`."""

from __future__ import annotations

from typing import Any

import pytest
from buildgraph.rules.nlu.fallback import FallbackClassifier

from buildgraph.trainer.data import Message
from buildgraph.trainer.errors import InvalidConfigException


def said(desk: Any, *sure: float, **config: Any) -> dict[str, Any]:
    """What is answered about a text whose intents a, b, ... were found with these confidences."""
    message = Message.build("text")
    ranking = [{"name": name, "confidence": confidence} for name, confidence in zip("abc", sure, strict=False)]
    message.set("intent", ranking[0] if ranking else {"name": None, "confidence": 0.0}, add_to_output=True)
    message.set("intent_ranking", ranking, add_to_output=True)
    (found,) = desk.make(FallbackClassifier, **config).process([message])
    answered: dict[str, Any] = found.as_dict(only_output_properties=True)
    return answered


def test_a_sure_intent_stays(desk: Any) -> None:
    found = said(desk, 0.7, 0.2)
    assert found["intent"] == {"name": "a", "confidence": 0.7}
    assert [each["name"] for each in found["intent_ranking"]] == ["a", "b"]


def test_an_unsure_one_is_replaced_and_kept_in_the_ranking(desk: Any) -> None:
    """The fallback is as sure as the threshold is high."""
    found = said(desk, 0.25, 0.1)
    assert found["intent"] == {"name": "nlu_fallback", "confidence": 0.3}
    assert [each["name"] for each in found["intent_ranking"]] == ["nlu_fallback", "a", "b"]


@pytest.mark.parametrize(
    ("sure", "config", "falls"),
    [
        ((0.3,), {}, False), ((0.29,), {}, True), ((0.5, 0.45), {}, True), ((0.5, 0.375), {}, False), ((0.5, 0.45), {"ambiguity_threshold": 0}, False), ((0.5, 0.5), {"ambiguity_threshold": 0.0}, False),
        ((0.6,), {"threshold": 0.7}, True), ((0.0,), {"threshold": 0, "ambiguity_threshold": 0}, False), ((), {}, True), ((1.0,), {"threshold": 1}, False),
    ],
)  # fmt: skip
def test_thresholds_decide(desk: Any, sure: tuple[float, ...], config: dict[str, Any], falls: bool) -> None:
    assert (said(desk, *sure, **config)["intent"]["name"] == "nlu_fallback") == falls


def test_a_message_that_nobody_classified_falls_back(desk: Any) -> None:
    (found,) = desk.make(FallbackClassifier).process([Message.build("")])
    assert found.get("intent") == {"name": "nlu_fallback", "confidence": 0.3}
    assert len(found.get("intent_ranking")) == 1


def test_falling_back_twice_is_falling_back_once(desk: Any) -> None:
    fallback = desk.make(FallbackClassifier, threshold=0.9)
    message = Message.build("text")
    message.set("intent", {"name": "a", "confidence": 0.5})
    message.set("intent_ranking", [{"name": "a", "confidence": 0.5}])
    (once,) = fallback.process([message])
    (twice,) = fallback.process([once.copy()])
    assert once == twice


@pytest.mark.parametrize("config", [{"threshold": 1.1}, {"threshold": -0.1}, {"threshold": None}, {"ambiguity_threshold": "low"}, {"ambiguity_threshold": True}])
def test_a_value_that_cannot_be_is_refused_by_its_option(desk: Any, config: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigException, match=next(iter(config))) as caught:
        desk.make(FallbackClassifier, **config)
    assert caught.value.code == "BG546"
