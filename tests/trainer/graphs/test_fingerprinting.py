"""What makes a node another one, and what does not: the fingerprint of an action in a training."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from buildgraph.errors import BuildgraphError
from buildgraph.schema import Policy, Resource
from buildgraph.trainer.errors import GraphComponentException, GraphSchemaException


def keys(lab, nodes, **options) -> dict[str, str]:
    """The fingerprint of every node that a training of `nodes` knows."""
    return {name: each["fingerprint"] for name, each in lab.train(nodes, **options).metadata.lineage.items()}


@pytest.fixture
def pair(inline_lab) -> dict[str, Any]:
    lab = inline_lab
    return {"give": lab.node("Give", config={"value": 2}), "add": lab.target("Add", {"number": "give"}, config={"by": 2, "more": {"a": 1, "b": [1, 2]}})}


def test_nothing_changed_nothing_changes(inline_lab, pair):
    """In another run, another folder for models, another order of nodes and keys, with another node beside it."""
    first = keys(inline_lab, pair)
    shuffled = {name: pair[name] for name in reversed(pair)}
    shuffled["add"] = inline_lab.target("Add", {"number": "give"}, config={"more": {"b": [1, 2], "a": 1}, "by": 2})
    shuffled["aside"] = inline_lab.target("Give", config={"value": 9})
    again = keys(inline_lab, shuffled)
    assert first["add"] == again["add"]
    assert first["give"] == again["give"]


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"by": 3}}, {"config": {"by": 2}}, {"config": {"by": 2, "more": {"a": 1, "b": [2, 1]}}}, {"uses": "parts.Expect", "config": {"number": 2}},
        {"fn": "less"}, {"fn": "times"}, {"constructor_name": "load"}, {"needs": {"number": "other"}}, {"policy": Policy(salt="1")},
    ],
    ids=["setting", "no setting", "order of a list", "class", "method", "another method", "constructor", "input", "salt"],
)  # fmt: skip
def test_what_a_node_says_counts(inline_lab, pair, change):
    from dataclasses import replace

    pair["other"] = inline_lab.node("Give", config={"value": 3})
    before = keys(inline_lab, pair)["add"]
    found = keys(inline_lab, {**pair, "add": replace(pair["add"], **change)})["add"]
    assert found != before


def test_the_name_of_a_resource_counts(inline_lab):
    """It is what a component finds its files by."""
    lab = inline_lab
    found = set()
    for name in ("one", "two"):
        nodes = {"give": lab.node("Give", config={"value": 2}), "train": lab.target("Train", {"number": "give"}, fn="train", resource=Resource(name))}
        trained = lab.train(nodes)
        found.add(trained.metadata.lineage["train"]["fingerprint"])
        assert list(trained.metadata.resources) == [name]
    assert len(found) == 2


def test_two_methods_of_one_class_are_two_results(lab):
    """Also on the second training, when both are found."""
    nodes = {
        "give": lab.node("Give", config={"value": 5}),
        "more": lab.node("Add", {"number": "give"}, config={"by": 2}),
        "less": lab.node("Add", {"number": "give"}, config={"by": 2}, fn="less"),
    }
    for turn in range(3):
        checks = {
            "seven": lab.target("Expect", {"number": "more"}, config={"number": 7, "turn": turn}),
            "three": lab.target("Expect", {"number": "less"}, config={"number": 3, "turn": turn}),
        }
        expected = ["seven", "three"] if turn else ["give", "less", "more", "seven", "three"]
        assert lab.train({**nodes, **checks}).ran == expected


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        ("parts.py", "return number + self.config", "return 1 + number + self.config", ["add"]),
        ("parts.py", "    def offset(self):\n        return 0", "    def offset(self):\n        return 100", ["add", "times"]),
        ("tools.py", "return 2 * number", "return 3 * number", ["add", "times"]),
        ("tools.py", "FACTOR = 10", "FACTOR = 20", ["add", "times"]),
        ("parts.py", '{"by": 1,', '{"by": 6,', ["add", "times"]),
    ],
    ids=["method", "parent class", "helper function", "module constant", "default"],
)  # fmt: skip
def test_edited_code_is_noticed(lab, file, old, new, stale):
    """Wherever it is: what a training comes to afterwards is what a clean one comes to. In one process, too."""
    nodes = {
        "give": lab.node("Give", config={"value": 5}),
        "add": lab.target("Add", {"number": "give"}),
        "times": lab.target("Add", {"number": "give"}, fn="times"),
        "read": lab.reader(),
        "input": lab.target("Add", {"number": "read"}, config={"by": 3}),
    }
    lab.number(1)
    lab.train(nodes)
    lab.edit(file, old, new)
    again = lab.train(nodes, archive="again.tar.gz")
    assert set(again.ran) & {"add", "times"}
    clean = lab.train(nodes, cache=clean_cache(lab), archive="clean.tar.gz")
    assert again.archive.read_bytes() == clean.archive.read_bytes()
    assert lab.train(nodes).ran == []


def clean_cache(lab):
    from buildgraph.trainer.cache import LocalTrainingCache

    return LocalTrainingCache(lab.folder / "clean")


def test_edited_inputs_and_addons_are_noticed_in_one_process(lab, tmp_path):
    """They run in the process of the trainer, which imported their modules before they were edited."""
    words = tmp_path / "words.txt"
    words.write_text("one")
    lab.number(1)
    nodes = {"read": lab.reader(), "expect": lab.target("Add", {"number": "read"}), "addon": lab.target("Addon", config={"file": str(words)})}
    lab.train(nodes)
    before = lab.train(nodes).metadata.lineage
    lab.edit("parts.py", "return int(Path", "return 100 + int(Path")
    lab.edit("parts.py", "return Path(config", "return 'more' + Path(config")
    after = lab.train(nodes).metadata.lineage
    assert after["read"]["output"] != before["read"]["output"]
    clean = lab.train(nodes, cache=clean_cache(lab))
    assert after == clean.metadata.lineage


def test_code_that_nobody_uses_does_not_count(inline_lab, pair):
    before = keys(inline_lab, pair)
    inline_lab.write("other.py", "LONELY = 1\n")
    inline_lab.edit("tools.py", '"""Helpers."""', '"""Helpers."""\n# and a comment')
    assert keys(inline_lab, pair) == before


PAIRS: dict[str, tuple[Any, Any]] = {
    "number and text": (1, "1"),
    "truth and text": (True, "True"),
    "nothing and text": (None, "None"),
    "list and text": ([1, 2], "[1, 2]"),
    "number and truth": (1, True),
    "whole and real": (1, 1.0),
    "zeros": (0.0, -0.0),
    "empty": ([], {}),
    "nested": ([[1], 2], [1, [2]]),
    "long texts": ("a" * 5000 + "b" + "a" * 5000, "a" * 5000 + "c" + "a" * 5000),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_what_prints_alike_is_not_alike(inline_lab, kind):
    """Neither in a config nor as an input."""
    lab = inline_lab
    found = []
    for value in PAIRS[kind]:
        nodes = {"give": lab.node("Give", config={"value": value}), "text": lab.target("Text", {"value": "give"})}
        trained = lab.train(nodes)
        assert trained.ran == ["give", "text"]
        found.append(trained.metadata.lineage)
    assert found[0]["give"]["fingerprint"] != found[1]["give"]["fingerprint"]
    assert found[0]["text"]["fingerprint"] != found[1]["text"]["fingerprint"]


ARRAYS = '''"""Big arrays."""

import numpy as np

from parts import Base


class Array(Base):
    def run(self):
        found = np.zeros(tuple(self.config["shape"]), self.config["kind"])
        found.flat[self.config["at"]] = 1
        return found


class Sum(Base):
    def run(self, array: np.ndarray) -> float:
        return float((array.ravel() * np.arange(array.size)).sum())


class Tuple(Base):
    def run(self):
        return (1, 2)


class Printed(Base):
    def run(self):
        return "(1, 2)"


class Set(Base):
    def run(self):
        return {f"word {number}" for number in range(50)}
'''


def test_large_arrays_differ_in_one_element(lab):
    """Printed, they would be the same."""
    pytest.importorskip("numpy")
    lab.write("other.py", ARRAYS)
    found = {}
    for at, shape, kind in ((2500, [5000], "f8"), (2501, [5000], "f8"), (2500, [5000], "f4"), (2500, [50, 100], "f8")):
        nodes = {"array": lab.node("other.Array", config={"at": at, "shape": shape, "kind": kind}, is_input=True), "sum": lab.target("other.Sum", {"array": "array"})}
        trained = lab.train(nodes)
        assert trained.ran == ["sum"]
        assert lab.train(nodes).ran == []
        found[trained.metadata.lineage["sum"]["fingerprint"]] = trained.metadata.lineage["sum"]["output"]
    assert len(found) == 4
    assert len(set(found.values())) == 2  # what an array sums up to does not depend on its kind or shape


def test_a_tuple_is_not_what_it_prints(inline_lab):
    lab = inline_lab
    lab.write("other.py", ARRAYS)
    found = {
        keys(lab, {"give": lab.node(f"other.{uses}"), "text": lab.target("Text", {"value": "give"})})["text"] for uses in ("Tuple", "Printed")
    }  # fmt: skip
    assert len(found) == 2


def test_sets_are_the_same_in_every_process(inline_lab):
    """However their elements happen to be hashed."""
    lab = inline_lab
    lab.write("other.py", ARRAYS)
    script = f"""
