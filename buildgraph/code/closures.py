"""The closures behind entry points: found, remembered, and turned into code digests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from buildgraph.code import problems
from buildgraph.code.definitions import Closure, close, order_of
from buildgraph.code.digests import CodeDigest, Options, Reached, fields_of
from buildgraph.code.distributions import Distributions
from buildgraph.code.effects import Effects
from buildgraph.code.finder import Finder
from buildgraph.code.module import Links, Module, outside
from buildgraph.code.modules import close_modules
from buildgraph.code.names import At, Names
from buildgraph.code.parts import Part, Parts, marks_of
from buildgraph.code.project import Project
from buildgraph.code.remembered import Memory, Remembered
from buildgraph.code.resources import data_files
from buildgraph.code.summary import uncollected
from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.schema import DEFINITION, MODULE, PACKAGE, SOURCE

Read = Callable[[str], tuple[bytes, Digest]]
# Readers of docstrings outside the project: what they print is made of them.
_DOC_READERS: Final = ("click", "cyclopts", "docopt", "fire", "plac", "typer")


class Closures:
    """The closures of one workspace at one moment; see `CodeIndex` for the arguments."""

    __slots__ = ("_effects", "_memory", "_names", "_parts", "_roots", "finder", "project")

    def __init__(
        self, root: str, search: Sequence[str], read: Read, digest: Callable[[str], Digest], memo: MutableMapping[bytes, bytes], skip: Sequence[str]
    ) -> None:
        folders = [os.path.normpath(folder) for folder in search if os.path.isabs(folder)]
        installed = Distributions(folders, memo)
        self.finder = Finder(os.path.normpath(root), folders, read, installed, [f"{folder}/" for folder in skip])
        self.project = Project(self.finder, installed, read, digest, memo)
        self._names = Names(self.project)
        self._effects = Effects(self._names)
        self._parts = Parts(self._names, self._effects)
        self._memory = Memory(self.project, self._names, memo, folders)
        self._roots: dict[tuple[str, Options], Closure] = {}

    def reached(self, entry_point: str, options: Options, files: Sequence[str]) -> tuple[Reached, ...]:
        """See `CodeIndex.reached`; `files` are those of the digest."""
        closure = self._closed(entry_point, options) if options.granularity in (SOURCE, DEFINITION) and not options.version else None
        if closure is None or not closure.imported:
            return tuple(Reached(_module_of(path, self.finder.root), "", path, 1, _lines(path), ()) for path in files)
        rows = []
        for at in sorted(closure.pieces):
            piece = self._names.piece(at)
            path = self.project.module(at[0]).path
            rows.append(Reached(at[0], piece.title, path, piece.first, piece.last, self._via(at, closure)))
        rows += [Reached(name, "", self.project.module(name).path, 1, _lines(self.project.module(name).path), ()) for name in sorted(closure.opaque)]
        return tuple(rows)

    def source_of(self, code: Digest, title: str) -> tuple[int, int, str] | None:
        """See `CodeIndex.source_of`."""
        return self._memory.source_of(code, title)

    def _via(self, at: At, closure: Closure) -> tuple[str, ...]:
        path: list[str] = []
        each: At | None = at
        while each is not None:
            path.append(self._names.piece(each).title)
            each = closure.pieces.get(each)
        return tuple(reversed(path))

    def of(self, entry_point: str, options: Options) -> CodeDigest:
        """The digest of code outside of this package. Raises UsageError when there is none."""
        module, _, name = entry_point.partition(":")
        remembered = self._memory.find(entry_point, options)
        if remembered is not None:
            return CodeDigest(*remembered)
        found = self.finder.find(module)
        if found is None:
            raise problems.no_such_module(module, self.finder)
        if found.first_party:
            self._check_name(entry_point, module, name.partition(".")[0])
        if not found.first_party:
            known = self._digest(module, options, {}, {}, outside(module, self.finder).links, set(), ())
        elif options.granularity in (MODULE, PACKAGE):
            known = self._of_modules(module, options)
        else:
            with uncollected():
                known = self._of_definitions(entry_point, options)
        return known

    def _check_name(self, entry_point: str, module: str, name: str) -> None:
        entry = self.project.module(module)
        if entry.summary and not entry.summary.is_open and name not in entry.summary.names:
            raise problems.no_such_name(entry_point, problems.shown(entry.path, self.finder.root), entry.summary.names)

    def _of_modules(self, entry: str, options: Options) -> CodeDigest:
        links, modules, opened = Links(), {}, set[str]()
        reached = dict[str, Module]()
        for each in dict.fromkeys((entry, *(extra.partition(":")[0] for extra in options.extra))):
            reached.update(close_modules(self.project, each, whole_package=options.granularity == PACKAGE))
        for name, module in reached.items():
            if any(name == each or name.startswith(f"{each}.") for each in options.ignored):
                continue
            links.add(self.project.links(name))
            if module.digest:
                modules[name] = module.digest.hex()
                opened.add(module.path)
            if module.broken:
                links.notes.add(f"{name} is not valid Python: its bytes count")
        environment = {each for name in modules for each in self._variables(name)}
        summaries = ((name, module.summary) for name, module in reached.items() if name in modules and module.summary is not None)
        every = Closure(pieces={(name, number): None for name, summary in summaries for number in range(len(summary.pieces))})
        files = self._data(every, self._parts.of(every), links, opened)
        return self._digest(entry, options, {}, modules, links, opened, environment, files)

    def _variables(self, module: str) -> set[str]:
        summary = self.project.module(module).summary
        return {name for piece in summary.pieces for name in piece.environment} if summary else set()

    def _closed(self, entry_point: str, options: Options) -> Closure:
        known = self._roots.get((entry_point, options))
        if known is None:
            if options.granularity == SOURCE:
                known = self._own_source(entry_point)
            else:
                roots = [_split(each) for each in (entry_point, *options.extra)]
                for module, _ in roots:
                    found = self.finder.find(module)
                    if found is None or not found.first_party:
                        raise problems.no_such_module(module, self.finder)
                known = close(self._names, self._effects, roots, options.ignored)
            self._roots[entry_point, options] = known
        return known

    def _own_source(self, entry_point: str) -> Closure:
        """Only the definitions of the entry point's own name."""
        module, name = _split(entry_point)
        broken = self.project.module(module).broken
        if broken is not None:
            raise broken
        targets = self._names.meaning(module, name)
        return Closure(pieces={(place, number): None for kind, place, _, number in targets if kind == "piece"}, imported={module})

    def _of_definitions(self, entry_point: str, options: Options) -> CodeDigest:
        closure = self._closed(entry_point, options)
        names, project, links = self._names, self.project, Links()
        links.add(closure.links)
        parts = self._parts.of(closure)
        marks = marks_of(parts.values())
        loud = not marks.isdisjoint(("__doc__", "getdoc", "getsource", "getsourcelines")) or any(
            external.partition(".")[0] in _DOC_READERS for external in closure.externals
        )
        definitions = {title: digest for part in parts.values() for title, _, digest, _ in self._parts.rows(part, loud)}
        opened = {path for module in closure.imported if (path := project.module(module).path)}
        modules = {name: self._bytes_of(name) for name in closure.opaque}
        if not marks.isdisjoint(("getsource", "getsourcelines")):
            links.notes.add("the text of its source is read: the bytes of every module reached count")
            modules.update({name: self._bytes_of(name) for name, part in parts.items() if part.numbers})
        environment = {name for part in parts.values() for name in part.environment}
        if "environ" in marks:  # by a name that is computed: it may be any that looks like one
            environment = environment.union(*(part.variables for part in parts.values()))
        files = self._data(closure, parts, links, opened)
        orders = {name: part.order for name, part in parts.items()}
        order = order_of(closure, names, orders, [_split(each)[0] for each in (entry_point, *options.extra)])
        known = self._digest(entry_point, options, definitions, modules, links, opened, environment, files, order)
        self._memory.keep(entry_point, options, Remembered(*_row(known)), closure, {name: self._parts.packed(part, loud) for name, part in parts.items()}, files, loud)
        return known

    def _data(self, closure: Closure, parts: Mapping[str, Part], links: Links, opened: set[str]) -> dict[str, str]:
        """The data files behind a closure, by name; what is said of them goes into `links`, their paths into `opened`."""
        files, notes = data_files(closure, {at: places for part in parts.values() for at, places in part.origins.items()}, self._names)
        links.notes |= notes
        opened.update(files.values())
        return files

    def _bytes_of(self, name: str) -> str:
        content = self.project.module(name).content
        assert content is not None, f"{name} has a file"
        return content.hex()

    def _digest(
        self, entry: str, options: Options, definitions: dict[str, str], modules: dict[str, str], links: Links, files: set[str],
        environment: Iterable[str], data: dict[str, str] | None = None, order: Sequence[str] = (),
    ) -> CodeDigest:  # fmt: skip
        notes = set(links.notes)
        versions = self.project.versions(links, files, notes) if options.granularity != SOURCE else {}
        said = sorted(notes)
        contents = {name: self.project.content(path).hex() for name, path in (data or {}).items()}
        manifest = encode(fields_of(entry, options.granularity, definitions, modules, versions, contents, said, order))
        return CodeDigest(Digest.of(manifest), manifest, tuple(sorted(files)), tuple(sorted(links.preload)), tuple(said), tuple(sorted(environment)))


def _row(known: CodeDigest) -> tuple[Any, ...]:
    return known.digest, known.manifest, known.files, known.preload, known.notes, known.environment


def _split(entry_point: str) -> tuple[str, str]:
    """Module and top-level name of an entry point; the name is "" for a module."""
    module, _, name = entry_point.partition(":")
    return module, name.partition(".")[0]


def _module_of(path: str, root: str) -> str:
    return problems.shown(path, root).removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _lines(path: str) -> int:
    with open(path, "rb") as file:
        return max(1, sum(1 for _ in file))
