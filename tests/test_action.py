"""Actions and results: every field is in the key or listed as not hashed with a reason; records are never guessed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildgraph.action import Action, ActionResult, Cost, DeepRecord, Output, describe
from buildgraph.code import CodeDigest, Options
from buildgraph.digest import Digest
from buildgraph.encoding import decode, encode
from buildgraph.fingerprint import deep_fingerprint, diff, explain, fingerprint, manifest
from buildgraph.scheduler.lowering import action_of, code_options
from buildgraph.schema import Policy, Resource, SchemaNode

ONE, OTHER = Digest.of(b"one"), Digest.of(b"other")

BASE = Action(
    uses="pkg.steps:Train", constructor="create", fn="run", eager=False, config=encode({"epochs": 3}),
    inputs=(("data", "value", ONE),), code=ONE, environment=(("LANG", "C"),), platform="cpython-3.11 linux-x86_64",
    outs=("model.bin",), codec="", inputs_as="values", resource="model", name="//app:train", salt="",
)  # fmt: skip

# One other value for every field of an action.
CHANGED: dict[str, Any] = {
    "uses": "pkg.steps:Fit",
    "constructor": "load",
    "fn": "train",
    "eager": True,
    "config": encode({"epochs": 4}),
    "inputs": (("data", "value", OTHER),),
    "code": OTHER,
    "environment": (("LANG", None),),
    "platform": "cpython-3.12 linux-x86_64",
    "outs": ("model.txt",),
    "codec": "npy",
    "inputs_as": "files",
    "resource": "other",
    "name": "//app:fit",
    "salt": "again",
}

# Which field of an action holds what a node declares.
HASHED_AS = {
    "needs": "inputs",
    "uses": "uses",
    "constructor_name": "constructor",
    "fn": "fn",
    "config": "config",
    "eager": "eager",
    "resource": "resource",
    "policy.environment": "environment",
    "policy.outs": "outs",
    "policy.codec": "codec",
    "policy.inputs": "inputs_as",
    "policy.salt": "salt",
}

# What of a node decides which code counts: hashed as the code digest that comes of it.
AS_CODE = {
    "policy.granularity": Options("module"),
    "policy.code_version": Options(version="2"),
    "policy.extra_code": Options(extra=("pkg.more",)),
    "policy.ignore_code": Options(ignored=("pkg.logs",)),
}
HASHED = {**HASHED_AS, **dict.fromkeys(AS_CODE, "code")}

NOT_HASHED = {
    "is_target": "says that the value is asked for, not what it is",
    "is_input": "says when the node runs: on every build; children see its output digest all the same",
    "policy": "holds fields that are decided one by one",
    "policy.timeout": "ends an action that takes too long; a result it allowed is the result without it",
    "policy.retries": "repeats what failed; failures are not recorded",
    "policy.sandbox": "narrows what an action may reach; what it was given is declared and hashed",
    "policy.cacheable": "says whether the result is kept, not what it is",
    "policy.tags": "are for people to select by",
}


def undescribed(kind: Any, walk: Callable[[Any], Iterator[tuple[str, Any]]], example: Any) -> dict[str, int]:
    """The fields of `kind` that the walk does not yield exactly once."""
    yielded = [name for name, _ in walk(example)]
    counts = {field.name: yielded.count(field.name) for field in dataclasses.fields(kind)}
    return {name: count for name, count in counts.items() if count != 1}


def undecided(kind: Any, prefix: str, hashed: Mapping[str, str], not_hashed: Mapping[str, str]) -> list[str]:
    """The fields of `kind` that are neither hashed nor listed with a reason, or that are both."""
    names = [prefix + field.name for field in dataclasses.fields(kind)]
    return [name for name in names if (name in hashed) == bool(not_hashed.get(name))]


def test_the_walk_yields_every_field_of_an_action_once() -> None:
    """Hash, explain and diff read this walk: a field it forgets is a field nobody sees."""
    assert undescribed(Action, describe, BASE) == {}
    assert [name for name, _ in describe(BASE)] == [field.name for field in dataclasses.fields(Action)]


def test_a_forgotten_field_would_be_noticed() -> None:
    """The detector can fail: an action with one more field, and a walk that tells a field twice."""

    @dataclasses.dataclass(frozen=True)
    class Extended(Action):
        colour: str = "red"

    extended = Extended(**{field.name: getattr(BASE, field.name) for field in dataclasses.fields(Action)})
    assert undescribed(Extended, describe, extended) == {"colour": 0}
    assert undescribed(Action, lambda action: iter([*describe(action), ("fn", 1)]), BASE) == {"fn": 2}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Action)])
def test_changing_a_field_changes_both_keys_and_shows_in_the_diff(field: str) -> None:
    """Under the field's own name."""
    changed = replace(BASE, **{field: CHANGED[field]})
    assert fingerprint(changed) != fingerprint(BASE)
    assert deep_fingerprint(changed) != deep_fingerprint(BASE)
    changes = diff(explain(manifest(BASE)), explain(manifest(changed)))
    assert {change.field.partition(".")[0] for change in changes} == {field}
    assert all(change.before != change.after for change in changes)


