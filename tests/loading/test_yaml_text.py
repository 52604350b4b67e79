"""YAML is read by the rules of version 1.2, bounded, and without anything that could surprise or run."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.errors import Place, UsageError
from buildgraph.loading.yaml_text import MAX_SIZE, parse


def value(text: str) -> Any:
    return parse(text.encode(), "graph.yml").value


def refusal(data: bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(data, "graph.yml")
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("~", None),
        ("true", True),
        ("False", False),
        ("7", 7),
        ("-3", -3),
        ("0x1F", 31),
        ("0o17", 15),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("text", "text"),
        ('"7"', "7"),
        ("'true'", "true"),
        ("!!str 7", "7"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("[1, [2], {a: b}]", [1, [2], {"a": "b"}]),
        ("{}", {}),
        ("a:\n- x\n- y: 1\n  z: 2\n", {"a": ["x", {"y": 1, "z": 2}]}),
    ],
)
def test_plain_values(text: str, expected: Any) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))
    assert not parse(text.encode(), "f").warnings


@pytest.mark.parametrize("text", ["no", "Yes", "on", "OFF", "012", "12:30", "1_000", "0b11", "2024-01-31"])
def test_what_other_readers_take_for_something_else_stays_text_with_a_warning(text: str) -> None:
    document = parse(f"key: {text}".encode(), "graph.yml")
    assert document.value == {"key": text}
    ((code, message),) = document.warnings
    assert code == "BG125"
    assert message.startswith(f"graph.yml:1: {text} ")


def test_a_number_that_loses_a_digit_is_warned_of() -> None:
    document = parse(b"version: 1.10\nrate: 1.0\n", "graph.yml")
    assert document.value == {"version": 1.1, "rate": 1.0}
    assert len(document.warnings) == 1


def test_aliases_repeat_whole_values() -> None:
    assert value("a: &x {k: [1]}\nb: *x\n") == {"a": {"k": [1]}, "b": {"k": [1]}}


def test_an_alias_bomb_is_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    assert refusal("\n".join(rows).encode()).code == "BG123"


def test_an_alias_inside_of_its_own_value_is_refused() -> None:
    assert refusal(b"a: &x [1, *x]").code == "BG122"


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "BG121", 4),
        (b"a: 1\nb: !!python/object/apply:os.system [ls]\n", "BG122", 2),
        (b"a: !mine 3\n", "BG122", 1),
        (b"a: !!int '3'\n", "BG122", 1),
        (b"a: 1\n---\nb: 2\n", "BG122", 2),
        (b"a:\n\tb: 1\n", "BG120", 2),
        (b"a: [1\nb: 2\n", "BG120", 2),
        (b"a: 1\nb: \xff\n", "BG120", 2),
        (b"a: 1\nb: \x01\n", "BG120", 2),
        (b"? [a]\n: 1\n", "BG124", 1),
        (b"a: " + b"9" * 5000, "BG120", 1),
        (b"[" * 65 + b"]" * 65, "BG123", 1),
        (b"[" * 500_000, "BG123", 1),
        (b"a: *nobody\n", "BG122", 1),
    ],
)
def test_refused_with_a_line(data: bytes, code: str, line: int) -> None:
    error = refusal(data)
    place = error.where[0]
    assert isinstance(place, Place)
    assert (error.code, place.line) == (code, line)


def test_a_file_that_is_too_large_is_refused() -> None:
    assert refusal(b"#" * (MAX_SIZE + 1)).code == "BG123"


def test_a_byte_order_mark_and_windows_lines_are_fine() -> None:
    assert value("\ufeffa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_what_was_dumped_comes_back(plain: Any) -> None:
    assert value(yaml.safe_dump(plain)) == plain
