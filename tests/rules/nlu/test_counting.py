"""Counted words and pieces of words: columns in order of the n-grams, one row for a text."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sklearn")

from buildgraph.rules.nlu.counting import CountVectorsFeaturizer

from buildgraph.encoding import decode_trusted
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException


@pytest.fixture
def counted(desk: Any, message: Callable[..., Message]) -> Callable[..., dict[str, float]]:
    """How often each n-gram that was learnt from some texts is in another one."""

    def run(texts: list[str], text: str, **config: Any) -> dict[str, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loaded = desk.train(CountVectorsFeaturizer, TrainingData([message(each) for each in texts]), **config)
            (found,) = loaded.process([message(text)])
        names = decode_trusted(desk.files()["vocabulary.msgpack"])
        if not found.features:
            return {}
        (features,) = found.features
        assert (features.level, features.origin, features.shape) == ("sentence", "it", (1, len(names)))
        assert names == sorted(names)
        return dict(zip(names, features.matrix.toarray()[0].tolist(), strict=True))

    return run


def test_each_word_is_a_column_whatever_its_case_and_length(counted: Any) -> None:
    assert counted(["I book a flight", "a FLIGHT"], "a Flight a day") == {"a": 2, "book": 0, "flight": 1, "i": 0}


def test_case_can_matter(counted: Any) -> None:
    assert counted(["Book book"], "Book", lowercase=False) == {"Book": 1, "book": 0}


def test_numbers_are_one_word(counted: Any) -> None:
    assert counted(["room 12"], "room 99 and 7 v2") == {"0number0": 2, "room": 1}


def test_words_in_a_row(counted: Any) -> None:
    assert counted(["a b c"], "b c d", min_ngram=2, max_ngram=3) == {"a b": 0, "a b c": 0, "b c": 1}


def test_pieces_inside_words_and_across_them(counted: Any) -> None:
    assert counted(["ab"], "ab b", analyzer="char_wb", min_ngram=2, max_ngram=2) == {" a": 1, "ab": 1, "b ": 2}
    assert counted(["a b"], "a b", analyzer="char", min_ngram=3, max_ngram=3) == {"a b": 1}


def test_rare_and_frequent_words_are_left_out(counted: Any) -> None:
    texts = ["a b", "a b", "a c"]
    assert set(counted(texts, "a", min_df=2)) == {"a", "b"}
    assert set(counted(texts, "a", max_df=0.9)) == {"b", "c"}
    assert set(counted(texts, "a", max_features=1)) == {"a"}
    assert set(counted(texts, "a", stop_words=["A"])) == {"b", "c"}
    assert set(counted(["the cat"], "a", stop_words="english")) == {"cat"}


def test_accents_can_be_taken_off(counted: Any) -> None:
    assert counted(["Café"], "cafe CAFÉ", strip_accents="unicode") == {"cafe": 2}


def test_when_nothing_is_left_nothing_is_counted_and_a_warning_says_so(counted: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert counted(["a b", "c"], "a", min_df=3) == {}
    assert "learnt nothing" in caplog.text
    caplog.clear()
    assert counted([], "a") == {}
    assert "learnt nothing" in caplog.text


@pytest.mark.parametrize("text", ["", "👍"])
def test_a_text_without_known_words_has_a_row_of_zeros(counted: Any, text: str) -> None:
    assert counted(["hello"], text) == {"hello": 0}


def test_unknown_words_count_as_the_token_that_stands_for_them(counted: Any) -> None:
    """If training has seen it, or one of the words that it stands for; a word of which a part is known is known."""
    assert counted(["book __OOV__"], "book a well-known book", OOV_token="__oov__") == {"__oov__": 2, "book": 2}
    assert counted(["book foo"], "foo bar", OOV_token="oov", OOV_words=["Foo"]) == {"book": 0, "oov": 2}
    assert counted(["book foo"], "foo bar", OOV_token="oov", OOV_words="foo") == {"book": 0, "oov": 2}
    assert counted(["well known"], "well-known x", OOV_token="known") == {"known": 2, "well": 1}


def test_a_token_that_training_never_saw_changes_nothing_and_a_warning_says_so(counted: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert counted(["book"], "bar", OOV_token="oov") == {"book": 0}
    assert "OOV_token" in caplog.text


def test_options_for_what_is_not_counted_are_accepted(counted: Any) -> None:
    assert counted(["a"], "a", use_shared_vocab=True, use_lemma=False, additional_vocabulary_size={"text": 5}) == {"a": 1}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("analyzer", "words"), ("analyzer", None), ("min_ngram", 0), ("min_ngram", 1.0), ("min_ngram", 5), ("max_ngram", "4"), ("min_df", "2"), ("min_df", 0), ("min_df", 1.5), ("max_df", None),
        ("max_df", -0.1), ("max_features", 0), ("max_features", 10.0), ("lowercase", "yes"), ("strip_accents", "all"), ("stop_words", "german"), ("token_pattern", "("), ("token_pattern", None),
        ("OOV_token", ""), ("OOV_token", 1), ("OOV_words", None), ("OOV_words", [1]), ("min_df", True), ("alias", []),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_option(desk: Any, option: str, value: object) -> None:
    with pytest.raises(InvalidConfigException, match=option) as caught:
        desk.make(CountVectorsFeaturizer, **{option: value})
    assert caught.value.code == "BG546"
