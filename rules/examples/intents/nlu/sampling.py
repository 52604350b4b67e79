"""Draws sentences from templates by random walks: takes time for the sentences wanted, not for those possible."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hassil import Sentence, parse_sentence
from hassil.expression import Alternative, Expression, Group, ListReference, Permutation, RuleReference, TextChunk

from nlu.templates import Grammar, Template, grammar, templates


def sample(
    *, home: Path, own: dict[str, Path], intent: str, per_intent: int, per_template: int, seed: int
) -> list[dict[str, str]]:
    """At most `per_intent` different sentences of one English intent, spread evenly over its templates."""
    known = grammar("en", json.loads(home.read_text(encoding="utf-8")))
    found = templates("en", intent, own)
    quota = max(1, min(per_template, per_intent // len(found)))
    samples: dict[str, str] = {}
    for template in found:
        for sentence in draw(template, known, quota, seed):
            samples.setdefault(sentence, template.identity)
    return [{"template": template, "text": text} for text, template in sorted(samples.items())][:per_intent]


def draw(template: Template, known: Grammar, wanted: int, seed: int) -> list[str]:
    """Up to `wanted` different sentences; a template's draws depend on nothing but itself, the grammar and the seed."""
    walk = _Walk(random.Random(f"{seed}:{template.identity}"), known, template.domains)
    sentences: dict[str, None] = {}
    for _ in range(4 * wanted):
        sentences[" ".join(walk.text(template.sentence.expression).split())] = None
        if len(sentences) == wanted:
            break
    return list(sentences)


class _Walk:
    """One source of chance over one grammar; rule bodies and list entries are parsed when first met."""

    def __init__(self, chance: random.Random, known: Grammar, domains: tuple[str, ...]) -> None:
        self._chance = chance
        self._known = known
        self._domains = domains
        self._parsed: dict[str, Sentence] = {}

    def text(self, expression: Expression) -> str:
        """One random reading of the expression."""
        match expression:
            case TextChunk():
                return expression.original_text
            case ListReference():
                return self._entry(expression.list_name)
            case RuleReference():
                return self._written(self._known.rules[expression.rule_name])
            case Alternative():
                return self.text(self._chance.choice(expression.items))
            case Permutation():
                return "".join(self.text(item) for item in self._chance.sample(expression.items, len(expression.items)))
            case Group():
                return "".join(self.text(item) for item in expression.items)
        raise TypeError(f"hassil has an expression this walk does not know: {expression!r}")

    def _entry(self, name: str) -> str:
        if name == "name":
            choices = [entry for domain in self._domains for entry in self._known.names.get(domain, ())]
            return self._chance.choice(choices or self._known.names["light"])
        if name not in self._known.lists:
            raise ValueError(
                f"a template refers to the list {{{name}}}, which neither home-assistant-intents nor home.json has"
            )
        entries = self._known.lists[name]
        entry = self._chance.choice(entries)
        return entry if isinstance(entry, str) and not _is_template(entry) else self._written(str(entry))

    def _written(self, text: str) -> str:
        if text not in self._parsed:
            self._parsed[text] = parse_sentence(text)
        return self.text(self._parsed[text].expression)


def _is_template(text: str) -> bool:
    return any(mark in text for mark in "[(<{|;")
