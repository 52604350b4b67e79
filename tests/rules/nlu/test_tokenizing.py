"""Words of a text: what belongs to them, what is around them, and where they are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from buildgraph.rules.nlu.tokenizing import WhitespaceTokenizer

from buildgraph.component import Resource
from buildgraph.trainer.data import Message, Token, TrainingData
from buildgraph.trainer.errors import InvalidConfigException


def tokenizer(**config):  # type: ignore[no-untyped-def]  # any option
    return WhitespaceTokenizer.create(config, None, Resource("tokenizer"), None)  # type: ignore[arg-type]  # it persists nothing


def words(text: str, **config: object) -> list[str]:
    return [token.text for token in tokenizer(**config).tokenize(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Forecast for lunch", ["Forecast", "for", "lunch"]),
        ("hey ńöñàśçií how're you?", ["hey", "ńöñàśçií", "how're", "you"]),
        ("50 клюшек для миз", ["50", "клюшек", "для", "миз"]),
        ("Is (this) all, really?!", ["Is", "this", "all", "really"]),
        ("see https://example.org/a?b=c#d, please.", ["see", "https://example.org/a?b=c#d", "please"]),
        ("mail to jane.doe+x@mail.example.org!", ["mail", "to", "jane.doe+x@mail.example.org"]),
        ("pay $20.50 or -5,5 or 1/2", ["pay", "$20.50", "or", "-5,5", "or", "1/2"]),
        ("well,then;so", ["well", "then", "so"]),
        ("state-of-the-art @home #tag", ["state-of-the-art", "@home", "#tag"]),
        ("  many\tspaces\nhere ", ["many", "spaces", "here"]),
        ("nice 😀👍 day😀", ["nice", "day"]),
        ("?!", ["?!"]),
        ("😀", ["😀"]),
        ("", []),
        ("   ", []),
    ],
)
def test_words_come_without_the_punctuation_around_them(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("text", ["Is (this) all, really?!", "well,then", "¿Qué? 😀 x", "a  b", "?!"])
def test_tokens_say_where_they_are(text: str) -> None:
    """Start and end count characters, and what stands between them is the token."""
    tokens = tokenizer().tokenize(text)
    assert tokens
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert all(before.end <= after.start for before, after in pairwise(tokens))


def test_a_pattern_splits_words_further() -> None:
    assert words("state_of the", token_pattern="[a-z]+") == ["state", "of", "the"]
    assert words("abc", token_pattern="[0-9]") == ["abc"]


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidConfigException, match="token_pattern") as caught:
        tokenizer(token_pattern="[")
    assert caught.value.code == "BG546"


def test_names_of_intents_are_split_on_demand() -> None:
    data = TrainingData([Message.build("hello", "say_hello"), Message.build("no intent")])
    tokenizer(intent_tokenization_flag=True).process_training_data(data)
    assert data.training_examples[0].get("intent_tokens") == ["say", "hello"]
    assert data.training_examples[0].get("tokens") == [Token("hello", 0, 5)]
    assert data.training_examples[1].get("intent_tokens") is None


def test_a_message_without_a_text_has_no_tokens() -> None:
    (message,) = tokenizer().process([Message({})])
    assert message.get("tokens") == []
