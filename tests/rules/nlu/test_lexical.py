"""How words are written, as features: a column for each way that was seen in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("scipy")

from buildgraph.rules.nlu.lexical import LexicalSyntacticFeaturizer

from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException


def rows(found: Message) -> list[list[float]]:
    (features,) = found.features
    assert (features.level, features.origin) == ("sequence", "it")
    matrix: list[list[float]] = features.matrix.toarray().tolist()
    return matrix


def test_each_way_of_writing_is_a_column_in_order_of_its_name(desk: Any, message: Callable[..., Message]) -> None:
    shapes = desk.train(LexicalSyntacticFeaturizer, TrainingData([message("Hi you 7")]), features=[["title", "digit"]])
    (found,) = shapes.process([message("7 hi Hi")])
    assert rows(found) == [[0, 1, 1, 0], [1, 0, 1, 0], [1, 0, 0, 1]]  # digit False, digit True, title False, title True


def test_neighbours_are_described_where_there_are_any(desk: Any, message: Callable[..., Message]) -> None:
    """And so are the first and the last word."""
    shapes = desk.train(LexicalSyntacticFeaturizer, TrainingData([message("A b")]), features=[["upper"], ["BOS", "EOS"], ["upper"]])
    (found,) = shapes.process([message("A b")])
    # -1 upper True, 0 BOS False, 0 BOS True, 0 EOS False, 0 EOS True, 1 upper False
    assert rows(found) == [[0, 0, 1, 1, 0, 1], [1, 1, 0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("name", "alike", "other"),
    [
        ("low", "abc", "aBc"), ("title", "Abc", "abc"), ("upper", "ABC", "aBC"), ("digit", "12", "1a"), ("prefix2", "abx", "axx"), ("prefix5", "abcdefgh", "abcdxfgh"),
        ("suffix1", "xc", "cx"), ("suffix2", "xbc", "xxc"), ("suffix3", "xabc", "xxbc"), ("suffix5", "xxabcde", "xxxbcde"),
    ],
)  # fmt: skip
def test_what_was_not_seen_in_training_has_no_column(desk: Any, message: Callable[..., Message], name: str, alike: str, other: str) -> None:
    shapes = desk.train(LexicalSyntacticFeaturizer, TrainingData([message(alike)]), features=[[name]])
    assert [rows(each) for each in shapes.process([message(alike), message(other)])] == [[[1]], [[0]]]


def test_the_default_looks_at_one_word_to_each_side(desk: Any, message: Callable[..., Message]) -> None:
    texts = [message("Please book TWO seats"), message("thanks")]
    first, second = desk.train(LexicalSyntacticFeaturizer, TrainingData(texts)).process(texts)
    assert [sum(row) for row in rows(first)] == [9, 12, 12, 9]
    assert [sum(row) for row in rows(second)] == [6]


def test_without_words_there_are_no_rows_and_without_training_no_features(desk: Any, message: Callable[..., Message]) -> None:
    (empty,) = desk.train(LexicalSyntacticFeaturizer, TrainingData([message("a")])).process([message("")])
    assert rows(empty) == []
    (none,) = desk.train(LexicalSyntacticFeaturizer, TrainingData([])).process([message("a")])
    assert none.features == []


@pytest.mark.parametrize("features", [None, [], [["low"], ["low"]], ["low"], [["pos"]], [[["low"]]], "low"])
def test_a_window_that_cannot_be_is_refused(desk: Any, features: Any) -> None:
    with pytest.raises(InvalidConfigException, match="features") as caught:
        desk.make(LexicalSyntacticFeaturizer, features=features)
    assert caught.value.code == "BG546"
