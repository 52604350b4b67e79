"""What a training promises: everything that is stale runs once, everything else is found, and the archive says it all."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace

import pytest

from buildgraph.errors import BuildgraphError, UsageError
from buildgraph.events import ResultLost, TargetBuilt
from buildgraph.schema import GraphSchema, Policy, Resource, SchemaNode
from buildgraph.trainer.configuration import GraphModelConfiguration
from buildgraph.trainer.errors import GraphComponentException, GraphSchemaException, InvalidConfigException
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.loader import load_predict_graph_runner
from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner
from buildgraph.trainer.storage import LocalModelStorage

NEVER = Policy(cacheable=False)


@pytest.fixture
def five(lab) -> dict[str, SchemaNode]:
    """An input, something learnt, its use, an addition that is never kept, and a target that checks."""
    lab.number(3)
    return {
        "read": lab.reader(),
        "train": lab.target("Train", {"number": "read"}, fn="train"),
        "process": lab.node("Process", {"resource": "train", "number": "read"}, fn="process", constructor_name="load"),
        "add": lab.node("Add", {"number": "process"}, policy=NEVER),
        "expect": lab.target("Expect", {"number": "add"}, config={"number": 7}),
    }


def files_of(storage: LocalModelStorage, name: str) -> dict[str, str]:
    with storage.read_from(Resource(name)) as folder:
        return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


# what comes of a training


def test_the_metadata_says_what_was_asked_for(lab, tmp_path):
    """Identity, assistant, language, targets, the importer's domain and both schemas."""
    domain = tmp_path / "domain.yml"
    domain.write_text('version: "3.1"\nintents: [greet, leave]\n')
    predict = {"use": lab.node("Process", fn="run", constructor_name="load", resource=Resource("train"), eager=True)}
    nodes = {"give": lab.node("Give", config={"value": 3}), "train": lab.target("Train", {"number": "give"}, fn="train")}
    configuration = lab.configured(nodes, predict, assistant_id="helpful", language="en", nlu_target="use", core_target="use")
    importer = TrainingFileImporter(domain_path=str(domain))
    metadata = lab.train({}, configuration=configuration, importer=importer).metadata
    assert metadata.model_id
    assert metadata.assistant_id == "helpful"
    assert (metadata.language, metadata.nlu_target, metadata.core_target) == ("en", "use", "use")
    assert metadata.domain == importer.get_domain()
    assert metadata.train_schema.as_dict() == configuration.train_schema.as_dict()
    assert metadata.predict_schema.as_dict() == configuration.predict_schema.as_dict()
    assert list(metadata.resources) == ["train"]


def test_the_domain_of_the_metadata_is_a_copy(lab):
    """What a component does to the importer's domain while it trains is not what the model says."""

    class Importer(TrainingFileImporter):
        def __init__(self):
            super().__init__()
            self.domain = super().get_domain()

        def get_domain(self):
            return self.domain

    importer = Importer()
    lab.write("other.py", "from parts import Base\n\nclass Spoil(Base):\n    def run(self, importer):\n        importer.get_domain().intents['new'] = {}\n        return 1\n")
    trained = lab.train({"spoil": lab.node("other.Spoil", {"importer": "__importer__"}, is_input=True), "add": lab.target("Add", {"number": "spoil"})}, importer=importer)
    assert importer.get_domain().intents == {"new": {}}
    assert trained.metadata.domain.intents == {}


def test_only_what_is_stale_runs(lab, five):
    """Once each; then nothing but the reader and what is never kept; then what a changed setting touches; forced, all."""
    assert lab.train(five).ran == ["add", "expect", "process", "train"]
    assert lab.reads() == 1

    again = lab.train(five)
    assert again.ran == ["add"]
    assert again.statuses["expect"] == "cut_off"
    assert lab.reads() == 2

    five["add"] = lab.changed(five["add"], by=2)
    five["expect"] = lab.changed(five["expect"], number=8)
    assert lab.train(five).ran == ["add", "expect"]
    assert lab.reads() == 3

    forced = lab.train(five, force=True)
    assert forced.ran == ["add", "expect", "process", "train"]
    assert lab.reads() == 4


def test_a_forced_training_feeds_the_cache(lab, five):
    five["add"] = replace(five["add"], policy=Policy())
    lab.train(five, force=True)
    assert lab.train(five).ran == []


def test_inputs_are_read_by_every_training(lab, five):
    """A file that says something else has everything below it run; here, the last node then disagrees."""
    lab.train(five)
    lab.number(4)
    with pytest.raises(GraphComponentException) as raised:
        lab.train(five)
    assert "'expect'" in raised.value.headline
    assert "9 is not 7" in raised.value.headline
    assert lab.reads() == 2
    assert sorted(lab.heard.ran) == ["add", "process", "train"]


def test_an_input_that_is_not_needed_cannot_fail_a_training(lab):
    """It is not even run."""
    nodes = {
        "broken": lab.node("Fail", is_input=True),
        "unread": lab.reader("unread.txt"),
        "give": lab.node("Give", config={"value": 1}),
        "add": lab.target("Add", {"number": "give"}),
    }
    assert lab.train(nodes).ran == ["add", "give"]
    assert lab.train(nodes, force=True).ran == ["add", "give"]
    assert lab.reads("unread.txt") == 0


def test_a_needed_input_that_fails_is_named(lab):
    nodes = {"broken": lab.node("Fail", is_input=True, config={"message": "no such table"}), "add": lab.target("Add", {"number": "broken"})}
    with pytest.raises(GraphComponentException, match=r"(?s)broken.*no such table"):
        lab.train(nodes)


def test_what_is_not_needed_never_runs(lab):
    nodes = {"give": lab.node("Give", config={"value": 1}), "add": lab.target("Add", {"number": "give"}), "aside": lab.node("Fail", {"number": "give"})}
    assert lab.train(nodes).ran == ["add", "give"]


