"""What importing a module does beside defining names, and for whom it matters.

A decorator may put a function into a registry, a base class may keep a list of what is derived from it, a statement
may fill a table. Such a piece counts when something that counts sees what it changed: its condition is the set of
pieces it may change. What may change anything else (a call that stands alone) counts whenever its module is imported.
"""

from __future__ import annotations

from typing import Final

from buildgraph.code.names import At, Names
from buildgraph.code.pieces import CLASS, FUNCTION, VARIABLE, Piece
from buildgraph.code.vocabulary import changes_argument, sets

# Decorators of these packages keep what they decorate to themselves.
_QUIET: Final = frozenset((
    "abc", "asyncio", "attr", "attrs", "beartype", "cachetools", "click", "contextlib", "dataclasses", "deprecated", "enum", "functools", "hypothesis",
    "jax", "joblib", "numba", "numpy", "overrides", "pydantic", "pytest", "sklearn", "tenacity", "torch", "typeguard", "types", "typing",
    "typing_extensions", "warnings", "wrapt", "zope",
))  # fmt: skip
_QUIET_BUILTINS: Final = frozenset(("classmethod", "property", "staticmethod"))
# What these packages make keeps nothing of what it is used on, or keeps it where it makes no difference.
_KEEPING_NOTHING: Final = frozenset(("functools", "joblib", "logging", "operator", "re", "typing"))
_NEAR: Final = 1  # calls away from a plain call that what changes is looked for
_FAR: Final = 3  # and from a decorator, which may hand on what it decorates
_ANYTHING: Final = ("", -1)  # a change whose extent is not known, in place of a piece


