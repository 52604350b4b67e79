"""`model info`, `model verify` and `model diff`: what archives of models say of themselves, and whether it is true."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from buildgraph.cli.options import Common, common
from buildgraph.cli.usage import SuggestingGroup

if TYPE_CHECKING:
    from buildgraph.trainer.metadata import ModelMetadata


@click.group(cls=SuggestingGroup)
def model() -> None:
    """Look at trained models."""


def _open(common_: Common, archive: str) -> ModelMetadata:
    from buildgraph.trainer.finetuning import find_base_model
    from buildgraph.trainer.packaging import metadata_of

    return metadata_of(find_base_model(os.path.join(common_.folder(), archive)))


@model.command()
@click.argument("archive")
@click.option("--json", "as_json", is_flag=True, help="Print everything that the archive says as one JSON object.")
@common
@click.pass_obj
def info(common_: Common, archive: str, as_json: bool) -> None:
    """Say what ARCHIVE holds. Only its beginning is read."""
    found = _open(common_, archive)
    if as_json:
        import json

        print(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
        return
    rows = [
        ("model", found.model_id), ("trained", f"{found.trained_at:%Y-%m-%d %H:%M:%S} UTC"), ("by", f"buildgraph {found.buildgraph_version}"),
        ("kind", found.training_type.value), ("language", found.language or "-"), ("assistant", found.assistant_id or "-"),
        ("targets", ", ".join(each for each in (found.nlu_target, found.core_target) if each) or "-"),
        ("nodes", f"{len(found.train_schema.nodes)} for training, {len(found.predict_schema.nodes)} for prediction"),
    ]  # fmt: skip
    for name, value in rows:
        print(f"{name:<10} {value}")
    for name, digest in found.resources.items():
        print(f"  {digest[:12]}  {name}")


@model.command()
@click.argument("archive")
@common
@click.pass_obj
def verify(common_: Common, archive: str) -> None:
    """Read all of ARCHIVE and check every byte of it. Exits with 6 when anything is not as it was written."""
    from buildgraph.trainer.finetuning import find_base_model
    from buildgraph.trainer.packaging import verify_model

    path = find_base_model(os.path.join(common_.folder(), archive))
    metadata, files = verify_model(path)
    if not common_.quiet:
        print(f"{os.path.relpath(path)}: model {metadata.model_id}, {files} file{'' if files == 1 else 's'}, all as written")


@model.command()
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
@common
@click.pass_obj
def diff(common_: Common, first: str, second: str, as_json: bool) -> int:
    """Say in what the models FIRST and SECOND differ: settings, nodes, resources. Exits with 3 when they do."""
    before, after = _open(common_, first), _open(common_, second)
    changes = differences(before, after)
    if as_json:
        import json

        print(json.dumps({"same": before.model_id == after.model_id, "changes": changes}, ensure_ascii=False))
    elif not changes and before.model_id == after.model_id:
        print("the models are the same")
    else:
        for kind, rows in changes.items():
            for name, what in rows.items():
                print(f"  {kind:<9} {name}  {what}")
    return 0 if before.model_id == after.model_id else 3


def differences(before: ModelMetadata, after: ModelMetadata) -> dict[str, dict[str, str]]:
    """What differs between two models, by kind and name."""
    old, new = before.as_dict(), after.as_dict()
    plain = ("buildgraph_version", "training_type", "language", "assistant_id", "nlu_target", "core_target", "spaces")
    found: dict[str, dict[str, str]] = {
        "setting": {key: f"{old[key]} -> {new[key]}" for key in plain if old[key] != new[key]},
        "domain": {key: _how(old["domain"].get(key), new["domain"].get(key)) for key in sorted({*old["domain"], *new["domain"]}) if old["domain"].get(key) != new["domain"].get(key)},
        "node": _nodes(before, after),
        "predicts": _rows(old["predict_schema"]["nodes"], new["predict_schema"]["nodes"]),
        "resource": _rows(old["resources"], new["resources"]),
    }  # fmt: skip
    return {kind: rows for kind, rows in found.items() if rows}


def _nodes(before: ModelMetadata, after: ModelMetadata) -> dict[str, str]:
    """How the lineage of the nodes differs: trained from something else, and whether it came to something else."""
    rows = {}
    for name in dict.fromkeys([*before.lineage, *after.lineage]):
        old, new = before.lineage.get(name), after.lineage.get(name)
        if old is None or new is None:
            rows[name] = _how(old, new)
        elif old != new:
            same = old["output"] == new["output"]
            rows[name] = "trained from something else, same result" if same else "another result" if old["fingerprint"] != new["fingerprint"] else "another result from the same inputs"
    return rows


def _rows(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    return {name: _how(old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)}


def _how(old: Any, new: Any) -> str:
    return "only in the second" if old is None else "only in the first" if new is None else "differs"
