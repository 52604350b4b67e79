"""A content-addressed build system: `Workspace(...).build([...])`; and a graph trainer: `GraphTrainer(...).train(...)`.

Names are imported when they are first used.
"""

from __future__ import annotations

from buildgraph.version import VERSION

TYPE_CHECKING = False  # an unchanged build does without typing, which costs as much as starting Python
if TYPE_CHECKING:
    from typing import Any

    from buildgraph.component import Cacheable, ExecutionContext, Files, Fingerprintable, GraphComponent
    from buildgraph.digest import Digest
    from buildgraph.errors import BuildgraphError
    from buildgraph.schema import GraphSchema, Policy, Resource, SchemaNode
    from buildgraph.trainer.cache import LocalTrainingCache, TrainingCache
    from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
    from buildgraph.trainer.data import Features, Message, Token, TrainingData
    from buildgraph.trainer.domain import Domain
    from buildgraph.trainer.errors import (
        GraphComponentException,
        GraphRunError,
        GraphSchemaException,
        GraphSchemaValidationException,
        InvalidConfigException,
        InvalidRecipeException,
        UnsupportedModelVersionError,
    )
    from buildgraph.trainer.graph_trainer import GraphTrainer
    from buildgraph.trainer.hooks import GraphNodeHook
    from buildgraph.trainer.importing import TrainingDataImporter, TrainingFileImporter
    from buildgraph.trainer.loader import load_predict_graph_runner
    from buildgraph.trainer.metadata import ModelMetadata
    from buildgraph.trainer.node import GraphNode
    from buildgraph.trainer.recipes import DefaultV1Recipe, GraphV1Recipe, Recipe
    from buildgraph.trainer.runner import GraphRunner, InlineRunner, ProcessPoolRunner
    from buildgraph.trainer.status import FingerprintStatus
    from buildgraph.trainer.storage import LocalModelStorage, ModelStorage
    from buildgraph.trainer.validation import validate
    from buildgraph.workspace import BuildReport, TargetStatus, Workspace

__version__ = VERSION
__all__ = [
    "BuildReport",
    "BuildgraphError",
    "Cacheable",
    "DefaultV1Recipe",
    "Digest",
    "Domain",
    "ExecutionContext",
    "Features",
    "Files",
    "FingerprintStatus",
    "Fingerprintable",
    "GraphComponent",
    "GraphComponentException",
    "GraphModelConfiguration",
    "GraphNode",
    "GraphNodeHook",
    "GraphRunError",
    "GraphRunner",
    "GraphSchema",
    "GraphSchemaException",
    "GraphSchemaValidationException",
    "GraphTrainer",
    "GraphV1Recipe",
    "InlineRunner",
    "InvalidConfigException",
    "InvalidRecipeException",
    "LocalModelStorage",
    "LocalTrainingCache",
    "Message",
    "ModelMetadata",
    "ModelStorage",
    "Policy",
    "ProcessPoolRunner",
    "Recipe",
    "Resource",
    "SchemaNode",
    "TargetStatus",
    "Token",
    "TrainingCache",
    "TrainingData",
    "TrainingDataImporter",
    "TrainingFileImporter",
    "TrainingType",
    "UnsupportedModelVersionError",
    "Workspace",
    "load_predict_graph_runner",
    "validate",
]
_HOMES = {
    "BuildReport": "workspace",
    "BuildgraphError": "errors",
    "Cacheable": "component",
    "DefaultV1Recipe": "trainer.recipes",
    "Digest": "digest",
    "Domain": "trainer.domain",
    "ExecutionContext": "component",
    "Features": "trainer.data",
    "Files": "component",
    "FingerprintStatus": "trainer.status",
    "Fingerprintable": "component",
    "GraphComponent": "component",
    "GraphComponentException": "trainer.errors",
    "GraphModelConfiguration": "trainer.configuration",
    "GraphNode": "trainer.node",
    "GraphNodeHook": "trainer.hooks",
    "GraphRunError": "trainer.errors",
    "GraphRunner": "trainer.runner",
    "GraphSchema": "schema",
    "GraphSchemaException": "trainer.errors",
    "GraphSchemaValidationException": "trainer.errors",
    "GraphTrainer": "trainer.graph_trainer",
    "GraphV1Recipe": "trainer.recipes",
    "InlineRunner": "trainer.runner",
    "InvalidConfigException": "trainer.errors",
    "InvalidRecipeException": "trainer.errors",
    "LocalModelStorage": "trainer.storage",
    "LocalTrainingCache": "trainer.cache",
    "Message": "trainer.data",
    "ModelMetadata": "trainer.metadata",
    "ModelStorage": "trainer.storage",
    "Policy": "schema",
    "ProcessPoolRunner": "trainer.runner",
    "Recipe": "trainer.recipes",
    "Resource": "schema",
    "SchemaNode": "schema",
    "TargetStatus": "workspace",
    "Token": "trainer.data",
    "TrainingCache": "trainer.cache",
    "TrainingData": "trainer.data",
    "TrainingDataImporter": "trainer.importing",
    "TrainingFileImporter": "trainer.importing",
    "TrainingType": "trainer.configuration",
    "UnsupportedModelVersionError": "trainer.errors",
    "Workspace": "workspace",
    "load_predict_graph_runner": "trainer.loader",
    "validate": "trainer.validation",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: `import buildgraph` itself costs nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'buildgraph' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"buildgraph.{home}"), name)
