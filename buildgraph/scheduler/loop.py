"""The build loop: asks the plan what is ready, judges it, runs what is stale. Owns no policy of its own.

One `Round` is one pass over the graph. When an input changed under a running action, or a stored blob turned out to be
lost, the round starts nothing more, lets what runs finish, and says `again`: the next round finds the good results in
the store and does the rest anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from buildgraph.action import Action, ActionResult, DeepRecord, Output
from buildgraph.code import CodeDigest
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, Place, VerificationError
from buildgraph.events import (
    InputsChanged,
    Listener,
    ResultLost,
    TargetBuilt,
    TargetCutOff,
    TargetFailed,
    TargetHit,
    TargetRetried,
    TargetSkipped,
    TargetStarted,
    TargetUpToDate,
)
from buildgraph.execution.outputs import LostBlob, OutputFolder, holds_folder
from buildgraph.execution.request import Outcome, error_from_data
from buildgraph.execution.runner import Finished, Runner
from buildgraph.execution.sources import Sources, SourceTree
from buildgraph.scheduler.accept import accept, died
from buildgraph.scheduler.behaviour import CodeOf, behind, files_of
from buildgraph.scheduler.lowering import Lowering, forget_stage
from buildgraph.scheduler.plan import Plan, State
from buildgraph.scheduler.staleness import Hit, Judge, Stale, inputs_of
from buildgraph.schema import FILES, GraphSchema, SchemaNode
from buildgraph.store import Store

_FLUSH = 1.0  # seconds of results that a crash may cost
BUILT, HIT, CUT_OFF, UP_TO_DATE, FAILED, SKIPPED = "built", "hit_local", "cut_off", "up_to_date", "failed", "skipped"


@dataclass(slots=True)
class Known:
    """What a build knows in the end: the status, output, key and error of targets, by label."""

    status: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    persisted: dict[str, Output] = field(default_factory=dict)  # what components wrote beside their values
    keys: dict[str, Digest] = field(default_factory=dict)
    errors: dict[str, BuildgraphError] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)  # dry run: why a target would run
    undetermined: set[str] = field(default_factory=set)

    def take(self, label: str, result: ActionResult) -> None:
        """Note what came of the target: its value, and what was persisted beside it."""
        self.outputs[label] = result.value
        if len(result.outputs) > 1:
            self.persisted[label] = result.outputs[1]
        elif label in self.persisted:
            del self.persisted[label]

    def forget(self, label: str) -> None:
        """As if `label` had not been settled; what it counted as stays counted until it is settled again."""
        self.outputs.pop(label, None)
        self.persisted.pop(label, None)
        self.keys.pop(label, None)

    def forget_failures(self) -> None:
        """Failures and skips of a round that is to be repeated do not count."""
        self.errors.clear()
        for label in [label for label, status in self.status.items() if status in (FAILED, SKIPPED)]:
            del self.status[label]


class Scene(NamedTuple):
    """All that a round works with; made by the composition root."""

    root: str
    schema: GraphSchema
    actions: Mapping[str, Action]
    codes: Mapping[str, CodeDigest]  # by label
    code_of: CodeOf  # the same, for the classes of values
    outputs_of: Mapping[str, Output]  # of input nodes
    trees: Mapping[str, SourceTree]
    input_errors: Mapping[str, BuildgraphError]
    judge: Judge
    lowering: Lowering
    store: Store
    sources: Sources
    outputs: OutputFolder
    listen: Listener
    now: Callable[[], int]  # seconds since 1970
    clock: Callable[[], float]  # seconds, monotonic
    save_log: Callable[[str, bytes], str]  # label and what it printed -> path of the log file
    adopted: Collection[str]  # labels whose files are wanted in the output folder
    place: Callable[[str], Place | None]  # where a label is declared
    keep_going: bool = False


class Round:
    """One pass over the graph."""

    def __init__(self, scene: Scene, runner: Runner | None, known: Known) -> None:
        """Without a runner nothing runs: stale targets are only reported (`stale`, `undetermined`)."""
        self._scene = scene
        self._runner = runner
        self.known = known
        self.again = False
        self.changed: tuple[str, ...] = ()
        self._running: dict[int, tuple[str, Stale, int]] = {}
        self._tickets = 0
        self._disturbed: set[str] = set()  # targets that ran, or were cut off below one that did
        self._coded: set[Digest] = set()
        self._flying: dict[Digest, list[str]] = {}  # keys of running actions -> targets that wait for the same result
        self._flushed = scene.clock()

    def run(self, requested: Sequence[str]) -> None:
        """Bring every target in `requested` (no groups, no inputs) to its end."""
        hits, left = self._scene.judge.top_down(requested)
        for label, hit in hits.items():
            self._settle_hit(label, hit)
        self._settle_covered(requested, hits, left)
        open_ = {*left, *self._scene.input_errors}
        needs = {label: self._scene.schema.parents(label) for label in self._scene.schema.nodes if label in open_}
        self.plan = Plan(needs)
        try:
            while not self.plan.done:
                self._start_ready()
                if self._running:
                    assert self._runner is not None
                    self._take_in(self._runner.wait())
                elif not self.plan.has_ready:
                    break
        except LostBlob as lost:
            self._lost("", lost)
        while self._running and self._runner is not None:
            self._take_in(self._runner.wait())
        if (
            not self.again
            and all(label in self.known.keys for label in requested)
            and not self.known.errors
            and self._runner is not None
        ):
            self._scene.judge.remember_request(requested, self.known.keys)

    def _settle_covered(self, requested: Sequence[str], hits: Mapping[str, Hit], left: Sequence[str]) -> None:
        """Ancestors of hits were not looked up: they are settled as what depends on them was."""
        seen = {*hits, *left, *requested}
        for label, node in self._scene.schema.nodes.items():
            if label in seen or node.is_input or label in self.known.status:
                continue
            deep = self._scene.judge.deep_keys.get(label)
            before = self._scene.judge.before(label)
            if deep is not None and before.deep == deep:
                self._mark(label, UP_TO_DATE)
                self._scene.listen(TargetUpToDate(label, before.key))
            elif deep is not None:
                self._mark(label, HIT)
                self._scene.listen(TargetHit(label, deep))

    def _start_ready(self) -> None:
        while self.plan.has_ready and (self._runner is None or self._runner.room() > 0):
            label = self.plan.take()
            node = self._scene.schema.nodes[label]
            if label in self._scene.input_errors:
                self._fail(label, self._scene.input_errors[label])
            elif self.known.undetermined and any(parent in self.known.undetermined for parent in node.needs.values()):
                self.known.undetermined.add(label)
                self.plan.settle(label, State.FRESH)
            else:
                self._judge(label)

    def _judge(self, label: str) -> None:
        scene, node = self._scene, self._scene.schema.nodes[label]
        outputs: dict[str, Output] = {}
        for parent in node.needs.values():
            output = self.known.outputs.get(parent) or scene.outputs_of.get(parent)
            if output is not None:
                outputs[parent] = output
        inputs = inputs_of([(parameter, parent) for parameter, parent in node.needs.items() if parent in outputs], outputs)
        verdict = scene.judge.judge(label, inputs)
        if isinstance(verdict, Hit):
            self._settle_hit(label, verdict)
            self._record_deep(label, verdict.key)
            self.plan.settle(label, State.FRESH)
        elif self._runner is None:
            self.known.stale[label] = verdict.reason
            self.known.undetermined.add(label)
            scene.listen(TargetStarted(label, verdict.key, verdict.reason))
            self.plan.settle(label, State.FRESH)
        elif verdict.key in self._flying and node.policy.cacheable:
            self._flying[verdict.key].append(label)  # an equal action runs already: its result will do for both
        else:
            self._flying[verdict.key] = []
            scene.listen(TargetStarted(label, verdict.key, verdict.reason))
            self._submit(label, verdict, 0)

    def _submit(self, label: str, stale: Stale, attempt: int) -> None:
        node = self._scene.schema.nodes[label]
        try:
            request = self._scene.lowering.request(label, self._scene.actions[label], self.known.outputs, self.known.persisted)
        except LostBlob as lost:
            self._lost(label, lost)
            self.plan.fail(label)
            self._land(label, stale)
            return
        except BuildgraphError as error:
            self._fail(label, error)
            self._land(label, stale)
            return
        self._tickets += 1
        self._running[self._tickets] = (label, stale, attempt)
        assert self._runner is not None
        self._runner.submit(self._tickets, request, timeout=node.policy.timeout, kind=self._kind(node))

    def _kind(self, node: SchemaNode) -> str:
        """What the cost of an action is learnt by: its code and, for a command, the programs that it names."""
        if node.policy.inputs != FILES:
            return node.entry_point
        tools = [parent for parent in node.needs.values() if parent in self._scene.outputs_of and parent not in self._scene.trees]
        return " ".join((node.entry_point, *tools))

    def _settle_hit(self, label: str, hit: Hit) -> None:
        known, node = self.known, self._scene.schema.nodes[label]
        known.take(label, hit.result)
        known.keys[label] = hit.key
        if label in known.status:
            return  # it ran in an earlier round of this build
        if any(parent in self._disturbed for parent in node.needs.values()):
            self._disturbed.add(label)
            self._mark(label, CUT_OFF)
            self._scene.listen(TargetCutOff(label, hit.key))
        elif self._is_as_before(label, hit.key):
            self._mark(label, UP_TO_DATE)
            self._scene.listen(TargetUpToDate(label, hit.key))
        else:
            self._mark(label, HIT)
            self._scene.listen(TargetHit(label, hit.key))

    def _is_as_before(self, label: str, key: Digest) -> bool:
        """Whether the last build of this workspace settled the target with the same key, or with the same deep key."""
        before = self._scene.judge.before(label)
        return before.key == key or (before.deep is not None and before.deep == self._scene.judge.deep_keys.get(label))

    def _mark(self, label: str, status: str) -> None:
        self.known.status[label] = status

    def _take_in(self, finished: list[Finished]) -> None:
        """Settle what came back; the files that the actions relied on are looked at once for all of them."""
        checked: dict[str, bool] = {}
        for item in finished:
            label, stale, attempt = self._running.pop(item.ticket)
            node = self._scene.schema.nodes[label]
            if item.death is not None:
                if not item.death.timed_out and attempt < max(1, node.policy.retries):
                    self._retry(label, stale, attempt, "its worker died")
                else:
                    self._fail(label, died(label, item.death, node.policy.timeout))
                self._land(label, stale)
                continue
            assert item.outcome is not None
            outcome = Outcome.decode(item.outcome)
            changed = self._changed(label, outcome.classes, checked)
            lost = self._damaged(label, outcome)
            if changed:
                self._inputs_changed(label, changed)
            elif lost is not None:
                self._lost(label, lost)
                self.plan.fail(label)
            elif outcome.error is not None and attempt < node.policy.retries:
                self._retry(label, stale, attempt, str(outcome.error["headline"]))
            elif outcome.error is not None:
                self._fail(label, error_from_data(outcome.error), outcome.log)
            else:
                self._built(label, stale, outcome)
            self._land(label, stale)
        if self._scene.clock() - self._flushed > _FLUSH:
            self._scene.store.flush()
            self._flushed = self._scene.clock()

    def _land(self, label: str, stale: Stale) -> None:
        """The action of `label` is over, unless it is tried again: targets with an equal action share what came of it."""
        if self.plan.state(label) is State.RUNNING:
            return
        for other in self._flying.pop(stale.key, ()):
            error = self.known.errors.get(label)
            result = self._scene.store.result(stale.key) if self.plan.state(label) is State.BUILT else None
            if result is not None:
                self._settle_hit(other, Hit(stale.key, result))
                self._record_deep(other, stale.key)
                self.plan.settle(other, State.FRESH)
            elif error is not None:
                self._fail(other, error)
            else:
                self.plan.fail(other)  # the round is over: the next one looks again

    def _damaged(self, label: str, outcome: Outcome) -> LostBlob | None:
        """The stored input of which the action of `label` said that it is damaged, if there is one."""
        if outcome.error is None or outcome.error["kind"] != VerificationError.__name__:
            return None
        outputs = (self.known.outputs.get(parent) for parent in self._scene.schema.parents(label))
        values = [output.blob for output in outputs if output is not None and not holds_folder(output)]
        return next((LostBlob(blob) for blob in values if self._scene.store.blob(blob) is None), None)

    def _retry(self, label: str, stale: Stale, attempt: int, why: str) -> None:
        if self.again:
            self.plan.fail(label)
            return
        self._scene.listen(TargetRetried(label, why))
        self._submit(label, stale, attempt + 1)

    def _changed(self, label: str, made: Sequence[str], checked: dict[str, bool]) -> list[str]:
        """The files behind the inputs and the code of `label` that are no longer what was hashed.

        Values bring code of their own: those that went in, and the one that came out, of the classes `made`.
        """
        scene, node = self._scene, self._scene.schema.nodes[label]
        found: list[str] = []
        for parent in node.needs.values():
            tree = scene.trees.get(parent)
            if tree is not None:
                found += self._unlike(tree.files, checked)
            elif parent in self.known.outputs:
                found += scene.outputs.changed(parent)
                if found:
                    scene.outputs.forget(parent)
        carried = {*made, *(each for parent in node.needs.values() for each in self._classes(parent))}
        if carried:
            files = files_of(behind(sorted(carried), scene.code_of))
            found += self._unlike(files, checked)
            found += scene.sources.younger(file for file in files if file not in self._hashed and file not in found)
        code = scene.codes.get(label)
        if code is not None and checked.get(code.digest.hex()) is not False:  # else: looked at for an action before it
            changed = self._unlike(code.files, checked)
            checked[code.digest.hex()] = bool(changed)
            found += changed
        return found

    @cached_property
    def _hashed(self) -> frozenset[str]:
        """The files of code that were read before anything ran."""
        return frozenset(file for code in self._scene.codes.values() for file in code.files)

    def _classes(self, parent: str) -> tuple[str, ...]:
        output = self.known.outputs.get(parent) or self._scene.outputs_of.get(parent)
        return output.classes if output is not None else ()

    def _unlike(self, paths: Collection[str], checked: dict[str, bool]) -> list[str]:
        unseen = [path for path in paths if path not in checked]
        changed = frozenset(self._scene.sources.changed(unseen)) if unseen else frozenset()
        for path in unseen:
            checked[path] = path in changed
        return [path for path in paths if checked[path]]

    def _built(self, label: str, stale: Stale, outcome: Outcome) -> None:
        scene, node = self._scene, self._scene.schema.nodes[label]
        code = behind(outcome.classes, scene.code_of)
        result = accept(outcome, scene.store, scene.now(), code, stale.key)
        self.known.take(label, result)
        if node.policy.cacheable:
            self._keep(label, stale, result)
        if node.policy.outs:
            stage = scene.lowering.stage(label)
            entries = [file.entry for file in outcome.files or ()]
            if label not in scene.adopted or not scene.outputs.adopt(label, result.value, entries, stage):
                forget_stage(scene.root, stage)
        self._disturbed.add(label)
        self._mark(label, BUILT)
        self.plan.settle(label, State.BUILT)
        scene.listen(TargetBuilt(label, stale.key, outcome.wall, outcome.cpu, result.value.size))

    def _keep(self, label: str, stale: Stale, result: ActionResult) -> None:
        """Write what explains the key, then the record, then its deep key."""
        scene = self._scene
        code = scene.codes[label]
        if code.digest not in self._coded:
            self._coded.add(code.digest)
            scene.store.put(code.manifest)
        scene.store.put(stale.manifest)
        scene.store.record(stale.key, result)
        self.known.keys[label] = stale.key
        self._record_deep(label, stale.key)

    def _record_deep(self, label: str, key: Digest) -> None:
        judge = self._scene.judge
        deep = judge.deep_keys.get(label)
        if deep is not None and self._runner is not None:
            self._scene.store.record_deep(deep, DeepRecord(key, judge.ancestry_of(label, self.known.outputs)))

    def _fail(self, label: str, error: BuildgraphError, log: bytes = b"") -> None:
        if label in self._scene.actions:
            self._mark(label, FAILED)
        self.known.errors[label] = error
        self._complete(label, error, log)
        path = self._scene.save_log(label, log)
        self._scene.listen(TargetFailed(label, error.code, error.render(), path))
        self._skip(self.plan.fail(label), label)
        if not self._scene.keep_going:
            self._skip(self.plan.abandon(), label)

    def _complete(self, label: str, error: BuildgraphError, log: bytes) -> None:
        """Say in `error` where the target is declared, and the last line that it printed, unless it says so already."""
        place = self._scene.place(label)
        if place is not None and not any(str(each).startswith(f"{place.file}:{place.line}") for each in error.where):
            note = "" if label in error.headline else f"target '{label}'"
            error.where = (Place(place.file, place.line, note, place.text), *error.where)
        last = log.rstrip().rpartition(b"\n")[2].decode(errors="replace").strip()[:200]
        if last and last not in error.headline:
            error.facts = (*error.facts, ("last line", last))

    def _skip(self, labels: list[str], because: str) -> None:
        for label in labels:
            if label in self._scene.actions and label not in self.known.status:
                self._mark(label, SKIPPED)
                self._scene.listen(TargetSkipped(label, because))

    def _inputs_changed(self, label: str, paths: list[str]) -> None:
        self.changed = tuple(path.removeprefix(self._scene.root + "/") for path in paths)
        self._scene.listen(InputsChanged(label, self.changed))
        self.again = True
        self.plan.fail(label)
        self.plan.abandon()

    def _lost(self, label: str, lost: LostBlob) -> None:
        self._scene.listen(ResultLost(label, lost.digest))
        self.again = True
        self.plan.abandon()


def wants_files(schema: GraphSchema, requested: Collection[str]) -> set[str]:
    """The labels whose files belong into the output folder: the requested ones, and those that others need."""
    wanted = set(requested)
    for node in schema.nodes.values():
        wanted.update(node.needs.values())
    return wanted
