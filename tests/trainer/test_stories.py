"""Stories and rules: every kind of step as data, one order whatever files are called, and places of mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from buildgraph.trainer.errors import TrainingDataError
from buildgraph.trainer.importing import TrainingFileImporter
from buildgraph.trainer.stories import Step, Story, StoryGraph

Write = Callable[..., TrainingFileImporter]

WHOLE = """\
version: "3.1"
stories:
- story: a long way
  metadata: {by: us}
  steps:
  - checkpoint: start
    slot_was_set:
    - member: true
  - intent: book
    entities:
    - city: Lyon
      role: to
    - number
  - or:
    - intent: yes
    - user: |
        sure, to [Lyon](city)
    - slot_was_set:
      - confirmed
  - slot_was_set:
    - city: Lyon
    - guests: [a, 2]
    - day: null
  - active_loop: book_form
  - active_loop: null
  - action: utter_done
  - bot: Have a nice trip!
rules:
- rule: greet back
  conversation_start: true
  wait_for_user_input: false
  condition:
  - active_loop: null
  - slot_was_set: {open: true}
  steps:
  - ...
  - intent: greet
  - action: utter_greet
"""


def graph(project: Write, text: str) -> StoryGraph:
    return project({"data/stories.yml": text}).get_stories()


def test_every_kind_of_step_is_read(project: Write) -> None:
    """With its slots, entities and alternatives."""
    story, rule = graph(project, WHOLE).stories
    assert story.steps == (
        Step("checkpoint", "start", slots=(("member", True),)),
        Step("user", "book", entities=({"entity": "city", "value": "Lyon", "role": "to"}, {"entity": "number"})),
        Step("or", alternatives=(
            Step("user", "yes"),
            Step("user", text="sure, to Lyon", entities=({"start": 9, "end": 13, "value": "Lyon", "entity": "city"},)),
            Step("slot_was_set", slots=(("confirmed",),)),
        )),
        Step("slot_was_set", slots=(("city", "Lyon"), ("guests", ["a", 2]), ("day", None))),
        Step("active_loop", "book_form"),
        Step("active_loop", None),
        Step("action", "utter_done"),
        Step("bot", text="Have a nice trip!"),
    )  # fmt: skip
    assert rule == Story("greet back", (Step("user", "greet"), Step("action", "utter_greet")), True, (Step("active_loop"), Step("slot_was_set", slots=(("open", True),))), True, False)


def test_a_graph_tells_what_it_names(project: Write) -> None:
    """Also in alternatives and conditions."""
    found = graph(project, WHOLE)
    assert found.intents == ["book", "greet", "yes"]
    assert found.actions == ["utter_done", "utter_greet"]
    assert found.slots == ["city", "confirmed", "day", "guests", "member", "open"]
    assert found.has_end_to_end_steps
    assert not graph(project, "stories:\n- story: a\n  steps:\n  - user: hi\n    intent: greet\n").has_end_to_end_steps


def test_a_graph_comes_back_from_its_dict_and_from_the_cache(project: Write, tmp_path: Path) -> None:
    found = graph(project, WHOLE)
    assert StoryGraph.from_dict(found.as_dict()) == found
    found.to_cache(tmp_path, None)  # type: ignore[arg-type]  # a graph is all in its own folder
    assert StoryGraph.from_cache("node", tmp_path, None, "") == found  # type: ignore[arg-type]  # as above


def test_the_order_of_stories_and_files_does_not_count(project: Write) -> None:
    """Two equal stories are one, and comments are none."""
    one, two, rule = (f"- {kind}: {name}\n  steps:\n  - intent: {name}\n" for kind, name in (("story", "a"), ("story", "b"), ("rule", "a")))
    first = project({"data/x.yml": f"stories:\n{one}{two}rules:\n{rule}"}, "one").get_stories()
    other = project({"data/a.yml": f"rules:\n{rule}stories: # all\n{two}", "data/b.yml": f"stories:\n{one}{two}"}, "two").get_stories()
    assert first == other
    assert first.fingerprint() == other.fingerprint()
    assert StoryGraph().merge(other, None, first) == first


@pytest.mark.parametrize(
    ("old", "new"),
    [("intent: greet", "intent: hello"), ("role: to", "role: from"), ("day: null", "day: 1"), ("- confirmed", "- confirmed: null"), ("open: true", "open: false"), ("start: true", "start: false"), ("a long way", "a way"), ("active_loop: book_form", "active_loop: null"), ("user: |", "bot: |")],
)  # fmt: skip
def test_every_word_counts(project: Write, old: str, new: str) -> None:
    """In the fingerprint."""
    assert old in WHOLE
    assert graph(project, WHOLE.replace(old, new)).fingerprint() != graph(project, WHOLE).fingerprint()


def test_tests_are_kept_apart(project: Write) -> None:
    """By the name of the file, or by the folder among the data; beside the configuration by both."""
    story = "stories:\n- story: {}\n  steps:\n  - user: hi\n    intent: greet\n"
    importer = project({
        "config.yml": "", "data/stories.yml": story.format("a"), "data/test_b.yml": story.format("b"), "data/tests/c.yml": story.format("c"),
        "tests/test_d.yml": story.format("d"), "tests/e.yml": "services: 1\n",
    })  # fmt: skip
    assert [each.name for each in importer.get_stories().stories] == ["a"]
    assert [each.name for each in importer.get_conversation_tests().stories] == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("stories:\n- story: a\n  steps:\n  - intnet: b\n", "BG521", 4),
        ("stories:\n- story: a\n  steps:\n  - intent: b\n    action: c\n", "BG521", 4),
        ("stories:\n- story: a\n  steps:\n  - intent: b\n  - action_c\n", "BG521", 5),
        ("stories:\n- story: a\n  steps:\n  - entities: []\n", "BG521", 4),
        ("stories:\n- story: a\n", "BG515", 2),
        ("stories:\n- rule: a\n  steps: []\n", "BG512", 2),
        ("stories:\n- steps: []\n", "BG515", 2),
        ("rules:\n- rule: a\n  steps: []\n  wait_for_user_input: later\n", "BG514", 4),
        ("stories:\n- story: a\n  steps:\n    intent: b\n", "BG514", 4),
        ("stories:\n- story: a\n  steps:\n  - action:\n", "BG514", 4),
        ("stories:\n- story: a\n  steps:\n  - user: |\n      to [x](\n", "BG516", 5),
    ],
)
def test_a_mistake_has_a_place(project: Write, text: str, code: str, line: int) -> None:
    importer = project({"data/stories.yml": text})
    with pytest.raises(TrainingDataError) as caught:
        importer.get_stories()
    assert (caught.value.code, caught.value.where[0].line) == (code, line)
