"""The command group: which commands there are. The module of a command is imported when the command is used."""

from __future__ import annotations

from importlib import import_module

import click

from buildgraph.cli.options import Common, common
from buildgraph.cli.usage import SuggestingGroup

_EPILOG = """Exit codes: 0 ok, 1 a target failed, 2 usage or configuration, 3 --check found something stale, 4 lock not
obtained, 5 remote required but unusable, 6 verification failed, 130 interrupted."""
_HOMES = {
    "build": "build", "status": "build", "explain": "looking", "list": "looking", "graph": "looking", "show": "looking", "log": "looking",
    "check-closure": "checking", "clean": "managing", "doctor": "managing", "init": "managing", "unpack": "managing", "completion": "managing",
    "train": "training", "predict": "training", "model": "models",
}  # fmt: skip


class _Commands(SuggestingGroup):
    """All commands, each imported when somebody asks for it: most runs use one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        home = _HOMES.get(cmd_name)
        if home is None:
            return None
        found = vars(import_module(f"buildgraph.cli.{home}"))
        name = cmd_name.replace("-", "_")
        command: click.Command = found.get(name) or found[f"{name}_"]
        return command


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="buildgraph", message="%(prog)s %(version)s")
@common
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A content-addressed build system: runs what is stale, and nothing else."""
    ctx.ensure_object(Common)
