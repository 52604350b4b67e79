"""Plain lines for logs and pipes: one per target that ran or failed; with `verbose`, one for every target."""

from __future__ import annotations

from collections.abc import Callable

from buildgraph.events import (
    Event,
    InputsChanged,
    ResultLost,
    TargetBuilt,
    TargetCutOff,
    TargetFailed,
    TargetHit,
    TargetRetried,
    TargetSkipped,
    TargetStarted,
    TargetUpToDate,
    Warned,
)

Write = Callable[[str], None]


class Lines:
    """Writes lines for events: what happens to `say`, what goes wrong to `complain`."""

    def __init__(self, say: Write, complain: Write, *, verbose: bool = False, quiet: bool = False) -> None:
        self._say = say
        self._complain = complain
        self._verbose = verbose
        self._quiet = quiet
        self._reasons: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        kind = type(event)
        if kind is TargetFailed:
            assert isinstance(event, TargetFailed)
            self._complain(event.error)
            if event.log:
                self._complain(f"  log: {event.log}")
        elif kind is Warned:
            assert isinstance(event, Warned)
            self._complain(f"warning[{event.code}]: {event.message}")
        elif not self._quiet:
            line = self._line(event)
            if line:
                self._say(line)

    def _line(self, event: Event) -> str:
        if isinstance(event, TargetStarted):
            self._reasons[event.target] = event.reason
            return ""
        if isinstance(event, TargetBuilt):
            return f"  built      {event.target}  {event.seconds:.2f} s  ({self._reasons.pop(event.target, '')})"
        if isinstance(event, InputsChanged):
            return f"  again      {event.target}  {event.paths[0]} changed while it ran"
        if isinstance(event, ResultLost):
            return f"  again      {event.target}  a stored blob ({event.digest.short}) is lost or damaged"
        if isinstance(event, TargetRetried):
            return f"  retry      {event.target}  {event.why}"
        if isinstance(event, TargetSkipped):
            return f"  skipped    {event.target}  ({event.because} failed)" if self._verbose else ""
        if isinstance(event, TargetCutOff):
            return f"  cut off    {event.target}  (its inputs came out as before)"
        if self._verbose and isinstance(event, TargetHit):
            return f"  hit        {event.target}  ({event.origin})"
        if self._verbose and isinstance(event, TargetUpToDate):
            return f"  up to date {event.target}"
        return ""
