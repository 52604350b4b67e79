"""Loading: what patterns ask for, what is evaluated, and what is wrong with a graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from buildgraph.digest import Digest
from buildgraph.errors import Place, UsageError
from buildgraph.loading.load import LoadedGraph, from_schema, load
from buildgraph.loading.validate import ManyErrors
from buildgraph.schema import GraphSchema, Resource, SchemaNode

DEFS = """
from buildgraph.rule import rule
from buildgraph.schema import Policy, SchemaNode

@rule
def group(package, name: str, deps: "list[str]" = (), *, config: "dict[str, object]" = {}, tags: "list[str]" = ()):
    needs = {f"dep{i}": dep for i, dep in enumerate(deps)}
    return {name: SchemaNode(needs, "", "", "", dict(config), policy=Policy(tags=tuple(tags)))}

@rule
def tooled(package, name: str, tool: str):
    return {name: SchemaNode({"tool": "@cc"}, "", "", "", {}), "@cc": SchemaNode({}, "", "", "", {"path": tool})}
"""


class Workspace:
    """A workspace on disk with its memory; files are written as text, loads share what was remembered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.memory: dict[bytes, bytes] = {}
        self.environment: dict[str, str] = {}
        self.write("buildgraph.toml", "")
        self.write("defs.py", DEFS)

    def get(self, key: bytes) -> bytes | None:
        return self.memory.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.memory[key] = value

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text), encoding="utf-8")

    def package(self, path: str, body: str) -> None:
        self.write(f"{path}/BUILD.py" if path else "BUILD.py", "from defs import group, tooled\n" + dedent(body))

    def load(self, *patterns: str, here: str = "") -> LoadedGraph:
        return load(
            str(self.root),
            patterns,
            memory=self,
            read_digest=lambda path: Digest.of_file(path)[0],
            environment=self.environment,
            here=here,
        )

    def refused(self, *patterns: str) -> UsageError:
        with pytest.raises(UsageError) as caught:
            self.load(*patterns)
        for error in getattr(caught.value, "errors", (caught.value,)):
            assert error.fix, error.headline
        return caught.value


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def at(error: UsageError) -> list[str]:
    return [str(place) for place in error.where]


# What patterns ask for


@pytest.fixture
def tree(workspace: Workspace) -> Workspace:
    workspace.package("", 'group("top", ["//a:x"])')
    workspace.package(
        "a",
        'group("x", ["//a/b:deep"])\ngroup("y")\ngroup("by_hand", tags=["manual"])\ngroup("part", tags=["implicit"])',
    )
    workspace.package("a/b", 'group("deep")')
    workspace.package("c", 'group("c", ["//a:part"])')
    return workspace


@pytest.mark.parametrize(
    ("patterns", "requested"),
    [
        ((), "//:top //a:x //a:y //a/b:deep //c:c"),
        (("//...",), "//:top //a:x //a:y //a/b:deep //c:c"),
        (("//a/...",), "//a:x //a:y //a/b:deep"),
        (("//a:all",), "//a:x //a:y"),
        (("//c", "//a:y"), "//c:c //a:y"),
        (("//a:by_hand",), "//a:by_hand"),
        (("//a:part",), "//a:part"),
        (("//...", "-//a/..."), "//:top //c:c"),
        (("-//a:y", "//a:all"), "//a:x"),
        (("-//a/...",), "//:top //c:c"),
        (("//a:y", "//a:all", "//a:y"), "//a:y //a:x"),
    ],
)
def test_patterns_ask_for_targets(tree: Workspace, patterns: tuple[str, ...], requested: str) -> None:
    assert " ".join(tree.load(*patterns).requested) == requested


def test_relative_patterns_start_from_the_current_package(tree: Workspace) -> None:
    assert tree.load(":y", "...", here="a").requested == ("//a:y", "//a:x", "//a/b:deep")


def test_only_reached_packages_are_loaded_and_parents_come_first(tree: Workspace) -> None:
    tree.package("broken", "raise ValueError")
    graph = tree.load("//a:x")
    assert list(graph.schema.nodes) == ["//a/b:deep", "//a:x"]
    assert (graph.packages, set(graph.evaluated)) == (2, {"a", "a/b"})


def test_every_target_knows_its_place(tree: Workspace) -> None:
    graph = tree.load("//a:y")
    assert graph.origins["//a:y"] == ("a/BUILD.py", 3)
    assert graph.place("//a:y") == Place("a/BUILD.py", 3, text='group("y")')
    assert graph.place("//a:unknown") is None