def test_an_input_below_one_that_is_none_is_refused(lab):
    """It runs before everything else, so it cannot wait for an ordinary node."""
    nodes = {"give": lab.node("Give"), "late": lab.node("Add", {"number": "give"}, is_input=True), "add": lab.target("Add", {"number": "late"})}
    with pytest.raises(BuildgraphError) as raised:
        lab.train(nodes)
    assert raised.value.code == "BG066"
    assert "'late' needs 'give'" in str(raised.value)
    assert lab.heard.ran == []


def test_inputs_may_need_inputs(lab):
    lab.number(3)
    nodes = {"read": lab.reader(), "more": lab.node("Add", {"number": "read"}, is_input=True), "add": lab.target("Expect", {"number": "more"}, config={"number": 4})}
    assert lab.train(nodes).ran == ["add"]
    assert lab.train(nodes).ran == []


def test_a_training_without_targets_writes_an_empty_model(lab):
    trained = lab.train({"give": lab.node("Give", config={"value": 1})})
    assert trained.ran == []
    assert trained.metadata.resources == {}
    assert LocalModelStorage.metadata_from_archive(trained.archive).model_id == trained.metadata.model_id


def test_one_parent_may_fill_several_parameters(lab):
    nodes = {"give": lab.node("Give", config={"value": 4}), "both": lab.node("Add", {"left": "give", "right": "give"}, fn="both"), "expect": lab.target("Expect", {"number": "both"}, config={"number": 8})}
    assert lab.train(nodes).ran == ["both", "expect", "give"]


def test_a_target_may_need_a_placeholder(lab, tmp_path):
    """And is found as long as what the importer gives says the same, whatever object it is."""
    domain = tmp_path / "domain.yml"
    domain.write_text('version: "3.1"\nintents: [greet]\n')
    nodes = {"text": lab.target("Text", {"importer": "__importer__"}, fn="domain")}
    assert lab.train(nodes, importer=TrainingFileImporter(domain_path=str(domain))).ran == ["text"]
    assert lab.train(nodes, importer=TrainingFileImporter(domain_path=str(domain))).ran == []
    domain.write_text('version: "3.1"\nintents: [greet, leave]\n')
    assert lab.train(nodes, importer=TrainingFileImporter(domain_path=str(domain))).ran == ["text"]


# what is found, and what is not


def test_values_that_count_as_false_are_found_all_the_same(lab):
    nodes = {}
    for value in (0, "", [], {}, None, False, 0.0):
        nodes[f"give {value!r}"] = lab.target("Give", config={"value": value})
        nodes[f"text {value!r}"] = lab.target("Text", {"value": f"give {value!r}"})
    lab.train(nodes)
    assert lab.train(nodes).ran == []
    texts = [name for name in nodes if name.startswith("text")]
    for name in texts:
        nodes[name] = lab.changed(nodes[name], style="other")
    assert lab.train(nodes).ran == sorted(texts)


def test_what_is_never_kept_runs_every_time_and_disturbs_nobody(lab):
    """Its equal output leaves what depends on it alone."""
    nodes = {"give": lab.node("Give", config={"value": 1}, policy=NEVER), "add": lab.target("Add", {"number": "give"})}
    lab.train(nodes)
    again = lab.train(nodes)
    assert again.ran == ["give"]
    assert again.statuses["add"] == "cut_off"


def test_a_value_that_cannot_be_kept_is_an_error_that_names_the_ways_out(lab):
    lab.write("other.py", "from parts import Base\n\nclass Odd:\n    pass\n\nclass Strange(Base):\n    def run(self):\n        return Odd()\n")
    with pytest.raises(GraphComponentException) as raised:
        lab.train({"strange": lab.target("other.Strange")})
    assert raised.value.code == "BG232"
    assert "'strange' returned a other.Odd" in raised.value.headline
    assert 'codec="pickle"' in str(raised.value.fix)
    lab.train({"strange": lab.target("other.Strange", policy=Policy(codec="pickle"))})


def test_equal_outputs_cut_off_early(lab):
    """A node that runs and comes to what it came to before leaves everything below it alone: values and resources."""
    lab.number(3)
    nodes = {
        "read": lab.reader(),
        "add": lab.node("Add", {"number": "read"}, config={"by": 1}),
        "expect": lab.target("Expect", {"number": "add"}, config={"number": 4}),
        "train": lab.target("Train", {"number": "add"}, fn="train", config={"noise": 1}),
        "process": lab.node("Process", {"resource": "train"}, constructor_name="load"),
        "last": lab.target("Expect", {"number": "process"}, config={"number": 4}),
    }
    lab.train(nodes)

    nodes["add"] = lab.changed(nodes["add"], by=0, nested={"left": 1})
    again = lab.train(nodes)
    assert again.ran == ["add"]
    assert {again.statuses[name] for name in ("expect", "train", "process", "last")} == {"cut_off"}

    nodes["train"] = lab.changed(nodes["train"], noise=2)
    again = lab.train(nodes)
    assert again.ran == ["train"]
    assert {again.statuses[name] for name in ("process", "last")} == {"cut_off"}


def test_a_consumer_gets_the_resource_of_the_last_training(lab):
    """Never that of an earlier one, though both are called the same."""
    lab.number(4)
    nodes = {"read": lab.reader(), "train": lab.target("Train", {"number": "read"}, fn="train"), "process": lab.target("Process", {"resource": "train"}, constructor_name="load")}
    lab.train(nodes)
    lab.number(5)
    lab.train(nodes)
    nodes["process"] = lab.changed(nodes["process"], by=0)
    nodes["expect"] = lab.target("Expect", {"number": "process"}, config={"number": 5})
    assert lab.train(nodes).ran == ["expect", "process"]


