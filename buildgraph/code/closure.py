"""The code digest of an entry point: every first-party module it can reach, and the versions of what is installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.code import problems
from buildgraph.code.distributions import Distribution, Distributions
from buildgraph.code.finder import ENGINE, Finder
from buildgraph.code.module import Module, load, outside
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode
from buildgraph.errors import EncodingError
from buildgraph.version import VERSION

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FIELDS: Final = {"distributions", "entry", "modules", "notes"}


@dataclass(frozen=True, slots=True)
class CodeDigest:
    """The identity of the code behind an entry point, and the facts it relied on.

    `manifest` is the canonical encoding of what `digest` covers. `files` are the files whose content counts, by
    absolute path. `preload` are third-party modules that a worker can import before it needs them. `notes` say what
    could not be resolved by reading, and what counts instead.
    """

    digest: Digest
    manifest: bytes
    files: tuple[str, ...]
    preload: tuple[str, ...]
    notes: tuple[str, ...]


class CodeIndex:
    """The code digests of one workspace at one moment: listings, modules and closures are found once and kept.

    `root` is the workspace; `search` the folders of installed packages, in the order of the path; `read` returns a
    file's content and its digest; `memo` remembers summaries by content. No user code is ever imported.
    """

    __slots__ = ("_closures", "_entries", "_finder", "_installed", "_memo", "_modules", "_read")

    def __init__(
        self,
        root: str,
        *,
        search: Sequence[str],
        read: Callable[[str], tuple[bytes, Digest]],
        memo: MutableMapping[bytes, bytes] | None = None,
    ) -> None:
        folders = [os.path.normpath(folder) for folder in search if os.path.isabs(folder)]
        self._memo: MutableMapping[bytes, bytes] = {} if memo is None else memo
        self._read = read
        self._installed = Distributions(folders, self._memo)
        self._finder = Finder(os.path.normpath(root), folders, read, self._installed)
        self._modules: dict[str, Module] = {}
        self._closures: dict[str, CodeDigest] = {}
        self._entries: dict[str, CodeDigest] = {}

    def of(self, entry_point: str) -> CodeDigest:
        """The code digest of `entry_point`, "package.module:Name". Raises UsageError when there is no such code."""
        known = self._entries.get(entry_point)
        if known is None:
            module, _, name = entry_point.partition(":")
            if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
                raise problems.not_an_entry_point(entry_point)
            known = self._closures.get(module)
            if known is None:
                known = self._closures[module] = self._close(module)
            self._check_name(entry_point, module, name.partition(".")[0])
            self._entries[entry_point] = known
        return known

    def listed(self) -> tuple[str, ...]:
        """The folders whose listings decided what an import means: a file that appears there may change a digest."""
        return self._finder.listed()

    def _check_name(self, entry_point: str, module: str, name: str) -> None:
        entry = self._modules.get(module)
        if entry and entry.summary and not entry.summary.is_open and name not in entry.summary.names:
            raise problems.no_such_name(entry_point, problems.shown(entry.path, self._finder.root), entry.summary.names)

    def _engine(self, entry: str) -> CodeDigest:
        """The code of a standard rule: the file it is in, and the version of this package, which is the rest of it."""
        inner = entry.partition(".")[2].replace(".", "/")
        path = f"{_PACKAGE}/{inner}.py"
        if not os.path.isfile(path) and inner.startswith("rules/"):  # which a checkout keeps beside the package
            path = f"{os.path.dirname(_PACKAGE)}/{inner}.py"
        if not os.path.isfile(path):
            raise problems.no_such_module(entry, self._finder)
        modules = {entry: self._content(path).hex()}
        manifest = encode({"entry": entry, "modules": modules, "distributions": {ENGINE: VERSION}, "notes": []})
        return CodeDigest(Digest.of(manifest), manifest, (path,), (), ())

    def _close(self, entry: str) -> CodeDigest:
        if entry.startswith(f"{ENGINE}."):
            return self._engine(entry)
        found = self._finder.find(entry)
        if found is None:
            raise problems.no_such_module(entry, self._finder)
        reached: dict[str, Module] = {}
        if found.first_party:
            parts = entry.split(".")
            self._reach([".".join(parts[:count]) for count in range(1, len(parts) + 1)], reached, strict=True)
            self._widen(reached)
        else:
            reached[entry] = outside(entry, self._finder)
        return self._digest(entry, reached.values())

    def _reach(self, names: Iterable[str], reached: dict[str, Module], *, strict: bool) -> None:
        """Adds `names` and all that they lead to. A module that does not parse is an error only when `strict`."""
        stack = list(names)
        while stack:
            name = stack.pop()
            if name in reached:
                continue
            module = self._module(name)
            if strict and module.broken:
                raise module.broken
            reached[name] = module
            stack += module.links.reaches
            for package in module.links.stars:
                stack += self._starred(package)

    def _widen(self, reached: dict[str, Module]) -> None:
        """Adds the packages of which every module counts, until none is left."""
        done: set[str] = set()
        while packages := {name for module in reached.values() for name in module.links.widens} - done:
            done |= packages
            for name in packages:
                found = self._finder.find(name)
                if found:
                    self._reach((each.name for each in self._finder.below(found)), reached, strict=False)

    def _starred(self, package: str) -> list[str]:
        """The modules that `from package import *` imports: those among the names that the package exports."""
        found, summary = self._finder.find(package), self._module(package).summary
        if not found or not summary or not summary.exports:
            return []
        every = self._finder.modules_in(found.folders)
        names = every if "*" in summary.exports else every & {*summary.exports}
        inner = (self._finder.find(f"{package}.{name}") for name in names)
        return [each.name for each in inner if each and each.first_party]

    def _module(self, name: str) -> Module:
        module = self._modules.get(name)
        if module is None:
            found = self._finder.find(name)
            assert found and found.first_party, f"{name} was found before"
            module = self._modules[name] = load(found, self._finder, self._read, self._memo)
        return module

    def _digest(self, entry: str, reached: Iterable[Module]) -> CodeDigest:
        modules: dict[str, str] = {}
        files: set[str] = set()
        preload: set[str] = set()
        installed: set[tuple[str, str]] = set()
        notes: set[str] = set()
        for module in reached:
            if module.digest:
                modules[module.name] = module.digest.hex()
                files.add(module.path)
            if module.broken:
                notes.add(f"{module.name} is not valid Python: its bytes count")
            preload |= module.links.preload
            installed |= module.links.installed
            notes |= module.links.notes
        versions = self._versions(installed, files, notes)
        said = sorted(notes)
        manifest = encode({"entry": entry, "modules": modules, "distributions": versions, "notes": said})
        return CodeDigest(Digest.of(manifest), manifest, tuple(sorted(files)), tuple(sorted(preload)), tuple(said))

    def _versions(self, installed: Iterable[tuple[str, str]], files: set[str], notes: set[str]) -> dict[str, str]:
        """What identifies the third-party modules: their distributions, or the file itself where there is none."""
        owners: set[Distribution] = set()
        loose: dict[str, str] = {}
        for folder, name in installed:
            found = self._installed.owners(folder, name)
            owners.update(found)
            top = self._finder.find(name)
            if not found and top:
                notes.add(f"{name} belongs to no installed distribution: only its top-level file counts")
                if top.path:
                    files.add(top.path)
                    loose[f"module {name}"] = str(self._content(top.path))
        return {**self._installed.versions(owners), **loose}

    def _content(self, path: str) -> Digest:
        try:
            return self._read(path)[1]
        except OSError as error:
            raise problems.unreadable(path, error) from error


def explain(manifest: bytes) -> dict[str, Any]:
    """The fields of a code digest's manifest, for people and for `diff`. Raises EncodingError when it is not one."""
    fields = decode_trusted(manifest)
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise EncodingError("not the manifest of a code digest", code="BG042")
    return fields
