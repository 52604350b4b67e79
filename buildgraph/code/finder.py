"""Says which file a module's name means, without importing anything: the workspace first, then what is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Final

from buildgraph.code.distributions import Distributions
from buildgraph.code.editable import InPlace, in_place
from buildgraph.digest import Digest

_SUFFIXES: Final = (*EXTENSION_SUFFIXES, ".py", ".pyc")  # the order in which Python looks
_NOT_MODULES: Final = ("__init__", "__pycache__", "BUILD")  # what a build file says reaches a key as what it declared
_STDLIB_FOLDER: Final = os.path.dirname(os.__file__)
_INSTALLED: Final = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a module is. `path` is its file ("" for a namespace package); the modules of a package lie in `folders`.

    A `home` is "" for first-party code, else the folder of installed packages it came from. Each folder has its own:
    a namespace package may be made of both.
    """

    name: str
    path: str
    home: str
    folders: tuple[tuple[str, str], ...] = ()

    @property
    def first_party(self) -> bool:
        return not self.home


STDLIB: Final = Found("", "", "the standard library")  # covered by the Python version in the key

ENGINE: Final = "buildgraph"  # this package: covered by the format version in the key, like Python by its own


class Finder:
    """Python's own search, on folder listings that are read once: the finder sees one moment of the file system."""

    __slots__ = ("_found", "_in_place", "_names", "_read", "_search", "_skip", "installed", "root")

    def __init__(
        self,
        root: str,
        search: Sequence[str],
        read: Callable[[str], tuple[bytes, Digest]],
        installed: Distributions,
        skip: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.installed = installed
        self._search = tuple(search)
        self._read = read
        self._skip = tuple(skip)
        self._names: dict[str, frozenset[str] | None] = {}
        self._found: dict[str, Found | None] = {}
        self._in_place: InPlace | None = None

    def find(self, name: str) -> Found | None:
        """Where the module `name` is; STDLIB for the standard library's and this package's own, None when nowhere."""
        if name == ENGINE or name.startswith(f"{ENGINE}."):
            return STDLIB
        if name not in self._found:
            self._found[name] = self._submodule(name) if "." in name else self._top(name)
        return self._found[name]

    def names(self, folder: str) -> frozenset[str] | None:
        """The names in a folder, or None when it is none (or cannot be listed: Python finds nothing in it either)."""
        if folder not in self._names:
            try:
                self._names[folder] = None if f"{folder}/".startswith(self._skip) else frozenset(os.listdir(folder))
            except OSError:
                self._names[folder] = None
        return self._names[folder]

    def listed(self) -> tuple[str, ...]:
        """The folders whose listings were relied on."""
        return tuple(sorted(folder for folder, names in self._names.items() if names is not None))

    def looked(self) -> tuple[str, ...]:
        """The folders whose listings were asked for, whether they exist or not."""
        return tuple(sorted(self._names))

    def modules_in(self, folders: Iterable[tuple[str, str]]) -> set[str]:
        """The names of the modules directly in `folders`."""
        found: set[str] = set()
        for folder, _ in folders:
            for name in self.names(folder) or ():
                stem = next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)
                if stem and "." not in stem and stem not in _NOT_MODULES:  # import_module takes "a-b", too
                    found.add(stem)
        return found

    def below(self, package: Found) -> Iterator[Found]:
        """The first-party modules of `package` with all that its folders hold, itself first."""
        stack, seen = [package], set[tuple[str, ...]]()
        while stack:
            each = stack.pop()
            place = (os.path.realpath(each.path), *(os.path.realpath(folder) for folder, _ in each.folders))
            if each.first_party and place not in seen:  # a link to a folder above would never end
                seen.add(place)
                yield each
                inner = (self.find(f"{each.name}.{name}") for name in sorted(self.modules_in(each.folders)))
                stack += [found for found in inner if found]

    def _top(self, name: str) -> Found | None:
        if name in sys.builtin_module_names or name == "__main__":
            return STDLIB
        root = (self.root, "")
        near = self._look(name, name, (root,))
        if near and near.path:
            return near
        if name in sys.stdlib_module_names:
            return STDLIB
        found = self._look(name, name, (root, *self._path()))
        if found and found.home and any(each.source for each in self.installed.owners(found.home, name)):
            return replace(found, home="", folders=tuple((folder, "") for folder, _ in found.folders))
        return found or self._mapped(name) or self._look(name, name, self._sources())

    def _submodule(self, name: str) -> Found | None:
        parent, _, last = name.rpartition(".")
        package = self.find(parent)
        if package is None or package is STDLIB:
            return package
        return self._look(name, last, package.folders) or (self._mapped(name) if package.first_party else None)

    def _look(self, name: str, last: str, places: Iterable[tuple[str, str]]) -> Found | None:
        """The first of `places` with a package or a module called `last`; failing that, the folders of that name."""
        portions: list[tuple[str, str]] = []
        for folder, home in places:
            names = self.names(folder)
            if names is None:
                continue
            inner = f"{folder}/{last}"
            inside = self.names(inner) if last in names else None
            for suffix in _SUFFIXES if inside is not None else ():
                if f"__init__{suffix}" in inside:  # type: ignore[operator]  # not None here: there are no suffixes otherwise
                    return Found(name, f"{inner}/__init__{suffix}", home, ((inner, home),))
            for suffix in _SUFFIXES:
                if last + suffix in names:
                    return Found(name, f"{folder}/{last}{suffix}", home)
            if inside is not None:
                portions.append((inner, home))
        if not portions:
            return None
        return Found(name, "", min(home for _, home in portions), tuple(portions))

    def _mapped(self, name: str) -> Found | None:
        """A package or module that a generated finder maps to a place of its own."""
        place = self._additions().modules.get(name)
        if place:
            folder, last = os.path.split(place.removesuffix(".py"))
            return self._look(name, last, ((folder, ""),))
        portions = self._additions().namespaces.get(name, ())
        return Found(name, "", "", tuple((folder, "") for folder in portions)) if portions else None

    def _path(self) -> list[tuple[str, str]]:
        """What follows the workspace root on the path, each folder with its home."""
        added = self._additions().folders
        own = {folder for folder in added if not _is_installed(folder)}
        own |= {folder for folder in self._search if not _is_installed(folder) and self._is_source(folder)}
        path = [folder for folder in dict.fromkeys((*self._search, *added)) if not _is_standard(folder)]
        return [(folder, "" if folder in own else folder) for folder in path if folder != self.root]

    def _is_source(self, folder: str) -> bool:
        """Whether a folder of the path holds sources: it is in the workspace, or nothing was installed there.

        An `.egg-info` does not say so: building a package leaves one beside its sources.
        """
        installed = any(name.endswith(".dist-info") for name in self.names(folder) or ())
        return folder.startswith(f"{self.root}/") or not installed

    def _additions(self) -> InPlace:
        if self._in_place is None:
            self._in_place = in_place(((folder, self.names(folder) or ()) for folder in self._search), self._read)
        return self._in_place

    def _sources(self) -> list[tuple[str, str]]:
        """The usual places of the sources of editable distributions that say nothing better."""
        return [(place, "") for each in self.installed.editable() for place in (each.source, f"{each.source}/src")]


def _is_standard(folder: str) -> bool:
    """Whether a folder of the path is the standard library's: what of it has no known name is for its own tests."""
    return folder == _STDLIB_FOLDER or folder.startswith(f"{_STDLIB_FOLDER}/lib-dynload")


def _is_installed(folder: str) -> bool:
    return any(part in _INSTALLED for part in folder.split("/"))