def test_a_restored_resource_leads_to_the_same_fingerprints(lab):
    """Whether the parent ran or was found, the consumer's fingerprint is what it was."""
    nodes = {
        "give": lab.node("Give", config={"value": 4}),
        "train": lab.target("Train", {"number": "give"}, fn="train"),
        "process": lab.target("Process", {"resource": "train"}, constructor_name="load"),
    }
    first = lab.train(nodes)
    found = lab.train({**nodes, "process": lab.changed(nodes["process"], by=7)})
    assert found.ran == ["process"]
    back, forced = lab.train(nodes), lab.train(nodes, force=True)
    assert first.metadata.lineage == back.metadata.lineage == forced.metadata.lineage
    keys = {event.target: event.key.hex() for event in forced.heard.of(TargetBuilt)}
    assert keys["process"] == first.metadata.lineage["process"]["fingerprint"]


def test_a_partly_given_default_is_found_again(lab):
    """What the defaults fill in is the same on every way to a fingerprint."""
    nodes = {"give": lab.node("Give", config={"value": 1}), "add": lab.target("Add", {"number": "give"}, config={"nested": {"left": 5}})}
    for expected in (["add", "give"], [], []):
        assert lab.train(nodes).ran == expected


def test_an_addon_counts_and_bothers_nobody_who_is_found(lab, tmp_path):
    """It is asked with the node's own config every time; a file it reads is noticed when it changes."""
    words = tmp_path / "words.txt"
    words.write_text("one")
    nodes = {"addon": lab.target("Addon", config={"file": str(words)})}
    assert lab.train(nodes).ran == ["addon"]
    assert lab.train(nodes).ran == []
    words.write_text("two")
    assert lab.fingerprint(nodes)["addon"].is_hit is False
    assert lab.train(nodes).ran == ["addon"]
    assert lab.train(nodes).ran == []


def test_equal_nodes_share_a_result_and_each_has_its_own_resource(lab):
    """One of them runs; the model holds both, under their names."""
    nodes = {"give": lab.node("Give", config={"value": 4}), "one": lab.target("Train", {"number": "give"}, fn="train"), "two": lab.target("Train", {"number": "give"}, fn="train")}
    storage = lab.storage()
    trained = lab.train(nodes, storage=storage)
    assert files_of(storage, "one") == files_of(storage, "two") == {"model.txt": "4", "deep/more.txt": "always the same"}
    assert list(trained.metadata.resources) == ["one", "two"]
    assert lab.train(nodes).ran == []


def test_resources_of_found_nodes_are_in_the_storage_and_in_the_archive(lab, five):
    """A model is whole, whatever of it ran."""
    first = lab.train(five)
    storage = lab.storage()
    again = lab.train(five, storage=storage, archive="again.tar.gz")
    assert files_of(storage, "train") == {"model.txt": "3", "deep/more.txt": "always the same"}
    assert again.archive.read_bytes() == first.archive.read_bytes()


def test_what_lay_in_the_storage_is_replaced(lab):
    """A resource is what its node wrote, and not a file more; whether it ran or was found."""
    nodes = {"give": lab.node("Give", config={"value": 4}), "train": lab.target("Train", {"number": "give"}, fn="train")}
    clean = lab.train(nodes)
    for force in (False, True):
        storage = lab.storage()
        with storage.write_to(Resource("train")) as folder:
            (folder / "extra.txt").write_text("left over")
            (folder / "model.txt").write_text("old")
        again = lab.train(nodes, storage=storage, force=force, archive="again.tar.gz")
        assert files_of(storage, "train") == {"model.txt": "4", "deep/more.txt": "always the same"}
        assert again.archive.read_bytes() == clean.archive.read_bytes()


# failures


def test_a_failure_writes_no_model_and_loses_no_work(lab):
    """What had finished is found when the cause is gone."""
    nodes = {
        "give": lab.node("Give", config={"value": 4}),
        "train": lab.target("Train", {"number": "give"}, fn="train"),
        "process": lab.node("Process", {"resource": "train"}, constructor_name="load"),
        "expect": lab.target("Expect", {"number": "process"}, config={"number": 5}),
    }
    storage = lab.storage()
    with pytest.raises(GraphComponentException, match="4 is not 5"):
        lab.train(nodes, storage=storage)
    assert not (lab.folder / "models" / "model.tar.gz").exists()
    assert storage.names() == []
    nodes["expect"] = lab.changed(nodes["expect"], number=4)
    assert lab.train(nodes).ran == ["expect"]


def test_a_failed_training_leaves_the_model_before_it_alone(lab, five):
    trained = lab.train(five)
    before = trained.archive.read_bytes()
    lab.number(9)
    with pytest.raises(GraphComponentException):
        lab.train(five)
    assert trained.archive.read_bytes() == before
    assert [path.name for path in trained.archive.parent.iterdir()] == [trained.archive.name]


def test_half_of_a_resource_is_none(lab):
    storage = lab.storage()
    nodes = {"give": lab.node("Give", config={"value": 4}), "train": lab.target("Train", {"number": "give"}, fn="fail_half_way")}
    with pytest.raises(GraphComponentException, match="half way"):
        lab.train(nodes, storage=storage)
    assert list(storage.path.iterdir()) == []
    assert not (lab.folder / "models").exists()


def test_half_of_a_resource_is_none_even_when_its_component_goes_on(lab):
    """It may catch what went wrong; what it wrote until then is in no model."""
    lab.write(
        "other.py",
        "from parts import Base, Resource\n\nclass Tough(Base):\n    def run(self) -> int:\n        try:\n            with self.storage.write_to(Resource('half')) as folder:\n"
        "                (folder / 'a.txt').write_text('a')\n                raise RuntimeError\n        except RuntimeError:\n            return 1\n",
    )
    storage = lab.storage()
    assert lab.train({"tough": lab.target("other.Tough")}, storage=storage).metadata.resources == {}
    assert list(storage.path.iterdir()) == []


