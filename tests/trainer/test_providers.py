"""What recipes put around a pipeline: data comes in, texts become messages, `/intent{...}` is taken at its word."""

from __future__ import annotations

import typing
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from buildgraph.component import ExecutionContext
from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.trainer import dialogue, providers
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.dialogue import (
    PolicyPrediction,
    PolicyPredictionEnsemble,
    StoryTextConverter,
    TrainingTrackerProvider,
)
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.providers import (
    DomainProvider,
    NLUMessageConverter,
    NLUTrainingDataProvider,
    RegexMessageHandler,
    StoriesProvider,
)
from buildgraph.trainer.schema_validator import SchemaValidator
from buildgraph.trainer.storage import LocalModelStorage
from buildgraph.trainer.stories import BOT, CHECKPOINT, USER, Step, Story, StoryGraph

NLU = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi
- intent: book
  examples: |
    - to [Rome](city)
    - to [Oslo](city)
"""
DOMAIN = "intents: [greet, book]\nentities: [city]\nresponses:\n  utter_hi:\n  - text: hi\n"
STORIES = "stories:\n" + "".join(f"- story: s{number}\n  steps:\n  - intent: greet\n  - action: a{number}\n" for number in range(8))


@pytest.fixture
def importer(tmp_path: Path) -> TrainingFileImporter:
    for name, text in (("nlu.yml", NLU), ("domain.yml", DOMAIN), ("stories.yml", STORIES)):
        (tmp_path / name).write_text(text)
    return TrainingFileImporter(None, tmp_path / "domain.yml", [tmp_path / "nlu.yml", tmp_path / "stories.yml"])


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Makes a component as the engine does: defaults below the config."""
    storage = LocalModelStorage.create(tmp_path / "storage")

    def make(clazz: Any, schema: GraphSchema = GraphSchema({}), **config: Any) -> Any:  # noqa: B008 - it is frozen
        return clazz.create({**clazz.get_default_config(), **config}, storage, Resource("r"), ExecutionContext(schema))

    make.storage = storage  # type: ignore[attr-defined]  # for those who look
    return make


# ---- data -----------------------------------------------------------------------------------------------------------


def test_examples_come_from_the_importer(make: Any, importer: TrainingFileImporter) -> None:
    assert make(NLUTrainingDataProvider).provide(importer) == importer.get_nlu_data()
    assert make.storage.names() == []


def test_examples_are_asked_for_in_the_language_of_the_assistant(make: Any) -> None:
    asked = []
    importer = SimpleNamespace(get_nlu_data=lambda language="en": asked.append(language) or TrainingData())
    for config in ({}, {"language": "de"}):
        make(NLUTrainingDataProvider, **config).provide(importer)
    assert asked == ["en", "de"]


def test_examples_that_are_kept_can_be_read_from_the_model(make: Any, importer: TrainingFileImporter) -> None:
    data = make(NLUTrainingDataProvider, persist=True).provide(importer)
    with make.storage.read_from(Resource("r")) as folder:
        assert TrainingData.from_cache("r", folder, make.storage, "") == data


def test_a_prediction_has_the_domain_of_the_training(make: Any, importer: TrainingFileImporter) -> None:
    domain = make(DomainProvider).provide_train(importer)
    assert domain == importer.get_domain()
    assert make(DomainProvider).provide_inference() == domain


@pytest.mark.parametrize(("share", "left"), [(None, 8), (0, 8), (25, 6), ("50", 4), (100, 0)])
def test_a_share_of_the_stories_is_left_out(make: Any, importer: TrainingFileImporter, share: Any, left: int) -> None:
    """Always the same ones, and the fewer are among the more."""
    graph = make(StoriesProvider, exclusion_percentage=share).provide(importer)
    assert len(graph.stories) == left
    assert graph == make(StoriesProvider, exclusion_percentage=share).provide(importer)
    assert set(make(StoriesProvider, exclusion_percentage=75).provide(importer).stories) <= set(graph.stories) or left < 2


def test_the_stories_that_are_left_out_are_no_neighbours(make: Any, importer: TrainingFileImporter) -> None:
    """Those of one file tell of one thing."""
    kept = {each.name for each in make(StoriesProvider, exclusion_percentage=50).provide(importer).stories}
    assert kept not in ({"s0", "s1", "s2", "s3"}, {"s4", "s5", "s6", "s7"})


def test_rules_are_never_left_out(make: Any) -> None:
    graph = StoryGraph.of([Story("a"), Story("b", is_rule=True)])
    importer = SimpleNamespace(get_stories=lambda: graph)
    assert [each.name for each in make(StoriesProvider, exclusion_percentage=100).provide(importer).stories] == ["b"]


@pytest.mark.parametrize("share", [-1, 101, "nan"])
def test_a_share_is_between_nothing_and_all(make: Any, importer: TrainingFileImporter, share: Any) -> None:
    with pytest.raises(InvalidConfigException, match="to be left out"):
        make(StoriesProvider, exclusion_percentage=share).provide(importer)


