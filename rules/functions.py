"""`python`: a plain function as a target; what it returns is the target's value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from buildgraph.rules.sourcing import sources

from buildgraph.errors import UsageError, nearest
from buildgraph.execution.codecs import CODECS
from buildgraph.rule import Package, rule
from buildgraph.schema import Policy, SchemaNode


@rule
def python(
    package: Package, name: str, fn: str, needs: Mapping[str, str] | None = None, config: Mapping[str, Any] | None = None,
    codec: str | None = None, outs: Sequence[str] = (), *, timeout: float | None = None, retries: int = 0,
    env_inherit: Sequence[str] = (), cacheable: bool = True, tags: Sequence[str] = (), salt: str = "", granularity: str = "",
    code_version: str = "", extra_code: Sequence[str] = (), ignore_code: Sequence[str] = (),
) -> Mapping[str, SchemaNode]:  # fmt: skip
    """Call `fn` ("pkg.mod:function", found from the workspace root) with the parents in `needs` and the entries of `config`.

    Parents arrive under their parameter's name: values decoded, files as a Path (or str, bytes, dict[str, Path] where
    annotated so). With `outs` the function also gets `out_dir: Path` and writes the declared files there. `codec` says
    how the value is stored; by default its type does. `timeout` is in seconds. How the code counts: `granularity`
    ("source", "definition", "module", "package"; default: the workspace's), `code_version` (in place of the code),
    `extra_code` (entry points and modules that count, too), `ignore_code` (modules that do not); another `salt` is
    another key.
    """
    config, needs = config or {}, needs or {}
    check_entry_point(fn, name)
    if codec is not None and codec not in CODECS:
        raise UsageError(
            f"target '{name}' has the unknown codec '{codec}'",
            code="BG230",
            why=f"codecs are {', '.join(CODECS)}",
            fix=nearest(codec, CODECS) or "leave it out to choose by type",
        )
    for parameter in needs:
        if parameter in config:
            raise UsageError(
                f"target '{name}' gives '{parameter}' both in needs and in config",
                code="BG225",
                why="each is one keyword argument",
                fix="rename one of them",
            )
    nodes: dict[str, SchemaNode] = {}
    resolved = {}
    for parameter, text in needs.items():
        resolved[parameter], implicit = sources(package, text)
        nodes.update(implicit)
    given = (retries, env_inherit, tags, codec, outs, salt, granularity, code_version, extra_code, ignore_code)
    policy = DEFAULT if timeout is None and not any(given) and cacheable else Policy(
        timeout=timeout, retries=retries, environment=tuple(env_inherit), cacheable=cacheable, tags=tuple(tags), outs=check_outs(name, outs), codec=codec or "",
        salt=salt, granularity=granularity, code_version=code_version, extra_code=tuple(extra_code), ignore_code=tuple(ignore_code),
    )  # fmt: skip
    nodes[name] = SchemaNode(resolved, fn, "", "", config, policy=policy)
    return nodes


DEFAULT = Policy()


def check_entry_point(fn: str, name: str) -> None:
    """Raises UsageError (BG056) unless `fn` reads "pkg.mod:name"."""
    module, colon, path = fn.partition(":")
    if not colon or not all(part.isidentifier() for part in [*module.split("."), *path.split(".")]):
        raise UsageError(
            f"target '{name}' names '{fn}', which is not an entry point", code="BG056", why="an entry point is package.module:name",
            fix=f"write '{'.'.join(fn.split('.')[:-1]) or 'module'}:{fn.split('.')[-1].rpartition(':')[2] or 'function'}'",
        )  # fmt: skip


def check_outs(name: str, outs: Sequence[str]) -> tuple[str, ...]:
    """`outs`, sorted. Raises UsageError (BG057) for one that cannot be an output, or lies inside another."""
    for out in outs:
        parts = out.removesuffix("/").split("/")
        if not out or out.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\0" in out:
            raise UsageError(
                f"target '{name}' declares the output '{out}'",
                code="BG057",
                why="an output is a path inside the target's own output folder",
                fix="write 'name.ext' or 'folder/'",
            )
    taken = sorted(outs)
    for before, after in pairwise(taken):
        if before == after or after.startswith(before.removesuffix("/") + "/"):
            raise UsageError(
                f"target '{name}' declares '{after}' inside or beside its own '{before}'",
                code="BG057",
                why="each output is declared once",
                fix="remove one of the two",
            )
    return tuple(taken)
