"""What `validate` finds in a model configuration before anything of it runs, one rule after another, and what it lets pass."""

# Annotations in the field are written in every way that typing knows, so they are here.
# ruff: noqa: UP006, UP019, UP035, UP045

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Dict, List, Optional, Protocol, Text, Type

import pytest

from buildgraph.component import ExecutionContext, Fingerprintable, GraphComponent, ModelStorage
from buildgraph.errors import BuildgraphError
from buildgraph.schema import GraphSchema, Policy, Resource, SchemaNode
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.dialogue import PolicyPrediction
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.errors import GraphSchemaException, GraphSchemaValidationException
from buildgraph.trainer.importing import TrainingDataImporter
from buildgraph.trainer.recipes import DefaultV1Recipe
from buildgraph.trainer.recipes.registry import ComponentType, Registry
from buildgraph.trainer.storage import LocalModelStorage
from buildgraph.trainer.storage import ModelStorage as WholeStorage
from buildgraph.trainer.stories import StoryGraph
from buildgraph.trainer.validation import ManySchemaErrors, validate

# ---- components ------------------------------------------------------------------------------------------------------


class Plain(GraphComponent):
    """Everything about it is right; it has a method for every kind of value."""

    def run(self) -> TrainingData: ...

    def messages(self) -> list[Message]: ...

    def number(self) -> int: ...

    def nothing(self) -> None: ...

    def anything(self) -> Any: ...

    def bare_list(self) -> list: ...  # type: ignore[type-arg]  # the point

    def resource(self) -> Resource: ...

    def unannotated(self): ...  # type: ignore[no-untyped-def]  # the point

    def lost(self) -> NotThere: ...  # type: ignore[name-defined]  # noqa: F821 - the point

    def importer(self) -> TrainingDataImporter: ...

    def prediction(self) -> PolicyPrediction: ...

    def prediction_of_ones_own(self) -> Guess: ...


class Guess(PolicyPrediction):
    """As a policy of one's own may return it."""


class Takes(GraphComponent):
    """A method for every way to take something."""

    def data(self, training_data: TrainingData) -> TrainingData: ...

    def base(self, training_data: Fingerprintable) -> TrainingData: ...

    def optional(self, training_data: Optional[TrainingData] = None) -> TrainingData: ...

    def anything(self, training_data: Any) -> TrainingData: ...

    def untyped(self, training_data) -> TrainingData: ...  # type: ignore[no-untyped-def]  # the point

    def by_default(self, training_data: TrainingData, more: int = 3) -> TrainingData: ...

    def star(self, *args: Any, training_data: TrainingData) -> TrainingData: ...

    def collects(self, **kwargs: Any) -> TrainingData: ...

    def named_and_collects(self, training_data: TrainingData, **kwargs: Any) -> TrainingData: ...

    def messages(self, messages: List[Message]) -> List[Message]: ...

    def importer(self, importer: TrainingDataImporter) -> TrainingData: ...

    def tracker(self, tracker: Plain) -> TrainingData: ...

    def with_context(self, execution_context: ExecutionContext) -> TrainingData: ...

    def with_config(self, config: dict[str, Any]) -> TrainingData: ...


class Constructed(GraphComponent):
    """Its constructor takes something of its own, which its methods may want as well."""

    @classmethod
    def create(cls: Type[Constructed], config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, extra: TrainingData) -> Constructed: ...  # type: ignore[override]

    @classmethod
    def load(cls, config: dict[str, Any], model_storage: WholeStorage, resource: Resource, execution_context: ExecutionContext, extra: int = 3, **kwargs: Any) -> Constructed: ...

    @classmethod
    def of_config(cls, config: list[int]) -> Constructed: ...

    @classmethod
    def of_resource(cls, resource: str) -> Constructed: ...

    @classmethod
    def of_storage(cls, model_storage: Path) -> Constructed: ...

    @classmethod
    def of_context(cls, execution_context: Plain) -> Constructed: ...

    @classmethod
    def of_local(cls, model_storage: LocalModelStorage | None, config: Mapping[str, Any]) -> Constructed: ...

    def run(self) -> TrainingData: ...

    def again(self, extra: TrainingData) -> TrainingData: ...

    def with_config(self, config: str) -> TrainingData: ...


