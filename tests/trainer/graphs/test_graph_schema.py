"""Graphs of components as data: written, read back, cut down to what is needed."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
import yaml

from buildgraph.component import ExecutionContext
from buildgraph.errors import UsageError
from buildgraph.schema import GraphSchema, Policy, Resource, SchemaNode
from buildgraph.trainer.errors import GraphSchemaException
from buildgraph.trainer.runner import InlineRunner


@pytest.fixture
def schema(inline_lab) -> GraphSchema:
    import parts

    return GraphSchema(
        {
            "read": inline_lab.reader(),
            "train": SchemaNode({"number": "read"}, parts.Train, "create", "train", {"scale": 2, "deep": {"list": [1, {"a": None}], "real": 0.5}}, is_target=True),
            "inner": SchemaNode({}, parts.Outer.Inner, "create", "run", {}),
            "process": SchemaNode({"resource": "train", "number": "read"}, parts.Process, "load", "process", {}, True, True, False, Resource("train", "abc")),
            "never": SchemaNode({"number": "read"}, "parts:Add", "create", "run", {}, policy=Policy(cacheable=False, environment=("HOME",))),
        }
    )


@pytest.mark.parametrize("through", [lambda data: yaml.safe_load(yaml.safe_dump(data, sort_keys=False)), lambda data: json.loads(json.dumps(data)), lambda data: data], ids=["yaml", "json", "as it is"])
def test_a_schema_comes_back(schema, through):
    """Nested classes, too; classes come back as their names, which mean the same."""
    again = GraphSchema.from_dict(through(schema.as_dict()))
    assert again.as_dict() == schema.as_dict()
    assert [node.entry_point for node in again.nodes.values()] == [node.entry_point for node in schema.nodes.values()]
    assert again.nodes["process"].resource == Resource("train")
    assert GraphSchema.from_dict(through(again.as_dict())) == again


def test_reading_leaves_what_is_read_alone(schema):
    """It can be read twice."""
    data = schema.as_dict()
    before = deepcopy(data)
    first = GraphSchema.from_dict(data)
    assert data == before
    assert GraphSchema.from_dict(data) == first


def test_a_schema_that_was_read_runs(inline_lab):
    schema = GraphSchema({"give": inline_lab.node("Give", config={"value": 3}), "inner": inline_lab.node("parts:Outer.Inner"), "add": inline_lab.target("Add", {"number": "give"})})
    again = GraphSchema.from_dict(json.loads(json.dumps(schema.as_dict())))
    assert InlineRunner.create(again, inline_lab.storage(), ExecutionContext(again)).run(targets=["add", "inner"]) == {"add": 4, "inner": "inner"}


def test_most_of_a_node_may_be_left_out(schema):
    data = schema.as_dict()
    for key in ("resource", "eager", "is_target", "is_input", "needs", "config"):
        del data["nodes"]["inner"][key]
    assert GraphSchema.from_dict(data).nodes["inner"].entry_point == "parts:Outer.Inner"


@pytest.mark.parametrize("change", [{"usse": 1}, {"uses": None}, {"needs": ["a"]}, {"eager": "yes"}, {"resource": {"nmae": "x"}}], ids=str)
def test_a_mistake_names_node_and_key(schema, change):
    data = schema.as_dict()
    data["nodes"]["train"].update(change)
    if change.get("uses", "") is None:
        del data["nodes"]["train"]["uses"]
    with pytest.raises(UsageError) as raised:
        GraphSchema.from_dict(data)
    assert "train" in raised.value.headline
    assert next(iter(change)) in str(raised.value)


@pytest.mark.parametrize("uses", ["nowhere.Thing", "parts.Nothing", "nodots", "parts:Outer.Nobody"])
def test_a_class_that_is_not_there_is_an_error_of_the_schema(inline_lab, uses):
    schema = GraphSchema.from_dict({"nodes": {"odd": {"uses": uses, "is_target": True}}})
    with pytest.raises(GraphSchemaException, match="odd"):
        InlineRunner.create(schema, inline_lab.storage(), ExecutionContext(schema))


def test_targets_come_in_the_order_of_the_nodes(schema):
    assert schema.target_names == ["train", "process"]


@pytest.mark.parametrize(
    ("targets", "kept"),
    [(None, ["read", "train", "process"]), ([], ["read", "train", "process"]), (["train"], ["read", "train"]), (["inner", "__importer__"], ["inner"]), (["never"], ["read", "never"])], ids=str,
)  # fmt: skip
def test_a_minimal_schema_is_targets_and_what_they_need(schema, targets, kept):
    """Names of inputs are tolerated; the order stays."""
    minimal = schema.minimal_graph_schema(targets)
    assert list(minimal.nodes) == kept
    assert all(minimal.nodes[name] is schema.nodes[name] for name in kept)
    assert len(schema.nodes) == 5


def test_placeholders_are_no_nodes(inline_lab):
    schema = GraphSchema({"text": inline_lab.target("Text", {"value": "__importer__"}), "aside": inline_lab.node("Give")})
    assert list(schema.minimal_graph_schema().nodes) == ["text"]
