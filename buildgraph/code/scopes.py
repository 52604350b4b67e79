"""Scopes while a statement is read: which names are bound where, and what the functions in it do when they are called."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple


class Level(NamedTuple):
    """What runs at one level of a function: 0 when it is called, 1 when a function is called that it defines, and so on.

    `touches` are names whose objects it may change, `calls` are names it calls.
    """

    touches: set[str]
    calls: set[str]


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
    inner: list[tuple[str, list[Level]]] = field(default_factory=list)  # functions defined in it


def levels_of(scope: Scope) -> list[Level]:
    """The levels of a function: functions it defines are one level further in, unless it calls them itself."""
    levels = [Level(scope.touches | scope.passes | (scope.binds & scope.is_global), scope.calls)]
    for name, inner in scope.inner:
        merge(levels, inner, 0 if name in scope.calls else 1)
    return levels


def merge(levels: list[Level], more: list[Level], start: int) -> None:
    for at, (touches, calls) in enumerate(more, start):
        while len(levels) <= at:
            levels.append(Level(set(), set()))
        levels[at].touches.update(touches)
        levels[at].calls.update(calls)


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
