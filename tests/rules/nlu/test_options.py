"""Options: known ones with values of a sensible kind, or an error that says which and why."""

from __future__ import annotations

from typing import Any

import pytest
from buildgraph.rules.nlu.options import checked, expression, flags, number, one_of, texts

from buildgraph.trainer.errors import InvalidConfigException

DEFAULTS = {"threshold": 0.3, "ambiguity_threshold": 0.1}


def test_what_is_not_given_has_its_default() -> None:
    """And the name of an entry in a pipeline is no option."""
    assert checked({"threshold": 0.5, "name": "It"}, DEFAULTS, "It") == {"threshold": 0.5, "ambiguity_threshold": 0.1, "name": "It"}
    assert DEFAULTS == {"threshold": 0.3, "ambiguity_threshold": 0.1}


def test_an_unknown_option_is_named_with_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(InvalidConfigException, match="It has no option 'treshold'") as caught:
        checked({"treshold": 0.5}, DEFAULTS, "It")
    assert caught.value.code == "BG545"
    assert "ambiguity_threshold, threshold" in str(caught.value.facts)
    assert "threshold" in str(caught.value.fix)


def test_one_without_options_says_so() -> None:
    with pytest.raises(InvalidConfigException) as caught:
        checked({"any": 1}, {}, "It")
    assert "none" in str(caught.value.facts)


@pytest.mark.parametrize(
    ("value", "limits", "fits"),
    [
        (1, {}, True), (0, {}, True), (0.5, {}, True), (-1, {}, False), (True, {}, False), (None, {}, False), ("1", {}, False), (float("nan"), {}, False), (float("inf"), {}, False), (10**400, {}, False),
        (2, {"most": 1.0}, False), (1, {"most": 1.0}, True), (0, {"least": 1}, False), (0, {"above": True}, False), (1e-9, {"above": True}, True), (1.0, {"whole": True}, False), (1, {"whole": True}, True),
    ],
)  # fmt: skip
def test_numbers_have_limits(value: Any, limits: dict[str, Any], fits: bool) -> None:
    if fits:
        assert number({"x": value}, "x", "It", **limits) == value
        return
    with pytest.raises(InvalidConfigException, match="It cannot use x") as caught:
        number({"x": value}, "x", "It", **limits)
    assert caught.value.code == "BG546"
    assert "number" in str(caught.value.why)


@pytest.mark.parametrize(("value", "fits"), [("a", True), (None, True), (1, False), ([], False), ("b", False), (True, False)])
def test_one_of_several_is_of_the_same_kind(value: Any, fits: bool) -> None:
    if fits:
        assert one_of({"x": value}, "x", "It", ("a", None)) == value
        return
    with pytest.raises(InvalidConfigException, match="x"):
        one_of({"x": value}, "x", "It", ("a", None))


def test_one_is_not_true() -> None:
    with pytest.raises(InvalidConfigException):
        one_of({"x": 1}, "x", "It", (True, False))
    with pytest.raises(InvalidConfigException, match="It cannot use y") as caught:
        flags({"x": True, "y": 0}, "It", "x", "y")
    assert "true or false" in str(caught.value.why)
    flags({"x": True, "y": False}, "It", "x", "y")


def test_texts_may_be_one() -> None:
    assert texts({"x": "a"}, "x", "It") == texts({"x": ["a"]}, "x", "It") == ["a"]
    for value in (None, 1, ["a", 1]):
        with pytest.raises(InvalidConfigException):
            texts({"x": value}, "x", "It")


def test_expressions_are_compiled_or_refused() -> None:
    assert expression({"x": None}, "x", "It") is None
    found = expression({"x": "a+"}, "x", "It")
    assert found is not None
    assert found.findall("aab") == ["aa"]
    for value in ("(", 5, ["a"], "a{99999999999999999999}"):
        with pytest.raises(InvalidConfigException, match="x") as caught:
            expression({"x": value}, "x", "It")
        assert caught.value.code == "BG546"
