"""Fingerprints: frozen keys of format 1, and changes told so that a person sees the difference."""

from __future__ import annotations

import datetime
import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from buildgraph.action import Action
from buildgraph.digest import Digest
from buildgraph.encoding import FORMAT, encode
from buildgraph.errors import EncodingError
from buildgraph.fingerprint import (
    KEY_FORMAT,
    Change,
    deep_fingerprint,
    diff,
    explain,
    fingerprint,
    group_fingerprint,
    manifest,
)

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "keys-v1.json").read_text())
DECISION = (
    "a frozen key of format 1 changed: every stored result of every user would miss, or worse, mean something else. "
    "If that is wanted, raise KEY_FORMAT (or FORMAT for values) and freeze new keys beside these; otherwise undo it"
)


def action(data: dict[str, Any]) -> Action:
    """The action written as plain data in the frozen file: digests by the text they are of, the config as a value."""
    fields = {
        **data,
        "config": encode(data["config"]),
        "code": Digest.of(data["code"].encode()),
        "inputs": tuple((name, codec, Digest.of(text.encode())) for name, codec, text in data["inputs"]),
        "environment": tuple((name, value) for name, value in data["environment"]),
        "outs": tuple(data["outs"]),
    }
    return Action(**fields)


VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "2**63 - 1": 2**63 - 1,
    "2**64": 2**64,
    "-(2**64)": -(2**64),
    "one as float": 1.0,
    "minus zero": -0.0,
    "text": "grün",
    "long text": "x" * 300,
    "bytes": b"\x00\xff",
    "list": [1, [2, "3"]],
    "tuple": (1, (2,)),
    "dict": {"b": 1, "a": {"ü": None}},
    "set": {3, 1, 2},
    "frozenset": frozenset({"b", "a"}),
    "path": PurePosixPath("data/train.csv"),
    "moment": datetime.datetime(2024, 5, 1, 12, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    "date": datetime.date(2024, 5, 1),
}


def keys(data: dict[str, Any]) -> list[str]:
    """The key and the deep key of an action written as plain data."""
    return [fingerprint(action(data)).hex(), deep_fingerprint(action(data)).hex()]


@pytest.mark.parametrize("name", GOLDEN["actions"])
def test_the_keys_of_actions_are_frozen(name: str) -> None:
    """A store written today is read by the next release."""
    case = GOLDEN["actions"][name]
    assert keys(case["action"]) == [case["key"], case["deep"]], DECISION


@pytest.mark.parametrize("name", GOLDEN["values"])
def test_the_encodings_of_values_are_frozen(name: str) -> None:
    """To the last byte."""
    assert encode(VALUES[name]).hex() == GOLDEN["values"][name], DECISION


def test_the_key_of_a_group_is_frozen() -> None:
    """A group does no work: its deep key is one digest over those of its members."""
    members = [Digest.of(b"one"), Digest.of(b"two")]
    assert group_fingerprint(members).hex() == GOLDEN["group"], DECISION
    assert group_fingerprint(members) != group_fingerprint(members[::-1])


def test_arrays_and_scalars_of_numpy_are_frozen() -> None:
    """They are written to stores too."""
    np: Any = pytest.importorskip("numpy")
    arrays = {
        "array": np.arange(4, dtype=">i4").reshape(2, 2),
        "records": np.array([(1, 2.0)], [("a", "i1"), ("b", "f8")]),
        "objects": np.array([1, "a"], dtype=object),
        "scalar": np.float32(0.5),
    }
    assert {name: encode(array).hex() for name, array in arrays.items()} == GOLDEN["numpy"], DECISION


def test_the_frozen_file_is_of_the_format_that_is_written() -> None:
    """A raised format needs a frozen file of its own; this one keeps its cases."""
    assert (GOLDEN["key_format"], GOLDEN["value_format"]) == (KEY_FORMAT, FORMAT), DECISION
    assert set(GOLDEN["values"]) == set(VALUES)
    assert len(GOLDEN["actions"]) + len(GOLDEN["values"]) >= 25


