"""`pack`: the output rule: one byte-reproducible archive of what other targets made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from buildgraph.rules.functions import check_outs
from buildgraph.rules.sourcing import sources

from buildgraph.component import Files
from buildgraph.errors import TargetError, UsageError
from buildgraph.rule import Package, rule
from buildgraph.schema import FILES, Policy, SchemaNode


@rule
def pack(
    package: Package, name: str, srcs: Sequence[str] | Mapping[str, str], out: str = "model.tar.gz", format: str | None = None,  # noqa: A002 - the word users know
    metadata: Mapping[str, Any] | None = None, *, tags: Sequence[str] = (),
) -> Mapping[str, SchemaNode]:  # fmt: skip
    """An archive `out` of `srcs`: labels (files keep their paths, a value is named after its target) or {path: label}.

    In the second form a label's one file is stored under the path; several files are stored below it. The format is
    tar, tar.gz, tar.zst or zip, by suffix unless given. `metadata` comes first in the archive.
    """
    from buildgraph.archive import suffix_format

    chosen = suffix_format(f"x.{format}" if format else out)
    pairs = list(srcs.items()) if isinstance(srcs, Mapping) else [("", label) for label in srcs]
    nodes: dict[str, SchemaNode] = {}
    members = []
    for path, text in pairs:
        if path.startswith("/") or ".." in path.split("/"):
            raise UsageError(
                f"pack '{name}' puts '{text}' at '{path}'",
                code="BG068",
                why="a path in an archive is relative and stays inside the folder it is unpacked into",
                fix="write it without / in front and without ..",
            )
        label, implicit = sources(package, text)
        nodes.update(implicit)
        members.append([path, label])
    policy = Policy(outs=check_outs(name, [out]), inputs=FILES, tags=tuple(tags))
    config = {"members": members, "out": out, "format": chosen, "metadata": dict(metadata or {})}
    nodes[name] = SchemaNode(
        {label: label for _, label in members}, "buildgraph.rules.packing:write", "", "", config, policy=policy
    )
    return nodes


def write(
    *,
    members: list[list[str]],
    out: str,
    format: str,  # noqa: A002 - the word users know
    metadata: dict[str, Any],
    out_dir: Path,
    root: str,
    **inputs: Files,
) -> None:
    """Write the archive of the inputs; runs in a worker."""
    from buildgraph.archive import Member
    from buildgraph.archive import write as write_archive
    from buildgraph.digest import Digest

    listed: dict[str, Member] = {}
    for path, label in members:
        files = inputs[label]
        for file, where in zip(files.paths, files.in_workspace, strict=True):
            name = _name(path, label, file, len(files.paths))
            full = os.path.join(root, where)
            digest, size = Digest.of_file(full)
            if name in listed:
                raise TargetError(
                    f"two files would be '{name}' in the archive",
                    code="BG236",
                    facts=(("second", label),),
                    why="names in an archive are unique",
                    fix="give srcs as {path: label}",
                )
            listed[name] = Member(name, size, digest, os.access(full, os.X_OK), full)
    write_archive(os.path.join(root, out_dir, out), listed.values(), metadata=metadata, format=format)


def _name(path: str, label: str, file: str, count: int) -> str:
    if path and count == 1 and not path.endswith("/"):
        return path
    if path:
        return f"{path.rstrip('/')}/{file}"
    stem, suffix = os.path.splitext(file)
    return label.rpartition(":")[2].rpartition("/")[2] + suffix if stem == "value" and count == 1 else file
