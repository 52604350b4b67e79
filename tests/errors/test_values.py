"""Values that cannot be right are refused where they are written: sources, configs, outputs, time-outs, settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., str]
STEP = "def step(**config):\n    return 1\n"


def test_glob_that_matches_nothing(refused: Refused) -> None:
    refused("build", build='files(name="data", srcs=["*.csv"])\n', code="BG055", names="'//:data'", at="BUILD.py:2")


def test_missing_source(refused: Refused) -> None:
    refused("build", build='files(name="data", srcs=["rows.csv"])\n', code="BG050", names="'rows.csv'", at="BUILD.py:2")


def test_missing_source_of_a_command(refused: Refused) -> None:
    build = 'command(name="sort", cmd="sort $(in) > $(out)", srcs=["rows.csv"], outs=["sorted"])\n'
    refused("build", build=build, code="BG050", names="rows.csv", at="BUILD.py:2")


def test_source_that_leads_out_of_its_package(refused: Refused) -> None:
    refused("build", build='files(name="data", srcs=["../rows.csv"])\n', code="BG053", names="'../rows.csv'", at="BUILD.py:2")


def test_absolute_source(refused: Refused) -> None:
    refused("build", build='files(name="data", srcs=["/etc/hostname"])\n', code="BG053", names="'/etc/hostname'", at="BUILD.py:2")


def test_label_among_files(refused: Refused) -> None:
    refused("build", build='files(name="data", srcs=["//other:rows"])\n', code="BG054", names="'//other:rows'", at="BUILD.py:2")


def test_pipe_as_source(case: Any) -> None:
    os.mkfifo(case.root / "rows.csv")
    case.refused("build", build='files(name="data", srcs=["rows.csv"])\n', code="BG051", names="'rows.csv'", at="BUILD.py:2")


def test_broken_link_as_source(case: Any) -> None:
    (case.root / "rows.csv").symlink_to("nowhere.csv")
    case.refused("build", build='files(name="data", srcs=["*.csv"])\n', code="BG050", names="'rows.csv'", at="BUILD.py:2")


def test_source_that_may_not_be_read(unprivileged: Any) -> None:
    case = unprivileged
    case.write({"rows.csv": "1"})
    (case.root / "rows.csv").chmod(0)
    case.refused("build", build='files(name="data", srcs=["rows.csv"])\n', code="BG052", names="'rows.csv'", at="BUILD.py:2")


def test_folder_that_may_not_be_read(unprivileged: Any) -> None:
    case = unprivileged
    case.write({"data/rows.csv": "1"})
    (case.root / "data").chmod(0)
    try:
        case.refused("build", build='files(name="data", srcs=["data/*.csv"])\n', code="BG052", names="data", at="BUILD.py:2")
    finally:
        (case.root / "data").chmod(0o700)


CONFIGS = {
    "nan": ("{'rate': {'first': float('nan')}}", "rate.first"),
    "lambda": ("{'layers': [1, lambda x: x]}", "layers[1]"),
    "set_of_objects": ("{'options': {object()}}", "options"),
    "number_as_key": ("{'sizes': {1: 'one'}}", "sizes"),
    "deep_nesting": ("{'tree': tree}", "tree"),
    "holds_itself": ("{'ring': ring}", "ring"),
}


@pytest.mark.parametrize("which", CONFIGS)
def test_config(refused: Refused, which: str) -> None:
    config, path = CONFIGS[which]
    build = f"tree = []\nfor _ in range(5000): tree = [tree]\nring = []; ring.append(ring)\npython(name='train', fn='steps:step', config={config})\n"
    said = refused("build", build=build, steps=STEP, code="BG040", names="'//:train'", at="BUILD.py:5")
    assert path in said


def test_unknown_codec(refused: Refused) -> None:
    said = refused("build", build='python(name="train", fn="steps:step", codec="msgpak")\n', steps=STEP, code="BG230", names="'msgpak'", at="BUILD.py:2")
    assert "did you mean 'msgpack'?" in said


def test_argument_given_twice(refused: Refused) -> None:
    build = 'files(name="f", srcs=["steps.py"])\npython(name="train", fn="steps:step", needs={"rate": ":f"}, config={"rate": 1})\n'
    refused("build", build=build, steps=STEP, code="BG225", names="'rate'", at="BUILD.py:3")


@pytest.mark.parametrize("timeout", ["-1", "0", "float('inf')"], ids=["negative", "zero", "endless"])
def test_timeout(refused: Refused, timeout: str) -> None:
    refused("build", build=f'python(name="train", fn="steps:step", timeout={timeout})\n', steps=STEP, code="BG067", names="'//:train'", at="BUILD.py:2")


def test_timeout_that_is_text(refused: Refused) -> None:
    refused("build", build='python(name="train", fn="steps:step", timeout="5 min")\n', steps=STEP, code="BG032", names="'timeout'", at="BUILD.py:2")


def test_negative_retries(refused: Refused) -> None:
    refused("build", build='python(name="train", fn="steps:step", retries=-1)\n', steps=STEP, code="BG067", names="'//:train'", at="BUILD.py:2")


OUTS = {"absolute": "['/tmp/model']", "outside": "['../model']", "twice": "['model', 'model']", "inside_another": "['model/', 'model/meta']"}


@pytest.mark.parametrize("which", OUTS)
def test_output(refused: Refused, which: str) -> None:
    build = f'python(name="train", fn="steps:step", outs={OUTS[which]})\n'
    refused("build", build=build, steps=STEP, code="BG057", names="'train'", at="BUILD.py:2")


def test_archive_of_an_unknown_kind(refused: Refused) -> None:
    refused("build", build='pack(name="model", srcs=["steps.py"], out="model.rar")\n', steps=STEP, code="BG400", names="model.rar", at="BUILD.py:2")


def test_archive_member_outside(refused: Refused) -> None:
    refused("build", build='pack(name="model", srcs={"../steps.py": "steps.py"})\n', steps=STEP, code="BG068", names="'../steps.py'", at="BUILD.py:2")


def test_two_archive_members_of_one_name(refused: Refused) -> None:
    build = 'python(name="a", fn="steps:step")\npython(name="b/a", fn="steps:step")\npack(name="model", srcs=[":a", ":b/a"])\n'
    case = refused("build", ":model", build=build, steps=STEP, exit=1, code="BG236", names="//:model", at="BUILD.py:4")
    assert "//:b/a" in case


@pytest.mark.parametrize(
    "body",
    [
        "cmd='x', argv=['x']", "", "argv=[]", "cmd='touch $(outdir)/notes'", "cmd='cat $(input)'", "cmd='cp a $(out)', outs=['a', 'b']", "cmd='cat $(location :data)'",
    ],
    ids=["both_forms", "neither_form", "empty_argv", "folder_of_no_output", "unknown_substitution", "out_of_two", "location_not_an_input"],
)  # fmt: skip
def test_command(refused: Refused, body: str) -> None:
    code = "BG059" if "$(" in body else "BG058"
    refused("build", build=f"command(name='sort'{', ' if body else ''}{body})\n", code=code, names="'sort'", at="BUILD.py:2")


def test_unknown_setting(refused: Refused) -> None:
    said = refused("build", files={"buildgraph.toml": "\njob = 4\n"}, code="BG130", names="'job'", at="buildgraph.toml:2")
    assert "did you mean 'jobs'?" in said


def test_setting_of_the_wrong_type(refused: Refused) -> None:
    refused("build", files={"buildgraph.toml": 'jobs = "four"\n'}, code="BG131", names="'jobs'", at="buildgraph.toml:1")


def test_settings_that_are_not_toml(refused: Refused) -> None:
    refused("build", files={"buildgraph.toml": "jobs = 4\nrunner = pool\n"}, code="BG132", names="'buildgraph.toml'", at="buildgraph.toml:2")


def test_unknown_setting_in_the_environment(refused: Refused) -> None:
    said = refused("build", files={"buildgraph.toml": ""}, environment={"BUILDGRAPH_JOB": "4"}, code="BG133", names="'BUILDGRAPH_JOB'")
    assert "did you mean 'BUILDGRAPH_JOBS'?" in said


def test_bad_setting_in_the_environment(refused: Refused) -> None:
    refused("build", files={"buildgraph.toml": ""}, environment={"BUILDGRAPH_JOBS": "many"}, code="BG131", names="BUILDGRAPH_JOBS")
