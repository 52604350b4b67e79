"""`CountVectorsFeaturizer`: how often words, or pieces of words, are in a text."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import Featurizer, read_record, write_record
from buildgraph.rules.nlu.options import ignored, number, one_of, pattern, refused, unusable
from buildgraph.rules.nlu.patterns import add

from buildgraph.component import Resource
from buildgraph.trainer.data import TOKENS, Message, TrainingData
from buildgraph.trainer.features import SENTENCE

_NUMBER: Final = re.compile(r"\b\d+\b")
_ANY_NUMBER: Final = "0number0"  # no word of a text, and a word for every pattern
_logger = logging.getLogger(__name__)


class CountVectorsFeaturizer(Featurizer):
    """One column for each n-gram that was seen in training, with scikit-learn's CountVectorizer.

    `analyzer`: word, char, or char_wb (inside words); `min_ngram` and `max_ngram`; `min_df`, `max_df`, `max_features`;
    `lowercase`, `strip_accents`, `stop_words`, `token_pattern`. `OOV_token` stands for words that are not known: those of
    `OOV_words` in training, all others in prediction. Words that are numbers count as one word.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "analyzer": "word", "min_ngram": 1, "max_ngram": 1, "min_df": 1, "max_df": 1.0, "max_features": None, "lowercase": True, "strip_accents": None,
            "stop_words": None, "token_pattern": r"(?u)\b\w\w+\b", "OOV_token": None, "OOV_words": [], "use_shared_vocab": False, "use_lemma": True,
            "additional_vocabulary_size": {}, "alias": None,
        }  # fmt: skip

    @staticmethod
    def required_packages() -> list[str]:
        return ["numpy", "scipy", "sklearn"]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        name, config = type(self).__name__, self.config
        one_of(config, "analyzer", name, ("word", "char", "char_wb"))
        one_of(config, "strip_accents", name, (None, "ascii", "unicode"))
        least, most = number(config, "min_ngram", name, least=1), number(config, "max_ngram", name, least=1)
        if least > most:
            raise unusable(name, "min_ngram", least, f"at most max_ngram, which is {most}")
        number(config, "min_df", name)
        number(config, "max_df", name)
        if config["max_features"] is not None:
            number(config, "max_features", name, least=1)
        pattern(config, "token_pattern", name)
        ignored(config, self.get_default_config(), name, "use_shared_vocab", "use_lemma", "additional_vocabulary_size")
        self._vocabulary: list[str] = []
        self._known: frozenset[str] = frozenset()

    def train(self, training_data: TrainingData) -> Resource:
        texts = [self._text(message, training=True) for message in training_data.nlu_examples]
        vectorizer = self._vectorizer(None)
        try:
            self._learnt(sorted(vectorizer.fit(texts).vocabulary_))
        except (ValueError, TypeError, re.error) as error:
            if not any(each in str(error) for each in ("empty vocabulary", "no terms remain", "max_df corresponds")):
                raise refused(type(self).__name__, error) from None
            _logger.warning("CountVectorsFeaturizer learnt nothing: %s", error)
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        if self._vocabulary and messages:
            matrix = self._vectorizer(self._vocabulary).transform([self._text(message, training=False) for message in messages])
            add(messages, matrix.astype("float32"), [1] * len(messages), SENTENCE, self.origin)
        return messages

    def _vectorizer(self, vocabulary: list[str] | None) -> Any:
        from sklearn.feature_extraction.text import CountVectorizer

        config = self.config
        stop = config["stop_words"] if isinstance(config["stop_words"], list | str) else None
        return CountVectorizer(
            analyzer=config["analyzer"], ngram_range=(config["min_ngram"], config["max_ngram"]), min_df=config["min_df"], max_df=config["max_df"],
            max_features=config["max_features"], lowercase=config["lowercase"], strip_accents=config["strip_accents"], stop_words=stop,
            token_pattern=config["token_pattern"], vocabulary=vocabulary,
        )  # fmt: skip

    def _text(self, message: Message, *, training: bool) -> str:
        """The words of a message in one text, as the vectorizer takes it."""
        config = self.config
        words = [_NUMBER.sub(_ANY_NUMBER, token.text) for token in message.get(TOKENS) or []]
        token = config["OOV_token"]
        if token and config["analyzer"] == "word":
            unknown = {each.lower() for each in config["OOV_words"]}
            known = None if training or token.lower() not in self._known else self._known
            words = [token if word.lower() in unknown or (known is not None and word.lower() not in known) else word for word in words]
        return " ".join(words)

    def _learnt(self, vocabulary: list[str]) -> None:
        self._vocabulary, self._known = vocabulary, frozenset(each.lower() for each in vocabulary)

    def save(self, folder: Path) -> None:
        write_record(folder, "vocabulary.msgpack", self._vocabulary)

    def restore(self, folder: Path) -> None:
        self._learnt(read_record(folder, "vocabulary.msgpack") or [])
