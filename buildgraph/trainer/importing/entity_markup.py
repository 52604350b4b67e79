"""Entities as they are written inside an example: `[text](entity)`, `[text](entity:value)`, `[text]{"entity": "city", "role": "to"}`."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

_SPECIAL: Final = re.compile(r"\\[\[\]]|[\[\]]")
_CLOSED_LATE: Final = re.compile(r'[^\[\]]*[^\[\]\s](\([^\W\d][\w-]*(:[^()]*)?\)|\{\s*"entity")')  # what follows the [ of "[Lyon(city)"
_JSON: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_PARTS: Final = ("entity", "value", "role", "group")
_WAYS: Final = "write [text](entity), [text](entity:value) or [text]{\"entity\": \"name\", \"role\": \"name\"}; a bracket that is text is \\[ or \\]"


class MarkupError(ValueError):
    """A text whose entities cannot be told; `code` says of which kind, `why` and `fix` what to do."""

    def __init__(self, code: str, problem: str, why: str, fix: str = _WAYS) -> None:
        super().__init__(problem)
        self.code, self.why, self.fix = code, why, fix


def parse_entities(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The text without markup, and its entities in order: `start`, `end`, `value`, `entity`, `role` and `group` if given.

    Brackets that nothing in parentheses or braces follows are text, and so are `\\[` and `\\]`. Raises MarkupError.
    """
    if "[" not in text and "]" not in text:
        return text, []
    pieces: list[str] = []
    entities: list[dict[str, Any]] = []
    length = position = 0
    opened: tuple[int, int, int] | None = None  # of the last [: number of pieces and length before it, its place in `text`
    while match := _SPECIAL.search(text, position):
        if match.start() > position:
            pieces.append(text[position : match.start()])
            length += len(pieces[-1])
        mark, position = match.group(), match.end()
        if mark == "]" and text.startswith(("(", "{", "[{"), position):
            if opened is None:
                raise MarkupError("BG516", f"']{text[position]}' ends an entity that never began", "an entity begins with [")
            number, start, _ = opened
            surface = "".join(pieces[number + 1 :])
            if not surface:
                raise MarkupError("BG516", "an entity has no text", "an entity is some of the words of the example")
            found, position = _annotations(text, position)
            length = start + len(surface)
            pieces[number:] = [surface]
            entities += [_entity(each, surface, start, length) for each in found]
            opened = None
            continue
        opened = (len(pieces), length, position) if mark == "[" else None if mark == "]" else opened
        pieces.append(mark[-1])
        length += 1
    if opened and _CLOSED_LATE.match(text, opened[2]):
        raise MarkupError("BG516", "an entity that begins with [ never ends", "the text of an entity ends with ]")
    pieces.append(text[position:])
    return "".join(pieces), entities


def _annotations(text: str, position: int) -> tuple[list[dict[str, Any]], int]:
    """What is said of an entity at `position`, in parentheses, braces or a list of braces, and where that ends."""
    if text[position] == "(":
        end = text.find(")", position)
        if end < 0:
            raise MarkupError("BG516", "'](' is never closed", "the name of an entity stands in parentheses")
        name, colon, value = (part.strip() for part in text[position + 1 : end].partition(":"))
        if not name:
            raise MarkupError("BG516", "an entity has no name", "its name stands in the parentheses")
        return [{"entity": name, "value": value} if colon and value else {"entity": name}], end + 1
    try:
        found, end = _JSON.raw_decode(text, position)
    except ValueError as error:
        _bad_json(f"{error.msg} in column {error.pos - position + 1} of it" if isinstance(error, json.JSONDecodeError) else str(error))
    except RecursionError:
        _bad_json("it is nested too deeply")
    found = found if isinstance(found, list) else [found]
    for each in found:
        if not isinstance(each, dict) or not isinstance(each.get("entity"), str) or not each["entity"].strip():
            _bad_json("it does not say which 'entity' it is")
        if any(isinstance(each.get(part), dict | list) for part in _PARTS):
            _bad_json("the parts of an entity are texts")
    return found, end


def _bad_json(why: str) -> NoReturn:
    fix = 'keys and texts stand in double quotes: {"entity": "city", "role": "to"}; close the brace'
    raise MarkupError("BG517", "what is said of an entity in braces is not JSON that describes one", why, fix)


def _entity(said: dict[str, Any], surface: str, start: int, end: int) -> dict[str, Any]:
    parts = {part: str(said[part]).lower() if isinstance(said[part], bool) else said[part] for part in _PARTS if said.get(part) is not None}
    return {"start": start, "end": end, "value": surface, **parts}
