"""`group`: one name for several targets. It does no work of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from buildgraph.rule import Package, rule
from buildgraph.schema import Policy, SchemaNode


@rule
def group(package: Package, name: str, deps: Sequence[str], *, tags: Sequence[str] = ()) -> Mapping[str, SchemaNode]:
    """Asking for the group asks for all of `deps`; needing it needs all of them."""
    labels = [package.resolve(dep) for dep in deps]
    return {name: SchemaNode({label: label for label in labels}, "", "", "", {}, policy=Policy(tags=tuple(tags)))}