@pytest.mark.parametrize("folder", [".hidden", "build", "__pycache__", "node_modules"])
def test_some_folders_are_never_packages(tree: Workspace, folder: str) -> None:
    tree.write(f"{folder}/BUILD.py", "raise ValueError")
    tree.write(f"{folder}/below/BUILD.py", "raise ValueError")
    assert len(tree.load().requested) == 5
    assert tree.refused(f"//{folder}:x").code == "BG013"


@pytest.mark.parametrize("marker", ["pyvenv.cfg", "buildgraph.toml"])
def test_virtual_environments_and_other_workspaces_are_left_out(tree: Workspace, marker: str) -> None:
    tree.write("other/BUILD.py", "raise ValueError")
    tree.write(f"other/{marker}", "")
    assert len(tree.load().requested) == 5


def test_linked_folders_are_left_out(tree: Workspace) -> None:
    (tree.root / "link").symlink_to(tree.root / "a")
    assert len(tree.load().requested) == 5
    assert tree.refused("//link:x").code == "BG013"


def test_a_package_has_one_build_file(tree: Workspace) -> None:
    tree.write("a/graph.yml", "nodes: {n: {uses: m.C}}")
    error = tree.refused("//a:x")
    assert (error.code, at(error)) == ("BG017", ["a/BUILD.py", "a/graph.yml"])


def test_a_tool_is_shared_by_packages(workspace: Workspace) -> None:
    workspace.package("a", 'tooled("x", "gcc")')
    workspace.package("b", 'tooled("y", "gcc")')
    graph = workspace.load()
    assert list(graph.schema.nodes) == ["@cc", "//a:x", "//b:y"]
    assert graph.requested == ("//a:x", "//b:y")
    workspace.package("b", 'tooled("y", "clang")')
    error = workspace.refused()
    assert (error.code, at(error)) == ("BG026", ["a/BUILD.py:2", "b/BUILD.py:2"])


# What is wrong with a graph


def test_an_unknown_package_is_told_with_the_nearest(tree: Workspace) -> None:
    tree.package("trainer", 'group("x")')
    error = tree.refused("//traner:x")
    assert (error.code, error.fix) == ("BG013", "did you mean 'trainer'?")


def test_an_unknown_target_is_told_with_the_nearest(tree: Workspace) -> None:
    error = tree.refused("//a:by_hands")
    assert (error.code, error.fix, at(error)) == ("BG014", "did you mean 'by_hand'?", ["a/BUILD.py"])


def test_a_missing_need_names_the_target_its_line_and_the_nearest(tree: Workspace) -> None:
    tree.package("d", 'group("one")\ngroup("main", ["//a/b:dep"])')
    error = tree.refused("//d:main")
    assert error.headline == "'//d:main' needs '//a/b:dep', which does not exist"
    assert (error.code, error.fix, at(error)) == ("BG023", "did you mean '//a/b:deep'?", ["d/BUILD.py:3"])


def test_a_need_in_a_missing_package_is_told(tree: Workspace) -> None:
    tree.package("d", 'group("main", ["//a/bb:deep"])')
    error = tree.refused("//d:main")
    assert (error.code, error.why, error.fix) == ("BG023", "there is no package '//a/bb'", "did you mean '//a/b:deep'?")


def test_a_tool_is_declared_by_the_package_that_needs_it(workspace: Workspace) -> None:
    workspace.package("a", 'tooled("x", "gcc")')
    workspace.package("b", 'group("main", ["@cc", "//a:x"])')
    for patterns in (["//b:main"], ["//a:x", "//b:main"], []):
        error = workspace.refused(*patterns)
        assert (error.code, error.headline) == ("BG023", "'//b:main' needs '@cc', which does not exist")


def test_a_target_that_needs_itself_is_told(workspace: Workspace) -> None:
    workspace.package("", 'group("main", [":main"])')
    error = workspace.refused()
    assert (error.code, error.headline, at(error)) == ("BG022", "'//:main' needs itself", ["BUILD.py:2"])


def test_a_circle_is_told_whole_with_a_line_for_each_edge(workspace: Workspace) -> None:
    workspace.package(
        "", 'group("train", [":evaluate"])\ngroup("featurize", [":train"])\ngroup("evaluate", [":featurize"])'
    )
    error = workspace.refused("//:featurize")
    assert error.code == "BG021"
    assert at(error) == [
        "BUILD.py:4  //:evaluate   needs  //:featurize",
        "BUILD.py:3  //:featurize  needs  //:train",
        "BUILD.py:2  //:train      needs  //:evaluate   <- closes the circle",
    ]


