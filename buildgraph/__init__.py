"""A content-addressed build system: `Workspace(...).build([...])`. Names are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildgraph.version import VERSION

if TYPE_CHECKING:
    from buildgraph.component import Cacheable, ExecutionContext, Files, GraphComponent, ModelStorage
    from buildgraph.digest import Digest
    from buildgraph.errors import BuildgraphError
    from buildgraph.schema import GraphSchema, Policy, Resource, SchemaNode
    from buildgraph.workspace import BuildReport, TargetStatus, Workspace

__version__ = VERSION
__all__ = [
    "BuildReport",
    "BuildgraphError",
    "Cacheable",
    "Digest",
    "ExecutionContext",
    "Files",
    "GraphComponent",
    "GraphSchema",
    "ModelStorage",
    "Policy",
    "Resource",
    "SchemaNode",
    "TargetStatus",
    "Workspace",
]
_HOMES = {
    "BuildReport": "workspace",
    "BuildgraphError": "errors",
    "Cacheable": "component",
    "Digest": "digest",
    "ExecutionContext": "component",
    "Files": "component",
    "GraphComponent": "component",
    "GraphSchema": "schema",
    "ModelStorage": "component",
    "Policy": "schema",
    "Resource": "schema",
    "SchemaNode": "schema",
    "TargetStatus": "workspace",
    "Workspace": "workspace",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: `import buildgraph` itself costs nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'buildgraph' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"buildgraph.{home}"), name)
