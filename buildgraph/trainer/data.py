"""What is learnt from and spoken about: messages, and training data made of them, as plain data that is stored byte for byte."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from buildgraph.component import ModelStorage
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode, encode_value
from buildgraph.trainer.features import Features, described, load, save, stack

__all__ = [
    "ENTITIES", "INTENT", "INTENT_RANKING", "INTENT_RESPONSE_KEY", "METADATA", "TEXT", "TOKENS",
    "Features", "Message", "Token", "TrainingData",
]  # fmt: skip

TEXT, INTENT, ENTITIES, TOKENS, INTENT_RANKING = "text", "intent", "entities", "tokens", "intent_ranking"
INTENT_RESPONSE_KEY, METADATA = "intent_response_key", "metadata"
_FORMAT: Final = 1
_FILE: Final = "training_data.msgpack"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text; `start` and `end` count characters, the end is exclusive."""

    text: str
    start: int
    end: int


class Message:
    """A text and what is known or was found out about it. Components change it: `set` and `add_features`."""

    __slots__ = ("data", "features", "output_properties")

    def __init__(self, data: dict[str, Any] | None = None, features: list[Features] | None = None) -> None:
        self.data: dict[str, Any] = data if data is not None else {}
        self.features: list[Features] = features if features is not None else []
        self.output_properties: set[str] = {TEXT}

    @classmethod
    def build(cls, text: str, intent: str | None = None, entities: list[dict[str, Any]] | None = None, **metadata: Any) -> Message:
        """A training example. An intent such as `faq/hours` is the intent `faq` with the response key `faq/hours`."""
        data: dict[str, Any] = {TEXT: text}
        if intent:
            data[INTENT], slash, _ = intent.partition("/")
            if slash:
                data[INTENT_RESPONSE_KEY] = intent
        if entities:
            data[ENTITIES] = entities
        if metadata:
            data[METADATA] = metadata
        return cls(data)

    def get(self, name: str, default: Any = None) -> Any:
        return self.data.get(name, default)

    def set(self, name: str, value: Any, add_to_output: bool = False) -> None:
        """Keeps `value` under `name`; `add_to_output` makes it part of what a prediction answers."""
        self.data[name] = value
        if add_to_output:
            self.output_properties.add(name)

    def add_features(self, features: Features | None) -> None:
        if features is not None:
            self.features.append(features)

    def features_of(self, level: str, attribute: str = TEXT, origins: Iterable[str] | None = None) -> list[Features]:
        """The features of one level and attribute in order of adding, of all or of the named origins."""
        wanted = None if origins is None else set(origins)
        return [
            each for each in self.features
            if each.level == level and each.attribute == attribute and (wanted is None or each.origin in wanted)
        ]  # fmt: skip

    def as_dict(self, only_output_properties: bool = False) -> dict[str, Any]:
        """What can be said in JSON: all but tokens and features, or only what was set to be answered."""
        shown = {name: value for name, value in self.data.items() if name != TOKENS and not _are_tokens(value)}
        return {name: _plain(value) for name, value in shown.items() if not only_output_properties or name in self.output_properties}

    def copy(self) -> Message:
        """A message whose changes leave this one alone; matrices are shared."""
        other = Message({name: _copied(value) for name, value in self.data.items()}, list(self.features))
        other.output_properties = set(self.output_properties)
        return other

    def fingerprint(self) -> str:
        """The digest of everything it holds. Raises EncodingError for a value that is not plain data."""
        return str(Digest.of(encode([_record(self), [[*each.kind, described(each.matrix)] for each in self.features]])))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self.data == other.data and self.features == other.features

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Message({self.data!r}, {len(self.features)} features)"