def test_a_circle_of_a_thousand_is_told(workspace: Workspace) -> None:
    workspace.package("", 'for i in range(1000): group(f"n{i}", [f":n{(i + 1) % 1000}"])')
    assert len(workspace.refused("//:n0").where) == 1000


def test_a_chain_of_ten_thousand_loads(workspace: Workspace) -> None:
    workspace.package("", 'group("n0")\nfor i in range(1, 10_000): group(f"n{i}", [f":n{i - 1}"])')
    graph = workspace.load("//:n9999")
    assert list(graph.schema.nodes) == [f"//:n{i}" for i in range(10_000)]


def test_a_pattern_that_matches_nothing_is_told(tree: Workspace) -> None:
    tree.write("empty/data.txt", "")
    tree.package("only_manual", 'group("x", tags=["manual"])')
    assert tree.refused("//empty/...").code == "BG016"
    assert tree.refused("//only_manual:all").code == "BG016"
    assert tree.refused("//empty:all").code == "BG013"


def test_a_workspace_without_build_files_says_where_it_looked(workspace: Workspace) -> None:
    error = workspace.refused()
    assert (error.code, at(error)) == ("BG015", [str(workspace.root)])


def test_errors_are_told_together_in_the_order_of_their_places(workspace: Workspace) -> None:
    workspace.package("b", 'group("x", [":nothing"])\ngroup("y", [":y"])')
    workspace.package("a", 'group("x", ["//b:z"])')
    workspace.package("c", "raise ValueError('no')")
    error = workspace.refused()
    assert isinstance(error, ManyErrors)
    assert error.exit_code == 2
    assert [(each.code, at(each)) for each in error.errors] == [
        ("BG023", ["a/BUILD.py:2"]),
        ("BG023", ["b/BUILD.py:2"]),
        ("BG022", ["b/BUILD.py:3"]),
        ("BG034", ["c/BUILD.py:2"]),
    ]
    assert error.lines()[-1] == "4 errors"


def test_at_most_twenty_errors_are_shown(workspace: Workspace) -> None:
    workspace.package("", 'for i in range(30): group(f"n{i}", [":nothing"])')
    lines = workspace.refused().lines()
    assert sum(line.startswith("error[") for line in lines) == 20
    assert lines[-1] == "and 10 more errors"


def test_what_needs_a_broken_package_is_not_blamed_as_well(workspace: Workspace) -> None:
    workspace.package("a", "raise ValueError")
    workspace.package("b", 'group("x", ["//a:y"])')
    assert workspace.refused().code == "BG034"
    assert workspace.refused("//a:y").code == "BG034"


def test_patterns_that_are_not_patterns_are_told_together(tree: Workspace) -> None:
    error = tree.refused("//a b:c", "//..:d")
    assert [each.code for each in getattr(error, "errors", ())] == ["BG011", "BG011"]


# A graph made by hand


def schema(needs: Mapping[str, list[str]], targets: tuple[str, ...] = ()) -> GraphSchema:
    return GraphSchema(
        {
            name: SchemaNode(
                {f"p{i}": each for i, each in enumerate(parents)}, "m.C", "create", "run", {}, is_target=name in targets
            )
            for name, parents in needs.items()
        }
    )


def test_a_schema_made_by_hand_is_ordered_and_asks_for_its_targets() -> None:
    graph = from_schema(schema({"b": ["a"], "a": []}, targets=("b",)))
    assert (list(graph.schema.nodes), graph.requested) == (["a", "b"], ("b",))
    assert graph.place("b") is None


def test_values_from_outside_are_not_missing() -> None:
    made = schema({"a": ["__importer__"]})
    assert from_schema(made, inputs=["__importer__"]).requested == ("a",)
    with pytest.raises(UsageError) as caught:
        from_schema(made)
    assert (caught.value.code, str(caught.value.where[0])) == ("BG023", "node 'a'")


