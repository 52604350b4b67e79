"""The commands that only look: status, explain, list, graph, show, log."""

from __future__ import annotations

import json
import re

import pytest

ALL = ["//:everything", "//:text"]
TARGETS = ["//:count", "//:model", "//:upper", "//:words", "//tools:tools"]


class TestStatus:
    def test_it_says_what_is_stale_and_why_and_runs_nothing(self, place):
        said = place("status")
        assert re.search(r"stale +//:words  \(never built here\)", said.out)
        assert re.search(r"undetermined +//:count", said.out)
        assert not (place.root / "build").exists()

    def test_check_exits_with_3_only_when_something_is_stale(self, place):
        place("status", "--check", expect=3)
        place("build")
        assert "5 targets: 5 up to date" in place("status", "--check").out
        place.write({"text/a.txt": "changed\n"})
        place("status", "--check", expect=3)

    def test_json(self, place):
        place("build")
        place.write({"text/b.txt": "three four\n"})
        found = place("status", "--json").data
        assert found["targets"]["//:words"]["state"] == "stale"
        assert found["targets"]["//:words"]["reason"].startswith("inputs.folder changed")
        assert found["targets"]["//:upper"]["state"] == "up_to_date"
        assert found["counts"] == {"stale": 1, "undetermined": 2, "up_to_date": 2}


class TestExplain:
    def test_a_stale_target_names_what_changed(self, place):
        place("build")
        place.write({"BUILD.py": (place.root / "BUILD.py").read_text().replace('"factor": 1', '"factor": 2')})
        said = place("explain", "//:count")
        assert "STALE" in said.out
        assert "config.factor changed: 1 -> 2" in said.out
        assert "steps" in said.out

    def test_an_up_to_date_target_shows_its_fields(self, place):
        place("build")
        found = place("explain", ":words", "--json").data
        assert found["state"] == "up_to_date"
        assert found["key"].startswith("b3:")
        assert found["changes"] == []
        assert set(found["fields"]) >= {"uses", "config", "inputs", "code", "platform"}

    def test_the_key_is_the_one_that_the_build_used(self, place, tmp_path):
        place("build", "--events", tmp_path / "events")
        events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
        keys = {event["target"]: event["key"] for event in events if event["type"] == "target_built"}
        for label in TARGETS:
            assert place("explain", label, "--json").data["key"] == keys[label]

    def test_a_source_shows_its_files(self, place):
        assert "a.txt" in place("explain", "//:text").out

    def test_a_label_that_is_not_there(self, place):
        assert "did you mean" in place("explain", "//:wrods", expect=2).err


class TestList:
    def test_all_targets_in_full(self, place):
        assert sorted(place("list").out.split()) == sorted([*ALL, *TARGETS])

    def test_patterns_choose(self, place):
        assert place("list", "//tools/...").out.split() == ["//tools:tools"]

    def test_verbose_says_where_they_are_declared(self, place):
        line = next(line for line in place("list", "-v").out.splitlines() if line.startswith("//:count"))
        assert line.split() == ["//:count", "function", "steps:count", "BUILD.py:5"]

    def test_json(self, place):
        rows = {row["label"]: row for row in place("list", "--json").data["targets"]}
        assert rows["//:count"] == {"label": "//:count", "kind": "function", "tags": [], "declared": "BUILD.py:5"}
        assert rows["//:text"]["kind"] == "source"
        assert rows["//:everything"]["kind"] == "group"

    def test_implicit_nodes_only_when_asked_for(self, place):
        assert "@src:text/a.txt" not in place("list").out
        assert "@src:text/a.txt" in place("list", "--all").out


EDGES = {
    ("//:text", "//:words"), ("//:words", "//:count"), ("//:count", "//:model"), ("//:upper", "//:model"),
    ("//:model", "//:everything"), ("//:words", "//:everything"),
}  # fmt: skip


class TestGraph:
    def test_mermaid(self, place):
        lines = place("graph").out.splitlines()
        assert lines[0] == "flowchart LR"
        names = dict(re.findall(r"^  (n\d+)\S*?[\"]([^\"]+)[\"]", "\n".join(lines), re.MULTILINE))
        edges = {(names[a], names[b]) for a, b in re.findall(r"^  (n\d+) --> (n\d+)$", "\n".join(lines), re.MULTILINE)}
        assert edges == EDGES

    def test_dot_follows_the_grammar(self, place):
        text = place("graph", "--format", "dot").out
        name, string = r"[A-Za-z_]\w*", r'"(?:[^"\\]|\\.)*"'
        statement = rf"\s*(?:{name}={name}|{string}(?:\s*->\s*{string})?(?:\s*\[{name}={name}\])?);"
        assert re.fullmatch(rf"digraph {name} \{{(?:{statement})*\s*\}}\s*", text)
        edges = re.findall(rf"({string}) -> ({string});", text)
        assert {(json.loads(a), json.loads(b)) for a, b in edges} == EDGES

    def test_json(self, place):
        nodes = {node["label"]: node for node in place("graph", "--format", "json").data["nodes"]}
        assert nodes["//:count"]["needs"] == {"words": "//:words"}
        assert nodes["//:count"]["uses"] == "steps:count"

    def test_only_what_the_labels_need(self, place):
        nodes = place("graph", "//:count", "--format", "json").data["nodes"]
        assert {node["label"] for node in nodes} == {"//:text", "//:words", "//:count"}

    def test_another_format_is_refused(self, place):
        assert "BG003" in place("graph", "--format", "svg", expect=2).err


