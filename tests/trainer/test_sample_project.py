"""The example project of an assistant: its recipe makes valid graphs, which learn what they were shown and run again what an edit touches."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.graph_trainer import GraphTrainer
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.loader import load_predict_graph_runner
from buildgraph.trainer.metadata import ModelMetadata
from buildgraph.trainer.recipes import DefaultV1Recipe, Recipe
from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner
from buildgraph.trainer.storage import LocalModelStorage
from buildgraph.trainer.training import training_type_of
from buildgraph.trainer.validation import validate

EXAMPLE = Path(__file__).parents[2] / "rules" / "examples" / "assistant"
pytest.importorskip("sklearn")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the example."""
    shutil.copytree(EXAMPLE, tmp_path / "assistant")
    return tmp_path / "assistant"


def importer_of(root: Path) -> TrainingFileImporter:
    return TrainingFileImporter(root / "config.yml", root / "domain.yml", [root / "data"])


def configured(importer: TrainingFileImporter, training_type: TrainingType | None = None, **changes: Any) -> GraphModelConfiguration:
    config = {**importer.get_config(), **changes}
    kind = training_type or training_type_of(importer)
    assert kind is not None
    recipe = Recipe.recipe_for_name(config["recipe"])
    config, _, _ = recipe.auto_configure(None, config, kind)
    return recipe.graph_config_for_recipe(config, {}, kind)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("finetuning", [False, True])
@pytest.mark.parametrize("training_type", [TrainingType.NLU, TrainingType.BOTH])
def test_its_graphs_are_valid(root: Path, training_type: TrainingType, finetuning: bool) -> None:
    config = importer_of(root).get_config()
    validate(DefaultV1Recipe().graph_config_for_recipe(config, {"num_threads": 2, "persist_nlu_training_data": True}, training_type, finetuning))


def test_the_default_pipeline_is_valid(root: Path) -> None:
    made = configured(importer_of(root), pipeline=None)
    validate(made)
    assert "train_CRFEntityExtractor6" in made.train_schema.nodes


def test_the_order_of_unrelated_things_means_nothing(root: Path) -> None:
    """Nor do comments and blank lines: the graphs are the same, node by node."""
    before = configured(importer_of(root))
    edit(root / "config.yml", "language: en\n", "")
    edit(root / "config.yml", "    min_ngram: 1\n    max_ngram: 4\n", "    max_ngram: 4   # as many as are useful\n\n    min_ngram: 1\n")
    (root / "config.yml").write_text((root / "config.yml").read_text() + "\nlanguage: en\nimporters: []\n")
    (root / "domain.yml").write_text(f"# what there is\n{(root / 'domain.yml').read_text()}")
    shutil.move(root / "data" / "nlu.yml", root / "data" / "examples.yml")
    assert configured(importer_of(root)) == before


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., ModelMetadata]:
    cache = LocalTrainingCache(tmp_path / "cache", environment={})
    archives = iter(range(100))

    def run(root: Path, **changes: Any) -> ModelMetadata:
        importer, number = importer_of(root), next(archives)
        storage = LocalModelStorage.create(tmp_path / f"storage-{number}")
        return GraphTrainer(storage, cache, ProcessPoolRunner).train(configured(importer, **changes), importer, tmp_path / f"{number}.tar.gz")

    return run


def changes(first: ModelMetadata, second: ModelMetadata) -> set[str]:
    """The nodes that ran for the second training and had not run for the first."""
    return {name for name in second.lineage if second.lineage[name]["fingerprint"] != first.lineage.get(name, {}).get("fingerprint")}


def test_it_learns_what_it_was_shown_and_runs_again_what_an_edit_touches(root: Path, train: Any, tmp_path: Path) -> None:
    """A story touches no node of understanding, an option its component alone, an example everything below the data."""
    first = train(root)
    _, runner = load_predict_graph_runner(tmp_path / "loaded", tmp_path / "0.tar.gz", LocalModelStorage, InlineRunner)
    shown = importer_of(root).get_nlu_data().intent_examples
    found = runner.run({"__message__": [each.get("text") for each in shown]}, [first.nlu_target])[first.nlu_target]
    right = sum(each.get("intent") == answer.get("intent")["name"] for each, answer in zip(shown, found, strict=True))
    assert right >= 0.95 * len(shown)

    story = root / "data" / "stories.yml"
    story.write_text(story.read_text() + "\n- story: one more\n  steps:\n  - intent: greet\n  - action: utter_greet\n")
    assert changes(first, train(root)) == set()
    edit(root / "config.yml", "max_iter: 200", "max_iter: 150")
    second = train(root)
    assert changes(first, second) == {"train_LogisticRegressionClassifier5"}
    edit(root / "data" / "nlu.yml", "- hello\n", "- hello\n      - hello and good day\n")
    below = {name for name, node in configured(importer_of(root)).train_schema.nodes.items() if not node.is_input}
    assert changes(second, train(root)) == below
