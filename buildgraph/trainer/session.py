"""The session of one run of a trainer: the engine's own, over a graph that has no build files and no workspace."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Final

from buildgraph.action import Output
from buildgraph.code import CodeIndex
from buildgraph.component import ExecutionContext
from buildgraph.digest import Digest
from buildgraph.encoding import encode_plain
from buildgraph.events import Listener
from buildgraph.execution.modules import edited_since_start, own_modules
from buildgraph.execution.request import ADDON, CONTEXT, MODEL_STORAGE
from buildgraph.graph import order
from buildgraph.loading import LoadedGraph
from buildgraph.loading.settings import Settings
from buildgraph.scheduler.inputs import Examined
from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.session import LedgerRows, Session
from buildgraph.trainer.addons import addon_of
from buildgraph.trainer.components import check_importable
from buildgraph.trainer.inputs import Surroundings, examine_inputs, stored_resource
from buildgraph.trainer.storage import LocalModelStorage

_HOME: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # of this package


@dataclass(frozen=True)
class Run:
    """One run of a graph: what comes from outside, and what its components may know of it.

    `given` are values for placeholders; `base` is a model storage whose resources nodes can read under their own names.
    """

    schema: GraphSchema
    given: Mapping[str, Any] = field(default_factory=dict)
    base: LocalModelStorage | None = None
    context: ExecutionContext | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Rows(dict[bytes, bytes]):
    """Rows of a table that ends with the run."""

    def put(self, key: bytes, row: bytes) -> None:
        self[key] = row

    def flush(self) -> None:
        """There is nothing to keep."""


class TrainingSession(Session):
    """A session over a schema: no lock, since nothing of a run is shared but store and ledger, which many may use."""

    def __init__(self, run: Run, settings: Settings, listen: Listener, *, root: str, ledger: str) -> None:
        """`root` is a folder of this run alone, `ledger` the one that all runs share."""
        self._run = run
        self._ledger_folder = ledger
        super().__init__(root, settings, run.environment, listen, purpose="train", ledger=ledger)
        whose = Digest.of("\0".join(own_folders(sys.path)).encode()).hex()[:16]
        self.rows["targets"] = LedgerRows(self.ledger, f"targets {whose}")  # node names mean something within a project only
        self.rows["outputs"] = Rows()  # type: ignore[assignment]  # the same shape; it ends with the run

    def load(self, patterns: Sequence[str], here: str = "") -> LoadedGraph:  # noqa: ARG002 - a session's signature
        """The graph that the nodes `patterns` need, with what the engine adds to it."""
        nodes = dict(self._run.schema.minimal_graph_schema(patterns).nodes) if patterns else {}
        for name in self._run.given:
            if any(name in node.needs.values() for node in nodes.values()):
                nodes[name] = _GIVEN
        surroundings = self._surroundings()
        versions: dict[str, str] = {}  # of packages
        with self._code_as_it_is():
            for name, node in list(nodes.items()):
                if "<" not in node.entry_point:
                    nodes[name] = node = replace(node, uses=node.entry_point)  # not the class as it was once imported
                if not node.is_input:
                    check_importable(name, node)
                    extra = self._extra(name, node, surroundings, versions)
                    nodes.update(dict.fromkeys(extra.values(), _GIVEN))
                    nodes[name] = replace(node, needs={**node.needs, **extra}) if extra else node
        ordered = order({name: list(node.needs.values()) for name, node in nodes.items()})
        return LoadedGraph(GraphSchema({name: nodes[name] for name in ordered}), tuple(patterns))

    def _surroundings(self) -> dict[str, Any]:
        """What components may know of the run and is not the default."""
        context = self._run.context
        if context is None:
            return {}
        known = {"model_id": context.model_id, "should_add_diagnostic_data": context.should_add_diagnostic_data, "is_finetuning": context.is_finetuning}
        return {name: value for name, value in known.items() if value}

    def _extra(self, name: str, node: SchemaNode, surroundings: Mapping[str, Any], versions: dict[str, str]) -> dict[str, str]:
        """What a node needs beside its parents: hidden inputs, so that they are in its key and reach its worker."""
        extra: dict[str, str] = {}
        if surroundings:
            extra[CONTEXT] = CONTEXT
        resource = node.resource.name if node.resource else name
        if self._run.base is not None and self._run.base.folder(resource).is_dir():
            extra[MODEL_STORAGE] = f"{MODEL_STORAGE}/{resource}"
        if (addon := addon_of(node, name, versions)) is not None:
            extra[ADDON] = f"{ADDON}/{addon}"
        return extra

    def _examine(self, schema: GraphSchema, code: CodeIndex) -> Examined:
        inner = {label: node for label, node in schema.nodes.items() if not label.startswith("@")}
        wanted = {parent for node in inner.values() if not node.is_input for parent in node.needs.values()}
        wanted |= {name for name, node in inner.items() if node.is_target}
        context = self._run.context or ExecutionContext(self._run.schema)
        private = os.path.join(self.state, "workers", "inputs")
        around = Surroundings(self._run.given, self._run.base, context, private, wanted.__contains__)
        with self._code_as_it_is():
            found = examine_inputs(GraphSchema(inner), around, self.store, scratch=self.scratch, now=int(time.time()), code_of=code.of)
        for label in schema.nodes:
            kind, _, name = label.partition("/")
            if kind == CONTEXT:
                found.outputs[label] = self._plain(self._surroundings())
            elif kind == ADDON:
                found.outputs[label] = self._plain(name)
            elif kind == MODEL_STORAGE and self._run.base is not None:
                output = stored_resource(self._run.base, name, self.store, self.scratch)
                assert output is not None, "it was there a moment ago"
                found.outputs[label] = output
        return found

    def _code_as_it_is(self) -> AbstractContextManager[None]:
        """Inside, people's own modules are what their files say now, not what this process imported at some time.

        Nothing is imported anew unless a file may have changed since: an importer that is passed along is an instance
        of the classes that its caller knows, and they should be those that components know.
        """
        folders = own_folders(sys.path)
        return own_modules(self.root, *folders) if edited_since_start(folders) else nullcontext()

    def _plain(self, value: Any) -> Output:
        data = encode_plain(value)
        digest = self.store.put(data)
        return Output("value", "msgpack", digest, digest, len(data))

    def _index(self) -> CodeIndex:
        """Code is found as this process finds it; the root is an empty folder that is the same for all runs."""
        sources = self.sources
        nowhere = os.path.join(self._ledger_folder, "nowhere")
        os.makedirs(nowhere, exist_ok=True)
        search = [path for path in map(os.path.abspath, sys.path) if os.path.isdir(path)]
        return CodeIndex(nowhere, search=search, read=sources.read, digest=lambda path: sources.digest(path)[0], memo=self.rows["modules"], skip=())

    def log_path(self, label: str) -> str:
        return super().log_path(Digest.of(label.encode()).hex()[:32])


_GIVEN: Final = SchemaNode({}, "buildgraph.component:GraphComponent", "create", "run", {}, is_input=True)


def own_folders(path: Iterable[str]) -> list[str]:
    """Those folders of a search path that hold sources people edit: not the standard library's, and nothing installed."""
    standard = {os.path.dirname(os.__file__)}
    given = (f"{sys.prefix}/", f"{sys.base_prefix}/", f"{sys.exec_prefix}/")
    found = []
    for folder in map(os.path.abspath, path):
        inside = folder.startswith(given) and ("/lib/" in folder or "/lib64/" in folder or folder.endswith(".zip"))
        if not (inside or folder in standard or folder.endswith(".zip") or folder in found) and os.path.isdir(folder):
            found.append(folder)
    return found if _HOME in found or any("-packages" in part for part in _HOME.split("/")) else [*found, _HOME]
