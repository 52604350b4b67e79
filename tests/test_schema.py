"""The declared graph: it round-trips through plain data, finds what a target needs, and names what is wrong in it."""

from __future__ import annotations

import copy
import json
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.errors import UsageError
from buildgraph.schema import GraphSchema, Policy, Resource, SchemaNode, node_from_dict


def node(uses: Any = "pkg.steps:Train", **changes: Any) -> SchemaNode:
    """A node that needs nothing and is nothing special, but for `changes`."""
    values: dict[str, Any] = {"needs": {}, "constructor_name": "create", "fn": "run", "config": {}}
    return SchemaNode(uses=uses, **{**values, **changes})


TEXT = st.text("abcxyz:/._", max_size=6)
CONFIG = st.dictionaries(
    TEXT, st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT, max_size=3
)
POLICIES = st.builds(
    Policy,
    timeout=st.none() | st.floats(0.1, 100),
    retries=st.integers(0, 3),
    cacheable=st.booleans(),
    environment=st.lists(TEXT, max_size=2).map(tuple),
    tags=st.lists(TEXT, max_size=2).map(tuple),
    outs=st.lists(TEXT, max_size=2).map(tuple),
    salt=TEXT,
)
NODES = st.builds(
    SchemaNode,
    needs=st.dictionaries(TEXT, TEXT, max_size=3),
    uses=TEXT,
    constructor_name=TEXT,
    fn=TEXT,
    config=CONFIG,
    eager=st.booleans(),
    is_target=st.booleans(),
    is_input=st.booleans(),
    resource=st.none() | st.builds(Resource, TEXT, TEXT),
    policy=POLICIES,
)
SCHEMAS = st.builds(GraphSchema, st.dictionaries(TEXT, NODES, max_size=4))


@given(SCHEMAS)
def test_a_schema_comes_back_from_plain_data_json_and_yaml(schema: GraphSchema) -> None:
    """Equal, whichever way it went."""
    data = schema.as_dict()
    assert GraphSchema.from_dict(data) == schema
    assert GraphSchema.from_dict(json.loads(json.dumps(data))) == schema
    assert GraphSchema.from_dict(yaml.safe_load(yaml.safe_dump(data))) == schema


@given(SCHEMAS)
def test_reading_a_schema_leaves_its_data_as_it_was(schema: GraphSchema) -> None:
    """So it can be read twice; and the schema does not change when the data does afterwards."""
    data = schema.as_dict()
    before = copy.deepcopy(data)
    read = GraphSchema.from_dict(data)
    assert data == before
    for each in data["nodes"].values():
        each["config"]["later"] = 1
        each["needs"]["later"] = "x"
    assert read == schema


def test_plain_data_has_the_nine_fields_of_the_graph_trainer() -> None:
    """And the policy only when it says something."""
    schema = GraphSchema(
        {"train": node(needs={"data": "load"}, config={"epochs": 3}, resource=Resource("model", "abc"))}
    )
    assert schema.as_dict() == {
        "nodes": {
            "train": {
                "needs": {"data": "load"},
                "uses": "pkg.steps:Train",
                "constructor_name": "create",
                "fn": "run",
                "config": {"epochs": 3},
                "eager": False,
                "is_target": False,
                "is_input": False,
                "resource": {"name": "model", "output_fingerprint": "abc"},
            }
        }
    }
    patient = GraphSchema({"train": node(policy=Policy(timeout=60, outs=("m.bin",)))})
    assert patient.as_dict()["nodes"]["train"]["policy"] == {"timeout": 60, "outs": ["m.bin"]}


def test_a_class_is_written_as_the_name_it_is_imported_by() -> None:
    """A nested class included; read back, it names the same entry point."""

    class Local:
        pass

    for uses, written, entry in [
        (PurePosixPath, f"{PurePosixPath.__module__}.PurePosixPath", f"{PurePosixPath.__module__}:PurePosixPath"),
        (Local, f"{__name__}:{Local.__qualname__}", f"{__name__}:{Local.__qualname__}"),
        ("pkg.steps.Train", "pkg.steps.Train", "pkg.steps:Train"),
        ("pkg.steps:Outer.Inner", "pkg.steps:Outer.Inner", "pkg.steps:Outer.Inner"),
    ]:
        data = GraphSchema({"n": node(uses)}).as_dict()
        assert data["nodes"]["n"]["uses"] == written
        assert node(uses).entry_point == GraphSchema.from_dict(data).nodes["n"].entry_point == entry


def test_a_node_knows_what_kind_it_is() -> None:
    """A class with a method, a plain function, or a group."""
    assert not node().is_function
    assert node(constructor_name="").is_function
    assert node("").is_group
    assert not node().is_group
    assert not node(PurePosixPath).is_group
    assert node(policy=Policy(tags=("implicit",))).is_implicit