class NoComponent:
    def run(self) -> TrainingData: ...


class Speaks(Plain):
    @staticmethod
    def supported_languages() -> list[str] | None:
        return ["en", "de"]


class SpeaksNothing(Plain):
    @staticmethod
    def supported_languages() -> list[str] | None:
        return []


class Avoids(Plain):
    @staticmethod
    def not_supported_languages() -> list[str] | None:
        return ["en"]


class SaysBoth(Speaks):
    @staticmethod
    def not_supported_languages() -> list[str] | None:
        return ["fr"]


class Imports(Plain):
    @staticmethod
    def required_packages() -> list[str]:
        return ["json", "not_a_package_of_anybody"]


class ImportsWhatIsThere(Plain):
    @staticmethod
    def required_packages() -> list[str]:
        return ["json", "buildgraph.errors"]


class Stumbles(Plain):
    @staticmethod
    def required_packages() -> list[str]:
        raise KeyError("packages")


class AnswersNothing(Plain):
    @classmethod
    def required_components(cls) -> list[type]:
        return None  # type: ignore[return-value]  # the mistake

    @staticmethod
    def supported_languages() -> list[str] | None:
        return 3  # type: ignore[return-value]  # the mistake


class Odd(GraphComponent):
    """Annotated with things that are no types."""

    def run(self, a: 3 = None, b: [int] = 0, c: Refuses = 0) -> [int, 4]: ...  # type: ignore[valid-type]  # the point


class RefusesType(type):
    def __subclasscheck__(cls, other: type) -> bool:
        raise TypeError("no")


class Refuses(metaclass=RefusesType): ...


class Prepared(Plain):
    """Does something with what a `Plain` prepared."""

    @classmethod
    def required_components(cls) -> list[type]:
        return [Prepares]

    def use(self, left: Any = None, right: Any = None) -> TrainingData: ...


class Prepares(Plain): ...


class PreparesWell(Prepares): ...


class Outer:
    class Inner(Plain): ...


class NoForm:
    """Nothing says how to keep it."""


@dataclasses.dataclass
class Printed:
    said: str

    def fingerprint(self) -> str:
        return self.said


class PrintedWell(Printed): ...


class Kept:
    def to_cache(self, directory: Path, model_storage: ModelStorage) -> None: ...

    @classmethod
    def from_cache(cls, node_name: str, directory: Path, model_storage: ModelStorage, output_fingerprint: str) -> Kept: ...


class HasName(Protocol):
    name: str


class Returns(GraphComponent):
    def printed(self) -> Printed: ...

    def printed_well(self) -> PrintedWell: ...

    def kept(self) -> Kept | None: ...

    def no_form(self) -> NoForm: ...

    def no_forms(self) -> list[NoForm]: ...

    def maybe(self) -> int | NoForm: ...

    def generated(self) -> typing.Iterator[int]: ...

    def nested(self) -> Dict[Text, List[Path]]: ...

    def open(self) -> HasName: ...

    def pairs(self) -> tuple[str, ...]: ...

    def path(self) -> Path: ...


def plain_function() -> TrainingData: ...


IN_THIS_FILE = __name__

class Follow(GraphComponent):
    """A policy of one's own."""

    def train(self, training_trackers: StoryGraph, domain: Domain, precomputations: TrainingData | None = None) -> Resource: ...

    def predict_action_probabilities(self, tracker: Any, domain: Domain, precomputations: list[Message] | None = None) -> PolicyPrediction: ...


class Own(DefaultV1Recipe):
    """The default recipe, which knows that policy for these tests alone."""

    registry = Registry()


Own.registry.register(ComponentType.POLICY_WITH_END_TO_END_SUPPORT, is_trainable=True)(Follow)

# ---- configurations --------------------------------------------------------------------------------------------------


def node(uses: Any = Plain, needs: Mapping[str, str] | None = None, fn: str = "run", **changes: Any) -> SchemaNode:
    values: dict[str, Any] = {"constructor_name": "create", "config": {}, **changes}
    return SchemaNode(dict(needs or {}), uses, fn=fn, **values)


