"""One run of a trainer's graph by the engine: session, runner, build; and what came of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from buildgraph.action import Output
from buildgraph.component import ExecutionContext
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, Interrupted, MachineError
from buildgraph.events import Listener, ignore
from buildgraph.execution.calling import entry
from buildgraph.execution.codecs import CACHEABLE, RESOURCE, RESOURCES, TREE, Source, codec_named
from buildgraph.execution.modules import own_modules
from buildgraph.execution.outputs import LostBlob, OutputFolder, holds_folder
from buildgraph.execution.resources import resource_name
from buildgraph.execution.runner import Runner
from buildgraph.execution.trees import folders_in
from buildgraph.loading.settings import Settings
from buildgraph.schema import Resource
from buildgraph.session import Prepared
from buildgraph.store import Store
from buildgraph.trainer.hooks import GraphNodeHook, HookedRunner
from buildgraph.trainer.node import component_failed
from buildgraph.trainer.places import Places
from buildgraph.trainer.session import Rows, Run, TrainingSession, own_folders
from buildgraph.trainer.storage import ModelStorage
from buildgraph.workspace import Build


@dataclass(frozen=True)
class Done:
    """What a run came to. `outputs` and `persisted` are by node, inputs included; `keys` are the actions' fingerprints."""

    store: Store
    root: str
    outputs: Mapping[str, Output]
    persisted: Mapping[str, Output]
    keys: Mapping[str, Digest]
    values: Mapping[str, Any]  # of input nodes, as they are
    order: Sequence[str] = ()  # of nodes, parents first

    def resources(self) -> dict[str, Output]:
        """Every resource that was persisted, by name, the last writer's; in the order of the graph."""
        found: dict[str, Output] = {}
        for name in self.order:
            value, beside = self.outputs.get(name), self.persisted.get(name)
            if beside is not None:
                for folder, tree in folders_in(beside.blob, self.store.blob).items():
                    found[resource_name(folder)] = Output(RESOURCES, TREE, tree, tree, 0)
            kind, _, resource = value.codec.partition(":") if value is not None else ("", "", "")
            if value is not None and kind == RESOURCE:
                found[resource] = value
        return found


@contextmanager
def execute(
    run: Run, names: Sequence[str], execution: Callable[[str, Sequence[str], int], Runner], store: str, ledger: str, folder: str, *,
    force: Collection[str] | bool = (), jobs: int = 0, hooks: Sequence[GraphNodeHook] = (), listen: Listener = ignore,
    failed: Callable[[Store, Mapping[str, Digest]], None] = lambda _store, _keys: None,
) -> Iterator[Done]:  # fmt: skip
    """Bring the nodes `names` up to date; the store stays open inside. `folder` is this run's alone.

    `execution` makes what executes single actions, as that of a GraphRunner does.

    `failed` is told of what had finished, by the keys of the nodes, when one fails.
    Raises what fails: InvalidConfigException and GraphComponentException for components, errors of the machine as they are.
    """
    started = time.perf_counter()
    jobs = jobs or len(os.sched_getaffinity(0))
    settings = Settings(store=store, jobs=jobs)
    root = os.path.join(folder, "run")
    os.makedirs(root)
    runner = execution(root, own_folders(sys.path), jobs)
    if hooks:
        runner = HookedRunner(runner, hooks, run.context or ExecutionContext(run.schema), lambda path: os.path.join(root, path), _Defaults(root))
    try:
        runner.start()
        with TrainingSession(run, settings, listen, root=root, ledger=ledger) as session:
            build = Build(session, runner, started)
            report = build.run(names, "", keep_going=False, force=force, deep_keys=True, write=False)
            for name, error in report.errors.items():
                failed(session.store, build.known.keys)
                raise failure(name, error)
            assert build.prepared is not None
            examined, known = build.prepared.examined, build.known
            yield Done(
                session.store, root, {**examined.outputs, **known.outputs}, {**examined.persisted, **known.persisted}, known.keys, examined.values,
                [*build.prepared.graph.schema.nodes],
            )
    except KeyboardInterrupt:
        raise Interrupted("interrupted", code="BG090", why="what had finished is kept", fix="train again to go on from here") from None
    finally:
        runner.stop()


class _Defaults(dict[str, Mapping[str, Any]]):
    """The default configs of components, by entry point; as their files are now, like all that runs."""

    def __init__(self, root: str) -> None:
        self._root = root

    def __call__(self, entry_point: str) -> Mapping[str, Any]:
        if entry_point not in self:
            with own_modules(self._root, *own_folders(sys.path)):
                try:
                    self[entry_point] = getattr(entry(entry_point), "get_default_config", dict)()
                except Exception:  # noqa: BLE001 - whatever is wrong, the node's own run will say it
                    self[entry_point] = {}
        return self[entry_point]


@contextmanager
def preparing(run: Run, names: Sequence[str], places: Places, *, jobs: int = 0, listen: Listener = ignore) -> Iterator[Prepared]:
    """The graph of a run, judged as far as it can be before anything runs; the store stays open inside."""
    settings = Settings(store=places.store, jobs=jobs or 1)
    with TrainingSession(run, settings, listen, root=places.run, ledger=places.ledger) as session:
        yield session.prepare(session.load(names), keep_going=True)


def failure(name: str, error: BuildgraphError) -> BuildgraphError:
    """What to raise for a failed node."""
    from buildgraph.errors import ConfigError
    from buildgraph.trainer.errors import InvalidConfigException

    if isinstance(error, ConfigError) and not isinstance(error, InvalidConfigException):
        return InvalidConfigException(error.headline, code=error.code, where=error.where, facts=error.facts, why=error.why, fix=error.fix)
    failed = component_failed(name, error)
    if failed is not error:
        failed.__cause__ = error
    return failed


def restore(store: Store, output: Output, storage: ModelStorage, resource: str) -> None:
    """Write a stored resource into a model storage, in place of what is there. Raises LostBlob."""
    with storage.write_to(Resource(resource, output.digest.hex())) as folder:
        try:
            OutputFolder(str(folder.parent), folder.name, store, Rows()).ensure("", output)
        except MachineError as error:
            raise MachineError(
                f"the resource '{resource}' cannot be written: {error.headline.rpartition(': ')[2]}", code="BG250", where=str(folder.parent), facts=error.facts,
                why="what a component has learnt is written there before it is packed", fix="make room or correct the permissions (TMPDIR names another place), then train again: results are kept",
            ) from error  # fmt: skip


def value_of(done: Done, name: str, storage: ModelStorage) -> Any:
    """The value of a node as its callers get it. Raises LostBlob."""
    if name in done.values:
        return done.values[name]
    output = done.outputs[name]
    kind, _, what = output.codec.partition(":")
    if kind == RESOURCE:
        return Resource(what, output.digest.hex())
    if holds_folder(output):
        folder = OutputFolder(done.root, "values", done.store, Rows())
        folder.ensure(output.blob.hex(), output)
        place = os.path.join(done.root, folder.place(output.blob.hex()))
        if kind == CACHEABLE:
            return restored(what, name, place, storage, output.digest)
        from pathlib import Path

        return Path(place)
    data = done.store.blob(output.blob)
    if data is None:
        raise LostBlob(output.blob)
    return codec_named(output.codec).read(Source(data))


def restored(what: str, name: str, place: str, storage: ModelStorage, digest: Digest) -> Any:
    """A value that wrote itself to the folder `place`, read back by its class, "module:Name", as the graph imported it."""
    from pathlib import Path

    return entry(what).from_cache(name, Path(place), storage, digest.hex())
