"""Commands that only look: `explain`, `list`, `graph`, `show`, `log`."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from textwrap import fill

import click

from buildgraph.answers import ChangedDefinition, Explanation
from buildgraph.cli.options import Common, LabelsCommand, common, labels, one_label
from buildgraph.errors import UsageError
from buildgraph.label import resolve
from buildgraph.report.drawing import FORMATS, draw, kind
from buildgraph.workspace import Workspace


@click.command()
@one_label
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@click.option("--diff", "with_diff", is_flag=True, help="Show how the source of each changed definition differs.")
@common
@click.pass_obj
def explain(common_: Common, label: str, as_json: bool, with_diff: bool) -> None:
    """Say why LABEL is stale or not, and what its fingerprint is made of; or what an error code (BG021) means."""
    if re.fullmatch(r"BG\d{3}", label, re.IGNORECASE):
        print(page(label.upper()))
        return
    from buildgraph.answers import explain as explain_target

    workspace = common_.workspace()
    with workspace.open("explain") as session:
        found = explain_target(session, full_label(workspace, label))
    print(json.dumps(_as_data(found), ensure_ascii=False) if as_json else _as_text(found, verbose=common_.verbose, with_diff=with_diff))


def page(code: str) -> str:
    """The explanation of an error code. Raises UsageError (BG007)."""
    from buildgraph.catalogue import PAGES

    if code not in PAGES:
        raise UsageError(f"there is no error code '{code}'", code="BG007", why="codes stand in brackets behind `error`", fix="copy the code from a message")
    title, text = PAGES[code]
    return f"{code}: {title}\n\n{fill(' '.join(text.split()), 88, break_on_hyphens=False)}"


def full_label(workspace: Workspace, text: str) -> str:
    """The label that `text` means in the current folder."""
    return resolve(text if text.startswith(("//", ":", "@")) else f":{text}", workspace.here)


def _as_data(found: Explanation) -> dict[str, object]:
    return {
        "label": found.label, "state": found.state, "reason": found.reason, "key": str(found.key) if found.key else None, "fields": found.fields,
        "changes": [{"field": change.field, "before": change.before, "after": change.after} for change in found.changes], "notes": list(found.notes), "definitions": [
            {"name": each.name, "file": each.file, "first": each.first, "last": each.last, "via": list(each.via), "diff": list(_diff(each))}
            for each in found.definitions
        ],
    }  # fmt: skip


def _as_text(found: Explanation, *, verbose: bool, with_diff: bool = False) -> str:
    words = {"hit_local": "a hit", "up_to_date": "up to date", "cut_off": "cut off", "stale": "STALE"}
    lines = [f"{found.label}  {words.get(found.state, found.state)}" + (f"  because {found.reason}" if found.reason else "")]
    if found.key is not None:
        lines.append(f"  key  {found.key}")
    definitions = {f"code.definitions.{each.name}": each for each in found.definitions}
    for change in found.changes:
        lines.append(f"  changed  {change.field}: {change.before} -> {change.after}")
        definition = definitions.get(change.field)
        if definition is not None and definition.file:
            via = f"  (reached via {' -> '.join(definition.via)})" if len(definition.via) > 1 else ""
            lines.append(f"           {definition.file}:{definition.first}-{definition.last}{via}")
        if definition is not None and with_diff:
            lines += [f"    {line}" for line in _diff(definition)]
    changed = {change.field.split(".")[0] for change in found.changes}
    for name, value in found.fields.items():
        if value in ("", [], {}, None) and not verbose:
            continue
        mark = "*" if name in changed else " "
        if isinstance(value, dict):
            lines.append(f" {mark}{name} ({len(value)})")
            lines += [f"    {key}: {_short(item, verbose)}" for key, item in value.items() if item not in ({}, [], "")]
        else:
            lines.append(f" {mark}{name}: {_short(value, verbose)}")
    lines += [f"  note: {note}" for note in found.notes]
    return "\n".join(lines)


def _diff(definition: ChangedDefinition) -> Iterator[str]:
    """The source of a definition before and after as a unified diff; nothing when both are the same or not known."""
    from difflib import unified_diff

    names = f"{definition.name} (last build)", f"{definition.name} (now)"
    return unified_diff(definition.before.splitlines(), definition.after.splitlines(), *names, lineterm="")


def _short(value: object, verbose: bool) -> str:
    if isinstance(value, dict):
        items = [f"{key} {_short(item, verbose)}" for key, item in value.items()]
        shown = items if verbose else items[:8]
        return ", ".join(shown) + (f", and {len(items) - len(shown)} more" if len(items) > len(shown) else "")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if verbose else re.sub(r"\b(b3:)?([0-9a-f]{10})[0-9a-f]{54}\b", r"\1\2", text)[:200]


@click.command("list", cls=LabelsCommand)
@labels
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@click.option("--all", "everything", is_flag=True, help="Also the implicit source and tool nodes.")
@common
@click.pass_obj
def list_(common_: Common, labels: tuple[str, ...], as_json: bool, everything: bool) -> None:
    """List the targets that LABELS stand for; default: all."""
    loaded = common_.workspace().graph(labels)
    nodes = loaded.schema.nodes
    shown = list(nodes) if everything else list(loaded.requested)
    if as_json:
        rows = []
        for label in shown:
            place = loaded.place(label)
            rows.append({"label": label, "kind": kind(nodes[label]), "tags": list(nodes[label].policy.tags), "declared": f"{place.file}:{place.line}" if place else ""})
        print(json.dumps({"targets": rows}, ensure_ascii=False))
        return
    for label in shown:
        if common_.verbose:
            place = loaded.place(label)
            print(f"{label}  {kind(nodes[label])}  {nodes[label].entry_point}  {place.file}:{place.line}" if place else label)
        else:
            print(label)


@click.command(cls=LabelsCommand)
@labels
@click.option("--format", "form", type=click.Choice(FORMATS), default="mermaid", show_default=True, help="How to draw.")
@click.option("--all", "everything", is_flag=True, help="Also the implicit source and tool nodes.")
@common
@click.pass_obj
def graph(common_: Common, labels: tuple[str, ...], form: str, everything: bool) -> None:
    """Draw the graph that LABELS need."""
    print(draw(common_.workspace().graph(labels).schema, form, implicit=everything))


@click.command()
@one_label
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@common
@click.pass_obj
def show(common_: Common, label: str, as_json: bool) -> None:
    """Show what is stored for LABEL: its key, its outputs with their digests, what it cost."""
    from buildgraph.answers import show as show_target

    workspace = common_.workspace()
    with workspace.open("show") as session:
        found = show_target(session, full_label(workspace, label))
    value, cost = found.result.value, found.result.cost
    if as_json:
        files = [{"path": path, "digest": str(digest), "size": size} for path, digest, size in found.files]
        costs = {"wall": cost.wall, "cpu": cost.cpu, "rss": cost.rss, "size": cost.size}
        print(json.dumps({"label": found.label, "key": str(found.key), "codec": value.codec, "digest": str(value.digest), "classes": list(value.classes), "outputs": files, "cost": costs}, ensure_ascii=False))
        return
    print(f"{found.label}\n  key     {found.key}\n  output  {value.digest}  ({value.codec})")
    if value.classes:
        print(f"  carries {', '.join(value.classes)}")
    for path, digest, size in found.files:
        print(f"    {path}  {size} bytes  {digest}")
    print(f"  cost    {cost.wall:.3f} s wall, {cost.cpu:.3f} s CPU, {cost.rss >> 20} MiB peak")


@click.command()
@click.argument("label", required=False)
@common
@click.pass_obj
def log(common_: Common, label: str | None) -> None:
    """Print what the last run of LABEL wrote; without LABEL, the last builds of this workspace."""
    from buildgraph.answers import log as log_of

    workspace = common_.workspace()
    if label is None:
        with workspace.open("log") as session:
            for line in session.history():
                print(line)
        return
    full = full_label(workspace, label)
    with workspace.open("log") as session:
        failed = os.path.join(session.root, session.log_path(full))
        if os.path.isfile(failed):
            with open(failed, "rb") as file:
                data = file.read()
        else:
            data = log_of(session, full)
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