def test_an_exception_of_a_component_names_its_node_and_comes_with_its_cause(lab):
    with pytest.raises(GraphComponentException) as raised:
        lab.train({"odd one": lab.target("Fail", config={"message": "out of paper"})})
    assert "odd one" in raised.value.headline
    assert "ValueError: out of paper" in raised.value.headline
    assert raised.value.code == "BG220"


def test_a_config_that_a_component_refuses_stays_what_it_is(lab):
    with pytest.raises(InvalidConfigException, match="this config cannot be"):
        lab.train({"refuses": lab.target("Fail", fn="refuse")})


def test_a_worker_that_dies_fails_its_node_and_no_other(make_lab):
    """Whatever else was finished is kept."""
    lab = make_lab(ProcessPoolRunner)
    lab.use()
    nodes = {"give": lab.node("Give", config={"value": 4}), "gone": lab.target("Fail", {"number": "give"}, fn="leave")}
    with pytest.raises(BuildgraphError, match="gone"):
        lab.train(nodes)
    assert lab.train({"give": replace(nodes["give"], is_target=True)}).ran == []


def test_independent_nodes_run_at_the_same_time(make_lab):
    """Each of the two can end only when the other one has begun."""
    lab = make_lab(ProcessPoolRunner)
    lab.use()
    lab.write(
        "other.py",
        "import os\nfrom parts import Base\n\nclass Meet(Base):\n    def run(self):\n        with open(self.config['pipe'], self.config['mode']) as end:\n            return end.write('here') if self.config['mode'] == 'w' else len(end.read())\n",
    )
    pipe = lab.folder / "pipe"
    import os

    os.mkfifo(pipe)
    limit = Policy(timeout=60)
    nodes = {mode: lab.target("other.Meet", config={"pipe": str(pipe), "mode": mode}, policy=limit) for mode in ("r", "w")}
    assert lab.train(nodes, jobs=2).ran == ["r", "w"]


# what components may do


MANY = '''"""Components that persist in every way there is."""

from parts import Base, Resource


class Many(Base):
    def beside(self, number: int) -> int:
        """Persists two resources and returns something else."""
        for name in ("first", "second"):
            with self.storage.write_to(Resource(name)) as folder:
                (folder / "number.txt").write_text(f"{name} {number}")
        return number

    def look(self, number: int) -> str:
        """Reads what its parent persisted beside its value."""
        found = []
        for name in ("first", "second"):
            with self.storage.read_from(Resource(name)) as folder:
                found.append((folder / "number.txt").read_text())
        return ", ".join(found)

    def empty(self) -> Resource:
        with self.storage.write_to(self.resource):
            return self.resource

    def own(self) -> Resource:
        with self.storage.write_to(self.resource) as folder:
            (folder / "who.txt").write_text(self.config["who"])
        return self.resource

    def spoil(self, values):
        values.append(100)
        self.config["list"].append(5)
        return [len(values), len(self.config["list"])]

    def untouched(self, values, after):
        return values


DEFAULTS = {"list": [1]}


class Careless(Base):
    """Hands out its defaults, and changes what it is given."""

    @staticmethod
    def get_default_config():
        return DEFAULTS

    def run(self):
        self.config["list"].append(2)
        self.config.setdefault("own", []).append(1)
        return [len(self.config["list"]), len(self.config["own"])]
'''


@pytest.fixture
def many(lab):
    lab.write("other.py", MANY)
    return lab


def test_what_is_persisted_beside_a_value_reaches_who_needs_it(many):
    """And the model; when it is found as when it is made."""
    lab = many
    nodes = {"give": lab.node("Give", config={"value": 4}), "beside": lab.node("other.Many", {"number": "give"}, fn="beside"), "look": lab.target("other.Many", {"number": "beside"}, fn="look")}
    first = lab.train(nodes)
    assert list(first.metadata.resources) == ["first", "second"]
    nodes["again"] = lab.target("other.Many", {"number": "beside"}, fn="look", config={"turn": 2})
    storage = lab.storage()
    assert lab.train(nodes, storage=storage).ran == ["again"]
    assert files_of(storage, "second") == {"number.txt": "second 4"}


def test_an_input_may_persist_and_hand_over_its_resource(many):
    """To other inputs, to what runs in workers, and into the model."""
    lab = many
    lab.number(6)
    nodes = {
        "read": lab.reader(),
        "train": lab.node("Train", {"number": "read"}, fn="train", is_input=True),
        "early": lab.node("Process", {"resource": "train"}, constructor_name="load", is_input=True),
        "process": lab.target("Process", {"resource": "train", "number": "early"}, fn="process", constructor_name="load"),
        "expect": lab.target("Expect", {"number": "process"}, config={"number": 12}),
    }
    first = lab.train(nodes)
    assert first.ran == ["expect", "process"]
    assert list(first.metadata.resources) == ["train"]
    again = lab.train(nodes, archive="again.tar.gz")
    assert again.ran == []
    assert again.archive.read_bytes() == first.archive.read_bytes()


def test_an_empty_resource_is_a_resource(many, tmp_path):
    lab = many
    storage = lab.storage()
    trained = lab.train({"empty": lab.target("other.Many", fn="empty")}, storage=storage)
    assert storage.names() == ["empty"]
    loaded, metadata = LocalModelStorage.from_model_archive(tmp_path / "loaded", trained.archive)
    assert loaded.names() == list(metadata.resources) == ["empty"]


@pytest.mark.parametrize("edited", ["one", "two"])
def test_of_two_that_write_one_resource_the_later_in_the_graph_wins(many, edited):
    """Whichever of them runs, and whichever is found."""
    lab = many
    nodes = {who: lab.target("other.Many", fn="own", config={"who": who}, resource=Resource("same")) for who in ("one", "two")}
    for turn in ("", "edited "):
        nodes[edited] = lab.changed(nodes[edited], who=f"{turn}{edited}")
        storage = lab.storage()
        trained = lab.train(nodes, storage=storage)
        assert files_of(storage, "same") == {"who.txt": nodes["two"].config["who"]}
    assert trained.ran == [edited]
    clean = lab.train(nodes, force=True, archive="clean.tar.gz")
    assert clean.archive.read_bytes() == trained.archive.read_bytes()


