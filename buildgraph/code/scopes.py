"""Scopes while a statement is read: which names are bound where, and what the functions in it do when they are called."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple


class Level(NamedTuple):
    """What runs at one level of a function: 0 when it is called, 1 when a function is called that it defines, and so on.

    `touches` are names whose objects it may change, `calls` are names it calls. `stores` are those of `touches` into
    which it may put what it was given, `hands` those of `calls` to which it may hand that on.
    """

    touches: set[str]
    calls: set[str]
    stores: set[str]
    hands: set[str]


@dataclass(slots=True)
class Scope:
    """Names in one scope: `kind` is m(odule), c(lass), f(unction), x (comprehension) or z (written, but never run)."""

    kind: str
    loads: set[str] = field(default_factory=set)  # dotted chains, such as `np.random.seed`
    binds: set[str] = field(default_factory=set)
    touches: set[str] = field(default_factory=set)
    passes: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    aliases: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)  # name -> level, module, attribute
    outer: set[str] = field(default_factory=set)  # declared global or nonlocal
    is_global: set[str] = field(default_factory=set)
    name: str = ""  # of a function
    stores: set[str] = field(default_factory=set)
    hands: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)  # parameters, and what is made of them
    inner: list[tuple[str, list[Level]]] = field(default_factory=list)  # functions defined in it


def levels_of(scope: Scope) -> list[Level]:
    """The levels of a function: functions it defines are one level further in, unless it calls them itself."""
    written = scope.binds & scope.is_global
    levels = [Level(scope.touches | scope.passes | written, scope.calls, scope.stores | (written & scope.given), scope.hands)]
    for name, inner in scope.inner:
        merge(levels, inner, 0 if name in scope.calls else 1)
    return levels


def merge(levels: list[Level], more: list[Level], start: int) -> None:
    for at, level in enumerate(more, start):
        while len(levels) <= at:
            levels.append(Level(set(), set(), set(), set()))
        for known, names in zip(levels[at], level, strict=True):
            known.update(names)


def mentioned(node: ast.AST | None) -> list[str]:
    """The chains that an expression hands over as they are: names, their attributes, what containers and calls hold."""
    if node is None:
        return []
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [chain for each in node.elts for chain in mentioned(each)]
    if isinstance(node, ast.Dict):
        return [chain for each in (*node.keys, *node.values) for chain in mentioned(each)]
    if isinstance(node, ast.Starred):
        return mentioned(node.value)
    if isinstance(node, ast.Call):
        return [chain for each in (*node.args, *(keyword.value for keyword in node.keywords)) for chain in mentioned(each)]
    chain = chain_of(node)
    return [chain] if chain else []


def chain_of(node: ast.AST) -> str:
    """`a.b.c` for attributes of a name, else ""."""
    parts: list[str] = []
    while type(node) is ast.Attribute:
        parts.append(node.attr)
        node = node.value
    if type(node) is not ast.Name:
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))
