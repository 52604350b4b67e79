"""Domains: what files say, how several become one, and what is the same domain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from buildgraph.trainer.domain import Domain
from buildgraph.trainer.errors import TrainingDataError
from buildgraph.trainer.importing import TrainingFileImporter

Write = Callable[..., TrainingFileImporter]

WHOLE = """\
version: "3.1"
intents:
- greet
- book:
    use_entities: [city]
- 42
entities:
- city:
    roles: [from, to]
    groups: ["1"]
- number
slots:
  city: {type: text, initial_value: null, mappings: [{type: from_entity, entity: city}]}
  open: {type: bool, initial_value: false}
responses:
  utter_hi:
  - text: hi
    buttons: [{title: yes, payload: /affirm}]
  - text: 1.50
actions:
- action_book
- action_ask:
    send_domain: true
forms:
  city_form: {required_slots: [city]}
  empty_form:
e2e_actions: [Hello there]
session_config: {session_expiration_time: 60}
config: {store_entities_as_slots: true}
"""


def domain(project: Write, text: str, folder: str = "") -> Domain:
    return project({"domain.yml": text}, folder).get_domain()


def test_every_section_is_read(project: Write) -> None:
    """Names with and without properties, values as YAML 1.2 has them, texts as they are written."""
    found = domain(project, WHOLE)
    assert found.intents == {"greet": {}, "book": {"use_entities": ["city"]}, "42": {}}
    assert found.entities["city"] == {"roles": ["from", "to"], "groups": ["1"]}
    assert (found.slots["open"]["initial_value"], found.slots["city"]["initial_value"]) == (False, None)
    assert found.responses["utter_hi"] == [{"text": "hi", "buttons": [{"title": "yes", "payload": "/affirm"}]}, {"text": "1.50"}]
    assert found.actions == {"action_book": {}, "action_ask": {"send_domain": True}}
    assert found.forms == {"city_form": {"required_slots": ["city"]}, "empty_form": {}}
    assert (found.e2e_actions, found.session_config["session_expiration_time"], found.config) == (["Hello there"], 60, {"store_entities_as_slots": True})
    assert {"action_ask", "utter_hi", "city_form", "action_listen"} <= {*found.action_names}


def test_a_domain_comes_back_from_its_dict_and_from_the_cache(project: Write, tmp_path: Path) -> None:
    found = domain(project, WHOLE)
    assert Domain.from_dict(found.as_dict()) == found
    assert Domain.from_dict(found.as_dict()).as_dict() == found.as_dict()
    found.to_cache(tmp_path, None)  # type: ignore[arg-type]  # a domain is all in its own folder
    assert Domain.from_cache("node", tmp_path, None, "") == found  # type: ignore[arg-type]  # as above
    assert Domain.from_dict({}).is_empty
    assert not found.is_empty


def test_order_and_formatting_do_not_count_and_content_does(project: Write) -> None:
    """In the fingerprint, and in what is stored."""
    one = domain(project, "intents: [a, b]\nslots:\n  x: {type: text}\n  y: {type: bool}\n", "one")
    same = domain(project, "# ours\nslots:\n  y:\n    type: bool\n  x:\n    type: 'text'\nintents:\n- b\n- a: {}\n", "two")
    assert one == same
    assert one.fingerprint() == same.fingerprint()
    assert one.as_dict() == same.as_dict()
    for edit in ("intents: [a]\n", "intents: [a, b]\nslots: {x: {type: text}, y: {type: any}}\n"):
        assert domain(project, edit, "three").fingerprint() != one.fingerprint()


def test_a_folder_is_one_domain(project: Write) -> None:
    """Whatever its files are called; variations of a response are joined."""
    parts = ["intents: [a]\nresponses:\n  utter_x:\n  - text: one\n", "intents: [b, a]\nresponses:\n  utter_x:\n  - text: two\n", "nlu: []\n"]
    one = project({f"domain/{number}.yml": part for number, part in enumerate(parts)}, "one").get_domain()
    other = project({f"domain/deep/{9 - number}.yml": part for number, part in enumerate(parts)}, "two").get_domain()
    assert one == other
    assert sorted(one.intents) == ["a", "b"]
    assert sorted(each["text"] for each in one.responses["utter_x"]) == ["one", "two"]


def test_two_files_that_disagree_are_an_error_with_both_places(project: Write) -> None:
    """As no name of a file makes it win."""
    importer = project({"domain/a.yml": "slots:\n  x: {type: text}\n", "domain/b.yml": "intents: [a]\nslots:\n  x: {type: bool}\n"})
    with pytest.raises(TrainingDataError, match="'x' in 'slots' is defined twice") as caught:
        importer.get_domain()
    assert [(Path(place.file).name, place.line) for place in caught.value.where] == [("a.yml", 2), ("b.yml", 3)]
    assert caught.value.code == "BG520"


def test_merging_leaves_both_alone() -> None:
    """What the other says of a name counts."""
    mine, other = Domain(intents={"a": {}, "b": {}}, e2e_actions=["x"]), Domain(intents={"a": {"use_entities": []}}, e2e_actions=["w", "x"])
    merged = mine.merge(other)
    assert merged.intents == {"a": {"use_entities": []}, "b": {}}
    assert merged.e2e_actions == ["w", "x"]
    assert mine.intents["a"] == {}
    assert mine.conflicts(other) == [("intents", "a")]
    assert mine.merge(None) == mine


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("intents: greet\n", "BG514", 1),
        ("intents:\n- greet:\n  use_entities: []\n", "BG514", 2),
        ("intents:\n- greet: yes\n", "BG514", 2),
        ("intents:\n- {}\n", "BG514", 2),
        ("entities:\n- [a]\n", "BG514", 2),
        ("slots:\n- a\n", "BG514", 2),
        ("slots:\n  a:\n    type: text\n  b:\n    initial_value: 1\n", "BG515", 4),
        ("responses:\n  utter_a:\n    text: hi\n", "BG514", 3),
        ("intents: []\nintent: []\n", "BG512", 2),
        ("slots:\n  a: {type: text}\n  a: {type: text}\n", "BG520", 3),
        ("version: 1.0\n", "BG513", 1),
    ],
)
def test_a_mistake_has_a_place(project: Write, text: str, code: str, line: int) -> None:
    importer = project({"domain.yml": text})
    with pytest.raises(TrainingDataError) as caught:
        importer.get_domain()
    assert (caught.value.code, caught.value.where[0].line) == (code, line)


@pytest.mark.parametrize("data", [{"intents": "a"}, {"intents": [{"a": {}, "b": {}}]}, {"intents": [["a"]]}, {"slots": ["a"]}, {"forms": "x"}, {"e2e_actions": {}, "actions": [1]}])
def test_a_dict_of_another_shape_is_no_domain(data: dict[str, object]) -> None:
    with pytest.raises(TrainingDataError) as caught:
        Domain.from_dict(data)
    assert caught.value.code == "BG514"
