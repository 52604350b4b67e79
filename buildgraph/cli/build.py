"""`build` and `status`: bring targets up to date, or say what that would take."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TextIO

import click

from buildgraph.cli.options import Common, LabelsCommand, common, labels
from buildgraph.errors import Interrupted, UsageError
from buildgraph.events import Event, Listener, broadcast, ignore
from buildgraph.facts import request_of
from buildgraph.report.lines import Lines
from buildgraph.standing import Wish
from buildgraph.workspace import BuildReport, Workspace, plain


@click.command(cls=LabelsCommand)
@labels
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), metavar="N", help="Run N actions at once (default: one per processor).")
@click.option("-k", "--keep-going", is_flag=True, default=None, help="After a failure, go on with what does not need it.")
@click.option("-f", "--force", multiple=True, is_flag=False, flag_value="", metavar="[LABEL]", help="Run targets even if nothing changed: all, or those of LABEL.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would run, and why.")
@click.option("--runner", type=click.Choice(["pool", "inline"]), help="Where actions run: in worker processes, or in this one to debug.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@click.option("--events", metavar="FILE", help="Write every event to FILE, a JSON object a line.")
@click.option("--no-wait", is_flag=True, help="Exit with 4 instead of waiting for another build of this workspace.")
@click.option("--no-deep-keys", is_flag=True, help="Judge every target by its own key.")
@common
@click.pass_obj
def build(
    common_: Common, labels: tuple[str, ...], jobs: int | None, keep_going: bool | None, force: tuple[str, ...], dry_run: bool, runner: str | None,
    as_json: bool, events: str | None, no_wait: bool, no_deep_keys: bool,
) -> int:  # fmt: skip
    """Bring LABELS up to date: //pkg:name, :name, //pkg, //pkg/..., //..., -//excluded. Default: everything."""
    with ExitStack() as open_:
        listeners: list[Listener] = [_event_file(events, open_)] if events else []
        workspace = common_.workspace(jobs=jobs, runner=runner, listen=lambda event: tell(event))
        listeners.append(_display(common_, workspace, as_json, dry_run, open_))
        tell = broadcast(*listeners)
        forced = True if "" in force else force
        plain_call = not (jobs or keep_going or force or dry_run or runner or events or no_wait or no_deep_keys)
        wish = _wish(common_, labels, as_json=as_json) if plain_call else None
        try:
            report = workspace.build(labels, keep_going=keep_going, force=forced, dry_run=dry_run, wait=not no_wait, deep_keys=not no_deep_keys, wish=wish)
        except Interrupted:
            open_.close()
            raise
    _print(report, as_json=as_json, quiet=common_.quiet)
    return _exit_code(report)


def _exit_code(report: BuildReport) -> int:
    """1 when a target failed; the code of the error itself when it is the graph or the machine that is wrong."""
    codes = {error.exit_code for error in report.errors.values()}
    return 0 if not codes else codes.pop() if len(codes) == 1 and codes != {6} else 1


def _print(report: BuildReport, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        import json

        print(json.dumps(plain(report), ensure_ascii=False))
    elif not quiet:
        print(_outputs(report) + report.line())


def _outputs(report: BuildReport) -> str:
    """A line for each target with outputs, if they are few."""
    few = {label: paths for label, paths in report.outputs.items() if paths} if len(report.outputs) <= 20 else {}
    return "".join(f"  {label}  {paths[0]}" + (f" (and {len(paths) - 1} more)" if len(paths) > 1 else "") + "\n" for label, paths in few.items())


def _wish(common_: Common, labels: tuple[str, ...], *, as_json: bool) -> Wish | None:
    """The wish that the answer may stand, for a command line without anything unusual (which `quick.py` reads, too)."""
    if set(common_.given) - {"directory", "store", "quiet"}:
        return None
    store = os.path.abspath(common_.given["store"]) if "store" in common_.given else ""
    start = common_.folder()
    return Wish(request_of("json" if as_json else "text", start, store, list(labels)), start, _json_around if as_json else _text_around)


def _text_around(report: BuildReport) -> tuple[str, str]:
    return f"{_outputs(report)}{report.summary()} in ", " s\n"


def _json_around(report: BuildReport) -> tuple[str, str]:
    import json

    before, name, after = json.dumps(plain(report), ensure_ascii=False).partition('"seconds": ')
    return before + name, after[after.index(",") :] + "\n"


def _event_file(path: str, open_: ExitStack) -> Listener:
    from buildgraph.report.stream import EventLog

    try:
        return EventLog(open_.enter_context(open(path, "w", encoding="utf-8", errors="backslashreplace")))
    except OSError as error:
        raise UsageError(f"the event log '{path}' cannot be written: {error.strerror}", code="BG006", why="--events names a file to write", fix="name another file") from None


def _display(common_: Common, workspace: Workspace, as_json: bool, dry_run: bool, open_: ExitStack) -> Listener:
    terminal = sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    if dry_run:
        return _DryRun(sys.stderr if as_json else sys.stdout)
    if terminal and not (as_json or common_.quiet):
        from buildgraph.report.live import Live  # pipes and scripts do not pay for it

        return open_.enter_context(Live(verbose=common_.verbose, color=common_.color(workspace, terminal=True)))
    out = sys.stderr if as_json else sys.stdout
    return Lines(lambda text: print(text, file=out), lambda text: print(text, file=sys.stderr), verbose=common_.verbose, quiet=common_.quiet or (as_json and not common_.verbose))


class _DryRun:
    """Says what would run."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._other = Lines(lambda _text: None, lambda text: print(text, file=sys.stderr))

    def __call__(self, event: Event) -> None:
        from buildgraph.events import TargetStarted

        if isinstance(event, TargetStarted):
            print(f"  would run  {event.target}  ({event.reason})", file=self._out)
        else:
            self._other(event)


@click.command(cls=LabelsCommand)
@labels
@click.option("--check", is_flag=True, help="Exit with 3 when something is stale.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@common
@click.pass_obj
def status(common_: Common, labels: tuple[str, ...], check: bool, as_json: bool) -> int:
    """Say what is stale, and why. Runs nothing."""
    complain = Lines(lambda _text: None, lambda text: print(text, file=sys.stderr), quiet=True)
    found = common_.workspace(listen=ignore if as_json else complain).status(labels)
    counts: dict[str, int] = {}
    for each in found:
        counts[each.state] = counts.get(each.state, 0) + 1
    if as_json:
        import json

        print(json.dumps({"targets": {each.label: {"state": each.state, "reason": each.reason} for each in found}, "counts": counts}, ensure_ascii=False))
    else:
        for each in found:
            if each.state in ("stale", "undetermined", "failed") or common_.verbose:
                print(f"  {_WORDS.get(each.state, each.state):<12} {each.label}" + (f"  ({each.reason})" if each.reason else ""))
        said = ", ".join(f"{count} {_WORDS.get(state, state)}" for state, count in counts.items())
        print(f"{len(found)} target{'' if len(found) == 1 else 's'}: {said or 'nothing to do'}")
    if any(each.state == "failed" for each in found):
        return 2
    return 3 if check and any(each.state in ("stale", "undetermined") for each in found) else 0


_WORDS = {"hit_local": "hit", "up_to_date": "up to date", "cut_off": "cut off"}


