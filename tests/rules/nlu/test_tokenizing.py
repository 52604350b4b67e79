"""Words of a text, with their places in it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from buildgraph.rules.nlu.tokenizing import WhitespaceTokenizer
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.component import ExecutionContext, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException


def tokenizer(**config: Any) -> WhitespaceTokenizer:
    return WhitespaceTokenizer.create(config, None, Resource("it"), ExecutionContext(GraphSchema({})))  # type: ignore[arg-type]  # it persists nothing


def words(text: str, **config: Any) -> list[str]:
    found = tokenizer(**config).tokenize(text)
    assert all(text[each.start : each.end] == each.text for each in found)
    return [each.text for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Forecast for lunch", ["Forecast", "for", "lunch"]),
        ("  two\tand\n\nthree ", ["two", "and", "three"]),
        ("Hello, world! (really?)", ["Hello", "world", "really"]),
        ("how're you, Joe's bike", ["how", "re", "you", "Joe", "s", "bike"]),
        ("Berlin,Paris", ["Berlin", "Paris"]),
        ("well-known snake_case", ["well-known", "snake_case"]),
        ("#1 @joe AT&T R&D", ["#1", "@joe", "AT&T", "R&D"]),
        ("hi :-)", ["hi"]),
        ("great👍🏽 job", ["great", "job"]),
        ("straße élan", ["straße", "élan"]),
        ("50 क्या आपके पास डेरी मिल्क", ["50", "क्या", "आपके", "पास", "डेरी", "मिल्क"]),
        ("می‌خواهم بروم", ["می‌خواهم", "بروم"]),
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
    ],
)
def test_words_stand_between_spaces_without_punctuation_around_them(text: str, expected: list[str]) -> None:
    """Vowel signs, joiners and accents are parts of words, whatever the script."""
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10'000.00 or 3,000 or .5", ["10'000.00", "3,000", ".5"]),
        ("-5 to +7", ["-5", "+7"]),
        ("$5 and €6", ["$5", "€6"]),
        ("(5) \"6\" 50%", ["5", "6", "50"]),
    ],
)
def test_numbers_keep_what_belongs_to_them(text: str, expected: list[str]) -> None:
    """Signs, currencies and points in front and inside; a percent sign behind them is punctuation."""
    assert [each for each in words(text) if each not in ("or", "to", "and")] == expected


def test_addresses_are_one_word() -> None:
    assert words("see https://a.org/x?q=1,2&c=(3), or mail joe.doe+x@a-b.org!") == ["see", "https://a.org/x?q=1,2&c=(3", "or", "mail", "joe.doe+x@a-b.org"]


@pytest.mark.parametrize(("text", "expected"), [("", []), ("  ", []), (":)", [":)"]), (" 👍 ", ["👍"]), ("?! ...", ["?! ..."])])
def test_a_text_of_punctuation_alone_is_one_token_and_an_empty_one_has_none(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_any_text_is_cut_into_pieces_in_order(text: str) -> None:
    """What is not empty has a token, tokens do not overlap, and every one is what stands at its place."""
    found = tokenizer().tokenize(text)
    assert bool(found) == bool(text.strip())
    assert all(text[each.start : each.end] == each.text != "" for each in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_a_message_without_text_has_no_tokens_and_says_nothing_of_them() -> None:
    first, second = tokenizer().process([Message.build(""), Message({"intent": "ask"})])
    assert (first.get("tokens"), second.get("tokens")) == ([], [])
    assert first.as_dict() == {"text": ""}


def test_a_pattern_splits_words_further_and_leaves_those_it_does_not_match() -> None:
    assert words("well-known, well", token_pattern=r"[a-z]+") == ["well", "known", "well"]
    assert words("ab12 34", token_pattern=r"[a-z]+") == ["ab", "34"]
    assert words("k:v w", token_pattern=r"\w:(\w)") == ["v", "w"]
    assert words("ab c", token_pattern=r"x*") == ["ab", "c"]


def test_names_of_intents_are_split_for_those_who_look_at_them() -> None:
    def parts(intent: str, **config: Any) -> Any:
        data = tokenizer(**config).process_training_data(TrainingData([Message.build("hi", intent)]))
        return data.training_examples[0].get("intent_tokens")

    assert parts("book_flight") is None
    assert parts("book_flight", intent_tokenization_flag=True) == ["book", "flight"]
    assert parts("book+flight", intent_tokenization_flag=True, intent_split_symbol="+") == ["book", "flight"]
    assert parts("travel.book_flight", prefix_separator_symbol=".") == ["travel", "book_flight"]


@pytest.mark.parametrize(
    "config", [{"token_pattern": "("}, {"token_pattern": 5}, {"token_pattern": "(a)(b)"}, {"intent_tokenization_flag": "yes"}, {"intent_split_symbol": ""}, {"prefix_separator_symbol": 1}]
)
def test_a_value_that_cannot_be_is_refused_by_its_option(config: dict[str, Any]) -> None:
    (option,) = config
    with pytest.raises(InvalidConfigException, match=option) as caught:
        tokenizer(**config)
    assert caught.value.code == "BG546"


def test_languages_without_spaces_are_not_for_it() -> None:
    assert WhitespaceTokenizer.not_supported_languages() == ["zh", "ja", "th"]