def test_every_field_of_a_node_is_hashed_or_listed_with_a_reason() -> None:
    """Adding a field to a node or a policy is a decision about keys."""
    assert undecided(SchemaNode, "", HASHED, NOT_HASHED) == []
    assert undecided(Policy, "policy.", HASHED, NOT_HASHED) == []
    assert set(HASHED_AS.values()) <= {field.name for field in dataclasses.fields(Action)}


def test_an_undecided_field_would_be_noticed() -> None:
    """The detector can fail: a field in no table, in both, or without a reason."""

    @dataclasses.dataclass(frozen=True)
    class Extended(Policy):
        colour: str = "red"

    assert undecided(Extended, "policy.", HASHED, NOT_HASHED) == ["policy.colour"]
    assert undecided(SchemaNode, "", HASHED_AS, {**NOT_HASHED, "fn": "because"}) == ["fn"]
    assert undecided(SchemaNode, "", HASHED_AS, {**NOT_HASHED, "is_target": ""}) == ["is_target"]


NODE = SchemaNode(needs={}, uses="pkg.steps:Train", constructor_name="create", fn="run", config={"epochs": 3})
NODE_CHANGES: dict[str, Any] = {
    "uses": "pkg.steps:Fit",
    "constructor_name": "load",
    "fn": "train",
    "config": {"epochs": 3.0},
    "eager": True,
    "is_target": True,
    "is_input": True,
    "resource": Resource("model"),
    "policy.timeout": 3.0,
    "policy.retries": 2,
    "policy.environment": ("LANG",),
    "policy.sandbox": "strict",
    "policy.cacheable": False,
    "policy.tags": ("slow",),
    "policy.outs": ("model.bin",),
    "policy.codec": "npy",
    "policy.inputs": "files",
    "policy.salt": "again",
}
CODE_CHANGES: dict[str, Any] = {
    "policy.granularity": "module",
    "policy.code_version": "2",
    "policy.extra_code": ("pkg.more",),
    "policy.ignore_code": ("pkg.logs",),
}


@pytest.mark.parametrize("path", CODE_CHANGES)
def test_what_decides_which_code_counts_reaches_the_code_digest(path: str) -> None:
    """As one option of it."""
    policy = replace(NODE.policy, **{path.partition(".")[2]: CODE_CHANGES[path]})
    assert code_options(NODE.policy, "definition", False) == Options()
    assert code_options(policy, "definition", False) == AS_CODE[path]


def lowered(node: SchemaNode, label: str = "//app:train") -> Action:
    """The action of `node` in a fixed environment, with a fixed code digest."""
    return action_of(label, node, CodeDigest(ONE, b"", (), (), ()), {"LANG": "C"}, "cpython-3.11 linux-x86_64")