class TrainingData:
    """Examples, and what belongs to all of them. Cacheable and Fingerprintable.

    `entity_synonyms` leads from what is written to the value that is meant, `regex_features` are dicts with `name`
    and `pattern`, `lookup_tables` with `name` and `elements`, `responses` those of retrieval intents by their key.
    """

    def __init__(
        self,
        training_examples: list[Message] | None = None,
        entity_synonyms: dict[str, str] | None = None,
        regex_features: list[dict[str, str]] | None = None,
        lookup_tables: list[dict[str, Any]] | None = None,
        responses: dict[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        self.training_examples = training_examples or []
        self.entity_synonyms = entity_synonyms or {}
        self.regex_features = regex_features or []
        self.lookup_tables = lookup_tables or []
        self.responses = responses or {}

    @property
    def intent_examples(self) -> list[Message]:
        return [each for each in self.training_examples if each.get(INTENT)]

    @property
    def entity_examples(self) -> list[Message]:
        return [each for each in self.training_examples if each.get(ENTITIES)]

    @property
    def nlu_examples(self) -> list[Message]:
        """All examples with a text."""
        return [each for each in self.training_examples if each.get(TEXT)]

    @property
    def intents(self) -> list[str]:
        return sorted({each.get(INTENT) for each in self.intent_examples})

    @property
    def entities(self) -> list[str]:
        return sorted({entity["entity"] for each in self.entity_examples for entity in each.get(ENTITIES)})

    @property
    def is_empty(self) -> bool:
        return not (self.training_examples or self.entity_synonyms or self.regex_features or self.lookup_tables or self.responses)

    def copy(self) -> TrainingData:
        """Training data whose changes, also those of its messages, leave this one alone; matrices are shared."""
        return self._with([each.copy() for each in self.training_examples])

    def merge(self, *others: TrainingData | None) -> TrainingData:
        """This and all others as new training data; of two synonyms or responses of one name the later one counts."""
        merged = self.copy()
        for other in (each.copy() for each in others if each is not None):
            merged.training_examples += other.training_examples
            merged.entity_synonyms.update(other.entity_synonyms)
            merged.regex_features += [each for each in other.regex_features if each not in merged.regex_features]
            merged.lookup_tables += [each for each in other.lookup_tables if each not in merged.lookup_tables]
            merged.responses.update(other.responses)
        return merged

    def fingerprint(self) -> str:
        """The digest of all it holds, features too. Raises EncodingError for a value that is not plain data."""
        record, matrices = self._stored()
        return str(Digest.of(encode([record, [described(matrix) for matrix in matrices]])))

    def to_cache(self, directory: Path, model_storage: ModelStorage) -> None:  # noqa: ARG002 - the protocol's
        """Writes files whose bytes depend on the content only: one of data, some for each kind of features."""
        with _uncollected():
            record, matrices = self._stored()
            (directory / _FILE).write_bytes(encode_value(record))
        for number, matrix in enumerate(matrices):
            save(matrix, directory, f"features-{number}")

    @classmethod
    def from_cache(cls, node_name: str, directory: Path, model_storage: ModelStorage, output_fingerprint: str) -> TrainingData:  # noqa: ARG003 - the protocol's
        """What `to_cache` wrote. Raises OSError, ValueError or EncodingError when the folder does not hold it."""
        with _uncollected():
            return cls._from_folder(directory)

    @classmethod
    def _from_folder(cls, directory: Path) -> TrainingData:
        form, kinds, records, members, rest = decode_trusted((directory / _FILE).read_bytes())
        if form != _FORMAT:
            raise ValueError(f"training data of format {form}")
        messages = [_rebuilt(record) for record in records]
        counts: list[list[int]] = [[] for _ in kinds]
        for message in members:
            for kind, rows in zip(message[::2], message[1::2], strict=True):
                counts[kind].append(rows)
        supplies = [
            iter(Features.split(load(directory, f"features-{number}", columns), counts[number], level, attribute, origin))
            for number, (origin, level, attribute, _, _, columns) in enumerate(kinds)
        ]
        for message, member in zip(messages, members, strict=True):
            message.features = [next(supplies[kind]) for kind in member[::2]]
        return cls(messages, *rest)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TrainingData):
            return NotImplemented
        return self.training_examples == other.training_examples and self._rest() == other._rest()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _rest(self) -> list[Any]:
        return [self.entity_synonyms, self.regex_features, self.lookup_tables, self.responses]

    def _with(self, examples: list[Message]) -> TrainingData:
        return TrainingData(examples, *_copied(self._rest()))

    def _stored(self) -> tuple[list[Any], list[Any]]:
        """Everything as plain data, with the matrices it refers to: all rows of one kind, message after message."""
        groups: dict[tuple[Any, ...], tuple[int, list[Features]]] = {}
        members = []
        for message in self.training_examples:
            member: list[int] = []
            for features in message.features:
                number, group = groups.setdefault(features.kind, (len(groups), []))
                group.append(features)
                member += (number, features.shape[0])
            members.append(member)
        record = [_FORMAT, [list(kind) for kind in groups], [_record(each) for each in self.training_examples], members, self._rest()]
        return record, [stack(group) for _, group in groups.values()]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: many small objects are made and none is garbage, and looking for some takes as long."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _are_tokens(value: Any) -> bool:
    return type(value) is list and bool(value) and isinstance(value[0], Token)


def _record(message: Message) -> list[Any]:
    """A message as plain data: data, lists of tokens (flat: text, start, end) by name, and further output properties."""
    data: dict[str, Any] = {}
    tokens: dict[str, list[Any]] = {}
    for name, value in message.data.items():
        if _are_tokens(value):
            tokens[name] = [part for token in value for part in (token.text, token.start, token.end)]
        else:
            data[name] = value
    return [data, tokens, sorted(message.output_properties - {TEXT})]


def _rebuilt(record: Any) -> Message:
    data, tokens, output = record
    for name, flat in tokens.items():
        data[name] = [Token(*parts) for parts in zip(flat[::3], flat[1::3], flat[2::3], strict=True)]
    message = Message(data)
    message.output_properties.update(output)
    return message


def _copied(value: Any) -> Any:
    """A value whose lists and dicts are its own; what lies in them is shared."""
    if type(value) is list:
        return list(value) if _are_tokens(value) else [_copied(item) for item in value]
    return {key: _copied(item) for key, item in value.items()} if type(value) is dict else value


def _plain(value: Any) -> Any:
    """A value in JSON's own types: tuples become lists, numbers of numpy those of Python."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    item = getattr(value, "item", None)
    return item() if callable(item) else value
