"""Rules: what they accept, what they refuse and how they say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from buildgraph.errors import Place, UsageError
from buildgraph.rule import Package, rule
from buildgraph.schema import IMPLICIT, Policy, SchemaNode


def node(needs: Mapping[str, str], config: Mapping[str, Any] | None = None, *, tags: Sequence[str] = ()) -> SchemaNode:
    return SchemaNode(dict(needs), "", "", "", dict(config or {}), policy=Policy(tags=tuple(tags)))


@rule
def group(
    package: Package,
    name: str,
    deps: Sequence[str],
    *,
    config: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
) -> Mapping[str, SchemaNode]:
    return {name: node({f"dep{i}": dep for i, dep in enumerate(deps)}, config, tags=tags)}


@rule
def compiled(package: Package, name: str, srcs: list[str] | dict[str, str], jobs: int = 1) -> Mapping[str, SchemaNode]:
    objects = node({}, tags=[IMPLICIT])
    return {name: node({"objects": f":{name}.o", "tool": "@cc"}), f"{name}.o": objects, "@cc": node({}, {"path": "cc"})}


def refusal(**arguments: Any) -> UsageError:
    with Package.evaluating("lib"), pytest.raises(UsageError) as caught:
        group(**arguments)
    assert caught.value.fix
    assert isinstance(caught.value.where[0], Place)
    assert caught.value.where[0].file == __file__
    assert caught.value.where[0].line > 0
    return caught.value


def test_a_rule_returns_the_label_of_what_it_declared() -> None:
    with Package.evaluating("lib") as package:
        assert group(name="a", deps=[]) == "//lib:a"
        assert group("b", [":a", "//other"]) == "//lib:b"
    assert package.nodes["//lib:b"].needs == {"dep0": "//lib:a", "dep1": "//other:other"}


def test_a_rule_may_declare_further_nodes_and_shared_tools() -> None:
    with Package.evaluating("lib") as package:
        compiled("x", [])
        compiled("y", {"y.c": "y"})
    assert list(package.nodes) == ["//lib:x", "//lib:x.o", "@cc", "//lib:y", "//lib:y.o"]
    assert package.nodes["//lib:x"].needs["objects"] == "//lib:x.o"


def test_a_tool_declared_in_two_ways_is_refused() -> None:
    with Package.evaluating("lib") as package, pytest.raises(UsageError) as caught:
        package.declare({"@cc": node({}, {"path": "gcc"})})
        package.declare({"@cc": node({}, {"path": "clang"})})
    assert caught.value.code == "BG026"


def test_a_declaration_remembers_the_line_that_called_the_macro() -> None:
    def macro(name: str) -> None:
        group(name, [])

    with Package.evaluating("lib") as package:
        macro("a")
        place = package.place(package.lines["//lib:a"])
    assert place.text == "group(name, [])"


def test_a_rule_outside_of_a_build_file_is_refused() -> None:
    with pytest.raises(UsageError, match="outside of a build file") as caught:
        group(name="a", deps=[])
    assert caught.value.code == "BG030"


def test_packages_being_evaluated_can_be_nested() -> None:
    with Package.evaluating("outer"):
        with Package.evaluating("inner"):
            assert group("a", []) == "//inner:a"
        assert group("a", []) == "//outer:a"


@pytest.mark.parametrize(
    ("arguments", "headline", "fix"),
    [
        ({"name": "a", "dep": []}, "does not take 'dep'", "did you mean 'deps'?"),
        ({"name": "a"}, "needs 'deps'", "add deps="),
        ({"deps": []}, "needs 'name'", "add name="),
    ],
)
def test_wrong_arguments_are_told_with_the_right_ones(arguments: dict[str, Any], headline: str, fix: str) -> None:
    error = refusal(**arguments)
    assert (error.code, error.fix) == ("BG031", fix)
    assert headline in error.headline
    assert "name, deps, config, tags" in error.why


def test_too_many_values_are_refused() -> None:
    with Package.evaluating("lib"), pytest.raises(UsageError) as caught:
        group("a", [], {}, [])
    assert caught.value.code == "BG031"


def test_an_argument_given_twice_is_refused() -> None:
    with Package.evaluating("lib"), pytest.raises(UsageError) as caught:
        group("a", [], name="b")
    assert caught.value.code == "BG031"


@pytest.mark.parametrize(
    ("arguments", "headline"),
    [
        ({"name": 7, "deps": []}, "'name' of group is an int, not a str"),
        ({"name": "a", "deps": ":b"}, "'deps' of group 'a' is a str, not a list of str"),
        ({"name": "a", "deps": [":b", 3]}, "'deps' of group 'a' is a list with 3 in it, not a list of str"),
        ({"name": "a", "deps": None}, "'deps' of group 'a' is None, not a list of str"),
        ({"name": "a", "deps": [], "config": ["x"]}, "'config' of group 'a' is a list, not a dict or None"),
        (
            {"name": "a", "deps": [], "config": {1: 2}},
            "'config' of group 'a' is a dict with 1 in it, not a dict or None",
        ),
    ],
)
def test_values_of_the_wrong_type_are_told(arguments: dict[str, Any], headline: str) -> None:
    error = refusal(**arguments)
    assert (error.code, error.headline) == ("BG032", headline)


def test_a_text_in_place_of_a_list_is_told_how_to_be_one() -> None:
    assert refusal(name="a", deps=":b").fix == "write deps=[':b']"


def test_a_truth_value_is_not_a_number() -> None:
    with Package.evaluating(), pytest.raises(UsageError) as caught:
        compiled("a", [], jobs=True)
    assert caught.value.code == "BG032"


def test_either_of_two_types_is_accepted() -> None:
    with Package.evaluating(), pytest.raises(UsageError, match="'srcs' of compiled 'a' is a str"):
        compiled("a", "x.c")


def test_a_name_is_declared_once_and_both_lines_are_told() -> None:
    with Package.evaluating("lib") as package, pytest.raises(UsageError) as caught:
        group("a", [])
        group("a", [])
    assert caught.value.code == "BG024"
    first, again = caught.value.where
    assert isinstance(first, Place)
    assert isinstance(again, Place)
    assert again.line == first.line + 1
    assert first.line == package.lines["//lib:a"]


def test_names_that_differ_only_in_case_are_refused() -> None:
    with Package.evaluating("lib"), pytest.raises(UsageError) as caught:
        group("Train", [])
        group("train", [])
    assert caught.value.code == "BG025"


@pytest.mark.parametrize("name", ["all", "...", "", "a b", "../x", "a//b", "x\ny", "ä", "n" * 4096])
def test_a_name_that_a_label_cannot_have_is_refused(name: str) -> None:
    assert refusal(name=name, deps=[]).code == "BG010"


def test_a_need_that_is_no_label_is_refused_at_its_line() -> None:
    assert refusal(name="a", deps=["b.txt"]).code == "BG011"


def test_a_rule_that_returns_nothing_of_its_own_name_is_told() -> None:
    @rule
    def forgetful(package: Package, name: str) -> Mapping[str, SchemaNode]:
        return {}

    with Package.evaluating(), pytest.raises(UsageError) as caught:
        forgetful("a")
    assert caught.value.code == "BG033"
