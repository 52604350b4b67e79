"""`component`: the graph trainer's node: construction, config, inputs, resources."""

from __future__ import annotations

import json

import pytest

PARTS = '''from __future__ import annotations

from buildgraph.component import ExecutionContext, GraphComponent, ModelStorage, Resource


class Shown(GraphComponent):
    """Gives back what it was constructed and called with."""

    def __init__(self, how, config, resource, context, taken):
        self.seen = {"how": how, "config": config, "resource": resource.name, "node": context.node_name, "taken": taken}

    @staticmethod
    def get_default_config():
        return {"rate": 1, "nested": {"a": 1, "deep": {"x": 1, "y": 2}}, "list": [1, 2], "none": None}

    @classmethod
    def create(cls, config, model_storage, resource, execution_context, taken=None, **others):
        assert not others
        return cls("create", config, resource, execution_context, taken)

    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        return cls("load", config, resource, execution_context, None)

    def run(self, **inputs):
        return {**self.seen, "inputs": inputs}

    def other(self, x):
        return {**self.seen, "inputs": {"x": x}, "fn": "other"}


class Train(GraphComponent):
    def __init__(self, config, storage, resource):
        self.config, self.storage, self.resource = config, storage, resource

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config, model_storage, resource)

    def run(self, text):
        with self.storage.write_to(self.resource) as folder:
            (folder / "model.txt").write_text(text.upper())
            (folder / "sub").mkdir()
            (folder / "sub" / "more").write_text("more")
        return self.resource


class Predict(GraphComponent):
    def __init__(self, text):
        self.text = text

    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        with model_storage.read_from(resource) as folder:
            return cls((folder / "model.txt").read_text() + (folder / "sub" / "more").read_text())

    def run(self):
        return self.text


class Picky(GraphComponent):
    @staticmethod
    def required_packages():
        return ["surely_not_installed"]

    def run(self):
        return 1


def text():
    return "hello"
'''


@pytest.fixture
def shown(make):
    """What a component declared with these arguments saw."""

    def see(arguments, label="//:n"):
        workspace = make({"BUILD.py": f"python('text', fn='parts:text')\ncomponent('n', uses='parts:Shown', {arguments})", "parts.py": PARTS})
        built = workspace.build()
        assert built.ok, built.error(label)
        return json.loads(workspace.output(label).read_text())

    return see


class TestConfig:
    def test_defaults_stand_when_nothing_is_said(self, shown):
        assert shown("")["config"] == {"rate": 1, "nested": {"a": 1, "deep": {"x": 1, "y": 2}}, "list": [1, 2], "none": None}

    def test_a_given_value_replaces_the_default(self, shown):
        found = shown("config={'rate': 2, 'list': [3], 'none': {'k': 1}, 'new': 5}")["config"]
        assert (found["rate"], found["list"], found["none"], found["new"]) == (2, [3], {"k": 1}, 5)

    def test_a_dict_is_merged_one_level_deep(self, shown):
        assert shown("config={'nested': {'b': 2, 'deep': {'z': 3}}}")["config"]["nested"] == {"a": 1, "b": 2, "deep": {"z": 3}}

    def test_something_else_replaces_a_default_dict(self, shown):
        assert shown("config={'nested': 'off'}")["config"]["nested"] == "off"

    def test_a_changed_default_runs_it_again(self, make):
        workspace = make({"BUILD.py": "component('n', uses='parts:Shown')", "parts.py": PARTS})
        workspace.build()
        workspace.edit("parts.py", '"rate": 1', '"rate": 7')
        assert workspace.build().ran == ["//:n"]
        assert json.loads(workspace.output("//:n").read_text())["config"]["rate"] == 7


