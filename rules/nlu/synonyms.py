"""`EntitySynonymMapper`: replaces the values of found entities by the ones that are meant."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import EntityExtractor, read_record, write_record

from buildgraph.component import Resource
from buildgraph.trainer.data import ENTITIES, TEXT, Message, TrainingData

_NAME: Final = "EntitySynonymMapper"
_FILE: Final = "synonyms.msgpack"
_logger = logging.getLogger(__name__)


class EntitySynonymMapper(EntityExtractor):
    """Knows synonyms from their lists in the training data, and from examples whose entity has another value than its text."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._synonyms: dict[str, str] = {}

    def train(self, training_data: TrainingData) -> Resource:
        """Of two values for one text, whatever its case, the later counts and a warning is logged."""
        self._synonyms = {}
        for surface, value in training_data.entity_synonyms.items():
            self._learn(surface, value)
        for example in training_data.entity_examples:
            for entity in example.get(ENTITIES):
                self._learn(example.get(TEXT)[entity["start"] : entity["end"]], str(entity["value"]))
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        """Gives each entity whose value is a synonym the value that is meant, and names this class among its `processors`."""
        for message in messages:
            for entity in message.get(ENTITIES) or []:
                meant = self._synonyms.get(str(entity["value"]).lower())
                if meant is not None:
                    entity["value"] = meant
                    entity["processors"] = [*entity.get("processors", []), _NAME]
        return messages

    def _learn(self, surface: str, value: str) -> None:
        if surface == value:
            return
        known = self._synonyms.get(surface.lower(), value)
        if known != value:
            _logger.warning("%s: '%s' is a synonym of '%s' and of '%s'; the latter counts", _NAME, surface, known, value)
        self._synonyms[surface.lower()] = value

    def save(self, folder: Path) -> None:
        write_record(folder, _FILE, self._synonyms)

    def restore(self, folder: Path) -> None:
        self._synonyms = read_record(folder, _FILE) or {}
