"""`component`: a node of the graph trainer: a class that is constructed and one of whose methods is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildgraph.rules.functions import check_entry_point
from buildgraph.rules.sourcing import sources

from buildgraph.rule import Package, rule
from buildgraph.schema import Policy, Resource, SchemaNode


@rule
def component(
    package: Package, name: str, uses: str, fn: str = "run", constructor_name: str = "create", needs: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None, eager: bool = False, is_target: bool = False, is_input: bool = False,
    resource: str | None = None, *, timeout: float | None = None, retries: int = 0, env_inherit: Sequence[str] = (),
    cacheable: bool = True, codec: str | None = None, tags: Sequence[str] = (), salt: str = "", granularity: str = "",
    code_version: str = "", extra_code: Sequence[str] = (), ignore_code: Sequence[str] = (),
) -> Mapping[str, SchemaNode]:  # fmt: skip
    """Construct `uses` ("pkg.mod:Class") by its classmethod `constructor_name`, then call its method `fn`.

    The config is merged over the class's defaults. The constructor gets config, model_storage, resource and
    execution_context, and those inputs that it names (unless `eager`); `fn` gets the other inputs. `salt` to
    `ignore_code` are as for `python`.
    """
    check_entry_point(uses, name)
    nodes: dict[str, SchemaNode] = {}
    resolved = {}
    for parameter, text in (needs or {}).items():
        resolved[parameter], implicit = sources(package, text)
        nodes.update(implicit)
    policy = Policy(
        timeout=timeout,
        retries=retries,
        environment=tuple(env_inherit),
        cacheable=cacheable,
        codec=codec or "",
        tags=tuple(tags),
        salt=salt,
        granularity=granularity,
        code_version=code_version,
        extra_code=tuple(extra_code),
        ignore_code=tuple(ignore_code),
    )
    nodes[name] = SchemaNode(
        resolved, uses, constructor_name, fn, config or {}, eager, is_target, is_input, Resource(resource) if resource else None, policy,
    )  # fmt: skip
    return nodes