class Effects:
    """Conditions of pieces, each found once."""

    __slots__ = ("_changes", "_conditions", "_names", "_of_modules")

    def __init__(self, names: Names) -> None:
        self._names = names
        self._conditions: dict[At, frozenset[At] | None] = {}
        self._of_modules: dict[str, tuple[list[At], dict[frozenset[At], list[At]]]] = {}
        self._changes: dict[tuple[At, int, int], frozenset[At]] = {}

    def condition(self, at: At) -> frozenset[At] | None:
        """The pieces of which one must count for `at` to count because of what importing it does; None for always."""
        if at not in self._conditions:
            self._conditions[at] = self._find(at)
        return self._conditions[at]

    def of_module(self, module: str) -> tuple[list[At], dict[frozenset[At], list[At]]]:
        """What importing `module` does: the pieces that always count, and those that do on a condition, by that."""
        known = self._of_modules.get(module)
        if known is None:
            summary = self._names.project.module(module).summary
            places = [(module, number) for number in range(len(summary.pieces) if summary is not None else 0)]
            known = self._of_modules[module] = [], {}
            for at in places:
                condition = self.condition(at)
                if condition is None:
                    known[0].append(at)
                elif condition:
                    known[1].setdefault(condition, []).append(at)
        return known

    def _find(self, at: At) -> frozenset[At] | None:
        piece = self._names.piece(at)
        if piece.always:
            return None
        found: set[At] = set()
        for decorator in piece.decorators:
            if not self._decorate(at, decorator, found):
                return None
        decorators = {each.removesuffix("()") for each in piece.decorators}
        depth = 0 if piece.kind == VARIABLE and "curried" not in piece.marks else 1  # what a call returns is not called
        for chain in piece.import_calls:
            if chain not in decorators:
                self._call(at, piece, chain, depth, found)
        for chain in piece.import_touches:
            self._touch(at[0], chain, found, classes=piece.kind != VARIABLE)
        if piece.kind == CLASS:
            self._derive(at, piece, found)
        found.discard(at)
        return frozenset(found) if _ANYTHING not in found else None

    def _decorate(self, at: At, decorator: str, found: set[At]) -> bool:
        """Adds what a decorator may change; false when that cannot be known."""
        chain = decorator.removesuffix("()")
        targets = self._names.meaning(at[0], chain) if chain != "?" else []
        if not targets:
            return chain in _QUIET_BUILTINS
        for kind, module, _, number in targets:
            if kind == "external":
                if module.partition(".")[0] not in _QUIET:
                    return False
            elif kind == "piece":
                if self._names.piece((module, number)).kind == VARIABLE:
                    self._instance((module, number), found, set())
                found |= self.changes((module, number), 1 if chain != decorator else 0)
                if chain != decorator:
                    self._pass(at, self._names.piece(at), found, patches="patches" in self._names.piece((module, number)).marks)
        return True

    def _call(self, at: At, piece: Piece, chain: str, depth: int, found: set[At]) -> None:
        for kind, module, _, number in self._names.meaning(at[0], chain):
            if kind == "piece":
                found |= self.changes((module, number), depth, _NEAR)
                if self._names.piece((module, number)).kind == FUNCTION:
                    self._pass(at, piece, found, patches="patches" in self._names.piece((module, number)).marks)
            elif kind == "external":
                if sets(chain):
                    found.add(_ANYTHING)
                self._pass(at, piece, found, patches=changes_argument(chain))

    def _pass(self, at: At, piece: Piece, found: set[At], *, patches: bool) -> None:
        for chain in piece.import_passes:
            for each in self._pieces(at[0], chain):
                if patches and (self._is_open(each) or self._names.piece(each).kind != VARIABLE):
                    found.add(each)
                if self._names.piece(each).kind == FUNCTION:
                    found |= self.changes(each, 1)

    def _instance(self, at: At, found: set[At], seen: set[At]) -> None:
        """Adds what calling the object in a variable may change: itself, what it was made of, what its class changes."""
        if at in seen:
            return
        seen.add(at)
        piece = self._names.piece(at)
        made_of = [each for chain in piece.reads for each in self._pieces(at[0], chain)]
        if self._is_open(at) and (not made_of or any("keeps" in self._names.piece(each).marks or self._is_open(each) for each in made_of)):
            found.add(at)
        for each in made_of:
            if self._names.piece(each).kind != VARIABLE:
                found |= self.changes(each, 1)
            elif not piece.frozen or piece.import_calls:
                self._instance(each, found, seen)

    def _touch(self, module: str, chain: str, found: set[At], *, classes: bool) -> None:
        """Adds what changes when `chain` in `module` is touched. `classes`: classes too, when one of their methods is called."""
        name, stored, returned = chain.rstrip("=()"), chain.endswith("="), "()" in chain
        for kind, place, _, number in self._names.meaning(module, name):
            if kind != "piece":
                if stored and kind != "run":
                    found.add(_ANYTHING)
                continue
            each = (place, number)
            piece = self._names.piece(each)
            if returned and piece.kind == FUNCTION:
                found.update(other for inner in piece.reads for other in self._pieces(place, inner) if self._is_open(other))
            elif returned and piece.kind == CLASS:
                continue
            elif stored or self._is_open(each) or piece.kind == FUNCTION or (piece.kind == CLASS and (classes or "cls" in piece.marks)):
                found.add(each)
                if piece.kind == VARIABLE:
                    self._behind(each, found)

    def _behind(self, at: At, found: set[At]) -> None:
        """Adds what a touched variable is another name for, or holds."""
        piece = self._names.piece(at)
        called = [each for chain in piece.import_calls for each in self._pieces(at[0], chain)]
        for chain in piece.import_passes if called else () if piece.import_calls else piece.reads:
            for each in self._pieces(at[0], chain):
                if each not in found and self._is_open(each):
                    found.add(each)
                    self._behind(each, found)

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
                            found |= self.changes(base, 0, _NEAR)
                            if "cls" in inner.marks:
                                found.add(base)

    def changes(self, at: At, depth: int, far: int = _FAR) -> frozenset[At]:
        """The pieces that calling `at` may change, with the functions it defines down to `depth`, and all they call.

        `far`: calls of calls, at most so many, are followed.
        """
        known = self._changes.get((at, depth, far))
        if known is not None:
            return known
        found: set[At] = set()
        seen: set[At] = {at}
        stack = [(at, depth, 0)]
        while stack:
            each, deepest, calls_away = stack.pop()
            piece = self._names.piece(each)
            if "own" in piece.marks:
                found.add(each)
            for touches, calls in piece.levels[: deepest + 1]:
                for chain in touches:
                    self._touch(each[0], chain, found, classes="." in chain)
                for chain in calls if calls_away < far else ():
                    for kind, place, _, number in self._names.meaning(each[0], chain):
                        other = (place, number)
                        if kind == "piece" and other not in seen:
                            seen.add(other)
                            stack.append((other, 1, calls_away + 1))
                        elif kind == "external" and sets(chain):
                            found.add(_ANYTHING)
        answer = self._changes[at, depth, far] = frozenset(found)
        return answer

    def _pieces(self, module: str, chain: str) -> list[At]:
        return [(place, number) for kind, place, _, number in self._names.meaning(module, chain) if kind == "piece"]

    def _is_open(self, at: At) -> bool:
        """Whether something may be registered in the variable `at`."""
        piece = self._names.piece(at)
        if piece.kind != VARIABLE or piece.frozen:
            return False
        made = [each for chain in piece.import_calls for each in self._names.meaning(at[0], chain)]
        return not made or any(kind != "external" or module.partition(".")[0] not in _KEEPING_NOTHING for kind, module, _, _ in made)