def test_fields_left_out_have_the_values_the_graph_trainer_gives_them() -> None:
    """A node is as short as it can be."""
    assert node_from_dict("n", {"uses": "pkg.steps:Train"}) == node()
    assert node_from_dict("n", {"uses": "pkg.steps:Train", "config": None, "needs": None, "resource": None}) == node()


def test_what_a_resource_contains_takes_no_part_in_comparing() -> None:
    """Two schemas that differ only in a fingerprint are the same schema."""
    assert node(resource=Resource("m", "one")) == node(resource=Resource("m", "other"))
    assert node(resource=Resource("m")) != node(resource=Resource("n"))
    assert Resource("m", "one").fingerprint() == "one"


def test_the_minimal_schema_holds_the_targets_and_all_they_need() -> None:
    """In node order, sharing the nodes; an empty list means the marked targets; names from outside are tolerated."""
    nodes = {
        "load": node(needs={"given": "outside"}),
        "train": node(needs={"data": "load"}, is_target=True),
        "report": node(needs={"model": "train"}),
        "other": node(is_target=True),
    }
    schema = GraphSchema(nodes)
    assert schema.target_names == ["train", "other"]
    assert list(schema.minimal_graph_schema().nodes) == ["load", "train", "other"]
    assert list(schema.minimal_graph_schema([]).nodes) == ["load", "train", "other"]
    assert list(schema.minimal_graph_schema(["report"]).nodes) == ["load", "train", "report"]
    assert schema.minimal_graph_schema(["report"]).nodes["load"] is nodes["load"]
    assert list(schema.nodes) == list(nodes)


def test_the_minimal_schema_of_a_diamond_with_2_to_the_200_paths_is_found_at_once() -> None:
    """Each node is visited once, not each path."""
    nodes = {"top0": node()}
    for i in range(200):
        nodes[f"left{i}"] = nodes[f"right{i}"] = node(needs={"x": f"top{i}"})
        nodes[f"top{i + 1}"] = node(needs={"l": f"left{i}", "r": f"right{i}"})
    assert len(GraphSchema(nodes).minimal_graph_schema(["top200"]).nodes) == len(nodes)


def test_a_schema_cannot_be_changed() -> None:
    """Decisions live beside it."""
    with pytest.raises(AttributeError):
        node().fn = "other"  # type: ignore[misc]  # the mistake this test is about
    with pytest.raises(AttributeError):
        GraphSchema({}).nodes = {}  # type: ignore[misc]  # the mistake this test is about


@pytest.mark.parametrize(
    ("data", "headline"),
    [
        ({}, "node 'n' has no 'uses'"),
        ({"uses": "a.b", "confg": {}}, "node 'n' has an unknown key 'confg'"),
        ({"uses": "a.b", "needs": ["x"]}, "node 'n': 'needs' is a list, not a mapping"),
        ({"uses": "a.b", "config": 3}, "node 'n': 'config' is a int, not a mapping"),
        ({"uses": "a.b", "fn": 3}, "node 'n': 'fn' is a int, not a str"),
        ({"uses": "a.b", "eager": "no"}, "node 'n': 'eager' is a str, not a bool"),
        ({"uses": "a.b", "resource": {}}, "resource of node 'n' has no 'name'"),
        ({"uses": "a.b", "resource": "model"}, "resource of node 'n' is a str, not a mapping"),
        ({"uses": "a.b", "policy": {"timeot": 3}}, "policy of node 'n' has an unknown key 'timeot'"),
        ("a.b", "node 'n' is a str, not a mapping"),
        (None, "node 'n' is a NoneType, not a mapping"),
    ],
)
def test_a_mistake_in_a_node_is_named(data: Any, headline: str) -> None:
    """The node, the key, and what to do."""
    with pytest.raises(UsageError) as caught:
        GraphSchema.from_dict({"nodes": {"n": data}})
    assert caught.value.headline == headline
    assert caught.value.code == "BG020"
    assert caught.value.why
    assert caught.value.fix


def test_a_misspelt_key_is_answered_with_the_nearest() -> None:
    """The commonest slip."""
    with pytest.raises(UsageError) as caught:
        node_from_dict("n", {"uses": "a.b", "confg": {}})
    assert caught.value.fix == "did you mean 'config'?"


@pytest.mark.parametrize("data", [{}, {"nodes": None}, {"nodes": []}, [], None, "nodes"])
def test_data_that_is_no_graph_is_refused(data: Any) -> None:
    """An empty file, a list, another file altogether."""
    with pytest.raises(UsageError, match="the graph has no mapping 'nodes'"):
        GraphSchema.from_dict(data)
