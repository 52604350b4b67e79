"""`train` and `predict`: from a project's files to a model, and from a model to what it finds in texts."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Sequence

import click

from buildgraph.cli.options import Common, common
from buildgraph.errors import UsageError
from buildgraph.events import Event, TargetFailed
from buildgraph.report.lines import Lines


def _finite(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value


@click.command()
@click.option("-c", "--config", default="config.yml", show_default=True, metavar="FILE", help="The pipeline, and what else the recipe reads.")
@click.option("--data", multiple=True, default=("data",), show_default=True, metavar="PATH", help="Training data: a file or a folder; may be repeated.")
@click.option("-d", "--domain", metavar="PATH", help="The domain: a file or a folder.  [default: domain.yml, or domain/]")
@click.option("--out", default="models", show_default=True, metavar="DIR", help="The folder for the model.")
@click.option("--name", metavar="NAME", help="Call the model NAME.tar.gz (default: by time and content).")
@click.option("-f", "--force", is_flag=True, help="Train everything, whatever changed.")
@click.option("--finetune", is_flag=False, flag_value="", metavar="[ARCHIVE]", help="Go on from ARCHIVE (default: the youngest in the output folder).")
@click.option("--epoch-fraction", type=click.FloatRange(0, min_open=True), default=1.0, callback=_finite, metavar="F", help="Fine-tune for this part of the configured epochs.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be trained. Exits with 0 for nothing, bit 1: something, bit 8: forced.")
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), metavar="N", help="Train N components at once (default: one per processor).")
@click.option("--runner", type=click.Choice(["pool", "inline"]), default="pool", help="Where components run: in worker processes, or in this one to debug.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@common
@click.pass_obj
def train(
    common_: Common, config: str, data: tuple[str, ...], domain: str | None, out: str, name: str | None, force: bool, finetune: str | None,
    epoch_fraction: float, dry_run: bool, jobs: int | None, runner: str, as_json: bool,
) -> int:  # fmt: skip
    """Train a model from a project's configuration, data and domain; what did not change is taken from the cache."""
    from buildgraph.trainer.cache import LocalTrainingCache
    from buildgraph.trainer.project import Project
    from buildgraph.trainer.project import train as train_project
    from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner

    folder = common_.folder()
    sys.path.insert(0, folder)  # a pipeline can name classes of the project
    environment = dict(os.environ)
    if store := common_.given.get("store"):
        environment["BUILDGRAPH_STORE"] = os.path.abspath(store)
        environment.pop("BUILDGRAPH_CACHE_DIRECTORY", None)

    def path(text: str) -> str:
        return text if os.path.isabs(text) else os.path.relpath(os.path.join(folder, text))

    if domain is None:
        domain = next((each for each in ("domain.yml", "domain.yaml", "domain") if os.path.exists(path(each))), None)
    display = _Progress(quiet=common_.quiet or as_json, verbose=common_.verbose)
    project = Project(path(config), domain and path(domain), [path(each) for each in data])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be ended is to be interrupted: nothing is left behind
    result = train_project(
        project, path(out), dry_run=dry_run, force_training=force, fixed_model_name=name,
        model_to_finetune=None if finetune is None else path(finetune or out), finetuning_epoch_fraction=epoch_fraction,
        cache=LocalTrainingCache(environment=environment), graph_runner_class=InlineRunner if runner == "inline" else ProcessPoolRunner,
        environment=environment, jobs=jobs or 0, listen=display,
    )  # fmt: skip
    if result.dry_run_results is not None:
        _show_dry_run(result.dry_run_results, as_json=as_json, code=result.code, quiet=common_.quiet, verbose=common_.verbose)
        return result.code
    if as_json:
        import json

        model = result.metadata.model_id if result.metadata else None
        print(json.dumps({"model": result.model and os.path.abspath(result.model), "model_id": model, "code": result.code, "nodes": display.status}, ensure_ascii=False))
    elif result.model and not common_.quiet:
        print(display.line())
        if result.config_written:
            print(f"{path(config)}: the pipeline that was used is written there now, as comments")
        print(os.path.relpath(result.model))
    return result.code


