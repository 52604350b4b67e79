"""Reads the `nlu` part of a file: examples of intents with their entities, synonyms, regular expressions, lookup tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from buildgraph.trainer.data import METADATA, Message, TrainingData
from buildgraph.trainer.importing.entity_markup import MarkupError, parse_entities
from buildgraph.trainer.importing.yaml_source import Entry, Source

_KINDS: Final = ("intent", "synonym", "regex", "lookup")
_KEYS: Final = (*_KINDS, "examples", "metadata")
_EXAMPLE_KEYS: Final = ("text", "intent", "metadata", "entities")


def read_nlu(source: Source, node: Any) -> TrainingData:
    """The training data of the list `node`. Raises TrainingDataError with file and line."""
    data = TrainingData()
    for item in source.sequence(node, "'nlu'"):
        if item.id != "mapping":
            source.refuse("BG514", "has an item of 'nlu' that is not keys with values", item, "an item has a key such as 'intent'", "write '- intent: name', and 'examples:' below it")
        entry = source.mapping(item, "an item of 'nlu'", _KEYS)
        kinds = [kind for kind in _KINDS if kind in entry]
        if len(kinds) != 1:
            problem = f"has an item of 'nlu' that is {' and '.join(kinds)}" if kinds else "has an item of 'nlu' without 'intent'"
            source.refuse("BG515", problem, item, f"an item has exactly one of {', '.join(_KINDS)}", "name the intent that the examples belong to: 'intent: name'")
        (kind,) = kinds
        name = source.string(entry[kind].value, f"'{kind}'")
        if not name:
            source.refuse("BG515", f"has an item of 'nlu' whose {kind} has no name", entry[kind].key, "a name is what others refer to", "write one")
        _read_item(source, data, kind, name, entry)
    return data


def _read_item(source: Source, data: TrainingData, kind: str, name: str, entry: dict[str, Entry]) -> None:
    key, node = entry["examples"] if "examples" in entry else (entry[kind].key, None)
    about = source.value(entry["metadata"].value) if "metadata" in entry else None
    texts = list(_examples(source, node)) if node is not None else []
    if not texts:
        source.warn("BG523", f"{kind} '{name}' has no examples", key)
    if kind == "intent":
        source.mention("intent", name, entry[kind].key)
        data.training_examples += [_message(source, name, text, at, about, more, data.entity_synonyms) for text, at, more in texts]
    elif kind == "synonym":
        for text, at, _ in texts:
            _add_synonym(source, data.entity_synonyms, text, name, at)
    elif kind == "regex":
        data.regex_features += [{"name": name, "pattern": text} for text, _, _ in texts]
    else:
        data.lookup_tables.append({"name": name, "elements": [text for text, _, _ in texts]})


def _examples(source: Source, node: Any) -> Iterator[tuple[str, int, dict[str, Entry]]]:
    """Texts with their lines and what else is said of them, from a block of lines with dashes or from a list."""
    if node.id == "scalar":
        if node.style == ">":
            source.warn("BG523", "'>' makes one line, and so one example, of all that follow; write '|'", node)
        yield from ((text, line, {}) for text, line in _dashed(source, node))
        return
    for item in source.sequence(node, "'examples'"):
        more: dict[str, Entry] = {}
        text = item
        if item.id == "mapping":
            more = source.mapping(item, "an example", _EXAMPLE_KEYS)
            if "text" not in more:
                source.refuse("BG515", "has an example without 'text'", item, "an example is a text", "add 'text: what somebody says'")
            text = more.pop("text").value
        if not source.is_null(text) and (said := source.string(text, "an example")):
            yield said, text.start_mark.line + 1 + (text.style in ("|", ">")), more


def _dashed(source: Source, node: Any) -> Iterator[tuple[str, int]]:
    """The texts of lines that begin with a dash; a line without one, indented further, continues the one above."""
    current, at = "", 0
    for line, number in source.lines(node):
        text = line.strip()
        if text.startswith("-"):
            if current:
                yield current, at
            current, at = text[1:].strip(), number
        elif text and not text.startswith("#"):
            if current and line[0] in " \t":
                current = f"{current} {text}"
            else:
                source.warn("BG523", f"'{text[:60]}' was left out: an example begins with a dash", number)
    if current:
        yield current, at


def _message(source: Source, intent: str, text: str, at: int, about: Any, more: dict[str, Entry], synonyms: dict[str, str]) -> Message:
    """A training example. `about` is metadata of its intent, `more` what the example says beside its text."""
    plain, entities = marked_up(source, text, at)
    if "entities" in more:
        entities += _listed(source, plain, more["entities"].value)
    for entity in entities:
        surface = plain[entity["start"] : entity["end"]]
        if entity["value"] != surface:
            _add_synonym(source, synonyms, surface, entity["value"], at)
    meant = source.string(more["intent"].value, "'intent'") if "intent" in more else intent
    source.examples.append((plain, meant, at))
    message = Message.build(plain, meant, entities)
    own = source.value(more["metadata"].value) if "metadata" in more else None
    if about is not None or own is not None:
        message.set(METADATA, {name: value for name, value in (("intent", about), ("example", own)) if value is not None})
    return message


def marked_up(source: Source, text: str, at: int) -> tuple[str, list[dict[str, Any]]]:
    """`parse_entities`, with the place of what is wrong. Raises TrainingDataError (BG516, BG517)."""
    try:
        return parse_entities(text)
    except MarkupError as error:
        source.refuse(error.code, f"has an example that cannot be read: {error}", at, error.why, error.fix)


def _listed(source: Source, text: str, node: Any) -> list[dict[str, Any]]:
    """Entities that are listed beside the text by their places in it."""
    found = []
    for item in source.sequence(node, "'entities'"):
        parts = source.mapping(item, "an entity", ("start", "end", "value", "entity", "role", "group"))
        said = {name: source.string(entry.value, f"'{name}'") for name, entry in parts.items()}
        start, end = said.pop("start", ""), said.pop("end", "")
        if not (start.isdecimal() and end.isdecimal() and int(start) < int(end) <= len(text) and said.get("entity")):
            source.refuse("BG515", "has an entity without its place or name", item, "'start' and 'end' count characters of the text", "write start, end and entity, or mark the words in the text")
        found.append({"start": int(start), "end": int(end), "value": text[int(start) : int(end)], **said})
    return found


def _add_synonym(source: Source, synonyms: dict[str, str], text: str, value: str, at: int) -> None:
    known = synonyms.get(text)
    if known is not None and known != value:
        source.warn("BG523", f"'{text}' is a synonym of '{value}' and of '{known}'; the former counts", at)
    synonyms[text] = value
