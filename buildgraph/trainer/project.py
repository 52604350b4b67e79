"""Training a whole project: from its configuration, data and domain to an archive; and asking a model what it predicts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from buildgraph.errors import UsageError
from buildgraph.events import Listener, Warned, ignore
from buildgraph.trainer.cache import LocalTrainingCache, TrainingCache
from buildgraph.trainer.status import FingerprintStatus

if TYPE_CHECKING:
    from buildgraph.trainer.configuration import GraphModelConfiguration
    from buildgraph.trainer.importing import TrainingFileImporter
    from buildgraph.trainer.metadata import ModelMetadata
    from buildgraph.trainer.runner import GraphRunner

FORCED: Final = 0b1000  # bits of the code of a dry run
STALE: Final = 0b0001
NOTHING: Final = 1  # the code of a training without data


@dataclass(frozen=True)
class Project:
    """What a training starts from. `training_files` are files and folders of training data; without a domain only NLU is trained."""

    config: str
    domain: str | None
    training_files: Sequence[str]


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to: the archive and its metadata; for a dry run what would happen, and its code.

    The code of a dry run has bit 1 when something would run, and bit 8 when everything would because it is forced.
    """

    model: str | None
    code: int = 0
    dry_run_results: Mapping[str, FingerprintStatus | Any] | None = None
    metadata: ModelMetadata | None = None
    config_written: bool = False  # whether the configuration file was completed with what it left open, as comments


def train(
    project: Project, output: str | os.PathLike[str] = "models", *, dry_run: bool = False, force_training: bool = False, fixed_model_name: str | None = None,
    model_to_finetune: str | None = None, finetuning_epoch_fraction: float | None = 1.0, cache: TrainingCache | None = None,
    graph_runner_class: type[GraphRunner] | None = None, environment: Mapping[str, str] | None = None, jobs: int = 0, listen: Listener = ignore,
) -> TrainingResult:  # fmt: skip
    """Train what changed in a project, and write the archive into the folder `output`.

    `model_to_finetune` is the archive to start from, or a folder with some, of which the youngest counts. Warnings go to
    `listen`. A pipeline that was filled in is written back into the configuration file, as comments, once the model is
    there. Raises what the importer, the recipe, `validate` and `GraphTrainer` raise.
    """
    from buildgraph.trainer.configuration import TrainingType
    from buildgraph.trainer.graph_trainer import GraphTrainer
    from buildgraph.trainer.runner import ProcessPoolRunner
    from buildgraph.trainer.training import archive_name
    from buildgraph.trainer.validation import validate

    archive_name(fixed_model_name, TrainingType.BOTH, datetime.now(UTC))  # a name that cannot be is said before anything is trained
    importer, configuration, filled = configured(project, listen, is_finetuning=model_to_finetune is not None, epoch_fraction=finetuning_epoch_fraction)
    if configuration is None:
        listen(Warned("BG535", "there is nothing to train: no training data was found"))
        return TrainingResult(None, NOTHING)
    validate(configuration)
    kept = cache or LocalTrainingCache(environment=environment)
    with _told(listen), _storage(model_to_finetune) as storage:
        trainer = GraphTrainer(storage, kept, graph_runner_class or ProcessPoolRunner, listen=listen, environment=environment, jobs=jobs)
        finetuning = model_to_finetune is not None
        if dry_run:
            found = trainer.fingerprint(configuration.train_schema, importer, finetuning)
            stale = any(isinstance(each, FingerprintStatus) and not each.is_hit for each in found.values())
            return TrainingResult(None, FORCED * force_training | STALE * stale, found)
        folder = Path(output)
        folder.mkdir(parents=True, exist_ok=True)

        def place(model: ModelMetadata) -> Path:
            return folder / archive_name(fixed_model_name, configuration.training_type, model.trained_at, model.model_id)

        metadata = trainer.train(configuration, importer, place, force_training, finetuning)
    with _told(listen):
        written = _write_back(project.config, *filled)
    return TrainingResult(str(place(metadata)), 0, None, metadata, written)


