"""What has to be right about a graph before anything of it runs, whoever trains it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from buildgraph.errors import UsageError, nearest
from buildgraph.graph import circle
from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.trainer.configuration import GraphModelConfiguration
from buildgraph.trainer.errors import GraphSchemaException

if TYPE_CHECKING:
    from buildgraph.trainer.domain import Domain


def check_graph(schema: GraphSchema, given: Collection[str]) -> None:
    """Refuse a graph that cannot be trained; `given` are the placeholders that are filled.

    Raises GraphSchemaException for a circle (BG021), for a need that nobody fills (BG023), for an input below a node that
    is none (BG066), and for a node whose name is taken (BG506).
    """
    for name, node in schema.nodes.items():
        if name in given or name.startswith("@"):
            raise GraphSchemaException(
                f"a node cannot be called '{name}'", code="BG506", facts=(("taken", ", ".join([*given, "@..."])),),
                why="a name means one thing: a node, or a value from outside", fix="rename the node",
            )  # fmt: skip
        for parameter, parent in node.needs.items():
            if parent not in given:
                _check_need(schema, name, node, parameter, parent)
    check_circles(schema, GraphSchemaException)


def check_circles(schema: GraphSchema, kind: type[UsageError]) -> None:
    """Raises an error of `kind` (BG021) that names the nodes of a circle."""
    found = circle({name: list(node.needs.values()) for name, node in schema.nodes.items()})
    if found:
        raise kind(
            f"Cycles: these nodes need each other: {' -> '.join([*found, found[0]])}", code="BG021",
            why="a node can run only after everything it needs, so a circle can never start", fix="drop one of these needs",
        )  # fmt: skip


def _check_need(schema: GraphSchema, name: str, node: SchemaNode, parameter: str, parent: str) -> None:
    if parent not in schema.nodes:
        raise GraphSchemaException(
            f"node '{name}' needs '{parent}' for its parameter '{parameter}', which is not part of the graph", code="BG023",
            why="whatever a node needs is another node, or a placeholder such as __importer__", fix=nearest(parent, schema.nodes) or f"declare '{parent}', or drop the need",
        )  # fmt: skip
    if node.is_input and not schema.nodes[parent].is_input:
        raise GraphSchemaException(
            f"input '{name}' needs '{parent}', which is not an input", code="BG066",
            why="input nodes run before everything else, so they can need only input nodes", fix="set is_input=True on it, or is_input=False here",
        )  # fmt: skip


def check_sayable(configuration: GraphModelConfiguration, domain: Domain) -> None:
    """Refuse what the metadata of a model cannot hold. Raises GraphSchemaException (BG403)."""
    said: dict[str, Any] = {"the domain": domain.as_dict(), "'spaces'": configuration.spaces}
    for schema in (configuration.train_schema, configuration.predict_schema):
        said.update({f"the config of node '{name}'": node.config for name, node in schema.nodes.items()})
        for what, value in said.items():
            problem = _not_plain(value)
            if problem:
                raise GraphSchemaException(
                    f"{what} is not plain data: {problem}", code="BG403",
                    why="the model says how it was made, in JSON", fix="write it as text, numbers, lists and mappings with text as keys",
                )  # fmt: skip


def _not_plain(value: Any, path: str = "") -> str:
    """What is in the way of JSON, with the path to it; empty when nothing is."""
    if isinstance(value, Mapping):
        odd = next((key for key in value if type(key) is not str), None)
        if odd is not None:
            return f"{path or 'it'} has the key {odd!r}"
        parts = [(item, f"{path}.{key}" if path else key) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(item, f"{path}[{number}]") for number, item in enumerate(value)]
    elif value is None or (type(value) in (str, int, float, bool) and not (value != value or value in (float("inf"), float("-inf")))):
        return ""
    else:
        return f"{path} is {value!r}" if type(value) is float else f"{path} is of type {type(value).__name__}"
    return next((problem for item, where in parts if (problem := _not_plain(item, where))), "")
