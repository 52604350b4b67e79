"""What tests of workspaces use: a listener that remembers, and a workspace in a folder, edited and built in turn.

    workspace = TemporaryWorkspace(tmp_path / "ws", store=tmp_path / "store")
    workspace.write({"BUILD.py": ..., "data.txt": "hello"})
    assert workspace.build().ran == ["//:upper"]
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from buildgraph.events import (
    Event,
    Listener,
    TargetBuilt,
    TargetCutOff,
    TargetFailed,
    TargetHit,
    TargetSkipped,
    TargetStarted,
    TargetUpToDate,
    broadcast,
    event_type,
    ignore,
)
from buildgraph.label import split
from buildgraph.workspace import BuildReport, TargetStatus, Workspace

_STATUS = (TargetBuilt, TargetHit, TargetCutOff, TargetUpToDate, TargetFailed, TargetSkipped)
E = TypeVar("E", bound=Event)


class Recorder:
    """A listener that keeps every event, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """The events of one type."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ran(self) -> list[str]:
        """The targets whose actions ran to the end, in that order; one that ran twice is there twice."""
        return [event.target for event in self.of(TargetBuilt)]

    @property
    def reasons(self) -> dict[str, str]:
        """Why the targets that were started were stale."""
        return {event.target: event.reason for event in self.of(TargetStarted)}

    @property
    def statuses(self) -> dict[str, str]:
        """The last thing that happened to each target: built, hit, cut_off, up_to_date, failed or skipped."""
        return {
            event.target: event_type(event).removeprefix("target_")
            for event in self.events
            if isinstance(event, _STATUS)
        }


@dataclass(frozen=True, slots=True)
class Built:
    """One build: its report, and what was heard of it."""

    report: BuildReport
    heard: Recorder

    @property
    def ran(self) -> list[str]:
        return self.heard.ran

    @property
    def ok(self) -> bool:
        return self.report.ok

    def error(self, label: str) -> str:
        """The whole message with which `label` failed."""
        return self.report.errors[label].render()


@dataclass(slots=True)
class TemporaryWorkspace:
    """A workspace in the folder `root`, built with the store in the folder `store`; both are made when needed."""

    root: Path
    store: Path
    runner: str = "inline"
    jobs: int = 2
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / "buildgraph.toml").exists():
            self.write({"buildgraph.toml": ""})

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write `files`, by path relative to the root; folders are made."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read(self, name: str) -> str:
        return (self.root / name).read_text("utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old`, which must be in the file exactly once."""
        text = self.read(name)
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        self.write({name: text.replace(old, new)})

    def remove(self, name: str) -> None:
        path = self.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def workspace(self, listen: Listener = ignore) -> Workspace:
        return Workspace(
            self.root, store=self.store, jobs=self.jobs, runner=self.runner, environment=self.environment, listen=listen
        )

    def build(self, *labels: str, listen: Listener = ignore, **options: Any) -> Built:
        """Build; `options` are those of `Workspace.build`."""
        recorder = Recorder()
        report = self.workspace(broadcast(recorder, listen)).build(labels, **options)
        return Built(report, recorder)

    def status(self, *labels: str) -> dict[str, TargetStatus]:
        return {each.label: each for each in self.workspace().status(labels)}

    def output(self, label: str, name: str = "value.json") -> Path:
        """Where a file of the target `label` appears."""
        package, target = split(label)
        return self.root / "build" / package / target / name

    def outputs(self, labels: Sequence[str]) -> dict[str, dict[str, bytes]]:
        """All that is in the output folders of `labels`: bytes by path, links as the path they point to."""
        return {label: _content(self.output(label, ".")) for label in labels}

    def copy(self, root: Path, store: Path) -> TemporaryWorkspace:
        """The same sources in another folder, without what builds left behind."""
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns("build", ".buildgraph"))
        return TemporaryWorkspace(root, store, self.runner, self.jobs, self.environment)

    def move(self, root: Path) -> None:
        """Move the whole folder, outputs and ledger included."""
        os.rename(self.root, root)
        self.root = root


def _content(folder: Path) -> dict[str, bytes]:
    found = {}
    for here, folders, names in os.walk(folder):
        for name in [*names, *(each for each in folders if os.path.islink(os.path.join(here, each)))]:
            path = os.path.join(here, name)
            content = os.fsencode(os.readlink(path)) if os.path.islink(path) else Path(path).read_bytes()
            found[os.path.relpath(path, folder)] = content
    return found
