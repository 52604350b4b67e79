"""`KeywordIntentClassifier`: an example of an intent, found as it is in a text, says the intent."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from buildgraph.rules.nlu.base import IntentClassifier, read_record, write_record
from buildgraph.rules.nlu.classifying import answer

from buildgraph.component import Resource
from buildgraph.trainer.data import INTENT, TEXT, Message, TrainingData

_logger = logging.getLogger(__name__)


class KeywordIntentClassifier(IntentClassifier):
    """The longest example that is in the text, as whole words, decides, with confidence 1; `case_sensitive`.

    A text that holds no example keeps the intent that it has.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"case_sensitive": True}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._intents: dict[str, str] = {}

    def train(self, training_data: TrainingData) -> Resource:
        found: dict[str, str] = {}
        unclear = set()
        for message in training_data.intent_examples:
            text, intent = self._cased(message.get(TEXT) or "").strip(), str(message.get(INTENT))
            if text and found.setdefault(text, intent) != intent:
                unclear.add(text)
        for text in sorted(unclear):
            _logger.warning("KeywordIntentClassifier leaves out '%s', which is an example of several intents", text)
            del found[text]
        self._intents = found
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        keywords = sorted(self._intents, key=lambda each: (-len(each), each))
        if keywords:
            pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, keywords))})(?!\w)")
            for message in messages:
                hits = [match.group() for match in pattern.finditer(self._cased(message.get(TEXT) or ""))]
                if hits:
                    answer(message, [(self._intents[max(hits, key=len)], 1.0)], 0)
        for message in messages:
            if message.get(INTENT) is None:
                answer(message, [], 0)
        return messages

    def _cased(self, text: str) -> str:
        return text if self.config["case_sensitive"] else text.lower()

    def save(self, folder: Path) -> None:
        write_record(folder, "keywords.msgpack", self._intents)

    def restore(self, folder: Path) -> None:
        self._intents = read_record(folder, "keywords.msgpack") or {}
