"""`RegexEntityExtractor`: finds entities that look like a regular expression or stand in a lookup table of the training data."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import EntityExtractor, read_record, write_record
from buildgraph.rules.nlu.patterns import compiled_pattern, patterns_of

from buildgraph.component import Resource
from buildgraph.trainer.data import ENTITIES, TEXT, Message, TrainingData

_NAME: Final = "RegexEntityExtractor"
_FILE: Final = "patterns.msgpack"
_logger = logging.getLogger(__name__)


class RegexEntityExtractor(EntityExtractor):
    """Each match is an entity named like the expression or the table, if examples have an entity of that name.

    `case_sensitive`; `use_regexes` and `use_lookup_tables`; `use_word_boundaries` for the elements of lookup tables.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"case_sensitive": False, "use_lookup_tables": True, "use_regexes": True, "use_word_boundaries": True}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._patterns: list[dict[str, str]] = []

    def train(self, training_data: TrainingData) -> Resource:
        """Raises InvalidConfigException (BG547) for a regular expression that is none."""
        config = self.config
        found = patterns_of(training_data, regexes=config["use_regexes"], tables=config["use_lookup_tables"], boundaries=config["use_word_boundaries"])
        entities = set(training_data.entities)
        self._patterns = [each for each in found if each["name"] in entities]
        if not self._patterns:
            _logger.warning(
                "%s: no regular expression or lookup table is named like an entity of the examples, so it will find none; "
                "name one so, and annotate that entity in at least one example", _NAME,
            )  # fmt: skip
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the entities that are found in each message."""
        compiled = [(each["name"], compiled_pattern(each, case_sensitive=self.config["case_sensitive"])) for each in self._patterns]
        for message in messages if compiled else []:
            hits = [(name, match) for name, pattern in compiled for match in pattern.finditer(message.get(TEXT) or "") if match.group()]
            found = [{"entity": name, "start": hit.start(), "end": hit.end(), "value": hit.group(), "extractor": _NAME} for name, hit in hits]
            message.set(ENTITIES, [*(message.get(ENTITIES) or []), *found], add_to_output=True)
        return messages

    def save(self, folder: Path) -> None:
        write_record(folder, _FILE, self._patterns)

    def restore(self, folder: Path) -> None:
        self._patterns = read_record(folder, _FILE) or []
