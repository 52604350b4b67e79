"""What one module adds to a closure: found once for all the closures that hold the same pieces of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

import msgpack

from buildgraph.code.definitions import Closure, ordered
from buildgraph.code.effects import Effects
from buildgraph.code.names import At, Names
from buildgraph.code.resources import places_of

_VARIABLE: Final = re.compile("[A-Z][A-Z0-9_]{2,}")


class Row(NamedTuple):
    """A piece of a closure: what it is called there, its number in its module, its digest, and what its names mean."""

    title: str
    number: int
    digest: str
    meanings: list[str]


@dataclass(slots=True)
class Part:
    """The pieces of one module that a closure holds, and what can be said of them together.

    `environment` are variables that it reads by name, `variables` strings that may be names of more;
    `origins` are pieces that know where modules are, each with those modules; `order` are the pieces for which it matters when they run.
    """

    module: str
    numbers: tuple[int, ...]
    marks: frozenset[str]
    environment: frozenset[str]
    variables: frozenset[str]
    origins: dict[At, set[str]]
    order: list[str]
    rows: dict[bool, list[Row]] = field(default_factory=dict)
    packed: dict[bool, bytes] = field(default_factory=dict)


class Parts:
    """The parts of all closures of one moment."""

    __slots__ = ("_effects", "_found", "_names")

    def __init__(self, names: Names, effects: Effects) -> None:
        self._names = names
        self._effects = effects
        self._found: dict[tuple[str, tuple[int, ...]], Part] = {}

    def of(self, closure: Closure) -> dict[str, Part]:
        """The parts of a closure by module, those of which it holds no piece but what importing them does included."""
        held = {module: tuple([number for _, number in places]) for module, places in groupby(sorted(closure.pieces), key=lambda at: at[0])}
        found = {}
        for module in {**held, **dict.fromkeys(closure.imported)}:
            numbers = held.get(module, ())
            known = self._found.get((module, numbers))
            if known is None:
                known = self._found[module, numbers] = self._make(module, numbers)
            found[module] = known
        return found

    def rows(self, part: Part, loud: bool) -> list[Row]:
        """The pieces of a part. Of equal titles those after the first are numbered. `loud`: docstrings count."""
        known = part.rows.get(loud)
        if known is None:
            known = part.rows[loud] = []
            seen: dict[str, int] = {}
            for number in part.numbers:
                at = part.module, number
                title = f"{part.module}.{self._names.piece(at).title}"
                seen[title] = count = seen.get(title, 0) + 1
                known.append(Row(title if count == 1 else f"{title}#{count}", number, self._names.digest(at, loud), self._names.edges(at).meanings))
        return known

    def packed(self, part: Part, loud: bool) -> bytes:
        """The same as msgpack."""
        known = part.packed.get(loud)
        if known is None:
            known = part.packed[loud] = msgpack.packb(self.rows(part, loud), unicode_errors="surrogatepass")
        return known

    def _make(self, module: str, numbers: tuple[int, ...]) -> Part:
        names = self._names
        pieces = [(at, names.piece(at)) for at in ((module, number) for number in numbers)]
        return Part(
            module, numbers, frozenset([mark for _, piece in pieces for mark in piece.marks]),
            frozenset([name for _, piece in pieces for name in piece.environment]),
            frozenset([text for _, piece in pieces for text in piece.strings if _VARIABLE.fullmatch(text)]),
            {at: places for at, _ in pieces if (places := places_of(at, names))}, ordered(module, numbers, names, self._effects),
        )  # fmt: skip


def marks_of(parts: Iterable[Part]) -> frozenset[str]:
    return frozenset().union(*(part.marks for part in parts))
