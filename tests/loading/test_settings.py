"""Settings and the search for the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from buildgraph.errors import Place, UsageError
from buildgraph.loading.settings import Settings, load_settings, user_file_of
from buildgraph.loading.workspace import find_root

HOME = {"HOME": "/home/nobody"}


def settings(
    root: Path, flags: dict[str, Any] | None = None, environment: dict[str, str] | None = None, user: str = ""
) -> Settings:
    return load_settings(
        str(root), flags=flags or {}, environment={**HOME, **(environment or {})}, user_file=user, here=str(root)
    )


def refusal(root: Path, **given: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        settings(root, **given)
    assert caught.value.fix
    return caught.value


def test_defaults_need_no_file(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.store, found.outputs, found.runner, found.default) == (
        "/home/nobody/.cache/buildgraph",
        "build",
        "pool",
        (),
    )
    assert found.jobs >= 1
    assert found.origin("jobs") == "default"


def test_the_nearer_source_wins_and_is_named(tmp_path: Path) -> None:
    user = tmp_path / "config.toml"
    user.write_text("jobs = 1\nkeep_going = true\ncolor = 'never'\nrunner = 'inline'\n")
    (tmp_path / "buildgraph.toml").write_text("# how we build\njobs = 2\nkeep_going = false\ncolor = 'always'\n")
    found = settings(
        tmp_path, {"jobs": 4, "color": None}, {"BUILDGRAPH_JOBS": "3", "BUILDGRAPH_KEEP_GOING": "yes"}, str(user)
    )
    assert (found.jobs, found.origin("jobs")) == (4, "--jobs")
    assert (found.keep_going, found.origin("keep_going")) == (True, "BUILDGRAPH_KEEP_GOING")
    assert (found.color, found.origin("color")) == ("always", "buildgraph.toml:4")
    assert (found.runner, found.origin("runner")) == ("inline", "config.toml:4")


def test_a_table_in_pyproject_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\n\n[tool.buildgraph]\ndefault = ['//app:main']\ntimeout = 60\n"
    )
    found = settings(tmp_path)
    assert (found.default, found.timeout, found.origin("timeout")) == (("//app:main",), 60.0, "pyproject.toml:6")


@pytest.mark.parametrize(
    ("environment", "store"),
    [
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/buildgraph"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/nobody/.cache/buildgraph"),
        ({"HOME": ""}, "{root}/.buildgraph/store"),
        ({"BUILDGRAPH_STORE": "/s"}, "/s"),
        ({"BUILDGRAPH_STORE": "~/s"}, "/home/nobody/s"),
        ({"BUILDGRAPH_STORE": "s"}, "{root}/s"),
    ],
)
def test_where_the_store_is(tmp_path: Path, environment: dict[str, str], store: str) -> None:
    assert settings(tmp_path, environment=environment).store == store.format(root=tmp_path)


def test_where_the_users_own_file_is() -> None:
    assert user_file_of(HOME) == "/home/nobody/.config/buildgraph/config.toml"
    assert user_file_of({**HOME, "XDG_CONFIG_HOME": "/c"}) == "/c/buildgraph/config.toml"
    assert user_file_of({}) == ""


@pytest.mark.parametrize(
    ("text", "code", "line", "fix"),
    [
        ("\njbos = 3\n", "BG130", 2, "did you mean 'jobs'?"),
        ("keep-going = true\n", "BG130", 1, "did you mean 'keep_going'?"),
        ("[remotes]\nurl = 'x'\n", "BG130", 1, "did you mean 'remote'?"),
        ("jobs = '3'\n", "BG131", 1, "for example jobs = 4"),
        ("jobs = 0\n", "BG131", 1, "for example jobs = 4"),
        ("jobs = true\n", "BG131", 1, "for example jobs = 4"),
        ("timeout = -1\n", "BG131", 1, "for example timeout = 600"),
        ("timeout = nan\n", "BG131", 1, "for example timeout = 600"),
        ("default = '//...'\n", "BG131", 1, 'for example default = ["//app:main"]'),
        ("runner = 'dask'\n", "BG131", 1, 'for example runner = "pool"'),
        ("outputs = '../out'\n", "BG131", 1, 'for example outputs = "build"'),
        ("outputs = '/out'\n", "BG131", 1, 'for example outputs = "build"'),
        ("cache = 1\n", "BG131", 1, "for example cache = true"),
        ("jobs = 1\njobs = 2\n", "BG132", 2, "correct the line above"),
        ("jobs = \n", "BG132", 1, "correct the line above"),
    ],
)
def test_mistakes_in_a_file_have_a_line(tmp_path: Path, text: str, code: str, line: int, fix: str) -> None:
    (tmp_path / "buildgraph.toml").write_text(text)
    error = refusal(tmp_path)
    place = error.where[0]
    assert isinstance(place, Place)
    assert (error.code, place.file, place.line, error.fix) == (code, "buildgraph.toml", line, fix)


@pytest.mark.parametrize(
    ("variable", "text", "code"),
    [("BUILDGRAPH_JOBS", "many", "BG131"), ("BUILDGRAPH_CACHE", "maybe", "BG131"), ("BUILDGRAPH_STOER", "/s", "BG133")],
)
def test_mistakes_in_the_environment_are_told(tmp_path: Path, variable: str, text: str, code: str) -> None:
    error = refusal(tmp_path, environment={variable: text})
    assert (error.code, error.where) == (code, (variable,))


def test_a_misspelt_variable_is_told_the_right_one(tmp_path: Path) -> None:
    assert refusal(tmp_path, environment={"BUILDGRAPH_STOER": "/s"}).fix == "did you mean 'BUILDGRAPH_STORE'?"


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    assert settings(tmp_path, environment={"BUILDGRAPH_RELEASE_NOTES_URL": "x"}).jobs >= 1


def test_a_wrong_flag_is_told(tmp_path: Path) -> None:
    error = refusal(tmp_path, flags={"keep_going": "yes"})
    assert (error.code, error.where) == ("BG131", ("--keep-going",))


# The workspace


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("[tool.buildgraph]\n" if path.endswith("pyproject.toml") else "")


@pytest.mark.parametrize(
    ("files", "start", "root"),
    [
        (["buildgraph.toml"], "a/b", "."),
        (["a/buildgraph.toml", "buildgraph.toml"], "a/b", "a"),
        (["pyproject.toml", "a/BUILD.py"], "a/b", "."),
        (["a/BUILD.py", "a/b/BUILD.py"], "a/b", "a"),
        (["a/graph.yml"], "a/b/c", "a"),
        (["BUILD.py", "a/b/BUILD.py"], "a/b", "a/b"),
    ],
)
def test_the_root_is_found_upwards(tmp_path: Path, files: list[str], start: str, root: str) -> None:
    write(tmp_path, *files)
    (tmp_path / start).mkdir(parents=True, exist_ok=True)
    assert find_root(str(tmp_path / start)) == str(tmp_path / root)


def test_a_pyproject_of_something_else_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n# [tool.buildgraph]\n")
    with pytest.raises(UsageError) as caught:
        find_root(str(tmp_path))
    assert (caught.value.code, caught.value.exit_code) == ("BG012", 2)
    assert caught.value.facts[0][0] == "looked in"
    assert str(tmp_path.parent) in caught.value.facts[0][1]