def _show_dry_run(found: object, *, as_json: bool, code: int, quiet: bool, verbose: bool) -> None:
    from buildgraph.trainer.status import FingerprintStatus

    assert isinstance(found, dict)
    rows = {name: each for name, each in found.items() if isinstance(each, FingerprintStatus)}
    if as_json:
        import json

        nodes = {name: {"state": each.state, "reason": each.reason, "output_fingerprint": each.output_fingerprint} for name, each in rows.items()}
        print(json.dumps({"code": code, "nodes": nodes}, ensure_ascii=False))
    elif not quiet:
        for name, each in rows.items():
            if verbose or not each.is_hit:
                print(f"  {each.state:<12} {name}" + (f"  ({each.reason})" if each.reason else ""))
        stale = sum(not each.is_hit for each in rows.values())
        print(f"{len(rows)} node{'' if len(rows) == 1 else 's'}: {stale} would be trained" if stale else f"{len(rows)} nodes: nothing to train")


class _Progress:
    """Says what is trained, and counts."""

    _WORDS = {  # noqa: RUF012 - a constant
        "target_built": "built", "target_hit": "hit", "target_up_to_date": "up to date", "target_cut_off": "cut off", "target_failed": "failed", "target_skipped": "skipped",
    }  # fmt: skip

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._lines = Lines(print, lambda text: print(text, file=sys.stderr), verbose=verbose, quiet=quiet)
        self.status: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        from buildgraph.events import event_type

        word = self._WORDS.get(event_type(event))
        if word is not None:
            self.status[str(getattr(event, "target", ""))] = word
        if not isinstance(event, TargetFailed):  # its error is what the command ends with
            self._lines(event)

    def line(self) -> str:
        counts: dict[str, int] = {}
        for word in self.status.values():
            counts[word] = counts.get(word, 0) + 1
        said = ", ".join(f"{count} {word}" for word in self._WORDS.values() if (count := counts.get(word)))
        return f"{len(self.status)} nodes: {said or 'nothing to do'}"


@click.command()
@click.argument("archive")
@click.argument("texts", nargs=-1)
@click.option("--components", multiple=True, metavar="MODULE", help="Import MODULE, with components of your own that the model uses; may be repeated.")
@common
@click.pass_obj
def predict(common_: Common, archive: str, texts: Sequence[str], components: Sequence[str]) -> int:
    """Say what the model ARCHIVE finds in TEXTS: a JSON object for each, a line each. Without TEXTS, lines are read from standard input.

    ARCHIVE may be a folder: then its youngest model is used.
    """
    import json
    import tempfile
    from importlib import import_module

    from buildgraph.trainer.project import Predictor

    folder = common_.folder()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the folder of an ended process goes, too
    if components:
        sys.path.insert(0, folder)
    for module in components:
        try:
            import_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing runs other people's code, which may raise anything
            raise UsageError(f"the module '{module}' cannot be imported: {type(error).__name__}: {error}", code="BG588", why="--components names modules of your own", fix="correct the name or the module, or install what it needs") from None
    with tempfile.TemporaryDirectory(prefix="buildgraph-predict-") as private:
        predictor = Predictor(os.path.join(folder, archive), private)
        if texts:
            for found in predictor.predict([_text(os.fsencode(each)) for each in texts]):
                print(json.dumps(found, ensure_ascii=False))
        else:
            for line in sys.stdin.buffer if sys.stdin else ():  # there is none when the shell closed it
                print(json.dumps(predictor.predict([_text(line.rstrip(b"\r\n"))])[0], ensure_ascii=False), flush=True)
    return 0


def _text(line: bytes) -> str:
    """A line as text; JSON is UTF-8, so what is not is replaced."""
    return line.decode("utf-8", "replace")
