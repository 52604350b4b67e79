"""One first-party module with its imports resolved: what it reaches, what is installed, and what stayed unknown."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from buildgraph.code.finder import STDLIB, Finder, Found
from buildgraph.code.problems import not_python, shown, unreadable
from buildgraph.code.summary import Summary, from_bytes, memo_key, summarise, to_bytes
from buildgraph.digest import Digest
from buildgraph.errors import UsageError


@dataclass(slots=True)
class Links:
    """Where the imports of one module lead.

    `reaches` are first-party modules; `stars` are packages from which everything is taken; `widens` are packages of
    which every module counts; `installed` are third-party modules as (folder, top-level name); `notes` are for people.
    """

    reaches: set[str] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    widens: set[str] = field(default_factory=set)
    installed: set[tuple[str, str]] = field(default_factory=set)
    preload: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Module:
    """A module as the closure sees it. A namespace package has no file and no digest; a broken one did not parse."""

    name: str
    path: str
    digest: Digest | None
    summary: Summary | None
    links: Links
    broken: UsageError | None = None


def load(
    found: Found, finder: Finder, read: Callable[[str], tuple[bytes, Digest]], memo: MutableMapping[bytes, bytes]
) -> Module:
    """The module that was `found`, read and resolved. Raises MachineError when it cannot be read."""
    links = Links()
    if not found.path:
        return Module(found.name, "", None, None, links)
    try:
        content, digest = read(found.path)
    except OSError as error:
        raise unreadable(shown(found.path, finder.root), error) from error
    if not found.path.endswith(".py"):
        links.notes.add(f"{found.name} is compiled: its bytes count, and what it imports is not seen")
        return Module(found.name, found.path, digest, None, links)
    key = memo_key(digest)
    summary = from_bytes(memo.get(key))
    if summary is None:
        try:
            summary = summarise(content)
        except SyntaxError as error:
            broken = not_python(shown(found.path, finder.root), error)
            return Module(found.name, found.path, digest, None, links, broken)
        memo[key] = to_bytes(summary)
    _resolve(found, summary, finder, links)
    return Module(found.name, found.path, summary.digest, summary, links)


def outside(name: str, finder: Finder) -> Module:
    """The entry module that is not first party: only the distributions it leads to count."""
    links = Links()
    _follow(name, (), name, finder, links)
    return Module(name, "", None, None, links)


def _resolve(owner: Found, summary: Summary, finder: Finder, links: Links) -> None:
    for each in summary.imports:
        target = _absolute(each.level, each.module, owner)
        if target:
            _follow(target, each.names, owner.name, finder, links)
        else:
            links.notes.add(f"{owner.name} imports from above its top-level package")
    for package, what in summary.dynamic:
        _widen(owner, package, what, finder, links)


def _absolute(level: int, module: str, owner: Found) -> str:
    """The dotted name that an import in `owner` means, or "" when it leads above the top-level package."""
    if not level:
        return module
    package = owner.name.split(".") if owner.folders else owner.name.split(".")[:-1]
    outer = package[: len(package) - level + 1] if level <= len(package) else []
    return ".".join([*outer, module] if module else outer) if outer else ""


def _follow(name: str, taken: tuple[str, ...], importer: str, finder: Finder, links: Links) -> None:
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


def _widen(owner: Found, package: str, what: str, finder: Finder, links: Links) -> None:
    """Code that only runs can name may be anywhere in the package it surely belongs to: all of that package counts."""
    module = package.lstrip(".")
    target = _absolute(len(package) - len(module), module, owner) if package else owner.name.partition(".")[0]
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
        _follow(target, (), owner.name, finder, links)
