"""The live display on a terminal: finished targets scroll by, a bar and the running targets stay at the bottom."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from buildgraph.events import (
    Event,
    GraphLoaded,
    TargetBuilt,
    TargetCutOff,
    TargetFailed,
    TargetHit,
    TargetSkipped,
    TargetStarted,
    TargetUpToDate,
)
from buildgraph.report.lines import Lines

_OVER = (TargetBuilt, TargetHit, TargetCutOff, TargetUpToDate, TargetFailed, TargetSkipped)


class Live:
    """A listener that draws; a context manager that leaves the terminal as it was."""

    def __init__(self, *, verbose: bool, color: bool) -> None:
        self._console = Console(no_color=not color, highlight=False)
        columns = (TextColumn("building"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        self._progress = Progress(*columns, console=self._console, transient=True, refresh_per_second=10)
        self._task = self._progress.add_task("", total=None)
        self._lines = Lines(self._print, self._print, verbose=verbose)
        self._running: dict[str, None] = {}

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        self._lines(event)
        if isinstance(event, GraphLoaded):
            self._progress.update(self._task, total=event.targets)
        elif isinstance(event, TargetStarted):
            self._running[event.target] = None
            self._name_running()
        elif isinstance(event, _OVER):
            self._running.pop(event.target, None)
            self._name_running()
            self._progress.advance(self._task)

    def _name_running(self) -> None:
        names = list(self._running)
        more = f" +{len(names) - 2}" if len(names) > 2 else ""
        self._progress.update(self._task, description=", ".join(names[:2]) + more)

    def _print(self, text: str) -> None:
        style = "red" if text.startswith("error") else "yellow" if text.startswith("warning") else ""
        self._console.print(escape(text), style=style or None, soft_wrap=True)