class TestConstruction:
    def test_the_default_constructor_is_create_and_the_default_method_run(self, shown):
        found = shown("")
        assert (found["how"], found["node"], found["inputs"]) == ("create", "//:n", {})

    def test_another_constructor_and_another_method(self, shown):
        found = shown("constructor_name='load', fn='other', needs={'x': ':text'}")
        assert (found["how"], found["fn"], found["inputs"]) == ("load", "other", {"x": "hello"})

    def test_an_input_that_the_constructor_names_goes_there_and_only_there(self, shown):
        found = shown("needs={'taken': ':text', 'rest': ':text'}")
        assert (found["taken"], found["inputs"]) == ("hello", {"rest": "hello"})

    def test_catch_all_parameters_of_a_constructor_attract_no_input(self, shown):
        found = shown("constructor_name='load', needs={'rest': ':text'}")
        assert found["inputs"] == {"rest": "hello"}

    def test_an_eager_component_gets_every_input_when_it_runs(self, shown):
        found = shown("eager=True, needs={'taken': ':text'}")
        assert (found["taken"], found["inputs"]) == (None, {"taken": "hello"})

    def test_its_resource_is_named_after_the_node_unless_given(self, shown):
        assert shown("")["resource"] == "//:n"
        assert shown("resource='mine', config={'rate': 3}")["resource"] == "mine"

    def test_the_resource_is_part_of_the_key(self, make):
        workspace = make({"BUILD.py": "component('n', uses='parts:Shown', resource='a')", "parts.py": PARTS})
        workspace.build()
        workspace.edit("BUILD.py", "resource='a'", "resource='b'")
        assert workspace.build().ran == ["//:n"]

    def test_marks_of_the_graph_trainer_do_not_change_what_runs(self, shown):
        assert shown("is_target=True")["how"] == "create"


class TestFilesAsInputs:
    def test_the_constructor_gets_files_in_the_form_of_its_annotation_too(self, make):
        workspace = make(
            {
                "BUILD.py": "component('n', uses='m:C', needs={'one': 'text.txt', 'two': 'text.txt'})",
                "m.py": """
from buildgraph.component import GraphComponent

class C(GraphComponent):
    def __init__(self, one):
        self.one = one

    @classmethod
    def create(cls, config, model_storage, resource, execution_context, one: str):
        return cls(one)

    def run(self, two: bytes):
        return [self.one, two.decode()]
""",
                "text.txt": "hi",
            }
        )
        built = workspace.build()
        assert built.ok, built.error("//:n")
        assert json.loads(workspace.output("//:n").read_text()) == ["hi", "hi"]


@pytest.mark.parametrize("runner", ["inline", "pool"])
class TestResources:
    DECLARED = """
python('text', fn='parts:text')
component('train', uses='parts:Train', needs={'text': ':text'}, resource='model')
component('predict', uses='parts:Predict', constructor_name='load', needs={'resource': ':train'})
"""

    def test_what_one_component_persists_another_loads(self, make, runner):
        workspace = make({"BUILD.py": self.DECLARED, "parts.py": PARTS}, runner=runner)
        built = workspace.build()
        assert built.ok, [error.render() for error in built.report.errors.values()]
        assert workspace.output("//:predict", "value.txt").read_text() == "HELLOmore"
        assert workspace.output("//:train", "model.txt").read_text() == "HELLO"

    def test_it_comes_from_the_store_when_only_the_consumer_is_stale(self, make, runner, tmp_path):
        workspace = make({"BUILD.py": self.DECLARED, "parts.py": PARTS}, runner=runner)
        workspace.build()
        elsewhere = workspace.copy(tmp_path / "elsewhere", workspace.store)
        elsewhere.edit("BUILD.py", "needs={'resource': ':train'}", "needs={'resource': ':train'}, config={'n': 1}")
        built = elsewhere.build()
        assert built.ran == ["//:predict"]
        assert elsewhere.output("//:predict", "value.txt").read_text() == "HELLOmore"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("uses='parts:Picky'", "surely_not_installed"),
        ("uses='parts:Shown', fn='rnu'", "run"),
        ("uses='parts:Shown', constructor_name='craete'", "create"),
        ("uses='parts:text'", "BG224"),
        ("uses='parts:Missing'", "BG102"),
        ("uses='parts:Predict', constructor_name='load'", "BG226"),
    ],
)
def test_what_is_wrong_is_named_with_its_target(make, arguments, expected):
    workspace = make({"BUILD.py": f"component('n', {arguments})", "parts.py": PARTS})
    try:
        built = workspace.build()
    except Exception as error:
        assert expected in error.render()
    else:
        assert expected in built.error("//:n")
