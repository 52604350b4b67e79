"""What an edit is: a small project before and after a change, and whether a build must notice.

In the texts of a project `app` stands for a package name that is the edit's own, also as the beginning of longer
names (`app_lib`, `APP_MODE`), so that the projects of all edits can lie side by side in one folder. The build asks for
`app.step:answer` with the path of `app/input.txt`. What lies under `site/` is an installed distribution.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

RUN = "must-run"  # the result differs: a tool that does not run is stale
HIT = "must-hit"  # nothing that the step reaches changed its meaning: a tool that runs wastes the work
EITHER = "either"  # the result is the same, but only a proof that no tool makes could say so; shown, never counted

Files = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class State:
    """What a change works on: file texts, environment variables, and files whose time of change moves."""

    files: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()


Step = Callable[[State, State], None]  # changes (before, after)


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    label: str
    why: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit; `package` is what `app` became, and all paths are relative to the folder of all projects."""

    name: str
    group: str
    label: str
    why: str
    package: str
    before: State
    after: State


def must_run(name: str, why: str, *steps: Step) -> Change:
    return Change(name, RUN, why, steps)


def must_hit(name: str, why: str, *steps: Step) -> Change:
    return Change(name, HIT, why, steps)


def either(name: str, why: str, *steps: Step) -> Change:
    return Change(name, EITHER, why, steps)


def swap(path: str, old: str, new: str) -> Step:
    """Replace `old`, which must be there exactly once, in the file at `path`."""

    def step(_: State, after: State) -> None:
        assert after.files[path].count(old) == 1, f"{path} holds {old!r} {after.files[path].count(old)} times"
        after.files[path] = after.files[path].replace(old, new)

    return step


def put(path: str, text: str) -> Step:
    """Write the file, new or over what was there."""
    return lambda _, after: after.files.__setitem__(path, text)


def drop(path: str) -> Step:
    return lambda _, after: after.files.__delitem__(path)


def variable(name: str, before: str, after: str) -> Step:
    """An environment variable of the build."""

    def step(first: State, second: State) -> None:
        first.environment[name] = before
        second.environment[name] = after

    return step


def rewrite(path: str) -> Step:
    """Write the same bytes again: only the time of change moves."""

    def step(_: State, after: State) -> None:
        object.__setattr__(after, "touched", after.touched | {path})

    return step


def family(group: str, files: Files, *changes: Change) -> list[Edit]:
    """The edits of one small project."""
    return [_edit(group, files, change) for change in changes]


def distribution(name: str, version: str, text: str, requires: str = "") -> dict[str, str]:
    """The files of an installed package with one module."""
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    return {
        f"site/{name}.py": text,
        f"site/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"site/{name}-{version}.dist-info/RECORD": f"{name}.py,,\n{name}-{version}.dist-info/METADATA,,\n",
    }


def upgrade(name: str, old: str, new: str, text: str, requires: str = "") -> Step:
    """Replace an installed distribution by another version."""

    def step(_: State, after: State) -> None:
        for path in [path for path in after.files if path.startswith(f"site/{name}-{old}.dist-info/")]:
            del after.files[path]
        after.files.update(distribution(name, new, text, requires))

    return step


def _edit(group: str, files: Files, change: Change) -> Edit:
    before = State({"app/__init__.py": "", "app/input.txt": "3 1 2\n", **files})
    after = State(dict(before.files))
    for step in change.steps:
        step(before, after)
    package = "edit_" + re.sub(r"\W+", "_", change.name.lower()).strip("_")
    return Edit(change.name, group, change.label, change.why, package, _named(before, package), _named(after, package))


def _named(state: State, package: str) -> State:
    def own(text: str) -> str:
        text = re.sub(r"\bapp(?![a-z0-9])", package, text)
        return re.sub(r"\bAPP(?=_)", package.upper(), text)

    return State(
        {own(path): own(text) for path, text in state.files.items()},
        {own(name): value for name, value in state.environment.items()},
        frozenset(own(path) for path in state.touched),
    )
