"""Says what a name in a module means: which pieces of which modules, or what outside the project."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from buildgraph.code.dynamic import Import
from buildgraph.code.finder import STDLIB
from buildgraph.code.module import Links, absolute, follow, follow_one, widen
from buildgraph.code.pieces import BLOCK, Piece
from buildgraph.code.project import Project
from buildgraph.digest import Digest
from buildgraph.encoding import encode_plain

_BUILTIN: Final = frozenset(dir(builtins))
_OF_MODULES: Final = frozenset(("__name__", "__file__", "__package__", "__spec__", "__loader__", "__path__", "__builtins__", "__debug__", "__dict__"))

_SPACES: Final = frozenset(("__globals__", "f_globals", "globals"))  # what leads to all names of a module
_METADATA: Final = ("importlib.metadata", "importlib_metadata", "pkg_resources")  # what tells about installed distributions

At = tuple[str, int]  # a piece: its module, and its number there


class Target(NamedTuple):
    """What a name means: a `piece` of a module (`name` is shown), all of a `module`, or something `external`."""

    kind: str
    module: str
    name: str = ""
    number: int = -1


@dataclass(slots=True)
class Edges:
    """Where one piece leads. `runs` are modules that it imports when it runs; `meanings` are its names with what they
    mean, where the piece alone does not say so; `wholes` are modules of which every piece counts, `values` those of them that are used as a value."""

    pieces: list[At] = field(default_factory=list)
    wholes: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    externals: set[str] = field(default_factory=set)
    links: Links = field(default_factory=Links)
    meanings: list[str] = field(default_factory=list)
    guesses: bool = False  # it imports by a name that may be any string
    counts_subclasses: bool = False  # it asks a class for all that are derived from it
    digests: dict[bool, str] = field(default_factory=dict)
    leads_out: bool = False  # `externals` or `links` say something


def with_meanings(piece: Piece, meanings: list[str], loud: bool) -> str:
    """The digest of a piece together with what its names mean."""
    own = piece.loud if loud else piece.digest
    return (Digest.of(encode_plain([own, meanings])) if meanings else own).hex()


class Names:
    """The meanings of names in one project at one moment. The edges of a piece are found once, for all closures."""

    __slots__ = ("_eager", "_edges", "_given_by", "_meanings", "_readers", "_star_imports", "_star_names", "_twice", "project")

    def __init__(self, project: Project) -> None:
        self.project = project
        self._edges: dict[At, Edges] = {}
        self._meanings: dict[tuple[str, str], list[Target]] = {}
        self._readers: dict[At, list[At]] = {}
        self._given_by: dict[tuple[str, str], list[tuple[str, bool]]] = {}
        self._twice: dict[str, set[str]] = {}
        self._star_imports: dict[str, list[tuple[str, bool]]] = {}
        self._star_names: dict[str, frozenset[str] | None] = {}
        self._eager: dict[str, tuple[tuple[str, ...], Links]] = {}

    def piece(self, at: At) -> Piece:
        summary = self.project.module(at[0]).summary
        assert summary is not None, at
        return summary.pieces[at[1]]

    def meaning(self, module: str, chain: str) -> Sequence[Target]:
        """What the dotted `chain` means in `module`, nothing for a builtin or an unknown name."""
        known = self._meanings.get((module, chain))
        if known is None:
            known = self._meanings[module, chain] = []
            root, _, rest = chain.partition(".")
            self._member(module, root, rest, known, set())
        return known

    def digest(self, at: At, loud: bool) -> str:
        """The digest of a piece with what its names mean. `loud`: docstrings count."""
        edges = self.edges(at)
        known = edges.digests.get(loud)
        if known is None:
            known = edges.digests[loud] = with_meanings(self.piece(at), edges.meanings, loud)
        return known

    def edges(self, at: At) -> Edges:
        known = self._edges.get(at)
        if known is None:
            known = self._edges[at] = self._find(at)
        return known

    def readers(self, at: At) -> Sequence[At]:
        """The pieces that lead to the piece `at`, of all whose edges were found so far."""
        return self._readers.get(at, ())

    def eager(self, module: str) -> tuple[tuple[str, ...], Links]:
        """The first-party modules that importing `module` imports, in their order, and where those of its imports lead that bind no
        name it reads: they are there for what they do."""
        known = self._eager.get(module)
        if known is None:
            known = self._eager[module] = self._imported(module)
        return known

    # Names.

    def _member(self, module: str, name: str, rest: str, found: list[Target], seen: set[tuple[str, str, str]]) -> bool:
        """Adds what `name` in `module` means (`rest` are attributes of it); false when it is not there."""
        if (module, name, rest) in seen:
            return True
        seen.add((module, name, rest))
        each = self.project.module(module)
        summary = each.summary
        known = False
        if summary is None and each.path:
            found.append(Target("module", module))
            return True
        numbers = each.pieces.get(name)
        if numbers:
            found += [Target("piece", module, name, number) for number in numbers]
            known = True
            if each.found.folders and (inner := self.project.finder.find(f"{module}.{name}")) and inner.first_party:
                self._module(inner.name, rest, found, seen)  # importing a module of the package binds its name anew
        for alias in each.aliases.get(name, ()):
            known = True
            self._alias(module, alias.level, alias.module, alias.attribute, rest, found, seen)
            if alias.piece >= 0:
                found.append(Target("piece", module, name, alias.piece))
        if summary is not None and summary.stars:
            known = self._starred(module, name, rest, found, seen, known) or known
        if not known and each.found.folders and (inner := self.project.finder.find(f"{module}.{name}")):
            known = True
            if inner.first_party:
                self._module(inner.name, rest, found, seen)
            else:
                found.append(Target("external", inner.name))
        if name == "__dict__":
            found.append(Target("module", module))
        if not known and name in _OF_MODULES:
            return True
        if not known and name not in _BUILTIN and summary is not None:
            if "__getattr__" in each.pieces and seen:
                found += [Target("piece", module, "__getattr__", number) for number in each.pieces["__getattr__"]]
                return True
            if summary.is_open and any(not _SPACES.isdisjoint(piece.marks) for piece in summary.pieces):
                found.append(Target("module", module))
                return True
        return known

    def _starred(self, module: str, name: str, rest: str, found: list[Target], seen: set[tuple[str, str, str]], known: bool) -> bool:
        """Star imports may bind a name that the module binds itself, before or after."""
        for target, first_party in self._givers(module, name):
            if not first_party:
                if not known:
                    found.append(Target("external", f"{target}.*"))
                continue
            known = self._member(target, name, rest, found, seen) or known
            summary = self.project.module(target).summary
            if summary is not None and "*" in (summary.exports or ()):
                self._member(target, "__all__", "", found, seen)
        return known

    def _givers(self, module: str, name: str) -> list[tuple[str, bool]]:
        """Those modules of which `module` takes everything that may have `name`, each with whether it is first party."""
        known = self._given_by.get((module, name))
        if known is None:
            known = self._given_by[module, name] = []
            for target, first_party in self._stars(module):
                given = self._given(target) if first_party else None
                if (given is None or name in given) and (self._exports(target, name) if first_party else name not in _BUILTIN):
                    known.append((target, first_party))
        return known

    def _stars(self, module: str) -> list[tuple[str, bool]]:
        """The modules from which `module` takes everything, each with whether it is first party."""
        known = self._star_imports.get(module)
        if known is None:
            each = self.project.module(module)
            named = [absolute(level, starred, each.found) for level, starred, _ in (each.summary.stars if each.summary is not None else ())]
            there = [(name, self.project.finder.find(name)) for name in named if name]
            known = self._star_imports[module] = [(name, found.first_party) for name, found in there if found is not None]
        return known

    def _given(self, module: str) -> frozenset[str] | None:
        """At most these names come from `from module import *`; None when that cannot be said."""
        if module not in self._star_names:
            names: set[str] = set()
            todo, seen, every = [module], {module}, True
            while todo:
                each = self.project.module(todo.pop())
                summary = each.summary
                if summary is None or "__getattr__" in summary.names or any(not _SPACES.isdisjoint(piece.marks) for piece in summary.pieces):
                    every = False
                    break
                names |= summary.names | self.project.finder.modules_in(each.found.folders)
                inner = [name for name, first_party in self._stars(each.name) if first_party and name not in seen]
                seen.update(inner)
                todo += inner
            self._star_names[module] = frozenset(names) if every else None
        return self._star_names[module]

    def _exports(self, module: str, name: str) -> bool:
        """Whether a star import of `module` may bind `name`."""
        summary = self.project.module(module).summary
        exports = summary.exports if summary is not None else None
        return (name in exports or "*" in exports) if exports is not None else not name.startswith("_")

    def bound_twice(self, module: str) -> set[str]:
        """The names for which it matters in which order the statements of `module` bind them."""
        known = self._twice.get(module)
        if known is None:
            known = self._twice[module] = self._bound_twice(module)
        return known

    def _bound_twice(self, module: str) -> set[str]:
        each = self.project.module(module)
        assert each.summary is not None
        found = {name for name, numbers in each.pieces.items() if len(numbers) > 1}
        for name, aliases in each.aliases.items():
            places = {(alias.level, alias.module, alias.attribute) if alias.piece < 0 else alias.piece for alias in aliases}
            if len(places | {*each.pieces.get(name, ())}) > 1:
                found.add(name)
        starred: set[str] = set()
        for level, target, _ in each.summary.stars:
            name = absolute(level, target, each.found)
            there = self.project.finder.find(name) if name else None
            if there is not None and there.first_party and (summary := self.project.module(name).summary) is not None:
                given = {inner for inner in summary.names if self._exports(name, inner)}
                found |= given & (starred | {*each.pieces, *each.aliases})
                starred |= given
        return found

    def _alias(self, module: str, level: int, target: str, attribute: str, rest: str, found: list[Target], seen: set[tuple[str, str, str]]) -> None:
        name = absolute(level, target, self.project.module(module).found)
        there = self.project.finder.find(name) if name else None
        if there is None or there is STDLIB or not there.first_party:
            found.append(Target("external", ".".join(part for part in (name, attribute, rest) if part)))
        elif not attribute:
            self._module(name, rest, found, seen)
        elif name == module and (inner := self.project.finder.find(f"{name}.{attribute}")) and inner.first_party:
            self._module(inner.name, rest, found, seen)  # a package takes a module of its own
        elif not self._member(name, attribute, rest, found, seen):
            found.append(Target("external", f"{name}.{attribute}?"))

    def _module(self, name: str, rest: str, found: list[Target], seen: set[tuple[str, str, str]]) -> None:
        found.append(Target("run", name))
        if not rest:
            found.append(Target("module", name))
            return
        attribute, _, more = rest.partition(".")
        self._member(name, attribute, more, found, seen)

    # Edges.

    def _find(self, at: At) -> Edges:
        module, number = at
        piece, edges = self.piece(at), Edges()
        edges.counts_subclasses = "__subclasses__" in piece.marks
        owner = self.project.module(module).found
        follow(owner, piece.imports, self.project.finder, edges.links)
        edges.runs |= edges.links.reaches
        for chain in piece.reads:
            self._lead(module, chain, self.meaning(module, chain), edges)
        for level, target, attribute, rest in piece.takes:
            found: list[Target] = []
            self._alias(module, level, target, attribute, rest, found, set())
            self._lead("", f"{attribute or target} {rest}", found, edges)
        for each in piece.literal:
            name = absolute(each.level, each.module, owner)
            there = self.project.finder.find(name) if name else None
            follow(owner, [each], self.project.finder, edges.links)
            if there and there.first_party:
                inner = [f"{name}.{taken}" for taken in each.names]
                edges.wholes.update([name, *(one for one in inner if (place := self.project.finder.find(one)) and place.first_party)])
        for package, what in piece.dynamic:
            walks = what.removeprefix("uses ") in ("iter_modules", "walk_packages")
            for start in self._walked(module, piece) if walks else [package, *(self._begun(piece) if not package else ())]:
                self._widen(module, start, what, edges)
        if not _SPACES.isdisjoint(piece.marks):
            self._whole(module, "looks names up in its module", edges)
        if any(external.startswith(_METADATA) for external in edges.externals):
            self._ask_for_metadata(module, piece, edges)
        if piece.kind == BLOCK:
            self._attempts(module, number, edges)
        if piece.guard >= 0:
            edges.pieces.append((module, piece.guard))
        edges.pieces = [each for each in dict.fromkeys(edges.pieces) if each != at]
        edges.meanings = sorted(set(edges.meanings))
        edges.leads_out = bool(edges.externals or edges.links)
        for other in edges.pieces:
            self._readers.setdefault(other, []).append(at)
        return edges

    def _attempts(self, module: str, number: int, edges: Edges) -> None:
        """What a block does may depend on whether its imports work."""
        for aliases in self.project.module(module).aliases.values():
            for _, level, target, attribute, piece, _ in aliases:
                if piece != number:
                    continue
                name = absolute(level, target, self.project.module(module).found)
                there = self.project.finder.find(name) if name else None
                works = there is not None
                if there is not None and there.first_party and attribute:
                    works = self._member(name, attribute, "", [], set())
                edges.meanings.append(f"import {name} {attribute}={'works' if works else 'fails'}")

    def _ask_for_metadata(self, module: str, piece: Piece, edges: Edges) -> None:
        """The code looks at what is installed: at distributions it names, or at entry points, or at all there is."""
        strings, installed = set(piece.strings), self.project.installed
        named = {text for text in strings if installed.named(text)}
        edges.links.distributions |= named
        by_points = any(external.endswith("entry_points") for external in edges.externals)
        if not named:
            edges.links.notes.add(f"{module} asks what is installed: every distribution counts")
            edges.links.distributions.update(each.name for each in installed.every())
        for each in installed.every() if by_points else ():
            for group, what in each.points:
                owner, _, name = what.partition(":")
                there = self.project.finder.find(owner) if not strings or group in strings else None
                if there is not None and there is not STDLIB and there.first_party:
                    self._lead(owner, name, self.meaning(owner, name.partition(".")[0]), edges)

    def _lead(self, module: str, chain: str, found: Iterable[Target], edges: Edges) -> None:
        for kind, place, name, number in found:
            if kind == "piece":
                edges.pieces.append((place, number))
                edges.runs.add(place)
                if place != module or name != chain.partition(".")[0]:
                    edges.meanings.append(f"{chain}={place}:{name}")
            elif kind == "module":
                edges.wholes.add(place)
                edges.values.add(place)
                edges.meanings.append(f"{chain}={place}")
            elif kind == "run":
                edges.runs.add(place)
            else:
                edges.externals.add(place)
                edges.meanings.append(f"{chain}={place}")
                self.lead_out(place, module, edges.links)

    def lead_out(self, place: str, module: str, links: Links) -> None:
        """Adds to `links` the distribution that something external, named in `module`, comes from."""
        name = place.rstrip("?*").rstrip(".")
        while name and (there := self.project.finder.find(name)) is None:
            name = name.rpartition(".")[0]
        if name and there is not STDLIB and there is not None and not there.first_party:
            follow_one(name, (), module, self.project.finder, links)

    def _walked(self, module: str, piece: Piece) -> list[str]:
        """The packages whose folders a piece that walks folders looks at: those whose `__path__` it reads."""
        chains = [chain.rpartition(".")[0] for chain in piece.reads if chain.endswith("__path__")]
        found = [place for chain in chains if chain for kind, place, _, _ in self.meaning(module, chain) if kind == "module"]
        return [*found, *(["."] if not found or "" in chains else [])]

    def _begun(self, piece: Piece) -> Iterator[str]:
        """The packages with which f-strings in a piece begin that imports by a computed name: `f"plugins.{name}"`."""
        for template in piece.templates:
            beginning = template.partition("\0")[0]
            package = beginning.rpartition(".")[0] or ("." if beginning.startswith(".") else "")
            there = self.project.finder.find(package) if package.replace(".", "a").isidentifier() and package != "." else None
            if package == "." or (there is not None and there.first_party):
                yield package

    def _widen(self, module: str, package: str, what: str, edges: Edges) -> None:
        if package:
            found = self.project.module(module).found
            widen(found, package, what, self.project.finder, edges.links)
            for each in edges.links.widens:
                edges.wholes.update(self.project.below(each))
        else:
            edges.guesses = edges.guesses or what not in ("uses exec", "uses eval")
            self._whole(module, what, edges)

    def _whole(self, module: str, what: str, edges: Edges) -> None:
        edges.links.notes.add(f"{module} {what}: every definition of it counts")
        edges.wholes.add(module)

    def _imported(self, module: str) -> tuple[tuple[str, ...], Links]:
        each, effects = self.project.module(module), Links()
        if each.summary is None:
            return (), effects
        runs: dict[str, None] = {}
        for level, target, names in each.summary.eager:
            for name in names or ("",):
                links = Links()
                follow(each.found, [Import(level, target, (name,) if name else ())], self.project.finder, links)
                runs.update(dict.fromkeys(sorted(links.reaches, key=lambda found: (found.count("."), found))))
                for package in links.stars:
                    runs.update(dict.fromkeys(sorted(self.project.starred(package))))
                effects.preload |= links.preload
        read = {chain.partition(".")[0] for piece in each.summary.pieces for chain in piece.reads}
        for alias in each.summary.aliases:
            if alias.name not in read and alias.piece < 0:
                name = absolute(alias.level, alias.module, each.found)
                there = self.project.finder.find(name) if name else None
                if there is not None and not there.first_party:
                    follow_one(name, (), module, self.project.finder, effects)
        return tuple(runs), effects
