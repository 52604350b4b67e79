"""What would run and what came out of it: actions and action results, as pure data with canonical encodings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from buildgraph.digest import SIZE, Digest
from buildgraph.encoding import decode_trusted, encode_plain
from buildgraph.errors import EncodingError

RECORD: Final = 1  # version of the encoded action result; another one is a miss

Inputs = tuple[tuple[str, str, Digest], ...]  # parameter, codec, output digest; sorted


@dataclass(frozen=True, slots=True)
class Action:
    """One cacheable unit of work whose inputs are all known. Every field is part of the fingerprint.

    `inputs` are (parameter, codec, output digest), sorted; `config` and `environment` are canonical encodings; `name`
    and `resource` are filled only when the code can see them.
    """

    uses: str
    constructor: str
    fn: str
    eager: bool
    config: bytes
    inputs: Inputs
    code: Digest
    environment: tuple[tuple[str, str | None], ...]
    platform: str
    outs: tuple[str, ...]
    codec: str
    inputs_as: str
    resource: str
    name: str
    salt: str


def describe(action: Action, inputs: Inputs | None = None) -> Iterable[tuple[str, Any]]:
    """The one walk over an action: field names and values, in order. Hash, explain and diff all read this.

    `inputs` stand in for those of the action, which are not known when it is made.
    """
    return (
        ("uses", action.uses),
        ("constructor", action.constructor),
        ("fn", action.fn),
        ("eager", action.eager),
        ("config", action.config),
        ("inputs", [list(each) for each in (action.inputs if inputs is None else inputs)]),
        ("code", action.code),
        ("environment", [list(each) for each in action.environment]),
        ("platform", action.platform),
        ("outs", list(action.outs)),
        ("codec", action.codec),
        ("inputs_as", action.inputs_as),
        ("resource", action.resource),
        ("name", action.name),
        ("salt", action.salt),
    )


class Output(NamedTuple):
    """A named output: how its bytes are encoded, its identity, and the blob (or root manifest) that holds it.

    `digest` is what children see. It equals `blob` unless the codec's bytes are not deterministic, or the value carries
    code of the workspace: then `classes` name it ("module:Qualname", sorted), and `digest` covers it.
    """

    name: str
    codec: str
    digest: Digest
    blob: Digest
    size: int
    classes: tuple[str, ...] = ()


class Cost(NamedTuple):
    """What running an action took: wall and CPU seconds, peak resident memory and output size in bytes."""

    wall: float = 0.0
    cpu: float = 0.0
    rss: int = 0
    size: int = 0


class ActionResult(NamedTuple):
    """What came out of a successful action; the first output is the target's value.

    `created` is in seconds since 1970; `writer`, `scope` and `signature` name who made a shared record.
    """

    outputs: tuple[Output, ...]
    log: Digest | None = None
    cost: Cost = Cost()
    created: int = 0
    writer: str = ""
    scope: str = ""
    signature: bytes = b""

    @property
    def value(self) -> Output:
        return self.outputs[0]

    def blobs(self) -> list[Digest]:
        """The blobs this record names directly; a tree's root manifest names further ones."""
        named = [output.blob for output in self.outputs]
        return [*named, self.log] if self.log is not None else named

    def encode(self) -> bytes:
        outputs = [[o.name, o.codec, o.digest, o.blob, o.size, *([list(o.classes)] if o.classes else [])] for o in self.outputs]
        cost = [self.cost.wall, self.cost.cpu, self.cost.rss, self.cost.size]
        return encode_plain([RECORD, outputs, self.log, cost, self.created, self.writer, self.scope, self.signature])

    @classmethod
    def decode(cls, data: bytes) -> ActionResult | None:
        """The record in `data`, or None when it is of another version or makes no sense: a miss, never a guess."""
        try:
            version, outputs, log, cost, created, writer, scope, signature = decode_trusted(data)
            if version != RECORD or not outputs:
                return None
            named = tuple(_output(*each) for each in outputs)
            wall, cpu, rss, size = cost
            _require_counts(wall, cpu, rss, size, created)
            if not isinstance(writer, str) or not isinstance(scope, str) or not isinstance(signature, bytes):
                return None
            printed = None if log is None else _digest(log)
            return cls(named, printed, Cost(wall, cpu, rss, size), created, writer, scope, signature)
        except (EncodingError, ValueError, TypeError):
            return None


class DeepRecord(NamedTuple):
    """What a deep fingerprint stands for: the key of the result, and one digest over its ancestors' output digests.

    A requested set has no result of its own: `members` then holds the keys of its targets.
    """

    key: Digest | None
    ancestry: Digest
    members: tuple[Digest, ...] = ()

    def encode(self) -> bytes:
        return encode_plain([RECORD, self.key, self.ancestry, list(self.members)])

    @classmethod
    def decode(cls, data: bytes) -> DeepRecord | None:
        try:
            version, key, ancestry, members = decode_trusted(data)
            if version != RECORD:
                return None
            return cls(None if key is None else _digest(key), _digest(ancestry), tuple(map(_digest, members)))
        except (EncodingError, ValueError, TypeError):
            return None


def _output(name: Any, codec: Any, digest: Any, blob: Any, size: Any, *more: Any) -> Output:
    _require_counts(size)
    (classes,) = more or ((),)
    if not all(isinstance(each, str) for each in (name, codec, *classes)):
        raise ValueError("not a name")
    if more and (type(classes) is not list or not classes or classes != sorted(set(classes))):
        raise ValueError("not the classes of a value")
    return Output(name, codec, _digest(digest), _digest(blob), size, tuple(classes))


def _digest(raw: Any) -> Digest:
    if type(raw) is not bytes or len(raw) != SIZE:
        raise ValueError("not a digest")
    return Digest(raw)


def _require_counts(*values: Any) -> None:
    """Raises ValueError unless all `values` are numbers, and not negative."""
    for value in values:
        if type(value) not in (int, float) or value < 0:
            raise ValueError("not a count")