def test_the_frozen_keys_would_notice_a_change() -> None:
    """The detector can fail: any field of any frozen action counts, and no two actions share a key."""
    cases = GOLDEN["actions"].values()
    assert len({key for case in cases for key in (case["key"], case["deep"])}) == 2 * len(cases)
    for case in cases:
        assert keys({**case["action"], "salt": "other"}) != [case["key"], case["deep"]]


# ---- explain and diff -----------------------------------------------------------------------------------------------

BASE: dict[str, Any] = GOLDEN["actions"]["a component"]["action"]


def changes(**changed: Any) -> list[str]:
    """What `diff` says about a change of the base action, one line per field."""
    return [
        str(change) for change in diff(explain(manifest(action(BASE))), explain(manifest(action({**BASE, **changed}))))
    ]


def test_an_action_is_explained_in_words() -> None:
    """Config decoded, digests in the form people copy, inputs and environment by name."""
    found = explain(manifest(action(BASE)))
    assert found["uses"] == BASE["uses"]
    assert found["config"] == BASE["config"]
    assert found["code"] == str(Digest.of(BASE["code"].encode()))
    assert found["inputs"] == {name: f"{codec} {Digest.of(text.encode())}" for name, codec, text in BASE["inputs"]}
    assert found["environment"] == dict(BASE["environment"])
    assert explain(manifest(action(BASE), deep=True)) == found


def test_equal_actions_differ_in_nothing() -> None:
    """However deep the config."""
    assert changes() == []


def test_a_change_names_its_full_path_and_both_values() -> None:
    """The key inside the config, the name of the input, the variable."""
    config = {**BASE["config"], "optimizer": {"lr": 0.02, "momentum": 0.9}}
    assert changes(config=config) == [
        "config.optimizer.decay changed: 0 -> absent",
        "config.optimizer.lr changed: 0.01 -> 0.02",
        "config.optimizer.momentum changed: absent -> 0.9",
    ]
    assert changes(fn="fit") == ["fn changed: run -> fit"]
    assert changes(environment=[["LANG", None]]) == ["environment.LANG changed: C -> None"]
    before, after = (Digest.of(text).hex()[:10] for text in (b"tokens of the corpus", b"other tokens"))
    assert changes(inputs=[["tokens", "value", "other tokens"]]) == [
        f"inputs.tokens changed: value {before} -> value {after}"
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (1, "1", "config.epochs changed: 1 -> '1'"),
        (1, 1.0, "config.epochs changed: 1 -> 1.0"),
        (1, True, "config.epochs changed: 1 -> True"),
        (None, "None", "config.epochs changed: None -> 'None'"),
        ("absent", None, "config.epochs changed: absent -> None"),
        (0.0, -0.0, "config.epochs changed: 0.0 -> -0.0"),
        ([1], (1,), "config.epochs changed: [1] -> (1,)"),
    ],
)
def test_values_that_look_alike_are_told_apart(before: Any, after: Any, told: str) -> None:
    """A change that reads `1 -> 1` explains nothing."""
    one, other = ({**BASE, "config": {"epochs": value}} for value in (before, after))
    assert [str(change) for change in diff(explain(manifest(action(one))), explain(manifest(action(other))))] == [told]


def test_long_values_are_cut_but_still_told_apart() -> None:
    """By the digest of each, when the difference is behind the cut."""
    one, other = ({**BASE, "config": {"text": "x" * 200 + end}} for end in "ab")
    (change,) = diff(explain(manifest(action(one))), explain(manifest(action(other))))
    assert change.before != change.after
    assert len(str(change)) < 220


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        encode([]),
        encode(["buildgraph.action", KEY_FORMAT + 1, []]),
        encode(["buildgraph.other", KEY_FORMAT, []]),
        encode(["buildgraph.action", KEY_FORMAT, []]),
        encode(["buildgraph.action", KEY_FORMAT, 3]),
        encode(["buildgraph.action", KEY_FORMAT, [["config", 3]]]),
        encode(["buildgraph.action", KEY_FORMAT, [["config", encode({})], ["inputs", [1]]]]),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    """With one kind of error, whatever is wrong with it."""
    with pytest.raises(EncodingError):
        explain(data)


def test_a_change_reads_as_a_sentence() -> None:
    """As `explain` prints it."""
    assert str(Change("config.epochs", "1", "2")) == "config.epochs changed: 1 -> 2"
