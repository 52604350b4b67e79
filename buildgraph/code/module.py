"""One first-party module, read: its summary, and where its imports lead."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field

from buildgraph.code.dynamic import Import
from buildgraph.code.finder import STDLIB, Finder, Found
from buildgraph.code.pieces import Alias
from buildgraph.code.problems import not_python, shown, unreadable
from buildgraph.code.summary import Summary, from_bytes, memo_key, source_key, summarise, to_bytes
from buildgraph.digest import Digest
from buildgraph.errors import UsageError


@dataclass(slots=True)
class Links:
    """Where imports lead.

    `reaches` are first-party modules; `stars` are packages from which everything is taken; `widens` are packages of
    which every module counts; `installed` are third-party modules as (folder, top-level name),
    `distributions` those asked for by name; `preload` are those
    that a worker can import early; `notes` are for people.
    """

    reaches: set[str] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    widens: set[str] = field(default_factory=set)
    installed: set[tuple[str, str]] = field(default_factory=set)
    distributions: set[str] = field(default_factory=set)
    preload: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.reaches or self.stars or self.widens or self.installed or self.distributions or self.preload or self.notes)

    def add(self, other: Links) -> None:
        self.reaches |= other.reaches
        self.stars |= other.stars
        self.widens |= other.widens
        self.installed |= other.installed
        self.distributions |= other.distributions
        self.preload |= other.preload
        self.notes |= other.notes


@dataclass(slots=True)
class Module:
    """A module as a closure sees it. A namespace package has no file and no digest; a broken one did not parse.

    `content` is the digest of its bytes, `digest` that of what it says. `pieces` are the numbers of the pieces that
    bind a name, `aliases` what imports bind it to.
    """

    found: Found
    content: Digest | None = None
    digest: Digest | None = None
    summary: Summary | None = None
    links: Links = field(default_factory=Links)
    broken: UsageError | None = None
    pieces: dict[str, list[int]] = field(default_factory=dict)
    aliases: dict[str, list[Alias]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.found.name

    @property
    def path(self) -> str:
        return self.found.path


def load(
    found: Found,
    finder: Finder,
    read: Callable[[str], tuple[bytes, Digest]],
    digest: Callable[[str], Digest],
    memo: MutableMapping[bytes, bytes],
) -> Module:
    """The module that was `found`. A content seen before is not read again. Raises MachineError when it cannot be read."""
    module = Module(found)
    if not found.path:
        return module
    try:
        module.content = digest(found.path)
    except OSError as error:
        raise unreadable(shown(found.path, finder.root), error) from error
    if not found.path.endswith(".py"):
        module.links.notes.add(f"{found.name} is compiled: its bytes count, and what it imports is not seen")
        module.digest = module.content
        return module
    summary = from_bytes(memo.get(memo_key(module.content)))
    if summary is None:
        content, module.content = read(found.path)
        try:
            summary = summarise(content)
        except SyntaxError as error:
            module.broken = not_python(shown(found.path, finder.root), error)
            module.digest = module.content
            return module
        memo[memo_key(module.content)] = to_bytes(summary)
        memo[source_key(module.content)] = zlib.compress(content, 1)
    module.summary, module.digest = summary, summary.digest
    for number, piece in enumerate(summary.pieces):
        for name in piece.names:
            module.pieces.setdefault(name, []).append(number)
    for alias in summary.aliases:
        module.aliases.setdefault(alias.name, []).append(alias)
    return module


def resolve(module: Module, finder: Finder) -> Links:
    """Where all imports of a module lead, those inside functions included."""
    links = Links()
    links.notes |= module.links.notes
    if module.summary is not None:
        follow(module.found, module.summary.imports, finder, links)
        for package, what in module.summary.dynamic:
            widen(module.found, package, what, finder, links)
    return links


def follow(owner: Found, imports: Iterable[Import], finder: Finder, links: Links) -> None:
    """Adds to `links` where `imports` in the module `owner` lead."""
    for level, module, names in imports:
        target = absolute(level, module, owner)
        if target:
            follow_one(target, names, owner.name, finder, links)
        else:
            links.notes.add(f"{owner.name} imports from above its top-level package")


def outside(name: str, finder: Finder) -> Module:
    """The entry module that is not first party: only the distributions it leads to count."""
    module = Module(Found(name, "", ""))
    follow_one(name, (), name, finder, module.links)
    return module


def absolute(level: int, module: str, owner: Found) -> str:
    """The dotted name that an import in `owner` means, or "" when it leads above the top-level package."""
    if not level:
        return module
    package = owner.name.split(".") if owner.folders else owner.name.split(".")[:-1]
    outer = package[: len(package) - level + 1] if level <= len(package) else []
    return ".".join([*outer, module] if module else outer) if outer else ""


def follow_one(name: str, taken: tuple[str, ...], importer: str, finder: Finder, links: Links) -> None:
    """Importing `a.b.c` runs a, a.b and a.b.c; what is taken from a package may be a module of it."""
    parts = name.split(".")
    last: Found | None = None
    for count in range(1, len(parts) + 1):
        found = finder.find(".".join(parts[:count]))
        if found is STDLIB:
            return
        if found is None:
            if last is None:
                links.notes.add(f"{importer} imports '{parts[0]}', which is not installed")
            elif last.first_party:
                links.notes.add(f"{importer} imports '{'.'.join(parts[:count])}', which does not exist")
            break
        _add(found, links)
        last = found
    if last is None:
        return
    if last.first_party or last.path:
        _preload(last, links)
    if last.name != name:
        return
    for each in taken:
        if each == "*":
            if last.first_party:
                links.stars.add(name)
        elif last.folders and (inner := finder.find(f"{name}.{each}")):
            _add(inner, links)
            _preload(inner, links)


def _add(found: Found, links: Links) -> None:
    if found.first_party:
        links.reaches.add(found.name)
    else:
        top = found.name.partition(".")[0]
        links.installed.update((home, top) for home in (found.home, *(home for _, home in found.folders)) if home)


def _preload(found: Found, links: Links) -> None:
    if not found.first_party and found.path:
        links.preload.add(found.name)


def widen(owner: Found, package: str, what: str, finder: Finder, links: Links) -> None:
    """Code that only runs can name may be anywhere in the package it surely belongs to: all of that package counts."""
    module = package.lstrip(".")
    target = absolute(len(package) - len(module), module, owner) if package else owner.name.partition(".")[0]
    found = finder.find(target) if target else None
    if found is None:
        links.notes.add(f"{owner.name} {what}, in a package '{package}' that does not exist")
    elif found.first_party and found.folders:
        links.notes.add(f"{owner.name} {what}: every module of package '{target}' counts")
        links.widens.add(target)
    elif found.first_party:
        links.notes.add(f"{owner.name} {what}: what that leads to outside this module is not seen")
    else:
        links.notes.add(f"{owner.name} {what}: package '{target}' counts by its version")
        follow_one(target, (), owner.name, finder, links)
