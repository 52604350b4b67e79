"""Fine-tuning goes on with what a model learnt, if the model is to do what it did before."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from buildgraph.component import ExecutionContext, GraphComponent
from buildgraph.errors import UsageError
from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.finetuning import FinetuningValidator, find_base_model
from buildgraph.trainer.graph_trainer import GraphTrainer
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.loader import load_predict_graph_runner
from buildgraph.trainer.metadata import ModelMetadata
from buildgraph.trainer.recipes import DefaultV1Recipe
from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner
from buildgraph.trainer.storage import LocalModelStorage

NLU = """nlu:
- intent: greet
  examples: |
    - hello
    - hi [Bob](name)
- intent: faq/hours
  examples: |
    - when do you open
    - opening times please
"""
DOMAIN = """intents: [greet, faq]
entities: [name]
responses:
  utter_hi:
  - text: hi
slots:
  name:
    type: text
    mappings: []
"""
PROJECT = {"data/nlu.yml": NLU, "domain.yml": DOMAIN}
Write = Callable[..., TrainingFileImporter]


class Learner(GraphComponent):
    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"epochs": 10, "rate": 0.5, "shape": [1, 2]}


def graph(**config: Any) -> GraphSchema:
    nodes = {
        "finetuning_validator": SchemaNode({"importer": "__importer__"}, FinetuningValidator, "create", "validate", {}, is_input=True),
        "train_Learner0": SchemaNode({"importer": "finetuning_validator"}, Learner, "create", "train", config, is_target=True),
    }
    return GraphSchema(nodes)


@pytest.fixture
def validate(tmp_path: Path) -> Callable[..., Any]:
    """Runs the validator on a storage that the runs of a test share."""
    storage = LocalModelStorage.create(tmp_path / "storage")

    def run(importer: Any, schema: GraphSchema, finetuning: bool = False, **config: Any) -> Any:
        context = ExecutionContext(schema, is_finetuning=finetuning, node_name="finetuning_validator")
        node = FinetuningValidator.create({**FinetuningValidator.get_default_config(), **config}, storage, Resource("finetuning_validator"), context)
        return node.validate(importer)

    return run


def test_the_importer_is_handed_on(validate: Any, project: Write) -> None:
    importer = project(PROJECT)
    assert validate(importer, graph()) is importer
    assert validate(importer, graph(), True) is importer


def changed(schema: GraphSchema, name: str, **changes: Any) -> GraphSchema:
    return GraphSchema({**schema.nodes, name: replace(schema.nodes[name], **changes)})


@pytest.mark.parametrize(
    "after",
    [
        graph(epochs=3, finetuning_epoch_fraction=0.3),
        graph(rate=0.5),
        graph(shape=[1, 2]),
        changed(graph(), "train_Learner0", eager=True, constructor_name="load"),
        GraphSchema(dict(reversed(graph().nodes.items()))),
        changed(graph(), "train_Learner0", uses=f"{__name__}:Learner"),
    ],
    ids=["epochs", "default_written_out", "default_list", "constructor", "order", "written_as_text"],
)
def test_what_makes_no_difference_to_what_is_learnt_may_change(validate: Any, project: Write, after: GraphSchema) -> None:
    importer = project(PROJECT)
    validate(importer, graph())
    validate(importer, after, True)


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (graph(rate=0.4), "option 'rate' of node 'train_Learner0'"),
        (graph(new=None), "option 'new' of node 'train_Learner0'"),
        (graph(rate=True), "option 'rate' of node 'train_Learner0'"),
        (changed(graph(), "train_Learner0", fn="learn"), "'fn' of node 'train_Learner0'"),
        (changed(graph(), "train_Learner0", uses=GraphComponent), "'uses' of node 'train_Learner0'"),
        (changed(graph(), "train_Learner0", needs={}), "'needs' of node 'train_Learner0'"),
        (GraphSchema({"finetuning_validator": graph().nodes["finetuning_validator"]}), "node 'train_Learner0' is gone"),
        (GraphSchema({**graph().nodes, "more": graph().nodes["train_Learner0"]}), "node 'more' is new"),
    ],
)
def test_another_graph_is_refused_by_what_differs(validate: Any, project: Write, after: GraphSchema, named: str) -> None:
    importer = project(PROJECT)
    validate(importer, graph())
    with pytest.raises(InvalidConfigException) as caught:
        validate(importer, after, True)
    assert caught.value.code == "BG540"
    assert caught.value.headline == f"the base model cannot be fine-tuned: {named}"


@pytest.mark.parametrize(
    ("path", "old", "new", "named"),
    [
        ("data/nlu.yml", "intent: greet", "intent: hail", "intents +hail, -greet"),
        ("data/nlu.yml", "faq/hours", "faq/place", "response keys +faq/place, -faq/hours"),
        ("data/nlu.yml", "[Bob](name)", "[Bob](person)", "entities +person, -name"),
        ("data/nlu.yml", "[Bob](name)", '[Bob]{"entity": "name", "role": "host"}', "roles +host"),
        ("data/nlu.yml", "[Bob](name)", '[Bob]{"entity": "name", "group": "1"}', "groups +1"),
        ("domain.yml", "[greet, faq]", "[greet, faq, bye]", "intents of the domain"),
        ("domain.yml", "utter_hi", "utter_ho", "responses of the domain"),
        ("domain.yml", "type: text", "type: any", "slots of the domain"),
        ("domain.yml", "entities: [name]", "entities: []", "entities of the domain"),
    ],
)
def test_other_labels_and_another_domain_are_refused(validate: Any, project: Write, path: str, old: str, new: str, named: str) -> None:
    assert old in PROJECT[path]
    validate(project(PROJECT), graph())
    with pytest.raises(InvalidConfigException) as caught:
        validate(project({**PROJECT, path: PROJECT[path].replace(old, new)}), graph(), True)
    assert caught.value.headline == f"the base model cannot be fine-tuned: {named}"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [("data/nlu.yml", "- hello", "- hello\n    - good day"), ("data/nlu.yml", "[Bob]", "[Alice]"), ("domain.yml", "text: hi", "text: hello there")],
)
def test_other_examples_and_other_words_of_responses_may_be_learnt(validate: Any, project: Write, path: str, old: str, new: str) -> None:
    validate(project(PROJECT), graph())
    validate(project({**PROJECT, path: PROJECT[path].replace(old, new)}), graph(), True)


def test_only_what_is_trained_is_compared(validate: Any, project: Write) -> None:
    other = {"data/nlu.yml": NLU.replace("greet", "hail"), "domain.yml": DOMAIN.replace("faq]", "faq, hail]")}
    for part, path in (("validate_core", "domain.yml"), ("validate_nlu", "data/nlu.yml")):
        validate(project(PROJECT), graph(), False, **{part: False})
        validate(project({**PROJECT, path: other[path]}), graph(), True, **{part: False})


def test_all_differences_are_named(validate: Any, project: Write) -> None:
    validate(project(PROJECT), graph())
    with pytest.raises(InvalidConfigException) as caught:
        validate(project({**PROJECT, "data/nlu.yml": NLU.replace("greet", "hail")}), graph(rate=1, new=2), True)
    assert [value for _, value in caught.value.facts] == ["option 'rate' of node 'train_Learner0'", "intents +hail, -greet"]


def test_a_model_without_a_record_cannot_be_a_base(validate: Any, project: Write) -> None:
    with pytest.raises(InvalidConfigException, match="does not say what it was trained for") as caught:
        validate(project(PROJECT), graph(), True)
    assert caught.value.code == "BG540"


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x80", b"\x81\xa6format\x63"])
def test_a_record_that_cannot_be_read_is_none(validate: Any, project: Write, tmp_path: Path, content: bytes) -> None:
    validate(project(PROJECT), graph())
    (record,) = (tmp_path / "storage" / "finetuning_validator").iterdir()
    record.write_bytes(content)
    with pytest.raises(InvalidConfigException, match="does not say what it was trained for"):
        validate(project(PROJECT), graph(), True)


def test_equal_trainings_leave_equal_records(validate: Any, project: Write, tmp_path: Path) -> None:
    """So that models are byte for byte the same."""
    validate(project(PROJECT), graph(rate=1, new={"b": 1, "a": 2}))
    (record,) = (tmp_path / "storage" / "finetuning_validator").iterdir()
    first = record.read_bytes()
    validate(project(PROJECT), GraphSchema(dict(reversed(graph(new={"a": 2, "b": 1}, rate=1).nodes.items()))))
    assert record.read_bytes() == first


# ---- the base model --------------------------------------------------------------------------------------------------


def test_a_base_model_is_an_archive_or_the_newest_of_a_folder(tmp_path: Path) -> None:
    for number, name in enumerate(["c.tar.gz", "a.tar.gz", "b.tar.gz", "z.zip"]):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, ns=(0, [1, 3, 2, 9][number]))
    (tmp_path / "x.tar.gz").mkdir()
    assert find_base_model(tmp_path) == tmp_path / "a.tar.gz"
    assert find_base_model(str(tmp_path / "c.tar.gz")) == tmp_path / "c.tar.gz"


@pytest.mark.parametrize("name", ["", "missing", "missing/model.tar.gz"])
def test_no_base_model_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no model at") as caught:
        find_base_model(tmp_path / name)
    assert caught.value.code == "BG541"


# ---- from a configuration to a fine-tuned model ----------------------------------------------------------------------

PARTS = '''
import json
from buildgraph.component import GraphComponent
from buildgraph.schema import Resource
from buildgraph.trainer.data import Message, TrainingData

class Lengths(GraphComponent):
    """Tells intents apart by the length of texts; remembers how often it learnt, and for how many epochs."""

    def __init__(self, config, storage, resource, known):
        self.config, self.storage, self.resource, self.known = config, storage, resource, known

    @staticmethod
    def get_default_config():
        return {"epochs": 10}

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config, model_storage, resource, {"epochs": [], "intents": {}})

    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, json.loads((folder / "known.json").read_text()))

    def train(self, training_data: TrainingData) -> Resource:
        for message in training_data.intent_examples:
            self.known["intents"][str(len(message.get("text")))] = message.get("intent")
        self.known["epochs"].append(self.config["epochs"])
        with self.storage.write_to(self.resource) as folder:
            (folder / "known.json").write_text(json.dumps(self.known))
        return self.resource

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            message.set("intent", {"name": self.known["intents"].get(str(len(message.get("text")))), "confidence": 1.0}, True)
            message.set("epochs", self.known["epochs"], True)
        return messages
'''


@pytest.fixture(params=[InlineRunner, ProcessPoolRunner], ids=["inline", "pool"])
def train(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelMetadata]:
    """Trains with a user's component and its default options; `base` is the archive to go on from."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "len_parts.py").write_text(PARTS)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    cache = LocalTrainingCache(tmp_path / "cache", environment={})

    def run(importer: TrainingFileImporter, archive: str, base: str = "", fraction: float | None = None, **options: Any) -> ModelMetadata:
        config = {"assistant_id": "a", "pipeline": [{"name": "len_parts.Lengths", **options}]}
        configuration = DefaultV1Recipe().graph_config_for_recipe(config, {"finetuning_epoch_fraction": fraction}, is_finetuning=bool(base))
        place = Path(tempfile.mkdtemp(dir=tmp_path))
        storage = LocalModelStorage.from_model_archive(place, tmp_path / base)[0] if base else LocalModelStorage.create(place)
        return GraphTrainer(storage, cache, request.param).train(configuration, importer, tmp_path / archive, is_finetuning=bool(base))

    yield run
    sys.modules.pop("len_parts", None)