@pytest.mark.parametrize(
    ("needs", "code"),
    [({}, "BG015"), ({"a": ["a"]}, "BG022"), ({"a": ["b"], "b": ["a"]}, "BG021"), ({"é": [], "e\u0301": []}, "BG025")],
)
def test_a_schema_made_by_hand_is_validated(needs: dict[str, list[str]], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_schema(schema(needs))
    assert caught.value.code == code


def test_asking_a_schema_for_an_unknown_node_is_told() -> None:
    with pytest.raises(UsageError, match="there is no target 'trian'") as caught:
        from_schema(schema({"train": []}), ["trian"])
    assert caught.value.fix == "did you mean 'train'?"


# graph.yml

RASA = """
    recipe: graph.v1
    language: en
    nlu_target: run_C
    train_schema:
      nodes:
        data:
          uses: pkg.module.Provider
          is_input: true
        train_C:
          needs: {training_data: data, extra: "//lib:words"}
          uses: pkg.module.Classifier
          constructor_name: create
          fn: train
          config: {epochs: 3, rate: 0.5}
          is_target: true
          resource: {name: model}
          policy: {timeout: 60, tags: [slow]}
    predict_schema: {nodes: {}}
"""


def test_a_graph_file_declares_targets(workspace: Workspace) -> None:
    workspace.write("nlu/graph.yml", RASA)
    workspace.package("lib", 'group("words")')
    for graph in (workspace.load("//nlu:all"), workspace.load("//nlu:all")):
        assert graph.requested == ("//nlu:data", "//nlu:train_C")
        node = graph.schema.nodes["//nlu:train_C"]
        assert node.needs == {"training_data": "//nlu:data", "extra": "//lib:words"}
        assert (node.config, node.resource, node.policy.timeout, node.policy.tags) == (
            {"epochs": 3, "rate": 0.5},
            Resource("model"),
            60,
            ("slow",),
        )
        assert graph.origins["//nlu:train_C"] == ("nlu/graph.yml", 10)
    assert graph.evaluated == ()


def test_a_graph_file_is_read_again_when_it_changed(workspace: Workspace) -> None:
    workspace.write("graph.yml", "nodes: {a: {uses: m.C}}")
    workspace.load()
    workspace.write("graph.yml", "nodes: {b: {uses: m.C}}")
    assert workspace.load().requested == ("//:b",)


def test_a_missing_need_in_a_graph_file_has_a_line(workspace: Workspace) -> None:
    workspace.write(
        "graph.yml", "nodes:\n  train: {uses: m.C}\n  evaluate:\n    needs: {model: trian}\n    uses: m.C\n"
    )
    error = workspace.refused()
    assert (error.code, at(error), error.fix) == ("BG023", ["graph.yml:3"], "did you mean '//:train'?")


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("nodes:\n  a: {uses: m.C}\n  a: {uses: m.C}\n", "BG121", 3),
        ("nodes:\n  a:\n    uses: m.C\n    confg: {}\n", "BG020", 4),
        ("nodes:\n  a:\n    fn: run\n", "BG020", 2),
        ("nodes:\n  a:\n    uses: m.C\n    eager: 3\n", "BG020", 4),
        ("nodes:\n  a: [m.C]\n", "BG020", 2),
        ("nodes:\n  a b:\n    uses: m.C\n", "BG010", 2),
        ("nodes:\n  1:\n    uses: m.C\n", "BG124", 2),
        ("nodes:\n  a: {uses: m.C, needs: {x: 3}}\n", "BG020", 2),
        ("nodes:\n  a: {uses: m.C}\n  A: {uses: m.C}\n", "BG025", 2),
        ("nodes: {}\n", "BG124", 1),
        ("", "BG124", 1),
        ("recipe: graph.v1\nnode: {}\n", "BG124", 2),
        ("- a\n", "BG124", 1),
    ],
)
def test_mistakes_in_a_graph_file_have_a_line(workspace: Workspace, text: str, code: str, line: int) -> None:
    workspace.write("graph.yml", text)
    error = workspace.refused()
    place = error.where[0]
    assert isinstance(place, Place)
    assert (error.code, place.file, place.line) == (code, "graph.yml", line)


def test_surprising_values_are_warned_of_and_the_warning_is_remembered(workspace: Workspace) -> None:
    workspace.write("graph.yml", "nodes:\n  a:\n    uses: m.C\n    config: {country: no}\n")
    for graph in (workspace.load(), workspace.load()):
        assert graph.schema.nodes["//:a"].config == {"country": "no"}
        assert [code for code, _ in graph.warnings] == ["BG125"]
        assert "graph.yml:4" in graph.warnings[0][1]