def target(*given: Any, **changes: Any) -> SchemaNode:
    return node(*given, is_target=True, **changes)


PREDICT = {"answer": node(Takes, {"messages": "__message__"}, "messages")}


def configured(train: Mapping[str, SchemaNode] | None = None, predict: Mapping[str, SchemaNode] | None = None, **changes: Any) -> GraphModelConfiguration:
    values: dict[str, Any] = {"language": None, "nlu_target": "answer", "core_target": None, **changes}
    schema = GraphSchema({**PREDICT, **(predict or {})})
    return GraphModelConfiguration(GraphSchema(train or {}), schema, TrainingType.BOTH, None, **values)


def refused(code: str, text: str, train: Mapping[str, SchemaNode] | None = None, predict: Mapping[str, SchemaNode] | None = None, **changes: Any) -> BuildgraphError:
    """The one mistake in a configuration; its message holds `text`."""
    with pytest.raises(GraphSchemaException) as caught:
        validate(configured(train, predict, **changes))
    error = caught.value
    assert not isinstance(error, ManySchemaErrors), str(error)
    assert (error.code, text in error.headline) == (code, True), error.headline
    assert error.where
    assert error.why
    assert error.fix
    return error


@pytest.fixture(params=["train", "predict"])
def either(request: pytest.FixtureRequest) -> str:
    """For what holds in both schemas."""
    return str(request.param)


# ---- the class of a node ---------------------------------------------------------------------------------------------


def test_a_configuration_without_a_mistake_passes(either: str) -> None:
    """Once read from classes and once from their names; validating changes nothing."""
    good = {"give": node(), "use": target(Takes, {"training_data": "give"}, "data")}
    configuration = configured(**{either: good})
    before = configuration.train_schema.as_dict(), configuration.predict_schema.as_dict()
    validate(configuration)
    assert (configuration.train_schema.as_dict(), configuration.predict_schema.as_dict()) == before
    validate(configured(**{either: GraphSchema.from_dict(GraphSchema(good).as_dict()).nodes}))


def test_a_class_that_is_no_component_is_refused(either: str) -> None:
    refused("BG550", "does not implement the GraphComponent interface", **{either: {"n": target(NoComponent)}})
    refused("BG550", "names no constructor", **{either: {"n": target(plain_function, constructor_name="")}})


@pytest.mark.parametrize(
    ("uses", "text"),
    [
        ("no_such_module_here.Class", "there is no module 'no_such_module_here'"),
        ("buildgraph.schema.Resorce", "has no 'Resorce'"),
        ("Plain", "is not the path of a class"),
        ("", "is not the path of a class"),
        ("json.dumps", "a function and not a class"),
        (plain_function, "a function and not a class"),
        (Resource("r"), "a Resource and not a class"),
    ],
)
def test_a_class_that_is_not_there_is_refused(uses: Any, text: str, either: str) -> None:
    error = refused("BG502", text, **{either: {"n": target(uses)}})
    assert type(error) is GraphSchemaException


def test_a_module_that_cannot_be_imported_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaks_on_import.py").write_text("import absent_from_everywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    error = refused("BG502", "No module named 'absent_from_everywhere'", {"n": target("breaks_on_import:C")})
    assert isinstance(error.__cause__, ModuleNotFoundError)


def test_a_class_that_no_other_process_finds_is_refused() -> None:
    """In a function, in the script itself, or under a name that leads to another class. Inputs stay here: they may."""

    class Local(Plain): ...

    twin = type("Plain", (Plain,), {"__module__": IN_THIS_FILE})
    script = type("Script", (Plain,), {"__module__": "__main__"})
    refused("BG508", "'test_a_class_that_no_other_process_finds_is_refused.<locals>.Local', which is defined in a function", {"n": target(Local)})
    refused("BG508", "defined in the script", {"n": target(script)})
    refused("BG508", "a place that its name does not lead to", {"n": target(twin)})
    validate(configured({"n": target(Local, is_input=True)}))
    refused("BG508", "a function", predict={"n": node(Local, is_input=True)})
    validate(configured({"n": target(Outer.Inner)}))


