"""`GraphTrainer`: trains what a graph schema describes and packs it; a thin facade over the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildgraph.archive import suffix_format
from buildgraph.component import ExecutionContext
from buildgraph.events import Listener, broadcast, ignore
from buildgraph.execution.outputs import LostBlob
from buildgraph.schema import GraphSchema
from buildgraph.trainer.cache import TrainingCache
from buildgraph.trainer.checks import check_graph, check_sayable
from buildgraph.trainer.configuration import GraphModelConfiguration
from buildgraph.trainer.hooks import GraphNodeHook, TrainingLog
from buildgraph.trainer.metadata import ModelMetadata, of_configuration
from buildgraph.trainer.runner import GraphRunner
from buildgraph.trainer.status import FAILED, STALE, UNDETERMINED, FingerprintStatus
from buildgraph.trainer.storage import LocalModelStorage, ModelStorage

if TYPE_CHECKING:
    from buildgraph.digest import Digest
    from buildgraph.store import Store
    from buildgraph.trainer.importing import TrainingDataImporter
    from buildgraph.trainer.running import Done
    from buildgraph.trainer.session import Run

IMPORTER = "__importer__"
_LOST = 3  # times that results which the store lost are made again
_logger = logging.getLogger("buildgraph.trainer")


class GraphTrainer:
    """Trains a model from a graph schema: runs what is stale, takes everything else from the cache, packs the result."""

    def __init__(
        self, model_storage: ModelStorage, cache: TrainingCache, graph_runner_class: type[GraphRunner], *, hooks: Sequence[GraphNodeHook] = (),
        listen: Listener = ignore, environment: Mapping[str, str] | None = None, jobs: int = 0,
    ) -> None:  # fmt: skip
        """`model_storage` takes what components persist; `graph_runner_class` says where they run.

        `hooks` are called around every node that runs, `listen` gets the engine's events, `environment` holds the
        variables that components may read, `jobs` is how many run at once (0: one per processor).
        """
        self._model_storage = model_storage
        self._cache = cache
        self._graph_runner_class = graph_runner_class
        self._hooks = tuple(hooks)
        self._listen = listen
        self._environment = dict(environment or {})
        self._jobs = jobs

    def train(
        self, model_configuration: GraphModelConfiguration, importer: TrainingDataImporter, output_filename: Path | Callable[[ModelMetadata], Path],
        force_retraining: bool = False, is_finetuning: bool = False,
    ) -> ModelMetadata:  # fmt: skip
        """Bring every node that the targets of the train schema need up to date, then write the archive `output_filename`.

        The name may depend on the metadata: give a function. An archive that is there already, whole, is left as it is.

        With `force_retraining` everything runs; results are kept all the same. With `is_finetuning` a node can read its
        resource of the base model, which is what the model storage holds. Raises, before anything runs,
        GraphSchemaException for a graph that cannot be and what a model cannot say, and UsageError (BG400) for an archive
        whose name says no format; then InvalidConfigException and GraphComponentException for components. In either case
        no archive is written, and what had finished is kept for the next time.
        """
        from buildgraph.trainer.running import execute, restore

        schema = model_configuration.train_schema
        check_graph(schema, (IMPORTER,))
        domain = deepcopy(importer.get_domain())
        check_sayable(model_configuration, domain)
        archive = output_filename if callable(output_filename) else Path(output_filename)
        if isinstance(archive, Path) and isinstance(self._model_storage, LocalModelStorage):
            suffix_format(archive.name)  # raises for a name that says no format
        run = self._run(schema, importer, is_finetuning)
        wanted = schema.minimal_graph_schema() if schema.target_names else GraphSchema({})
        listen = broadcast(self._listen, TrainingLog(wanted, _logger))
        forced: bool = force_retraining
        for attempt in range(_LOST):
            with self._cache.opened() as places, execute(
                run, list(wanted.nodes), self._graph_runner_class.execution, places.store, places.ledger, places.run,
                force=forced, jobs=self._jobs, hooks=self._hooks, listen=listen, failed=self._note,
            ) as done:  # fmt: skip
                try:
                    resources = done.resources()
                    for name, output in resources.items():
                        restore(done.store, output, self._model_storage, name)
                except LostBlob:  # the store let go of what was damaged, so next time it is a miss
                    if attempt == _LOST - 1:
                        raise
                    forced = False
                    continue
                return self._pack(model_configuration, archive, domain, done, wanted, list(resources))
        raise AssertionError("the last attempt returns or raises")

    def fingerprint(self, train_schema: GraphSchema, importer: TrainingDataImporter, is_finetuning: bool = False) -> dict[str, FingerprintStatus | Any]:
        """What a training would do: for each node of `train_schema` its status, for input nodes their value.

        Input nodes run, nothing else does. An input node that fails has a status that says so.
        """
        from buildgraph.scheduler.loop import Known, Round
        from buildgraph.trainer.running import preparing

        check_graph(train_schema, (IMPORTER,))
        run = self._run(train_schema, importer, is_finetuning)
        with self._cache.opened() as places, preparing(run, list(train_schema.nodes), places, jobs=self._jobs, listen=self._listen) as prepared:
            known, examined = Known(), prepared.examined
            Round(prepared.scene, None, known).run(prepared.asked.actions)
            found: dict[str, FingerprintStatus | Any] = {}
            for name, node in train_schema.nodes.items():
                error = known.errors.get(name) or examined.errors.get(name)
                if error is not None:
                    found[name] = FingerprintStatus(None, False, error.headline, FAILED)
                elif node.is_input:
                    found[name] = examined.values[name]
                elif name in known.stale:
                    found[name] = FingerprintStatus(None, False, known.stale[name], STALE)
                elif name in known.outputs:
                    found[name] = FingerprintStatus(known.outputs[name].digest.hex(), True, known.status.get(name, ""))
                elif name in known.undetermined:
                    found[name] = FingerprintStatus(None, False, "something it needs has to run first", UNDETERMINED)
                else:
                    found[name] = FingerprintStatus(None, False, "something it needs failed", FAILED)
            return found

    def _run(self, schema: GraphSchema, importer: TrainingDataImporter, is_finetuning: bool) -> Run:
        from buildgraph.trainer.session import Run

        base = self._model_storage if is_finetuning and isinstance(self._model_storage, LocalModelStorage) else None
        return Run(schema, {IMPORTER: importer}, base, ExecutionContext(schema, is_finetuning=is_finetuning), self._environment)

    def _note(self, store: Store, keys: Mapping[str, Digest]) -> None:
        """Tell the cache what was of use."""
        self._cache.note(store, {key: result for key in keys.values() if (result := store.result(key)) is not None})

    def _pack(
        self, configuration: GraphModelConfiguration, archive: Path | Callable[[ModelMetadata], Path], domain: Any, done: Done, schema: GraphSchema, resources: Sequence[str]
    ) -> ModelMetadata:
        when, lineage = 0, {}
        for name in schema.nodes:
            key, output = done.keys.get(name), done.outputs.get(name)
            result = done.store.result(key) if key is not None else None
            when = max(when, result.created if result is not None else 0)
            lineage[name] = {"fingerprint": key.hex() if key else "", "output": output.digest.hex() if output else ""}
        self._note(done.store, done.keys)
        trained = datetime.fromtimestamp(when, UTC) if when else datetime.now(UTC).replace(microsecond=0)
        about = replace(of_configuration(configuration, domain, trained), lineage=lineage)
        if not isinstance(self._model_storage, LocalModelStorage):
            return self._model_storage.create_model_package(archive if isinstance(archive, Path) else archive(about), configuration, domain)
        from buildgraph.trainer.packaging import pack_model

        return pack_model(archive, {name: self._model_storage.folder(name) for name in resources}, about)



