"""The recipe `graph.v1`: the configuration file holds both graphs, and what is written is what runs."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.errors import GraphSchemaException, InvalidConfigException
from buildgraph.trainer.recipes.recipe import Recipe
from buildgraph.trainer.recipes.registry import shipped


class GraphV1Recipe(Recipe):
    """`train_schema`, `predict_schema`, `nlu_target`, `core_target`, and perhaps `language`, `assistant_id`, `spaces`."""

    name = "graph.v1"

    def graph_config_for_recipe(
        self, config: Mapping[str, Any], cli_parameters: Mapping[str, Any], training_type: TrainingType = TrainingType.BOTH, is_finetuning: bool = False
    ) -> GraphModelConfiguration:
        """The graphs as they are written; parameters of the command line and fine-tuning are warned of and ignored.

        Raises InvalidConfigException (BG538) for a missing target or schema, GraphSchemaException (BG539) for a class
        that does not exist, UsageError (BG020) for a node that is not written as one.
        """
        if given := sorted(name for name, value in cli_parameters.items() if value is not None):
            warnings.warn(f"Unlike default.v1, the recipe {self.name} takes nothing from the command line into its graphs; ignored: {', '.join(given)}.", UserWarning, stacklevel=2)
        if is_finetuning:
            warnings.warn(f"The recipe {self.name} does not fine-tune; write graphs whose training nodes load what they go on from.", UserWarning, stacklevel=2)
        core = training_type is not TrainingType.NLU
        schemas = {key: _schema(config, key) for key in ("train_schema", "predict_schema")}
        return GraphModelConfiguration(
            train_schema=schemas["train_schema"],
            predict_schema=schemas["predict_schema"],
            training_type=training_type,
            assistant_id=config.get("assistant_id"),
            language=config.get("language"),
            core_target=_target(config, "core_target") if core else None,
            nlu_target=_target(config, "nlu_target"),
            spaces=config.get("spaces"),
        )


def _target(config: Mapping[str, Any], key: str) -> str:
    target = config.get(key)
    if not isinstance(target, str) or not target:
        raise InvalidConfigException(
            f"the configuration has no '{key}'", code="BG538", where=key,
            why="a graph recipe says itself which node of the predict schema answers", fix=f"write '{key}: ' and the name of a node",
        )  # fmt: skip
    return target


def _schema(config: Mapping[str, Any], key: str) -> GraphSchema:
    if not isinstance(config.get(key), Mapping):
        raise InvalidConfigException(
            f"the configuration has no '{key}'", code="BG538", where=key, why="a graph recipe holds both graphs", fix=f"write '{key}:' and 'nodes:' below it",
        )  # fmt: skip
    schema = GraphSchema.from_dict(config[key])
    for name, node in schema.nodes.items():
        _check_class(name, node)
    return schema


def _check_class(name: str, node: SchemaNode) -> None:
    """Raises GraphSchemaException (BG539) when the class does not exist. What is not imported yet stays so."""
    module, _, qualified = node.entry_point.rpartition(":")
    problem = f"there is no module '{module}'"
    cause = None
    try:
        there = module and (module in sys.modules or (found := find_spec(module)) is not None)
        if there:
            first = qualified.split(".")[0]
            known = hasattr(sys.modules[module], first) if module in sys.modules else _defines(found, first)
            problem = "" if known else f"the module '{module}' has no '{first}'"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a package above it runs other people's code; a name such as '.x', a broken file
        cause = error
        if not isinstance(error, ImportError | ValueError | SyntaxError):
            problem = f"importing what is above '{module}' raised {type(error).__name__}: {error}"
    if problem:
        row = shipped().get(qualified.rpartition(".")[2] or module.rpartition(".")[2])
        ours = f"write '{row.uses.replace(':', '.')}' for the one that buildgraph ships, or " if row is not None and isinstance(row.uses, str) else ""
        raise GraphSchemaException(
            f"the class '{node.uses}' does not exist", code="BG539", where=f"node '{name}', uses", why=problem,
            fix=f"{ours}write the path as package.module.Class, and install the package or run where it can be imported",
        ) from cause  # fmt: skip


def _defines(spec: ModuleSpec | None, name: str) -> bool:
    """Whether the source of a module defines `name`, or may: not all can be read off it."""
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return spec is not None and spec.origin is not None
    names = set(_bound(ast.parse(Path(spec.origin).read_bytes()).body))
    return bool(names & {name, "*", "__getattr__"})


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """The names that statements bind; also in branches, whichever is taken."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id
                elif isinstance(inner, ast.ClassDef | ast.FunctionDef):
                    yield inner.name
                elif isinstance(inner, ast.Import | ast.ImportFrom):
                    yield from (alias.asname or alias.name for alias in inner.names)
