"""`FallbackClassifier`: says `nlu_fallback` when the classifier before it is not sure."""

from __future__ import annotations

from typing import Any, Final

from buildgraph.rules.nlu.base import IntentClassifier
from buildgraph.rules.nlu.classifying import answer
from buildgraph.rules.nlu.options import number

from buildgraph.trainer.data import INTENT, INTENT_RANKING, Message

FALLBACK: Final = "nlu_fallback"


class FallbackClassifier(IntentClassifier):
    """Not sure: the first intent is below `threshold`, or less than `ambiguity_threshold` above the second.

    `nlu_fallback` is as sure as the threshold is high; the ranking has it first, and then what was found.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"threshold": 0.3, "ambiguity_threshold": 0.1}

    @classmethod
    def required_components(cls) -> list[type]:
        return [IntentClassifier]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        for option in ("threshold", "ambiguity_threshold"):
            number(self.config, option, type(self).__name__, most=1.0)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            ranking = message.get(INTENT_RANKING) or []
            first = (message.get(INTENT) or {}).get("confidence") or 0.0
            unclear = len(ranking) > 1 and ranking[0]["confidence"] - ranking[1]["confidence"] < self.config["ambiguity_threshold"]
            if first < self.config["threshold"] or unclear:
                others = [(each["name"], each["confidence"]) for each in ranking if each["name"] not in (None, FALLBACK)]
                answer(message, [(FALLBACK, self.config["threshold"]), *others], 0)
        return messages