def test_inputs_are_private_copies(many):
    """What one component does to a value, another one does not see."""
    lab = many
    nodes = {
        "give": lab.node("Give", config={"value": [1, 2]}),
        "spoil": lab.node("other.Many", {"values": "give"}, fn="spoil", config={"list": []}),
        "same": lab.target("other.Many", {"values": "give", "after": "spoil"}, fn="untouched"),
        "text": lab.target("Text", {"value": "same"}),
    }
    first = lab.train(nodes)
    assert first.metadata.lineage["same"]["output"] == first.metadata.lineage["give"]["output"]
    assert lab.train(nodes).ran == []


def test_a_component_that_changes_its_config_changes_only_its_own(many):
    """Not its defaults for the next one, in the same process or another."""
    lab = many
    nodes = {f"careless {number}": lab.target("other.Careless", config={"number": number}) for number in range(4)}
    nodes["given"] = lab.target("other.Careless", config={"list": [7], "own": [1]})
    trained = lab.train(nodes, jobs=1)
    assert len({each["output"] for each in trained.metadata.lineage.values()}) == 2
    assert nodes["given"].config == {"list": [7], "own": [1]}


def test_nodes_may_be_called_anything(lab):
    names = ["a b", "a/b", "//a:b", "ä", "100%", "x" * 150, "-", "train_Some.Thing0"]
    nodes = {"give": lab.node("Give", config={"value": 4})}
    for name in names:
        nodes[name] = lab.target("Train", {"number": "give"}, fn="train")
        nodes[f"use {name}"] = lab.target("Process", {"resource": name}, constructor_name="load")
    trained = lab.train(nodes)
    assert set(trained.metadata.resources) == {*names}
    assert lab.train(nodes).ran == []


def test_a_node_that_misses_a_parameter_is_named(lab):
    with pytest.raises(GraphComponentException) as raised:
        lab.train({"add": lab.target("Add")})
    assert raised.value.code == "BG237"
    assert "'add'" in raised.value.headline
    assert "number" in str(raised.value)


def test_a_method_that_is_none_is_named(lab):
    with pytest.raises(GraphComponentException, match=r"(?s)odd.*not callable"):
        lab.train({"odd": lab.target("Give", fn="config")})


def test_the_reason_of_a_run_says_what_changed(lab):
    """In events and in fingerprints, in words."""
    nodes = {"give": lab.node("Give", config={"value": 4}), "add": lab.target("Add", {"number": "give"}, config={"by": 1})}
    lab.train(nodes)
    nodes["add"] = lab.changed(nodes["add"], by=2)
    said = lab.fingerprint(nodes)["add"].reason
    assert "config" in said or "by" in said
    assert lab.train(nodes).heard.reasons == {"add": said}
    lab.edit("tools.py", "FACTOR = 10", "FACTOR = 11")
    assert "tools" in lab.train(nodes).heard.reasons["add"]


# graphs that cannot be


@pytest.mark.parametrize("reachable", [True, False], ids=["needed", "aside"])
def test_a_circle_is_named_before_anything_runs(lab, reachable):
    """Also one that no target needs."""
    lab.number(1)
    nodes = {
        "read": lab.reader(), "first": lab.node("Add", {"number": "last"}), "middle": lab.node("Add", {"number": "first"}),
        "last": lab.node("Add", {"number": "middle"}), "add": lab.target("Add", {"number": "last" if reachable else "read"}),
    }  # fmt: skip
    with pytest.raises(GraphSchemaException) as raised:
        lab.train(nodes)
    assert raised.value.code == "BG021"
    assert all(name in raised.value.headline for name in ("first", "middle", "last"))
    assert lab.reads() == 0


def test_a_need_that_nobody_fills_is_named_before_anything_runs(lab):
    lab.number(1)
    nodes = {"read": lab.reader(), "add": lab.target("Add", {"number": "raed"}), "other": lab.target("Add", {"number": "read"})}
    with pytest.raises(GraphSchemaException) as raised:
        lab.train(nodes)
    assert raised.value.code == "BG023"
    assert "'raed'" in raised.value.headline
    assert "'read'" in str(raised.value.fix)
    assert lab.reads() == 0


def test_a_placeholder_that_a_training_does_not_fill_is_named_before_anything_runs(lab):
    nodes = {"give": lab.node("Give", config={"value": 1}), "text": lab.target("Text", {"value": "__tracker__"})}
    with pytest.raises(GraphSchemaException) as raised:
        lab.train(nodes)
    assert "__tracker__" in raised.value.headline
    assert lab.heard.ran == []


def test_a_node_called_like_what_comes_from_outside_is_refused(lab):
    """Neither takes the place of the other."""
    nodes = {"__importer__": lab.node("Give", config={"value": 1}), "text": lab.target("Text", {"value": "__importer__"})}
    with pytest.raises(GraphSchemaException, match="__importer__"):
        lab.train(nodes)
    assert lab.heard.ran == []


def test_a_node_whose_name_is_the_engines_is_refused(lab):
    with pytest.raises(GraphSchemaException, match="@odd"):
        lab.train({"@odd": lab.target("Give", config={"value": 1})})


@pytest.mark.parametrize("uses", ["parts.Missing", "nowhere.Give", "nodots"])
def test_a_class_that_does_not_exist_is_named_before_anything_runs(lab, uses):
    nodes = {"give": lab.node("Give", config={"value": 1}), "wrong": SchemaNode({"value": "give"}, uses, "create", "run", {}, is_target=True)}
    with pytest.raises(GraphSchemaException) as raised:
        lab.train(nodes)
    assert "wrong" in str(raised.value)
    assert lab.heard.ran == []


