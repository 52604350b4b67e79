"""The code digest of an entry point: what of the project it can reach, and the versions of what is installed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.code import problems
from buildgraph.code.definitions import Closure, close, order_of
from buildgraph.code.distributions import Distributions
from buildgraph.code.effects import Effects
from buildgraph.code.finder import ENGINE, Finder
from buildgraph.code.module import Links, Module, outside
from buildgraph.code.modules import close_modules
from buildgraph.code.names import At, Names
from buildgraph.code.project import Project
from buildgraph.code.remembered import Memory, Remembered
from buildgraph.code.resources import data_files
from buildgraph.code.summary import uncollected
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode
from buildgraph.errors import EncodingError
from buildgraph.schema import DEFINITION, MODULE, PACKAGE, SOURCE
from buildgraph.version import VERSION

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FIELDS: Final = {"definitions", "distributions", "entry", "files", "granularity", "modules", "notes", "order"}
_VARIABLE: Final = re.compile("[A-Z][A-Z0-9_]{2,}")
_HARMLESS: Final = ("which is not installed", "which does not exist")  # endings of notes that widen nothing
# Readers of docstrings outside the project: what they print is made of them.
_DOC_READERS: Final = ("click", "cyclopts", "docopt", "fire", "plac", "typer")


@dataclass(frozen=True, slots=True)
class Options:
    """How the code of a target counts.

    `granularity`: only the entry point's own source, the definitions it reaches, the modules it reaches, or all of
    its top-level package. `version` stands in for the code altogether. `extra` are further entry points or modules
    that count; `ignored` are modules, with all below them, that do not. `strict`: what cannot be resolved by reading
    is an error.
    """

    granularity: str = DEFINITION
    version: str = ""
    extra: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    strict: bool = False


DEFAULT: Final = Options()


@dataclass(frozen=True, slots=True)
class CodeDigest:
    """The identity of the code behind an entry point, and the facts it relied on.

    `manifest` is the canonical encoding of what `digest` covers. `files` are the files whose content counts, by
    absolute path. `preload` are third-party modules that a worker can import before it needs them. `notes` say what
    could not be resolved by reading, and what counts instead. `environment` are variables that the code reads.
    """

    digest: Digest
    manifest: bytes
    files: tuple[str, ...]
    preload: tuple[str, ...]
    notes: tuple[str, ...]
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """A definition that counts: its lines (from 1, decorators included), and the names that led to it.

    `name` is "" for a module that counts as a whole, and in angle brackets for a statement that only runs on import.
    """

    module: str
    name: str
    path: str
    first: int
    last: int
    via: tuple[str, ...]


class CodeIndex:
    """The code digests of one workspace at one moment: listings, modules and closures are found once and kept.

    `root` is the workspace; `search` the folders of installed packages, in the order of the path; `read` returns a
    file's content and its digest, `digest` its digest alone, from memory if need be; `memo` remembers summaries by
    content, and closures by the facts they rely on. Nothing in the folders `skip` is ever looked at: what is made there
    is no source. No user code is ever imported.
    """

    __slots__ = ("_closures", "_effects", "_finder", "_memory", "_names", "_project", "_roots")

    def __init__(
        self,
        root: str,
        *,
        search: Sequence[str],
        read: Callable[[str], tuple[bytes, Digest]],
        digest: Callable[[str], Digest] | None = None,
        memo: MutableMapping[bytes, bytes] | None = None,
        skip: Sequence[str] = (),
    ) -> None:
        folders = [os.path.normpath(folder) for folder in search if os.path.isabs(folder)]
        memo = {} if memo is None else memo
        installed = Distributions(folders, memo)
        self._finder = Finder(os.path.normpath(root), folders, read, installed, [f"{folder}/" for folder in skip])
        self._project = Project(self._finder, installed, read, digest or (lambda path: read(path)[1]), memo)
        self._names = Names(self._project)
        self._effects = Effects(self._names)
        self._memory = Memory(self._project, self._names, memo, folders)
        self._closures: dict[tuple[str, Options], CodeDigest] = {}
        self._roots: dict[tuple[str, Options], Closure] = {}

    def of(self, entry_point: str, options: Options = DEFAULT) -> CodeDigest:
        """The code digest of `entry_point`, "package.module:Name". Raises UsageError when there is no such code."""
        known = self._closures.get((entry_point, options))
        if known is None:
            known = self._of(entry_point, options)
            if options.strict and (unresolved := [note for note in known.notes if not note.endswith(_HARMLESS)]):
                raise problems.unresolved(entry_point, unresolved)
            self._closures[entry_point, options] = known
        return known

    def reached(self, entry_point: str, options: Options = DEFAULT) -> tuple[Reached, ...]:
        """The definitions behind `entry_point`, in the order of modules and lines; whole modules at other granularities."""
        self.of(entry_point, options)
        closure = self._closed(entry_point, options) if options.granularity in (SOURCE, DEFINITION) and not options.version else None
        if closure is None or not closure.imported:
            return tuple(Reached(_module_of(path, self._finder.root), "", path, 1, _lines(path), ()) for path in self.of(entry_point, options).files)
        rows = []
        for at in sorted(closure.pieces):
            piece = self._names.piece(at)
            path = self._project.module(at[0]).path
            rows.append(Reached(at[0], piece.title, path, piece.first, piece.last, self._via(at, closure)))
        rows += [Reached(name, "", self._project.module(name).path, 1, _lines(self._project.module(name).path), ()) for name in sorted(closure.opaque)]
        return tuple(rows)

    def source_of(self, code: Digest, title: str) -> tuple[int, int, str] | None:
        """First line, last line and text of a definition ("pkg.module.name") in the code that had that digest.

        None when this workspace has not seen that code.
        """
        return self._memory.source_of(code, title)

    def listed(self) -> tuple[str, ...]:
        """The folders whose listings decided what an import means: a file that appears there may change a digest."""
        return self._finder.listed()

    def _via(self, at: At, closure: Closure) -> tuple[str, ...]:
        path: list[str] = []
        each: At | None = at
        while each is not None:
            path.append(self._names.piece(each).title)
            each = closure.pieces.get(each)
        return tuple(reversed(path))

    def _of(self, entry_point: str, options: Options) -> CodeDigest:
        module, _, name = entry_point.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise problems.not_an_entry_point(entry_point)
        if module.startswith(f"{ENGINE}."):
            return self._engine(module)
        if options.version:
            return self._versioned(entry_point, options)
        remembered = self._memory.find(entry_point, options)
        if remembered is not None:
            return CodeDigest(*remembered)
        found = self._finder.find(module)
        if found is None:
            raise problems.no_such_module(module, self._finder)
        if found.first_party:
            self._check_name(entry_point, module, name.partition(".")[0])
        if not found.first_party:
            known = self._digest(module, options, {}, {}, outside(module, self._finder).links, set(), ())
        elif options.granularity in (MODULE, PACKAGE):
            known = self._of_modules(module, options)
        else:
            with uncollected():
                known = self._of_definitions(entry_point, options)
        return known

    def _check_name(self, entry_point: str, module: str, name: str) -> None:
        entry = self._project.module(module)
        if entry.summary and not entry.summary.is_open and name not in entry.summary.names:
            raise problems.no_such_name(entry_point, problems.shown(entry.path, self._finder.root), entry.summary.names)

    def _engine(self, entry: str) -> CodeDigest:
        """The code of a standard rule: the file it is in, and the version of this package, which is the rest of it."""
        inner = entry.partition(".")[2].replace(".", "/")
        path = f"{_PACKAGE}/{inner}.py"
        if not os.path.isfile(path) and inner.startswith("rules/"):  # which a checkout keeps beside the package
            path = f"{os.path.dirname(_PACKAGE)}/{inner}.py"
        if not os.path.isfile(path):
            raise problems.no_such_module(entry, self._finder)
        fields = _fields(entry, MODULE, modules={entry: self._project.content(path).hex()}, distributions={ENGINE: VERSION})
        manifest = encode(fields)
        return CodeDigest(Digest.of(manifest), manifest, (path,), (), ())

    def _versioned(self, entry_point: str, options: Options) -> CodeDigest:
        """The code as its author numbers it: nothing of it is read."""
        fields = _fields(entry_point, "version", notes=[f"the code counts as version '{options.version}', whatever it says"])
        manifest = encode({**fields, "definitions": {"code_version": options.version}})
        return CodeDigest(Digest.of(manifest), manifest, (), (), tuple(fields["notes"]))

    def _of_modules(self, entry: str, options: Options) -> CodeDigest:
        links, modules, opened = Links(), {}, set[str]()
        reached = dict[str, Module]()
        for each in dict.fromkeys((entry, *(extra.partition(":")[0] for extra in options.extra))):
            reached.update(close_modules(self._project, each, whole_package=options.granularity == PACKAGE))
        for name, module in reached.items():
            if any(name == each or name.startswith(f"{each}.") for each in options.ignored):
                continue
            links.add(self._project.links(name))
            if module.digest:
                modules[name] = module.digest.hex()
                opened.add(module.path)
            if module.broken:
                links.notes.add(f"{name} is not valid Python: its bytes count")
        environment = {each for name in modules for each in self._variables(name)}
        summaries = ((name, module.summary) for name, module in reached.items() if name in modules and module.summary is not None)
        every = Closure(pieces={(name, number): None for name, summary in summaries for number in range(len(summary.pieces))})
        files, notes = data_files(every, self._names)
        links.notes |= notes
        opened.update(files.values())
        contents = {name: self._project.content(path).hex() for name, path in files.items()}
        return self._digest(entry, options, {}, modules, links, opened, environment, contents)

    def _variables(self, module: str) -> set[str]:
        summary = self._project.module(module).summary
        return {name for piece in summary.pieces for name in piece.environment} if summary else set()

    def _closed(self, entry_point: str, options: Options) -> Closure:
        known = self._roots.get((entry_point, options))
        if known is None:
            if options.granularity == SOURCE:
                known = self._own_source(entry_point)
            else:
                roots = [_split(each) for each in (entry_point, *options.extra)]
                for module, _ in roots:
                    found = self._finder.find(module)
                    if found is None or not found.first_party:
                        raise problems.no_such_module(module, self._finder)
                known = close(self._names, self._effects, roots, options.ignored)
            self._roots[entry_point, options] = known
        return known

    def _own_source(self, entry_point: str) -> Closure:
        """Only the definitions of the entry point's own name."""
        module, name = _split(entry_point)
        broken = self._project.module(module).broken
        if broken is not None:
            raise broken
        targets = self._names.meaning(module, name)
        return Closure(pieces={(place, number): None for kind, place, _, number in targets if kind == "piece"}, imported={module})

    def _of_definitions(self, entry_point: str, options: Options) -> CodeDigest:
        closure = self._closed(entry_point, options)
        names, project, links = self._names, self._project, Links()
        links.add(closure.links)
        marks = {mark for at in closure.pieces for mark in names.piece(at).marks}
        loud = not marks.isdisjoint(("__doc__", "getdoc", "getsource", "getsourcelines")) or any(
            external.partition(".")[0] in _DOC_READERS for external in closure.externals
        )
        definitions: dict[str, str] = {}
        by_title: dict[str, list[str]] = {}
        for at in sorted(closure.pieces):
            by_title.setdefault(f"{at[0]}.{names.piece(at).title}", []).append(names.digest(at, loud))
        for title, digests in by_title.items():
            definitions.update({title if not number else f"{title}#{number + 1}": each for number, each in enumerate(digests)})
        files, notes = data_files(closure, names)
        links.notes |= notes
        opened = {project.module(module).path for module in closure.imported if project.module(module).path}
        modules = {name: self._bytes_of(name) for name in closure.opaque}
        if not marks.isdisjoint(("getsource", "getsourcelines")):
            links.notes.add("the text of its source is read: the bytes of every module reached count")
            modules.update({name: self._bytes_of(name) for name in {at[0] for at in closure.pieces}})
        environment = {name for at in closure.pieces for name in names.piece(at).environment}
        if "environ" in marks:  # by a name that is computed: it may be any that looks like one
            environment |= {text for at in closure.pieces for text in names.piece(at).strings if _VARIABLE.fullmatch(text)}
        opened.update(files.values())
        contents = {name: project.content(path).hex() for name, path in files.items()}
        order = order_of(closure, names, self._effects, [_split(each)[0] for each in (entry_point, *options.extra)])
        known = self._digest(entry_point, options, definitions, modules, links, opened, environment, contents, order)
        self._memory.keep(entry_point, options, Remembered(*_row(known)), closure, files, loud)
        return known

    def _bytes_of(self, name: str) -> str:
        content = self._project.module(name).content
        assert content is not None, f"{name} has a file"
        return content.hex()

    def _digest(
        self, entry: str, options: Options, definitions: dict[str, str], modules: dict[str, str], links: Links, files: set[str],
        environment: Iterable[str], data: dict[str, str] | None = None, order: Sequence[str] = (),
    ) -> CodeDigest:  # fmt: skip
        notes = set(links.notes)
        versions = self._project.versions(links, files, notes) if options.granularity != SOURCE else {}
        said = sorted(notes)
        manifest = encode(_fields(entry, options.granularity, definitions, modules, versions, data or {}, said, order))
        return CodeDigest(Digest.of(manifest), manifest, tuple(sorted(files)), tuple(sorted(links.preload)), tuple(said), tuple(sorted(environment)))


def explain(manifest: bytes) -> dict[str, Any]:
    """The fields of a code digest's manifest, for people and for `diff`. Raises EncodingError when it is not one."""
    fields = decode_trusted(manifest)
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise EncodingError("not the manifest of a code digest", code="BG042")
    return fields


def _fields(
    entry: str, granularity: str, definitions: dict[str, str] | None = None, modules: dict[str, str] | None = None,
    distributions: dict[str, str] | None = None, files: dict[str, str] | None = None, notes: list[str] | None = None,
    order: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    return {
        "definitions": definitions or {}, "distributions": distributions or {}, "entry": entry, "files": files or {},
        "granularity": granularity, "modules": modules or {}, "notes": notes or [], "order": list(order),
    }  # fmt: skip


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
