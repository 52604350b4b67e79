"""Input components of a trainer's graph: run in the coordinator, on every run, with whatever live objects they pass on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from buildgraph.action import Output
from buildgraph.component import ExecutionContext
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, UsageError
from buildgraph.execution import results
from buildgraph.execution.calling import Call, construct, invoke
from buildgraph.execution.codecs import RESOURCES
from buildgraph.execution.request import Request, StoredFile
from buildgraph.execution.resources import ResourceFolders
from buildgraph.scheduler.accept import accept, put_tree
from buildgraph.scheduler.behaviour import CodeOf, behind
from buildgraph.scheduler.inputs import Examined
from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.store import Store
from buildgraph.trainer.components import component_class
from buildgraph.trainer.errors import GraphComponentException
from buildgraph.trainer.storage import LocalModelStorage

_NOBODY: Final = Request("", "", "", "", False, b"", "", (), (), "", "", (), "", "")


class Surroundings(NamedTuple):
    """What the coordinator gives to input components: values from outside, a base model, a folder of their own.

    `folder` is private to this run. `leaves` says whether a node's value is wanted outside the coordinator.
    """

    given: Mapping[str, Any]
    base: LocalModelStorage | None
    context: ExecutionContext
    folder: str
    leaves: Callable[[str], bool]


class _Private(NamedTuple):
    """The place for what values are written to before they are stored."""

    root: str
    private: str


def examine_inputs(schema: GraphSchema, around: Surroundings, store: Store, *, scratch: Callable[[], str], now: int, code_of: CodeOf) -> Examined:
    """Run the input nodes of `schema`, in order. One that fails fails what needs it, and nothing else. `now` in seconds."""
    found = Examined()
    for number, (name, node) in enumerate(schema.nodes.items()):
        if not node.is_input:
            continue
        place = os.path.join(around.folder, str(number))
        try:
            if name in around.given:
                value: Any = around.given[name]
                storage = ResourceFolders(Path(place, "resources"), {})
            else:
                value, storage = _run(name, node, found, around, place)
            found.values[name] = value
            _keep(name, node, value, storage, found, around, store, scratch, now, code_of, place)
        except BuildgraphError as error:
            found.errors[name] = error
        except Exception as error:  # noqa: BLE001 - an input component is user code: whatever it raises fails its node
            failed = GraphComponentException(
                f"input '{name}' raised {type(error).__name__}: {error}", code="BG220", why="an exception in its code ends a target", fix="correct the component",
            )  # fmt: skip
            failed.__cause__ = error
            found.errors[name] = failed
    return found


def _run(name: str, node: SchemaNode, found: Examined, around: Surroundings, place: str) -> tuple[Any, ResourceFolders]:
    for parent in node.needs.values():
        if parent in found.errors:
            raise found.errors[parent]
        if parent not in found.values:
            raise UsageError(
                f"input '{name}' needs '{parent}', which is not an input", code="BG066",
                why="input nodes run before everything else, so they can need only input nodes", fix="set is_input=True on it, or is_input=False here",
            )  # fmt: skip
    inputs = {parameter: found.values[parent] for parameter, parent in node.needs.items()}
    known = {each.name: folder for each in (node.resource or Resource(name),) if around.base and (folder := around.base.folder(each.name)).is_dir()}
    for value in inputs.values():
        if isinstance(value, Resource) and value.name in found.folders:
            known[value.name] = found.folders[value.name]
    storage = ResourceFolders(Path(place, "resources"), known)
    services: dict[str, Callable[[], Any]] = {"execution_context": lambda: replace(around.context, node_name=name)}
    what = Call(name, node.entry_point, node.constructor_name, node.fn, node.eager, node.config, node.resource, services)
    method, left = construct(what, component_class(node, name), inputs, storage)
    return invoke(what, method, left), storage


def _keep(
    name: str, node: SchemaNode, value: Any, storage: ResourceFolders, found: Examined, around: Surroundings, store: Store,
    scratch: Callable[[], str], now: int, code_of: CodeOf, place: str,
) -> None:  # fmt: skip
    """Store the value if it leaves the coordinator, and whatever was persisted."""
    found.folders.update(storage.written)
    asked = _NOBODY._replace(target=name, entry_point=node.entry_point, codec=node.policy.codec)
    beside = results.persisted(asked, storage, None, scratch) if storage.written else None
    if not around.leaves(name):
        if beside is not None:
            found.persisted[name] = _as_output(beside, store)
        return
    os.makedirs(place, exist_ok=True)
    readable = ResourceFolders(Path(place, "resources"), found.folders)
    outcome = results.of_value(asked, value, readable, scratch, _Private("", place))._replace(resources=beside)
    code = behind(outcome.classes, code_of)
    result = accept(outcome, store, now, code, Digest.of(node.entry_point.encode()))
    found.outputs[name] = result.value
    if len(result.outputs) > 1:
        found.persisted[name] = result.outputs[1]


def stored_resource(base: LocalModelStorage, name: str, store: Store, scratch: Callable[[], str]) -> Output | None:
    """A resource of a base model, as an input that nodes can read; None when the base has none of that name."""
    folder = base.folder(name)
    if not folder.is_dir():
        return None
    storage = ResourceFolders(folder, {})
    storage.written[name] = folder
    files = results.persisted(_NOBODY._replace(target=name), storage, None, scratch)
    return None if files is None else _as_output(files, store)


def _as_output(files: Sequence[StoredFile], store: Store) -> Output:
    tree = put_tree(files, store)
    return Output(RESOURCES, RESOURCES, tree, tree, sum(file.entry.size for file in files))
