"""Running a graph: what is asked for comes out, what is not needed does not run, mistakes are named."""

from __future__ import annotations

from typing import Any

import pytest

from buildgraph.component import ExecutionContext
from buildgraph.errors import BuildgraphError
from buildgraph.schema import GraphSchema, Resource
from buildgraph.trainer.errors import (
    GraphComponentException,
    GraphRunError,
    GraphSchemaException,
    InvalidConfigException,
)
from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner


@pytest.fixture
def run(lab):
    """Creates a runner of the nodes and runs it."""

    def run_nodes(nodes, inputs=None, targets=None, *, storage=None, hooks=None, model_id=None) -> dict[str, Any]:
        schema = GraphSchema(nodes)
        runner = lab.runner.create(schema, storage or lab.storage(), ExecutionContext(schema, model_id=model_id), hooks)
        return runner.run(inputs, targets)

    return run_nodes


@pytest.fixture
def chain(lab):
    return {
        "give": lab.node("Give", config={"value": 3}),
        "add": lab.node("Add", {"number": "give"}, config={"by": 2}),
        "less": lab.target("Add", {"number": "add"}, config={"by": 1}, fn="less"),
        "aside": lab.node("Fail", {"number": "give"}),
    }


def test_values_go_from_node_to_node(run, chain):
    assert run(chain) == {"less": 4}


@pytest.mark.parametrize("eager", [False, True], ids=["lazy", "eager"])
def test_eager_or_not_the_values_are_the_same(lab, run, chain, eager):
    from dataclasses import replace

    assert run({name: replace(node, eager=eager) for name, node in chain.items()}) == {"less": 4}


def test_inputs_fill_placeholders(lab, run):
    nodes = {"add": lab.target("Add", {"number": "__message__"}, config={"by": 2})}
    assert run(nodes, {"__message__": 5}) == {"add": 7}


@pytest.mark.parametrize(("targets", "expected"), [(["add"], {"add": 5}), (["add", "give"], {"add": 5, "give": 3}), ([], {"less": 4}), (None, {"less": 4})], ids=str)
def test_targets_can_be_named(run, chain, targets, expected):
    assert run(chain, targets=targets) == expected


def test_a_value_that_is_asked_for_and_needed_comes_out(run, chain):
    """Though others have used it up."""
    assert run(chain, targets=["less", "give"]) == {"less": 4, "give": 3}


@pytest.mark.parametrize(
    ("config", "expected"), [({}, 4), ({"by": 3}, 6), ({"nested": {"left": 5}}, 9), ({"nested": {"left": 5, "right": 1}, "by": 0}, 9)], ids=str
)  # fmt: skip
def test_defaults_fill_in(lab, run, config, expected):
    assert run({"give": lab.node("Give", config={"value": 3}), "add": lab.target("Add", {"number": "give"}, config=config)}) == {"add": expected}


def test_nothing_comes_of_nothing(lab, run):
    assert run({}) == {}
    assert run({}, {"__message__": 1}) == {}
    assert run({"give": lab.node("Give", config={"value": 3})}) == {}


def test_what_is_not_needed_does_not_run(run, chain):
    with pytest.raises(GraphComponentException, match="aside"):
        run(chain, targets=["aside"])
    assert run(chain, targets=["less"]) == {"less": 4}


def test_a_node_loads_what_another_one_persisted(lab, run):
    """In one run, and afterwards from the storage."""
    storage = lab.storage()
    nodes = {
        "give": lab.node("Give", config={"value": 3}),
        "train": lab.node("Train", {"number": "give"}, fn="train"),
        "process": lab.target("Process", {"resource": "train"}, constructor_name="load"),
    }
    assert run(nodes, storage=storage) == {"process": 3}
    assert (storage.path / "train" / "model.txt").read_text() == "3"
    later = {"process": lab.target("Process", {"number": "__message__"}, fn="process", constructor_name="load", resource=Resource("train"), eager=True)}
    assert run(later, {"__message__": 4}, storage=storage) == {"process": 7}


def test_a_resource_can_be_asked_for(lab, run):
    nodes = {"give": lab.node("Give", config={"value": 3}), "train": lab.target("Train", {"number": "give"}, fn="train")}
    assert run(nodes) == {"train": Resource("train")}


def test_components_know_the_model_they_belong_to(lab, run):
    lab.write("other.py", "from parts import Base\n\nclass Who(Base):\n    def run(self):\n        return [self.context.model_id, self.context.node_name, self.context.is_finetuning]\n")
    assert run({"who": lab.target("other.Who")}, model_id="some id") == {"who": ["some id", "who", False]}


