"""The closure of definitions: the pieces that an entry point can reach by names, and what importing their modules does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from buildgraph.code.effects import Effects
from buildgraph.code.module import Links, absolute
from buildgraph.code.names import At, Names
from buildgraph.code.pieces import BLOCK, CLASS, VARIABLE

_OBJECT: Final = re.compile(r"(?!\d)\w+(\.(?!\d)\w+)*(:(?!\d)\w+(\.\w+)*)?")  # how strings name modules and what is in them


@dataclass(slots=True)
class Closure:
    """What counts for an entry point: pieces, each with the one that led to it; modules that count as a whole; modules
    that are imported; modules that count by their bytes; and where their imports lead."""

    pieces: dict[At, At | None] = field(default_factory=dict)
    wholes: set[str] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)
    externals: set[str] = field(default_factory=set)
    links: Links = field(default_factory=Links)


def close(names: Names, effects: Effects, roots: Iterable[tuple[str, str]], ignored: Sequence[str] = ()) -> Closure:
    """The closure of `roots`, each a module and a name in it ("" for all of it). Raises the error of a broken module."""
    closing = _Closing(names, effects, tuple(ignored))
    for module, name in roots:
        closing.import_(module)
        if name:
            for kind, place, _, number in names.meaning(module, name):
                if kind == "piece":
                    closing.reach((place, number), None)
                elif kind == "module":
                    closing.whole(place, None)
                elif kind == "run":
                    closing.import_(place)
                else:
                    closing.found.externals.add(place)
                    names.lead_out(place, module, closing.found.links)
        else:
            closing.whole(module, None)
    closing.finish()
    return closing.found


def order_of(closure: Closure, names: Names, orders: Mapping[str, list[str]], entries: Iterable[str]) -> list[str]:
    """The pieces for which it matters when they run, in the order in which importing `entries` runs them.

    `orders` are those of each module. One alone has no order.
    """
    found: list[str] = []
    seen: set[str] = set()
    imported = closure.imported

    def visit(module: str) -> None:
        stack: list[tuple[str, bool]] = [(module, False)]
        while stack:
            name, done = stack.pop()
            if done:
                found.extend(orders[name])
            elif name not in seen:
                seen.add(name)
                if orders.get(name):
                    stack.append((name, True))
                before = [name.rpartition(".")[0]] if "." in name else []
                stack += [(each, False) for each in reversed((*before, *names.eager(name)[0])) if each not in seen and each in imported]

    for entry in (*entries, *sorted(imported)):
        if entry in imported and entry not in seen:
            visit(entry)
    return found if len(found) > 1 else []


def ordered(module: str, numbers: Iterable[int], names: Names, effects: Effects) -> list[str]:
    """Of these pieces of `module` those that do something when it is imported, and all that is evaluated then when it
    binds a name twice, in their order."""
    each = names.project.module(module)
    if each.summary is None:
        return []
    counted = [(number, each.summary.pieces[number]) for number in numbers]
    twice = names.bound_twice(module)
    acts = [number for number, _ in counted if effects.condition((module, number)) != frozenset()]
    found: list[tuple[float, str]] = [
        (number, f"{module}.{piece.title}") for number, piece in counted
        if twice or number in acts or (acts and (piece.kind in (VARIABLE, BLOCK, CLASS) or piece.decorators))
    ]  # fmt: skip
    if twice:  # an import comes before the piece with the number that many came before it
        aliases = [alias for alias in each.summary.aliases if alias.piece < 0 and alias.name in twice]
        found += [(alias.after - 0.5, f"{alias.name} is {'.' * alias.level}{alias.module} {alias.attribute}") for alias in aliases]
        found += [(after - 0.5, f"* is {'.' * level}{target}") for level, target, after in each.summary.stars]
    return [title for _, title in sorted(found, key=lambda row: row[0])]


class _Closing:
    def __init__(self, names: Names, effects: Effects, ignored: tuple[str, ...]) -> None:
        self.found = Closure()
        self._names = names
        self._effects = effects
        self._ignored = ignored
        self._stack: list[At] = []
        self._waiting: dict[frozenset[At], list[At]] = {}  # pieces, by the condition on which they wait
        self._conditions: dict[At, list[frozenset[At]]] = {}  # those conditions, by the pieces that meet them
        self._counts_subclasses = False
        self._values: set[str] = set()
        self._guesses = False
        self._read: set[At] = set()  # pieces whose strings were looked at

    def finish(self) -> None:
        """Follow everything, until nothing more is led to."""
        while True:
            while self._stack:
                self._follow(self._stack.pop())
            if self._counts_subclasses:
                for at, base in self._subclasses():
                    self.reach(at, base)
            for package in list(self._values):  # whoever has a package has the modules in it that were imported
                for module in [each for each in self.found.imported if each.startswith(f"{package}.") and each not in self.found.wholes]:
                    self.whole(module, None, strict=False)
            if self._guesses:
                self._objects()
            if not self._stack:
                return

    def reach(self, at: At, via: At | None) -> None:
        if at in self.found.pieces or self._is_ignored(at[0]):
            return
        self.found.pieces[at] = via
        self._stack.append(at)
        for condition in self._conditions.pop(at, ()):
            for other in self._waiting.pop(condition, ()):
                self.reach(other, at)

    def whole(self, module: str, via: At | None, *, strict: bool = True) -> None:
        """Every piece of `module` counts."""
        if module in self.found.wholes or self._is_ignored(module):
            return
        self.found.wholes.add(module)
        self.import_(module, strict=strict and via is None)
        summary = self._names.project.module(module).summary
        if summary is not None:
            for number in range(len(summary.pieces)):
                self.reach((module, number), via)

    def import_(self, module: str, *, strict: bool = True) -> None:
        """Importing `module` imports the packages above it, and what its own imports say."""
        todo = [module]
        while todo:
            name = todo.pop()
            if name in self.found.imported or self._is_ignored(name):
                continue
            self.found.imported.add(name)
            if "." in name:
                todo.append(name.rpartition(".")[0])
            each = self._names.project.module(name)
            if each.broken is not None and strict:
                raise each.broken
            if each.summary is None:
                if each.path:
                    self.found.opaque.add(name)
                    self.found.links.notes |= each.links.notes
                    if each.broken is not None:
                        self.found.links.notes.add(f"{name} is not valid Python: its bytes count")
                continue
            runs, links = self._names.eager(name)
            todo += [each for each in runs if each not in self.found.imported]
            if links:
                self.found.links.add(links)
            always, conditional = self._effects.of_module(name)
            for at in always:
                self.reach(at, None)
            for condition, places in conditional.items():
                self._await(places, condition)

    def _await(self, places: list[At], condition: frozenset[At]) -> None:
        """The pieces `places` count as soon as one piece of `condition` does."""
        met = next((each for each in condition if each in self.found.pieces), None)
        if met is not None:
            for at in places:
                self.reach(at, met)
        elif condition in self._waiting:
            self._waiting[condition] += places
        else:
            self._waiting[condition] = list(places)
            for each in condition:
                self._conditions.setdefault(each, []).append(condition)

    def _follow(self, at: At) -> None:
        edges = self._names.edges(at)
        pieces, imported = self.found.pieces, self.found.imported
        if at[0] not in imported:
            self.import_(at[0])
        self._guesses = self._guesses or edges.guesses
        for piece in edges.pieces:
            if piece not in pieces:
                self.reach(piece, at)
        for module in edges.runs:
            if module not in imported:
                self.import_(module)
        for module in edges.wholes:
            self.whole(module, at)
        if edges.values:
            self._values |= edges.values
        if edges.leads_out:
            self.found.links.add(edges.links)
            self.found.externals |= edges.externals
        self._counts_subclasses = self._counts_subclasses or edges.counts_subclasses

    def _subclasses(self) -> list[tuple[At, At]]:
        """Classes derived from one that counts: code that counts asks for all of them."""
        found = []
        for module in self.found.imported:
            summary = self._names.project.module(module).summary
            for number, piece in enumerate(summary.pieces if summary else ()):
                at = (module, number)
                if piece.kind == CLASS and at not in self.found.pieces:
                    bases = ((place, base) for chain in piece.bases for kind, place, _, base in self._names.meaning(module, chain) if kind == "piece")
                    via = next((base for base in bases if base in self.found.pieces), None)
                    if via is not None:
                        found.append((at, via))
        return found

    def _absolute_from(self, module: str) -> Callable[[str], str]:
        """Makes texts such as ".steps" absolute, as an import in `module` would."""
        found = self._names.project.module(module).found

        def full(text: str) -> str:
            rest = text.lstrip(".")
            return absolute(len(text) - len(rest), rest, found) if text.startswith(".") and rest.isidentifier() else text

        return full

    def _objects(self) -> None:
        """Modules, and objects in them, that strings name: code that counts imports by names that it is given."""
        finder = self._names.project.finder
        for at in [each for each in self.found.pieces if each not in self._read]:
            self._read.add(at)
            for text in map(self._absolute_from(at[0]), self._names.piece(at).strings):
                module, _, name = text.partition(":")
                if not _OBJECT.fullmatch(text) or (finder.find(module) is None and ":" in text):
                    continue
                if finder.find(module) is None:
                    module, _, name = text.rpartition(".")
                there = finder.find(module) if module else None
                if there is None or (there.folders and text == module and "." not in text):
                    continue
                if not there.first_party:
                    self._names.lead_out(module, at[0], self.found.links)
                elif name:
                    for kind, place, _, number in self._names.meaning(module, name):
                        if kind == "piece":
                            self.reach((place, number), at)
                        elif kind == "module":
                            self.whole(place, at)
                    self.import_(module, strict=False)
                else:
                    self.whole(module, at)

    def _is_ignored(self, module: str) -> bool:
        return bool(self._ignored) and any(module == each or module.startswith(f"{each}.") for each in self._ignored)
