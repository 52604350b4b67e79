"""What a sequence model sees and says: tokens as attributes, entities as tags on tokens, and tags as entities again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.trainer.data import TEXT, TOKENS, Message, Token

OUTSIDE: Final = "O"
PATTERN: Final = "pattern"
PATTERNS_BY: Final = "RegexFeaturizer"  # the origin of patterns: this, or a node named after it

_FLAGS: Final[Mapping[str, Callable[[str], bool]]] = {"title": str.istitle, "upper": str.isupper, "digit": str.isdigit}
_PIECES: Final[Mapping[str, Callable[[str], str]]] = {
    "low": str.lower,
    "prefix2": lambda text: text[:2],
    "prefix5": lambda text: text[:5],
    "suffix1": lambda text: text[-1:],
    "suffix2": lambda text: text[-2:],
    "suffix3": lambda text: text[-3:],
    "suffix5": lambda text: text[-5:],
}
FEATURES: Final = ("bias", PATTERN, *_PIECES, *_FLAGS)


@dataclass(frozen=True, slots=True)
class Label:
    """What a stretch of text is: an entity, perhaps in a role or group."""

    entity: str
    role: str | None = None
    group: str | None = None

    @classmethod
    def of(cls, entity: Mapping[str, Any]) -> Label:
        return cls(entity["entity"], entity.get("role"), entity.get("group"))


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens `first` to `last`, inclusive, which are one entity."""

    first: int
    last: int
    label: int  # the index of its label


def attributes(message: Message, windows: Sequence[Sequence[str]]) -> list[list[str]]:
    """For each token what its surroundings look like; `windows` names the features for each distance, nearest in the middle."""
    tokens: list[Token] = message.get(TOKENS) or []
    patterns = _patterns(message, len(tokens)) if any(PATTERN in window for window in windows) else [()] * len(tokens)
    seen: list[dict[str, list[str]]] = [
        {name: _seen(name, _storable(token.text), found) for name in FEATURES} for token, found in zip(tokens, patterns, strict=True)
    ]
    reach = len(windows) // 2
    rows = []
    for here in range(len(tokens)):
        row: list[str] = []
        for offset, window in enumerate(windows, -reach):
            if not 0 <= here + offset < len(tokens):
                edge = "BOS" if offset < 0 else "EOS"
                row += [edge] if edge not in row else []
                continue
            row += [f"{offset}:{value}" for name in window for value in seen[here + offset][name]]
        rows.append(row)
    return rows


def tags(message: Message, labels: Mapping[Label, int], *, bilou: bool, extractor: str) -> tuple[list[str], list[dict[str, Any]]]:
    """A tag for each token, and the entities that do not begin and end with tokens, which have none.

    Entities that another extractor than `extractor` is to find, and those that overlap an earlier one, have none either.
    """
    tokens: list[Token] = message.get(TOKENS) or []
    starts = {token.start: index for index, token in enumerate(tokens)}
    ends = {token.end: index for index, token in enumerate(tokens)}
    tagged, misaligned = [OUTSIDE] * len(tokens), []
    for entity in annotated(message, extractor):
        first, last = starts.get(entity["start"]), ends.get(entity["end"])
        if first is None or last is None or last < first:
            misaligned.append(entity)
        elif set(tagged[first : last + 1]) == {OUTSIDE}:
            label = labels[Label.of(entity)]
            tagged[first : last + 1] = [f"{letter}-{label}" for letter in _letters(last - first + 1, bilou)]
    return tagged, misaligned


def annotated(message: Message, extractor: str) -> list[dict[str, Any]]:
    """The entities of a training example that `extractor` may learn from."""
    return [each for each in message.get("entities") or [] if each.get("extractor") in (None, extractor)]


def spans(tagged: Sequence[str], *, bilou: bool) -> Iterator[Span]:
    """The stretches that tags describe; tags that contradict each other begin a new one."""
    first, open_label = 0, None
    for index, tag in enumerate([*tagged, OUTSIDE]):
        letter, label = parsed(tag)
        goes_on = open_label is not None and label == open_label and not (bilou and letter in "BU")
        if open_label is not None and not goes_on:
            yield Span(first, index - 1, open_label)
            open_label = None
        if not goes_on and label is not None:
            first, open_label = index, label
        if bilou and open_label is not None and letter in "LU":
            yield Span(first, index, open_label)
            open_label = None


def parsed(tag: str) -> tuple[str, int | None]:
    """The letter and the label's index of a tag."""
    letter, _, label = tag.partition("-")
    return letter, int(label) if label else None


def split_at_commas(span: Span, message: Message) -> Iterator[Span]:
    """The parts of a span between commas that lie outside tokens."""
    text, tokens = message.get(TEXT), message.get(TOKENS)
    first = span.first
    for index in range(span.first, span.last):
        if "," in text[tokens[index].end : tokens[index + 1].start]:
            yield Span(first, index, span.label)
            first = index + 1
    yield Span(first, span.last, span.label)


def _letters(count: int, bilou: bool) -> str:
    """One letter per token: begin, inside, last, or unit; without BILOU all are inside."""
    if not bilou:
        return "I" * count
    return "U" if count == 1 else f"B{'I' * (count - 2)}L"


def _storable(text: str) -> str:
    """The text without what UTF-8 cannot say: half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def _seen(name: str, text: str, patterns: Sequence[int]) -> list[str]:
    """The attributes that a feature of a token amounts to; none for what it is not."""
    if name == "bias":
        return ["bias"]
    if name == PATTERN:
        return [f"{PATTERN}={number}" for number in patterns]
    if name in _FLAGS:
        return [name] if _FLAGS[name](text) else []
    return [f"{name}={_PIECES[name](text)}"]


def _patterns(message: Message, count: int) -> list[Sequence[int]]:
    """For each token the numbers of the patterns it is part of, as the featurizer of patterns found them."""
    found: list[Sequence[int]] = [()] * count
    for features in message.features_of("sequence"):
        if PATTERNS_BY in features.origin and features.shape[0] >= count:
            dense = features.matrix.toarray() if features.is_sparse else features.matrix
            found = [(*known, *(int(number) for number in row.nonzero()[0])) for known, row in zip(found, dense, strict=False)]
    return found
