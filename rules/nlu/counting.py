"""`CountVectorsFeaturizer`: how often words, or pieces of words, are in a text."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import Featurizer, read_record, write_record
from buildgraph.rules.nlu.options import expression, flags, number, one_of, texts, unusable
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
    `use_shared_vocab`, `use_lemma` and `additional_vocabulary_size` are accepted and change nothing: only texts are
    counted, and tokens have no lemma.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "analyzer": "word", "min_ngram": 1, "max_ngram": 1, "min_df": 1, "max_df": 1.0, "max_features": None, "lowercase": True, "strip_accents": None,
            "stop_words": None, "token_pattern": r"(?u)\b\w+\b", "OOV_token": None, "OOV_words": [], "use_shared_vocab": False, "use_lemma": True,
            "additional_vocabulary_size": {}, "alias": None,
        }  # fmt: skip

    @staticmethod
    def required_packages() -> list[str]:
        return ["numpy", "scipy", "sklearn"]

    def __init__(self, *arguments: Any) -> None:
        """Raises InvalidConfigException (BG546) for a value that an option cannot have."""
        super().__init__(*arguments)
        name, config = type(self).__name__, self.config
        one_of(config, "analyzer", name, ("word", "char", "char_wb"))
        one_of(config, "strip_accents", name, (None, "ascii", "unicode"))
        flags(config, name, "lowercase", "use_shared_vocab", "use_lemma")
        least, most = number(config, "min_ngram", name, least=1, whole=True), number(config, "max_ngram", name, least=1, whole=True)
        if least > most:
            raise unusable(name, "min_ngram", least, f"at most max_ngram, which is {most}")
        for option in ("min_df", "max_df"):  # of texts: how many, or which part
            share = isinstance(config[option], float)
            number(config, option, name, most=1.0) if share else number(config, option, name, least=1, whole=True)
        if config["max_features"] is not None:
            number(config, "max_features", name, least=1, whole=True)
        if config["stop_words"] not in (None, "english") and not isinstance(config["stop_words"], list):
            raise unusable(name, "stop_words", config["stop_words"], "a list of words, or 'english'")
        token = config["OOV_token"]
        if token is not None and not (isinstance(token, str) and token):
            raise unusable(name, "OOV_token", token, "a word")
        pattern = expression(config, "token_pattern", name)
        if pattern is None or pattern.groups > 1:
            raise unusable(name, "token_pattern", config["token_pattern"], "a regular expression with one group at most")
        self._pattern = pattern
        self._unknown = frozenset(map(self._cased, texts(config, "OOV_words", name)))
        self._keep([])

    def train(self, training_data: TrainingData) -> Resource:
        """Without one n-gram that is left nothing is counted, and a warning says so."""
        found = [self._text(message) for message in training_data.nlu_examples]
        try:
            self._keep(sorted(self._counter(None).fit(found).vocabulary_))
        except ValueError as error:  # not one n-gram is left, as all options were checked
            _logger.warning("CountVectorsFeaturizer learnt nothing: %s", error)
            self._keep([])
        token = self.config["OOV_token"]
        if token and self.config["analyzer"] == "word" and self._known and self._cased(token) not in self._known:
            _logger.warning("CountVectorsFeaturizer: no example has the OOV_token '%s' or a word of OOV_words, so unknown words are ignored", token)
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        if self._vocabulary and messages:
            if self._vectorizer is None:
                self._vectorizer = self._counter(self._vocabulary)
            matrix = self._vectorizer.transform([self._text(message) for message in messages])
            add(messages, matrix.astype("float32"), [1] * len(messages), SENTENCE, self.origin)
        return messages

    def _keep(self, vocabulary: list[str]) -> None:
        self._vocabulary, self._known = vocabulary, frozenset(vocabulary)
        self._vectorizer: Any = None

    def _counter(self, vocabulary: list[str] | None) -> Any:
        from sklearn.feature_extraction.text import CountVectorizer

        config = self.config
        words = {}
        if config["analyzer"] == "word":
            stop = config["stop_words"]
            words = {"token_pattern": config["token_pattern"], "stop_words": list(map(self._cased, map(str, stop))) if isinstance(stop, list) else stop}
        return CountVectorizer(  # texts are in lower case by now, if they shall be
            analyzer=config["analyzer"], ngram_range=(config["min_ngram"], config["max_ngram"]), min_df=config["min_df"], max_df=config["max_df"],
            max_features=config["max_features"], lowercase=False, strip_accents=config["strip_accents"], vocabulary=vocabulary, **words,
        )  # fmt: skip

    def _text(self, message: Message) -> str:
        """The words of a message in one text, as the vectorizer takes it."""
        words = [self._cased(_NUMBER.sub(_ANY_NUMBER, token.text)) for token in message.get(TOKENS) or []]
        if self.config["OOV_token"] and self.config["analyzer"] == "word":
            token = self._cased(self.config["OOV_token"])
            trained = token in self._known
            words = [token if word in self._unknown or (trained and not self._knows(word)) else word for word in words]
        return " ".join(words)

    def _knows(self, word: str) -> bool:
        """Whether a word, or a part of it that counts as one, is in the vocabulary."""
        return word in self._known or any(part in self._known for part in self._pattern.findall(word))

    def _cased(self, text: str) -> str:
        return text.lower() if self.config["lowercase"] else text

    def save(self, folder: Path) -> None:
        write_record(folder, "vocabulary.msgpack", self._vocabulary)

    def restore(self, folder: Path) -> None:
        self._keep(read_record(folder, "vocabulary.msgpack") or [])
