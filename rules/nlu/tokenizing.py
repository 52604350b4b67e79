"""`WhitespaceTokenizer`: words are what stands between spaces, without the punctuation around them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from buildgraph.rules.nlu.base import Tokenizer
from buildgraph.rules.nlu.options import expression, flags, texts, unusable

from buildgraph.trainer.data import INTENT, TEXT, TOKENS, Message, Token, TrainingData

_CHUNK: Final = re.compile(r"\S+")
_ADDRESS: Final = re.compile(r"(?:\w+://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")  # of a page or a mailbox: one word
_BEFORE: Final = re.compile(r"[^\w#@&]+(?=\D)|[(\[{<\"“„«*_~]+(?=\d)")  # a sign, a currency or a point in front of a number belongs to it
_AFTER: Final = re.compile(r"[^\w#@&]+$")
_BETWEEN: Final = re.compile(r"(?<=\D)[^\w.~:/?#@&*+=-]+(?=\D)")
_JOINERS: Final = "\u200c\u200d"  # inside of words of some scripts


class WhitespaceTokenizer(Tokenizer):
    """Splits at white space, strips punctuation and emoji from words, and keeps addresses and numbers whole.

    `token_pattern` (a regular expression, perhaps with one group) splits the words further; a word that it does not match
    stays. `intent_tokenization_flag` with `intent_split_symbol` splits the names of intents too, for components that look
    at them (`intent_tokens`); `prefix_separator_symbol` splits off what stands in front of a name.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None, "prefix_separator_symbol": None}

    @staticmethod
    def not_supported_languages() -> list[str]:
        return ["zh", "ja", "th"]  # they do not put spaces between words

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        name, config = type(self).__name__, self.config
        flags(config, name, "intent_tokenization_flag")
        for option in ("intent_split_symbol", "prefix_separator_symbol"):
            if config[option] == "" or (config[option] is not None and len(texts(config, option, name)) != 1):
                raise unusable(name, option, config[option], "one text")
        self._pattern = expression(config, "token_pattern", name)
        if self._pattern is not None and self._pattern.groups > 1:
            raise unusable(name, "token_pattern", config["token_pattern"], "a regular expression with one group at most; write (?:...) for the others")

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.nlu_examples)
        if self.config["intent_tokenization_flag"] or self.config["prefix_separator_symbol"]:
            for message in training_data.intent_examples:
                message.set("intent_tokens", self._parts(str(message.get(INTENT))))
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            message.set(TOKENS, self.tokenize(message.get(TEXT) or ""))
        return messages

    def tokenize(self, text: str) -> list[Token]:
        """The tokens of `text`, with their places in it. A text of punctuation alone is one token."""
        shape = _shape(text)
        found = [token for chunk in _CHUNK.finditer(text) for token in _words(text, shape, chunk.start(), chunk.end())]
        if not found and text.strip():
            start = len(text) - len(text.lstrip())
            found = [Token(text.strip(), start, start + len(text.strip()))]
        return found if self._pattern is None else [part for token in found for part in _split(token, self._pattern)]

    def _parts(self, intent: str) -> list[str]:
        """The words of an intent's name."""
        symbol, split = self.config["prefix_separator_symbol"], self.config["intent_split_symbol"]
        names = intent.split(symbol, 1) if symbol else [intent]
        return [part for name in names for part in (name.split(split) if self.config["intent_tokenization_flag"] and split else [name]) if part]


def _shape(text: str) -> str:
    """The text as expressions shall see it: the vowel signs of some scripts are parts of words, as letters are."""
    if text.isascii() or not any(_is_mark(each) for each in text):
        return text
    seen: list[str] = []
    for each in text:
        seen.append("a" if _is_mark(each) and seen and (seen[-1].isalnum() or seen[-1] == "_") else each)
    return "".join(seen)


def _is_mark(character: str) -> bool:
    return character > "\u02ff" and (character in _JOINERS or unicodedata.category(character).startswith("M"))


def _split(token: Token, pattern: re.Pattern[str]) -> list[Token]:
    """What a pattern matches in a token, or its only group; the token itself when it matches nothing."""
    spans = [match.span(pattern.groups) for match in pattern.finditer(token.text)]
    return [Token(token.text[start:end], token.start + start, token.start + end) for start, end in spans if end > start] or [token]


def _words(text: str, shape: str, start: int, end: int) -> list[Token]:
    """The words of a stretch of `text` without white space."""
    before = _BEFORE.match(shape, start, end)
    if before:
        start = before.end()
    after = _AFTER.search(shape, start, end)
    if after:
        end = after.start()
    if start >= end:
        return []
    if _ADDRESS.fullmatch(shape, start, end):
        return [Token(text[start:end], start, end)]
    found, here = [], start
    for gap in _BETWEEN.finditer(shape, start, end):
        found.append(Token(text[here : gap.start()], here, gap.start()))
        here = gap.end()
    return [*found, Token(text[here:end], here, end)]