@pytest.mark.parametrize(
    ("uses", "language", "accepted"),
    [(Speaks, "en", True), (Speaks, "fr", False), (Speaks, None, True), (SpeaksNothing, "en", False), (SpeaksNothing, None, True), (Avoids, "en", False), (Avoids, "fr", True)],
)
def test_languages(uses: type, language: str | None, accepted: bool, either: str) -> None:
    """An empty list supports none; without a language anything goes."""
    if accepted:
        validate(configured(**{either: {"n": target(uses)}}, language=language))
    else:
        refused("BG551", f"does not support the language '{language}'", **{either: {"n": target(uses)}}, language=language)


def test_a_component_lists_languages_in_one_way() -> None:
    refused("BG551", "both languages that it supports and", {"n": target(SaysBoth)}, language="en")


def test_packages_have_to_be_installed(either: str) -> None:
    refused("BG552", "not installed: not_a_package_of_anybody", **{either: {"n": target(Imports)}})
    validate(configured(**{either: {"n": target(ImportsWhatIsThere)}}))


def test_a_component_that_raises_when_it_is_asked_is_named() -> None:
    refused("BG567", "Stumbles.required_packages raised KeyError", {"n": target(Stumbles)})
    with pytest.raises(ManySchemaErrors) as caught:
        validate(configured({"n": target(AnswersNothing)}))
    assert [each.headline.partition(" raised ")[0] for each in caught.value.errors] == [
        "node 'n' cannot be examined: AnswersNothing.supported_languages", "node 'n' cannot be examined: AnswersNothing.required_components",
    ]  # fmt: skip


def test_annotations_that_are_no_types_are_let_pass(either: str) -> None:
    give = node(fn="number")
    validate(configured(**{either: {"give": give, "odd": node(Odd, {"a": "give", "b": "give", "c": "give"}), "n": target(Takes, {"training_data": "odd"}, "data")}}))


# ---- its methods -----------------------------------------------------------------------------------------------------


def test_methods_have_to_exist(either: str) -> None:
    error = refused("BG553", "required method 'runn'", **{either: {"n": target(Plain, fn="runn")}})
    assert error.fix == "did you mean 'run'?"
    refused("BG553", "required method 'construct'", **{either: {"n": target(constructor_name="construct")}})


def test_annotations_have_to_lead_somewhere(either: str) -> None:
    refused("BG554", "forward reference", **{either: {"n": target(fn="lost")}})


@pytest.mark.parametrize(
    ("constructor", "parameter"), [("of_config", "config"), ("of_resource", "resource"), ("of_storage", "model_storage"), ("of_context", "execution_context")]
)
def test_what_the_trainer_fills_is_annotated_as_what_it_is(constructor: str, parameter: str, either: str) -> None:
    error = refused("BG555", f"'{parameter}' is annotated with an incompatible type", **{either: {"n": target(Constructed, constructor_name=constructor)}})
    assert f"'n' uses 'Constructed.{constructor}'" in error.headline


def test_the_method_too_has_those_parameters_as_what_they_are(either: str) -> None:
    refused("BG555", "incompatible type: str", **{either: {"n": target(Constructed, fn="with_config", constructor_name="load")}})


def test_annotations_of_the_trainers_parameters_may_be_wider_or_another_storage(either: str) -> None:
    """Also a hint on `cls`, `Dict[Text, Any]`, both classes called ModelStorage, and a union."""
    validate(configured(**{either: {"n": target(Constructed, constructor_name="of_local"), "m": target(Constructed, constructor_name="load")}}))
    validate(configured(**{either: {"give": node(), "n": target(Constructed, {"extra": "give"})}}))


def test_what_a_method_returns_is_annotated(either: str) -> None:
    refused("BG556", "does not have a type annotation", **{either: {"n": target(fn="unannotated")}})