def predicted(tmp_path: Path, archive: str, text: str) -> dict[str, Any]:
    """What a model answers."""
    metadata, runner = load_predict_graph_runner(tmp_path / f"loaded {archive} {text!r:.20}".replace("/", "_"), tmp_path / archive, LocalModelStorage, InlineRunner)
    ((message,),) = runner.run({"__message__": [text]}, [str(metadata.nlu_target)]).values()
    return json.loads(json.dumps(message.as_dict(only_output_properties=True)))


def test_a_configuration_becomes_a_model_that_answers(train: Any, project: Write, tmp_path: Path) -> None:
    metadata = train(project(PROJECT), "m.tar.gz")
    assert metadata.nlu_target == "run_RegexMessageHandler"
    assert predicted(tmp_path, "m.tar.gz", "howdy")["intent"] == {"name": "greet", "confidence": 1.0}
    assert predicted(tmp_path, "m.tar.gz", '/book{"city": "Rome"}')["entities"][0]["value"] == "Rome"


def test_a_fine_tuned_model_knows_more(train: Any, project: Write, tmp_path: Path) -> None:
    """It keeps what the base had learnt, and takes a part of the epochs."""
    train(project(PROJECT), "base.tar.gz")
    more = project({**PROJECT, "data/nlu.yml": NLU.replace("- hello", "- good morning")}, "more")
    train(more, "tuned.tar.gz", base="base.tar.gz", fraction=0.25)
    for text in ("hello", "good morning"):
        found = predicted(tmp_path, "tuned.tar.gz", text)
        assert (found["intent"]["name"], found["epochs"]) == ("greet", [10, 3])
    assert predicted(tmp_path, "base.tar.gz", "good morning")["intent"]["name"] is None


