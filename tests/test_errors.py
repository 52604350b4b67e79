"""Errors: five parts, one tree, one exit code each, and nothing in them can harm a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph import errors
from buildgraph.errors import BuildgraphError, EncodingError, Interrupted, Place, UsageError, escape, nearest


def kinds(root: type[BuildgraphError] = BuildgraphError) -> list[type[BuildgraphError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


def test_the_tree_drawn_in_the_docstring_is_the_tree() -> None:
    """Every class with its exit code, as drawn."""
    assert drawn_tree() == {
        kind.__name__: kind.exit_code for kind in kinds()[1:] if kind.__module__ == "buildgraph.errors"
    }


def drawn_tree() -> dict[str, int]:
    """The class names and exit codes that the docstring draws."""
    tree: dict[str, int] = {}
    for line in str(errors.__doc__).splitlines():
        _, branch, rest = line.partition("── ")
        if branch:
            tree[rest.split()[0]] = int(rest.rpartition("exit ")[2])
    return tree


def test_a_message_has_five_parts() -> None:
    """What, where with the line itself, the facts, why, fix, and where to read more."""
    error = UsageError(
        "these targets need each other in a circle",
        code="BG021",
        where=(Place("app/BUILD.py", 31, "train needs split", "    needs={'x': ':split'},\n"), "target '//app:split'"),
        facts=(("circle", "train -> split -> train"),),
        why="a target can run only after everything it needs",
        fix="drop one of these `needs`",
    )
    assert error.render() == (
        "error[BG021]: these targets need each other in a circle\n"
        "  where: app/BUILD.py:31  train needs split\n"
        "    | needs={'x': ':split'},\n"
        "    | ^^^^^^^^^^^^^^^^^^^^^^\n"
        "  where: target '//app:split'\n"
        "  circle: train -> split -> train\n"
        "  why: a target can run only after everything it needs\n"
        "  fix: drop one of these `needs`\n"
        "  more: buildgraph explain BG021"
    )
    assert str(error) == error.headline


def test_parts_that_are_empty_are_left_out() -> None:
    """No `why:` with nothing behind it."""
    assert UsageError("no", code="BG001").lines() == ["error[BG001]: no", "  more: buildgraph explain BG001"]


def test_a_message_is_also_plain_data() -> None:
    """For `--json` and the event log: the same parts, and JSON can hold them."""
    error = UsageError("no", code="BG001", where=Place("f", 3), facts=(("found", "\x1b"),), why="w", fix="f")
    data: dict[str, Any] = json.loads(json.dumps(error.as_dict()))
    assert data == {
        "code": "BG001",
        "headline": "no",
        "where": ["f:3"],
        "facts": {"found": "\x1b"},
        "why": "w",
        "fix": "f",
    }


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred",
        "\x1b]0;title\x07",
        "a\rb",
        "a\bb",
        "\x9b31m",
        "right\u202eleft",
        "\u2028",
        "\udcff",
        "zero\u200bwidth",
        "\0",
    ],
)
def test_what_steers_a_terminal_is_made_visible(text: str) -> None:
    """Wherever in the message it hides; names in files are not ours to trust."""
    place = Place(text, 1, text, text)
    shown = UsageError(text, code="BG001", where=place, facts=(("f", text),), why=text, fix=text).render()
    assert all(character.isprintable() or character == "\n" for character in shown)
    shown.encode()


@given(st.text())
def test_escaping_leaves_only_what_can_be_printed(text: str) -> None:
    """Printable text as it is; lines stay lines."""
    shown = escape(text)
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert shown.count("\n") == text.count("\n")
    assert shown == text or not text.isprintable()


def test_the_path_to_a_value_grows_from_the_inside() -> None:
    """Keys with dots between them, positions in brackets."""
    error = EncodingError("a lambda").inside("init").inside("[3]").inside("layers").inside("config")
    assert error.path == "config.layers[3].init"
    assert error.headline == "config.layers[3].init: a lambda"
    assert EncodingError("x", fix="do y", code="BG043").inside("a").fix == "do y"
    assert EncodingError("x", code="BG043").inside("a").code == "BG043"


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    """Or with nothing, rather than with nonsense."""
    assert nearest("tarin", ["train", "test"]) == "did you mean 'train'?"
    assert nearest("zzz", ["train", "test"]) == ""
    assert nearest("x", []) == ""


def test_errors_are_caught_by_their_kind() -> None:
    """User, machine, ourselves: what the user pressed is no failure of a target."""
    assert issubclass(EncodingError, UsageError)
    assert issubclass(errors.StoreError, errors.MachineError)
    assert Interrupted("stopped", code="BG999").exit_code == 130
    with pytest.raises(BuildgraphError):
        raise errors.LockError("held by process 7", code="BG900")