def configured(
    project: Project, listen: Listener, *, is_finetuning: bool = False, epoch_fraction: float | None = 1.0
) -> tuple[TrainingFileImporter, GraphModelConfiguration | None, tuple[Mapping[str, Any], Collection[str]]]:
    """The importer of a project, and the graphs that its recipe makes (None for a project without any data).

    Third the configuration as it was used, and which of its keys were filled in.
    """
    from buildgraph.trainer.importing import TrainingFileImporter
    from buildgraph.trainer.recipes import Recipe
    from buildgraph.trainer.training import training_type_of

    with _told(listen):
        importer = TrainingFileImporter(project.config, project.domain, list(project.training_files))
        kind = training_type_of(importer)
        configuration = None
        config: Mapping[str, Any] = {}
        filled: Collection[str] = ()
        if kind is not None:
            config = importer.get_config()
            recipe = Recipe.recipe_for_name(config.get("recipe"))
            config, _, filled = recipe.auto_configure(project.config, config, kind)
            parameters = {"finetuning_epoch_fraction": epoch_fraction} if is_finetuning else {}
            configuration = recipe.graph_config_for_recipe(config, parameters, kind, is_finetuning)
    if project.domain is None:
        listen(Warned("BG533", "there is no domain, so only what understands texts is trained"))
    for code, text in importer.warnings():
        listen(Warned(code, text))
    return importer, configuration, (config, filled)


def _write_back(config_file: str, config: Mapping[str, Any], filled: Collection[str]) -> bool:
    """Completes the configuration file with what was filled in; whether it changed. A file that cannot be written is warned of."""
    import warnings

    from buildgraph.trainer.recipes.defaults import dump_config

    try:
        before = Path(config_file).read_bytes()
        return dump_config(config_file, config, filled) and Path(config_file).read_bytes() != before
    except OSError as error:
        warnings.warn(f"'{config_file}' cannot be written ({error.strerror}), so the pipeline that was used is not in it.", UserWarning, stacklevel=2)
        return False


@contextmanager
def _told(listen: Listener) -> Iterator[None]:
    """Inside, warnings of Python code become warnings of this training, each once."""
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        for category in (UserWarning, FutureWarning):
            warnings.simplefilter("always", category)
        try:
            yield
        finally:
            for text in dict.fromkeys(str(each.message) for each in caught if issubclass(each.category, UserWarning | FutureWarning)):
                listen(Warned("BG533", text))


@contextmanager
def _storage(base: str | None) -> Iterator[Any]:
    """A model storage for one training, with what the base model holds; removed afterwards."""
    from buildgraph.trainer.storage import LocalModelStorage

    folder = Path(tempfile.mkdtemp(prefix="buildgraph-model-"))
    try:
        if base is None:
            yield LocalModelStorage(folder)
        else:
            from buildgraph.trainer.finetuning import find_base_model

            yield LocalModelStorage.from_model_archive(folder, find_base_model(base))[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Predictor:
    """A loaded model that answers texts."""

    def __init__(self, archive: str | os.PathLike[str], folder: str) -> None:
        """`folder` is empty, and takes the model's resources. Raises what `load_predict_graph_runner` raises."""
        from buildgraph.trainer.finetuning import find_base_model
        from buildgraph.trainer.loader import load_predict_graph_runner
        from buildgraph.trainer.runner import InlineRunner
        from buildgraph.trainer.storage import LocalModelStorage

        self.metadata, self._runner = load_predict_graph_runner(Path(folder), find_base_model(archive), LocalModelStorage, InlineRunner)

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What the model finds in each text, as plain data. Raises UsageError (BG587) for a model that reads no texts."""
        from buildgraph.trainer.data import Message

        target = self.metadata.nlu_target
        if not target or target not in self.metadata.predict_schema.nodes:
            raise UsageError(
                "this model does not read texts", code="BG587", facts=(("its nlu_target", str(target)),), why="texts go through the graph to its nlu_target",
                fix="name one in the configuration, and train again",
            )  # fmt: skip
        messages = [Message.build(text) for text in texts]
        return [message.as_dict(only_output_properties=True) for message in self._runner.run({"__message__": messages}, [target])[target]]
