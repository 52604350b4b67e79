"""Entities that a conditional random field learns: roles, groups, commas, what it persists, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pycrfsuite")
pytest.importorskip("numpy")

from buildgraph.rules.nlu.crf import CRFEntityExtractor
from buildgraph.rules.nlu.crf_tagging import Span, attributes, spans
from buildgraph.rules.nlu.patterns import RegexFeaturizer
from buildgraph.rules.nlu.tokenizing import WhitespaceTokenizer

from buildgraph.component import ExecutionContext, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.storage import LocalModelStorage

CONTEXT = ExecutionContext(GraphSchema({}))
RESOURCE = Resource("train_crf")
CITIES = ("Berlin", "Paris", "New York", "San Francisco", "Rome", "Oslo")
TRAIN_IN_A_PROCESS = """
import sys
sys.path[:0] = [{here!r}]
from pathlib import Path
from test_crf import alphabet, digests, trained
print(digests(trained(Path({folder!r}), alphabet())))
"""


def example(text: str, *entities: dict[str, Any]) -> Message:
    """A training example; each entity says its `value`, which is looked up in the text."""
    placed = []
    for entity in entities:
        start = text.index(entity["value"])
        placed.append({"start": start, "end": start + len(entity["value"]), **entity})
    return Message.build(text, "travel", placed)


def city(value: str, **more: str) -> dict[str, Any]:
    return {"value": value, "entity": "city", **more}


def flights() -> TrainingData:
    """Every pair of cities, from one to the other, and two sentences without entities."""
    pairs = [(start, end) for start, end in product(CITIES, CITIES) if start != end]
    trips = [example(f"fly from {start} to {end}", city(start, role="from"), city(end, role="to")) for start, end in pairs]
    return TrainingData([*trips, example("good morning"), example("thanks a lot")])


def alphabet() -> TrainingData:
    """Many entities, of which a set has another order in another process."""
    return TrainingData([example(f"say {name} now", {"value": name, "entity": f"kind-{name}"}) for name in "abcdefgh"])


def tokenized(messages: list[Message]) -> list[Message]:
    return WhitespaceTokenizer.create({}, None, RESOURCE, CONTEXT).process(messages)  # type: ignore[arg-type]  # it persists nothing


def trained(folder: Path, data: TrainingData, **config: Any) -> LocalModelStorage:
    """A storage with an extractor that learnt from `data`."""
    storage = LocalModelStorage.create(folder)
    tokenized(data.nlu_examples)
    assert extractor(storage, **config).train(data) == RESOURCE
    return storage


def extractor(storage: LocalModelStorage, **config: Any) -> CRFEntityExtractor:
    return CRFEntityExtractor.create(config, storage, RESOURCE, CONTEXT)


def found(storage: LocalModelStorage, text: str, **config: Any) -> list[dict[str, Any]]:
    """The entities that the persisted extractor finds in `text`."""
    loaded = CRFEntityExtractor.load(config, storage, RESOURCE, CONTEXT)
    (message,) = loaded.process(tokenized([Message.build(text)]))
    entities: list[dict[str, Any]] = message.get("entities", [])
    return entities


def values(entities: list[dict[str, Any]]) -> list[str]:
    return [each["value"] for each in entities]


def digests(storage: LocalModelStorage) -> dict[str, str]:
    files = sorted(each for each in storage.path.rglob("*") if each.is_file())
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


@pytest.fixture(scope="module")
def travel(tmp_path_factory: pytest.TempPathFactory) -> LocalModelStorage:
    return trained(tmp_path_factory.mktemp("travel"), flights())


def test_entities_are_found_with_their_places_and_roles(travel: LocalModelStorage) -> None:
    """Also those of several words, in a sentence that was no example."""
    text = "please fly from New York to Rome"
    first, second = found(travel, text)
    assert (first["value"], first["entity"], first["role"], first["extractor"]) == ("New York", "city", "from", "CRFEntityExtractor")
    assert (second["value"], second["role"]) == ("Rome", "to")
    assert [text[each["start"] : each["end"]] for each in (first, second)] == ["New York", "Rome"]
    assert "group" not in first


def test_a_word_that_was_in_no_example_is_found_by_its_surroundings(travel: LocalModelStorage) -> None:
    assert values(found(travel, "fly from Lisbon to Paris")) == ["Lisbon", "Paris"]


def test_confidences_are_plain_probabilities(travel: LocalModelStorage) -> None:
    """JSON can say them; an entity in any role is surer than in one."""
    for entity in found(travel, "fly from Berlin to Oslo"):
        assert 0.5 < entity["confidence_role"] < entity["confidence_entity"] <= 1
        assert json.loads(json.dumps(entity)) == entity


def test_nothing_is_found_where_nothing_is(travel: LocalModelStorage) -> None:
    assert found(travel, "good morning") == []
    assert found(travel, "") == []


def test_what_others_found_is_kept(travel: LocalModelStorage) -> None:
    loaded = CRFEntityExtractor.load({}, travel, RESOURCE, CONTEXT)
    message = Message.build("fly from Berlin to Oslo", entities=[{"entity": "verb", "value": "fly", "start": 0, "end": 3}])
    loaded.process(tokenized([message]))
    assert values(message.as_dict(only_output_properties=True)["entities"]) == ["fly", "Berlin", "Oslo"]


def test_a_text_that_utf8_cannot_say_is_read_all_the_same(travel: LocalModelStorage) -> None:
    assert "Oslo" in values(found(travel, "fly from \udcff to Oslo\0 \0"))[-1]


def test_groups_are_learnt_like_roles(tmp_path: Path) -> None:
    things = [(size, thing) for size in ("small", "large", "huge") for thing in ("pizza", "salad", "soup")]
    orders = [
        example(f"one {a} {b} and then {c} {d}", *[{"value": value, "entity": kind, "group": group} for value, kind, group in ((a, "size", "1"), (b, "dish", "1"), (c, "size", "2"), (d, "dish", "2"))])
        for (a, b), (c, d) in product(things, things) if a != c and b != d
    ]  # fmt: skip
    entities = found(trained(tmp_path, TrainingData(orders)), "one huge soup and then small pizza")
    assert [(each["value"], each["entity"], each["group"]) for each in entities] == [
        ("huge", "size", "1"), ("soup", "dish", "1"), ("small", "size", "2"), ("pizza", "dish", "2"),
    ]  # fmt: skip
    assert all(0 < each["confidence_group"] <= 1 and "role" not in each for each in entities)


@pytest.mark.parametrize("bilou", [True, False])
def test_a_comma_splits_entities_unless_told_otherwise(tmp_path: Path, bilou: bool) -> None:
    """One switch for all, or one for each entity."""
    lists = [example(f"ship to {a}, {b} now", {"value": f"{a}, {b}", "entity": "place"}) for a, b in product(CITIES, CITIES) if a != b]
    storage = trained(tmp_path, TrainingData(lists), BILOU_flag=bilou)
    text = "ship to Oslo, New York now"
    assert values(found(storage, text, BILOU_flag=bilou)) == ["Oslo", "New York"]
    assert values(found(storage, text, BILOU_flag=bilou, split_entities_by_comma=False)) == ["Oslo, New York"]
    assert values(found(storage, text, BILOU_flag=bilou, split_entities_by_comma={"place": False})) == ["Oslo, New York"]
    assert values(found(storage, text, BILOU_flag=bilou, split_entities_by_comma={"other": False})) == ["Oslo", "New York"]


def test_neighbouring_entities_are_two_with_bilou_and_one_without(tmp_path: Path) -> None:
    pairs = [example(f"compare {a} {b} please", city(a), city(b)) for a, b in product(("Berlin", "Paris", "Rome", "Oslo"), repeat=2) if a != b]
    assert values(found(trained(tmp_path / "with", TrainingData(pairs)), "compare Rome Berlin please")) == ["Rome", "Berlin"]
    without = trained(tmp_path / "without", TrainingData(pairs), BILOU_flag=False)
    assert values(found(without, "compare Rome Berlin please", BILOU_flag=False)) == ["Rome Berlin"]


def test_tags_that_contradict_each_other_still_say_entities() -> None:
    """An inside without a beginning begins one; a beginning without an end ends where the label does."""
    assert list(spans(["I-0", "L-0", "O", "B-1", "O"], bilou=True)) == [Span(0, 1, 0), Span(3, 3, 1)]
    assert list(spans(["B-0", "L-0", "I-0"], bilou=True)) == [Span(0, 1, 0), Span(2, 2, 0)]
    assert list(spans(["B-0", "B-0", "I-1", "U-0", "U-0"], bilou=True)) == [Span(0, 0, 0), Span(1, 1, 0), Span(2, 2, 1), Span(3, 3, 0), Span(4, 4, 0)]
    assert list(spans(["I-0", "I-0", "I-1", "O", "I-0"], bilou=False)) == [Span(0, 1, 0), Span(2, 2, 1), Span(4, 4, 0)]


def test_features_describe_a_word_and_its_neighbours() -> None:
    (message,) = tokenized([Message.build("Room 12 NOW")])
    rows = attributes(message, [["low"], ["bias", "title", "upper", "digit", "suffix1", "prefix2"], ["upper", "digit"]])
    assert rows == [
        ["BOS", "0:bias", "0:title", "0:suffix1=m", "0:prefix2=Ro", "1:digit"],
        ["-1:low=room", "0:bias", "0:digit", "0:suffix1=2", "0:prefix2=12", "1:upper"],
        ["-1:low=12", "0:bias", "0:upper", "0:suffix1=W", "0:prefix2=NO", "EOS"],
    ]


def test_patterns_of_a_regex_featurizer_are_features(tmp_path: Path) -> None:
    data = TrainingData([Message.build("call 555 or 12")], regex_features=[{"name": "word", "pattern": "[a-z]+"}, {"name": "phone", "pattern": r"\d{3}"}])
    tokenized(data.nlu_examples)
    featurizer = RegexFeaturizer.create({}, LocalModelStorage.create(tmp_path), Resource("train_RegexFeaturizer1"), CONTEXT)
    featurizer.train(data)
    (message,) = featurizer.process(data.nlu_examples)
    assert attributes(message, [["pattern"]]) == [["0:pattern=0"], ["0:pattern=1"], ["0:pattern=0"], []]


def test_without_annotated_examples_nothing_is_learnt_or_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        storage = trained(tmp_path, TrainingData([example("good morning")]))
    assert "no example has entities" in caplog.text
    assert digests(storage) == {}
    (message,) = CRFEntityExtractor.load({}, storage, RESOURCE, CONTEXT).process(tokenized([Message.build("good morning")]))
    assert message.get("entities") is None


def test_an_extractor_that_learns_nothing_any_more_forgets_what_it_knew(tmp_path: Path) -> None:
    storage = trained(tmp_path, flights())
    trained(tmp_path, TrainingData([example("good morning")]))
    assert found(storage, "fly from Berlin to Oslo") == []


def test_annotations_inside_a_word_are_warned_of_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = flights().merge(TrainingData([example("a trip to Romeville", {"value": "Rome", "entity": "part"})]))
    storage = trained(tmp_path, data)
    assert "'Rome' in 'a trip to Romeville'" in caplog.text
    assert not [each for each in found(storage, "a trip to Romeville") if each["entity"] == "part"]


def test_annotations_of_another_extractor_are_not_learnt(tmp_path: Path) -> None:
    days = [example(f"come on {day}", {"value": day, "entity": "day", "extractor": "RegexEntityExtractor"}) for day in ("Monday", "Friday")]
    assert digests(trained(tmp_path, TrainingData(days))) == {}


def test_the_loaded_extractor_finds_what_the_trained_one_finds(tmp_path: Path) -> None:
    storage = LocalModelStorage.create(tmp_path)
    data = flights()
    tokenized(data.nlu_examples)
    fresh = extractor(storage)
    fresh.train(data)
    for text in ("fly from Rome to San Francisco", "to Oslo from Lisbon", "thanks"):
        (message,) = fresh.process(tokenized([Message.build(text)]))
        assert message.get("entities") == found(storage, text)


def test_two_processes_persist_the_same_bytes(tmp_path: Path) -> None:
    """Whatever order their sets and dicts of texts come in; and other settings give other bytes."""
    said = []
    for seed in ("1", "2"):
        script = TRAIN_IN_A_PROCESS.format(here=str(Path(__file__).parent), folder=str(tmp_path / seed))
        done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        said.append(done.stdout.strip())
    here = digests(trained(tmp_path / "here", alphabet()))
    assert said == [str(here)] * 2
    assert digests(trained(tmp_path / "other", alphabet(), L1_c=0.5)) != here


def test_no_pickle_is_persisted(travel: LocalModelStorage) -> None:
    """A model of crfsuite's own format, and a list of labels."""
    files = {each.name: each.read_bytes() for each in travel.path.rglob("*") if each.is_file()}
    assert sorted(files) == ["entities.crfsuite", "labels.msgpack"]
    assert files["entities.crfsuite"].startswith(b"lCRF")
    assert not any(content.startswith((b"\x80\x03", b"\x80\x04", b"\x80\x05")) for content in files.values())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"feature": []}, "no option 'feature'"),
        ({"features": [["low"], ["low"]]}, "features"),
        ({"features": [["low", "pos"]]}, "'pos'"),
        ({"features": "low"}, "features"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"L1_c": -1}, "L1_c"),
        ({"L2_c": "much"}, "L2_c"),
        ({"BILOU_flag": "yes"}, "BILOU_flag"),
        ({"split_entities_by_comma": ["city"]}, "split_entities_by_comma"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidConfigException, match=words):
        extractor(LocalModelStorage.create(tmp_path), **config)
