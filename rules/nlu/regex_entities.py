"""`RegexEntityExtractor`: finds entities that look like a regular expression or stand in a lookup table of the training data."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import EntityExtractor, read_record, write_record
from buildgraph.rules.nlu.options import flags
from buildgraph.rules.nlu.patterns import FLAGS, matchers_of, patterns_of

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
        flags(self.config, _NAME, *FLAGS)
        self._keep([])

    def train(self, training_data: TrainingData) -> Resource:
        """Raises InvalidConfigException (BG547) for a regular expression that is none."""
        entities = set(training_data.entities)
        self._keep([each for each in patterns_of(training_data, self.config) if each["name"] in entities])
        if not self._patterns:
            _logger.warning(
                "%s: no regular expression or lookup table is named like an entity of the examples, so it will find none; "
                "name one so, and annotate that entity in at least one example", _NAME,
            )  # fmt: skip
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the entities that are found in each message."""
        for message in messages if self._patterns else []:
            text = message.get(TEXT) or ""
            hits = [(each["name"], start, end) for each, spans in zip(self._patterns, self._matchers, strict=True) for start, end in spans(text)]
            found = [{"entity": name, "start": start, "end": end, "value": text[start:end], "extractor": _NAME} for name, start, end in hits]
            message.set(ENTITIES, [*(message.get(ENTITIES) or []), *found], add_to_output=True)
        return messages

    def _keep(self, patterns: list[dict[str, Any]]) -> None:
        self._patterns = patterns
        self._matchers = matchers_of(patterns, self.config)

    def save(self, folder: Path) -> None:
        write_record(folder, _FILE, self._patterns)

    def restore(self, folder: Path) -> None:
        self._keep(read_record(folder, _FILE) or [])