@pytest.mark.parametrize("fn", ["no_form", "no_forms", "maybe", "generated"])
def test_what_a_training_cannot_keep_is_refused(fn: str) -> None:
    """By its type, the type of its elements, or one of several. A predict graph keeps nothing, a codec can, an input stays."""
    refused("BG557", "not fingerprintable", {"n": target(Returns, fn=fn)})
    validate(configured(predict={"n": node(Returns, fn=fn)}))
    validate(configured({"n": target(Returns, fn=fn, policy=Policy(codec="pickle"))}))
    validate(configured({"n": target(Returns, fn=fn, is_input=True)}))


@pytest.mark.parametrize(
    ("uses", "fn"),
    [
        *[(Plain, fn) for fn in ("run", "messages", "number", "nothing", "anything", "bare_list", "resource", "importer")],
        *[(Returns, fn) for fn in ("printed", "printed_well", "kept", "nested", "open", "pairs", "path")],
    ],
)
def test_what_can_be_kept_may_be_returned(uses: type, fn: str, either: str) -> None:
    """What has a fingerprint, and also what the engine stores: numbers, nothing, lists of who knows what."""
    validate(configured(**{either: {"n": target(uses, fn=fn)}}))


# ---- what it is given ------------------------------------------------------------------------------------------------


def test_a_parameter_without_a_default_has_to_be_given(either: str) -> None:
    refused("BG558", "needs the param 'training_data'", **{either: {"n": target(Takes, fn="data")}})
    validate(configured(**{either: {"give": node(), "n": target(Takes, {"training_data": "give"}, "by_default")}}))
    validate(configured(**{either: {"give": node(), "n": target(Takes, {"training_data": "give"}, "star")}}))


def test_of_the_trainers_parameters_a_method_is_given_the_context_alone(either: str) -> None:
    """The others are the constructor's, and the call would fail in the middle of a training."""
    validate(configured(**{either: {"n": target(Takes, fn="with_context")}}))
    refused("BG558", "needs the param 'config'", **{either: {"n": target(Takes, fn="with_config")}})


def test_a_need_that_nobody_takes_is_refused(either: str) -> None:
    error = refused("BG559", "does not accept a parameter", **{either: {"give": node(), "n": target(Takes, {"training_data": "give", "trainingdata": "give"}, "data")}})
    assert error.fix == "did you mean 'training_data'?"
    validate(configured(**{either: {"give": node(), "n": target(Takes, {"a": "give", "b": "give"}, "collects")}}))


def test_what_only_the_constructor_collects_reaches_nobody(either: str) -> None:
    refused("BG559", "does not accept a parameter", **{either: {"give": node(), "n": target(Constructed, {"other": "give"}, constructor_name="load")}})


def test_a_constructor_is_given_what_a_lazy_node_needs(either: str) -> None:
    give = {"give": node()}
    validate(configured(**{either: {**give, "n": target(Constructed, {"extra": "give"})}}))
    refused("BG558", "'create', which needs the param 'extra'", **{either: {"n": target(Constructed)}})
    refused("BG558", "which is used during training", **{either: {"n": target(Constructed, eager=True)}})
    validate(configured(**{either: {"n": target(Constructed, constructor_name="load", eager=True)}}))


def test_an_eager_constructor_is_not_given_a_need(either: str) -> None:
    """Two mistakes: it lacks the parameter, and nobody takes the need."""
    with pytest.raises(ManySchemaErrors) as caught:
        validate(configured(**{either: {"give": node(), "n": target(Constructed, {"extra": "give"}, eager=True)}}))
    assert [each.code for each in caught.value.errors] == ["BG558", "BG559"]


def test_what_the_constructor_takes_does_not_reach_the_method(either: str) -> None:
    error = refused("BG558", "'again', which needs the param 'extra'", **{either: {"give": node(), "n": target(Constructed, {"extra": "give"}, "again")}})
    assert "only the constructor is given 'extra'" in error.fix


def test_a_resource_of_a_parent_is_for_the_constructor(either: str) -> None:
    validate(configured(**{either: {"train": node(fn="resource"), "n": target(Plain, {"resource": "train"}, constructor_name="load")}}))
    validate(configured(**{either: {"train": node(fn="resource"), "n": target(Plain, {"resource": "train"}, eager=True)}}))
    refused("BG560", "expects an input of type Resource", **{either: {"give": node(), "n": target(Plain, {"resource": "give"})}})


