"""Many texts looked for at once: what `re` would try one after another, a table finds by the word it begins with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_WORD: Final = re.compile(r"\w+|[^\w]")  # what an element begins with: a word, or one other character


class Lookup:
    """Finds the longest of its elements at each place; `boundaries`: only where no word goes on before or after it."""

    def __init__(self, elements: Iterable[str], *, case_sensitive: bool, boundaries: bool) -> None:
        self._boundaries = boundaries
        self._case_sensitive = case_sensitive
        self._elements = {self.seen(each) for each in elements if each}
        lengths: dict[str, set[int]] = {}
        for each in self._elements:
            lengths.setdefault(self._beginning(each, 0), set()).add(len(each))
        self._lengths = {beginning: sorted(found, reverse=True) for beginning, found in lengths.items()}

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of what is found, from left to right; the next begins where one ends."""
        seen, here = self.seen(text), 0
        while here < len(seen):
            end = self._longest(seen, here)
            if end:
                yield here, end
            here = end or here + 1

    def everywhere(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of the longest at each place, also inside of another."""
        seen = self.seen(text)
        return ((start, end) for start in range(len(seen)) if (end := self._longest(seen, start)))

    def seen(self, text: str) -> str:
        """The text as it is compared, which is as long: where case does not matter, each character without its case."""
        if self._case_sensitive:
            return text
        return text.lower() if text.isascii() else "".join(map(_caseless, text))

    def _longest(self, text: str, start: int) -> int:
        """Where the longest element that begins at `start` ends; 0: none does."""
        if self._boundaries and start and _in_word(text[start - 1]):
            return 0
        for length in self._lengths.get(self._beginning(text, start), ()):
            end = start + length
            if text[start:end] in self._elements and end <= len(text) and not (self._boundaries and end < len(text) and _in_word(text[end])):
                return end
        return 0

    def _beginning(self, text: str, start: int) -> str:
        if not self._boundaries:
            return text[start]
        found = _WORD.match(text, start)
        return found.group() if found else ""


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _caseless(character: str) -> str:
    folded, low = character.casefold(), character.lower()
    return folded if len(folded) == 1 else low if len(low) == 1 else character
