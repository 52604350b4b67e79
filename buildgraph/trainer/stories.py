"""Conversations to learn from and to test with: stories and rules as frozen steps, in an order that file names do not change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from buildgraph.component import ModelStorage
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode, encode_value

USER, ACTION, BOT, SLOTS, LOOP, CHECKPOINT, OR = "user", "action", "bot", "slot_was_set", "active_loop", "checkpoint", "or"
_FILE: Final = "stories.msgpack"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `name` is its intent, action, loop (None: no loop is active) or checkpoint; `text` what user or bot say.

    `entities` are as in training examples (no places without a text); `slots` are (name, value), or (name,) for any
    value; `alternatives` are the steps of an `or`.
    """

    kind: str
    name: str | None = None
    text: str | None = None
    entities: tuple[dict[str, Any], ...] = ()
    slots: tuple[tuple[Any, ...], ...] = ()
    alternatives: tuple[Step, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data without what is not said."""
        return _as_dict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Step:
        return cls(
            data["kind"], data.get("name"), data.get("text"), tuple(data.get("entities", ())), tuple(tuple(slot) for slot in data.get("slots", ())),
            tuple(cls.from_dict(each) for each in data.get("alternatives", ())),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """A story, or a rule with what has to hold when it applies."""

    name: str
    steps: tuple[Step, ...] = ()
    is_rule: bool = False
    conditions: tuple[Step, ...] = ()
    conversation_start: bool = False
    wait_for_user_input: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Plain data without what is not said."""
        return _as_dict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Story:
        steps, conditions = (tuple(Step.from_dict(each) for each in data.get(name, ())) for name in ("steps", "conditions"))
        return cls(data["name"], steps, data.get("is_rule", False), conditions, data.get("conversation_start", False), data.get("wait_for_user_input", True))

    def walk(self) -> Iterator[Step]:
        """All steps, those of conditions and alternatives too."""
        for step in (*self.conditions, *self.steps):
            yield step
            yield from step.alternatives


@dataclass(frozen=True, slots=True)
class StoryGraph:
    """All stories and rules, ordered by what they say. Cacheable and Fingerprintable. Make one with `of`."""

    stories: tuple[Story, ...] = ()

    @classmethod
    def of(cls, stories: Iterable[Story]) -> StoryGraph:
        """The stories in their one order: stories before rules, then by name and content; equal ones are one."""
        keyed = {(each.is_rule, each.name, encode(each.as_dict())): each for each in stories}
        return cls(tuple(keyed[key] for key in sorted(keyed)))

    @property
    def is_empty(self) -> bool:
        return not self.stories

    @property
    def has_end_to_end_steps(self) -> bool:
        """Whether somebody speaks in own words: a user without an intent, or a bot."""
        return any(step.kind == BOT or (step.kind == USER and step.name is None) for step in self._steps())

    @property
    def intents(self) -> list[str]:
        return self._names(USER)

    @property
    def actions(self) -> list[str]:
        return self._names(ACTION)

    @property
    def slots(self) -> list[str]:
        """The slots that are set, sorted."""
        return sorted({slot[0] for step in self._steps() for slot in step.slots})

    def merge(self, *others: StoryGraph | None) -> StoryGraph:
        return StoryGraph.of([*self.stories, *(story for other in others if other is not None for story in other.stories)])

    def as_dict(self) -> dict[str, Any]:
        return {"stories": [each.as_dict() for each in self.stories]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StoryGraph:
        return cls.of(Story.from_dict(each) for each in data["stories"])

    def fingerprint(self) -> str:
        """The digest of what the stories say."""
        return str(Digest.of(encode(self.as_dict())))

    def to_cache(self, directory: Path, model_storage: ModelStorage) -> None:  # noqa: ARG002 - the protocol's
        (directory / _FILE).write_bytes(encode_value(self.as_dict()))

    @classmethod
    def from_cache(cls, node_name: str, directory: Path, model_storage: ModelStorage, output_fingerprint: str) -> StoryGraph:  # noqa: ARG003 - the protocol's
        return cls.from_dict(decode_trusted((directory / _FILE).read_bytes()))

    def _steps(self) -> Iterator[Step]:
        for story in self.stories:
            yield from story.walk()

    def _names(self, kind: str) -> list[str]:
        return sorted({step.name for step in self._steps() if step.kind == kind and step.name is not None})


def _as_dict(value: Step | Story) -> dict[str, Any]:
    """The fields that are not at their default, in plain data."""
    found = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if content != field.default:
            found[field.name] = [_item(each) for each in content] if isinstance(content, tuple) else content
    return found


def _item(value: Any) -> Any:
    return value.as_dict() if isinstance(value, Step) else list(value) if isinstance(value, tuple) else value
