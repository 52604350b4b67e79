"""`check-closure`: prove on one target that its fingerprint covers what it uses."""

from __future__ import annotations

import json
import sys

import click

from buildgraph.cli.options import Common, common, one_label
from buildgraph.errors import VerificationError
from buildgraph.report.lines import Lines


@click.command("check-closure")
@one_label
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@common
@click.pass_obj
def check_closure(common_: Common, label: str, as_json: bool) -> int:
    """Run LABEL under observation: exit with 6 when it uses code or files that its fingerprint does not cover.

    What it needs is built first. LABEL itself runs once more, and the result is thrown away.
    """
    from buildgraph.cli import complain
    from buildgraph.cli.looking import full_label
    from buildgraph.soundness import as_data

    out = sys.stderr if as_json else sys.stdout
    tell = Lines(lambda text: print(text, file=out), lambda text: print(text, file=sys.stderr), verbose=common_.verbose, quiet=common_.quiet or as_json)
    workspace = common_.workspace(listen=tell)
    found = workspace.check_closure(full_label(workspace, label))
    if as_json:
        print(json.dumps(as_data(found), ensure_ascii=False))
    elif not common_.quiet or not found.ok:
        print(f"{found.label}: {found.line()}")
    if found.ok:
        return 0
    if not as_json:
        sys.stdout.flush()
        complain(found.error(), debug=False)
    return VerificationError.exit_code
