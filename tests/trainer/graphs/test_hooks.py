"""Hooks see every node that runs, before and after; what they raise fails its node."""

from __future__ import annotations

from typing import Any

import pytest

from buildgraph.component import ExecutionContext
from buildgraph.errors import BuildgraphError
from buildgraph.schema import Resource
from buildgraph.trainer.errors import GraphComponentException, InvalidConfigException


class Diary:
    """A hook that writes down what it sees, and may have enough of it."""

    def __init__(self, pages: list[Any], name: str = "hook", fails: str = "", error: type[Exception] = RuntimeError) -> None:
        self.pages, self.name, self.fails, self.error = pages, name, fails, error

    def on_before_node(self, node_name, execution_context, config, received_inputs) -> dict[str, Any]:
        self.pages.append((self.name, "before", node_name, dict(config), dict(received_inputs), execution_context))
        if self.fails == "before":
            raise self.error("before is bad")
        return {"hook": self.name, "node": node_name}

    def on_after_node(self, node_name, execution_context, config, output, input_hook_data) -> None:
        self.pages.append((self.name, "after", node_name, dict(config), output, input_hook_data))
        if self.fails == "after":
            raise self.error("after is bad")


@pytest.fixture
def pages() -> list[Any]:
    return []


@pytest.fixture
def nodes(lab):
    return {
        "give": lab.node("Give", config={"value": 3}),
        "train": lab.target("Train", {"number": "give"}, fn="train"),
        "process": lab.target("Process", {"resource": "train", "number": "give"}, fn="process", constructor_name="load", config={"by": 2}),
    }


def test_hooks_see_inputs_by_parameter_and_outputs(lab, nodes, pages):
    """And the context knows which node it is."""
    lab.train(nodes, hooks=[Diary(pages)])
    before = {node: (inputs, context) for _, when, node, _, inputs, context in pages if when == "before"}
    after = {node: output for _, when, node, _, output, _ in pages if when == "after"}
    assert before["give"][0] == {}
    assert before["train"][0] == {"number": 3}
    assert before["process"][0] == {"number": 3, "resource": Resource("train")}
    assert after == {"give": 3, "train": Resource("train"), "process": 6}
    assert all(isinstance(context, ExecutionContext) and context.node_name == node for node, (_, context) in before.items())


def test_hooks_are_called_in_order_and_get_back_what_they_said(lab, pages):
    lab.train({"give": lab.target("Give", config={"value": 1})}, hooks=[Diary(pages, "first"), Diary(pages, "second")])
    assert [page[:3] for page in pages] == [("first", "before", "give"), ("second", "before", "give"), ("first", "after", "give"), ("second", "after", "give")]
    assert [page[5] for page in pages if page[1] == "after"] == [{"hook": "first", "node": "give"}, {"hook": "second", "node": "give"}]


def test_hooks_see_what_runs_and_nothing_that_is_found(lab, nodes, pages):
    lab.train(nodes)
    lab.train(nodes, hooks=[Diary(pages)])
    assert pages == []
    nodes["process"] = lab.changed(nodes["process"], by=3)
    lab.train(nodes, hooks=[Diary(pages)])
    assert {page[2] for page in pages} == {"process"}
    pages.clear()
    lab.train(nodes, hooks=[Diary(pages)], force=True)
    assert [page[2] for page in pages if page[1] == "after"].count("train") == 1
    assert {page[2] for page in pages} == set(nodes)


def test_hooks_change_no_fingerprint(lab, nodes, pages):
    first = lab.train(nodes, hooks=[Diary(pages)])
    second = lab.train(nodes)
    assert second.ran == []
    assert first.metadata.lineage == second.metadata.lineage


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("error", [RuntimeError, KeyError, lambda text: InvalidConfigException(text), lambda text: BuildgraphError(text, code="BG999")], ids=["plain", "key", "config", "ours"])
def test_what_a_hook_raises_fails_its_node(lab, pages, side, error):
    """Of whatever kind it is; no model is written."""
    nodes = {"give": lab.node("Give", config={"value": 3}), "train": lab.target("Train", {"number": "give"}, fn="train")}
    with pytest.raises(GraphComponentException) as raised:
        lab.train(nodes, hooks=[Diary(pages, fails=side, error=error)])
    assert raised.value.code == "BG503"
    assert "'give'" in raised.value.headline
    assert "Diary" in raised.value.headline
    assert f"{side} is bad" in raised.value.headline
    assert not (lab.folder / "models").exists()
    assert lab.heard.ran == []


def test_the_result_of_a_node_whose_hook_failed_is_not_kept(lab, pages):
    nodes = {"give": lab.target("Give", config={"value": 3})}
    with pytest.raises(GraphComponentException):
        lab.train(nodes, hooks=[Diary(pages, fails="after")])
    assert lab.train(nodes).ran == ["give"]


def test_after_a_node_that_fails_nobody_is_called(lab, pages):
    with pytest.raises(GraphComponentException, match="it never works"):
        lab.train({"fail": lab.target("Fail")}, hooks=[Diary(pages)])
    assert [page[1] for page in pages] == ["before"]


def test_hooks_see_defaults_and_settings(lab, pages):
    lab.train({"give": lab.node("Give", config={"value": 3}), "add": lab.target("Add", {"number": "give"}, config={"nested": {"left": 4}})}, hooks=[Diary(pages)])
    configs = {page[2]: page[3] for page in pages}
    assert configs["add"] == {"by": 1, "nested": {"left": 4, "right": 0}}


def test_defaults_that_cannot_be_had_are_an_error_of_the_node(lab, pages):
    """With hooks as without."""
    lab.write("other.py", "from parts import Base\n\nclass Odd(Base):\n    @staticmethod\n    def get_default_config():\n        raise ValueError('no defaults')\n\n    def run(self):\n        return 1\n")
    for hooks in ([], [Diary(pages)]):
        with pytest.raises(GraphComponentException, match=r"(?s)odd.*no defaults"):
            lab.train({"odd": lab.target("other.Odd")}, hooks=hooks)
