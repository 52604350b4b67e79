"""Graph schemas as a trainer's users write, save and read them, with component classes inside."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml

from buildgraph.component import GraphComponent
from buildgraph.errors import UsageError
from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.trainer.components import component_class
from buildgraph.trainer.errors import GraphSchemaException


class Tokenizer(GraphComponent):
    class Nested(GraphComponent):
        """A class in a class."""


def schema() -> GraphSchema:
    """Live classes, a nested config, a resource, and every flag."""
    return GraphSchema(
        {
            "read": SchemaNode({"importer": "__importer__"}, Tokenizer, "create", "run", {}, is_input=True),
            "train": SchemaNode({"data": "read"}, Tokenizer.Nested, "create", "train", {"n": {"grams": [1, 2], "of": {"kind": "char"}}, "share": 0.5}, is_target=True),
            "use": SchemaNode({"data": "read"}, "package.module.Name", "load", "process", {"none": None}, eager=True, resource=Resource("train", "print")),
        }
    )


def through_json(data: dict[str, Any]) -> Any:
    return json.loads(json.dumps(data))


def through_yaml(data: dict[str, Any]) -> Any:
    return yaml.safe_load(yaml.safe_dump(data))


@pytest.mark.parametrize("through", [copy.deepcopy, through_json, through_yaml])
def test_a_schema_comes_back_with_the_same_classes(through: Any) -> None:
    """Equal but for how classes are written, and those lead to the same classes, nested ones too."""
    written = through(schema().as_dict())
    back = GraphSchema.from_dict(written)
    assert back.as_dict() == schema().as_dict()
    assert GraphSchema.from_dict(through(back.as_dict())) == back
    assert component_class(back.nodes["read"], "read") is Tokenizer
    assert component_class(back.nodes["train"], "train") is Tokenizer.Nested
    resource = back.nodes["use"].resource
    assert resource == Resource("train")
    assert resource is not None
    assert resource.output_fingerprint == "print"
    for name, node in schema().nodes.items():
        assert (back.nodes[name].config, back.nodes[name].needs, back.nodes[name].entry_point) == (node.config, node.needs, node.entry_point)


def test_reading_leaves_the_data_alone_and_imports_nothing() -> None:
    """It can be read twice, also when a class is not installed here: whoever runs the schema looks for it."""
    data = schema().as_dict()
    before = copy.deepcopy(data)
    assert GraphSchema.from_dict(data) == GraphSchema.from_dict(data)
    assert data == before


def test_a_node_without_a_resource_is_given_one_of_its_own_name() -> None:
    data = schema().as_dict()
    for node in data["nodes"].values():
        del node["resource"]
    assert all(node.resource is None for node in GraphSchema.from_dict(data).nodes.values())


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("no_such_package_here.Name", "there is no module 'no_such_package_here'"),
        ("no_such_package_here:Name", "there is no module 'no_such_package_here'"),
        ("buildgraph.schema.NotThere", "module 'buildgraph.schema' has no 'NotThere'"),
        ("buildgraph.schema:Policy.NotThere", "module 'buildgraph.schema' has no 'Policy.NotThere'"),
        ("NoDot", "uses 'NoDot', which is not the path of a class"),
        ("buildgraph.schema:", "which is not the path of a class"),
        (".Name", "which is not the path of a class"),
        ("json.dumps", "uses 'json.dumps', which is a function and not a class"),
        ("buildgraph.schema.VALUES", "uses 'buildgraph.schema.VALUES', which is a str and not a class"),
    ],
)
def test_a_path_that_leads_to_no_class_is_an_error_of_the_schema(path: str, problem: str) -> None:
    """It names the node and the path, and keeps what the import said."""
    data = schema().as_dict()
    data["nodes"]["use"]["uses"] = path
    with pytest.raises(GraphSchemaException) as caught:
        component_class(GraphSchema.from_dict(data).nodes["use"], "use")
    assert caught.value.headline.startswith("node 'use' uses")
    assert problem in caught.value.headline
    assert caught.value.code == "BG502"
    assert caught.value.fix
    if "there is no" in problem or "has no" in problem:
        assert isinstance(caught.value.__cause__, UsageError)


def test_a_live_class_is_used_as_it_is() -> None:
    node = SchemaNode({}, Tokenizer, "create", "run", {})
    assert component_class(node, "n") is Tokenizer