def test_a_parent_has_to_exist_also_for_a_node_that_nobody_needs(either: str) -> None:
    for make in (node, target):
        error = refused("BG023", "which is not part of the graph", **{either: {"give": node(), "n": make(Takes, {"training_data": "giv"}, "data")}})
        assert f"The component is missing from the {either} schema" in error.headline
        assert error.fix == "did you mean 'give'?"
    refused("BG023", "not part of the graph", **{either: {"n": target(Takes, {"training_data": "__elsewhere__"}, "data")}})


@pytest.mark.parametrize(
    ("fn", "parent", "accepted"),
    [
        ("data", "run", True), ("data", "number", False), ("data", "nothing", False), ("data", "messages", False), ("data", "anything", True),
        ("base", "run", True), ("base", "number", False), ("optional", "run", True), ("optional", "nothing", True), ("optional", "number", False),
        ("anything", "number", True), ("untyped", "number", True), ("collects", "number", True), ("named_and_collects", "number", False), ("star", "number", False),
    ],
)  # fmt: skip
def test_a_parent_returns_what_is_wanted(fn: str, parent: str, accepted: bool, either: str) -> None:
    nodes = {"give": node(fn=parent), "n": target(Takes, {"training_data": "give"}, fn)}
    if accepted:
        validate(configured(**{either: nodes}))
    else:
        refused("BG560", "expects an input of type", **{either: nodes})


def test_a_constructor_too_is_given_what_it_wants(either: str) -> None:
    error = refused("BG560", "expects an input of type TrainingData", **{either: {"give": node(fn="number"), "n": target(Constructed, {"extra": "give"})}})
    assert error.headline == "node 'n' expects an input of type TrainingData for 'extra', and 'give' returns int"


@pytest.mark.parametrize(("fn", "parameter"), [("messages", "messages"), ("importer", "importer"), ("tracker", "tracker")])
def test_placeholders_have_types_also_directly_at_a_target(fn: str, parameter: str, either: str) -> None:
    """What tracks a conversation is anything."""
    placeholder = {"messages": "__message__", "importer": "__importer__", "tracker": "__tracker__"}[parameter]
    validate(configured(**{either: {"n": target(Takes, {parameter: placeholder}, fn)}}))
    if parameter != "tracker":
        other = "__importer__" if placeholder == "__message__" else "__message__"
        refused("BG560", "expects an input of type", **{either: {"n": target(Takes, {parameter: other}, fn)}})


# ---- the graph -------------------------------------------------------------------------------------------------------


def test_a_circle_is_named_also_when_no_target_needs_it(either: str) -> None:
    nodes = {
        "one": node(Takes, {"training_data": "three"}, "data"),
        "two": node(Takes, {"training_data": "one"}, "data"),
        "three": node(Takes, {"training_data": "two"}, "data"),
    }
    error = refused("BG021", "Cycles", **{either: nodes})
    assert error.headline == "Cycles: these nodes need each other: one -> three -> two -> one"
    refused("BG021", "n -> n", **{either: {"n": target(Takes, {"training_data": "n"}, "data")}})
    refused("BG021", "Cycles", **{either: {**nodes, "end": target(Takes, {"training_data": "one"}, "data")}})


def test_an_input_node_needs_only_input_nodes_in_training() -> None:
    below = node(Takes, {"training_data": "give"}, "data", is_input=True)
    refused("BG066", "input node 'read' needs 'give', which is not an input node", {"give": node(), "read": below})
    validate(configured({"give": node(is_input=True), "read": below}))
    validate(configured({"read": node(Takes, {"importer": "__importer__"}, "importer", is_input=True)}))
    validate(configured(predict={"give": node(), "read": below}))


@pytest.mark.parametrize("name", ["__importer__", "__message__", "__tracker__"])
def test_a_node_cannot_hide_a_placeholder(name: str, either: str) -> None:
    refused("BG566", f"node '{name}' has the name of a placeholder", **{either: {name: target()}})