def test_a_config_that_is_no_data_is_refused_before_anything_runs(lab):
    """Not after all the work, when the model is packed."""
    lab.number(1)
    nodes = {"read": lab.reader(), "add": lab.target("Add", {"number": "read"}, config={"by": 1, "what": object()})}
    with pytest.raises(BuildgraphError) as raised:
        lab.train(nodes)
    assert "add" in str(raised.value)
    assert lab.heard.ran == []


def test_a_config_that_no_archive_can_hold_is_refused_before_anything_runs(lab):
    """Of either schema, and whether or not a fingerprint could hold it."""
    good, bad = (lab.target("Give", config={"deep": [1, {"value": value}]}) for value in (1, b"bytes"))
    for train, predict in (({"give": good}, {"odd": bad}), ({"give": good, "odd": bad}, {})):
        with pytest.raises(GraphSchemaException, match=r"'odd' is not plain data: deep\[1\].value is of type bytes"):
            lab.train({}, configuration=lab.configured(train, predict))
        assert lab.heard.ran == []
    assert not (lab.folder / "models").exists()


def test_a_node_that_needs_itself_is_a_circle(lab):
    with pytest.raises(GraphSchemaException, match="self -> self") as raised:
        lab.train({"self": lab.target("Add", {"number": "self"})})
    assert raised.value.code == "BG021"


def test_a_model_that_cannot_be_called_so_is_refused_before_anything_runs(lab):
    """By its ending, an archive says what it is."""
    with pytest.raises(UsageError, match="odd"):
        lab.train({"give": lab.target("Give", config={"value": 1})}, archive="model.odd")
    assert lab.heard.ran == []


@pytest.mark.parametrize("what", ["domain", "spaces"])
def test_what_no_model_can_say_is_refused_before_anything_runs(lab, what):
    from buildgraph.trainer.domain import Domain

    class Importer(TrainingFileImporter):
        def get_domain(self):
            return Domain(slots={"when": {"initial": {1, 2}}}) if what == "domain" else Domain()

    configuration = lab.configured({"give": lab.target("Give", config={"value": 1})}, spaces=[{"a": object()}] if what == "spaces" else None)
    with pytest.raises(GraphSchemaException, match=what) as raised:
        lab.train({}, configuration=configuration, importer=Importer())
    assert raised.value.code == "BG403"
    assert lab.heard.ran == []


def test_wide_and_deep_graphs_are_walked_once(inline_lab):
    """Two hundred diamonds have more paths than there is time, and a long chain is no deeper than the stack allows."""
    lab = inline_lab
    nodes = {"left 0": lab.node("Give", config={"value": 1}), "right 0": lab.node("Give", config={"value": 2})}
    for layer in range(1, 201):
        needs = {"left": f"left {layer - 1}", "right": f"right {layer - 1}"}
        for side in ("left", "right"):
            nodes[f"{side} {layer}"] = SchemaNode(needs, "parts.Join", "create", side, {}, is_target=layer == 200)
    lab.write("parts.py", "from buildgraph import GraphComponent\n\nclass Give(GraphComponent):\n    def run(self):\n        return 1\n\nclass Join(GraphComponent):\n    def left(self, left, right):\n        return (left + right) % 7\n\n    def right(self, left, right):\n        return (left * right) % 7\n")
    assert len(lab.train(nodes).ran) <= len(nodes)
    assert lab.train(nodes).ran == []
    chain = {"n0": lab.node("Give")} | {f"n{number}": lab.node("Join", {"left": f"n{number - 1}", "right": f"n{number - 1}"}, fn="left") for number in range(1, 1200)}
    assert len(GraphSchema(chain).minimal_graph_schema(["n1199"]).nodes) == 1200


# the log


def lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "buildgraph.trainer" and record.levelno == logging.INFO]


def test_the_log_speaks_of_targets_that_are_no_inputs(lab, five, caplog):
    five["read"] = replace(five["read"], is_target=True)
    with caplog.at_level(logging.INFO, "buildgraph.trainer"):
        lab.train(five)
    said = lines(caplog)
    assert len([line for line in said if line.startswith("Starting to train component 'Train' (node 'train'")]) == 1
    assert len([line for line in said if line.startswith("Finished training component 'Train'")]) == 1
    assert len([line for line in said if "'Expect'" in line]) == 2
    assert not [line for line in said if "'Read'" in line or "'Add'" in line or "'Process'" in line]


def test_the_log_says_what_was_restored_and_what_ran(lab, caplog):
    nodes = {"give": lab.node("Give", config={"value": 1}), "kept": lab.target("Expect", {"number": "give"}, config={"number": 1}), "never": lab.target("Add", {"number": "give"}, policy=NEVER)}
    lab.train(nodes)
    with caplog.at_level(logging.INFO, "buildgraph.trainer"):
        lab.train(nodes)
    said = lines(caplog)
    assert [line for line in said if "'Expect'" in line] == ["Restored component 'Expect' from cache."]
    assert [line.partition(" ")[0] for line in said if "'Add'" in line] == ["Starting", "Finished"]


# archives and caches


def test_trainings_in_two_folders_write_the_same_bytes(make_lab, runner):
    """And so does the other runner."""
    archives = set()
    for name, kind in (("here", runner), ("there", InlineRunner), ("elsewhere", ProcessPoolRunner)):
        lab = make_lab(kind, name)
        lab.use()
        nodes = {
            "give": lab.node("Give", config={"value": 4}),
            "train": lab.target("Train", {"number": "give"}, fn="train"),
            "process": lab.node("Process", {"resource": "train"}, constructor_name="load"),
            "again": lab.target("Train", {"number": "process"}, fn="train", config={"scale": 3}),
        }
        predict = {"use": lab.node("Process", constructor_name="load", resource=Resource("again"), eager=True)}
        trained = lab.train({}, configuration=lab.configured(nodes, predict, nlu_target="use"))
        archives.add(trained.archive.read_bytes())
        assert trained.ran == ["again", "give", "process", "train"]
    assert len(archives) == 1


