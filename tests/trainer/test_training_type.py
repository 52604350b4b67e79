"""What is trained depends on what there is data for; archives have names that are left as they were given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from buildgraph.errors import UsageError
from buildgraph.trainer.configuration import TrainingType
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.importing import TrainingDataImporter
from buildgraph.trainer.stories import BOT, SLOTS, USER, Step, Story, StoryGraph
from buildgraph.trainer.training import archive_name, training_type_of

BOTH, NLU, CORE, END_TO_END = TrainingType.BOTH, TrainingType.NLU, TrainingType.CORE, TrainingType.END_TO_END


class Held:
    """An importer that holds what it is given."""

    def __init__(self, data: TrainingData | None = None, domain: Domain | None = None, *stories: Story) -> None:
        self.data, self.domain, self.stories = data or TrainingData(), domain or Domain(), StoryGraph.of(stories)

    def get_domain(self) -> Domain:
        return self.domain

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        return self.data

    def get_stories(self) -> StoryGraph:
        return self.stories

    def get_config(self) -> dict[str, object]:
        return {}

    def get_conversation_tests(self) -> StoryGraph:
        return StoryGraph()

    def fingerprint(self) -> str:
        return "held"


EXAMPLES = TrainingData([Message.build("hi", "greet")])
DOMAIN = Domain(intents={"greet": {}})
STORY = Story("a", (Step(USER, "greet"),))
TEXTS = Story("b", (Step(BOT, text="hello"),))


@pytest.mark.parametrize(
    ("importer", "expected"),
    [
        (Held(), None),
        (Held(None, DOMAIN), None),
        (Held(None, None, STORY), None),
        (Held(EXAMPLES), NLU),
        (Held(EXAMPLES, DOMAIN), NLU),
        (Held(EXAMPLES, None, STORY), NLU),
        (Held(EXAMPLES, DOMAIN, STORY), BOTH),
        (Held(None, DOMAIN, STORY), CORE),
        (Held(EXAMPLES, DOMAIN, STORY, TEXTS), END_TO_END),
        (Held(None, DOMAIN, TEXTS), END_TO_END),
    ],
    ids=["nothing", "domain", "stories", "examples", "no_stories", "no_domain", "all", "no_examples", "texts", "texts_alone"],
)
def test_data_decides(importer: Held, expected: TrainingType | None) -> None:
    assert isinstance(importer, TrainingDataImporter)
    assert training_type_of(importer) is expected


def test_stories_set_only_slots_of_the_domain() -> None:
    sets = Story("a", (Step(SLOTS, slots=(("city", "Rome"), ("requested_slot", None))),))
    assert training_type_of(Held(None, Domain(slots={"city": {"type": "text"}}), sets)) is CORE
    with pytest.raises(UsageError, match="a slot that the domain does not have: city") as caught:
        training_type_of(Held(EXAMPLES, DOMAIN, sets))
    assert caught.value.code == "BG544"


WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fixed", "training_type", "expected"),
    [
        ("v1.2", BOTH, "v1.2.tar.gz"),
        ("model", NLU, "model.tar.gz"),
        ("model.tar.gz", CORE, "model.tar.gz"),
        ("model.tar", BOTH, "model.tar.tar.gz"),
        (None, BOTH, "20260304-050607.tar.gz"),
        ("", END_TO_END, "20260304-050607.tar.gz"),
        (None, NLU, "nlu-20260304-050607.tar.gz"),
        (None, CORE, "core-20260304-050607.tar.gz"),
    ],
)
def test_an_archive_is_called_as_asked_or_by_what_and_when(fixed: str | None, training_type: TrainingType, expected: str) -> None:
    assert archive_name(fixed, training_type, WHEN) == expected


def test_a_model_with_an_identity_is_called_by_it_too() -> None:
    """So two models of one second have two names, and one model has one."""
    assert archive_name(None, NLU, WHEN, "0123456789abcdef") == "nlu-20260304-050607-01234567.tar.gz"
    assert archive_name("mine", NLU, WHEN, "0123456789abcdef") == "mine.tar.gz"
