"""The compact form in which an evaluated package is remembered: tables of strings and policies, a row per node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final, NamedTuple

from buildgraph.encoding import canonical, decode_trusted, encode_plain
from buildgraph.schema import DEFAULT_POLICY, Policy, Resource, SchemaNode

FORMAT: Final = 1
_POLICY_FIELDS: Final = tuple(field.name for field in fields(Policy))
_EAGER, _TARGET, _INPUT = 1, 2, 4

Warnings = tuple[tuple[str, str], ...]  # code and message


class LoadedPackage(NamedTuple):
    """What a build file declared: nodes and lines by full label, in order, and what there is to warn of."""

    path: str
    file: str
    nodes: Mapping[str, SchemaNode]
    lines: Mapping[str, int]
    warnings: Warnings = ()


def encode_rows(package: LoadedPackage) -> bytes:
    """`package` as bytes. Raises EncodingError when a config cannot come back from data alone."""
    strings: dict[str, int] = {}
    policies: dict[Policy, int] = {DEFAULT_POLICY: 0}

    def number(text: str) -> int:
        return strings.setdefault(text, len(strings))

    rows = []
    for label, node in package.nodes.items():
        needs = [number(each) for need in node.needs.items() for each in need]
        flags = node.eager * _EAGER + node.is_target * _TARGET + node.is_input * _INPUT
        resource = None if node.resource is None else [node.resource.name, node.resource.output_fingerprint]
        rows.append(
            [
                number(label),
                needs,
                number(node.entry_point if not isinstance(node.uses, str) else node.uses),
                number(node.constructor_name),
                number(node.fn),
                canonical(dict(node.config), portable=True),
                flags,
                resource,
                policies.setdefault(node.policy, len(policies)),
                package.lines.get(label, 0),
            ]
        )
    listed = [[canonical(getattr(policy, name), portable=True) for name in _POLICY_FIELDS] for policy in policies]
    return encode_plain(
        [FORMAT, package.path, package.file, list(strings), listed, rows, [list(each) for each in package.warnings]]
    )


def decode_rows(data: bytes) -> LoadedPackage:
    """The package that `encode_rows` wrote. Raises EncodingError, ValueError, TypeError or LookupError otherwise."""
    version, path, file, strings, listed, rows, warnings = decode_trusted(data)
    if version != FORMAT:
        raise ValueError(f"format {version}")
    policies = [DEFAULT_POLICY, *(Policy(**dict(zip(_POLICY_FIELDS, values, strict=True))) for values in listed[1:])]
    nodes: dict[str, SchemaNode] = {}
    lines: dict[str, int] = {}
    for name, needs, uses, constructor, fn, config, flags, resource, policy, line in rows:
        label = strings[name]
        lines[label] = line
        nodes[label] = SchemaNode(
            {strings[needs[at]]: strings[needs[at + 1]] for at in range(0, len(needs), 2)} if needs else {},
            strings[uses],
            strings[constructor],
            strings[fn],
            config,
            bool(flags & _EAGER),
            bool(flags & _TARGET),
            bool(flags & _INPUT),
            None if resource is None else Resource(*resource),
            policies[policy],
        )
    return LoadedPackage(path, file, nodes, lines, tuple((code, message) for code, message in warnings))
