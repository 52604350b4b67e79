"""The recipe `graph.v1`: what is written is what runs."""

from __future__ import annotations

import sys
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from buildgraph.errors import UsageError
from buildgraph.loading.yaml_text import parse
from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.trainer.configuration import TrainingType
from buildgraph.trainer.errors import GraphSchemaException, InvalidConfigException
from buildgraph.trainer.recipes import Recipe
from buildgraph.trainer.validation import validate

WRITTEN = """
recipe: graph.v1
language: en
assistant_id: hotel
nlu_target: answer
core_target: choose
train_schema:
  nodes:
    examples:
      needs: {importer: __importer__}
      uses: buildgraph.trainer.providers.NLUTrainingDataProvider
      constructor_name: create
      fn: provide
      config: {language: en}
      is_input: true
      is_target: true
predict_schema:
  nodes:
    answer:
      needs: {messages: __message__}
      uses: buildgraph.trainer.providers.NLUMessageConverter
      constructor_name: load
      fn: convert_user_message
      config: {}
      eager: true
      is_target: false
      is_input: false
      resource: {name: examples}
    domain:
      needs: {}
      uses: buildgraph.trainer.providers.DomainProvider
      constructor_name: load
      fn: provide_inference
      config: {}
      eager: true
      resource: {name: domain}
    choose:
      needs: {tracker: __tracker__, domain: domain}
      uses: buildgraph.trainer.dialogue.PolicyPredictionEnsemble
      constructor_name: load
      fn: combine_predictions_from_kwargs
      config: {}
      eager: true
      resource: null
"""


def written(**changes: Any) -> dict[str, Any]:
    config: dict[str, Any] = parse(WRITTEN.encode(), "config.yml").value
    config.update(changes)
    return {key: value for key, value in config.items() if value is not ...}


def read(config: dict[str, Any], training_type: TrainingType = TrainingType.BOTH, **parameters: Any) -> Any:
    return Recipe.recipe_for_name("graph.v1").graph_config_for_recipe(config, parameters, training_type)


@pytest.mark.parametrize("training_type", TrainingType)
def test_both_graphs_are_those_that_are_written(training_type: TrainingType) -> None:
    """No node is added, no config changed; only a training of understanding has no core target."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = read(written(), training_type)
    assert made.train_schema == GraphSchema({
        "examples": SchemaNode({"importer": "__importer__"}, "buildgraph.trainer.providers.NLUTrainingDataProvider", "create", "provide", {"language": "en"}, is_input=True, is_target=True),
    })  # fmt: skip
    assert list(made.predict_schema.nodes) == ["answer", "domain", "choose"]
    assert made.predict_schema.nodes["answer"].resource == Resource("examples")
    assert made.predict_schema.nodes["answer"].eager
    assert (made.language, made.assistant_id, made.training_type, made.nlu_target) == ("en", "hotel", training_type, "answer")
    assert made.core_target == (None if training_type is TrainingType.NLU else "choose")
    validate(made)


def test_reading_leaves_the_configuration_as_it_was() -> None:
    """So it can be read twice."""
    config = written()
    before = deepcopy(config)
    assert read(config) == read(config)
    assert config == before


def test_nobody_has_to_say_an_assistant() -> None:
    assert read(written(assistant_id=..., language=...)).assistant_id is None


@pytest.mark.parametrize("key", ["nlu_target", "core_target", "train_schema", "predict_schema"])
@pytest.mark.parametrize("value", [..., None])
def test_a_missing_part_is_refused(key: str, value: Any) -> None:
    with pytest.raises(InvalidConfigException, match=f"has no '{key}'") as caught:
        read(written(**{key: value}))
    assert caught.value.code == "BG538"


def test_understanding_needs_no_core_target() -> None:
    assert read(written(core_target=...), TrainingType.NLU).core_target is None


def test_the_command_line_is_warned_of_and_ignored() -> None:
    with pytest.warns(UserWarning, match="ignored: num_threads"):
        made = read(written(), num_threads=2, debug_plots=None)
    assert made == read(written())


def test_fine_tuning_is_warned_of_and_ignored() -> None:
    recipe = Recipe.recipe_for_name("graph.v1")
    with pytest.warns(UserWarning, match="does not fine-tune"):
        made = recipe.graph_config_for_recipe(written(), {}, TrainingType.BOTH, True)
    assert made == read(written())


def test_nothing_is_configured_by_itself() -> None:
    recipe = Recipe.recipe_for_name("graph.v1")
    assert recipe.auto_configure("config.yml", {"recipe": "graph.v1"}) == ({"recipe": "graph.v1"}, set(), set())


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("no_such_package.module.Class", "no module 'no_such_package.module'"),
        ("buildgraph.trainer.no_such_module.Class", "no module"),
        ("buildgraph.trainer.providers.NoSuchClass", "has no 'NoSuchClass'"),
        ("heavy_parts.NoSuchClass", "has no 'NoSuchClass'"),
        ("Class", "no module ''"),
        (".Class", "no module ''"),
        ("", "no module ''"),
    ],
)
def test_a_class_that_does_not_exist_is_refused(path: str, why: str, heavy: str) -> None:
    config = written()
    config["train_schema"]["nodes"]["examples"]["uses"] = path
    with pytest.raises(GraphSchemaException, match="does not exist") as caught:
        read(config)
    assert caught.value.code == "BG539"
    assert caught.value.where == ("node 'examples', uses",)
    assert why in caught.value.why


@pytest.fixture
def heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that says when it is imported."""
    (tmp_path / "heavy_parts.py").write_text(
        "raise SystemExit('imported')\nfrom elsewhere import Taken as Other\nif 1:\n    class Inside: ...\nclass Plain: ...\nMade = Plain\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "heavy_parts"


def test_a_class_that_may_come_from_elsewhere_is_given_the_benefit_of_the_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is there shows when it is imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    config = written()
    for name, source in (("starry_parts", "from other import *\n"), ("lazy_parts", "def __getattr__(name): ...\n")):
        (tmp_path / f"{name}.py").write_text(source)
        config["train_schema"]["nodes"]["examples"]["uses"] = f"{name}.Class"
        assert read(config).train_schema.nodes["examples"].entry_point == f"{name}:Class"


@pytest.mark.parametrize("name", ["Plain", "Other", "Inside", "Made"])
def test_classes_are_found_without_importing_them(name: str, heavy: str) -> None:
    """A graph is read by commands that run nothing; components may be slow to import."""
    config = written()
    config["train_schema"]["nodes"]["examples"]["uses"] = f"{heavy}.{name}"
    assert read(config).train_schema.nodes["examples"].entry_point == f"{heavy}:{name}"
    assert heavy not in sys.modules


def test_a_node_with_an_unknown_key_is_refused() -> None:
    config = written()
    config["train_schema"]["nodes"]["examples"]["use"] = "x"
    with pytest.raises(UsageError, match="unknown key 'use'"):
        read(config)
