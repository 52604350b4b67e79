"""From an archive to a runner that predicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from buildgraph.component import ExecutionContext

if TYPE_CHECKING:
    from buildgraph.trainer.metadata import ModelMetadata
    from buildgraph.trainer.runner import GraphRunner
    from buildgraph.trainer.storage import ModelStorage


def load_predict_graph_runner(
    storage_path: Path, model_archive_path: Path, model_storage_class: type[ModelStorage], graph_runner_class: type[GraphRunner]
) -> tuple[ModelMetadata, GraphRunner]:
    """Unpack a model into `storage_path` and make a runner of its predict schema; eager components load right here.

    Every byte is checked against the archive's manifest first. Component classes are found among what is installed or on
    the path, as in training. Raises what `LocalModelStorage.from_model_archive` raises, and GraphSchemaException.
    """
    storage, metadata = model_storage_class.from_model_archive(storage_path, model_archive_path)
    context = ExecutionContext(metadata.predict_schema, model_id=metadata.model_id)
    runner = graph_runner_class.create(metadata.predict_schema, storage, context)  # type: ignore[arg-type]  # any storage will do
    return metadata, runner
