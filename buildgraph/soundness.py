"""Whether a target uses only what its fingerprint covers: runs it once, traced, and holds what it did against its closure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from buildgraph.code import CodeIndex, Reached
from buildgraph.code.finder import ENGINE
from buildgraph.errors import Place, UsageError, VerificationError
from buildgraph.execution.pool import ProcessPool
from buildgraph.execution.request import FILES, Outcome, Request, error_from_data
from buildgraph.execution.tracing import Definition, Ran, Traced, answered, ask, definition_at, definitions
from buildgraph.loading import LoadedGraph
from buildgraph.scheduler.accept import died
from buildgraph.scheduler.loop import Known
from buildgraph.scheduler.lowering import STATE_FOLDER, code_options, forget_stage
from buildgraph.session import Prepared, Session, import_path, without_groups, worker_environment

_SHOWN = 20  # findings that an error lists


@dataclass(frozen=True, slots=True)
class Closure:
    """What a fingerprint covers: lines of code by file, files whose content counts, and folders of inputs.

    `ignored` are modules that are not to count, with all below them. Paths are absolute and real.
    """

    code: Mapping[str, Sequence[tuple[int, int]]]
    files: frozenset[str]
    folders: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stray:
    """A definition that ran, or a module that was imported (`name` is "" then), outside of the closure.

    `by` says who called it first, `importing` that it only ran while modules were imported; `entry_point` is its name
    for `extra_code`.
    """

    file: str
    line: int
    name: str
    entry_point: str
    by: str
    importing: bool

    def note(self) -> str:
        what = f"'{self.name}' runs" if self.name else "is imported"
        when = " during imports only" if self.importing and self.name else ""
        return f"{what}{when}" + (f", called from {self.by}" if self.by and self.name else f" by {self.by}" if self.by else "")


@dataclass(frozen=True, slots=True)
class ClosureCheck:
    """What a target did, and what of it lies outside. Paths in the workspace are relative to it."""

    label: str
    executed: int  # first-party definitions that ran
    outside: tuple[Stray, ...]
    opened: int  # first-party files that were read, Python sources not counted
    undeclared: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not (self.outside or self.undeclared)

    def line(self) -> str:
        """`12 definitions executed, 0 outside the closure; 1 file opened, 0 undeclared`."""
        modules = sum(not each.name for each in self.outside)
        said = [f"{_count(self.executed, 'definition')} executed, {len(self.outside) - modules} outside the closure"]
        said += [f"{_count(modules, 'module')} imported from outside it"] if modules else []
        said += [f"{_count(self.opened, 'file')} opened, {len(self.undeclared)} undeclared"]
        return "; ".join(said)

    def error(self) -> VerificationError:
        """The message for a check that found something."""
        found = [Place(each.file, each.line, each.note()) for each in self.outside]
        found += [Place(path, note="is opened and not declared") for path in self.undeclared]
        more = ((("and", f"{len(found) - _SHOWN} more; --json lists all"),)) if len(found) > _SHOWN else ()
        fixes = []
        if self.outside:
            named = {each.entry_point.partition(":")[0] for each in self.outside if each.name}  # a definition brings its module along
            names = list(dict.fromkeys(each.entry_point for each in self.outside if each.name or each.entry_point not in named))
            shown = ", ".join(f'"{name}"' for name in names[:_SHOWN])
            fixes.append(f"name the code: extra_code=[{shown}]")
        if self.undeclared:
            fixes.append(f"declare the file{'' if len(self.undeclared) == 1 else 's'} in `srcs` of a files target, and that in `needs`")
        return VerificationError(
            f"target '{self.label}' uses what its fingerprint does not cover", code="BG260", where=tuple(found[:_SHOWN]), facts=more,
            why="when it changes, the target would not run again", fix="; ".join(fixes),
        )  # fmt: skip


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def as_data(check: ClosureCheck) -> dict[str, object]:
    """A check as the object that `--json` prints."""
    outside = [
        {"file": each.file, "line": each.line, "name": each.name, "entry_point": each.entry_point, "by": each.by, "importing": each.importing}
        for each in check.outside
    ]
    return {
        "label": check.label, "ok": check.ok, "executed": check.executed, "outside": outside, "opened": check.opened,
        "undeclared": list(check.undeclared),
    }  # fmt: skip


def needs_of(graph: LoadedGraph, label: str) -> list[str]:
    """The targets that `label` needs. Raises UsageError (BG261) when no Python code of the workspace stands behind it."""
    node = graph.schema.nodes[label]
    what = (
        "a group does no work" if node.is_group
        else "an input is examined in every build" if node.is_input
        else f"its code counts as version '{node.policy.code_version}', whatever it does" if node.policy.code_version
        else "a rule of buildgraph itself does this target's work" if node.entry_point.startswith(f"{ENGINE}.")
        else ""
    )  # fmt: skip
    if what:
        raise UsageError(
            f"the closure of '{label}' cannot be checked", code="BG261", where=graph.place(label) or (), why=f"only Python code that is read has one, and {what}",
            fix="name a python or component target",
        )  # fmt: skip
    nodes = without_groups(graph).schema.nodes
    return list(dict.fromkeys(parent for parent in nodes[label].needs.values() if not nodes[parent].is_input))


def run_traced(session: Session, prepared: Prepared, label: str, settled: Known) -> ClosureCheck:
    """Run `label` once in a process of its own, its result thrown away. `settled` has what the targets it needs made.

    Raises what the target raises, and MachineError.
    """
    scene, known = prepared.scene, settled.outputs
    node = scene.schema.nodes[label]
    for parent in node.needs.values():
        if parent in scene.input_errors:
            raise scene.input_errors[parent]
    request = scene.lowering.request(label, scene.actions[label], known, settled.persisted)
    copied, sources = in_place()
    inside = list(dict.fromkeys(os.path.realpath(folder) for folder in (session.root, *sources)))
    traced = _execute(session.root, label, ask(request, copied, inside))
    asked = Request.decode(request)
    if asked.stage:
        forget_stage(session.root, asked.stage)
    outcome = Outcome.decode(traced.outcome)
    if outcome.error is not None:
        session.save_log(label, outcome.log)
        raise error_from_data(outcome.error)
    index = session.code
    options = code_options(node.policy, session.settings.granularity, session.settings.strict)
    values = [known[parent] for parent in node.needs.values() if parent in known]
    rows = [*index.reached(node.entry_point, options), *(row for value in values for name in value.classes for row in _carried(index, name))]
    code: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        code.setdefault(os.path.realpath(row.path), []).append((row.first, row.last))
    files = {*scene.codes[label].files, *_files(session.root, asked)}
    files.update(path for parent in node.needs.values() if parent in scene.trees for path in scene.trees[parent].files)
    folders = [f"{session.root}/{STATE_FOLDER}", session.settings.store]
    folders += [f"{session.root}/{scene.outputs.place(parent)}" for parent in node.needs.values() if parent in known]
    closure = Closure(code, frozenset(map(os.path.realpath, files)), tuple(map(os.path.realpath, folders)), node.policy.ignore_code)
    return judge(label, traced, closure, session.root)


def _files(root: str, asked: Request) -> list[str]:
    """The files that a request hands over, by absolute path."""
    return [os.path.join(root, each.path, path) for each in asked.inputs if each.kind == FILES for path in each.paths]


def _carried(index: CodeIndex, name: str) -> tuple[Reached, ...]:
    """The definitions behind a class or function, "module:Qualname", that a value carries."""
    module, _, inner = name.partition(":")
    try:
        return index.reached(f"{module}:{inner.partition('.')[0]}")
    except UsageError:
        return ()  # made while its producer ran


def _execute(root: str, label: str, asked: bytes) -> Traced:
    pool = ProcessPool(
        1, work="buildgraph.execution.tracing:run", root=root, environment=worker_environment(), path=import_path(root)
    )
    pool.start()
    try:
        pool.submit(1, asked)
        (finished,) = pool.wait()
    finally:
        pool.stop()
    if finished.death is not None:
        raise died(label, finished.death, None)
    assert finished.outcome is not None
    return answered(finished.outcome)


def judge(label: str, traced: Traced, closure: Closure, root: str) -> ClosureCheck:
    """What of `traced` lies outside of `closure`."""
    parsed: dict[str, tuple[Definition, ...]] = {}
    executed: set[tuple[str, int]] = set()
    outside: dict[tuple[str, int], Stray] = {}
    modules = {os.path.realpath(each.file) for each in traced.ran if not each.function}
    for each in sorted(traced.ran, key=lambda ran: ran.importing):  # what runs for its own sake says more than an import
        if any(f"{each.module}.".startswith(f"{name}.") for name in closure.ignored):
            continue
        file = os.path.realpath(each.file)
        if not each.function:
            if file not in closure.code and file not in closure.files:
                outside[file, 0] = _stray(each, Definition(1, 1, ""), root)
            continue
        if file not in parsed:
            parsed[file] = definitions(_content(file))
        definition = definition_at(parsed[file], each.line)
        executed.add((file, definition.first))
        if not any(first <= each.line <= last for first, last in closure.code.get(file, ())):
            outside.setdefault((file, definition.first), _stray(each, definition, root))
    opened = [path for path in map(os.path.realpath, traced.read) if path not in modules and not _lies_in(path, closure.folders)]
    undeclared = sorted(shown(path, root) for path in set(opened) - closure.files)
    return ClosureCheck(label, len(executed), tuple(each for _, each in sorted(outside.items())), len(set(opened)), tuple(undeclared))


def _stray(ran: Ran, definition: Definition, root: str) -> Stray:
    by = f"{shown(ran.by, root)}:{ran.by_line}" if ran.by else ""
    name = ran.function and (ran.function if ran.function.split(".")[0] == definition.name or not definition.name else definition.name)
    entry_point = f"{ran.module}:{definition.name}" if definition.name.isidentifier() else ran.module
    return Stray(shown(ran.file, root), ran.line if ran.function else 1, name, entry_point, by, ran.importing)


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(folder + os.sep) for folder in folders)


def shown(path: str, root: str) -> str:
    """`path` relative to the workspace, absolute when it lies elsewhere."""
    for base in (root, os.path.realpath(root)):
        if path.startswith(base + os.sep):
            return path.removeprefix(base + os.sep)
    return path


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def in_place() -> tuple[list[str], list[str]]:
    """Of the distributions that were installed from a folder: what was copied to the installed ones, and the folders."""
    from importlib.metadata import distributions as installed
    from json import loads
    from urllib.parse import unquote

    copied, sources = [], []
    for each in installed():
        origin = loads(each.read_text("direct_url.json") or "{}")
        if "dir_info" not in origin or each.name == ENGINE:
            continue
        if origin["dir_info"].get("editable"):
            sources.append(unquote(origin["url"].removeprefix("file://")))
        else:
            copied += sorted({str(each.locate_file(path)) for path in each.files or () if path.suffix == ".py"})
    return copied, sources
