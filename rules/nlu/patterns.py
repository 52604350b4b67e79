"""`RegexFeaturizer`: which regular expressions and lookup tables of the training data match, word by word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import Featurizer, read_record, write_record
from buildgraph.rules.nlu.lookups import Lookup
from buildgraph.rules.nlu.options import flags

from buildgraph.component import Resource
from buildgraph.trainer.data import TEXT, TOKENS, Features, Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.features import SENTENCE, SEQUENCE

FLAGS: Final = ("case_sensitive", "use_word_boundaries", "use_lookup_tables", "use_regexes")
Spans = Callable[[str], Iterable[tuple[int, int]]]


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
        flags(self.config, type(self).__name__, *FLAGS)
        self._keep([])

    def train(self, training_data: TrainingData) -> Resource:
        """Raises InvalidConfigException (BG547) for a regular expression that is none."""
        self._keep(patterns_of(training_data, self.config))
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        import numpy as np
        from scipy import sparse

        if not self.patterns or not messages:
            return messages
        found: tuple[list[int], list[int]] = ([], [])  # rows and columns, of words
        whole: tuple[list[int], list[int]] = ([], [])  # and of texts
        first, counts = 0, []
        for number, message in enumerate(messages):
            tokens, text = message.get(TOKENS) or [], message.get(TEXT) or ""
            for column, spans in enumerate(self._matchers):
                hits = list(spans(text))
                if hits:
                    rows = [first + at for at, token in enumerate(tokens) if any(start < token.end and token.start < end for start, end in hits)]
                    found[0].extend(rows)
                    found[1].extend([column] * len(rows))
                    whole[0].append(number)
                    whole[1].append(column)
            first += len(tokens)
            counts.append(len(tokens))
        width = len(self.patterns)
        words = sparse.csr_matrix((np.ones(len(found[0]), "float32"), found), shape=(first, width))
        texts = sparse.csr_matrix((np.ones(len(whole[0]), "float32"), whole), shape=(len(messages), width))
        add(messages, words, counts, SEQUENCE, self.origin)
        add(messages, texts, [1] * len(messages), SENTENCE, self.origin)
        return messages

    def _keep(self, patterns: list[dict[str, Any]]) -> None:
        self.patterns = patterns
        self._matchers = matchers_of(patterns, self.config)

    def save(self, folder: Path) -> None:
        write_record(folder, "patterns.msgpack", self.patterns)

    def restore(self, folder: Path) -> None:
        self._keep(read_record(folder, "patterns.msgpack") or [])


def add(messages: list[Message], matrix: Any, counts: list[int], level: str, origin: str) -> None:
    """Give each message its rows of `matrix`."""
    for message, features in zip(messages, Features.split(matrix, counts, level, TEXT, origin), strict=True):
        message.add_features(features)


def patterns_of(data: TrainingData, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What training data has patterns for, each with a `name` and a `pattern` or `elements`.

    Raises InvalidConfigException (BG547) for a pattern that is no regular expression.
    """
    found: list[dict[str, Any]] = []
    if config["use_regexes"]:
        found += [{"name": each["name"], "pattern": each["pattern"]} for each in data.regex_features]
    if config["use_lookup_tables"]:
        found += [{"name": each["name"], "elements": sorted({str(one) for one in each["elements"]})} for each in data.lookup_tables if each["elements"]]
    matchers_of(found, config)
    return found


def matchers_of(patterns: list[dict[str, Any]], config: Mapping[str, Any]) -> list[Spans]:
    """For each pattern what finds the start and end of its matches in a text, of those that are not empty."""
    cased = config["case_sensitive"]
    return [
        Lookup(each["elements"], case_sensitive=cased, boundaries=config["use_word_boundaries"]).spans if "elements" in each else partial(_matches, _compiled(each, cased))
        for each in patterns
    ]


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in pattern.finditer(text) if match.group())


def _compiled(row: Mapping[str, str], case_sensitive: bool) -> re.Pattern[str]:
    try:
        return re.compile(row["pattern"], 0 if case_sensitive else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidConfigException(
            f"the regex '{row['name']}' of the training data is none: {error}", code="BG547", facts=(("pattern", row["pattern"][:200]),),
            why="regexes are Python's own", fix="correct it in the training data",
        ) from None  # fmt: skip
