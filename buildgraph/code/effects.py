"""What importing a module does beside defining names, and for whom it matters.

A decorator may put a function into a registry, a base class may keep a list of what is derived from it, a statement
may fill a table. Such a piece counts when something that counts sees what it changed: its condition is the set of
pieces it may change. What may change anything else (a call that stands alone) counts whenever its module is imported.
"""

from __future__ import annotations

from typing import Final

from buildgraph.code.names import At, Names
from buildgraph.code.pieces import CLASS, FUNCTION, VARIABLE, Piece

# Decorators of these packages keep what they decorate to themselves.
_QUIET: Final = frozenset((
    "abc", "asyncio", "attr", "attrs", "beartype", "cachetools", "click", "contextlib", "dataclasses", "deprecated", "enum", "functools", "hypothesis",
    "jax", "joblib", "numba", "numpy", "overrides", "pydantic", "pytest", "sklearn", "tenacity", "torch", "typeguard", "types", "typing",
    "typing_extensions", "warnings", "wrapt", "zope",
))  # fmt: skip
_NEAR: Final = 1  # calls away from a plain call that what changes is looked for
_QUIET_BUILTINS: Final = frozenset(("classmethod", "property", "staticmethod"))


class Effects:
    """Conditions of pieces, each found once."""

    __slots__ = ("_changes", "_conditions", "_names")

    def __init__(self, names: Names) -> None:
        self._names = names
        self._conditions: dict[At, frozenset[At] | None] = {}
        self._changes: dict[tuple[At, int, bool], frozenset[At]] = {}

    def condition(self, at: At) -> frozenset[At] | None:
        """The pieces of which one must count for `at` to count because of what importing it does; None for always."""
        if at not in self._conditions:
            self._conditions[at] = self._find(at)
        return self._conditions[at]

    def _find(self, at: At) -> frozenset[At] | None:
        piece = self._names.piece(at)
        if piece.always:
            return None
        found: set[At] = set()
        for decorator in piece.decorators:
            if not self._decorate(at, decorator, found):
                return None
        decorators = {each.removesuffix("()") for each in piece.decorators}
        for chain in piece.import_calls:
            if chain not in decorators:
                self._call(at, piece, chain, 1, found)
        for chain in piece.import_touches:
            self._touch(at, chain, found, classes=piece.kind != VARIABLE)
        if piece.kind == CLASS:
            self._derive(at, piece, found)
        found.discard(at)
        return frozenset(found)

    def _decorate(self, at: At, decorator: str, found: set[At]) -> bool:
        """Adds what a decorator may change; false when that cannot be known."""
        chain = decorator.removesuffix("()")
        targets = self._names.meaning(at[0], chain) if chain != "?" else []
        if not targets:
            return chain in _QUIET_BUILTINS
        for kind, module, _, number in targets:
            if kind == "external":
                if module.partition(".")[0] not in _QUIET or module == "functools.singledispatch.register":
                    return False
            elif kind == "piece":
                found |= self.changes((module, number), 1 if chain != decorator else 0, given=True)
                if chain != decorator:
                    self._pass(at, self._names.piece(at), found)
        return True

    def _call(self, at: At, piece: Piece, chain: str, depth: int, found: set[At]) -> None:
        for kind, module, _, number in self._names.meaning(at[0], chain):
            if kind == "piece":
                found |= self.changes((module, number), depth, given=False)
                if self._names.piece((module, number)).kind == FUNCTION:
                    self._pass(at, piece, found)

    def _pass(self, at: At, piece: Piece, found: set[At]) -> None:
        for chain in piece.import_passes:
            found.update(each for each in self._pieces(at[0], chain) if self._is_open(each))

    def _touch(self, at: At, chain: str, found: set[At], *, classes: bool) -> None:
        for each in self._pieces(at[0], chain):
            piece = self._names.piece(each)
            if self._is_open(each) or (piece.kind in (CLASS, FUNCTION) and (classes or "cls" in piece.marks)):
                found.add(each)

    def _derive(self, at: At, piece: Piece, found: set[At]) -> None:
        """A class tells the classes it derives from, and its metaclass, that it exists."""
        seen, stack = {at}, [(at[0], piece)]
        while stack:
            module, each = stack.pop()
            for chain in (*each.bases, *((each.metaclass,) if each.metaclass else ())):
                for base in self._pieces(module, chain):
                    if base in seen:
                        continue
                    seen.add(base)
                    inner = self._names.piece(base)
                    if inner.kind == VARIABLE:
                        found.add(base)
                    elif inner.kind == CLASS:
                        stack.append((base[0], inner))
                        if inner.hooks or chain == each.metaclass:
                            found |= self.changes(base, 0, given=True)
                            if "cls" in inner.marks:
                                found.add(base)

    def changes(self, at: At, depth: int, *, given: bool) -> frozenset[At]:
        """The pieces that calling `at` may change, with the functions it defines down to `depth`, and what they call.

        `given`: only what it may put there of what it is given, which a decorator is what it decorates; however far it
        is handed on. Else anything it changes, itself or one call away.
        """
        known = self._changes.get((at, depth, given))
        if known is not None:
            return known
        found: set[At] = set()
        seen: set[At] = {at}
        stack = [(at, depth, 0)]
        while stack:
            each, deepest, far = stack.pop()
            for touches, calls, stores, hands in self._names.piece(each).levels[: deepest + 1]:
                for chain in stores if given else touches:
                    for other in self._pieces(each[0], chain):
                        if self._is_open(other) or ("." in chain and self._names.piece(other).kind == CLASS):
                            found.add(other)
                for chain in hands if given else calls if far < _NEAR else ():
                    for other in self._pieces(each[0], chain):
                        if other not in seen:
                            seen.add(other)
                            stack.append((other, 1, far + 1))
        answer = self._changes[at, depth, given] = frozenset(found)
        return answer

    def _pieces(self, module: str, chain: str) -> list[At]:
        return [(place, number) for kind, place, _, number in self._names.meaning(module, chain) if kind == "piece"]

    def _is_open(self, at: At) -> bool:
        """Whether something may be registered in the variable `at`."""
        piece = self._names.piece(at)
        return piece.kind == VARIABLE and not piece.frozen
