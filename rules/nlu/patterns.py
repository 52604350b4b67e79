"""`RegexFeaturizer`: which regular expressions and lookup tables of the training data match, word by word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from buildgraph.rules.nlu.base import Featurizer, read_record, write_record
from buildgraph.rules.nlu.options import ignored

from buildgraph.component import Resource
from buildgraph.trainer.data import TEXT, TOKENS, Features, Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.features import SENTENCE, SEQUENCE


class RegexFeaturizer(Featurizer):
    """One column for each regular expression and lookup table: 1 where it matches.

    `case_sensitive`; `use_regexes` and `use_lookup_tables`; `use_word_boundaries` for the elements of lookup tables.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"case_sensitive": True, "use_word_boundaries": True, "use_lookup_tables": True, "use_regexes": True, "number_additional_patterns": None, "alias": None}

    @staticmethod
    def required_packages() -> list[str]:
        return ["numpy", "scipy"]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        ignored(self.config, self.get_default_config(), type(self).__name__, "number_additional_patterns")
        self.patterns: list[dict[str, str]] = []

    def train(self, training_data: TrainingData) -> Resource:
        """Raises InvalidConfigException (BG547) for a regular expression that is none."""
        config = self.config
        self.patterns = patterns_of(
            training_data, regexes=config["use_regexes"], tables=config["use_lookup_tables"], boundaries=config["use_word_boundaries"]
        )
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        import numpy as np
        from scipy import sparse

        if not self.patterns:
            return messages
        compiled = [compiled_pattern(each, case_sensitive=self.config["case_sensitive"]) for each in self.patterns]
        rows, columns, sentences, counts = [], [], [], []
        first = 0
        for number, message in enumerate(messages):
            tokens = message.get(TOKENS) or []
            for column, pattern in enumerate(compiled):
                spans = [match.span() for match in pattern.finditer(message.get(TEXT) or "")]
                hits = [at for at, token in enumerate(tokens) if any(start < token.end and token.start < end for start, end in spans)]
                rows += [first + at for at in hits]
                columns += [column] * len(hits)
                if spans:
                    sentences.append((number, column))
            first += len(tokens)
            counts.append(len(tokens))
        width = len(compiled)
        words = sparse.csr_matrix((np.ones(len(rows), "float32"), (rows, columns)), shape=(first, width))
        whole = sparse.csr_matrix(
            (np.ones(len(sentences), "float32"), ([row for row, _ in sentences], [column for _, column in sentences])), shape=(len(messages), width)
        )
        add(messages, words, counts, SEQUENCE, self.origin)
        add(messages, whole, [1] * len(messages), SENTENCE, self.origin)
        return messages

    def save(self, folder: Path) -> None:
        write_record(folder, "patterns.msgpack", self.patterns)

    def restore(self, folder: Path) -> None:
        self.patterns = read_record(folder, "patterns.msgpack") or []


def add(messages: list[Message], matrix: Any, counts: list[int], level: str, origin: str) -> None:
    """Give each message its rows of `matrix`."""
    for message, features in zip(messages, Features.split(matrix, counts, level, TEXT, origin), strict=True):
        message.add_features(features)


def patterns_of(data: TrainingData, *, regexes: bool, tables: bool, boundaries: bool) -> list[dict[str, str]]:
    """The patterns of training data, each with a name. Raises InvalidConfigException (BG547) for one that is none."""
    found: list[dict[str, str]] = []
    if regexes:
        found += [{"name": each["name"], "pattern": each["pattern"]} for each in data.regex_features]
    if tables:
        found += [{"name": each["name"], "pattern": any_of(each["elements"], boundaries=boundaries)} for each in data.lookup_tables if each["elements"]]
    for each in found:
        compiled_pattern(each, case_sensitive=True)
    return found


def any_of(elements: list[str], *, boundaries: bool) -> str:
    """A pattern for whichever of `elements` is longest."""
    longest = sorted({each for each in elements if each}, key=lambda each: (-len(each), each))
    inner = "|".join(map(re.escape, longest))
    return rf"(?<!\w)(?:{inner})(?!\w)" if boundaries else f"(?:{inner})"


def compiled_pattern(row: dict[str, str], *, case_sensitive: bool) -> re.Pattern[str]:
    try:
        return re.compile(row["pattern"], 0 if case_sensitive else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidConfigException(
            f"the regex '{row['name']}' of the training data is none: {error}", code="BG547", facts=(("pattern", row["pattern"][:200]),),
            why="regexes are Python's own", fix="correct it in the training data",
        ) from None  # fmt: skip
