"""The closure of modules: everything that an entry point's module imports, whether it uses it or not."""

from __future__ import annotations

from collections.abc import Iterable

from buildgraph.code.module import Module
from buildgraph.code.project import Project


def close_modules(project: Project, entry: str, *, whole_package: bool = False) -> dict[str, Module]:
    """The modules that importing `entry` and calling anything in it may import, by name.

    `whole_package` adds every module of its top-level package. Raises the error of a broken module.
    """
    reached: dict[str, Module] = {}
    parts = entry.split(".")
    _reach(project, [".".join(parts[:count]) for count in range(1, len(parts) + 1)], reached, strict=True)
    if whole_package:
        _reach(project, project.below(parts[0]), reached, strict=False)
    done: set[str] = set()
    while packages := {name for module in reached for name in project.links(module).widens} - done:
        done |= packages
        for name in packages:
            _reach(project, project.below(name), reached, strict=False)
    return reached


def _reach(project: Project, names: Iterable[str], reached: dict[str, Module], *, strict: bool) -> None:
    """Adds `names` and all that they lead to. A module that does not parse is an error only when `strict`."""
    stack = list(names)
    while stack:
        name = stack.pop()
        if name in reached:
            continue
        module = project.module(name)
        if strict and module.broken:
            raise module.broken
        reached[name] = module
        links = project.links(name)
        stack += links.reaches
        for package in links.stars:
            stack += project.starred(package)
