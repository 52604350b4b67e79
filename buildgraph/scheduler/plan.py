"""The plan: what may run next. A pure state machine over names; it knows no file, no clock, no store.

WAITING ──all parents settled──▶ READY ──take──▶ RUNNING ──┬──▶ FRESH    settled without running
   │                                                      ├──▶ BUILT    settled by running
   └──an ancestor failed──▶ SKIPPED                        └──▶ FAILED
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, Mapping

from buildgraph.graph import children_of


class State(enum.Enum):
    WAITING = enum.auto()
    READY = enum.auto()
    RUNNING = enum.auto()
    FRESH = enum.auto()
    BUILT = enum.auto()
    FAILED = enum.auto()
    SKIPPED = enum.auto()


SETTLED = (State.FRESH, State.BUILT)  # tuples: comparing identities is cheaper than hashing members
OVER = (*SETTLED, State.FAILED, State.SKIPPED)


class Plan:
    """The state of every target of one build. Parents outside `needs` count as settled."""

    def __init__(self, needs: Mapping[str, Iterable[str]]) -> None:
        parents = {name: [each for each in dict.fromkeys(given) if each in needs] for name, given in needs.items()}
        self._children = children_of(parents)
        self._missing = {name: len(known) for name, known in parents.items()}
        self._ready = deque(name for name, count in self._missing.items() if not count)
        self._states = {name: State.READY if not count else State.WAITING for name, count in self._missing.items()}
        self._open = len(self._states)

    @property
    def done(self) -> bool:
        """Whether every target is over."""
        return not self._open

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    def state(self, name: str) -> State:
        return self._states[name]

    def take(self) -> str:
        """The next ready target; it is RUNNING from now on. Raises IndexError when none is ready."""
        name = self._ready.popleft()
        self._set(name, State.RUNNING)
        return name

    def settle(self, name: str, state: State) -> None:
        """The target has its result; children whose parents all have theirs become ready."""
        assert state in SETTLED, state
        self._set(name, state)
        for child in self._children.get(name, ()):
            self._missing[child] -= 1
            if not self._missing[child] and self._states[child] is State.WAITING:
                self._set(child, State.READY)
                self._ready.append(child)

    def fail(self, name: str) -> list[str]:
        """The target has no result; returns its descendants, which are skipped now."""
        self._set(name, State.FAILED)
        skipped = []
        pending = [name]
        while pending:
            for child in self._children.get(pending.pop(), ()):
                if self._states[child] is State.WAITING:
                    self._set(child, State.SKIPPED)
                    skipped.append(child)
                    pending.append(child)
        return skipped

    def abandon(self) -> list[str]:
        """Start nothing more: everything that is not running or over is skipped now, and returned."""
        self._ready.clear()
        skipped = [name for name, state in self._states.items() if state in (State.WAITING, State.READY)]
        for name in skipped:
            self._set(name, State.SKIPPED)
        return skipped

    def _set(self, name: str, state: State) -> None:
        """The one door through which a state changes."""
        assert self._states[name] not in OVER, f"{name} is over already: {self._states[name]}"
        self._states[name] = state
        if state in OVER:
            self._open -= 1
