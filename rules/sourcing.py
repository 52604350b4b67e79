"""`files`: a set of source files as one tree; and the implicit source nodes that other rules make of plain paths and globs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildgraph.errors import UsageError
from buildgraph.label import is_label
from buildgraph.rule import Package, rule
from buildgraph.schema import IMPLICIT, Policy, SchemaNode


@rule
def files(
    package: Package,
    name: str,
    srcs: Sequence[str],
    exclude: Sequence[str] = (),
    *,
    allow_empty: bool = False,
    tags: Sequence[str] = (),
) -> Mapping[str, SchemaNode]:
    """A tree of source files: `srcs` and `exclude` are paths and globs relative to the package; `**` crosses folders.

    Matching nothing is an error unless `allow_empty`. Globs never enter the folder of another package.
    """
    for text in srcs:
        if is_label(text):
            raise UsageError(
                f"files '{name}' lists the label '{text}'", code="BG054", why="files are sources of this package, by path or glob",
                fix="use `group` to name several targets at once",
            )  # fmt: skip
    return {name: _node(package.path, srcs, exclude, allow_empty, Policy(tags=tuple(tags)))}


def sources(package: Package, text: str) -> tuple[str, Mapping[str, SchemaNode]]:
    """The label for `text`, which is a label, a path or a glob; with the implicit node that a path or glob needs."""
    if is_label(text):
        return package.resolve(text), {}
    label = f"@src:{package.path}/{text}" if package.path else f"@src:{text}"
    return label, {label: _node(package.path, [text], (), False, Policy(tags=(IMPLICIT,)))}


def _node(package: str, srcs: Sequence[str], exclude: Sequence[str], allow_empty: bool, policy: Policy) -> SchemaNode:
    config = {"package": package, "srcs": list(srcs), "exclude": list(exclude), "allow_empty": allow_empty}
    return SchemaNode({}, "buildgraph.rules.sourcing:collect", "", "", config, is_input=True, policy=policy)


def collect(*, package: str, srcs: list[str], exclude: list[str], allow_empty: bool, label: str, sources: Any) -> Any:
    """The tree of the files that match now; runs in the coordinator on every build."""
    own = "" if label.startswith("@") else label  # a plain path or glob of another rule is known by what it says
    tree = sources.select(package, srcs, exclude, own, may_miss=allow_empty)
    if not tree.entries and not allow_empty:
        raise UsageError(
            f"'{own or srcs[0]}' matches no files", code="BG055", facts=(("looked for", ", ".join(srcs)), ("in", package or "the workspace root")),
            why="a glob that matches nothing is usually a mistake", fix="correct the glob, or say allow_empty=True",
        )  # fmt: skip
    return tree
