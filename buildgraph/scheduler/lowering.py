"""Lowering: from a schema node and its parents' results to an action, and on to the request that a worker gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any

from buildgraph.action import Action, Output
from buildgraph.code import CodeDigest, Options
from buildgraph.encoding import encode_value
from buildgraph.errors import EncodingError, UsageError, nearest
from buildgraph.execution.codecs import CACHEABLE, RESOURCE, RESOURCES
from buildgraph.execution.codecs.base import INLINE
from buildgraph.execution.outputs import LostBlob, OutputFolder, holds_folder, link_farm
from buildgraph.execution.request import FILES, FOLDERS, VALUE, Input, Request
from buildgraph.execution.request import RESOURCE as AS_RESOURCE
from buildgraph.execution.sources import SourceTree
from buildgraph.schema import FILES as AS_FILES
from buildgraph.schema import GRANULARITIES, GraphSchema, Policy, SchemaNode
from buildgraph.store import Store

STATE_FOLDER = ".buildgraph"
_KINDS = {RESOURCES: FOLDERS, RESOURCE: AS_RESOURCE, CACHEABLE: VALUE}  # how a worker takes a tree; any other as files


def code_options(policy: Policy, granularity: str, strict: bool) -> Options:
    """How the code of a node counts; `granularity` and `strict` are the workspace's."""
    return Options(policy.granularity or granularity, policy.code_version, policy.extra_code, policy.ignore_code, strict)


def platform_tag() -> str:
    """The part of the key that says where a result is valid: interpreter and its minor version, system, processor."""
    version = f"{sys.implementation.name}-{sys.version_info.major}.{sys.version_info.minor}"
    return f"{version} {sys.platform}-{os.uname().machine}"


def action_of(
    label: str, node: SchemaNode, code: CodeDigest, environment: Mapping[str, str], where: str, ignored: Collection[str] = ()
) -> Action:
    """The action of a node, its inputs still missing. Raises EncodingError naming target and path for a bad config.

    Variables that the code reads are inputs, unless their names match one of `ignored`.
    """
    try:
        config = encode_value(node.config if type(node.config) is dict else dict(node.config))
    except EncodingError as error:
        raise EncodingError(error.problem, path=error.inside(f"{label}: config").path, fix=error.fix) from None
    policy = node.policy
    visible = bool(node.constructor_name or policy.outs)
    resource = node.resource.name if node.resource else ""
    return Action(
        node.entry_point, node.constructor_name, node.fn, node.eager, config, (), code.digest,
        tuple((name, environment.get(name)) for name in _variables(policy.environment, code, ignored)), where, policy.outs, policy.codec, policy.inputs,
        resource, label if visible else "", policy.salt,
    )  # fmt: skip


def _variables(declared: Collection[str], code: CodeDigest, ignored: Collection[str]) -> list[str]:
    """The variables that an action sees: those declared, and those its code reads by literal name."""
    if not code.environment:
        return sorted(declared)
    read = {name for name in code.environment if not any(fnmatchcase(name, pattern) for pattern in ignored)}
    return sorted({*declared, *read})


