"""`WhitespaceTokenizer`: words are what stands between spaces, without the punctuation around them."""

from __future__ import annotations

import re
from typing import Any, Final

from buildgraph.rules.nlu.base import Tokenizer
from buildgraph.rules.nlu.options import ignored, pattern

from buildgraph.trainer.data import INTENT, TEXT, TOKENS, Message, Token, TrainingData

_CHUNK: Final = re.compile(r"\S+")
_ADDRESS: Final = re.compile(r"(?:\w+://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")  # of a page or a mailbox: one word
_BEFORE: Final = re.compile(r"[^\w#@&]+(?=\D|$)|[^\w#@&+$€£-]+")  # in front of a number, a sign or a currency belongs to it
_AFTER: Final = re.compile(r"[^\w#@&%]+$")
_BETWEEN: Final = re.compile(r"(?<=\D)[^\w.'’_~:/?#@&%*+=-]+(?=\D)")


class WhitespaceTokenizer(Tokenizer):
    """Splits at white space, strips punctuation and emoji from words, and keeps addresses and numbers whole.

    `token_pattern` (a regular expression) splits the words further. `intent_tokenization_flag` with
    `intent_split_symbol` splits the names of intents too, for components that look at them (`intent_tokens`).
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None, "prefix_separator_symbol": None}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._pattern = pattern(self.config, "token_pattern", type(self).__name__)
        ignored(self.config, self.get_default_config(), type(self).__name__, "prefix_separator_symbol")

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.nlu_examples)
        if self.config["intent_tokenization_flag"]:
            for message in training_data.intent_examples:
                message.set("intent_tokens", str(message.get(INTENT)).split(self.config["intent_split_symbol"]))
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            message.set(TOKENS, self.tokenize(message.get(TEXT) or ""))
        return messages

    def tokenize(self, text: str) -> list[Token]:
        """The tokens of `text`, with their places in it. A text of punctuation alone is one token."""
        found = [token for chunk in _CHUNK.finditer(text) for token in _words(text, chunk.start(), chunk.end())]
        if not found and text.strip():
            start = len(text) - len(text.lstrip())
            found = [Token(text.strip(), start, start + len(text.strip()))]
        if self._pattern is not None:
            found = [
                Token(match.group(), token.start + match.start(), token.start + match.end())
                for token in found for match in self._pattern.finditer(token.text) if match.group()
            ] or found  # fmt: skip
        return found


def _words(text: str, start: int, end: int) -> list[Token]:
    """The words of a stretch of `text` without white space."""
    before = _BEFORE.match(text, start, end)
    if before:
        start = before.end()
    after = _AFTER.search(text, start, end)
    if after:
        end = after.start()
    if start >= end:
        return []
    if _ADDRESS.fullmatch(text, start, end):
        return [Token(text[start:end], start, end)]
    found, here = [], start
    for gap in _BETWEEN.finditer(text, start, end):
        found.append(Token(text[here : gap.start()], here, gap.start()))
        here = gap.end()
    return [*found, Token(text[here:end], here, end)]
