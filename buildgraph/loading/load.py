"""From patterns to the graph they need: loads the packages that are reached, evaluates those that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from buildgraph.encoding import decode_trusted, encode
from buildgraph.errors import EncodingError, Place, UsageError, nearest
from buildgraph.graph import order
from buildgraph.label import Pattern, pattern, split
from buildgraph.loading.facts import Facts, Present, ReadDigest
from buildgraph.loading.packages import build_file_of, discover
from buildgraph.loading.rows import LoadedPackage, decode_rows, encode_rows
from buildgraph.loading.validate import missing_need, needs_of, no_circles, problems, raise_all, self_needs
from buildgraph.loading.workspace import BUILD_FILE, GRAPH_FILE
from buildgraph.rule import source_place, tool_conflict
from buildgraph.schema import GraphSchema, SchemaNode

if TYPE_CHECKING:
    from buildgraph.loading.build_file import Compiled

MANUAL: Final = "manual"  # tag of targets that only their own label asks for


class Memory(Protocol):
    """Where evaluated packages are remembered from one build of a workspace to the next."""

    def get(self, key: bytes) -> bytes | None: ...

    def put(self, key: bytes, value: bytes) -> object: ...


@dataclass(frozen=True)
class LoadedGraph:
    """A valid graph: every node after all it needs. `requested` are labels in the order they were asked for.

    `evaluated` are the packages whose build files ran, `origins` the file and line of each declaration, `looked` and
    `variables` the paths and environment variables that decided what was loaded.
    """

    schema: GraphSchema
    requested: tuple[str, ...]
    packages: int = 0
    evaluated: tuple[str, ...] = ()
    origins: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    warnings: tuple[tuple[str, str], ...] = ()
    root: str = ""
    looked: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()

    def place(self, label: str) -> Place | None:
        """Where `label` is declared, with the text of that line; None for a graph made by hand."""
        origin = self.origins.get(label)
        return source_place(f"{self.root}/{origin[0]}", *origin) if origin else None


def load(
    root: str,
    patterns: Sequence[str],
    *,
    memory: Memory,
    read_digest: ReadDigest,
    environment: Mapping[str, str],
    here: str = "",
) -> LoadedGraph:
    """The graph needed for `patterns` (none: every target) in the workspace `root`, an absolute path.

    `here` is the package that relative patterns start from; `read_digest` takes absolute paths. Raises UsageError, and
    its subclass ManyErrors for several at once.
    """
    errors: list[UsageError] = []
    asked: list[Pattern] = []
    for text in patterns:
        try:
            asked.append(pattern(text, here))
        except UsageError as error:
            errors.append(error)
    raise_all(errors)
    if all(each.excluded for each in asked):
        asked.insert(0, Pattern("", recursive=True))
    with _Loader(Present(root, read_digest, environment), memory) as loader:
        requested = loader.requested(asked)
        return loader.finish(loader.needed(requested), requested)


def from_schema(
    schema: GraphSchema, requested: Iterable[str] | None = None, *, inputs: Iterable[str] = ()
) -> LoadedGraph:
    """The graph around a schema made by hand, validated the same way; `requested` defaults to its targets, else to all.

    `inputs` are names that values from outside come under. Raises UsageError.
    """
    given = frozenset(inputs)
    wanted = tuple(requested if requested is not None else schema.target_names or schema.nodes)
    errors = problems(schema.nodes, lambda name, note: Place(f"node '{name}'", 0, note), inputs=given)
    errors += [_unknown_target(name, schema.nodes, ()) for name in wanted if name not in schema.nodes]
    if not schema.nodes:
        errors.append(
            UsageError(
                "the graph is empty",
                code="BG015",
                why="there is nothing to build without nodes",
                fix="declare at least one node",
            )
        )
    raise_all(errors)
    return LoadedGraph(_ordered(schema.nodes), wanted)


def _ordered(nodes: Mapping[str, SchemaNode]) -> GraphSchema:
    return GraphSchema(
        {name: nodes[name] for name in order({name: node.needs.values() for name, node in nodes.items()})}
    )


class _Loader:
    """One run of `load`: the packages seen so far and the errors found on the way."""

    def __init__(self, now: Present, memory: Memory) -> None:
        self.now = now
        self.memory = memory
        self.packages: dict[str, LoadedPackage | None] = {}
        self.failed: set[str] = set()
        self.evaluated: list[str] = []
        self.errors: list[UsageError] = []
        self.tools: dict[str, LoadedPackage] = {}
        self.evaluating = ExitStack()  # entered before the first build file runs
        self.clean = False
        self.compiled: Compiled = {}

    def __enter__(self) -> _Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self.evaluating.close()

    def package(self, path: str) -> LoadedPackage | None:
        """The package `path`; None when there is none, or when it is in error (which is then noted)."""
        if path not in self.packages:
            self.packages[path] = None
            self.now.packages.add(path)
            try:
                file = build_file_of(self.now.root, path)
                if file is not None:
                    self.packages[path] = self._remembered(path, file) or self._evaluate(path, file)
            except UsageError as error:
                self.failed.add(path)
                self.errors.append(error)
            self._meet_tools(self.packages[path])
        return self.packages[path]

    def _remembered(self, path: str, file: str) -> LoadedPackage | None:
        data = self.memory.get(_key(path))
        if data is None:
            return None
        try:
            facts, rows = decode_trusted(data)
            if not self.now.holds(decode_trusted(facts)):
                return None
            package = decode_rows(rows)
        except (EncodingError, ValueError, TypeError, LookupError):
            return None  # of another version, or damaged: as good as not remembered
        return package if package.file == file else None

    def _evaluate(self, path: str, file: str) -> LoadedPackage:
        self.evaluated.append(path)
        if file.endswith(GRAPH_FILE):
            from buildgraph.loading.graph_file import load_graph_file  # few workspaces pay for YAML

            package, facts, volatile = *load_graph_file(self.now.root, path, file), ""
        else:
            from buildgraph.loading.build_file import (
                evaluate,
                without_first_party,
            )  # nothing changed, nothing to import

            if not self.clean:
                self.evaluating.enter_context(without_first_party(self.now.root))
                self.clean = True
            package, facts, volatile = evaluate(self.now, path, file, self.compiled)
        self.now.note(facts)
        return self._remember(package, facts, volatile)

    def _remember(self, package: LoadedPackage, facts: Facts, volatile: str) -> LoadedPackage:
        """`package` as the next build will see it, so that both see the same."""
        try:
            rows = encode_rows(package)
        except EncodingError as error:
            for label, node in package.nodes.items():
                _check_config(self.now.root, package, label, node)
            why = f"a config cannot be rebuilt from data alone ({error.headline})"
            warning = ("BG127", f"{package.file} is evaluated on every build, because {why}")
            return LoadedPackage(package.path, package.file, package.nodes, package.lines, (*package.warnings, warning))
        if not volatile:
            self.memory.put(_key(package.path), encode([facts.encode(), rows]))
        if isinstance(package.nodes, dict):
            package.nodes.clear()  # a large package must not be in memory twice
        return decode_rows(rows)

    def _meet_tools(self, package: LoadedPackage | None) -> None:
        """Make the tools that `package` declares known to all, and tell when two packages disagree on one."""
        if package is None:
            return
        for label, node in package.nodes.items():
            if label.startswith("@"):
                first = self.tools.setdefault(label, package)
                if first.nodes[label] != node:
                    self.errors.append(
                        tool_conflict(label, self._place_in(first, label), self._place_in(package, label))
                    )

    def _place_in(self, package: LoadedPackage, label: str, note: str = "") -> Place:
        return source_place(f"{self.now.root}/{package.file}", package.file, package.lines.get(label, 0), note)

    def owner(self, label: str) -> LoadedPackage | None:
        """The package that declares `label`."""
        if label.startswith("@"):
            return self.tools.get(label)
        package = self.package(split(label)[0])
        return package if package is not None and label in package.nodes else None

    def place(self, label: str, note: str) -> Place:
        owner = self.owner(label)
        return self._place_in(owner, label, note) if owner is not None else Place(label, 0, note)

    def requested(self, patterns: list[Pattern]) -> tuple[str, ...]:
        """The labels that `patterns` ask for, each once, without those that a pattern excludes."""
        wanted: dict[str, None] = {}
        excluded = [each for each in patterns if each.excluded]
        for each in patterns:
            if not each.excluded:
                labels = self._single(each) if each.name else self._many(each)
                wanted.update((label, None) for label in labels if not any(out.covers(label) for out in excluded))
        return tuple(wanted)

    def _single(self, asked: Pattern) -> list[str]:
        label = f"//{asked.package}:{asked.name}"
        package = self.package(asked.package)
        if package is not None and label in package.nodes:
            return [label]
        if package is not None:
            self.errors.append(
                _unknown_target(
                    label, [each for each in package.nodes if not each.startswith("@")], (self._place_in(package, ""),)
                )
            )
        elif asked.package not in self.failed:
            self.errors.append(self._unknown_package(asked.package))
        return []

    def _many(self, asked: Pattern) -> list[str]:
        paths = discover(self.now.root, asked.package, self.now.packages.add) if asked.recursive else [asked.package]
        packages = [package for path in paths if (package := self.package(path)) is not None]
        found = [
            label
            for package in packages
            for label, node in package.nodes.items()
            if not label.startswith("@") and not node.is_implicit and MANUAL not in node.policy.tags
        ]
        if not found and not self.failed.intersection(paths):
            self.errors.append(self._nothing(asked, packages))
        return found

    def _nothing(self, asked: Pattern, packages: list[LoadedPackage]) -> UsageError:
        everywhere = discover(self.now.root)
        if not everywhere:
            return UsageError(
                "the workspace has no build files",
                code="BG015",
                where=self.now.root,
                facts=(("looked for", f"{BUILD_FILE} or {GRAPH_FILE} in every folder"),),
                why="targets are declared in build files",
                fix="run `buildgraph init`, or write a BUILD.py",
            )
        if not asked.recursive and not packages:
            return self._unknown_package(asked.package)
        text = f"//{asked.package}{'/' if asked.package else ''}..." if asked.recursive else f"//{asked.package}:all"
        where = tuple(Place(package.file) for package in packages)
        hint = "" if packages else nearest(asked.package, everywhere)
        why = (
            "its build files declare no targets, or only ones tagged manual"
            if packages
            else "no folder below it has a build file"
        )
        return UsageError(
            f"'{text}' matches no targets",
            code="BG016",
            where=where,
            why=why,
            fix=hint or "declare a target there, or ask for others (`buildgraph list` shows all)",
        )

    def _unknown_package(self, path: str) -> UsageError:
        known = discover(self.now.root)
        return UsageError(
            f"there is no package '//{path}'",
            code="BG013",
            where=f"{path or '.'}/ has neither {BUILD_FILE} nor {GRAPH_FILE}",
            why="a package is a folder of the workspace with a build file",
            fix=nearest(path, known) or f"write {path}/{BUILD_FILE}"
            if path
            else f"write {BUILD_FILE} in the workspace root",
        )

    def needed(self, requested: Iterable[str]) -> dict[str, LoadedPackage]:
        """The labels of `requested` and of everything they need, each with its package, loaded on the way."""
        found = {label: owner for label in requested if (owner := self.owner(label)) is not None}
        waiting = list(reversed(found))
        while waiting:
            label = waiting.pop()
            package = found[label]
            for need in package.nodes[label].needs.values():
                owner = package if need in package.nodes else None if need.startswith("@") else self.owner(need)
                if owner is None:
                    self._miss(label, need, package)
                elif need not in found:
                    found[need] = owner
                    waiting.append(need)
        return found

    def _miss(self, label: str, need: str, package: LoadedPackage) -> None:
        """Note that nobody declares what `label` of `package` needs, unless that is in error itself."""
        path, name = split(need)
        if need.startswith("@"):
            why = "a tool is declared by the package that needs it"
            self.errors.append(missing_need(label, need, package.nodes, self.place, why=why))
        elif path not in self.failed:
            other = self.package(path)
            why = f"{other.file} declares no such target" if other is not None else f"there is no package '//{path}'"
            known = other.nodes if other is not None else {f"//{each}:{name}" for each in discover(self.now.root)}
            self.errors.append(missing_need(label, need, known, self.place, why=why))

    def finish(self, owners: dict[str, LoadedPackage], requested: tuple[str, ...]) -> LoadedGraph:
        """The loaded graph, or everything that is wrong with it."""
        nodes = {label: package.nodes[label] for label, package in owners.items()}
        errors = self.errors + self_needs(nodes, self.place)
        ordered = order(needs_of(nodes))
        if len(ordered) < len(nodes):
            errors += no_circles(nodes, self.place)
        raise_all(errors)
        loaded = [package for package in self.packages.values() if package is not None]
        return LoadedGraph(
            GraphSchema({label: nodes[label] for label in ordered}),
            requested,
            packages=len(loaded),
            evaluated=tuple(self.evaluated),
            origins={label: (owners[label].file, owners[label].lines.get(label, 0)) for label in ordered},
            warnings=tuple(warning for package in loaded for warning in package.warnings),
            root=self.now.root,
            looked=frozenset(self.now.looked()),
            variables=frozenset(self.now.variables),
        )


def _key(package: str) -> bytes:
    return b"package:" + package.encode()


def _check_config(root: str, package: LoadedPackage, label: str, node: SchemaNode) -> None:
    """Raises UsageError when the config of `label` cannot even be hashed."""
    try:
        encode(dict(node.config))
    except EncodingError as error:
        where = source_place(f"{root}/{package.file}", package.file, package.lines.get(label, 0))
        raise UsageError(
            f"config of '{label}': {error.headline}", code=error.code, where=where, why=error.why, fix=error.fix
        ) from None


def _unknown_target(label: str, known: Iterable[str], where: tuple[Place, ...]) -> UsageError:
    names = list(known)
    short = [split(name)[1] if ":" in name else name for name in names]
    hint = nearest(split(label)[1] if ":" in label else label, short)
    return UsageError(
        f"there is no target '{label}'",
        code="BG014",
        where=where,
        why=f"declared there: {', '.join(short[:12])}{', ...' if len(short) > 12 else ''}"
        if short
        else "nothing is declared there",
        fix=hint or "ask for one that is declared (`buildgraph list` shows all)",
    )
