"""What a configuration file may leave open, what it is filled with, and how that is written back for people to see."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from buildgraph.trainer.configuration import TrainingType

DEFAULT_PIPELINE: Final[list[dict[str, Any]]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "LogisticRegressionClassifier"},
    {"name": "CRFEntityExtractor"},
    {"name": "EntitySynonymMapper"},
    {"name": "FallbackClassifier", "threshold": 0.3},
]
_KEYS: Final = {TrainingType.NLU: ("language", "pipeline"), TrainingType.CORE: ("policies",)}
_ALL: Final = ("language", "pipeline", "policies")
_FIRST: Final = "# No pipeline was given; this one was used. To change it, remove the '# ' before its lines."


def missing(config: Mapping[str, Any], training_type: TrainingType) -> set[str]:
    """The keys that a training of this type reads and the configuration does not have."""
    return {key for key in _KEYS.get(training_type, _ALL) if key not in config}


def filled(config: Mapping[str, Any], training_type: TrainingType) -> tuple[dict[str, Any], set[str]]:
    """The configuration with the default pipeline where it has none, and the keys that were filled.

    There are no default policies, because none are shipped.
    """
    if training_type is TrainingType.CORE or config.get("pipeline"):
        return dict(config), set()
    return {**config, "pipeline": [dict(entry) for entry in DEFAULT_PIPELINE]}, {"pipeline"}


def dump_config(config_file_path: str | Path, config: Mapping[str, Any], configured_keys: Collection[str]) -> bool:
    """Writes what was filled into the configuration file, as comments; whether the file now has them.

    Nothing is written, and a warning says so, when the file is no longer what `config` was made of. Comments that are
    there already are left alone.
    """
    from buildgraph.loading.yaml_text import parse

    if "pipeline" not in configured_keys:
        return False
    path = Path(os.path.realpath(config_file_path))  # a link to the file stays one
    text = path.read_bytes().decode("utf-8")
    document = parse(text.encode(), str(path))
    present = document.value or {}
    expected = {key: value for key, value in config.items() if key not in configured_keys}
    if not isinstance(present, Mapping) or present.get("pipeline") or {key: value for key, value in present.items() if key != "pipeline"} != expected:
        warnings.warn(f"'{path}' was changed meanwhile; the pipeline that was used is not written into it.", UserWarning, stacklevel=2)
        return False
    comments = _comments(config["pipeline"])
    if comments in text:
        return True
    lines = text.splitlines(keepends=True)
    if "pipeline" in present:
        at = document.lines[("pipeline",)]
    else:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines.append("pipeline:\n")
        at = len(lines)
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    lines.insert(at, comments)
    _replace(path, "".join(lines))
    return True


def _comments(pipeline: list[dict[str, Any]]) -> str:
    import yaml

    body = yaml.safe_dump(pipeline, sort_keys=False, default_flow_style=False)
    return "".join(f"{line}\n" for line in [_FIRST, *(f"# {line}" for line in body.splitlines())])


def _replace(path: Path, text: str) -> None:
    """Writes the file anew beside itself and puts it in its place, with its permissions."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
