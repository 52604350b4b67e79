"""Patterns as features: a column each, a row for each word and one for the whole text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

pytest.importorskip("scipy")

import re

from buildgraph.rules.nlu.lookups import Lookup
from buildgraph.rules.nlu.patterns import RegexFeaturizer

from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException


def data(**more: Any) -> TrainingData:
    return TrainingData(
        [Message.build("hello")],
        regex_features=[{"name": "number", "pattern": r"\d+"}, {"name": "greeting", "pattern": "hel+o there"}],
        lookup_tables=[{"name": "city", "elements": ["York", "New York", "Köln", 1000]}, {"name": "empty", "elements": []}],
        **more,
    )


def columns(found: Message, level: str) -> list[list[float]]:
    (features,) = found.features_of(level)
    assert (features.origin, features.attribute) == ("it", "text")
    rows: list[list[float]] = features.matrix.toarray().tolist()
    return rows


def test_each_pattern_and_table_is_a_column(desk: Any, message: Callable[..., Message]) -> None:
    """Expressions first, then tables; one for a pattern marks all words that it touches."""
    first, second = desk.train(RegexFeaturizer, data()).process([message("hello there in New York 12"), message("nothing")])
    assert columns(first, "sequence") == [[0, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0]]
    assert columns(first, "sentence") == [[1, 1, 1]]
    assert columns(second, "sequence") == [[0, 0, 0]]
    assert columns(second, "sentence") == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("config", "text", "hit"),
    [
        ({}, "york", 0), ({"case_sensitive": False}, "york", 1), ({"case_sensitive": False}, "KÖLN", 1), ({}, "Yorkshire", 0),
        ({"use_word_boundaries": False}, "Yorkshire", 1), ({"use_word_boundaries": False}, "xYork", 1), ({}, "York,", 1),
    ],
)  # fmt: skip
def test_case_and_boundaries_are_options(desk: Any, message: Callable[..., Message], config: dict[str, Any], text: str, hit: int) -> None:
    (found,) = desk.train(RegexFeaturizer, data(), **config).process([message(text)])
    assert columns(found, "sentence")[0][2] == hit


def test_either_kind_can_be_left_out(desk: Any, message: Callable[..., Message]) -> None:
    for config, width in (({"use_regexes": False}, 1), ({"use_lookup_tables": False}, 2)):
        (found,) = desk.train(RegexFeaturizer, data(), **config).process([message("York")])
        assert len(columns(found, "sentence")[0]) == width


def test_without_patterns_there_are_no_features(desk: Any, message: Callable[..., Message]) -> None:
    (found,) = desk.train(RegexFeaturizer, TrainingData([message("a")])).process([message("a")])
    assert found.features == []
    assert desk.train(RegexFeaturizer, data()).process([]) == []


def test_a_text_without_words_has_no_rows_of_words(desk: Any) -> None:
    (found,) = desk.train(RegexFeaturizer, data()).process([Message.build("")])
    assert columns(found, "sequence") == []
    assert columns(found, "sentence") == [[0, 0, 0]]


def test_a_match_of_nothing_is_none(desk: Any, message: Callable[..., Message]) -> None:
    loose = TrainingData(regex_features=[{"name": "any", "pattern": "x*"}])
    (found,) = desk.train(RegexFeaturizer, loose).process([message("ab")])
    assert columns(found, "sentence") == [[0]]


def test_an_alias_names_the_features(desk: Any, message: Callable[..., Message]) -> None:
    (found,) = desk.train(RegexFeaturizer, data(), alias="mine").process([message("York")])
    assert {each.origin for each in found.features} == {"mine"}


def test_an_expression_that_is_none_is_refused_by_name(desk: Any) -> None:
    with pytest.raises(InvalidConfigException, match="broken") as caught:
        desk.train(RegexFeaturizer, TrainingData(regex_features=[{"name": "broken", "pattern": "("}]))
    assert caught.value.code == "BG547"


@pytest.mark.parametrize("config", [{"case_sensitive": "no"}, {"use_regexes": None}, {"alias": 5}])
def test_a_value_that_cannot_be_is_refused_by_its_option(desk: Any, config: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigException, match=next(iter(config))) as caught:
        desk.make(RegexFeaturizer, **config)
    assert caught.value.code == "BG546"


@pytest.mark.parametrize(("case_sensitive", "boundaries"), list(product([True, False], repeat=2)))
def test_a_table_finds_what_an_expression_of_all_elements_would(case_sensitive: bool, boundaries: bool) -> None:
    """Over all short texts of some letters, a dash and a space: the longest element at each place."""
    elements = ["a", "ab", "b-a", "A b", "-", "bb", "ab-b"]
    inner = "|".join(re.escape(each) for each in sorted(elements, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{inner})(?!\w)" if boundaries else inner, 0 if case_sensitive else re.IGNORECASE)
    lookup = Lookup(elements, case_sensitive=case_sensitive, boundaries=boundaries)
    texts = ["".join(each) for length in range(6) for each in product("aAb- ", repeat=length)]
    assert [list(lookup.spans(each)) for each in texts] == [[found.span() for found in pattern.finditer(each)] for each in texts]


@pytest.mark.parametrize(("element", "text"), [("ΟΔΟΣ", "οδος"), ("İzmir", "İzmir"), ("straße", "STRAßE")])
def test_a_text_without_case_stays_as_long_as_it_is(element: str, text: str) -> None:
    assert list(Lookup([element], case_sensitive=False, boundaries=True).spans(text)) == [(0, len(text))]
