"""One command's view of a workspace: opens lock, ledger, store and sources, and makes the scene that a build plays in."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from buildgraph.action import Action
from buildgraph.code import CodeDigest, CodeIndex, Options
from buildgraph.digest import Digest
from buildgraph.errors import MachineError, Place, UsageError
from buildgraph.events import GraphLoaded, Listener, Warned
from buildgraph.execution.outputs import OutputFolder
from buildgraph.execution.sources import Sources
from buildgraph.label import split
from buildgraph.loading import LoadedGraph, load
from buildgraph.loading.packages import build_file_of
from buildgraph.loading.settings import Settings
from buildgraph.loading.validate import raise_all
from buildgraph.scheduler.inputs import Examined, examine
from buildgraph.scheduler.loop import Scene, wants_files
from buildgraph.scheduler.lowering import (
    STATE_FOLDER,
    Lowering,
    action_of,
    check_code,
    check_timeout,
    code_options,
    platform_tag,
)
from buildgraph.scheduler.staleness import Before, Judge
from buildgraph.schema import FILES, GraphSchema, Policy, SchemaNode
from buildgraph.store import FileLock, Holder, Ledger, LocalStore, Store

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What every action sees, the same for everybody, so it is part of no key. One thread each: the pool is the parallelism.
BASE_ENVIRONMENT: Final = {
    "PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1", "SOURCE_DATE_EPOCH": "315532800",
}  # fmt: skip
# What a user's session says of itself, not of the work: code that reads it gets no input from it unless it is declared.
OWN_ENVIRONMENT: Final = (
    "HOME", "TMPDIR", "TEMP", "TMP", "USER", "LOGNAME", "USERNAME", "PWD", "OLDPWD", "SHELL", "SHLVL", "TERM", "COLUMNS", "LINES", "HOSTNAME", "DISPLAY",
    "SSH_*", "XDG_*", "BUILDGRAPH_*", "PYTEST_*", "VIRTUAL_ENV", "CI", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "PYTHONPATH", "PYTHONBREAKPOINT",
)  # fmt: skip
_KEY_SIZE: Final = 32
_HISTORY: Final = 50  # builds that are remembered
_NO_KEY: Final = bytes(_KEY_SIZE)


class LedgerRows(MutableMapping[bytes, bytes]):
    """A table of the ledger, its changes held back until `flush`."""

    def __init__(self, ledger: Ledger, table: str) -> None:
        self._ledger = ledger
        self._table = table
        self._changed: dict[bytes, bytes | None] = {}

    def get(self, key: bytes, default: Any = None) -> Any:
        found = self._changed[key] if key in self._changed else self._ledger.get(self._table, key)
        return default if found is None else found

    def put(self, key: bytes, row: bytes) -> None:
        self._changed[key] = row

    def many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return self._ledger.get_many(self._table, keys)

    def flush(self) -> None:
        if self._changed:
            self._ledger.put_many(self._table, self._changed)
            self._changed = {}

    def __getitem__(self, key: bytes) -> bytes:
        found: bytes | None = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: bytes, row: bytes) -> None:
        self._changed[key] = row

    def __delitem__(self, key: bytes) -> None:
        self._changed[key] = None

    def __iter__(self) -> Iterator[bytes]:
        return iter(())  # tables are only ever looked up by key

    def __len__(self) -> int:
        return 0


class Asked(NamedTuple):
    """What was asked for, groups opened up: actions to settle, inputs to examine, and the graph without groups."""

    schema: GraphSchema
    actions: tuple[str, ...]
    inputs: tuple[str, ...]


class Prepared(NamedTuple):
    """A graph with everything judged about it that needs no action to run."""

    graph: LoadedGraph
    asked: Asked
    scene: Scene
    examined: Examined


class Session:
    """An open workspace. Use as a context manager; while it is open, no other build can open the same workspace."""

    def __init__(
        self,
        root: str,
        settings: Settings,
        environment: Mapping[str, str],
        listen: Listener,
        *,
        purpose: str,
        wait: bool = True,
        ledger: str = "",
    ) -> None:
        """Raises LockError (BG310) when somebody else has the workspace and `wait` is false.

        `ledger` is the folder of the ledger, if not the workspace's own.
        """
        self.root = root
        self.settings = settings
        self.listen = listen
        self.environment = environment
        self.state = state_folder(root)
        self._lock = FileLock(os.path.join(self.state, "lock"), purpose)
        self._lock.acquire(wait, self._waiting)
        self.warned = False  # having waited is no warning about the answer
        try:
            self.ledger = Ledger.open(ledger or os.path.join(self.state, "ledger"))
            self.store: Store = LocalStore.open(settings.store, warn=self._warn)
        except BaseException:
            self._lock.release()
            raise
        self.rows = {
            table: LedgerRows(self.ledger, table) for table in ("files", "modules", "packages", "targets", "outputs")
        }
        self._scratch_files = 0
        self.tried: set[str] = set()  # where programs were looked for
        self._fresh_sources()
        self.began = self.sources.began

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what was learnt, then let go of everything."""
        try:
            self.flush()
            self._tidy()
        finally:
            self.store.close()
            self.ledger.close()
            self._lock.release()

    def flush(self) -> None:
        """Write what was learnt."""
        self.store.sync()
        for rows in self.rows.values():
            rows.flush()

    def store_files(self) -> set[str] | None:
        """The files that answers of the store rest on; None when that is not known."""
        return self.store.looked() if isinstance(self.store, LocalStore) else None

    def _tidy(self) -> None:
        """Remove what workers left: their private folders, stages of failed actions, folders of links to sources."""
        left = [path for name in ("workers", "stage", "inputs", "resources") if os.path.isdir(path := os.path.join(self.state, name))]
        if left:
            import shutil  # an unchanged build has nothing to remove

            for path in left:
                shutil.rmtree(path, ignore_errors=True)

    def _warn(self, code: str, message: str) -> None:
        self.warned = True
        self.listen(Warned(code, message))

    def _waiting(self, holder: Holder) -> None:
        self._warn("BG310", f"waiting for {holder}, which is building this workspace")

    def _fresh_sources(self) -> None:
        """Forget what this process has seen of the source files, as for a new build."""
        clock = os.path.join(self.state, "clock")
        try:
            with open(clock, "wb"):
                os.utime(clock)
            now = os.stat(clock).st_mtime_ns
        except OSError as error:
            raise MachineError(
                f"'{self.state}' cannot be written: {error.strerror}",
                code="BG061",
                why="a workspace keeps its ledger there",
                fix="make it writable",
            ) from None
        skip = self._made = (self.state, os.path.join(self.root, self.settings.outputs))
        root = self.root

        def is_package(folder: str) -> bool:
            return build_file_of(root, os.path.relpath(folder, root)) is not None

        self.sources = Sources(root, self.rows["files"], now=lambda: now, is_package=is_package, skip=skip)

    def load(self, patterns: Sequence[str], here: str = "") -> LoadedGraph:
        """The graph that `patterns` need (the configured default for none). Raises UsageError."""
        graph = load(
            self.root, patterns or self.settings.default, memory=self.rows["packages"], read_digest=lambda path: self.sources.digest(path)[0],
            environment=self.environment, here=here,
        )  # fmt: skip
        for code, message in graph.warnings:
            self._warn(code, message)
        self.listen(
            GraphLoaded(
                sum(not (node.is_input or node.is_group) for node in graph.schema.nodes.values()), graph.packages, graph.evaluated
            )
        )
        return graph

    def prepare(
        self,
        graph: LoadedGraph,
        *,
        force: Iterable[str] | bool = (),
        keep_going: bool = False,
        use_deep: bool = True,
        again: bool = False,
    ) -> Prepared:
        """Everything about `graph` that can be known before an action runs. `again`: look at all files anew."""
        if again:
            self._fresh_sources()
        asked = without_groups(graph)
        code = self.code = self._index()
        examined = self._examine(asked.schema, code)
        actions, codes = self._actions(graph, asked.schema, code)
        forced = set(actions) if force is True else set(force) if not isinstance(force, bool) else set()
        outputs = OutputFolder(self.root, self.settings.outputs, self.store, self.rows["outputs"])
        judge = Judge(
            asked.schema,
            actions,
            examined.outputs,
            self.store,
            before=self._before(actions),
            codes={each.digest: each.manifest for each in codes.values()},
            forced=forced,
            use_deep=use_deep,
        )
        lowering = Lowering(
            self.root, asked.schema, self.store, outputs, examined.trees, examined.outputs, self.environment,
            examined.persisted,
        )  # fmt: skip
        scene = Scene(
            self.root, asked.schema, actions, codes, code.of, examined.outputs, examined.trees, self._placed(examined, graph), judge, lowering, self.store,
            self.sources, outputs, self.listen, lambda: int(time.time()), time.monotonic, self.save_log, wants_files(asked.schema, asked.actions), graph.place, keep_going,
        )  # fmt: skip
        return Prepared(graph, asked, scene, examined)

    def _examine(self, schema: GraphSchema, code: CodeIndex) -> Examined:
        """The outcome of the input nodes."""
        check_places(schema)
        return examine(schema, self.sources, self.store, tools=self.tool, scratch=self.scratch, code_of=code.of)

    def _index(self) -> CodeIndex:
        """Where code digests come from: the files as this build sees them."""
        sources = self.sources
        self.search = [path for path in sys.path if path]
        return CodeIndex(self.root, search=self.search, read=sources.read, digest=lambda path: sources.digest(path)[0], memo=self.rows["modules"], skip=self._made)

    def _placed(self, examined: Examined, graph: LoadedGraph) -> Mapping[str, Any]:
        for label, error in examined.errors.items():
            user = next((name for name, node in graph.schema.nodes.items() if label in node.needs.values()), label)
            place = graph.place(user if label.startswith("@") else label)
            if place is not None and not error.where:
                note = f"needed by '{user}'" if label.startswith("@") else ""
                error.where = (replace(place, note=note),)
        return examined.errors

    def _actions(self, graph: LoadedGraph, schema: GraphSchema, code: CodeIndex) -> tuple[dict[str, Action], dict[str, CodeDigest]]:
        """The actions of all nodes but inputs, and the code behind each, by label."""
        where = platform_tag()
        actions: dict[str, Action] = {}
        codes: dict[str, CodeDigest] = {}
        errors: list[UsageError] = []
        timeout = self.settings.timeout or None
        ignored = (*BASE_ENVIRONMENT, *OWN_ENVIRONMENT, *self.settings.ignore_environment)
        known: dict[tuple[str, Policy], CodeDigest] = {}
        for label, node in schema.nodes.items():
            if node.is_input:
                continue
            try:
                point, policy = node.entry_point, node.policy
                check_code(label, node)
                digest = known.get((point, policy))
                if digest is None:
                    digest = known[point, policy] = code.of(point, self.code_options(node))
                codes[label] = digest
                actions[label] = action_of(label, node, digest, self.environment, where, ignored)
                check_timeout(label, node)
            except UsageError as error:
                place = graph.place(label)
                if place is not None:
                    error.where = (place, *error.where)
                errors.append(error)
        raise_all(errors)
        if timeout:
            for label in actions:
                node = schema.nodes[label]
                if node.policy.timeout is None:
                    schema.nodes[label] = replace(node, policy=replace(node.policy, timeout=timeout))  # type: ignore[index]  # our own copy
        return actions, codes

    def code_options(self, node: SchemaNode) -> Options:
        """How the code of `node` counts."""
        return code_options(node.policy, self.settings.granularity, self.settings.strict)

    def _before(self, actions: Mapping[str, Action]) -> dict[str, Before]:
        rows = self.rows["targets"].many([label.encode() for label in actions])
        return {label.decode(): Before(_key(row[:_KEY_SIZE]), _key(row[_KEY_SIZE:])) for label, row in rows.items()}

    def remember(self, label: str, key: Digest | None, deep: Digest | None, before: Before) -> None:
        """Note the keys with which a target was settled, for the reasons that the next build gives."""
        if key is None and deep == before.deep:  # settled with what depends on it, without a look-up
            key = before.key
        if (key, deep) != (before.key, before.deep):
            self.rows["targets"].put(label.encode(), (key or _NO_KEY) + (deep or _NO_KEY))

    def scratch(self) -> str:
        """A path for a new large file."""
        self._scratch_files += 1
        return os.path.join(self.store.scratch(), f"coordinator-{self._scratch_files}")

    def tool(self, name: str, inherit_path: bool) -> str | None:
        """The file of a program on the actions' search path, or on the caller's."""
        search = self.environment.get("PATH", SYSTEM_PATH) if inherit_path else SYSTEM_PATH
        candidates = [name] if "/" in name else [os.path.join(folder, name) for folder in search.split(":") if folder]
        for path in candidates:
            self.tried.add(path)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        return None

    def history(self) -> list[str]:
        """The last builds of this workspace, newest last: when, what, and the line that counts."""
        return [str(line) for line in self.ledger.read("history") or []]

    def add_to_history(self, line: str) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime())
        self.ledger.write({"history": [*self.history(), f"{when}  {line}"][-_HISTORY:]})

    def log_path(self, label: str) -> str:
        """Where the log of a failed target is kept, relative to the workspace."""
        package, name = split(label)
        return "/".join(part for part in (STATE_FOLDER, "logs", package, f"{name}.log") if part)

    def forget_logs(self, labels: Iterable[str]) -> None:
        """Remove the logs of earlier failures of `labels`, which have succeeded since."""
        folder = os.path.join(self.state, "logs")
        kept = {os.path.join(here, name) for here, _, names in os.walk(folder) for name in names}
        for label in labels if kept else ():
            path = os.path.join(self.root, self.log_path(label))
            if path in kept:
                os.unlink(path)

    def save_log(self, label: str, data: bytes) -> str:
        """Keep what a failed target printed; the path of the log, empty when there was nothing to keep."""
        if not data:
            return ""
        path = os.path.join(self.root, self.log_path(label))
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        except OSError:
            return ""
        return self.log_path(label)


