"""The command group: which commands there are."""

from __future__ import annotations

import click

from buildgraph.cli.build import build, status
from buildgraph.cli.checking import check_closure
from buildgraph.cli.looking import explain, graph, list_, log, show
from buildgraph.cli.managing import clean, completion, doctor, init, unpack
from buildgraph.cli.options import Common, common
from buildgraph.cli.usage import SuggestingGroup

_EPILOG = """Exit codes: 0 ok, 1 a target failed, 2 usage or configuration, 3 --check found something stale, 4 lock not
obtained, 5 remote required but unusable, 6 verification failed, 130 interrupted."""


@click.group(cls=SuggestingGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="buildgraph", message="%(prog)s %(version)s")
@common
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A content-addressed build system: runs what is stale, and nothing else."""
    ctx.ensure_object(Common)


for command in (build, status, explain, list_, graph, show, log, check_closure, clean, doctor, init, unpack, completion):
    cli.add_command(command)