def test_the_folder_of_a_project_means_nothing_to_its_cache(make_lab, runner, tmp_path):
    """A second checkout that shares the cache finds everything; so does one whose cache was moved."""
    for name, expected in (("here", ["add", "give"]), ("there", [])):
        lab = make_lab(runner, name, tmp_path / "cache")
        lab.use()
        nodes = {"give": lab.node("Give", config={"value": 4}), "add": lab.target("Add", {"number": "give"})}
        assert lab.train(nodes).ran == expected
    (tmp_path / "cache").rename(tmp_path / "moved")
    moved = make_lab(runner, "there", tmp_path / "moved")
    assert moved.train(nodes).ran == []


@pytest.mark.parametrize("size", [100, 3_000_000], ids=["small", "large"])
@pytest.mark.parametrize("what", ["folder", "data"])
def test_a_damaged_result_is_a_miss(lab, size, what):
    """Whatever happens to the bytes of a store, what comes out is what went in, or it is made again."""
    lab.write(
        "other.py",
        "from parts import Base, Resource\n\nclass Long(Base):\n    def folder(self) -> Resource:\n        with self.storage.write_to(self.resource) as folder:\n"
        "            (folder / 'long.txt').write_text('always the same ' + 'x' * self.config['size'])\n        return self.resource\n\n"
        "    def data(self) -> bytes:\n        return b'always the same ' + b'x' * self.config['size']\n",
    )
    nodes = {"long": lab.node("other.Long", fn=what, config={"size": size}), "text": lab.target("Text", {"value": "long"})}
    first = lab.train(nodes)
    spoilt = 0
    for path in lab.cache.store.rglob("*"):
        if path.is_file() and b"always the same " in (data := path.read_bytes()):
            path.chmod(0o644)
            path.write_bytes(data.replace(b"always the same ", b"never the same  "))
            spoilt += 1
    assert spoilt
    nodes["more"] = lab.target("Text", {"value": "long"}, config={"more": True})
    again = lab.train(nodes, archive="again.tar.gz")
    assert again.heard.of(ResultLost) or "long" in again.ran
    clean = lab.train(nodes, archive="clean.tar.gz", force=True)
    assert again.archive.read_bytes() == clean.archive.read_bytes()
    assert again.metadata.lineage["text"] == first.metadata.lineage["text"]


@pytest.mark.parametrize("size", [100, 3_000_000], ids=["small", "large"])
def test_a_damaged_resource_is_made_again_for_the_model(lab, size):
    """Though nothing that runs reads it."""
    lab.write(
        "other.py",
        "from parts import Base, Resource\n\nclass Long(Base):\n    def run(self) -> Resource:\n        with self.storage.write_to(self.resource) as folder:\n"
        "            (folder / 'long.txt').write_text('always the same ' + 'x' * self.config['size'])\n        return self.resource\n\n"
        "    def beside(self) -> int:\n        self.run()\n        return 1\n",
    )
    nodes = {"long": lab.target("other.Long", config={"size": size}), "beside": lab.target("other.Long", fn="beside", config={"size": size})}
    first = lab.train(nodes)
    for force in (False, True):
        for path in lab.cache.store.rglob("*"):
            if path.is_file() and b"always the same " in (data := path.read_bytes()):
                path.chmod(0o644)
                path.write_bytes(data.replace(b"always the same ", b"never the same  "))
        storage = lab.storage()
        again = lab.train(nodes, archive="again.tar.gz", storage=storage, force=force)
        assert again.archive.read_bytes() == first.archive.read_bytes()
        assert files_of(storage, "beside") == files_of(storage, "long")


def test_a_lost_store_is_made_again(lab, five):
    first = lab.train(five)
    shutil.rmtree(lab.cache.store)
    again = lab.train(five, archive="again.tar.gz")
    assert again.ran == ["add", "expect", "process", "train"]
    assert again.archive.read_bytes() == first.archive.read_bytes()


def test_a_training_leaves_nothing_but_its_store_and_ledger(lab, five):
    for _ in range(3):
        lab.train(five, force=True)
    assert sorted(path.name for path in lab.cache_folder.iterdir()) == ["ledger", "store"]


def test_processes_share_a_cache(lab):
    """Several at once, all of the same graph and each of one of its own: nobody fails, and every result is right."""
    script = lab.write(
        "run.py",
        f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(lab.code)!r})
from buildgraph.schema import GraphSchema, SchemaNode
from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.graph_trainer import GraphTrainer
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.runner import {lab.runner.__name__} as Runner
from buildgraph.trainer.storage import LocalModelStorage

def main():
    number, folder = int(sys.argv[1]), Path(sys.argv[2])
    for turn in range(3):
        nodes = {{
            "give": SchemaNode({{}}, "parts.Give", "create", "run", {{"value": turn}}),
            "shared": SchemaNode({{"number": "give"}}, "parts.Train", "create", "train", {{}}, is_target=True),
            "own": SchemaNode({{"number": "give"}}, "parts.Train", "create", "train", {{"scale": number + 2}}, is_target=True),
            "use": SchemaNode({{"resource": "own"}}, "parts.Process", "load", "run", {{}}),
            "expect": SchemaNode({{"number": "use"}}, "parts.Expect", "create", "run", {{"number": turn * (number + 2)}}, is_target=True),
        }}
        configuration = GraphModelConfiguration(GraphSchema(nodes), GraphSchema({{}}), TrainingType.BOTH, None, None, None, None)
        cache = LocalTrainingCache({str(lab.cache_folder)!r}, float(sys.argv[3]) if len(sys.argv) > 3 else None)
        trainer = GraphTrainer(LocalModelStorage.create(folder / str(turn)), cache, Runner, jobs=1)
        trainer.train(configuration, TrainingFileImporter(), folder / f"{{turn}}.tar.gz", bool(turn % 2))