@pytest.mark.parametrize("path", NODE_CHANGES)
def test_a_node_is_lowered_as_the_tables_say(path: str) -> None:
    """What is hashed changes exactly its field of the action, what is not hashed changes nothing."""
    outer, _, inner = path.rpartition(".")
    value = NODE_CHANGES[path]
    changed = replace(NODE, policy=replace(NODE.policy, **{inner: value})) if outer else replace(NODE, **{path: value})
    before, after = lowered(NODE), lowered(changed)
    names = [field.name for field in dataclasses.fields(Action)]
    different = [name for name in names if getattr(before, name) != getattr(after, name)]
    assert different == ([HASHED_AS[path]] if path in HASHED_AS else [])


def test_every_field_of_a_node_is_tried() -> None:
    """But for `needs`, which becomes the inputs once the parents are known, and `policy`, tried field by field."""
    fields = {field.name for field in dataclasses.fields(SchemaNode)} - {"needs", "policy"}
    assert {*NODE_CHANGES, *CODE_CHANGES} == fields | {f"policy.{field.name}" for field in dataclasses.fields(Policy)}


def test_inputs_are_filled_in_later() -> None:
    """Standing in for those of the action, they make the key of the action that has them."""
    inputs = (("x", "value", OTHER),)
    assert manifest(BASE, inputs) == manifest(replace(BASE, inputs=inputs))
    assert manifest(BASE, ()) == manifest(replace(BASE, inputs=()))


def test_manifests_and_records_are_canonical() -> None:
    """Although they are written without the walk of the encoder."""
    result = ActionResult(
        (Output("v", "value", OTHER, ONE, 3),), log=OTHER, cost=Cost(0.5, 1.0, 2**40, 3), signature=b"s"
    )
    deep = DeepRecord(None, ONE, (ONE, OTHER))
    for data in (manifest(BASE), manifest(BASE, deep=True), result.encode(), deep.encode()):
        assert encode(decode(data)) == data


# ---- records --------------------------------------------------------------------------------------------------------

OUTPUTS = st.builds(
    Output, st.text("ab/.", max_size=4), st.sampled_from(["value", "tree"]), st.sampled_from([ONE, OTHER]),
    st.just(ONE), st.integers(0, 2**40),
    st.sets(st.text("ab:.", max_size=3)).map(lambda names: tuple(sorted(names))),
)  # fmt: skip
RESULTS = st.builds(
    ActionResult, st.lists(OUTPUTS, min_size=1, max_size=3).map(tuple), st.none() | st.just(ONE),
    st.builds(Cost, st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 2**40), st.integers(0, 2**40)),
    st.integers(0, 2**33), st.text("ab@", max_size=3), st.text("ab/", max_size=3), st.binary(max_size=4),
)  # fmt: skip


@given(RESULTS)
@settings(max_examples=100)
def test_a_result_is_read_as_it_was_written(result: ActionResult) -> None:
    """Types included: digests come back as digests."""
    read = ActionResult.decode(result.encode())
    assert read == result
    assert read is not None
    assert all(type(blob) is Digest for blob in read.blobs())


def test_a_result_names_its_value_and_its_blobs() -> None:
    """The first output is the target's value; the log is a blob too."""
    result = ActionResult((Output("v", "value", OTHER, ONE, 3), Output("w", "tree", ONE, ONE, 4)), log=OTHER)
    assert result.value.name == "v"
    assert result.blobs() == [ONE, ONE, OTHER]
    assert result._replace(log=None).blobs() == [ONE, ONE]


def record(**changes: Any) -> bytes:
    """An encoded result in which some parts make no sense."""
    parts: dict[str, Any] = {
        "version": 1, "outputs": [["v", "value", ONE, ONE, 3]], "log": None, "cost": [0.1, 0.2, 3, 4],
        "created": 5, "writer": "", "scope": "", "signature": b"",
    }  # fmt: skip
    return encode(list({**parts, **changes}.values()))