def test_an_input_called_like_a_node_is_refused(run, chain):
    """It does not take the node's place."""
    with pytest.raises(GraphRunError) as raised:
        run(chain, {"give": 100})
    assert raised.value.code == "BG506"
    assert "'give'" in raised.value.headline


def test_an_input_whose_value_is_the_name_of_a_node_is_refused(lab, run, chain):
    with pytest.raises(GraphRunError) as raised:
        run({**chain, "text": lab.target("Text", {"value": "__message__"})}, {"__message__": "give"})
    assert raised.value.code == "BG506"


def test_a_missing_input_is_named_before_anything_runs(lab, run, chain):
    nodes = {**chain, "text": lab.target("Text", {"value": "__message__"})}
    with pytest.raises(GraphRunError) as raised:
        run(nodes)
    assert raised.value.code == "BG504"
    assert all(f"'{name}'" in raised.value.headline for name in ("text", "__message__", "value"))


def test_an_unknown_target_is_named(run, chain):
    with pytest.raises(GraphRunError) as raised:
        run(chain, targets=["lses"])
    assert raised.value.code == "BG507"
    assert "'less'" in str(raised.value.fix)


def test_a_circle_is_named(lab, run):
    nodes = {"one": lab.target("Add", {"number": "two"}), "two": lab.node("Add", {"number": "one"})}
    with pytest.raises(GraphRunError) as raised:
        run(nodes)
    assert raised.value.code == "BG021"
    assert "one" in raised.value.headline
    assert "two" in raised.value.headline


def test_what_a_component_raises_names_its_node(lab, run):
    with pytest.raises(GraphComponentException, match=r"(?s)odd one.*it never works"):
        run({"odd one": lab.target("Fail")})
    with pytest.raises(InvalidConfigException, match="cannot be"):
        run({"odd one": lab.target("Fail", fn="refuse")})


def test_a_class_that_does_not_exist_is_named(lab, run):
    with pytest.raises(GraphSchemaException, match="Missing"):
        run({"missing": lab.target("Missing")})


def test_a_name_that_is_no_class_is_named(lab, run):
    with pytest.raises(BuildgraphError, match="not a class"):
        run({"odd": lab.target("tools.FACTOR")})


def test_hooks_see_the_nodes(lab, run, chain):
    seen = []

    class Hook:
        def on_before_node(self, node_name, execution_context, config, received_inputs):
            seen.append((node_name, dict(received_inputs)))
            return {}

        def on_after_node(self, node_name, execution_context, config, output, input_hook_data):
            seen.append((node_name, output))

    run(chain, hooks=[Hook()])
    assert seen == [("give", {}), ("give", 3), ("add", {"number": 3}), ("add", 5), ("less", {"number": 5}), ("less", 4)]


def test_a_runner_can_run_again(lab, chain):
    """Other inputs, other values; nothing of the first run is left."""
    nodes = {"add": lab.target("Add", {"number": "__message__"}, config={"by": 2}, eager=True)}
    schema = GraphSchema(nodes)
    runner = lab.runner.create(schema, lab.storage(), ExecutionContext(schema))
    assert [runner.run({"__message__": number}) for number in (1, 2, 1)] == [{"add": 3}, {"add": 4}, {"add": 3}]


def test_a_live_runner_passes_objects_as_they_are(inline_lab):
    """Within one process nothing is encoded: what goes in comes out, of whatever kind it is."""
    lab = inline_lab
    lab.write("other.py", "from parts import Base\n\nclass Same(Base):\n    def run(self, value):\n        return value\n")
    schema = GraphSchema({"same": lab.target("other.Same", {"value": "__message__"})})
    thing = object()
    assert InlineRunner.create(schema, lab.storage(), ExecutionContext(schema)).run({"__message__": thing})["same"] is thing


def test_a_pool_names_an_input_that_cannot_travel(make_lab):
    lab = make_lab(ProcessPoolRunner)
    lab.use()
    schema = GraphSchema({"text": lab.target("Text", {"value": "__message__"})})
    runner = lab.runner.create(schema, lab.storage(), ExecutionContext(schema))
    with pytest.raises(BuildgraphError, match="__message__") as raised:
        runner.run({"__message__": object()})
    assert raised.value.code == "BG232"


def test_diamonds_are_walked_once(inline_lab):
    lab = inline_lab
    nodes = {"0": lab.node("Give", config={"value": 1})}
    for layer in range(1, 201):
        nodes[str(layer)] = lab.node("Add", {"left": str(layer - 1), "right": str(layer - 1)}, fn="both")
    schema = GraphSchema(nodes)
    assert InlineRunner.create(schema, lab.storage(), ExecutionContext(schema)).run(targets=["200"]) == {"200": 2**200}