class Lowering:
    """Makes requests: gathers inputs in the form their consumer takes, materialising files where a consumer needs them."""

    def __init__(
        self, root: str, schema: GraphSchema, store: Store, outputs: OutputFolder,
        trees: Mapping[str, SourceTree], sources: Mapping[str, Output], environment: Mapping[str, str],
        beside: Mapping[str, Output],
    ) -> None:  # fmt: skip
        """`beside` is what input components persisted."""
        self._root = root
        self._schema = schema
        self._store = store
        self._outputs = outputs
        self._trees = trees
        self._sources = sources
        self._environment = environment
        self._beside = beside
        self._scratch = ""
        self._farms: set[str] = set()
        self._folders = OutputFolder(root, f"{STATE_FOLDER}/resources", store, _Rows())

    def stage(self, label: str) -> str:
        """The folder in which the action of `label` writes its declared outputs, relative to the workspace."""
        package, _, name = label.removeprefix("//").partition(":")
        return f"{STATE_FOLDER}/stage/{package}/{name}" if package else f"{STATE_FOLDER}/stage/{name}"

    def request(self, label: str, action: Action, known: Mapping[str, Output], persisted: Mapping[str, Output]) -> bytes:
        """The encoded request for a stale action. Raises LostBlob when the store lost an input.

        `known` are the values of its parents, `persisted` what some of them wrote beside it.
        """
        node = self._schema.nodes[label]
        if not self._scratch:
            self._scratch = self._store.scratch()
        as_files = node.policy.inputs == AS_FILES
        inputs = tuple(self._input(parameter, parent, known, as_files) for parameter, parent in node.needs.items())
        if persisted or self._beside:
            beside = [persisted.get(parent) or self._beside.get(parent) for parent in dict.fromkeys(node.needs.values())]
            inputs += tuple(self._shared("", output) for output in beside if output is not None)
        environment = tuple((name, value) for name, value in action.environment if value is not None)
        return Request(
            label, action.uses, action.constructor, action.fn, action.eager, action.config, action.resource, inputs, action.outs,
            action.codec, action.inputs_as, environment, self.stage(label) if action.outs else "", self._scratch,
        ).encode()  # fmt: skip

    def _input(self, parameter: str, parent: str, known: Mapping[str, Output], as_files: bool) -> Input:
        tree = self._trees.get(parent)
        if tree is not None:
            return self._source_files(parameter, tree, as_files)
        output = self._sources.get(parent) or known[parent]
        if holds_folder(output) and (parent in self._sources or not parent.startswith("//")):  # the latter: a trainer's node
            return self._shared(parameter, output)
        if holds_folder(output):
            paths = self._outputs.ensure(parent, known[parent])
            kind = _KINDS.get(output.codec.partition(":")[0], FILES)
            return Input(
                parameter,
                FILES if as_files else kind,
                output.codec,
                None,
                self._outputs.place(parent),
                output.digest,
                paths,
            )
        if as_files and parent in known:
            return Input(
                parameter,
                FILES,
                output.codec,
                None,
                self._outputs.place(parent),
                output.digest,
                self._outputs.ensure(parent, known[parent]),
            )
        path = self._store.path(output.blob) if output.size > INLINE else None
        if path is not None:
            return Input(parameter, VALUE, output.codec, None, path, output.blob)
        data = self._store.blob(output.blob)
        if data is None:
            raise LostBlob(output.blob)
        return Input(parameter, VALUE, output.codec, data, "", output.blob)

    def _shared(self, parameter: str, output: Output) -> Input:
        """A tree that belongs to no output folder, at a place named after its content."""
        label = output.blob.hex()
        paths = self._folders.ensure(label, output)
        kind = _KINDS.get(output.codec.partition(":")[0], FILES)
        return Input(parameter, kind, output.codec, None, self._folders.place(label), output.digest, paths)

    def _source_files(self, parameter: str, tree: SourceTree, as_files: bool) -> Input:
        names = [entry.path for entry in tree.entries]
        if as_files or len(names) == 1:
            return Input(parameter, FILES, "tree", None, tree.folder, tree.digest, names)
        farm = f"{STATE_FOLDER}/inputs/{tree.digest.hex()[:32]}"
        if farm not in self._farms:
            link_farm(self._root, farm, zip(names, tree.files, strict=True))
            self._farms.add(farm)
        return Input(parameter, FILES, "tree", None, farm, tree.digest, names)


class _Rows(dict[bytes, bytes]):
    """Rows of a folder that no other build sees."""

    def put(self, key: bytes, row: bytes) -> None:
        self[key] = row


def check_code(label: str, node: SchemaNode) -> None:
    """Raises UsageError (BG106) for a granularity that there is not."""
    if node.policy.granularity not in ("", *GRANULARITIES):
        raise UsageError(
            f"target '{label}' has the granularity '{node.policy.granularity}'", code="BG106", why=f"code counts by {', '.join(GRANULARITIES)}",
            fix=nearest(node.policy.granularity, GRANULARITIES) or "leave it out: definition is the default",
        )  # fmt: skip


def check_timeout(label: str, node: SchemaNode) -> None:
    """Raises UsageError (BG067) for a timeout or a number of retries that makes no sense."""
    timeout: Any = node.policy.timeout
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < 1e7
    ):
        raise UsageError(
            f"target '{label}' has the timeout {timeout!r}",
            code="BG067",
            why="a timeout is in seconds, more than 0",
            fix="write timeout=60, or leave it out",
        )
    if not isinstance(node.policy.retries, int) or node.policy.retries < 0:
        raise UsageError(
            f"target '{label}' has retries={node.policy.retries!r}",
            code="BG067",
            why="retries counts further attempts",
            fix="write retries=1, or leave it out",
        )


def forget_stage(root: str, stage: str) -> None:
    """Remove what an action left in its stage folder."""
    import shutil

    shutil.rmtree(os.path.join(root, stage), ignore_errors=True)
