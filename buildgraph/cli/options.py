"""Options that all commands share, before or after the command's name, and the workspace they lead to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from buildgraph.errors import UsageError
from buildgraph.events import Listener, ignore
from buildgraph.schema import GRANULARITIES
from buildgraph.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Common:
    """What the shared options say; a command's own come after the group's and win."""

    given: dict[str, Any] = field(default_factory=dict)

    @property
    def quiet(self) -> bool:
        return bool(self.given.get("quiet"))

    @property
    def verbose(self) -> bool:
        return bool(self.given.get("verbose"))

    def folder(self) -> str:
        """The folder to work in: -C, or the current one. Raises UsageError (BG005)."""
        folder = os.path.abspath(str(self.given.get("directory") or os.getcwd()))
        if not os.path.isdir(folder):
            raise UsageError(f"there is no folder '{folder}'", code="BG005", why="-C names the folder to work in", fix="correct the path")
        return folder

    def workspace(self, *, jobs: int | None = None, runner: str | None = None, listen: Listener = ignore) -> Workspace:
        """The workspace of this command. Raises UsageError (BG012)."""
        store, granularity, strict = (self.given.get(name) for name in ("store", "granularity", "strict"))
        return Workspace(
            self.folder(), store=store, jobs=jobs, runner=runner, granularity=granularity, strict=strict, environment=dict(os.environ), listen=listen
        )

    def color(self, workspace: Workspace, *, terminal: bool) -> bool:
        wanted = workspace.settings.color
        return wanted == "always" or (wanted == "auto" and terminal and not os.environ.get("NO_COLOR"))


def common(function: F) -> F:
    """Add the shared options to a command and collect what they say in the context's `Common`."""

    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value:
            ctx.ensure_object(Common).given[str(param.name)] = value

    options: list[Any] = [
        click.option("-C", "directory", metavar="DIR", help="Work in DIR.", expose_value=False, callback=keep),
        click.option("--store", metavar="DIR", help="Keep results in DIR.", expose_value=False, callback=keep),
        click.option("--granularity", type=click.Choice(GRANULARITIES), help="How code counts, for targets that do not say.", expose_value=False, callback=keep),
        click.option("--strict", is_flag=True, help="Refuse code that cannot be resolved by reading.", expose_value=False, callback=keep),
        click.option("-q", "--quiet", is_flag=True, help="Say only what goes wrong.", expose_value=False, callback=keep),
        click.option("-v", "--verbose", is_flag=True, help="Say what happens to every target.", expose_value=False, callback=keep),
        click.option("--debug", is_flag=True, help="Show tracebacks.", expose_value=False, callback=keep),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def complete_labels(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Shell completion of labels; silent when the workspace cannot be loaded."""
    try:
        graph = ctx.ensure_object(Common).workspace().graph([], wait=False)
    except Exception:  # noqa: BLE001 - completion must never disturb the shell
        return []
    return [label for label, node in graph.schema.nodes.items() if label.startswith(incomplete) and not node.is_implicit]


class LabelsCommand(click.Command):
    """A command that takes labels: a word such as -//excluded is one of them and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        excluded = [word for word in args[:end] if word.startswith(("-//", "-:"))]
        rest = super().parse_args(ctx, [word for word in args[:end] if word not in excluded] + args[end:])
        ctx.params["labels"] = (*ctx.params["labels"], *excluded)
        return rest


labels = click.argument("labels", nargs=-1, shell_complete=complete_labels)
one_label = click.argument("label", shell_complete=complete_labels)
