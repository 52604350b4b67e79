"""Input nodes: what comes from outside the graph is examined in the coordinator, on every build."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buildgraph.action import Output
from buildgraph.component import Resource
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, EncodingError, TargetError, UsageError
from buildgraph.execution.calling import Call, call, context
from buildgraph.execution.codecs import FOLDER_CODECS, choose, codec_named
from buildgraph.execution.codecs.base import Source
from buildgraph.execution.modules import own_modules
from buildgraph.execution.sources import Sources, SourceTree
from buildgraph.scheduler.behaviour import CodeOf, behind, identity
from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.store import Store


@dataclass(slots=True)
class Examined:
    """The outcome of the input nodes: outputs by label, trees of source files, values, and what went wrong."""

    outputs: dict[str, Output] = field(default_factory=dict)
    trees: dict[str, SourceTree] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    persisted: dict[str, Output] = field(default_factory=dict)  # what input components wrote beside their values
    folders: dict[str, Path] = field(default_factory=dict)  # where that is, by the name of the resource
    errors: dict[str, BuildgraphError] = field(default_factory=dict)


Tools = Callable[[str, bool], str | None]  # a program's name, whether on the caller's own PATH -> its file


def examine(
    schema: GraphSchema, sources: Sources, store: Store, *, tools: Tools, scratch: Callable[[], str], code_of: CodeOf
) -> Examined:
    """Run every input node of `schema`, in order; a failing node fails its target and no other.

    `tools` finds a program; `scratch` gives a path for a new large file; `code_of` reads the code that values carry.
    """
    found = Examined()
    inputs = {label: node for label, node in schema.nodes.items() if node.is_input}
    with own_modules(sources.root) if any(_is_foreign(node) for node in inputs.values()) else nullcontext():
        for label, node in inputs.items():
            _examine(label, node, found, sources, store, tools, scratch, code_of)
    return found


def _is_foreign(node: SchemaNode) -> bool:
    """Whether the code of `node` may belong to the workspace."""
    return not node.entry_point.startswith("buildgraph.")


def _examine(
    label: str, node: SchemaNode, found: Examined, sources: Sources, store: Store, tools: Tools,
    scratch: Callable[[], str], code_of: CodeOf,
) -> None:  # fmt: skip
    blocked = [parent for parent in node.needs.values() if parent not in found.outputs]
    try:
        if blocked:
            raise UsageError(
                f"input '{label}' needs '{blocked[0]}', which is not an input or failed", code="BG066",
                why="input nodes run before everything else, so they can need only input nodes", fix="set is_input=True on it, or is_input=False here",
            )  # fmt: skip
        services = {
            "sources": lambda: sources,
            "label": lambda: label,
            "tools": lambda: tools,
            "execution_context": lambda: context(label, GraphSchema({label: node})),
        }
        what = Call(
            label,
            node.entry_point,
            node.constructor_name,
            node.fn,
            node.eager,
            node.config,
            node.resource,
            services,
        )
        inputs = {parameter: found.values[parent] for parameter, parent in node.needs.items()}
        _keep(label, call(what, inputs, _NoStorage), node, found, store, scratch, code_of)
    except BuildgraphError as error:
        found.errors[label] = error
    except Exception as error:  # noqa: BLE001 - an input component is user code: whatever it raises fails its target
        found.errors[label] = TargetError(
            f"input '{label}' raised {type(error).__name__}: {error}", code="BG220", why="an exception in its code ends a target", fix="correct the component",
        )  # fmt: skip


class _NoStorage:
    """The model storage of an input component: there is none, and using it says so."""

    def write_to(self, resource: Resource) -> AbstractContextManager[Path]:
        raise UsageError(
            f"an input node cannot persist the resource '{resource.name}'", code="BG235",
            why="input nodes are examined on every build, in the coordinator", fix="set is_input=False on it",
        )  # fmt: skip

    read_from = write_to


def _keep(
    label: str, value: Any, node: SchemaNode, found: Examined, store: Store, scratch: Callable[[], str], code_of: CodeOf
) -> None:
    if isinstance(value, SourceTree):
        found.trees[label] = value
        found.outputs[label] = Output(
            "value", "tree", value.digest, value.digest, sum(entry.size for entry in value.entries)
        )
        found.values[label] = value
        return
    codec = choose(value, node.policy.codec, label)
    if codec.partition(":")[0] in FOLDER_CODECS or isinstance(value, Resource):
        raise UsageError(
            f"input '{label}' returned a {type(value).__name__}", code="BG235", why="an input's value is data, or files of the workspace",
            fix="use the `files` rule for files, or return plain data",
        )  # fmt: skip
    try:
        encoded = codec_named(codec).encode(value, scratch)
    except EncodingError as error:
        raise error.inside(label) from None
    if encoded.data is not None:
        digest = Digest.of(encoded.data)
        if not store.has(digest):
            store.put(encoded.data)
        size = len(encoded.data)
    else:
        assert encoded.digest is not None
        digest, size = encoded.digest, encoded.size
        store.put_file(encoded.path, digest, size)
    code, seen = behind(encoded.classes, code_of), encoded.identity or digest
    if code:
        seen = identity(seen, code, code_of(node.entry_point).digest)
    found.outputs[label] = Output("value", codec, seen, digest, size, tuple(sorted(code)))
    found.values[label] = codec_named(codec).read(Source(encoded.data)) if encoded.data is not None else value
