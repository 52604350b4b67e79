"""Everything that happens in a build, as frozen values; progress, logs, reports, tests and benchmarks listen to them.

The `type` of an event is its class name in snake case. Types and fields are stable: they are the format of `--events`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from buildgraph.digest import Digest


class BuildStarted(NamedTuple):
    """A build begins: what was asked for, with how many workers."""

    requested: tuple[str, ...]
    jobs: int


class GraphLoaded(NamedTuple):
    """The build files are known: how many targets and packages, and which packages were evaluated anew."""

    targets: int
    packages: int
    evaluated: tuple[str, ...]


class TargetUpToDate(NamedTuple):
    """Nothing that the target relies on changed since the last build of this workspace."""

    target: str
    key: Digest | None = None


class TargetHit(NamedTuple):
    """The target's result was in a store; `origin` is `local` or `remote`."""

    target: str
    key: Digest
    origin: str = "local"


class TargetCutOff(NamedTuple):
    """An ancestor ran, but its outputs are what they were: the target is settled without running."""

    target: str
    key: Digest


class TargetStarted(NamedTuple):
    """The target is stale for `reason`, and its action has been handed to the runner."""

    target: str
    key: Digest
    reason: str


class TargetBuilt(NamedTuple):
    """The target's action ran to the end and its outputs are in the store. Seconds are wall and CPU."""

    target: str
    key: Digest
    seconds: float
    cpu: float
    size: int


class TargetRetried(NamedTuple):
    """An action failed in a way that may pass, and is tried again."""

    target: str
    why: str


class TargetFailed(NamedTuple):
    """The target's action failed; `error` is the whole message, `log` the file that holds what it printed."""

    target: str
    code: str
    error: str
    log: str = ""


class TargetSkipped(NamedTuple):
    """The target was not tried because `because` failed."""

    target: str
    because: str


class InputsChanged(NamedTuple):
    """Files changed while an action that reads them ran: its result is dropped and the build looks again."""

    target: str
    paths: tuple[str, ...]


class ResultLost(NamedTuple):
    """A result's blob was missing or damaged: the record is forgotten and the target runs again."""

    target: str
    digest: Digest


class OutputsWritten(NamedTuple):
    """The outputs of a requested target are under the output folder."""

    target: str
    paths: tuple[str, ...]


class Warned(NamedTuple):
    """Something is not as it should be, but the build goes on."""

    code: str
    message: str


class BuildFinished(NamedTuple):
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
    """Any of the values above: a named tuple, because making one class of those is eight times cheaper at every start."""

    def _asdict(self) -> dict[str, Any]: ...


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
    for name, value in event._asdict().items():
        shown = str(value) if isinstance(value, Digest) else value
        data[name] = list(shown) if isinstance(shown, tuple) else shown
    return data
