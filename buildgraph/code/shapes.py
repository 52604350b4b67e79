"""The kinds of syntax nodes as the walk over a statement sees them: a name, and the fields that say something."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final

_SILENT: Final = frozenset(("ctx", "kind", "type_comment", "type_ignores"))  # spelling, or said elsewhere in the tree
_SHAPES: Final[dict[type, tuple[str, Callable[[Any], Iterable[Any]]]]] = {}


def shape_of(kind: type) -> tuple[str, Callable[[Any], Iterable[Any]]]:
    """The name of a kind of node, and what gives its fields, last first."""
    found = _SHAPES.get(kind)
    if found is None:
        names = [name for name in reversed(kind._fields) if name not in _SILENT]  # type: ignore[attr-defined]  # every ast node has it
        fields = attrgetter(*names) if len(names) > 1 else lambda node: [getattr(node, name) for name in names]
        found = _SHAPES[kind] = f"{kind.__name__};", fields
    return found
