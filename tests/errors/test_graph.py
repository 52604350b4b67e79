"""What is wrong with a graph is told with the user's own labels and lines: circles, missing needs, names, build files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., str]
RULES = "from buildgraph.rules import python\n"
STEP = "def step(**needs):\n    return 1\n"


def target(name: str, *needs: str) -> str:
    """A line that declares a target."""
    return f'python(name="{name}", fn="steps:step", needs={{{", ".join(f"{n[-1:]!r}: {n!r}" for n in needs)}}})\n'


def test_target_that_needs_itself(refused: Refused) -> None:
    refused("build", build=target("train", ":train"), steps=STEP, code="BG022", names="'//:train'", at="BUILD.py:2")


def test_circle_of_two(refused: Refused) -> None:
    build = target("train", ":split") + target("split", ":train")
    said = refused("build", build=build, steps=STEP, code="BG021", names="//:train", at="BUILD.py:2")
    assert "BUILD.py:3" in said


def test_circle_of_three(refused: Refused) -> None:
    build = target("train", ":split") + target("split", ":clean") + target("clean", ":train")
    refused("build", build=build, steps=STEP, code="BG021", names="//:clean", at="BUILD.py:4")


def test_circle_of_a_thousand_is_told_whole(case: Any) -> None:
    """Counted and closed; how much of it is listed is the terminal's business, so there is no golden text."""
    build = 'for i in range(1000):\n    python(name=f"step{i}", fn="steps:step", needs={"x": f":step{(i + 1) % 1000}"})\n'
    case.write({"BUILD.py": RULES + build, "steps.py": STEP})
    done = case.run("build")
    assert done.returncode == 2 and done.stderr.startswith("error[BG021]: "), done.stderr[:500]
    assert "//:step0 " in done.stderr and "<- closes the circle" in done.stderr and "one of these 1000 needs" in done.stderr


def test_missing_need(refused: Refused) -> None:
    build = target("split") + target("train", ":splti")
    said = refused("build", build=build, steps=STEP, code="BG023", names="'//:splti'", at="BUILD.py:3")
    assert "did you mean '//:split'?" in said


def test_need_in_an_unknown_package(refused: Refused) -> None:
    files = {"data/BUILD.py": "from buildgraph.rules import python\n" + target("split")}
    said = refused("build", build=target("train", "//dat:split"), steps=STEP, files=files, code="BG023", names="//dat", at="BUILD.py:2")
    assert "//data" in said


def test_name_declared_twice(refused: Refused) -> None:
    build = target("train") + target("other") + target("train")
    said = refused("build", build=build, steps=STEP, code="BG024", names="'//:train'", at="BUILD.py:2")
    assert "BUILD.py:4" in said


def test_names_that_differ_only_in_case(refused: Refused) -> None:
    said = refused("build", build=target("train") + target("Train"), steps=STEP, code="BG025", names="'//:Train'", at="BUILD.py:3")
    assert "BUILD.py:2" in said


def test_two_mistakes_are_told_together(refused: Refused) -> None:
    said = refused("build", build=target("a", ":nowhere") + target("b", ":b"), steps=STEP, code="BG023", names="//:nowhere", at="BUILD.py:2")
    assert "error[BG022]" in said and said.endswith("2 errors\n")


@pytest.mark.parametrize("name", ["", "my model", "..", "a/../b"], ids=["empty", "space", "dots", "dots_inside"])
def test_bad_name(refused: Refused, name: str) -> None:
    refused("build", build=f"python(name={name!r}, fn='steps:step')\n", steps=STEP, code="BG010", names=f"'{name}'", at="BUILD.py:2")


def test_reserved_name(refused: Refused) -> None:
    refused("build", build=target("all"), steps=STEP, code="BG010", names="'all'", at="BUILD.py:2")


def test_unknown_module(refused: Refused) -> None:
    said = refused("build", build='python(name="train", fn="step:train")\n', steps=STEP, code="BG100", names="'step'", at="BUILD.py:2")
    assert "did you mean 'steps'?" in said


def test_unknown_function(refused: Refused) -> None:
    said = refused("build", build='python(name="train", fn="steps:stpe")\n', steps=STEP, code="BG102", names="'stpe'", at="BUILD.py:2")
    assert "did you mean 'step'?" in said


def test_not_an_entry_point(refused: Refused) -> None:
    said = refused("build", build='python(name="train", fn="steps.step")\n', steps=STEP, code="BG056", names="'steps.step'", at="BUILD.py:2")
    assert "write 'steps:step'" in said


def test_module_with_a_syntax_error(refused: Refused) -> None:
    refused("build", build=target("train"), steps="def step(:\n", code="BG101", names="steps.py", at="steps.py:1")


def test_unknown_argument_of_a_rule(refused: Refused) -> None:
    said = refused("build", build='python(name="train", func="steps:step")\n', code="BG031", names="'func'", at="BUILD.py:2")
    assert "did you mean 'fn'?" in said


def test_missing_argument_of_a_rule(refused: Refused) -> None:
    refused("build", build='python(name="train")\n', code="BG031", names="'fn'", at="BUILD.py:2")


