"""All shipped components: they are what the table says, persist equal bytes for equal data, and answer as they were trained."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pycrfsuite")

from buildgraph.rules.nlu import COMPONENTS
from buildgraph.rules.nlu.base import EntityExtractor, Featurizer, IntentClassifier, NluComponent, Tokenizer

from buildgraph.component import ExecutionContext, GraphComponent, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.configuration import TrainingType
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.recipes import ComponentType, DefaultV1Recipe
from buildgraph.trainer.storage import LocalModelStorage
from buildgraph.trainer.validation import validate

KINDS = {"MESSAGE_TOKENIZER": Tokenizer, "MESSAGE_FEATURIZER": Featurizer, "INTENT_CLASSIFIER": IntentClassifier, "ENTITY_EXTRACTOR": EntityExtractor}
CONTEXT = ExecutionContext(GraphSchema({}))
PIPELINE: list[tuple[str, dict[str, Any]]] = [  # every component, each on what those before it made
    ("WhitespaceTokenizer", {}),
    ("RegexFeaturizer", {}),
    ("LexicalSyntacticFeaturizer", {}),
    ("CountVectorsFeaturizer", {"stop_words": ["the", "an", "of"], "OOV_token": "oov", "OOV_words": ["seven", "eight"]}),
    ("CountVectorsFeaturizer", {"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4, "max_features": 50}),
    ("SklearnIntentClassifier", {}),
    ("LogisticRegressionClassifier", {}),
    ("KeywordIntentClassifier", {}),
    ("CRFEntityExtractor", {}),
    ("RegexEntityExtractor", {}),
    ("EntitySynonymMapper", {}),
    ("FallbackClassifier", {}),
]
ASKED = ("book a table for 4 in York", "hello you", "", "👍", "what do you mean", "play jazz in New York")
IN_A_PROCESS = """
import json, sys
sys.path[:0] = [{here!r}]
from pathlib import Path
from test_components import digests, trained
print(json.dumps(digests(trained(Path({folder!r})))))
"""


def data() -> TrainingData:
    """Some intents, entities, tables, expressions and synonyms, of which sets have another order in another process."""
    cities = ("York", "Oslo", "Rome", "Bern", "Lima")
    found = []
    for city in cities:
        text = f"book a table in {city}"
        found.append(Message.build(text, "book", [{"entity": "city", "value": city, "start": 16, "end": len(text)}]))
        found.append(Message.build(f"play the {city} song", "play"))
    found += [Message.build(text, "greet") for text in ("hello", "hello there", "hi you", "good morning", "seven of nine")]
    tables = [{"name": "city", "elements": [*cities, "New York"]}]
    return TrainingData(found, {"NYC": "New York", "Roma": "Rome"}, [{"name": "number", "pattern": r"\d+"}], tables)


def component(name: str) -> type[NluComponent]:
    module, _, cls = COMPONENTS[name]["uses"].partition(":")
    found: type[NluComponent] = getattr(importlib.import_module(module), cls)
    return found


def trained(folder: Path) -> LocalModelStorage:
    """A storage in which each component of the pipeline was trained on what those before it made of the data."""
    storage, training_data = LocalModelStorage.create(folder), data()
    for number, (name, config) in enumerate(PIPELINE):
        made: Any = component(name).create(dict(config), storage, Resource(f"{name}{number}"), CONTEXT)
        if COMPONENTS[name]["is_trainable"]:
            made.train(training_data)
        if hasattr(made, "process_training_data"):
            training_data = made.process_training_data(training_data)
    return storage


def answered(storage: LocalModelStorage, texts: tuple[str, ...] = ASKED) -> list[dict[str, Any]]:
    """What the loaded pipeline answers."""
    messages = [Message.build(text) for text in texts]
    for number, (name, config) in enumerate(PIPELINE):
        loaded: Any = component(name).load(dict(config), storage, Resource(f"{name}{number}"), CONTEXT)
        messages = loaded.process(messages)
    return [each.as_dict(only_output_properties=True) for each in messages]


def digests(storage: LocalModelStorage) -> dict[str, str]:
    files = sorted(each for each in storage.path.rglob("*") if each.is_file())
    return {each.relative_to(storage.path).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> LocalModelStorage:
    return trained(tmp_path_factory.mktemp("trained"))


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_is_what_the_table_says(name: str) -> None:
    cls, row = component(name), COMPONENTS[name]
    assert cls.__name__ == name
    assert issubclass(cls, GraphComponent)
    assert all(issubclass(cls, KINDS[kind]) and kind in ComponentType.__members__ for kind in row["types"])
    assert hasattr(cls, "train") == row["is_trainable"]
    assert callable(getattr(cls, "process", None))
    assert cls.__doc__
    json.dumps(cls.get_default_config())


def test_the_table_is_found_without_importing_what_it_names() -> None:
    """By the entry point that recipes look for; the table itself is text."""
    (found,) = [each for each in entry_points(group="buildgraph.components") if each.name == "nlu"]
    assert found.load() is COMPONENTS
    script = "import sys, buildgraph.rules.nlu\nprint([each for each in ('sklearn', 'numpy', 'scipy', 'pycrfsuite') if each in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMPONENTS)
def test_importing_a_module_imports_nothing_heavy(name: str) -> None:
    script = f"import sys, {COMPONENTS[name]['uses'].partition(':')[0]}\nprint([each for each in ('sklearn', 'numpy', 'scipy', 'pycrfsuite') if each in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_passes_validation_in_a_graph_that_a_recipe_makes(name: str) -> None:
    """Behind what it requires, with options of its own."""
    before = ["WhitespaceTokenizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier"]
    pipeline = [{"name": each} for each in dict.fromkeys([*before, name])]
    config = {"recipe": "default.v1", "assistant_id": "it", "language": "en", "pipeline": pipeline}
    made = DefaultV1Recipe().graph_config_for_recipe(config, {}, TrainingType.NLU)
    validate(made)
    assert any(node.entry_point == COMPONENTS[name]["uses"] for node in (*made.train_schema.nodes.values(), *made.predict_schema.nodes.values()))


@pytest.mark.parametrize("name", COMPONENTS)
def test_an_option_that_does_not_exist_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigException, match=f"{name} has no option 'epochz'") as caught:
        component(name).create({"epochz": 5}, LocalModelStorage.create(tmp_path), Resource("it"), CONTEXT)
    assert caught.value.code == "BG545"


def test_every_component_is_in_the_pipeline_of_these_tests() -> None:
    assert {name for name, _ in PIPELINE} == set(COMPONENTS)


def test_processes_of_any_seed_persist_the_same_bytes(storage: LocalModelStorage, tmp_path: Path) -> None:
    """And other data gives other bytes."""
    said = []
    for seed in ("1", "2"):
        script = IN_A_PROCESS.format(here=str(Path(__file__).parent), folder=str(tmp_path / seed))
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        said.append(json.loads(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment).stdout))
    assert said[0] == said[1] == digests(storage)
    assert len(said[0]) == len([name for name, _ in PIPELINE if COMPONENTS[name]["is_trainable"]]) + 5  # weights, bias twice; labels


def test_nothing_is_pickled(storage: LocalModelStorage) -> None:
    """Plain records, arrays without objects, and the random field's own format."""
    for each in (found for found in storage.path.rglob("*") if found.is_file()):
        content = each.read_bytes()
        assert each.suffix in (".msgpack", ".npy", ".crfsuite")
        assert not content.startswith(b"\x80")
        if each.suffix == ".npy":
            assert content.startswith(b"\x93NUMPY")
            assert b"'descr': '<f8'" in content[:128]


def test_a_loaded_pipeline_answers(storage: LocalModelStorage) -> None:
    """Intents, entities with their meaning, and a fallback for what says nothing."""
    found = answered(storage)
    assert [each["intent"]["name"] for each in found] == ["book", "greet", "nlu_fallback", "greet", "greet", "play"]  # greetings have unknown words
    assert {"York"} <= {each["value"] for each in found[0]["entities"]}
    assert {"New York"} <= {each["value"] for each in found[5]["entities"]}
    assert all("tokens" not in each for each in found)
    json.dumps(found)


def test_an_answer_does_not_depend_on_who_else_asks(storage: LocalModelStorage) -> None:
    """One by one, all at once, in another order."""
    together = answered(storage)
    for one, text in zip(together, ASKED, strict=True):
        (alone,) = answered(storage, (text,))
        assert json.dumps(alone) == json.dumps(one)
    assert answered(storage, ASKED[::-1]) == together[::-1]
    assert answered(storage, ()) == []
