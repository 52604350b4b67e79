"""Values of entities are replaced by the ones that are meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from buildgraph.rules.nlu.synonyms import EntitySynonymMapper

from buildgraph.component import ExecutionContext, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.storage import LocalModelStorage

CONTEXT = ExecutionContext(GraphSchema({}))
RESOURCE = Resource("train_synonyms")
TRAIN_IN_A_PROCESS = """
import sys
sys.path[:0] = [{here!r}]
from pathlib import Path
from test_synonyms import data, files, trained
print(files(trained(Path({folder!r}), data())))
"""


def entity(text: str, value: Any, **more: Any) -> dict[str, Any]:
    """An entity that is a whole text."""
    return {"entity": "city", "start": 0, "end": len(text), "value": value, **more}


def data() -> TrainingData:
    """Synonyms of a list, of an example whose entity means something else, and of one that means itself."""
    examples = [Message.build("The Big Apple", "inform", [entity("The Big Apple", "New York")]), Message.build("Oslo", "inform", [entity("Oslo", "Oslo")])]
    return TrainingData(examples, entity_synonyms={"NYC": "New York", "Muenchen": "München", "44": "forty-four"})


def trained(folder: Path, training_data: TrainingData) -> LocalModelStorage:
    storage = LocalModelStorage.create(folder)
    assert EntitySynonymMapper.create({}, storage, RESOURCE, CONTEXT).train(training_data) == RESOURCE
    return storage


def mapped(storage: LocalModelStorage, found: dict[str, Any]) -> dict[str, Any]:
    """An entity as it is after the persisted mapper has seen it."""
    (message,) = EntitySynonymMapper.load({}, storage, RESOURCE, CONTEXT).process([Message.build("text", entities=[found])])
    (seen,) = message.get("entities")
    assert isinstance(seen, dict)
    return seen


def files(storage: LocalModelStorage) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(storage.path.rglob("*")) if each.is_file()}


@pytest.mark.parametrize(
    ("surface", "meant"),
    [("NYC", "New York"), ("nyc", "New York"), ("the big apple", "New York"), ("MUENCHEN", "München"), (44, "forty-four")],
)
def test_a_synonym_becomes_the_value_that_is_meant(tmp_path: Path, surface: object, meant: str) -> None:
    """Whatever its case; the mapper names itself, and the place stays that of the text."""
    seen = mapped(trained(tmp_path, data()), entity("nyc", surface))
    assert seen == entity("nyc", meant, processors=["EntitySynonymMapper"])


def test_other_values_are_left_alone(tmp_path: Path) -> None:
    assert mapped(trained(tmp_path, data()), entity("Oslo", "Oslo")) == entity("Oslo", "Oslo")


def test_processors_before_it_stay_named(tmp_path: Path) -> None:
    seen = mapped(trained(tmp_path, data()), entity("nyc", "nyc", processors=["Spelling"]))
    assert seen["processors"] == ["Spelling", "EntitySynonymMapper"]


def test_a_message_without_entities_stays_without(tmp_path: Path) -> None:
    (message,) = EntitySynonymMapper.load({}, trained(tmp_path, data()), RESOURCE, CONTEXT).process([Message.build("NYC")])
    assert message.get("entities") is None


def test_of_two_values_the_later_counts_and_a_warning_names_both(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    storage = trained(tmp_path, TrainingData(entity_synonyms={"LA": "Los Angeles", "la": "Louisiana"}))
    assert "'Los Angeles'" in caplog.text
    assert "'Louisiana'" in caplog.text
    assert mapped(storage, entity("LA", "LA"))["value"] == "Louisiana"


def test_the_same_synonym_twice_is_no_reason_to_warn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trained(tmp_path, TrainingData(entity_synonyms={"LA": "Los Angeles", "la": "Los Angeles"}))
    assert caplog.text == ""


def test_without_synonyms_nothing_changes(tmp_path: Path) -> None:
    assert mapped(trained(tmp_path, TrainingData()), entity("NYC", "NYC")) == entity("NYC", "NYC")


def test_it_has_no_options(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigException, match="case_sensitive"):
        EntitySynonymMapper.create({"case_sensitive": True}, LocalModelStorage.create(tmp_path), RESOURCE, CONTEXT)


def test_two_processes_persist_the_same_bytes_and_no_pickle(tmp_path: Path) -> None:
    """And another synonym gives other bytes."""
    said = []
    for seed in ("1", "2"):
        script = TRAIN_IN_A_PROCESS.format(here=str(Path(__file__).parent), folder=str(tmp_path / seed))
        done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        said.append(done.stdout.strip())
    here = files(trained(tmp_path / "here", data()))
    assert said == [str(here)] * 2
    assert list(here) == ["synonyms.msgpack"]
    assert not here["synonyms.msgpack"].startswith((b"\x80\x03", b"\x80\x04", b"\x80\x05"))
    assert files(trained(tmp_path / "other", TrainingData(entity_synonyms={"NYC": "York"}))) != here