def test_text_where_a_list_belongs(refused: Refused) -> None:
    said = refused("build", build='files(name="data", srcs="*.csv")\n', code="BG032", names="'srcs'", at="BUILD.py:2")
    assert "srcs=['*.csv']" in said


def test_unknown_target(refused: Refused) -> None:
    said = refused("build", ":trian", build=target("train"), steps=STEP, code="BG014", names="'//:trian'")
    assert "did you mean 'train'?" in said


def test_unknown_package(refused: Refused) -> None:
    files = {"model/BUILD.py": "from buildgraph.rules import python\n" + target("train")}
    said = refused("build", "//modle:train", build=target("a"), steps=STEP, files=files, code="BG013", names="//modle")
    assert "did you mean 'model'?" in said


def test_pattern_that_matches_nothing(refused: Refused) -> None:
    refused("build", "//nowhere/...", build=target("a"), steps=STEP, code="BG016", names="'//nowhere/...'")


def test_bad_label(refused: Refused) -> None:
    refused("build", "//a b:c", build=target("a"), steps=STEP, code="BG011", names="'//a b:c'")


def test_bad_label_in_a_build_file(refused: Refused) -> None:
    refused("build", build=target("a", "//x y:b"), steps=STEP, code="BG011", names="'//x y:b'", at="BUILD.py:2")


def test_group_needed_as_a_value(refused: Refused) -> None:
    build = target("a") + 'group(name="both", deps=[":a"])\n' + target("c", ":both")
    refused("build", build=build, steps=STEP, code="BG037", names="'//:both'", at="BUILD.py:4")


def test_no_workspace_here(refused: Refused) -> None:
    refused("build", code="BG012", names="/tmp/case/workspace")


def test_workspace_without_build_files(refused: Refused) -> None:
    refused("build", files={"buildgraph.toml": ""}, code="BG015", names="/tmp/case/workspace")


def test_build_file_with_a_syntax_error(refused: Refused) -> None:
    refused("build", build='python(name="train"\n', code="BG035", names="'BUILD.py'", at="BUILD.py:2")


def test_build_file_that_raises(refused: Refused) -> None:
    refused("build", build="sizes = {}\nsizes['large']\n", code="BG034", names="KeyError: 'large'", at="BUILD.py:3")


def test_build_file_that_imports_what_is_not_there(refused: Refused) -> None:
    refused("build", build="import nowhere\n", code="BG034", names="'nowhere'", at="BUILD.py:2")


def test_build_file_that_exits(refused: Refused) -> None:
    refused("build", build="exit(0)\n", code="BG034", names="'BUILD.py'", at="BUILD.py:2")


def test_macro_that_raises(refused: Refused) -> None:
    files = {"macros.py": "def kit(name):\n    raise ValueError(f'no sources for {name}')\n"}
    said = refused("build", build="import macros\nmacros.kit('kit')\n", files=files, code="BG034", names="no sources for kit", at="BUILD.py:3")
    assert "macros.py:2" in said


def test_build_file_that_is_a_folder(refused: Refused) -> None:
    refused("build", "//sub", build=target("a"), steps=STEP, files={"sub/BUILD.py/x": ""}, code="BG013", names="//sub")


def graph(text: str) -> dict[str, str]:
    return {"graph.yml": text}


def test_graph_file_with_a_key_twice(refused: Refused) -> None:
    text = "nodes:\n  train:\n    uses: steps:Train\n  train:\n    uses: steps:Train\n"
    refused("build", files=graph(text), code="BG121", names="'train'", at="graph.yml:4")


def test_graph_file_with_a_tag(refused: Refused) -> None:
    text = "nodes:\n  train:\n    uses: !!python/name:os.system\n"
    refused("build", files=graph(text), code="BG122", names="python/name:os.system", at="graph.yml:3")


def test_graph_file_with_an_unknown_key(refused: Refused) -> None:
    said = refused("build", files=graph("nodes:\n  train:\n    use: steps:Train\n"), code="BG020", names="'use'", at="graph.yml:3")
    assert "did you mean 'uses'?" in said


def test_graph_file_without_uses(refused: Refused) -> None:
    refused("build", files=graph("nodes:\n  train:\n    fn: run\n"), code="BG020", names="'train'", at="graph.yml:2")


def test_graph_file_that_is_not_yaml(refused: Refused) -> None:
    refused("build", files=graph("nodes:\n  train: [\n"), code="BG120", names="'graph.yml'", at="graph.yml:3")


def test_graph_file_with_an_unknown_need(refused: Refused) -> None:
    text = "nodes:\n  split:\n    uses: steps:Split\n  train:\n    uses: steps:Train\n    needs: {data: splti}\n"
    said = refused("build", files=graph(text), code="BG023", names="'//:splti'", at="graph.yml:4")
    assert "did you mean '//:split'?" in said


def test_graph_file_that_is_a_list(refused: Refused) -> None:
    refused("build", files=graph("- train\n"), code="BG124", names="'graph.yml'", at="graph.yml:1")


def test_two_build_files_in_a_package(refused: Refused) -> None:
    refused("build", build=target("a"), files=graph("nodes: {}\n"), code="BG017", names="graph.yml", at="BUILD.py")
