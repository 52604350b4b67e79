"""Data files that code reads from beside itself: `importlib.resources`, `pkgutil.get_data`, paths built on `__file__`.

Which files are read is seen by the strings in the code: those that name a file in its package or above it. The strings
may stand in whatever uses the definition that knows the place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from buildgraph.code.definitions import Closure
from buildgraph.code.names import At, Names
from buildgraph.code.pieces import BLOCK, VARIABLE

_READERS: Final = ("importlib.resources", "importlib_resources", "pkgutil.get_data", "pkg_resources")
_FINDERS: Final = ("inspect.getfile", "inspect.getsourcefile")
_PLACES: Final = ("__file__", "__path__", "__spec__")
_DEEP: Final = frozenset(("copytree", "rglob", "walk"))
_LISTING: Final = _DEEP | {"glob", "iglob", "iterdir", "listdir", "scandir"}
_CODE: Final = (".py", ".pyc", ".pyi", ".so")
_LEVELS: Final = 6  # folders above a module in which a path built on `__file__` may lead
_HOLE: Final = re.compile(r"\{[^{}]*\}|%\(\w+\)[sd]|%[sd]|\*+")  # what is filled in at run time
_PATTERN: Final = re.compile(r"\w\w|\.\w")  # a pattern without this could mean any file


def data_files(closure: Closure, origins: Mapping[At, set[str]], names: Names) -> tuple[dict[str, str], set[str]]:
    """The data files behind a closure: paths by a name that is the same in every checkout; and notes for people.

    `origins` are the pieces of it that know where modules are, each with those modules (see `places_of`).
    """
    found: dict[str, str] = {}
    notes: set[str] = set()
    for at, modules in origins.items():
        by_api = _by_api(at, names)
        near, users = _users(at, closure, names)
        files = _Files(_folders(at, names, by_api, modules), names).read(modules, near, users, listed=not by_api)
        if not files and by_api:
            folders, own = _folders(at, names, by_api, ()), len(_beside(at[0], names))
            files = {path for folder in (folders[:1] if len(folders) == own else folders[own:]) for path in _all(folder, names)}
            if files:
                notes.add(f"{at[0]} reads files of its package: all that are no code count")
        base = os.path.dirname(names.project.module(at[0]).path) or names.project.finder.root
        found.update({f"{at[0]}:{os.path.relpath(path, base)}": path for path in files})
    return found, notes


def _by_api(at: At, names: Names) -> bool:
    return any(external.startswith(_READERS) for external in names.edges(at).externals)


def places_of(at: At, names: Names) -> set[str]:
    """The modules of which a piece knows where they are."""
    piece, edges = names.piece(at), names.edges(at)
    if not piece.marks and not edges.externals:
        return set()
    found = {at[0]} if not set(_PLACES).isdisjoint(piece.marks) or _by_api(at, names) else set()
    if found:
        chains = [chain.rpartition(".")[0] for chain in piece.reads if chain.endswith(_PLACES) and "." in chain]
        found |= {module for chain in chains for kind, module, _, _ in names.meaning(at[0], chain) if kind == "module"}
    if any(external.startswith(_FINDERS) for external in edges.externals):
        found |= {at[0], *edges.wholes}
    return found


def _users(at: At, closure: Closure, names: Names) -> tuple[set[At], set[At]]:
    """What uses the piece `at` in a closure: directly or through constants, and at all. It uses itself."""
    near, far, stack = {at}, {at}, [(at, True)]
    while stack:
        each, close = stack.pop()
        for reader in names.readers(each):
            if reader in closure.pieces and (reader not in far or (close and reader not in near)):
                far.add(reader)
                if close:
                    near.add(reader)
                stack.append((reader, close and names.piece(reader).kind in (VARIABLE, BLOCK)))
    return near, far


def _beside(module: str, names: Names) -> list[str]:
    """The folders of the package that `module` is, or lies in."""
    found = names.project.finder.find(module)
    assert found is not None
    if found.folders:
        return [folder for folder, _ in found.folders]
    return [os.path.dirname(found.path)]


def _folders(at: At, names: Names, by_api: bool, modules: Iterable[str]) -> list[str]:
    """Where the files may lie: beside the module, in packages it names, and above it for paths built on `__file__`."""
    root = names.project.finder.root
    folders = _beside(at[0], names)
    if by_api:
        packages = {text for text in _strings({at}, names) if all(part.isidentifier() for part in text.split("."))} | names.edges(at).wholes
        for package in sorted(packages):
            found = names.project.finder.find(package)
            if found is not None and found.first_party and found.folders:
                folders += [folder for folder, _ in found.folders]
    for module in sorted(modules):
        above = _beside(module, names)[0]
        for _ in range(_LEVELS):
            folders.append(above)
            if above == root or not above.startswith(root):
                break
            above = os.path.dirname(above)
    return list(dict.fromkeys(folders))


def _strings(pieces: Iterable[At], names: Names) -> set[str]:
    """The strings in pieces, and in the constants that they read; what is filled in is `*` when it is not known."""
    found: set[str] = set()
    for at in pieces:
        found.update(_HOLE.sub("*", text) for text in names.piece(at).strings)
        found.update(_filled(template, at, names) for template in names.piece(at).templates)
        for other in names.edges(at).pieces:
            if names.piece(other).kind == VARIABLE:
                found.update(names.piece(other).strings)
    texts = (text.removeprefix("*").strip("/") if text.startswith("*/") else text.strip("/") for text in found)
    return {text for text in texts if text.strip("/.") and "\n" not in text and ("*" not in text or _PATTERN.search(text))}


def _filled(template: str, at: At, names: Names) -> str:
    parts = template.split("\0")
    for place in range(1, len(parts), 2):
        pieces = [names.piece((module, number)) for kind, module, _, number in names.meaning(at[0], parts[place]) if kind == "piece"]
        known = len(pieces) == 1 and pieces[0].kind == VARIABLE and pieces[0].frozen and len(pieces[0].strings) == 1
        parts[place] = pieces[0].strings[0] if known else "*"
    return "".join(parts)


class _Files:
    """Looks for files in some folders."""

    def __init__(self, folders: list[str], names: Names) -> None:
        self._folders = folders
        self._names = names
        root = names.project.finder.root
        self._within = tuple(f"{folder}/" for folder in (root, *folders))

    def _listed(self, folder: str) -> frozenset[str] | None:
        """The names in a folder that is below one of ours or in the workspace; what lies above both is nobody's."""
        return self._names.project.finder.names(folder) if f"{folder}/".startswith(self._within) else None

    def read(self, modules: Iterable[str], near: set[At], users: set[At], *, listed: bool) -> set[str]:
        """The files that `users` name. Whoever names a folder and no file in it may read all of it."""
        texts = _strings(users, self._names)
        marks = {mark for at in users for mark in self._names.piece(at).marks}
        stems = {os.path.splitext(os.path.basename(self._names.project.module(module).path))[0] for module in modules}
        inner = self._inner(self._folders, texts)
        places = [*self._folders, *inner]
        found = self._named(places, {*texts, *self._with_suffixes(texts, stems, places)}, deep="rglob" in marks)
        patterns = any("*" in text for text in texts)
        whole = [folder for folder in self._inner(self._folders, _strings(near, self._names)) if not self._is_package(folder)]
        for folder in whole:
            if not any(path.startswith(f"{folder}/") for path in found) or (not _LISTING.isdisjoint(marks) and not patterns):
                found |= set(self._below(folder))
        if listed and not whole and not patterns and not _LISTING.isdisjoint(marks):
            found |= set(self._below(self._folders[0]) if not _DEEP.isdisjoint(marks) else _all(self._folders[0], self._names))
        return found

    def _with_suffixes(self, texts: set[str], stems: set[str], places: list[str]) -> set[str]:
        """Texts that only end a file's name go with the modules' own names and with the other texts; failing that, with any."""
        found: set[str] = set()
        wholes = [text for text in (*stems, *texts) if "*" not in text]
        suffixes = [text for text in texts if text.startswith(".") and "/" not in text]
        for suffix in suffixes:
            there = {f"{text}{suffix}" for text in wholes for place in places if self._holds(place, f"{text}{suffix}")}
            found |= there or {f"*{suffix}"}
        return found

    def _holds(self, place: str, text: str) -> bool:
        head, _, last = text.rpartition("/")
        if head and head.partition("/")[0] not in (self._listed(place) or ()):
            return False
        return last in (self._listed(os.path.normpath(f"{place}/{head}") if head else place) or ())

    def _inner(self, folders: list[str], texts: set[str]) -> list[str]:
        """The folders in `folders` that `texts` name, in folders that they name too."""
        found: dict[str, None] = {}
        todo = list(folders)
        while todo and len(found) < 64:
            folder = todo.pop(0)
            listed = self._listed(folder) or ()
            for text in texts:
                first, _, _ = text.partition("/")
                path = os.path.normpath(f"{folder}/{text}")
                if "*" not in text and first in listed and path not in found and self._listed(path) is not None:
                    found[path] = None
                    todo.append(path)
                elif "/" in text and first in listed and "*" not in first and (inner := f"{folder}/{first}") not in found and self._listed(inner) is not None:
                    found[inner] = None
                    todo.append(inner)
        return list(found)

    def _named(self, places: list[str], texts: Iterable[str], *, deep: bool) -> set[str]:
        """The files in `places` that `texts` name. A file of code counts when its whole name is given."""
        if deep:
            places = list(dict.fromkeys(inner for place in places[:1] + places[len(self._folders) :] for inner in [place, *self._deeper(place)]))
        found = set()
        for text in texts:
            head, _, last = text.rpartition("/")
            if "*" in head:
                head = head.partition("*")[0].rpartition("/")[0]
                last = f"*{os.path.splitext(last)[1]}"
            for place in places:
                folder = os.path.normpath(f"{place}/{head}") if head else place
                if head and head.partition("/")[0] != ".." and head.partition("/")[0] not in (self._listed(place) or ()):
                    continue
                listed = self._listed(folder) or ()
                for name in [last] if "*" not in last else [name for name in listed if fnmatchcase(name, last) and not name.endswith(_CODE)]:
                    path = f"{folder}/{name}"
                    if name in listed and os.path.isfile(path):
                        found.add(path)
        return found

    def _deeper(self, folder: str) -> list[str]:
        names = sorted(self._listed(folder) or ())
        inner = [f"{folder}/{name}" for name in names if "." not in name and name != "__pycache__" and self._listed(f"{folder}/{name}") is not None]
        return [path for each in inner for path in (each, *self._deeper(each))]

    def _below(self, folder: str) -> list[str]:
        return [path for each in (folder, *self._deeper(folder)) for path in _all(each, self._names)]

    def _is_package(self, folder: str) -> bool:
        return "__init__.py" in (self._listed(folder) or ()) or any(f"{each}/".startswith(f"{folder}/") for each in self._folders)


def _all(folder: str, names: Names) -> list[str]:
    listed = names.project.finder.names(folder) or ()
    return [f"{folder}/{name}" for name in listed if not name.endswith(_CODE) and os.path.isfile(f"{folder}/{name}")]
