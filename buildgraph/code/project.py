"""The modules of one moment: found, read and resolved once, whatever asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping

from buildgraph.code import problems
from buildgraph.code.distributions import Distribution, Distributions
from buildgraph.code.finder import Finder
from buildgraph.code.module import Links, Module, load, resolve
from buildgraph.digest import Digest


class Project:
    """Reads modules and remembers them. `finder` says where they are, `read` what they hold."""

    __slots__ = ("_links", "_memo", "_modules", "_read", "digest", "finder", "installed")

    def __init__(
        self,
        finder: Finder,
        installed: Distributions,
        read: Callable[[str], tuple[bytes, Digest]],
        digest: Callable[[str], Digest],
        memo: MutableMapping[bytes, bytes],
    ) -> None:
        self.finder = finder
        self.installed = installed
        self._read = read
        self.digest = digest
        self._memo = memo
        self._modules: dict[str, Module] = {}
        self._links: dict[str, Links] = {}

    def module(self, name: str) -> Module:
        """The first-party module `name`, which was found before."""
        module = self._modules.get(name)
        if module is None:
            found = self.finder.find(name)
            assert found and found.first_party, f"{name} was found before"
            module = self._modules[name] = load(found, self.finder, self._read, self.digest, self._memo)
        return module

    def links(self, name: str) -> Links:
        """Where the imports of the module `name` lead, those inside functions included."""
        links = self._links.get(name)
        if links is None:
            links = self._links[name] = resolve(self.module(name), self.finder)
        return links

    def below(self, package: str) -> Iterator[str]:
        """The modules of a package, itself first."""
        found = self.finder.find(package)
        return (each.name for each in self.finder.below(found)) if found else iter(())

    def starred(self, package: str) -> list[str]:
        """The modules that `from package import *` imports: those among the names that the package exports."""
        found, summary = self.finder.find(package), self.module(package).summary
        if not found or not summary or not summary.exports:
            return []
        every = self.finder.modules_in(found.folders)
        names = every if "*" in summary.exports else every & {*summary.exports}
        inner = (self.finder.find(f"{package}.{name}") for name in names)
        return [each.name for each in inner if each and each.first_party]

    def content(self, path: str) -> Digest:
        """The digest of a file. Raises MachineError when it cannot be read."""
        try:
            return self.digest(path)
        except OSError as error:
            raise problems.unreadable(path, error) from error

    def versions(self, links: Links, files: set[str], notes: set[str]) -> dict[str, str]:
        """What identifies third-party modules: their distributions, or the file itself where there is none."""
        owners: set[Distribution] = {each for name in links.distributions for each in self.installed.named(name)}
        loose: dict[str, str] = {}
        for folder, name in links.installed:
            found = self.installed.owners(folder, name)
            owners.update(found)
            top = self.finder.find(name)
            if not found and top:
                notes.add(f"{name} belongs to no installed distribution: only its top-level file counts")
                if top.path:
                    files.add(top.path)
                    loose[f"module {name}"] = str(self.content(top.path))
        return {**self.installed.versions(owners), **loose} if owners else loose
