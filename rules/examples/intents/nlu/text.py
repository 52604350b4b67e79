"""Turns a sentence into the words and letters the features count: the one place that decides what counts as equal."""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[a-z0-9']+")
_NUMBER_WORDS = frozenset(
    (
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "fifteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "hundred",
    )
)
NUMBER = "0"  # every number reads the same: "5 minutes" and "twenty minutes" are one phrase


def normalise(sentence: str) -> str:
    """Lower case, single spaces, no punctuation, numbers as one token."""
    words = _WORD.findall(sentence.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return " ".join(NUMBER if word.isdigit() or word in _NUMBER_WORDS else word for word in words)


def word_terms(sentence: str) -> list[str]:
    """Single words and pairs of neighbours."""
    words = normalise(sentence).split()
    return words + [f"{left} {right}" for left, right in pairwise(words)]


def char_terms(sentence: str) -> list[str]:
    """Runs of two to four letters inside words, edges marked by a space."""
    terms: list[str] = []
    for word in normalise(sentence).split():
        padded = f" {word} "
        for size in (2, 3, 4):
            terms.extend(padded[start : start + size] for start in range(len(padded) - size + 1))
    return terms
