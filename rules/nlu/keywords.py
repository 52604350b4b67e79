"""`KeywordIntentClassifier`: an example of an intent, found as it is in a text, says the intent."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from buildgraph.rules.nlu.base import IntentClassifier, read_record, write_record
from buildgraph.rules.nlu.classifying import answer
from buildgraph.rules.nlu.lookups import Lookup
from buildgraph.rules.nlu.options import flags

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
        flags(self.config, type(self).__name__, "case_sensitive")
        self._keep({})

    def train(self, training_data: TrainingData) -> Resource:
        found: dict[str, str] = {}
        unclear = set()
        for message in training_data.intent_examples:
            text, intent = self._lookup.seen((message.get(TEXT) or "").strip()), str(message.get(INTENT))
            if text and found.setdefault(text, intent) != intent:
                unclear.add(text)
        for text in sorted(unclear):
            _logger.warning("KeywordIntentClassifier leaves out '%s', which is an example of several intents", text)
            del found[text]
        self._keep(found)
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT) or ""
            longest = max(self._lookup.everywhere(text), key=lambda span: span[1] - span[0], default=None)  # the first of these
            if longest is not None:
                answer(message, [(self._intents[self._lookup.seen(text)[slice(*longest)]], 1.0)], 0)
            elif message.get(INTENT) is None:
                answer(message, [], 0)
        return messages

    def _keep(self, intents: dict[str, str]) -> None:
        self._intents = intents
        self._lookup = Lookup(intents, case_sensitive=self.config["case_sensitive"], boundaries=True)

    def save(self, folder: Path) -> None:
        write_record(folder, "keywords.msgpack", self._intents)

    def restore(self, folder: Path) -> None:
        self._keep(read_record(folder, "keywords.msgpack") or {})
