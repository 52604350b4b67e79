"""From a schema node to its component class."""

from __future__ import annotations

from typing import Any

from buildgraph.errors import UsageError
from buildgraph.execution.calling import entry
from buildgraph.schema import SchemaNode
from buildgraph.trainer.errors import GraphSchemaException


def component_class(node: SchemaNode, name: str) -> type[Any]:
    try:
        used: type[Any] = entry(node.entry_point) if isinstance(node.uses, str) else node.uses
    except (UsageError, ImportError, ValueError) as error:  # a name without a module, among others
        raise GraphSchemaException(f"node '{name}': {error}", code="BG502") from error
    return used
