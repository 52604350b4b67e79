"""The Python API: `Workspace(...).build([...])` and its siblings; the command line is a thin layer over it."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from buildgraph.errors import BuildgraphError, Interrupted, TargetError, UsageError
from buildgraph.events import BuildFinished, BuildStarted, Listener, OutputsWritten, ResultLost, ignore
from buildgraph.execution.outputs import LostBlob
from buildgraph.execution.runner import Runner
from buildgraph.loading import LoadedGraph, find_root, load_settings, user_file_of
from buildgraph.loading.settings import Settings
from buildgraph.scheduler.loop import BUILT, CUT_OFF, FAILED, HIT, SKIPPED, UP_TO_DATE, Known, Round
from buildgraph.session import Prepared, Session, import_path, worker_environment
from buildgraph.standing import Wish, leave

if TYPE_CHECKING:
    from buildgraph.soundness import ClosureCheck

_INPUT_ROUNDS, _LOST_ROUNDS = 3, 100


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. Counts are of targets with an action; `outputs` are paths relative to the workspace."""

    targets: int
    built: int
    hit_local: int
    hit_remote: int
    cut_off: int
    up_to_date: int
    failed: int
    skipped: int
    seconds: float
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, BuildgraphError] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.errors

    def line(self) -> str:
        """The one line that counts: `12 targets: 3 built, 8 hit, 1 cut off in 1.24 s`."""
        return f"{self.summary()} in {self.seconds:.2f} s"

    def summary(self) -> str:
        counts = [
            (self.built, "built"), (self.hit_local, "hit"), (self.hit_remote, "hit remotely"), (self.cut_off, "cut off"),
            (self.up_to_date, "up to date"), (self.failed, "failed"), (self.skipped, "skipped"),
            (len(self.errors) - self.failed, "failed before anything ran"),
        ]  # fmt: skip
        said = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing to do"
        return f"{self.targets} target{'' if self.targets == 1 else 's'}: {said}"


class TargetStatus(NamedTuple):
    """What a build would do with a target: `up_to_date`, `hit_local`, `stale` (with the reason), `undetermined` or `failed`."""

    label: str
    state: str
    reason: str = ""


class Workspace:
    """A folder with build files. Nothing is read from the process environment: pass `environment` to let builds see it."""

    def __init__(
        self, root: str | os.PathLike[str] = ".", *, store: str | os.PathLike[str] | None = None, jobs: int | None = None, runner: str | None = None,
        granularity: str | None = None, strict: bool | None = None, environment: Mapping[str, str] | None = None,
        settings: Settings | None = None, listen: Listener = ignore,
    ) -> None:  # fmt: skip
        """Raises UsageError (BG012) when `root` is not in a workspace."""
        start = os.path.abspath(os.fspath(root))
        self.root = find_root(start)
        self.here = "" if start == self.root else os.path.relpath(start, self.root)
        self.environment = dict(environment or {})
        flags = {
            "store": os.path.abspath(os.fspath(store)) if store is not None else None,
            "jobs": jobs,
            "runner": runner,
            "granularity": granularity,
            "strict": strict,
        }
        self.settings = settings or load_settings(
            self.root, flags=flags, environment=self.environment, user_file=user_file_of(self.environment), here=start
        )
        self.listen = listen

    def open(self, purpose: str, *, wait: bool = True) -> Session:
        """The workspace for one command. Raises LockError (BG310) when it is busy and `wait` is false."""
        return Session(self.root, self.settings, self.environment, self.listen, purpose=purpose, wait=wait)

    def build(
        self, labels: Sequence[str] = (), *, keep_going: bool | None = None, force: Collection[str] | bool = (), dry_run: bool = False,
        wait: bool = True, deep_keys: bool = True, wish: Wish | None = None,
    ) -> BuildReport:  # fmt: skip
        """Bring `labels` (patterns; none: the default ones) up to date.

        `wish` asks for the answer to be left where the next build finds it while nothing has changed.
        A failed target is in the report's `errors`, not raised. Raises UsageError for a graph that cannot be right,
        LockError, MachineError, and Interrupted after Ctrl-C, when everything has been stopped.
        """
        started = time.perf_counter()
        runner = None if dry_run else self._runner()
        try:
            if runner is not None:
                runner.start()  # workers come up while the graph is loaded
            with self.open("build", wait=wait) as session:
                work = Build(session, runner, started)
                report = work.run(
                    labels, self.here, keep_going=self._keep_going(keep_going), force=force, deep_keys=deep_keys
                )
                if wish is not None and work.prepared is not None and report.ok:
                    session.flush()
                    leave(wish, session, work.prepared, report)
                return report
        except KeyboardInterrupt:
            raise Interrupted(
                "interrupted", code="BG090", why="what had finished is kept", fix="build again to go on from here"
            ) from None
        finally:
            if runner is not None:
                runner.stop()

    def status(self, labels: Sequence[str] = (), *, wait: bool = True) -> list[TargetStatus]:
        """What a build would do, and why; nothing is run or written."""
        with self.open("status", wait=wait) as session:
            graph = session.load(labels, self.here)
            prepared = session.prepare(graph)
            known = Known()
            Round(prepared.scene, None, known).run(prepared.asked.actions)
            return [
                _status(label, known)
                for label in graph.schema.nodes
                if label in prepared.scene.actions or label in known.errors
            ]

    def graph(self, labels: Sequence[str] = (), *, wait: bool = True) -> LoadedGraph:
        """The graph that `labels` need, groups and sources included."""
        with self.open("graph", wait=wait) as session:
            return session.load(labels, self.here)

    def check_closure(self, label: str, *, wait: bool = True) -> ClosureCheck:
        """Build what `label` (in full) needs, run it once under observation, and say what of that its closure lacks.

        Its result is thrown away. Raises what `label` or a target it needs raises, UsageError (BG261) for one without
        Python code of the workspace, LockError and MachineError.
        """
        from buildgraph.soundness import needs_of, run_traced  # brings tracing, which nothing else wants

        runner = self._runner()
        try:
            runner.start()
            with self.open("check-closure", wait=wait) as session:
                graph = session.load([label])
                needs, build = needs_of(graph, label), Build(session, runner, time.perf_counter())
                if needs:
                    report = build.run(needs, "", keep_going=False, force=(), deep_keys=True)
                    for error in report.errors.values():
                        raise error
                return run_traced(session, session.prepare(graph), label, build.known)
        finally:
            runner.stop()

    def _keep_going(self, given: bool | None) -> bool:
        return self.settings.keep_going if given is None else given

    def _runner(self) -> Runner:
        if self.settings.runner == "inline":
            from buildgraph.execution.inline import InlineRunner
            from buildgraph.execution.worker import InlineWork

            work = InlineWork(self.root, worker_environment())
            return InlineRunner(work, forget=work.forget)
        from buildgraph.execution.pool import ProcessPool

        return ProcessPool(
            self.settings.jobs, root=self.root, environment=worker_environment(), path=import_path(self.root)
        )


