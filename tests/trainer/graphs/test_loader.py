"""From training to predicting, elsewhere."""

from __future__ import annotations

import pytest

from buildgraph.errors import BuildgraphError
from buildgraph.schema import Resource
from buildgraph.trainer.errors import GraphSchemaException
from buildgraph.trainer.loader import load_predict_graph_runner
from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner
from buildgraph.trainer.storage import LocalModelStorage


@pytest.fixture
def trained(lab):
    train = {
        "give": lab.node("Give", config={"value": 3}),
        "train": lab.target("Train", {"number": "give"}, fn="train"),
        "unused": lab.target("Train", {"number": "give"}, fn="train", config={"scale": 2}),
    }
    predict = {
        "use": lab.node("Process", {"number": "__message__"}, fn="process", constructor_name="load", resource=Resource("train"), eager=True),
        "add": lab.node("Add", {"number": "use"}, config={"by": 10}, eager=True, is_target=True),
    }
    return lab.train({}, configuration=lab.configured(train, predict, nlu_target="add"))


@pytest.mark.parametrize("predictor", [InlineRunner, ProcessPoolRunner])
def test_a_model_predicts_elsewhere(trained, tmp_path, predictor):
    """With the metadata that the training gave back."""
    moved = tmp_path / "else" / "where.tar.gz"
    moved.parent.mkdir()
    trained.archive.rename(moved)
    metadata, runner = load_predict_graph_runner(tmp_path / "loaded", moved, LocalModelStorage, predictor, trusted=["parts"])
    assert runner.run({"__message__": 4}) == {"add": 17}
    assert runner.run({"__message__": 5}, targets=["use"]) == {"use": 8}
    assert {**metadata.as_dict(), "trained_at": ""} == {**trained.metadata.as_dict(), "trained_at": ""}


def test_the_context_knows_the_model(lab, tmp_path):
    lab.write("other.py", "from parts import Base\n\nclass Who(Base):\n    def run(self):\n        return self.context.model_id\n")
    trained = lab.train({}, configuration=lab.configured({"give": lab.target("Give")}, {"who": lab.target("other.Who", eager=True)}))
    metadata, runner = load_predict_graph_runner(tmp_path / "loaded", trained.archive, LocalModelStorage, lab.runner, trusted=["other", "parts"])
    assert runner.run() == {"who": metadata.model_id} == {"who": trained.metadata.model_id}


def test_eager_components_load_at_once(lab, tmp_path):
    """What cannot be loaded is said when the model is loaded, not at the first message."""
    predict = {"use": lab.target("Process", constructor_name="load", resource=Resource("never trained"), eager=True)}
    trained = lab.train({}, configuration=lab.configured({"give": lab.target("Give")}, predict))
    with pytest.raises(BuildgraphError, match="never trained"):
        load_predict_graph_runner(tmp_path / "loaded", trained.archive, LocalModelStorage, InlineRunner, trusted=["parts"])


def test_a_model_imports_nothing_that_nobody_named(lab, trained, tmp_path):
    """It is data: a class it names must be known, or its module trusted by the caller."""
    marker = tmp_path / "imported"
    lab.write("other.py", f"open({str(marker)!r}, 'w').close()\nfrom parts import Add\n")
    predict = {"add": lab.target("other.Add", {"number": "__message__"})}
    evil = lab.train({}, configuration=lab.configured({"give": lab.target("Give")}, predict), archive="evil.tar.gz").archive
    with pytest.raises(GraphSchemaException) as raised:
        load_predict_graph_runner(tmp_path / "loaded", evil, LocalModelStorage, lab.runner)
    assert raised.value.code == "BG586"
    assert not marker.exists()
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize("uses", ["tools.doubled", "os.system", "subprocess:Popen"])
def test_a_model_can_only_use_components(lab, tmp_path, uses):
    predict = {"odd": lab.target(uses, {"number": "__message__"})}
    archive = lab.train({}, configuration=lab.configured({"give": lab.target("Give")}, predict)).archive
    with pytest.raises(GraphSchemaException, match="odd"):
        load_predict_graph_runner(tmp_path / "loaded", archive, LocalModelStorage, lab.runner, trusted=["tools", "os", "subprocess"])
