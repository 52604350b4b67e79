"""What can be wrong with an entry point or the code behind it, in the words of the person who wrote it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from buildgraph.code.finder import Finder
from buildgraph.errors import MachineError, Place, UsageError, nearest


def not_an_entry_point(entry_point: str) -> UsageError:
    return UsageError(
        f"'{entry_point}' does not name a function or a class",
        code="BG103",
        why="code is named by its module and its name there, so that it can be found without running anything",
        fix="write it as 'package.module:name', such as 'training.steps:split'",
    )


def no_such_module(name: str, finder: Finder) -> UsageError:
    parent = name.rpartition(".")[0]
    package = finder.find(parent) if parent else None
    while parent and package is None:
        parent = parent.rpartition(".")[0]
        package = finder.find(parent) if parent else None
    places = package.folders if package else ((finder.root, ""),)
    known = [f"{parent}.{last}" if parent else last for last in finder.modules_in(places)]
    missing = ".".join(name.split(".")[: parent.count(".") + 2]) if parent else name.partition(".")[0]
    where = shown(places[0][0], finder.root) if parent and places else parent or "the workspace root"
    return UsageError(
        f"there is no module '{missing}'",
        code="BG100",
        facts=(("looked in", where if parent else f"{where}, then the installed packages"),),
        why="modules are found from the workspace root first, then among the installed packages",
        fix=nearest(missing, sorted(known)) or "create it, install the package that has it, or correct the name",
    )


def no_such_name(entry_point: str, path: str, known: Iterable[str]) -> UsageError:
    module, _, name = entry_point.partition(":")
    first = name.partition(".")[0]
    return UsageError(
        f"module '{module}' defines no '{first}'",
        code="BG102",
        where=Place(path),
        why="the name behind the colon must be defined, assigned or imported at the top level of the module",
        fix=nearest(first, sorted(known)) or f"define '{first}' in {path}, or correct the name",
    )


def not_python(path: str, error: SyntaxError) -> UsageError:
    return UsageError(
        f"{path} is not valid Python: {error.msg}",
        code="BG101",
        where=Place(path, error.lineno or 0, text=error.text or ""),
        why="a module that a target reaches must parse, because its code is part of the target's fingerprint",
        fix="correct the line",
    )


def unreadable(path: str, error: OSError) -> MachineError:
    return MachineError(
        f"cannot read {path}: {error.strerror or error}",
        code="BG104",
        where=path,
        why="the content of every module that a target reaches is part of the target's fingerprint",
        fix="make the file readable, or build again if it was being replaced",
    )


def shown(path: str, root: str) -> str:
    """A path as the user knows it: from the workspace root when it lies there."""
    return os.path.relpath(path, root) if f"{path}/".startswith(f"{root}/") else path


def unresolved(entry_point: str, notes: Sequence[str]) -> UsageError:
    return UsageError(
        f"the code of '{entry_point}' cannot be resolved by reading",
        code="BG105",
        facts=tuple(("note", note) for note in notes[:5]),
        why="strict code digests take nothing on trust: a name known only at run time may lead anywhere",
        fix="import by a literal name, list what it leads to in extra_code, or leave strict out",
    )
