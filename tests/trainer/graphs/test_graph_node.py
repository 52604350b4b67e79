"""The life of one node with live objects: construction, inputs, config, resource, errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from buildgraph.component import ExecutionContext, GraphComponent
from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.trainer.errors import GraphComponentException, GraphRunError, InvalidConfigException
from buildgraph.trainer.node import GraphNode
from buildgraph.trainer.storage import LocalModelStorage

happened: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_happened():
    happened.clear()


class Part(GraphComponent):
    """Writes down what happens to it."""

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        happened.append("create")
        return cls(config, model_storage, resource, execution_context)

    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        happened.append("load")
        assert not kwargs
        return cls(config, model_storage, resource, execution_context)

    @classmethod
    def with_number(cls, config, model_storage, resource, execution_context, number):
        happened.append(("with number", number))
        return cls(config, model_storage, resource, execution_context)

    @classmethod
    def broken(cls, config, model_storage, resource, execution_context):
        raise ValueError("no parts left")

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"by": 1, "nested": {"left": 1, "right": 2}, "plain": {}}

    def __init__(self, config, model_storage, resource, execution_context):
        self.config, self.storage, self.resource, self.context = config, model_storage, resource, execution_context

    def run(self, number: int = 0, other: int = 0) -> int:
        happened.append("run")
        return number + other + self.config["by"]

    def needs_it(self, number: int) -> int:
        return number

    def anything(self, **inputs: Any) -> dict[str, Any]:
        return inputs

    def show_config(self) -> dict[str, Any]:
        return self.config

    def show_context(self) -> ExecutionContext:
        return self.context

    def show_resource(self) -> Resource:
        return self.resource

    def write(self) -> Resource:
        with self.storage.write_to(self.resource) as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "file.txt").write_text("learnt")
        return self.resource

    def read(self) -> str:
        with self.storage.read_from(self.resource) as folder:
            return (folder / "deep" / "file.txt").read_text()

    def fail(self) -> None:
        raise KeyError("lost")

    def refuse(self) -> None:
        raise InvalidConfigException("by cannot be 1")


@pytest.fixture
def storage(tmp_path) -> LocalModelStorage:
    return LocalModelStorage.create(tmp_path / "storage")


@pytest.fixture
def make(storage):
    def make_node(fn: str = "run", needs=None, *, constructor: str = "create", config=None, eager: bool = False, resource=None, context=None, hooks=None, name="node") -> GraphNode:
        context = context or ExecutionContext(GraphSchema({}), model_id="some id")
        return GraphNode(name, Part, constructor, config or {}, fn, needs or {}, eager, storage, resource, context, hooks)

    return make_node


def test_inputs_reach_the_method_by_parameter(make):
    assert make(needs={"number": "a", "other": "b"})(("a", 3), ("b", 4)) == ("node", 8)


def test_one_parent_may_fill_two_parameters(make):
    assert make(needs={"number": "a", "other": "a"})(("a", 3)) == ("node", 7)


@pytest.mark.parametrize(("config", "by"), [({}, 1), ({"by": 5}, 5), ({"by": 0}, 0), ({"unknown": 1}, 1)], ids=str)
def test_settings_come_before_defaults(make, config, by):
    assert make(config=config)() == ("node", by)


def test_a_default_that_is_a_dict_is_merged_one_level_deep(make):
    _, config = make("show_config", config={"nested": {"left": {"deep": 1}}, "plain": {"a": 1}})()
    assert config == {"by": 1, "nested": {"left": {"deep": 1}, "right": 2}, "plain": {"a": 1}}
    assert Part.get_default_config()["nested"] == {"left": 1, "right": 2}


def test_a_component_that_changes_its_config_changes_nobody_elses(storage):
    """Neither that of the next call nor what the schema says."""

    class Careless(Part):
        defaults: ClassVar = {"list": [1]}

        @classmethod
        def get_default_config(cls):
            return cls.defaults

        def run(self):
            self.config["list"].append(2)
            self.config["given"].append(2)
            return len(self.config["list"]), len(self.config["given"])

    schema = SchemaNode({}, Careless, "create", "run", {"given": [1]})
    node = GraphNode.from_schema_node("node", schema, storage, ExecutionContext(GraphSchema({})))
    assert [node()[1], node()[1]] == [(2, 2), (2, 2)]
    assert schema.config == {"given": [1]}
    assert Careless.defaults == {"list": [1]}


def test_another_constructor_can_be_named(make):
    make(constructor="load")()
    assert happened == ["load", "run"]


def test_an_eager_node_is_constructed_once_and_before(make):
    node = make(eager=True)
    assert happened == ["create"]
    node()
    node()
    assert happened == ["create", "run", "run"]


def test_any_other_node_is_constructed_for_every_call(make):
    node = make()
    assert happened == []
    node()
    node()
    assert happened == ["create", "run", "create", "run"]


def test_a_constructor_takes_the_inputs_that_it_names(make):
    """They do not reach the method; everything else does."""
    node = make("anything", {"number": "a", "other": "b"}, constructor="with_number")
    assert node(("a", 3), ("b", 4)) == ("node", {"other": 4})
    assert happened == [("with number", 3)]


def test_keyword_arguments_of_a_constructor_attract_nothing(make):
    assert make("anything", {"number": "a"}, constructor="load")(("a", 3)) == ("node", {"number": 3})


def test_an_input_taken_by_the_constructor_is_missing_in_the_method(make):
    with pytest.raises(GraphComponentException, match="number"):
        make("needs_it", {"number": "a"}, constructor="with_number")(("a", 3))


def test_all_inputs_of_an_eager_node_reach_the_method(make):
    assert make("anything", {"number": "a", "other": "b"}, eager=True)(("a", 3), ("b", 4)) == ("node", {"number": 3, "other": 4})


def test_the_context_is_a_snapshot_with_the_name_of_the_node(make):
    context = ExecutionContext(GraphSchema({"other": SchemaNode({}, Part, "create", "run", {})}), model_id="first", is_finetuning=True)
    node = make("show_context", context=context, name="me")
    later = replace(context, model_id="second")
    _, found = node()
    assert (found.model_id, found.node_name, found.is_finetuning) == ("first", "me", True)
    assert found.graph_schema is context.graph_schema
    assert (context.node_name, later.model_id) == (None, "second")


@pytest.mark.parametrize("eager", [False, True], ids=["lazy", "eager"])
def test_what_a_constructor_raises_names_the_node(make, eager):
    with pytest.raises(GraphComponentException, match=r"(?s)node.*no parts left") as raised:
        make(constructor="broken", eager=eager)()
    assert isinstance(raised.value.__cause__, ValueError)


def test_what_a_method_raises_names_the_node(make):
    with pytest.raises(GraphComponentException, match="'me'") as raised:
        make("fail", name="me")()
    assert isinstance(raised.value.__cause__, KeyError)


def test_a_config_that_is_refused_is_passed_on_as_it_is(make):
    with pytest.raises(InvalidConfigException, match="by cannot be 1"):
        make("refuse")()


@pytest.mark.parametrize("eager", [False, True], ids=["lazy", "eager"])
@pytest.mark.parametrize(("fn", "constructor"), [("rnu", "create"), ("run", "craete")], ids=["method", "constructor"])
def test_a_missing_method_is_named(make, eager, fn, constructor):
    with pytest.raises(GraphComponentException, match=r"rnu|craete"):
        make(fn, constructor=constructor, eager=eager)()


def test_an_input_that_nobody_gave_is_named(make):
    with pytest.raises(GraphRunError) as raised:
        make("needs_it", {"number": "a"}, name="me")()
    assert raised.value.code == "BG504"
    assert all(f"'{name}'" in raised.value.headline for name in ("me", "a", "number"))


def test_a_resource_is_called_like_its_node(make, storage):
    """Files and folders in it are there afterwards."""
    assert make("show_resource", name="me")() == ("me", Resource("me"))
    make("write", name="me")()
    assert (storage.path / "me" / "deep" / "file.txt").read_text() == "learnt"
    assert make("read", name="me")() == ("me", "learnt")


@pytest.mark.parametrize("eager", [False, True], ids=["lazy", "eager"])
def test_the_schema_may_name_another_resource(make, eager):
    make("write", name="writer")()
    assert make("read", name="reader", resource=Resource("writer"), eager=eager)() == ("reader", "learnt")


def test_a_parent_may_hand_over_its_resource(make):
    """Which comes before the one of the schema."""
    _, resource = make("write", name="writer")()
    assert make("read", {"resource": "writer"}, name="reader", resource=Resource("nobody's"))(("writer", resource)) == ("reader", "learnt")


class Hook:
    def __init__(self, pages: list[Any], fails: str = "") -> None:
        self.pages, self.fails = pages, fails

    def on_before_node(self, node_name, execution_context, config, received_inputs):
        self.pages.append(("before", node_name, execution_context.node_name, dict(config), dict(received_inputs), list(happened)))
        if self.fails == "before":
            raise InvalidConfigException("hook")
        return {"number": len(self.pages)}

    def on_after_node(self, node_name, execution_context, config, output, input_hook_data):
        self.pages.append(("after", output, input_hook_data))
        if self.fails == "after":
            raise InvalidConfigException("hook")


def test_hooks_are_called_around_construction_and_method(make):
    pages: list[Any] = []
    make(needs={"number": "a"}, hooks=[Hook(pages), Hook(pages)])(("a", 3))
    config = {"by": 1, "nested": {"left": 1, "right": 2}, "plain": {}}
    before = ("before", "node", "node", config, {"number": 3}, [])
    assert pages == [before, before, ("after", 4, {"number": 1}), ("after", 4, {"number": 2})]


@pytest.mark.parametrize("side", ["before", "after"])
def test_what_a_hook_raises_is_an_error_of_the_component(make, side):
    with pytest.raises(GraphComponentException) as raised:
        make(hooks=[Hook([], side)])()
    assert raised.value.code == "BG503"
    assert isinstance(raised.value.__cause__, InvalidConfigException)


def test_a_node_of_a_schema_is_the_same(storage):
    schema = SchemaNode({"number": "a"}, Part, "create", "run", {"by": 2}, resource=Resource("r"))
    assert GraphNode.from_schema_node("node", schema, storage, ExecutionContext(GraphSchema({})))(("a", 3)) == ("node", 5)