# ---- messages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["hi", {"text": "hi"}, Message({"text": "hi"}), SimpleNamespace(text="hi")])
def test_whatever_has_a_text_is_a_message(make: Any, asked: Any) -> None:
    assert make(NLUMessageConverter).convert_user_message([asked]) == [Message({"text": "hi"})]


def test_a_dict_keeps_what_else_it_has(make: Any) -> None:
    assert make(NLUMessageConverter).convert_user_message([{"text": "hi", "sender": 1}])[0].get("sender") == 1


@pytest.mark.parametrize("asked", [3, {"txt": "hi"}, None])
def test_what_has_no_text_is_refused(make: Any, asked: Any) -> None:
    with pytest.raises(InvalidConfigException, match="without a text"):
        make(NLUMessageConverter).convert_user_message([asked])


def understood(make: Any, text: str, domain: Domain | None = None) -> dict[str, Any]:
    before = Message({"text": text, "intent": {"name": "guessed", "confidence": 0.5}})
    (message,) = make(RegexMessageHandler).process([before], domain)
    return message.as_dict(only_output_properties=True)


@pytest.mark.parametrize(
    ("text", "intent", "confidence", "entities"),
    [
        ("/greet", "greet", 1.0, []),
        ("/faq/hours", "faq/hours", 1.0, []),
        ("/greet@0.75", "greet", 0.75, []),
        ('/book{"city": "Rome"}', "book", 1.0, [("city", "Rome")]),
        ('/book@.5{"city": ["Rome", "Oslo"], "n": 2}', "book", 0.5, [("city", "Rome"), ("city", "Oslo"), ("n", 2)]),
        ('/book {"city": {"x": 1}} ', "book", 1.0, [("city", {"x": 1})]),
    ],
)
def test_an_intent_is_taken_at_its_word(make: Any, text: str, intent: str, confidence: float, entities: list[Any]) -> None:
    found = understood(make, text)
    assert found["intent"] == {"name": intent, "confidence": confidence}
    assert found["intent_ranking"] == [found["intent"]]
    assert [(each["entity"], each["value"]) for each in found["entities"]] == entities
    assert all(text[each["start"] : each["end"]].startswith("{") for each in found["entities"])


@pytest.mark.parametrize("text", ["hello", "a /greet", "/", "//", "/ greet", "/etc is a folder", "/{}", "", "/greet{", "/greet@"])
def test_another_text_is_left_as_it_was_understood(make: Any, text: str) -> None:
    assert "intent" not in understood(make, text)


def test_only_intents_and_entities_of_the_domain_are_taken(make: Any) -> None:
    domain = Domain(intents={"book": {}, "faq": {}}, entities={"city": {}})
    with pytest.warns(UserWarning, match="'fly' in .* is no intent"):
        assert "intent" not in understood(make, "/fly", domain)
    with pytest.warns(UserWarning, match="'n' in .* is no entity"):
        assert [each["entity"] for each in understood(make, '/book{"n": 1, "city": "Rome"}', domain)["entities"]] == ["city"]
    for text in ("/faq/hours", "/restart"):
        assert understood(make, text, domain)["intent"]["name"] == text[1:]


def test_entities_that_are_no_json_are_left_out(make: Any) -> None:
    with pytest.warns(UserWarning, match="not JSON"):
        assert understood(make, "/book{city: Rome}")["entities"] == []


# ---- what the data and the pipeline have in common -------------------------------------------------------------------


def said(make: Any, data: TrainingData, domain: Domain = Domain(), *pipeline: str) -> list[str]:  # noqa: B008 - it is frozen
    """What is warned of with components of these names."""
    uses = ["buildgraph.trainer.providers:NLUTrainingDataProvider", *(each if ":" in each else f"buildgraph.x:{each}" for each in pipeline)]
    schema = GraphSchema({str(number): SchemaNode({}, each, "create", "run", {}) for number, each in enumerate(uses)})
    importer = SimpleNamespace(get_nlu_data=lambda: data, get_domain=lambda: domain)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert make(SchemaValidator, schema).validate(importer) is importer
    return [str(each.message) for each in caught]


GREETINGS = [Message.build("hi", "greet"), Message.build("hello", "greet")]
ROME = [{"entity": "city", "value": "Rome", "start": 0, "end": 4}]