def test_a_fine_tuned_model_can_be_fine_tuned(train: Any, project: Write, tmp_path: Path) -> None:
    train(project(PROJECT), "1.tar.gz")
    train(project(PROJECT), "2.tar.gz", base="1.tar.gz", fraction=0.5)
    train(project(PROJECT), "3.tar.gz", base="2.tar.gz", fraction=0.1)
    assert predicted(tmp_path, "3.tar.gz", "hello")["epochs"] == [10, 5, 1]


def test_a_base_model_that_cannot_be_one_trains_nothing(train: Any, project: Write, tmp_path: Path) -> None:
    train(project(PROJECT), "base.tar.gz")
    other = project({**PROJECT, "data/nlu.yml": NLU.replace("greet", "hail")}, "other")
    with pytest.warns(UserWarning, match="hail|greet"), pytest.raises(InvalidConfigException, match=r"intents \+hail, -greet"):
        train(other, "tuned.tar.gz", base="base.tar.gz")
    with pytest.raises(InvalidConfigException, match="option 'deep'"):
        train(project(PROJECT), "tuned.tar.gz", base="base.tar.gz", deep=True)
    assert not (tmp_path / "tuned.tar.gz").exists()


def test_an_edit_of_an_answer_leaves_understanding_alone(train: Any, project: Write, tmp_path: Path) -> None:
    """Only examples are below what understands."""
    first = train(project(PROJECT), "1.tar.gz")
    edited = project({**PROJECT, "domain.yml": DOMAIN.replace("text: hi", "text: hello"), "data/s.yml": "stories:\n- story: a\n  steps:\n  - intent: greet\n"}, "edited")
    second = train(edited, "2.tar.gz")
    assert second.lineage["train_Lengths0"] == first.lineage["train_Lengths0"]
    third = train(project({**PROJECT, "data/nlu.yml": NLU.replace("hello", "hallo")}, "third"), "3.tar.gz")
    assert third.lineage["train_Lengths0"]["fingerprint"] != first.lineage["train_Lengths0"]["fingerprint"]