import sys
sys.path.insert(0, {str(lab.code)!r})
from pathlib import Path
from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.graph_trainer import GraphTrainer
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.runner import InlineRunner
from buildgraph.trainer.storage import LocalModelStorage
nodes = {{"set": SchemaNode({{}}, "other.Set", "create", "run", {{}}, is_input=True), "text": SchemaNode({{"value": "set"}}, "parts.Text", "create", "run", {{}}, is_target=True)}}
folder = Path({str(lab.folder)!r}) / sys.argv[1]
configuration = GraphModelConfiguration(GraphSchema(nodes), GraphSchema({{}}), TrainingType.BOTH, None, None, None, None)
trainer = GraphTrainer(LocalModelStorage.create(folder), LocalTrainingCache(folder / "cache"), InlineRunner)
print(trainer.train(configuration, TrainingFileImporter(), folder / "model.tar.gz").lineage["text"]["fingerprint"])
"""
    said = {
        subprocess.run([sys.executable, "-c", script, seed], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1
    assert said.pop().strip()


def test_what_has_no_content_to_compare_is_an_error(lab):
    """It is never told apart by where it lies in memory."""
    lab.write("other.py", "from parts import Base\n\nclass Odd:\n    pass\n\nclass Strange(Base):\n    def run(self):\n        return Odd()\n")
    nodes = {"strange": lab.node("other.Strange", is_input=True), "text": lab.target("Text", {"value": "strange"})}
    with pytest.raises(BuildgraphError) as raised:
        lab.train(nodes)
    assert raised.value.code == "BG232"
    assert "strange" in raised.value.headline


def test_a_live_object_may_pass_between_inputs(lab):
    """What stays among inputs needs no form that can be kept."""
    lab.write(
        "other.py",
        "from parts import Base\n\nclass Odd:\n    number = 4\n\nclass Strange(Base):\n    def run(self):\n        return Odd()\n\nclass Look(Base):\n    def run(self, odd):\n        return odd.number\n",
    )
    nodes = {"strange": lab.node("other.Strange", is_input=True), "look": lab.node("other.Look", {"odd": "strange"}, is_input=True), "add": lab.target("Add", {"number": "look"})}
    assert lab.train(nodes).ran == ["add"]
    assert lab.train(nodes).ran == []


def test_the_version_of_a_required_package_counts(inline_lab):
    """Though nothing of its code may have changed."""
    lab = inline_lab
    lab.write("vendored.py", "")
    about = lab.write("vendored-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: vendored\nVersion: 1.0\n")
    lab.write("other.py", "from parts import Base\n\nclass Needy(Base):\n    @staticmethod\n    def required_packages():\n        return ['vendored']\n\n    def run(self):\n        return 1\n")
    nodes = {"needy": lab.target("other.Needy")}
    assert lab.train(nodes).ran == ["needy"]
    assert lab.train(nodes).ran == []
    about.parent.rename(lab.code / "vendored-1.1.dist-info")
    lab.write("vendored-1.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: vendored\nVersion: 1.1\n")
    assert lab.train(nodes).ran == ["needy"]


def test_a_missing_package_is_named(lab):
    lab.write("other.py", "from parts import Base\n\nclass Needy(Base):\n    @staticmethod\n    def required_packages():\n        return ['not_there_at_all']\n\n    def run(self):\n        return 1\n")
    with pytest.raises(BuildgraphError, match="not_there_at_all"):
        lab.train({"needy": lab.target("other.Needy")})


def test_declared_variables_count_and_others_do_not(lab):
    lab.write("other.py", "import os\n\nfrom parts import Base\n\nclass Look(Base):\n    def run(self):\n        return os.environ.get('MOOD', 'none')\n")
    nodes = {"look": lab.node("other.Look", policy=Policy(environment=("MOOD",))), "text": lab.target("Text", {"value": "look"})}
    assert lab.train(nodes, environment={"MOOD": "good"}).ran == ["look", "text"]
    assert lab.train(nodes, environment={"MOOD": "good", "OTHER": "1"}).ran == []
    assert lab.train(nodes, environment={"MOOD": "bad"}).ran == ["look", "text"]
    assert lab.train(nodes, environment={"MOOD": "good"}).ran == []


def test_an_addon_that_fails_names_its_node(inline_lab):
    with pytest.raises(GraphComponentException) as raised:
        inline_lab.train({"addon": inline_lab.target("Addon", config={"fiel": "x"})})
    assert raised.value.code == "BG501"
    assert "'addon'" in raised.value.headline
    assert "KeyError" in raised.value.headline


def test_an_addon_has_to_be_text(inline_lab):
    inline_lab.write("other.py", "from parts import Base\n\nclass Odd(Base):\n    @classmethod\n    def fingerprint_addon(cls, config):\n        return object()\n")
    with pytest.raises(GraphComponentException, match="returned a object"):
        inline_lab.train({"odd": inline_lab.target("other.Odd")})


def test_a_class_of_this_process_alone_is_refused(inline_lab):
    """No other process could import it, and no fingerprint could read it."""
    from buildgraph.component import GraphComponent

    class Here(GraphComponent):
        def run(self) -> int:
            return 1

    from dataclasses import replace

    with pytest.raises(GraphSchemaException):
        inline_lab.train({"here": replace(inline_lab.target("Give"), uses=Here)})


def test_a_nested_class_can_be_used(lab):
    assert lab.train({"inner": lab.target("parts:Outer.Inner")}).ran == ["inner"]


def test_a_differing_result_for_the_same_key_never_mixes_with_the_first(lab):
    """A component that is not deterministic: a forced training is one whole, and so is the next one."""
    log = lab.folder / "turns"
    lab.write(
        "other.py",
        "from parts import Base, Resource\n\nclass Turn(Base):\n    def run(self):\n        with open(self.config['log'], 'a') as file:\n            file.write('x')\n            return file.tell()\n",
    )
    nodes = {"turn": lab.node("other.Turn", config={"log": str(log)}), "train": lab.target("Train", {"number": "turn"}, fn="train"), "same": lab.target("Train", {"number": "turn"}, fn="train")}
    lab.train(nodes)
    storage = lab.storage()
    lab.train(nodes, force=True, storage=storage)
    turns: Callable[[str], str] = lambda name: (storage.folder(name) / "model.txt").read_text()  # noqa: E731 - two words
    assert turns("train") == turns("same")
    again = lab.storage()
    assert lab.train(nodes, storage=again).ran == []
    assert (again.folder("train") / "model.txt").read_text() == (again.folder("same") / "model.txt").read_text()
