"""Pictures of a graph as text: Mermaid, Graphviz dot, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from buildgraph.schema import GraphSchema, SchemaNode

FORMATS = ("mermaid", "dot", "json")


def draw(schema: GraphSchema, form: str, *, implicit: bool = False) -> str:
    """The graph in one of FORMATS; implicit source and tool nodes only if asked for."""
    nodes = {label: node for label, node in schema.nodes.items() if implicit or not node.is_implicit}
    return {"mermaid": _mermaid, "dot": _dot, "json": _json}[form](nodes)


def _edges(nodes: Mapping[str, SchemaNode]) -> list[tuple[str, str, str]]:
    return [(parent, label, parameter) for label, node in nodes.items() for parameter, parent in node.needs.items() if parent in nodes]


def kind(node: SchemaNode) -> str:
    """What a node is, in a word: group, source, function or component."""
    return "group" if node.is_group else "source" if node.is_input else "function" if node.is_function else "component"


def _mermaid(nodes: Mapping[str, SchemaNode]) -> str:
    names = {label: f"n{number}" for number, label in enumerate(nodes)}
    shapes = {"group": ('(["', '"])'), "source": ('[/"', '"/]'), "function": ('["', '"]'), "component": ('[["', '"]]')}
    lines = ["flowchart LR"]
    for label, node in nodes.items():
        left, right = shapes[kind(node)]
        lines.append(f"  {names[label]}{left}{label.replace(chr(34), '#quot;')}{right}")
    lines += [f"  {names[parent]} --> {names[child]}" for parent, child in dict.fromkeys((a, b) for a, b, _ in _edges(nodes))]
    return "\n".join(lines)


def _dot(nodes: Mapping[str, SchemaNode]) -> str:
    shapes = {"group": "plaintext", "source": "note", "function": "box", "component": "component"}
    quoted = {label: json.dumps(label, ensure_ascii=False) for label in nodes}
    lines = ["digraph buildgraph {", "  rankdir=LR;"]
    lines += [f"  {quoted[label]} [shape={shapes[kind(node)]}];" for label, node in nodes.items()]
    lines += [f"  {quoted[parent]} -> {quoted[child]};" for parent, child in dict.fromkeys((a, b) for a, b, _ in _edges(nodes))]
    return "\n".join([*lines, "}"])


def _json(nodes: Mapping[str, SchemaNode]) -> str:
    described = [
        {"label": label, "kind": kind(node), "uses": node.entry_point, "needs": dict(node.needs), "tags": list(node.policy.tags)}
        for label, node in nodes.items()
    ]
    return json.dumps({"nodes": described}, indent=2, ensure_ascii=False)
