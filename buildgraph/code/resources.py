"""Data files that code reads from beside itself: `importlib.resources`, `pkgutil.get_data`, paths built on `__file__`.

Which files are read is seen by the strings in the code: those that name a file in its package or above it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from buildgraph.code.definitions import Closure
from buildgraph.code.names import At, Names
from buildgraph.code.pieces import BLOCK, VARIABLE

_READERS: Final = ("importlib.resources", "importlib_resources", "pkgutil.get_data", "pkg_resources")
_CODE: Final = (".py", ".pyc", ".pyi", ".so")
_LEVELS: Final = 3  # folders above a module in which a path built on `__file__` may lead


def data_files(closure: Closure, names: Names) -> tuple[dict[str, str], set[str]]:
    """The data files behind a closure: paths by a name that is the same in every checkout; and notes for people."""
    found: dict[str, str] = {}
    notes: set[str] = set()
    places = _places(closure, names)
    for at in list(closure.pieces):
        edges = names.edges(at)
        by_api = any(external.startswith(_READERS) for external in edges.externals)
        if not by_api and at not in places:
            continue
        folders = _folders(at, names, by_api, places.get(at, ()))
        files = _named(folders, _strings(at, names), names)
        if not files and by_api:
            folders = folders[:1] if len(folders) == _own(at, names) else folders[_own(at, names) :]
            files = {path for folder in folders for path in _all(folder, names)}
            if files:
                notes.add(f"{at[0]} reads files of its package: all that are no code count")
        base = os.path.dirname(names.project.module(at[0]).path) or names.project.finder.root
        found.update({f"{at[0]}:{os.path.relpath(path, base)}": path for path in files})
    return found, notes


def _places(closure: Closure, names: Names) -> dict[At, set[str]]:
    """The pieces that know where a module's file is, with those modules: by `__file__`, or by a constant made of it."""
    found: dict[At, set[str]] = {at: {at[0]} for at in closure.pieces if "__file__" in names.piece(at).marks}
    fresh = list(found)
    while fresh:
        known = {at for at in fresh if names.piece(at).kind in (VARIABLE, BLOCK)}
        fresh = []
        for at in closure.pieces if known else ():
            modules = {module for other in names.edges(at).pieces if other in known for module in found[other]}
            if not modules <= found.get(at, set()):
                found.setdefault(at, set()).update(modules)
                fresh.append(at)
    return found


def _own(at: At, names: Names) -> int:
    return len(_beside(at[0], names))


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
        packages = {text for text in _strings(at, names) if all(part.isidentifier() for part in text.split("."))} | names.edges(at).wholes
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


def _strings(at: At, names: Names) -> set[str]:
    """The strings in a piece, and in the constants that it reads; what an f-string inserts is `*` when it is not known."""
    found = set(names.piece(at).strings)
    found.update(_filled(template, at, names) for template in names.piece(at).templates)
    for other in names.edges(at).pieces:
        piece = names.piece(other)
        if piece.kind == VARIABLE:
            found.update(piece.strings)
    return found


def _filled(template: str, at: At, names: Names) -> str:
    parts = template.split("\0")
    for place in range(1, len(parts), 2):
        pieces = [names.piece((module, number)) for kind, module, _, number in names.meaning(at[0], parts[place]) if kind == "piece"]
        known = len(pieces) == 1 and pieces[0].kind == VARIABLE and pieces[0].frozen and len(pieces[0].strings) == 1
        parts[place] = pieces[0].strings[0] if known else "*"
    return "".join(parts)


def _named(folders: list[str], strings: Iterable[str], names: Names) -> set[str]:
    """The files in `folders`, or in folders that `strings` name there, that `strings` name."""
    finder, texts = names.project.finder, [text.strip("/") for text in strings if text.strip("/.") and "\n" not in text]
    places = list(folders)
    for folder in places[:64]:
        inner = (f"{folder}/{text}" for text in texts if "*" not in text and text not in (".", ".."))
        places += [path for path in inner if os.path.isdir(path) and path not in places]
    found = set()
    for folder in places:
        for text in texts:
            folder_of, _, last = f"{folder}/{text}".rpartition("/")
            listed = finder.names(os.path.normpath(folder_of)) or ()
            for name in [last] if "*" not in last else [name for name in listed if fnmatchcase(name, last)]:
                path = f"{os.path.normpath(folder_of)}/{name}"
                if name in listed and not name.endswith(_CODE) and os.path.isfile(path):
                    found.add(path)
    return found


def _all(folder: str, names: Names) -> list[str]:
    listed = names.project.finder.names(folder) or ()
    return [f"{folder}/{name}" for name in listed if not name.endswith(_CODE) and os.path.isfile(f"{folder}/{name}")]
