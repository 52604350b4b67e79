"""Reads one intent's sentence templates from `home-assistant-intents` and from the workspace's own files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hassil import Sentence, parse_sentence
from home_assistant_intents import get_intents


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence template; `identity` names it in every sample drawn from it, `domains` limits what `{name}` may be."""

    identity: str
    sentence: Sentence
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """What templates may refer to: `{list}` entries (templates, or a range of numbers) and `<rule>` bodies."""

    lists: Mapping[str, list[str] | range]
    rules: Mapping[str, str]
    names: Mapping[str, list[str]]


def grammar(language: str, home: Mapping[str, Any]) -> Grammar:
    """The lists and rules of the language, with the names and places of our own home added."""
    package = _package(language)
    lists: dict[str, list[str] | range] = {}
    for name, body in package["lists"].items():
        if "values" in body:
            lists[name] = [value if isinstance(value, str) else value["in"] for value in body["values"]]
        elif "range" in body:
            lists[name] = range(body["range"]["from"], body["range"]["to"] + 1, body["range"].get("step", 1))
    lists.update(home["lists"])
    return Grammar(lists, package["expansion_rules"], home["names"])


def templates(language: str, intent: str, own: Mapping[str, Path]) -> list[Template]:
    """Every template of the intent: the package's, and those of our own files, one per line."""
    blocks = _package(language)["intents"].get(intent, {"data": []})["data"]
    found: list[Template] = []
    domains: tuple[str, ...] = ()
    for block in blocks:
        domains = _domains(block)
        for text in block["sentences"]:
            found.append(Template(f"{intent}.{len(found)}", parse_sentence(text), domains))
    for name in sorted(own):
        for line in own[name].read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                found.append(Template(f"{intent}.{len(found)}", parse_sentence(line.strip()), domains))
    if not found:
        raise ValueError(
            f"{intent} has no template: neither in home-assistant-intents ({language}) nor in templates/{intent}.txt"
        )
    return found


def _package(language: str) -> dict[str, Any]:
    package = get_intents(language)
    if package is None:
        raise ValueError(f"home-assistant-intents knows no language '{language}'")
    return package


def _domains(block: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds of device that `{name}` stands for in these sentences."""
    return tuple((block.get("requires_context") or {}).get("domain", ()))