NONSENSE = {
    "another version": record(version=2),
    "no outputs": record(outputs=[]),
    "outputs that are a text": record(outputs="abcde"),
    "an output without a size": record(outputs=[["v", "value", ONE, ONE]]),
    "an output without a name": record(outputs=[[None, "value", ONE, ONE, 3]]),
    "a negative size": record(outputs=[["v", "value", ONE, ONE, -1]]),
    "a size that is a flag": record(outputs=[["v", "value", ONE, ONE, True]]),
    "no classes, written out": record(outputs=[["v", "value", ONE, ONE, 3, []]]),
    "classes that are a text": record(outputs=[["v", "value", ONE, ONE, 3, "ab"]]),
    "classes in disorder": record(outputs=[["v", "value", ONE, ONE, 3, ["m:B", "m:A"]]]),
    "a class twice": record(outputs=[["v", "value", ONE, ONE, 3, ["m:A", "m:A"]]]),
    "a class that is a number": record(outputs=[["v", "value", ONE, ONE, 3, [1]]]),
    "an output with more": record(outputs=[["v", "value", ONE, ONE, 3, ["m:A"], 1]]),
    "a short digest": record(outputs=[["v", "value", ONE, ONE[:31], 3]]),
    "a long digest": record(outputs=[["v", "value", ONE + b"x", ONE, 3]]),
    "a digest that is a number": record(outputs=[["v", "value", 32, ONE, 3]]),
    "a digest that is text": record(outputs=[["v", "value", str(ONE), ONE, 3]]),
    "a log that is no digest": record(log=b"x"),
    "a cost of three": record(cost=[1, 2, 3]),
    "a cost in words": record(cost=["a", 2, 3, 4]),
    "a time before time": record(created=-1),
    "a writer that is a number": record(writer=1),
    "a signature that is text": record(signature="x"),
    "a part more": encode([1, [["v", "value", ONE, ONE, 3]], None, [1, 2, 3, 4], 5, "", "", b"", 1]),
    "a dict": encode({"outputs": []}),
    "nothing": b"",
    "half a record": record()[:-9],
    "a record and more": record() + b"\x01",
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_a_record_that_makes_no_sense_is_a_miss(data: bytes) -> None:
    """Never a guess and never an error: the target runs."""
    assert ActionResult.decode(data) is None
    assert DeepRecord.decode(data) is None


def test_the_nonsense_is_one_step_from_sense() -> None:
    """The records those cases damage are themselves read."""
    assert ActionResult.decode(record()) is not None
    assert ActionResult.decode(record(outputs=[["v", "value", ONE, ONE, 3, ["m:A", "m:B"]]])) is not None


def test_a_value_without_code_is_recorded_as_ever() -> None:
    """So results written before values could carry code are still read, and are equal bytes when written again."""
    assert ActionResult.decode(record()).encode() == record()  # type: ignore[union-attr]


@given(RESULTS, st.data())
@settings(max_examples=200)
def test_a_damaged_record_never_raises(result: ActionResult, data: Any) -> None:
    """Whatever a disk or another program made of it."""
    encoded = bytearray(result.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    ActionResult.decode(bytes(encoded))
    DeepRecord.decode(bytes(encoded))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_a_miss(data: bytes) -> None:
    """No error leaves the reader."""
    for read in (ActionResult.decode(data), DeepRecord.decode(data)):
        assert read is None or read.encode() == data


@given(st.none() | st.just(ONE), st.lists(st.sampled_from([ONE, OTHER]), max_size=3))
def test_a_deep_record_is_read_as_it_was_written(key: Digest | None, members: list[Digest]) -> None:
    """With a key of its own, or with those of a requested set."""
    deep = DeepRecord(key, OTHER, tuple(members))
    assert DeepRecord.decode(deep.encode()) == deep


@pytest.mark.parametrize(
    "parts", [[2, ONE, ONE, []], [1, ONE, None, []], [1, b"x", ONE, []], [1, ONE, ONE, [3]], [1, ONE, ONE, 3]]
)
def test_a_deep_record_that_makes_no_sense_is_a_miss(parts: list[Any]) -> None:
    """As for results."""
    assert DeepRecord.decode(encode(parts)) is None
