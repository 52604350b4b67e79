"""What a configuration leaves open: filled from defaults, and written back for people to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from buildgraph.loading.yaml_text import parse
from buildgraph.trainer.configuration import TrainingType
from buildgraph.trainer.recipes import DefaultV1Recipe
from buildgraph.trainer.recipes.defaults import DEFAULT_PIPELINE, dump_config

BOTH, NLU, CORE = TrainingType.BOTH, TrainingType.NLU, TrainingType.CORE
WHOLE = {"language": "en", "pipeline": [{"name": "X"}], "policies": [{"name": "Y"}]}


@pytest.mark.parametrize(
    ("config", "training_type", "missing", "configured"),
    [
        (WHOLE, BOTH, set(), set()),
        ({"language": "en"}, BOTH, {"pipeline", "policies"}, {"pipeline"}),
        ({"language": "en", "pipeline": None}, BOTH, {"policies"}, {"pipeline"}),
        ({"pipeline": [], "policies": None}, NLU, {"language"}, {"pipeline"}),
        ({}, NLU, {"language", "pipeline"}, {"pipeline"}),
        ({}, CORE, {"policies"}, set()),
        ({}, TrainingType.END_TO_END, {"language", "pipeline", "policies"}, {"pipeline"}),
    ],
)
def test_an_empty_pipeline_is_filled(config: dict[str, Any], training_type: TrainingType, missing: set[str], configured: set[str]) -> None:
    full, absent, filled = DefaultV1Recipe.auto_configure("config.yml", config, training_type)
    assert (absent, filled) == (missing, configured)
    assert full == ({**config, "pipeline": DEFAULT_PIPELINE} if configured else config)


def test_the_caller_owns_what_was_filled() -> None:
    """Changing it does not change the next one."""
    full, _, _ = DefaultV1Recipe.auto_configure(None, {})
    full["pipeline"].clear()
    assert DefaultV1Recipe.auto_configure(None, {})[0]["pipeline"]


def filled(path: Path) -> tuple[dict[str, Any], set[str]]:
    config = parse(path.read_bytes(), path.name).value or {}
    full, _, configured = DefaultV1Recipe.auto_configure(path, config)
    return full, configured


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yml"


BEFORE = "# ours\nrecipe: default.v1\nlanguage: en  # English\n{}policies:\n- name: Y # a note\n"


@pytest.mark.parametrize("pipeline", ["pipeline:\n", "pipeline: []  # later\n", "pipeline:\n# - name: Old\n", ""])
def test_what_was_used_is_written_as_comments(path: Path, pipeline: str) -> None:
    """Every line of the file stays; what is read from it stays the same; uncommenting gives what was used."""
    path.write_text(BEFORE.format(pipeline))
    full, configured = filled(path)
    assert dump_config(path, full, configured)
    after = path.read_text()
    assert [line for line in BEFORE.format(pipeline).splitlines() if line not in after.splitlines()] == []
    assert (parse(after.encode(), "x").value.get("pipeline") or []) == []
    lines = after.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("pipeline:"))
    block = [line.removeprefix("# ") for line in lines[start + 2 :] if line.startswith(("# - ", "#   "))][: sum(map(len, DEFAULT_PIPELINE))]
    assert parse("\n".join(block).encode(), "x").value == DEFAULT_PIPELINE


@pytest.mark.parametrize("text", ["language: en", "language: en\npipeline:", ""])
def test_a_file_without_a_last_line_break_is_completed(path: Path, text: str) -> None:
    path.write_text(text)
    assert dump_config(path, *filled(path))
    assert path.read_text().startswith(text)
    assert "\npipeline:\n# No pipeline" in f"\n{path.read_text()}"


def test_writing_again_changes_nothing(path: Path) -> None:
    path.write_text(BEFORE.format("pipeline:\n"))
    dump_config(path, *filled(path))
    after = path.read_bytes()
    assert dump_config(path, *filled(path))
    assert path.read_bytes() == after


def test_nothing_filled_is_nothing_written(path: Path) -> None:
    path.write_text("pipeline:\n- name: X\n")
    assert not dump_config(path, *filled(path))
    assert path.read_text() == "pipeline:\n- name: X\n"


@pytest.mark.parametrize("now", ["language: de\npipeline:\n", "language: en\npipeline:\n- name: Mine\n", "language: en\npolicies: []\n", "- a list\n"])
def test_a_file_that_changed_meanwhile_is_left_alone(path: Path, now: str) -> None:
    path.write_text("language: en\npipeline:\n")
    full, configured = filled(path)
    path.write_text(now)
    with pytest.warns(UserWarning, match="changed meanwhile"):
        assert not dump_config(path, full, configured)
    assert path.read_text() == now


def test_permissions_of_the_file_stay(path: Path) -> None:
    path.write_text("pipeline:\n")
    path.chmod(0o640)
    dump_config(path, *filled(path))
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["config.yml"]


def test_a_link_to_the_file_stays_one(path: Path, tmp_path: Path) -> None:
    path.write_text("pipeline:\n")
    link = tmp_path / "link.yml"
    link.symlink_to(path)
    assert dump_config(link, *filled(path))
    assert link.is_symlink()
    assert "# - name: WhitespaceTokenizer" in path.read_text()