def state_folder(root: str) -> str:
    """The workspace's own folder, made if need be, ignoring itself. Raises MachineError (BG061)."""
    state = os.path.join(root, STATE_FOLDER)
    try:
        os.makedirs(state, exist_ok=True)
        ignore = os.path.join(state, ".gitignore")
        if not os.path.exists(ignore):
            with open(ignore, "w", encoding="utf-8") as file:
                file.write("*\n")
    except OSError as error:
        raise MachineError(
            f"'{state}' cannot be made: {error.strerror}",
            code="BG061",
            why="a workspace keeps its ledger there",
            fix="make the workspace writable",
        ) from None
    return state


def worker_environment() -> dict[str, str]:
    """The environment that workers start with."""
    return dict(BASE_ENVIRONMENT)


def import_path(root: str) -> list[str]:
    """What workers need on their path to find the workspace's modules and this very package."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return (
        [root]
        if any(
            os.path.samefile(home, path)
            for path in sys.path
            if path and os.path.isdir(path) and "site-packages" in path
        )
        else [root, home]
    )


def check_places(schema: GraphSchema) -> None:
    """Raises UsageError (BG069) when the output folder of one target would lie inside that of another."""
    places = {split(label): label for label, node in schema.nodes.items() if not (node.is_input or node.is_group)}
    packages = {package for package, _ in places}
    for (package, name), label in places.items():
        inside = f"{package}/{name}" if package else name
        other = next((places[package, name[:at]] for at, c in enumerate(name) if c == "/" and (package, name[:at]) in places), "")
        if inside in packages:
            other = next(each for (where, _), each in places.items() if where == inside)
        if other:
            raise UsageError(
                f"the outputs of '{label}' and '{other}' would lie inside each other", code="BG069",
                facts=(("folder", inside),), why="the output folder of a target is build/<package>/<name>, and holds nothing else",
                fix=f"rename '{label}'",
            )  # fmt: skip


def without_groups(graph: LoadedGraph) -> Asked:
    """Groups opened up: asking for one asks for its members; an action that needs one needs its members."""
    members: dict[str, list[str]] = {}
    nodes: dict[str, SchemaNode] = {}
    for label, node in graph.schema.nodes.items():  # parents come first
        if node.is_group:
            members[label] = list(
                dict.fromkeys(each for parent in node.needs.values() for each in members.get(parent, [parent]))
            )
        elif members and not members.keys().isdisjoint(node.needs.values()):
            nodes[label] = _opened(label, node, members, graph.place(label))
        else:
            nodes[label] = node
    requested = list(dict.fromkeys(each for label in graph.requested for each in members.get(label, [label])))
    actions = tuple(label for label in requested if not nodes[label].is_input)
    return Asked(GraphSchema(nodes), actions, tuple(label for label in requested if nodes[label].is_input))


def _opened(label: str, node: SchemaNode, members: Mapping[str, list[str]], place: Place | None) -> SchemaNode:
    if node.policy.inputs != FILES:
        group = next(parent for parent in node.needs.values() if parent in members)
        raise UsageError(
            f"target '{label}' needs the group '{group}' as one value", code="BG037", where=place or (), why="a group has no value of its own",
            fix="need its members, each under a parameter",
        )  # fmt: skip
    needs = {}
    for parameter, parent in node.needs.items():
        needs.update({each: each for each in members[parent]} if parent in members else {parameter: parent})
    config = dict(node.config)
    for key, value in config.items():  # labels listed in the config stand for what they open up to
        if isinstance(value, list) and any(each in members for each in value if isinstance(each, str)):
            config[key] = [one for each in value for one in members.get(each, [each])]
    return replace(node, needs=needs, config=config)


def _key(raw: bytes) -> Digest | None:
    return None if raw == _NO_KEY else Digest(raw)
