"""Everything that happens in a build, as frozen values; progress, logs, reports, tests and benchmarks listen to them.

The `type` of an event is its class name in snake case. Types and fields are stable: they are the format of `--events`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

from buildgraph.digest import Digest


@dataclass(frozen=True, slots=True)
class BuildStarted:
    """A build begins: what was asked for, with how many workers."""

    requested: tuple[str, ...]
    jobs: int


@dataclass(frozen=True, slots=True)
class GraphLoaded:
    """The build files are known: how many targets and packages, and which packages were evaluated anew."""

    targets: int
    packages: int
    evaluated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetUpToDate:
    """Nothing that the target relies on changed since the last build of this workspace."""

    target: str
    key: Digest | None = None


@dataclass(frozen=True, slots=True)
class TargetHit:
    """The target's result was in a store; `origin` is `local` or `remote`."""

    target: str
    key: Digest
    origin: str = "local"


@dataclass(frozen=True, slots=True)
class TargetCutOff:
    """An ancestor ran, but its outputs are what they were: the target is settled without running."""

    target: str
    key: Digest


@dataclass(frozen=True, slots=True)
class TargetStarted:
    """The target is stale for `reason`, and its action has been handed to the runner."""

    target: str
    key: Digest
    reason: str


@dataclass(frozen=True, slots=True)
class TargetBuilt:
    """The target's action ran to the end and its outputs are in the store. Seconds are wall and CPU."""

    target: str
    key: Digest
    seconds: float
    cpu: float
    size: int


@dataclass(frozen=True, slots=True)
class TargetRetried:
    """An action failed in a way that may pass, and is tried again."""

    target: str
    why: str


@dataclass(frozen=True, slots=True)
class TargetFailed:
    """The target's action failed; `error` is the whole message, `log` the file that holds what it printed."""

    target: str
    code: str
    error: str
    log: str = ""


@dataclass(frozen=True, slots=True)
class TargetSkipped:
    """The target was not tried because `because` failed."""

    target: str
    because: str


@dataclass(frozen=True, slots=True)
class InputsChanged:
    """Files changed while an action that reads them ran: its result is dropped and the build looks again."""

    target: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResultLost:
    """A result's blob was missing or damaged: the record is forgotten and the target runs again."""

    target: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class OutputsWritten:
    """The outputs of a requested target are under the output folder."""

    target: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something is not as it should be, but the build goes on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class BuildFinished:
    """The build is over. Counts are of targets; `seconds` is wall time."""

    targets: int
    built: int
    hit_local: int
    hit_remote: int
    cut_off: int
    up_to_date: int
    failed: int
    skipped: int
    seconds: float
    interrupted: bool = False


class Event(Protocol):
    """Any of the values above: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener that listens to nothing."""


def broadcast(*listeners: Listener) -> Listener:
    """One listener that tells all of `listeners`, in order."""

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return listeners[0] if len(listeners) == 1 else tell


def event_type(event: Event | type) -> str:
    """The stable name of an event's type: `TargetBuilt` is `target_built`."""
    name = event.__name__ if isinstance(event, type) else type(event).__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def as_dict(event: Event) -> dict[str, Any]:
    """An event as plain data, `type` first; digests as text."""
    data: dict[str, Any] = {"type": event_type(event)}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, Digest):
            value = str(value)
        data[field.name] = list(value) if isinstance(value, tuple) else value
    return data
