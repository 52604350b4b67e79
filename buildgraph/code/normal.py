"""Reduces source to what can change its behaviour: a digest that layout, comments and docstrings do not touch."""

from __future__ import annotations

import ast
from collections.abc import Set
from typing import Final

from buildgraph.digest import Digest

FORMAT: Final = 1  # raised whenever the normal form changes: every module then gets a new digest
_SILENT: Final = frozenset(("ctx", "kind", "type_comment", "type_ignores"))  # spelling, or said elsewhere in the tree


def normal_form(
    tree: ast.AST, *, keep_text: bool, wanted: Set[type[ast.AST]] = frozenset()
) -> tuple[Digest, list[ast.AST]]:
    """The digest of `tree`, and the nodes of the `wanted` types, outermost first.

    Strings that stand alone as a statement (docstrings, and strings used as comments) do not count unless `keep_text`.
    Every value is written after its kind and its length, so that no two trees have the same form; fields that are
    empty are not written, so that a field added by a later Python changes nothing. The walk has its own stack:
    Python's parser accepts deeper trees than Python's recursion limit does.
    """
    out: list[str] = [f"buildgraph.code {FORMAT};"]
    found: list[ast.AST] = []
    stack: list[object] = [tree]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is str:
            out.append(f"s{len(item)}:{item}")  # type: ignore[arg-type]  # mypy does not narrow by `kind is`
        elif kind is list:
            items = item if keep_text else [each for each in item if not _is_text(each)]  # type: ignore[attr-defined]  # as above
            out.append(f"[{len(items)}]")  # type: ignore[arg-type]  # as above
            stack.extend(reversed(items))  # type: ignore[call-overload]  # as above
        elif kind is ast.Constant:
            value = item.value  # type: ignore[attr-defined]  # as above
            text = value if type(value) is str else repr(value)
            out.append(f"c{type(value).__name__}{len(text)}:{text}")
        elif isinstance(item, ast.AST):
            if kind in wanted:
                found.append(item)
            given = [(name, getattr(item, name, None)) for name in item._fields if name not in _SILENT]
            fields = [(name, value) for name, value in given if value is not None and value != []]
            out.append(f"{kind.__name__}{len(fields)}:")
            for name, value in reversed(fields):
                stack.append(value)
                stack.append(name)
        else:
            text = repr(item)
            out.append(f"v{kind.__name__}{len(text)}:{text}")  # None in a list, a conversion number
    return Digest.of("".join(out).encode("utf-8", "surrogatepass")), found


def _is_text(item: object) -> bool:
    return type(item) is ast.Expr and type(item.value) is ast.Constant and type(item.value.value) is str
