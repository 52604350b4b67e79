"""Training on from a model: the base counts by its content, and a result from scratch never takes a fine-tuned one's place."""

from __future__ import annotations

import pytest

from buildgraph.schema import Resource
from buildgraph.trainer.storage import LocalModelStorage

MORE = '''"""Learns on from what was learnt before."""

from parts import Base, Resource


class Grow(Base):
    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        self = cls(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            self.before = int((folder / "weights.txt").read_text())
        return self

    before = 0

    def train(self, number: int) -> Resource:
        mode = "on" if self.context.is_finetuning else "from scratch"
        with self.storage.write_to(self.resource) as folder:
            (folder / "weights.txt").write_text(str(self.before + number))
            (folder / "mode.txt").write_text(mode)
        return self.resource
'''


@pytest.fixture
def growing(lab):
    """Trains one component, from scratch or on from an archive; what it learnt, and what ran."""
    lab.write("other.py", MORE)

    def grow(number: int, base=None, archive: str = "model.tar.gz", more=None, nodes_only=False):
        constructor = "load" if base else "create"
        nodes = {
            "give": lab.node("Give", config={"value": number}),
            "grow": lab.target("other.Grow", {"number": "give"}, fn="train", constructor_name=constructor),
            **(more or {}),
        }
        lab._made += 1
        storage = LocalModelStorage.from_model_archive(lab.folder / "storages" / str(lab._made), base)[0] if base else lab.storage()
        trained = lab.train(nodes, storage=storage, finetune=base is not None, archive=archive)
        with storage.read_from(Resource("grow")) as folder:
            return trained, int((folder / "weights.txt").read_text()), (folder / "mode.txt").read_text()

    return grow


def test_a_model_grows(growing):
    first, learnt, mode = growing(5)
    assert (learnt, mode) == (5, "from scratch")
    second, learnt, mode = growing(3, first.archive, "second.tar.gz")
    assert (learnt, mode) == (8, "on")
    third, learnt, _ = growing(3, second.archive, "third.tar.gz")
    assert learnt == 11
    assert len({first.metadata.model_id, second.metadata.model_id, third.metadata.model_id}) == 3


def test_the_same_step_is_found_again(growing):
    """Same base, same data, same settings: nothing runs, and the model is the same bytes."""
    base, _, _ = growing(5)
    first, _, _ = growing(3, base.archive, "first.tar.gz")
    assert first.ran == ["give", "grow"]
    again, learnt, _ = growing(3, base.archive, "again.tar.gz")
    assert again.ran == []
    assert learnt == 8
    assert again.archive.read_bytes() == first.archive.read_bytes()


def test_another_base_is_another_result(growing):
    """Though everything else is equal."""
    one, _, _ = growing(5, archive="one.tar.gz")
    two, _, _ = growing(6, archive="two.tar.gz")
    for base, expected in ((one, 8), (two, 9), (one, 8)):
        trained, learnt, _ = growing(3, base.archive, "grown.tar.gz")
        assert learnt == expected
    assert trained.ran == []


def test_a_base_counts_by_its_content(growing, lab):
    """Its name, time and place mean nothing."""
    base, _, _ = growing(5)
    growing(3, base.archive, "first.tar.gz")
    moved = base.archive.rename(lab.folder / "moved.tar.gz")
    again, learnt, _ = growing(3, moved, "again.tar.gz")
    assert (again.ran, learnt) == ([], 8)


def test_from_scratch_and_on_are_kept_apart(growing):
    """Neither is ever restored for the other: the mode counts, even where no base is read."""
    base, _, _ = growing(5)
    grown, _, _ = growing(5, base.archive, "grown.tar.gz")
    scratch, learnt, mode = growing(5, archive="scratch.tar.gz")
    assert (scratch.ran, learnt, mode) == ([], 5, "from scratch")
    grown_again, learnt, mode = growing(5, base.archive, "again.tar.gz")
    assert (grown_again.ran, learnt, mode) == ([], 10, "on")
    assert grown.metadata.lineage["give"] != scratch.metadata.lineage["give"]


def test_only_nodes_that_read_the_base_depend_on_it(lab):
    """A changed base leaves a node alone that has no resource in it."""
    lab.write("other.py", MORE)
    nodes = {"give": lab.node("Give", config={"value": 1}), "add": lab.target("Add", {"number": "give"})}
    for text in ("one", "two"):
        storage = lab.storage()
        with storage.write_to(Resource("unrelated")) as folder:
            (folder / "file").write_text(text)
        trained = lab.train(nodes, storage=storage, finetune=True)
    assert trained.ran == []


def test_without_fine_tuning_what_lies_in_the_storage_is_not_read(lab):
    """Only what a parent wrote: a training from scratch depends on nothing that was there before."""
    lab.write("other.py", MORE)
    storage = lab.storage()
    with storage.write_to(Resource("grow")) as folder:
        (folder / "weights.txt").write_text("100")
    nodes = {"give": lab.node("Give", config={"value": 1}), "grow": lab.target("other.Grow", {"number": "give"}, fn="train", constructor_name="load")}
    with pytest.raises(Exception, match="no resource 'grow'"):
        lab.train(nodes, storage=storage)


def test_input_nodes_read_the_base_too(lab):
    """A check of what is being trained on runs as an input, with the base's own record."""
    lab.write("other.py", MORE + "\n\nclass Check(Grow):\n    def run(self):\n        return self.before\n")
    storage = lab.storage()
    with storage.write_to(Resource("check")) as folder:
        (folder / "weights.txt").write_text("7")
    nodes = {"check": lab.node("other.Check", constructor_name="load", is_input=True), "expect": lab.target("Expect", {"number": "check"}, config={"number": 7})}
    assert lab.train(nodes, storage=storage, finetune=True).ran == ["expect"]


def test_fingerprints_know_the_base(growing, lab):
    base, _, _ = growing(5)
    nodes = {"give": lab.node("Give", config={"value": 5}), "grow": lab.target("other.Grow", {"number": "give"}, fn="train")}
    assert lab.fingerprint(nodes)["grow"].is_hit
    storage, _ = LocalModelStorage.from_model_archive(lab.folder / "loaded", base.archive)
    assert not lab.fingerprint(nodes, finetune=True, storage=storage)["grow"].is_hit
