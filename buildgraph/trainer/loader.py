"""From an archive to a runner that predicts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from buildgraph.component import ExecutionContext, GraphComponent
from buildgraph.schema import GraphSchema
from buildgraph.trainer.components import component_class
from buildgraph.trainer.errors import GraphSchemaException

if TYPE_CHECKING:
    from buildgraph.trainer.metadata import ModelMetadata
    from buildgraph.trainer.runner import GraphRunner
    from buildgraph.trainer.storage import ModelStorage


def load_predict_graph_runner(
    storage_path: Path, model_archive_path: Path, model_storage_class: type[ModelStorage], graph_runner_class: type[GraphRunner],
    *, trusted: Sequence[str] = (),
) -> tuple[ModelMetadata, GraphRunner]:
    """Unpack a model into `storage_path` and make a runner of its predict schema; eager components load right here.

    Every byte is checked against the archive's manifest first. An archive cannot make anything run that is not a
    component already: its classes have to be registered, installed, imported by the caller before, or in one of the
    modules `trusted`. Raises what `LocalModelStorage.from_model_archive` raises, and GraphSchemaException (BG586).
    """
    check_components(model_storage_class.metadata_from_archive(model_archive_path).predict_schema, trusted)
    storage, metadata = model_storage_class.from_model_archive(storage_path, model_archive_path)
    context = ExecutionContext(metadata.predict_schema, model_id=metadata.model_id)
    runner = graph_runner_class.create(metadata.predict_schema, storage, context)  # type: ignore[arg-type]  # any storage will do
    return metadata, runner


def check_components(schema: GraphSchema, trusted: Sequence[str] = ()) -> None:
    """Raises GraphSchemaException (BG586) for a node that names something else than a component that can be trusted."""
    for name, node in schema.nodes.items():
        module = node.entry_point.partition(":")[0]
        if not (module in sys.modules or module in trusted or _is_installed(module)):
            raise GraphSchemaException(
                f"node '{name}' uses '{node.entry_point}', which is neither registered nor installed", code="BG586",
                why="a model is data: it cannot name a module and have it imported from wherever one of that name lies",
                fix=f"import {module} before loading the model (`--components {module}` on the command line), or install its package",
            )  # fmt: skip
        try:
            used: object = component_class(node, name)
        except GraphSchemaException as error:
            if error.__cause__ is not None:
                raise  # it cannot be imported
            used = None  # it is no class
        methods = (node.constructor_name, node.fn)
        if not (isinstance(used, type) and issubclass(used, GraphComponent)) or any(each.startswith("_") for each in methods):
            raise GraphSchemaException(
                f"node '{name}' uses '{node.entry_point}', which is no component", code="BG586", why="a model consists of components: subclasses of GraphComponent",
                fix="train it again with components",
            )  # fmt: skip


def _is_installed(module: str) -> bool:
    """Whether a module belongs to an installed distribution. Nothing is imported."""
    from importlib.metadata import packages_distributions
    from importlib.util import find_spec

    top = module.partition(".")[0]
    spec = find_spec(top)
    if spec is None:
        return False
    places = [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any("/site-packages/" in place or "/dist-packages/" in place for place in places) or top in packages_distributions()
