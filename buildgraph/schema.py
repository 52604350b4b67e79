"""The declared graph: schema nodes and the graph schema. Frozen; round-trips through plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from buildgraph.errors import UsageError, nearest
from buildgraph.graph import ancestors

VALUES: Final = "values"
FILES: Final = "files"
SOURCE, DEFINITION, MODULE, PACKAGE = GRANULARITIES = ("source", "definition", "module", "package")  # how code counts


@dataclass(frozen=True, slots=True)
class Resource:
    """A folder that a component persists. `output_fingerprint` identifies its content and takes no part in `==`."""

    name: str
    output_fingerprint: str = field(default="", compare=False)

    def fingerprint(self) -> str:
        return self.output_fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the engine treats a node, beside what the node computes.

    `timeout` is in seconds; `retries` counts further attempts after a failure; `environment` names the variables the
    action may see; `outs` are the files (or `folder/`) it promises to write, relative to its output folder; `codec`
    names how its value is stored (empty: by type); `inputs` says whether parents arrive as values or as files.
    `granularity` says how the node's code counts (empty: as the workspace says), `code_version` stands in for it,
    `extra_code` are entry points and modules that count beside it, `ignore_code` are modules that do not.
    """

    timeout: float | None = None
    retries: int = 0
    environment: tuple[str, ...] = ()
    sandbox: str = "none"
    cacheable: bool = True
    tags: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    codec: str = ""
    inputs: str = VALUES
    salt: str = ""
    granularity: str = ""
    code_version: str = ""
    extra_code: tuple[str, ...] = ()
    ignore_code: tuple[str, ...] = ()


DEFAULT_POLICY: Final = Policy()
IMPLICIT: Final = "implicit"  # tag of nodes that a rule declares beside the one the user named


@dataclass(frozen=True, slots=True)
class SchemaNode:
    """One declared step of a graph.

    `needs` maps a parameter to the name of the node that fills it. `uses` is a component class or the entry point
    `package.module:Name` of one, or of a plain function (then `constructor_name` is empty), or empty for a node that
    only groups what it needs. See the graph trainer for `constructor_name`, `fn`, `eager` and `resource`.
    """

    needs: Mapping[str, str]
    uses: Any
    constructor_name: str
    fn: str
    config: Mapping[str, Any]
    eager: bool = False
    is_target: bool = False
    is_input: bool = False
    resource: Resource | None = None
    policy: Policy = DEFAULT_POLICY

    @property
    def entry_point(self) -> str:
        """`uses` as `package.module:Qualified.Name`; empty for a group."""
        uses = self.uses
        if not isinstance(uses, str):
            return f"{uses.__module__}:{uses.__qualname__}"
        if ":" in uses or not uses:
            return uses
        module, _, name = uses.rpartition(".")
        return f"{module}:{name}"

    @property
    def is_function(self) -> bool:
        """Whether `uses` is called itself, rather than being a class whose method is called."""
        return not self.constructor_name

    @property
    def is_group(self) -> bool:
        """Whether this node does nothing but name others."""
        return isinstance(self.uses, str) and not self.uses

    @property
    def is_implicit(self) -> bool:
        return IMPLICIT in self.policy.tags