@pytest.mark.parametrize("name", ["..", "a/../b", "", "a\0b"])
def test_a_resource_stays_where_resources_are(name: str, either: str) -> None:
    refused("BG227", "cannot be the name of a resource", **{either: {"n": target(resource=Resource(name))}})
    validate(configured(**{either: {"n": target(resource=Resource("a/b"))}}))


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"a": {"b": [1, object()]}}, "a.b[1]"),
        ({"pattern": {1, 2}}, "pattern: a set"),
        ({"file": Path("here")}, "file: a "),
        ({"share": float("nan")}, "share"),
        ({"share": [float("inf")]}, "share[0]: inf"),
        ({3: "three"}, "a key is a value of type int"),
        ({"data": b"bytes"}, "data: a bytes"),
    ],
)
def test_a_config_that_cannot_be_written_down_is_refused_before_anything_trains(config: dict[Any, Any], text: str, either: str) -> None:
    assert text in refused("BG565", "has a config that cannot be kept", **{either: {"n": target(config=config)}}).headline
    validate(configured(**{either: {"n": target(config={"a": (1, 2.5), "b": {"c": [None, True, "x"]}})}}))


def shaped(shape: str, above: type) -> dict[str, SchemaNode]:
    """Graphs in which the node `n` requires a component, with a node of the class `above` somewhere."""
    n = target(Prepared, {"left": "a"}, "use")
    middle = node(Takes, {"training_data": "a"}, "data")
    return {
        "alone": {"n": target(Prepared, fn="use"), "a": target(above)},
        "parent": {"a": node(above), "n": n},
        "grandparent": {"a": node(above), "b": middle, "n": target(Prepared, {"left": "b"}, "use")},
        "one of two parents": {"a": node(above), "b": node(), "n": target(Prepared, {"left": "b", "right": "a"}, "use")},
        "child": {"n": target(Prepared, fn="use"), "a": target(above), "end": target(Takes, {"training_data": "n"}, "data")},
        "diamond": {
            "a": node(above), "b": middle, "c": middle, "n": target(Prepared, {"left": "b", "right": "c"}, "use"),
        },
    }[shape]  # fmt: skip


@pytest.mark.parametrize("shape", ["alone", "parent", "grandparent", "one of two parents", "child", "diamond"])
@pytest.mark.parametrize("above", [Prepares, PreparesWell, Plain])
def test_required_components_come_before_a_node(shape: str, above: type, either: str) -> None:
    """The class or a subclass, anywhere above; beside or below does not count."""
    nodes = shaped(shape, above)
    if above is not Plain and shape not in ("alone", "child"):
        validate(configured(**{either: nodes}))
    else:
        error = refused("BG561", "1 components are missing", **{either: nodes})
        assert error.facts == (("node 'n'", "requires Prepares before it"),)


def test_nodes_without_what_they_require_are_counted_if_a_target_needs_them(either: str) -> None:
    lacking = {"one": target(Prepared, fn="use"), "two": target(Prepared, {"left": "one"}, "use"), "idle": node(Prepared, fn="use")}
    refused("BG561", "2 components are missing", **{either: lacking})


def test_what_the_nlu_target_needs_counts_although_it_is_not_marked() -> None:
    """Recipes mark no targets in a predict graph."""
    predict = {"one": node(Prepared, fn="use"), "end": node(Takes, {"messages": "mid"}, "messages"), "mid": node(Plain, fn="messages")}
    validate(configured(predict=predict, nlu_target="end"))
    predict["mid"] = node(Prepared, fn="messages")
    refused("BG561", "1 components are missing", predict=predict, nlu_target="end")


# ---- the targets of predictions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_model_has_an_nlu_target(nothing: str | None) -> None:
    refused("BG562", "no target for the 'nlu_target'", nlu_target=nothing)


@pytest.mark.parametrize(("kind", "key"), [("NLU", "nlu_target"), ("Core", "core_target")])
def test_a_target_of_predictions_is_a_node_that_nobody_needs(kind: str, key: str) -> None:
    refused("BG562", f"invalid {kind} target", **{key: "anser"})
    predict = {"first": node(fn="messages"), "second": node(Takes, {"training_data": "first"}, "anything")}
    others = {"core_target": {"first": node(fn="prediction"), "second": predict["second"]}}
    refused("BG563", f"node 'second' uses the {kind} target 'first' as input", predict=others.get(key, predict), **{key: "first"})


