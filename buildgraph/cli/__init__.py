"""The command line: parse, call the workspace, print. The only place that reads the environment, and that prints."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # an unchanged build does without typing, which costs as much as starting Python
if TYPE_CHECKING:
    from buildgraph.errors import BuildgraphError


def main() -> None:
    """The console script: answers for an unchanged workspace, else runs the command line."""
    gc.disable()  # a short-lived process of ours: looking for cycles would cost a large build a tenth of its time
    from buildgraph.cli.quick import answer

    try:
        if answer(sys.argv[1:]):
            sys.stdout.flush()
            os._exit(0)  # nothing is open, and taking a large process apart takes as long as its work
    except BrokenPipeError:
        os._exit(0)
    full()


def full() -> None:
    """The full command line: turns errors into messages and exit codes."""
    from buildgraph.errors import BuildgraphError

    debug = "--debug" in sys.argv
    try:
        from buildgraph.cli.root import cli

        status = cli.main(prog_name="buildgraph", standalone_mode=False)
        sys.stdout.flush()
        leave(status if isinstance(status, int) else 0)
    except BuildgraphError as error:
        complain(error, debug)
        leave(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        leave(130)
    except BrokenPipeError:  # whoever read our output has gone: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        leave(0)
    except Exception as error:  # noqa: BLE001 - the last resort: one message for our own bugs
        _other(error, debug)


def complain(error: BuildgraphError, debug: bool) -> None:
    """Show an error; its traceback only to those who ask for it."""
    if debug:
        import traceback

        traceback.print_exception(error)
    print(error.render(), file=sys.stderr)


def leave(status: int) -> None:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    gc.freeze()  # nothing is left to be found in a last look for cycles
    sys.exit(status)


def _has_current_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _other(error: Exception, debug: bool) -> None:
    import click

    from buildgraph.cli.usage import as_usage_error
    from buildgraph.errors import UsageError

    if isinstance(error, click.exceptions.Exit):
        leave(error.exit_code)
    if isinstance(error, click.Abort):
        print("interrupted", file=sys.stderr)
        leave(130)
    if isinstance(error, click.ClickException):
        complain(as_usage_error(error), debug)
        leave(2)
    if isinstance(error, FileNotFoundError) and not _has_current_folder():
        gone = UsageError("the current folder does not exist any more", code="BG005", why="paths start from it, and somebody has removed it", fix="go into a folder that exists, or name one with -C")
        complain(gone, debug)
        leave(gone.exit_code)
    if isinstance(error, OSError) and error.filename:
        from buildgraph.errors import MachineError

        complain(MachineError(f"'{error.filename}': {error.strerror}", code="BG092", why="the system refused", fix="check the path, its permissions and the space on its disk"), debug)
        leave(2)
    if debug:
        raise error
    print(f"error[BG999]: buildgraph itself failed: {type(error).__name__}: {error}", file=sys.stderr)
    print("  why: this is a mistake of ours, not of yours; nothing that was stored is harmed", file=sys.stderr)
    print("  fix: run it again with --debug and report what it prints", file=sys.stderr)
    leave(1)