def _status(label: str, known: Known) -> TargetStatus:
    if label in known.errors:
        return TargetStatus(label, "failed", known.errors[label].headline)
    if label in known.stale:
        return TargetStatus(label, "stale", known.stale[label])
    if label in known.undetermined:
        return TargetStatus(label, "undetermined", "something it needs is stale")
    return TargetStatus(label, known.status.get(label, "skipped"))


class Build:
    """One build in an open session: rounds until nothing changes under it, then outputs and ledger."""

    def __init__(self, session: Session, runner: Runner | None, started: float) -> None:
        self.session = session
        self.runner = runner
        self.started = started
        self.known = Known()
        self.prepared: Prepared | None = None  # the graph as it was last judged

    def run(
        self, labels: Sequence[str], here: str, *, keep_going: bool, force: Collection[str] | bool, deep_keys: bool, write: bool = True,
    ) -> BuildReport:  # fmt: skip
        """Bring `labels` up to date; with `write`, their outputs appear in the output folder."""
        session = self.session
        session.listen(BuildStarted(tuple(labels), self.runner.slots if self.runner else 0))
        graph = session.load(labels, here)
        forced = force if isinstance(force, bool) else self._labels(force, graph, here)
        prepared = session.prepare(graph, force=forced, keep_going=keep_going, use_deep=deep_keys)
        outputs: dict[str, tuple[str, ...]] = {}
        try:
            prepared = self._rounds(prepared, forced, keep_going=keep_going, use_deep=deep_keys)
            if self.runner is not None and write:
                outputs, prepared = self._write_outputs(prepared, keep_going)
        except KeyboardInterrupt:
            self._finish(prepared, {}, interrupted=True)
            raise
        self.prepared = prepared
        return self._finish(prepared, outputs)

    def _labels(self, force: Collection[str], graph: LoadedGraph, here: str) -> set[str]:
        from buildgraph.label import pattern

        wanted = [pattern(text, here) for text in force]
        found = {
            label
            for label in graph.schema.nodes
            if not label.startswith("@") and any(each.covers(label) for each in wanted)
        }
        if wanted and not found:
            raise UsageError(
                f"--force {' '.join(force)} names nothing that is being built",
                code="BG018",
                why="only targets that are asked for, or needed by those, can be forced",
                fix="name it among the labels to build, too",
            )
        return found

    def _rounds(self, prepared: Prepared, forced: set[str] | bool, **how: bool) -> Prepared:
        """Rounds over the graph until one ends with nothing having changed under it."""
        changes = 0
        for _ in range(_LOST_ROUNDS):
            if self.runner is not None:
                codes = prepared.scene.codes
                modules = {module for code in codes.values() for module in code.preload}
                modules.update(point.partition(":")[0] for point in codes if point.startswith("buildgraph."))
                self.runner.preload(sorted(modules))
            turn = Round(prepared.scene, self.runner, self.known)
            turn.run(prepared.asked.actions)
            if not turn.again:
                return prepared
            changes += bool(turn.changed)
            if changes >= _INPUT_ROUNDS:
                raise TargetError(
                    f"'{turn.changed[0]}' keeps changing while it is used", code="BG062", why=f"its users were run {_INPUT_ROUNDS} times, and each time it had changed when they ended",
                    fix="build again when nothing writes to it, or exclude it from the inputs",
                )  # fmt: skip
            if turn.changed and self.runner is not None:
                self.runner.recycle()
            self.known.forget_failures()
            graph = self.session.load([*prepared.graph.requested]) if turn.changed else prepared.graph
            left = set(prepared.scene.actions) if forced is True else set(forced or ())
            left -= {label for label, status in self.known.status.items() if status == BUILT}
            prepared = self.session.prepare(
                graph, force=left, keep_going=how["keep_going"], use_deep=how["use_deep"], again=bool(turn.changed)
            )
        raise AssertionError("every round settles at least one target")

    def _write_outputs(self, prepared: Prepared, keep_going: bool) -> tuple[dict[str, tuple[str, ...]], Prepared]:
        """Materialise the outputs of requested targets; a lost blob has its producer run again."""
        outputs: dict[str, tuple[str, ...]] = {}
        for label in prepared.asked.actions:
            while label in self.known.outputs and label not in self.known.errors:
                folder = prepared.scene.outputs
                try:
                    paths = folder.ensure(label, self.known.outputs[label])
                except LostBlob as lost:
                    self.session.listen(ResultLost(label, lost.digest))
                    key = self.known.keys.get(label)
                    if key is not None:
                        self.session.store.forget_result(key)
                    self.known.forget(label)
                    prepared = self._rounds(
                        self.session.prepare(prepared.graph, keep_going=keep_going, use_deep=False),
                        False,
                        keep_going=keep_going,
                        use_deep=False,
                    )
                    continue
                outputs[label] = tuple(f"{folder.place(label)}/{path}" for path in paths)
                self.session.listen(OutputsWritten(label, outputs[label]))
                break
        for label in prepared.asked.inputs:
            tree = prepared.examined.trees.get(label)
            outputs[label] = tuple(tree.files) if tree is not None else ()
        return outputs, prepared

    def _finish(
        self, prepared: Prepared, outputs: Mapping[str, tuple[str, ...]], *, interrupted: bool = False
    ) -> BuildReport:
        known, session, judge = self.known, self.session, prepared.scene.judge
        if self.runner is not None:
            settled = [label for label, status in known.status.items() if status not in (FAILED, SKIPPED)]
            for label in settled:
                session.remember(label, known.keys.get(label), judge.deep_keys.get(label), judge.before(label))
            session.forget_logs(settled)
            session.store.sync()
        counts = dict.fromkeys((BUILT, HIT, "hit_remote", CUT_OFF, UP_TO_DATE, FAILED, SKIPPED), 0)
        for status in known.status.values():
            counts[status] += 1
        total = len(known.status) + len(known.stale) + len(known.undetermined - known.stale.keys())
        report = BuildReport(
            total,
            **counts,
            seconds=time.perf_counter() - self.started,
            outputs=outputs,
            status=dict(known.status),
            errors=dict(known.errors),
        )
        if self.runner is not None and (report.built or report.errors):
            session.add_to_history(report.line())
        session.listen(BuildFinished(total, **counts, seconds=report.seconds, interrupted=interrupted))
        return report


def plain(report: BuildReport) -> dict[str, Any]:
    """A report as the object that `--json` prints."""
    names = ("targets", "built", "hit_local", "hit_remote", "cut_off", "up_to_date", "failed", "skipped")
    data: dict[str, Any] = {name: getattr(report, name) for name in names}
    data["seconds"] = round(report.seconds, 3)
    data["outputs"] = {label: list(paths) for label, paths in report.outputs.items()}
    if report.errors:
        data["errors"] = {label: error.as_dict() for label, error in report.errors.items()}
    return data
