"""Entities that look like the regular expressions and lookup tables of the training data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from buildgraph.rules.nlu.regex_entities import RegexEntityExtractor

from buildgraph.component import ExecutionContext, Resource
from buildgraph.schema import GraphSchema
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.storage import LocalModelStorage

CONTEXT = ExecutionContext(GraphSchema({}))
RESOURCE = Resource("train_regex_entities")
TRAIN_IN_A_PROCESS = """
import sys
sys.path[:0] = [{here!r}]
from pathlib import Path
from test_regex_entities import data, files, trained
print(files(trained(Path({folder!r}), data())))
"""


def data(*, cities: tuple[str, ...] = ("York", "New York", "C++"), pattern: str = r"\d{4,}") -> TrainingData:
    """A lookup table and an expression for entities of the examples, and one that no example has."""
    example = Message.build("12345 York", "ask", [{"start": 0, "end": 5, "value": "12345", "entity": "account"}, {"start": 6, "end": 10, "value": "York", "entity": "city"}])
    expressions = [{"name": "account", "pattern": pattern}, {"name": "greeting", "pattern": "hello"}]
    return TrainingData([example], regex_features=expressions, lookup_tables=[{"name": "city", "elements": list(cities)}])


def trained(folder: Path, training_data: TrainingData, **config: Any) -> LocalModelStorage:
    storage = LocalModelStorage.create(folder)
    assert RegexEntityExtractor.create(config, storage, RESOURCE, CONTEXT).train(training_data) == RESOURCE
    return storage


def found(storage: LocalModelStorage, text: str, **config: Any) -> list[dict[str, Any]]:
    (message,) = RegexEntityExtractor.load(config, storage, RESOURCE, CONTEXT).process([Message.build(text)])
    entities: list[dict[str, Any]] = message.get("entities", [])
    return entities


def values(entities: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((each["entity"], each["value"]) for each in entities)


def files(storage: LocalModelStorage) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(storage.path.rglob("*")) if each.is_file()}


def test_expressions_and_tables_find_entities_of_their_name(tmp_path: Path) -> None:
    """Each as often as it matches, with its place."""
    text = "hello from York: 12345 and 67890"
    entities = found(trained(tmp_path, data()), text)
    assert values(entities) == [("account", "12345"), ("account", "67890"), ("city", "York")]
    assert all(text[each["start"] : each["end"]] == each["value"] and each["extractor"] == "RegexEntityExtractor" for each in entities)


def test_the_longest_element_of_a_table_is_found(tmp_path: Path) -> None:
    assert values(found(trained(tmp_path, data()), "to New York")) == [("city", "New York")]


def test_elements_are_whole_words_unless_told_otherwise(tmp_path: Path) -> None:
    """An element that ends in punctuation is a whole word, too."""
    assert values(found(trained(tmp_path / "a", data()), "Yorkshire, C++ and C++11")) == [("city", "C++")]
    loose = trained(tmp_path / "b", data(), use_word_boundaries=False)
    assert values(found(loose, "Yorkshire", use_word_boundaries=False)) == [("city", "York")]


def test_case_matters_only_when_told_so(tmp_path: Path) -> None:
    storage = trained(tmp_path, data())
    assert values(found(storage, "in york")) == [("city", "york")]
    assert found(storage, "in york", case_sensitive=True) == []


def test_tables_and_expressions_can_be_switched_off(tmp_path: Path) -> None:
    text = "York 12345"
    assert values(found(trained(tmp_path / "a", data(), use_lookup_tables=False), text)) == [("account", "12345")]
    assert values(found(trained(tmp_path / "b", data(), use_regexes=False), text)) == [("city", "York")]


def test_a_match_of_nothing_is_no_entity(tmp_path: Path) -> None:
    assert values(found(trained(tmp_path, data(pattern=r"\d*")), "a 7 b")) == [("account", "7")]


def test_what_others_found_is_kept_and_answered(tmp_path: Path) -> None:
    message = Message.build("York", entities=[{"entity": "place", "value": "York", "start": 0, "end": 4}])
    RegexEntityExtractor.load({}, trained(tmp_path, data()), RESOURCE, CONTEXT).process([message])
    assert values(message.as_dict(only_output_properties=True)["entities"]) == [("city", "York"), ("place", "York")]


def test_a_warning_says_that_no_pattern_names_an_entity(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    storage = trained(tmp_path / "a", TrainingData([Message.build("hello")], regex_features=[{"name": "greeting", "pattern": "hello"}]))
    assert "named like an entity" in caplog.text
    assert found(storage, "hello") == []
    caplog.clear()
    trained(tmp_path / "b", data())
    assert caplog.text == ""


def test_an_expression_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigException, match="account") as caught:
        trained(tmp_path, data(pattern="(unclosed"))
    assert caught.value.code == "BG547"


def test_an_option_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigException, match="use_lookups"):
        trained(tmp_path, data(), use_lookups=True)


def test_two_processes_persist_the_same_bytes_and_no_pickle(tmp_path: Path) -> None:
    """Whatever order their sets of texts come in; another table gives other bytes."""
    said = []
    for seed in ("1", "2"):
        script = TRAIN_IN_A_PROCESS.format(here=str(Path(__file__).parent), folder=str(tmp_path / seed))
        done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        said.append(done.stdout.strip())
    here = files(trained(tmp_path / "here", data()))
    assert said == [str(here)] * 2
    assert list(here) == ["patterns.msgpack"]
    assert not here["patterns.msgpack"].startswith((b"\x80\x03", b"\x80\x04", b"\x80\x05"))
    assert files(trained(tmp_path / "other", data(cities=("Rome",)))) != here


def test_the_loaded_extractor_finds_what_the_trained_one_finds(tmp_path: Path) -> None:
    storage = LocalModelStorage.create(tmp_path)
    fresh = RegexEntityExtractor.create({}, storage, RESOURCE, CONTEXT)
    fresh.train(data())
    text = "from New York: 12345"
    (message,) = fresh.process([Message.build(text)])
    assert message.get("entities") == found(storage, text) != []
