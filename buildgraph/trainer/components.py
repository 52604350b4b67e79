"""From a schema node to its component class."""

from __future__ import annotations

from typing import Any

from buildgraph.errors import BuildgraphError
from buildgraph.execution.calling import entry
from buildgraph.schema import SchemaNode
from buildgraph.trainer.errors import GraphSchemaException


def component_class(node: SchemaNode, name: str) -> type[Any]:
    """The class that the node `name` uses: as it is, or imported by `module:Class` or `module.Class`.

    Raises GraphSchemaException (BG502), with what the import raised as its cause, for one that is not there or is no
    class, and for a node that uses nothing.
    """
    used = node.uses
    if isinstance(used, str):
        module, _, inner = node.entry_point.partition(":")
        if not module or not inner:
            raise _unusable(name, f"uses '{used}', which is not the path of a class", "write it as module:Class")
        try:
            used = entry(node.entry_point)
        except BuildgraphError as error:
            raise _unusable(name, f"uses '{node.uses}', and {error.headline}", error.fix) from error
        except (Exception, SystemExit) as error:  # importing runs other people's code, which may raise anything
            problem = f"uses '{node.uses}', and importing it raised {type(error).__name__}: {error}"
            raise _unusable(name, problem, f"correct the module '{module}', or install what it imports") from error
    if not isinstance(used, type):
        raise _unusable(name, f"uses '{node.uses}', which is a {type(used).__name__} and not a class", "name a class")
    return used


def _unusable(name: str, problem: str, fix: str) -> GraphSchemaException:
    return GraphSchemaException(
        f"node '{name}' {problem}", code="BG502", where=f"node '{name}'", why="a node's component is made from the class that it uses", fix=fix,
    )  # fmt: skip


def check_importable(name: str, node: SchemaNode) -> None:
    """Raises GraphSchemaException (BG508) for a class that no other process could import, and no fingerprint could read."""
    if not isinstance(node.uses, str | type):
        return  # it is no class
    module, _, inner = node.entry_point.partition(":")
    where = "the script that is being run" if module == "__main__" else "a function" if "<" in inner else ""
    if not where and not isinstance(node.uses, str):
        where = "" if _found(node.entry_point) is node.uses else "a place that its name does not lead to"
    if where:
        raise GraphSchemaException(
            f"node '{name}' uses '{inner}', which is defined in {where}", code="BG508", where=f"node '{name}'",
            why="its code is part of the node's fingerprint and runs in other processes, so both have to find it by its name", fix="define it at the top level of a module, and import it from there",
        )  # fmt: skip


def _found(entry_point: str) -> Any:
    try:
        return entry(entry_point)
    except (Exception, SystemExit):  # noqa: BLE001 - as above: importing may raise anything
        return None