class TestShow:
    def test_outputs_with_digests_and_cost(self, place):
        place("build")
        said = place("show", "//:upper")
        assert re.search(r"upper\.txt  8 bytes  b3:[0-9a-f]{64}", said.out)
        assert "MiB peak" in said.out
        data = place("show", "//:upper", "--json").data
        assert [(file["path"], file["size"]) for file in data["outputs"]] == [("upper.txt", 8)]
        assert data["codec"] == "tree"

    def test_the_code_that_a_value_carries(self, place):
        place.write({"notes/BUILD.py": "from buildgraph.rules import python\n\npython('note', fn='notes.code:note', codec='pickle')\n"})
        place.write({"notes/code.py": "class Note:\n    pass\n\n\ndef note():\n    return Note()\n"})
        place("build", "//notes:note")
        assert "  carries notes.code:Note\n" in place("show", "//notes:note").out
        assert place("show", "//notes:note", "--json").data["classes"] == ["notes.code:Note"]

    def test_what_was_never_built(self, place):
        assert "error[BG064]" in place("show", "//:upper", expect=2).err


class TestLog:
    def test_what_a_target_printed(self, place):
        place("build")
        assert place("log", "//:words").out == "looking at 2 files\n"

    def test_what_a_failed_target_printed(self, place):
        place.write({"steps.py": "def words(folder):\n    print('before the fall')\n    return 1 / 0\n\n\ncount = None\n"})
        place("build", "//:words", expect=1)
        said = place("log", ":words")
        assert said.out.startswith("before the fall\n")
        assert "ZeroDivisionError" in said.out

    def test_the_log_of_a_failure_is_over_when_the_target_succeeds(self, place):
        good = (place.root / "steps.py").read_text()
        place.write({"steps.py": "def words(folder):\n    print('before the fall')\n    return 1 / 0\n\n\ndef count(words, factor):\n    return 0\n"})
        place("build", "//:words", expect=1)
        place.write({"steps.py": good})
        place("build", "//:words")
        assert place("log", ":words").out == "looking at 2 files\n"

    def test_the_last_builds(self, place):
        place("build", "//tools")
        place("build")
        lines = place("log").out.splitlines()
        assert [re.sub(r"^.*  ", "", line).split(" in ")[0] for line in lines] == [
            "1 target: 1 built", "5 targets: 4 built, 1 up to date",
        ]  # fmt: skip


class TestExplainingCode:
    """What `explain` says when code changed."""

    @pytest.fixture
    def edited(self, empty):
        text = "def tokenize(text):\n    return text.split()\n\n\ndef featurize(text):\n    return [len(each) for each in tokenize(text)]\n"
        build = "from buildgraph.rules import python\npython('features', fn='app.model:train')\n"
        empty.write({"buildgraph.toml": "", "BUILD.py": build, "app/model.py": "from app.text import featurize\n\n\ndef train():\n    return featurize('a b')\n", "app/text.py": text})
        empty("build")
        empty.write({"app/text.py": "# moved down\n" + text.replace("split()", "split(',')")})
        return empty

    def test_it_names_the_definition_its_lines_and_the_names_that_lead_there(self, edited):
        said = edited("explain", "//:features").out
        assert re.search(r"changed  code\.definitions\.app\.text\.tokenize: \w{10} -> \w{10}", said)
        assert "app/text.py:2-3  (reached via train -> featurize -> tokenize)" in said
        assert "split" not in said

    def test_diff_shows_the_source_as_the_last_build_saw_it_and_as_it_is(self, edited):
        said = edited("explain", "//:features", "--diff").out
        assert "-    return text.split()" in said and "+    return text.split(',')" in said
        assert "moved down" not in said, "a comment is no part of the definition"

    def test_json_has_the_same(self, edited):
        (found,) = edited("explain", "//:features", "--json").data["definitions"]
        assert (found["name"], found["file"], found["first"], found["last"]) == ("app.text.tokenize", "app/text.py", 2, 3)
        assert found["via"] == ["train", "featurize", "tokenize"]
        assert "+    return text.split(',')" in found["diff"]

    def test_a_definition_that_is_gone_or_new_is_told_as_such(self, edited):
        edited.write({"app/text.py": "def featurize(text):\n    return [shorten(text)]\n\n\ndef shorten(text):\n    return text[:1]\n"})
        changes = {row["field"]: row for row in edited("explain", "//:features", "--json").data["changes"]}
        assert changes["code.definitions.app.text.tokenize"]["after"] == "absent"
        assert changes["code.definitions.app.text.shorten"]["before"] == "absent"

    def test_code_counts_as_the_flag_the_variable_or_the_target_says(self, edited):
        assert "granularity: definition" in edited("explain", "//:features").out
        assert "granularity: module" in edited("explain", "//:features", "--granularity", "module").out
        edited.write({"buildgraph.toml": "granularity = 'package'\n"})
        assert "granularity: package" in edited("explain", "//:features").out
        edited.write({"BUILD.py": "from buildgraph.rules import python\npython('features', fn='app.model:train', granularity='source')\n"})
        assert "granularity: source" in edited("explain", "//:features").out

    def test_strict_refuses_what_reading_cannot_resolve(self, edited):
        edited.write({"app/text.py": "def featurize(text):\n    return globals()[text]\n"})
        assert "note: app.text looks names up in its module" in edited("explain", "//:features").out
        assert "error[BG105]" in edited("build", "--strict", expect=2).err


@pytest.mark.parametrize("command", ["status", "explain //:words", "list", "graph", "show //:words", "log //:words"])
def test_looking_changes_no_file_of_the_user(place, command):
    place("build")

    def files():
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes())
            for path in place.root.rglob("*")
            if path.is_file() and ".buildgraph" not in path.parts
        }

    before = files()
    place(*command.split())
    assert files() == before