if __name__ == "__main__":
    main()
""",
    )
    for limit in ((), ("0.01",)):
        folders = [lab.folder / f"process {number} {len(limit)}" for number in range(4)]
        running = [
            subprocess.Popen([sys.executable, str(script), str(number), str(folder), *limit], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for number, folder in enumerate(folders)
        ]  # fmt: skip
        said = [process.communicate(timeout=200)[0] for process in running]
        assert [process.returncode for process in running] == [0] * 4, said
        for turn in range(3):
            assert {(folder / str(turn) / "shared" / "model.txt").read_text() for folder in folders} == {str(turn)}


def test_a_cache_that_cannot_be_written_costs_only_time(lab, five):
    """A cache of no size trains all the same, and leaves nothing behind."""
    from buildgraph.trainer.cache import LocalTrainingCache

    cache = LocalTrainingCache(lab.folder / "none", 0)
    for _ in range(2):
        assert lab.train(five, cache=cache).ran == ["add", "expect", "process", "train"]
    assert not (lab.folder / "none").exists()


# what a training would do


def test_fingerprints_tell_what_a_training_would_do(lab, five):
    """Inputs run and are given as they are; nothing else is so much as constructed."""
    before = lab.fingerprint(five)
    assert list(before) == list(five)
    assert before["read"] == 3
    assert [before[name].is_hit for name in five if name != "read"] == [False] * 4
    assert before["train"].state == "stale"
    assert before["process"].state == before["expect"].state == "undetermined"
    assert lab.heard.ran == []
    assert lab.reads() == 1

    five["add"] = replace(five["add"], policy=Policy())
    trained = lab.train(five)
    after = lab.fingerprint(five)
    assert [after[name].is_hit for name in five if name != "read"] == [True] * 4
    assert lab.heard.ran == []
    for name in ("train", "process", "add", "expect"):
        assert after[name].fingerprint() == trained.metadata.lineage[name]["output"]
    assert lab.train(five).ran == []


def test_an_unknown_output_has_a_fingerprint_that_no_output_has(lab):
    nodes = {"give": lab.target("Give", config={"value": 1})}
    missed = lab.fingerprint(nodes)["give"]
    assert missed.output_fingerprint is None
    assert missed.reason
    lab.train(nodes)
    assert lab.fingerprint(nodes)["give"].fingerprint() != missed.fingerprint()


def test_fingerprints_tell_of_every_node_even_when_inputs_fail(lab):
    nodes = {"broken": lab.node("Fail", is_input=True), "add": lab.node("Add", {"number": "broken"}), "give": lab.target("Give", config={"value": 1})}
    found = lab.fingerprint(nodes)
    assert list(found) == list(nodes)
    assert (found["broken"].state, found["add"].state, found["give"].state) == ("failed", "failed", "stale")
    assert "it never works" in found["broken"].reason


def test_a_hit_is_a_result_that_is_there(lab):
    """Not just a fingerprint that was seen once: neither for what is never kept nor for what was lost."""
    nodes = {"give": lab.target("Give", config={"value": 1}), "never": lab.target("Give", config={"value": 2}, policy=NEVER), "train": lab.target("Train", {"number": "give"}, fn="train")}
    lab.train(nodes)
    assert [each.is_hit for each in lab.fingerprint(nodes).values()] == [True, False, True]
    for folder in [path for path in lab.cache.store.iterdir() if path.is_dir() and not list(path.glob("*.mdb"))]:
        shutil.rmtree(folder)
    found = lab.fingerprint(nodes)
    trained = lab.train(nodes)
    assert {name for name, each in found.items() if not each.is_hit} >= set(trained.ran)


def test_fingerprints_of_a_graph_that_cannot_be_raise(lab):
    with pytest.raises(GraphSchemaException):
        lab.fingerprint({"one": lab.node("Add", {"number": "two"}), "two": lab.node("Add", {"number": "one"})})


# what a model holds


def test_a_model_says_where_everything_comes_from(lab, five):
    lineage = lab.train(five).metadata.lineage
    assert list(lineage) == list(five)
    assert lineage["read"]["fingerprint"] == lineage["add"]["fingerprint"] == ""  # an input, and what is never kept
    assert all(each["output"] for each in lineage.values())
    assert all(lineage[name]["fingerprint"] for name in ("train", "process", "expect"))


def test_only_what_was_persisted_is_packed(lab, five):
    trained = lab.train(five)
    with tarfile.open(trained.archive) as archive:
        names = archive.getnames()
    assert names[0] == "metadata.json" or "metadata" in names[0]
    assert sorted(name for name in names if name.startswith("components/")) == ["components/train/deep/more.txt", "components/train/model.txt"]


def test_a_model_that_was_partly_found_predicts(lab, five, tmp_path):
    predict = {"use": lab.node("Process", constructor_name="load", resource=Resource("train"), eager=True, is_target=True)}
    configuration: GraphModelConfiguration = lab.configured(five, predict, nlu_target="use")
    lab.train({}, configuration=configuration)
    trained = lab.train({}, configuration=configuration)
    _, runner = load_predict_graph_runner(tmp_path / "loaded", trained.archive, LocalModelStorage, lab.runner, trusted=["parts"])
    assert runner.run(targets=["use"]) == {"use": 3}


def test_the_domain_that_an_importer_cannot_read_fails_before_anything_runs(lab, tmp_path):
    (tmp_path / "domain.yml").write_text("intents: {a: [}")
    with pytest.raises(UsageError):
        lab.train({"give": lab.target("Give")}, importer=TrainingFileImporter(domain_path=str(tmp_path / "domain.yml")))
    assert lab.heard.ran == []
