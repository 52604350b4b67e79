"""Arithmetic on literals, done as Python's own compiler does it: `60 * 60` is another spelling of `3600`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

_OPERATORS: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}
_DEEPEST: Final = 50
_MOST: Final = 1 << 128  # of a number; and no larger exponents or shifts than 64


def folded(node: ast.AST, depth: int = 0) -> int | float | None:
    """The number that an expression of number literals is, or None when it is anything else."""
    if depth > _DEEPEST:
        return None
    if type(node) is ast.Constant:
        return node.value if type(node.value) in (int, float) else None  # type: ignore[return-value]  # by exact type: no bool
    if type(node) is ast.UnaryOp and type(node.op) is ast.USub:
        inner = folded(node.operand, depth + 1)
        return -inner if inner is not None else None
    if type(node) is not ast.BinOp or (type(node.right) is not ast.Constant and type(node.right) not in (ast.BinOp, ast.UnaryOp)):
        return None
    operate = _OPERATORS.get(type(node.op))
    right = folded(node.right, depth + 1) if operate is not None else None
    left = folded(node.left, depth + 1) if right is not None else None
    if operate is None or left is None or right is None:
        return None
    if type(node.op) in (ast.Pow, ast.LShift) and not 0 <= right <= 64:
        return None
    try:
        value = operate(left, right)
    except (ArithmeticError, TypeError, ValueError):
        return None
    return value if type(value) in (int, float) and abs(value) < _MOST else None