@pytest.mark.parametrize(
    ("data", "domain", "pipeline", "warned"),
    [
        (TrainingData(GREETINGS), Domain(), (), []),
        (TrainingData(GREETINGS), Domain(intents={"greet": {}, "restart": {}}), (), []),
        (TrainingData(GREETINGS[:1]), Domain(), (), ["intent 'greet' with a single example"]),
        (TrainingData([*GREETINGS, Message({"intent": "greet"})]), Domain(), (), ["1 examples have no text"]),
        (TrainingData(GREETINGS), Domain(intents={"bye": {}, "ask": {}}), (), ["intent 'greet' with examples, but not", "intents 'ask', 'bye' in the domain"]),
        (TrainingData([Message.build("Rome", None, ROME)]), Domain(intents={"x": {}}), ("CRFEntityExtractor",), ["entity 'city' with examples"]),
        (TrainingData([Message.build("Rome", None, ROME)]), Domain(), (), ["no component that finds them"]),
        (TrainingData([Message.build("Rome", None, ROME)]), Domain(), ("RegexEntityExtractor",), []),
        (TrainingData([Message.build("Rome", None, ROME)]), Domain(), ("mine:Finder",), []),
        (TrainingData(GREETINGS, {"hey": "hi"}), Domain(), (), ["no EntitySynonymMapper"]),
        (TrainingData(GREETINGS, {"hey": "hi"}), Domain(), ("EntitySynonymMapper",), []),
        (TrainingData(GREETINGS, None, [{"name": "n", "pattern": "x"}]), Domain(), (), ["none of RegexEntityExtractor, RegexFeaturizer"]),
        (TrainingData(GREETINGS, None, None, [{"name": "n", "elements": ["x"]}]), Domain(), ("RegexFeaturizer",), []),
    ],
)
def test_data_that_cannot_serve_is_warned_of(make: Any, data: TrainingData, domain: Domain, pipeline: Any, warned: list[str]) -> None:
    found = said(make, data, domain, *pipeline)
    assert len(found) == len(warned), found
    assert all(part in whole for part, whole in zip(warned, found, strict=True)), found


def test_a_warning_names_a_few(make: Any) -> None:
    (found,) = said(make, TrainingData([Message.build("x", f"i{number}") for number in range(9)]))
    assert found.startswith("intents 'i0', 'i1', 'i2', 'i3', 'i4' and 4 more")


def test_without_a_pipeline_examples_are_not_read(make: Any) -> None:
    importer = SimpleNamespace()
    assert make(SchemaValidator).validate(importer) is importer


# ---- around policies -------------------------------------------------------------------------------------------------

TOLD = [Story(name, (Step(USER, name),)) for name in "abc"]


def test_stories_reach_policies_as_they_are(make: Any) -> None:
    graph = StoryGraph.of(TOLD)
    assert make(TrainingTrackerProvider).provide(graph) == graph


@pytest.mark.parametrize(("factor", "joined"), [(1, 3), (2, 6), (50, 6)])
def test_stories_are_joined_by_twos(make: Any, factor: int, joined: int) -> None:
    found = make(TrainingTrackerProvider, augmentation_factor=factor).provide(StoryGraph.of(TOLD))
    pairs = [each for each in found.stories if " + " in each.name]
    assert len(pairs) == joined
    assert all("".join(step.name or "" for step in each.steps) == each.name.replace(" + ", "") for each in pairs)
    assert set(TOLD) <= set(found.stories)


def test_what_a_checkpoint_or_a_rule_holds_together_is_not_joined(make: Any) -> None:
    graph = StoryGraph.of([TOLD[0], Story("b", (Step(CHECKPOINT, "x"),)), Story("c", is_rule=True)])
    assert make(TrainingTrackerProvider, augmentation_factor=5).provide(graph) == graph


def test_plots_are_not_drawn(make: Any) -> None:
    with pytest.warns(UserWarning, match="debug_plots"):
        make(TrainingTrackerProvider, debug_plots=True)


def test_texts_in_stories_become_messages(make: Any) -> None:
    graph = StoryGraph.of([Story("a", (Step(USER, text="hi"), Step(BOT, text="bye"), Step(USER, "greet"), Step(USER, text="hi")))])
    assert make(StoryTextConverter).convert_for_training(graph) == TrainingData([Message({"text": "bye"}), Message({"text": "hi"})])


@pytest.mark.parametrize(
    ("tracker", "texts"),
    [(SimpleNamespace(latest_message=SimpleNamespace(text="hi")), ["hi"]), ({"latest_message": {"text": "hi"}}, ["hi"]), ({"latest_message": None}, []), (None, [])],
)
def test_what_was_said_last_becomes_a_message(make: Any, tracker: Any, texts: list[str]) -> None:
    assert [each.get("text") for each in make(StoryTextConverter).convert_for_inference(tracker)] == texts


def test_the_most_confident_policy_is_followed(make: Any) -> None:
    sure, unsure = PolicyPrediction([0.1, 0.9], "sure"), PolicyPrediction([0.6, 0.4], "unsure")
    combine = make(PolicyPredictionEnsemble).combine_predictions_from_kwargs
    assert combine(None, Domain(), policy0=unsure, policy1=sure) is sure
    preferred = PolicyPrediction([0.9, 0.1], "preferred", 2)
    assert combine(None, Domain(), policy0=sure, policy1=preferred) is preferred
    assert combine(None, Domain(), policy1=sure, policy0=PolicyPrediction([0.9], "first")).policy_name == "first"
    with pytest.raises(InvalidConfigException, match="no policy"):
        combine(None, Domain())


def test_every_method_that_nodes_call_says_its_types() -> None:
    """As the validation of a graph asks."""
    for module in (providers, dialogue):
        for clazz in vars(module).values():
            if isinstance(clazz, type) and clazz.__module__ == module.__name__ and hasattr(clazz, "create"):
                for name, method in vars(clazz).items():
                    if callable(method) and not name.startswith("_") and name not in ("create", "get_default_config"):
                        assert "return" in typing.get_type_hints(method), (clazz, name)