@dataclass(frozen=True, slots=True)
class GraphSchema:
    """A whole graph: node names to nodes. Never mutated."""

    nodes: Mapping[str, SchemaNode]

    @property
    def target_names(self) -> list[str]:
        """Names of the nodes marked as targets, in node order."""
        return [name for name, node in self.nodes.items() if node.is_target]

    def minimal_graph_schema(self, targets: Iterable[str] | None = None) -> GraphSchema:
        """The part needed for `targets` (default, also when empty: `target_names`). Linear in nodes and edges."""
        wanted = list(targets or ()) or self.target_names
        kept = ancestors(wanted, self.parents)
        return GraphSchema({name: node for name, node in self.nodes.items() if name in kept})

    def parents(self, name: str) -> Iterable[str]:
        """Names that the node `name` needs; none for a name from outside the schema."""
        node = self.nodes.get(name)
        return node.needs.values() if node else ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns into an equal schema."""
        return {"nodes": {name: node_as_dict(node) for name, node in self.nodes.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GraphSchema:
        """The schema written as `data`, which is left as it was. Raises UsageError naming node and key."""
        nodes = data.get("nodes") if isinstance(data, Mapping) else None
        if not isinstance(nodes, Mapping):
            raise UsageError(
                "the graph has no mapping 'nodes'", code="BG020", why="a graph is `nodes:` and one entry per node",
                fix="add 'nodes' at the top and indent the nodes below it",
            )  # fmt: skip
        return cls({name: node_from_dict(name, node) for name, node in nodes.items()})


_NODE_KEYS = [f.name for f in fields(SchemaNode)]
_POLICY_KEYS = [f.name for f in fields(Policy)]
_REQUIRED = ("uses",)


def node_as_dict(node: SchemaNode) -> dict[str, Any]:
    """`node` as plain data; the policy appears only when it is not the default."""
    uses = node.uses
    if not isinstance(uses, str):
        separator = ":" if "." in uses.__qualname__ else "."
        uses = f"{uses.__module__}{separator}{uses.__qualname__}"
    data: dict[str, Any] = {
        "needs": dict(node.needs),
        "uses": uses,
        "constructor_name": node.constructor_name,
        "fn": node.fn,
        "config": dict(node.config),
        "eager": node.eager,
        "is_target": node.is_target,
        "is_input": node.is_input,
        "resource": None if node.resource is None else _resource_as_dict(node.resource),
    }
    if node.policy != DEFAULT_POLICY:
        values = {key: getattr(node.policy, key) for key in _POLICY_KEYS}
        changed = {key: value for key, value in values.items() if value != getattr(DEFAULT_POLICY, key)}
        data["policy"] = {key: list(value) if isinstance(value, tuple) else value for key, value in changed.items()}
    return data


def _resource_as_dict(resource: Resource) -> dict[str, Any]:
    return {"name": resource.name, "output_fingerprint": resource.output_fingerprint}


def node_from_dict(name: str, data: Mapping[str, Any]) -> SchemaNode:
    """The node `name` written as plain data. Raises UsageError (BG020) for a missing, unknown or mistyped key."""
    _check_keys(f"node '{name}'", data, _NODE_KEYS, _REQUIRED)
    expected: dict[str, type | tuple[type, ...]] = {
        "needs": Mapping, "config": Mapping, "constructor_name": str, "fn": str,
        "eager": bool, "is_target": bool, "is_input": bool,
    }  # fmt: skip
    for key, kind in expected.items():
        if data.get(key) is not None and not isinstance(data[key], kind):
            raise _mistyped(f"node '{name}'", key, data[key], kind)
    resource = data.get("resource")
    if resource is not None:
        _check_keys(f"resource of node '{name}'", resource, ["name", "output_fingerprint"], ("name",))
        resource = Resource(resource["name"], resource.get("output_fingerprint") or "")
    policy = DEFAULT_POLICY
    if data.get("policy"):
        _check_keys(f"policy of node '{name}'", data["policy"], _POLICY_KEYS, ())
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in data["policy"].items()}
        policy = replace(policy, **given)
    return SchemaNode(
        needs=dict(data.get("needs") or {}),
        uses=data["uses"],
        constructor_name=data.get("constructor_name", "create"),
        fn=data.get("fn", "run"),
        config=dict(data.get("config") or {}),
        eager=bool(data.get("eager", False)),
        is_target=bool(data.get("is_target", False)),
        is_input=bool(data.get("is_input", False)),
        resource=resource,
        policy=policy,
    )


def _check_keys(what: str, data: object, known: list[str], required: tuple[str, ...]) -> None:
    if not isinstance(data, Mapping):
        raise UsageError(
            f"{what} is a {type(data).__name__}, not a mapping", code="BG020",
            why="it is written as `key: value` pairs", fix="indent its keys below its name",
        )  # fmt: skip
    for key in data:
        if key not in known:
            raise UsageError(
                f"{what} has an unknown key '{key}'", code="BG020", why=f"known keys: {', '.join(known)}",
                fix=nearest(str(key), known) or "remove it",
            )  # fmt: skip
    for key in required:
        if key not in data:
            raise UsageError(f"{what} has no '{key}'", code="BG020", why=f"'{key}' is required", fix=f"add '{key}'")


def _mistyped(what: str, key: str, value: object, kind: Any) -> UsageError:
    return UsageError(
        f"{what}: '{key}' is a {type(value).__name__}, not a {kind.__name__.lower()}", code="BG020",
        why=f"'{key}' takes a {kind.__name__.lower()}", fix=f"correct '{key}'",
    )  # fmt: skip
