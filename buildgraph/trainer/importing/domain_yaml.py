"""Reads the parts of a domain from a file."""

from __future__ import annotations

from typing import Any, Final

from buildgraph.trainer.domain import LISTED, SECTIONS, Domain
from buildgraph.trainer.importing.yaml_source import Entry, Source

Lines = dict[tuple[str, str], int]
_PROPERTIES: Final = "write '- name', or '- name:' with its properties indented below the name"


def read_domain(source: Source, top: dict[str, Entry]) -> tuple[Domain, Lines]:
    """The domain in the sections of a file, and the lines of its names. Raises TrainingDataError with file and line."""
    found: dict[str, Any] = {}
    lines: Lines = {}
    for section in SECTIONS:
        if section not in top or source.is_null(top[section].value):
            continue
        node = top[section].value
        if section in LISTED or (section == "forms" and node.id == "sequence"):
            found[section] = _listed(source, section, node, lines)
        elif section == "e2e_actions":
            found[section] = sorted(source.string(item, "an action") for item in source.sequence(node, f"'{section}'"))
        else:
            found[section] = _mapped(source, section, node, lines)
    return Domain(**found), lines


def read_responses(source: Source, node: Any) -> dict[str, list[dict[str, Any]]]:
    """Responses by name, each a list of variations."""
    return _mapped(source, "responses", node, {})


def _listed(source: Source, section: str, node: Any, lines: Lines) -> dict[str, dict[str, Any]]:
    """Names with their properties, from a list of names and of keys with properties."""
    found: dict[str, dict[str, Any]] = {}
    for item in source.sequence(node, f"'{section}'"):
        properties: dict[str, Any] = {}
        if item.id == "mapping":
            entry = source.mapping(item, f"an item of '{section}'")
            ((name, (_, below)),) = entry.items() if len(entry) == 1 else [("", Entry(None, item))]
            if not name or not (source.is_null(below) or below.id == "mapping"):
                source.refuse("BG514", f"has an item of '{section}' that is not one name with properties", item, "an item is one name", _PROPERTIES)
            properties = source.value(below) or {}
        else:
            name = source.string(item, f"an item of '{section}'")
        if name in found:
            source.warn("BG523", f"'{name}' is in '{section}' twice, first in line {lines[section, name]}", item)
        found[name] = {**found.get(name, {}), **properties}
        lines.setdefault((section, name), item.start_mark.line + 1)
    return found


def _mapped(source: Source, section: str, node: Any, lines: Lines) -> dict[str, Any]:
    """What a name leads to: properties, the variations of a response, or a setting."""
    found: dict[str, Any] = {}
    for name, (key, value) in source.mapping(node, f"'{section}'").items():
        lines[section, name] = key.start_mark.line + 1
        if section == "responses":
            found[name] = [_variation(source, item, name) for item in source.sequence(value, f"the response '{name}'")]
        elif section in ("slots", "forms"):
            entry = source.mapping(value, f"'{name}' in '{section}'")
            if section == "slots" and "type" not in entry:
                source.refuse("BG515", f"has the slot '{name}' without 'type'", key, "a slot has a type", "add one, for instance 'type: text'")
            found[name] = source.value(value) or {}
        else:
            found[name] = source.value(value)
    return found


def _variation(source: Source, item: Any, name: str) -> dict[str, Any]:
    if item.id == "scalar":
        return {"text": source.string(item, f"a variation of '{name}'")}
    entry = source.mapping(item, f"a variation of '{name}'")
    found = {key: source.value(each.value) for key, each in entry.items()}
    text = entry.get("text")
    if text is not None and text.value.id == "scalar" and not source.is_null(text.value):
        found["text"] = text.value.value  # a number as it is written
    return found
