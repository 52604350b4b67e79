"""Reads graph.yml: nodes written as plain data, for those who need no Python (also the graph trainer's own format)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from buildgraph.digest import Digest
from buildgraph.errors import Place, UsageError, nearest
from buildgraph.label import is_label, join, resolve
from buildgraph.loading.facts import Facts, engine_version
from buildgraph.loading.rows import LoadedPackage
from buildgraph.loading.yaml_text import MAX_SIZE, Document, parse
from buildgraph.rule import check_target_name, name_taken, source_place
from buildgraph.schema import SchemaNode, node_from_dict

TRAIN: Final = "train_schema"
ASIDE: Final = (
    "recipe",
    "language",
    "assistant_id",
    "core_target",
    "nlu_target",
    "predict_schema",
)  # for the trainer, not for a build
_KNOWN: Final = ("nodes", TRAIN, *ASIDE)


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A graph.yml as written: nodes by their own names, their lines, the keys kept aside, and what to warn of."""

    nodes: Mapping[str, SchemaNode]
    lines: Mapping[str, int]
    aside: Mapping[str, Any]
    warnings: tuple[tuple[str, str], ...]


def load_graph_file(root: str, package: str, file: str) -> tuple[LoadedPackage, Facts]:
    """The package that the graph.yml `file` declares: each node is a target of its name. Raises UsageError."""
    filename = os.path.join(root, file)
    try:
        if os.path.getsize(filename) > MAX_SIZE:
            raise UsageError(
                f"'{file}' is too large",
                code="BG123",
                where=Place(file),
                why=f"a graph file has at most {MAX_SIZE >> 20} MiB",
                fix="split it, or write a BUILD.py",
            )
        with open(filename, "rb") as stream:
            data = stream.read(MAX_SIZE + 1)
    except OSError as error:
        raise UsageError(
            f"'{file}' cannot be read",
            code="BG036",
            where=Place(file),
            why=str(error.strerror or error),
            fix="make it a readable file",
        ) from None
    graph = read_graph_file(data, file)
    nodes: dict[str, SchemaNode] = {}
    lines: dict[str, int] = {}
    spelling: dict[str, str] = {}
    for name, node in graph.nodes.items():
        line = graph.lines[name]
        label = join(package, name)
        try:
            check_target_name(name)
            needs = {parameter: _need(need, package, graph.nodes) for parameter, need in node.needs.items()}
        except UsageError as error:
            error.where = error.where or (source_place(filename, file, line),)
            raise
        known = spelling.setdefault(label.lower(), label)
        if known != label:
            raise name_taken(
                label,
                known,
                source_place(filename, file, lines[known], "first"),
                source_place(filename, file, line, "again"),
            )
        nodes[label] = replace(node, needs=needs)
        lines[label] = line
    facts = Facts(engine_version(), files=((file, Digest.of(data)),))
    return LoadedPackage(package, file, nodes, lines, graph.warnings), facts


def read_graph_file(data: bytes, file: str) -> GraphFile:
    """The graph written in `data`; `file` is what messages call it. Raises UsageError with file and line."""
    document = parse(data, file)
    top = document.value
    if not isinstance(top, dict):
        raise _refused(
            document,
            "is not a mapping",
            "a graph file has `nodes:` at its top",
            "write `nodes:` and the nodes below it",
        )
    for key in top:
        if key not in _KNOWN:
            raise _refused(
                document,
                f"has an unknown key '{key}'",
                f"known keys: {', '.join(_KNOWN)}",
                nearest(str(key), _KNOWN) or "remove it",
                (key,),
            )
    path: tuple[Any, ...] = ("nodes",) if "nodes" in top else (TRAIN, "nodes")
    if "nodes" in top and TRAIN in top:
        raise _refused(
            document, f"has both `nodes` and `{TRAIN}`", "the graph is written once", "keep one of them", (TRAIN,)
        )
    found: Any = top
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not found:
        raise _refused(
            document,
            "has no nodes",
            f"nodes are written below `nodes:` or `{TRAIN}: nodes:`",
            "add a node",
            path[:1] if path[0] in top else (),
        )
    nodes, lines = {}, {}
    for name, written in found.items():
        at = (*path, name)
        if not isinstance(name, str):
            raise _refused(
                document, f"names a node {name!r}, which is not text", "names of nodes are text", f'write "{name}"', at
            )
        try:
            nodes[name] = _node(name, written)
        except UsageError as error:
            key = (
                next((key for key in written if f"'{key}'" in error.headline), None)
                if isinstance(written, dict)
                else None
            )
            error.where = (document.place((*at, key) if key else at),)
            raise
        lines[name] = document.lines[at]
    return GraphFile(nodes, lines, {key: top[key] for key in ASIDE if key in top}, document.warnings)


def _node(name: str, written: Any) -> SchemaNode:
    node = node_from_dict(name, written)
    for parameter, need in node.needs.items():
        if not isinstance(parameter, str) or not isinstance(need, str):
            raise UsageError(
                f"node '{name}': 'needs' has {parameter!r}: {need!r}, which is not text",
                code="BG020",
                why="'needs' maps parameters to names of nodes",
                fix="put it in quotes",
            )
    return node


def _need(need: str, package: str, names: Mapping[str, object]) -> str:
    """The label of a need: a name in the same file, or a label; an unknown name is told as missing later."""
    if need in names or not is_label(need):
        return join(package, need)
    return resolve(need, package)


def _refused(document: Document, problem: str, why: str, fix: str, path: tuple[Any, ...] = ()) -> UsageError:
    return UsageError(f"'{document.file}' {problem}", code="BG124", where=document.place(path), why=why, fix=fix)
