"""Entities written inside examples: what is one, what is only a bracket, and what is a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.trainer.importing.entity_markup import MarkupError, parse_entities


def found(text: str) -> tuple[str, list[tuple[Any, ...]]]:
    """The plain text, and each entity as the words it covers with name, value, role and group."""
    plain, entities = parse_entities(text)
    return plain, [(plain[each["start"] : each["end"]], each["entity"], each["value"], each.get("role"), each.get("group")) for each in entities]


@pytest.mark.parametrize(
    ("text", "plain", "entities"),
    [
        ("to [Lyon](city) please", "to Lyon please", [("Lyon", "city", "Lyon", None, None)]),
        ("[the big apple](city:New York)!", "the big apple!", [("the big apple", "city", "New York", None, None)]),
        ("at [12:30](time:12:30:00)", "at 12:30", [("12:30", "time", "12:30:00", None, None)]),
        ('[LYS]{"entity": "city", "role": "from", "group": "1", "value": "Lyon"}', "LYS", [("LYS", "city", "Lyon", "from", "1")]),
        ('[a]{"entity": "e", "value": "} ] \\" ü"} b', "a b", [("a", "e", '} ] " ü', None, None)]),
        ('[two]{"entity": "n", "value": 2, "group": 1, "role": null}', "two", [("two", "n", "2", None, "1")]),
        ('[7]{"entity": 7}', "7", [("7", "7", "7", None, None)]),
        ('[on]{"entity": "switch", "value": true}', "on", [("on", "switch", "true", None, None)]),
        ('[1.50]{"entity": "price", "value": 1.50}', "1.50", [("1.50", "price", "1.50", None, None)]),
        ("[a](x) and [b](y)", "a and b", [("a", "x", "a", None, None), ("b", "y", "b", None, None)]),
        ("[a](x)[b](y)", "ab", [("a", "x", "a", None, None), ("b", "y", "b", None, None)]),
        ('[Lyon][{"entity": "city"}, {"entity": "goal"}]', "Lyon", [("Lyon", "city", "Lyon", None, None), ("Lyon", "goal", "Lyon", None, None)]),
        ("[日本](land:Japan) 🎌 [東京](stadt)", "日本 🎌 東京", [("日本", "land", "Japan", None, None), ("東京", "stadt", "東京", None, None)]),
        ("[ a [b](x)", "[ a b", [("b", "x", "b", None, None)]),
        (r"\[x\] [a\[0\]](item)", "[x] a[0]", [("a[0]", "item", "a[0]", None, None)]),
    ],
)  # fmt: skip
def test_entities_are_read(text: str, plain: str, entities: list[tuple[Any, ...]]) -> None:
    """With the place that they have in the text without markup."""
    assert found(text) == (plain, entities)


@pytest.mark.parametrize("text", ["", "plain", "press [enter] now", "sad :[", "x] y", "f(x)", "[a] (b)", "C:\\dir", "a [b and (c) d", '{"a": 1}'])
def test_brackets_that_mark_nothing_are_text(text: str) -> None:
    assert parse_entities(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "code", "problem"),
    [
        ("to [Lyon](city", "BG516", "never closed"),
        ("to Lyon](city)", "BG516", "never began"),
        ("to [Lyon(city)", "BG516", "never ends"),
        ('to [Lyon{"entity": "city"}', "BG516", "never ends"),
        ("to [](city)", "BG516", "no text"),
        ("to [Lyon]()", "BG516", "no name"),
        ("to [Lyon](:x)", "BG516", "no name"),
        ("to [Lyon]{'entity': 'city'}", "BG517", "not JSON"),
        ('to [Lyon]{"entity": "city"', "BG517", "not JSON"),
        ("to [Lyon]{city}", "BG517", "not JSON"),
        ('to [Lyon]{"role": "to"}', "BG517", "not JSON"),
        ('to [Lyon]{"entity": "city", "role": ["to"]}', "BG517", "not JSON"),
        ("to [Lyon]" + '{"entity":' * 5000, "BG517", "not JSON"),
    ],
)
def test_mistakes_are_told_apart(text: str, code: str, problem: str) -> None:
    with pytest.raises(MarkupError, match=problem) as caught:
        parse_entities(text)
    assert caught.value.code == code
    assert caught.value.why
    assert caught.value.fix


words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="[]\\"), min_size=1)
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(st.lists(st.tuples(words, st.none() | names), max_size=6), st.booleans())
def test_what_is_marked_up_is_read_back(pieces: list[tuple[str, str | None]], bracketed: bool) -> None:
    """Any text around and inside entities, with brackets in it that are escaped."""
    extra = "[x] " if bracketed else ""
    plain, marked, wanted = "", "", []
    for text, entity in pieces:
        if entity:
            wanted.append({"start": len(plain), "end": len(plain) + len(text), "value": text, "entity": entity})
        plain += text if entity else extra + text + " "
        marked += f"[{text}]({entity})" if entity else extra.replace("[", r"\[").replace("]", r"\]") + text + " "
    assert parse_entities(marked) == (plain, wanted)


@given(st.text("[](){}\"\\:, aé", max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    """It is read, or refused in words."""
    try:
        plain, entities = parse_entities(text)
    except MarkupError:
        return
    assert all(plain[each["start"] : each["end"]] for each in entities)
