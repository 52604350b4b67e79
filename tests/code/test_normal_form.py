"""The normal form: equal for sources that differ in spelling only, different for all others."""

from __future__ import annotations

import ast
import inspect
import json.decoder
import textwrap
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.code.summary import from_bytes, summarise, to_bytes
from buildgraph.digest import Digest

LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(0, 9) | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


def form(source: str) -> Digest:
    return summarise(source.encode()).digest


@pytest.mark.parametrize("module", [ast, inspect, json.decoder, textwrap])
def test_writing_real_code_anew_from_its_tree_keeps_its_form(module: ModuleType) -> None:
    source = inspect.getsource(module)
    again = ast.unparse(ast.parse(source))
    assert again != source and form(again) == form(source)


@given(LITERALS, LITERALS)
def test_two_literals_have_one_form_exactly_when_their_trees_are_equal(first: object, second: object) -> None:
    left, right = f"x = {first!r}", f"x = {second!r}"
    assert (form(left) == form(right)) == (ast.dump(ast.parse(left)) == ast.dump(ast.parse(right)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(a, b)", "f(a)(b)"),
        ("f(a=1)", "f(**{'a': 1})"),
        ("{**a}", "{None: a}"),
        ("x = 'a', 'b'", "x = 'a' 'b'"),
        ("x = 1", "x = True"),
        ("x = 'ab'", "x = b'ab'"),
        ("def f(a, /): pass", "def f(a): pass"),
        ("def f(a=None): pass", "def f(a): pass"),
        ("def f(*, a, b=1): pass", "def f(*, a=1, b): pass"),
        ("def f(): return", "def f(): return None"),
        ("f'{x}'", "f'{x!r}'"),
        ("a < b < c", "(a < b) < c"),
        ("from . import x", "from .. import x"),
        ("async def f(): pass", "def f(): pass"),
        ("if a:\n    b\nc", "if a:\n    b\n    c"),
    ],
)
def test_similar_statements_have_different_forms(one: str, other: str) -> None:
    assert form(one) != form(other)


def test_a_summary_comes_back_from_its_bytes() -> None:
    source = b"from .a import b as c\nimport d.e\n__all__ = ['c']\ndef f(n): exec(n)\n"
    summary = summarise(source)
    assert from_bytes(to_bytes(summary)) == summary
    assert from_bytes(None) is from_bytes(b"") is from_bytes(b"\x96\x01\x02\x03\x04\x05\x06") is None
