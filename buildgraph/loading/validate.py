"""Tells what is wrong with a graph, all of it together: missing needs, self-needs, circles, names that clash."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final
from unicodedata import normalize

from buildgraph.errors import Place, UsageError, nearest
from buildgraph.graph import circle
from buildgraph.rule import name_taken
from buildgraph.schema import SchemaNode

MOST: Final = 20  # errors shown at once
WherePlace = Callable[[str, str], Place]  # label and note to where it was declared


class ManyErrors(UsageError):  # noqa: N818 - it is several errors
    """Several errors of one run, in the order of their places; each is shown as it would be alone."""

    def __init__(self, errors: Iterable[UsageError]) -> None:
        self.errors = tuple(errors)
        super().__init__(
            f"{len(self.errors)} errors",
            code="BG019",
            why="all that is wrong is told together",
            fix="correct them from the first",
        )

    def lines(self) -> list[str]:
        lines: list[str] = []
        for error in self.errors[:MOST]:
            lines += [*error.lines(), ""]
        more = len(self.errors) - MOST
        return [*lines, f"and {more} more errors" if more > 0 else f"{len(self.errors)} errors"]

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "errors": [error.as_dict() for error in self.errors]}


def raise_all(errors: list[UsageError]) -> None:
    """Raise what `errors` holds: nothing, the only one, or all of them in one. Flattens and drops repetitions."""
    flat: dict[tuple[str, str], UsageError] = {}
    for error in errors:
        for each in error.errors if isinstance(error, ManyErrors) else (error,):
            flat.setdefault((each.headline, str(each.where)), each)
    ordered = sorted(flat.values(), key=_by_place)
    if len(ordered) == 1:
        raise ordered[0]
    if ordered:
        raise ManyErrors(ordered)


def _by_place(error: UsageError) -> tuple[str, int, str]:
    place = error.where[0] if error.where else ""
    return (place.file, place.line, error.headline) if isinstance(place, Place) else ("", 0, error.headline)


def needs_of(nodes: Mapping[str, SchemaNode]) -> dict[str, Iterable[str]]:
    """The parents of each node, without a node that needs itself."""
    return {name: [need for need in node.needs.values() if need != name] for name, node in nodes.items()}


def self_needs(nodes: Mapping[str, SchemaNode], place: WherePlace) -> list[UsageError]:
    return [
        UsageError(
            f"'{name}' needs itself",
            code="BG022",
            where=place(name, ""),
            facts=(("needs", ", ".join(p for p, need in node.needs.items() if need == name)),),
            why="a target can run only after everything it needs",
            fix=f"remove '{name}' from what it needs",
        )
        for name, node in nodes.items()
        if name in node.needs.values()
    ]


def missing_need(name: str, need: str, known: Iterable[str], place: WherePlace, *, why: str = "") -> UsageError:
    """The error for `name`, which needs a `need` that nobody declared."""
    hint = _nearest_label(need, known)
    return UsageError(
        f"'{name}' needs '{need}', which does not exist",
        code="BG023",
        where=place(name, ""),
        why=why or "whatever a target needs has to be declared",
        fix=hint or f"declare '{need}', or remove it from what '{name}' needs",
    )


def _nearest_label(label: str, known: Iterable[str]) -> str:
    """The known label most like `label`; among those of its own package when it names one."""
    names = list(known)
    package, colon, name = label.rpartition(":")
    if colon:
        here = {each[len(package) + 1 :]: each for each in names if each.startswith(f"{package}:")}
        if hint := nearest(name, here):
            return hint.replace("'", f"'{package}:", 1)
    return nearest(label, names)


def no_circles(nodes: Mapping[str, SchemaNode], place: WherePlace) -> list[UsageError]:
    """The error for a circle among `nodes`, with one line for each edge of it; [] when there is none."""
    found = circle(needs_of(nodes))
    if not found:
        return []
    start = found.index(min(found))
    ring = found[start:] + found[:start]
    width = max(map(len, ring))
    edges = zip(ring, ring[1:] + ring[:1], strict=True)
    notes = [f"{name:<{width}}  needs  {need}" for name, need in edges]
    notes[-1] = f"{notes[-1]}   <- closes the circle"
    return [
        UsageError(
            "these targets need each other in a circle",
            code="BG021",
            where=tuple(place(name, note) for name, note in zip(ring, notes, strict=True)),
            why="a target can run only after everything it needs, so a circle can never start",
            fix=f"drop one of these {len(ring)} needs",
        )
    ]


def clashing_names(names: Iterable[str], place: WherePlace) -> list[UsageError]:
    """Errors for names that differ only in case or Unicode form."""
    seen: dict[str, str] = {}
    errors = []
    for name in names:
        known = seen.setdefault(name.lower() if name.isascii() else normalize("NFC", name).casefold(), name)
        if known != name:
            errors.append(name_taken(name, known, place(known, "first"), place(name, "again")))
    return errors


def problems(nodes: Mapping[str, SchemaNode], place: WherePlace, *, inputs: Container[str] = ()) -> list[UsageError]:
    """All that is wrong with a complete graph; `inputs` are the names that its values come from outside under."""
    errors = clashing_names(nodes, place) + self_needs(nodes, place)
    for name, node in nodes.items():
        errors += [
            missing_need(name, need, nodes, place)
            for need in dict.fromkeys(node.needs.values())
            if need not in nodes and need not in inputs
        ]
    return errors + no_circles(nodes, place)