@pytest.mark.parametrize(("fn", "accepted"), [("messages", True), ("bare_list", True), ("run", False), ("nothing", False), ("anything", False)])
def test_the_nlu_target_returns_messages(fn: str, accepted: bool) -> None:
    if accepted:
        validate(configured(predict={"n": node(fn=fn)}, nlu_target="n"))
    else:
        refused("BG564", "NLU target 'n' has an invalid return type", predict={"n": node(fn=fn)}, nlu_target="n")


@pytest.mark.parametrize(("fn", "accepted"), [("prediction", True), ("prediction_of_ones_own", True), ("number", False), ("anything", False), ("messages", False), ("nothing", False)])
def test_the_core_target_returns_a_prediction(fn: str, accepted: bool) -> None:
    if accepted:
        validate(configured(predict={"n": node(fn=fn)}, core_target="n"))
    else:
        refused("BG564", "Core target 'n' has an invalid return type", predict={"n": node(fn=fn)}, core_target="n")


PIPELINE = ["WhitespaceTokenizer", "RegexFeaturizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier", "FallbackClassifier"]


@pytest.mark.parametrize("training_type", TrainingType)
@pytest.mark.parametrize("is_finetuning", [False, True])
def test_what_the_default_recipe_makes_passes(training_type: TrainingType, is_finetuning: bool) -> None:
    """With shipped components and a policy of one's own; a pipeline out of order does not."""
    pytest.importorskip("sklearn")
    config = {"language": "en", "assistant_id": "a", "pipeline": [{"name": name} for name in PIPELINE], "policies": [{"name": "Follow"}]}
    validate(Own().graph_config_for_recipe(config, {}, training_type, is_finetuning))
    config["pipeline"] = [{"name": name} for name in PIPELINE[::-1]]
    if training_type is not TrainingType.CORE:
        with pytest.raises(GraphSchemaValidationException, match="components are missing"):
            validate(Own().graph_config_for_recipe(config, {}, training_type, is_finetuning))


# ---- all of it together ----------------------------------------------------------------------------------------------


def test_all_mistakes_are_told_together_and_each_as_it_would_be_alone() -> None:
    train = {"a": target(Imports), "b": target("nowhere.at.All"), "c": target(Takes, {"training_data": "d"}, "data")}
    with pytest.raises(GraphSchemaValidationException) as caught:
        validate(configured(train, {"a": node(fn="lost")}, nlu_target=None))
    assert isinstance(caught.value, ManySchemaErrors)
    assert [each.code for each in caught.value.errors] == ["BG502", "BG552", "BG023", "BG554", "BG562"]
    assert str(caught.value).splitlines() == [each.headline for each in caught.value.errors]
    assert [place for each in caught.value.errors for place in each.where] == [
        "node 'b' of the train schema", "node 'a' of the train schema", "node 'c' of the train schema", "node 'a' of the predict schema", "the predict schema",
    ]  # fmt: skip
    assert "node 'a' uses 'Imports', which needs packages that are not installed" in "\n".join(caught.value.lines())


@pytest.mark.timeout(10)
def test_a_diamond_of_200_layers_is_validated_at_once() -> None:
    """Its paths are 2 to the power of 200; each node and edge is looked at once, and none by recursion."""
    for many in (200, 5000):
        nodes = {"top0": node(Prepares)}
        for i in range(many):
            nodes[f"left{i}"] = nodes[f"right{i}"] = node(Takes, {"training_data": f"top{i}"}, "data")
            nodes[f"top{i + 1}"] = node(Prepared, {"left": f"left{i}", "right": f"right{i}"}, "use", is_target=i == many - 1)
        validate(configured(nodes))
        with pytest.raises(GraphSchemaValidationException, match=f"{many} components are missing"):
            validate(configured({**nodes, "top0": node()}))
