"""What a training is: which parts there is data for, and what its archive is called."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Final

from buildgraph.errors import UsageError
from buildgraph.trainer.configuration import TrainingType
from buildgraph.trainer.importing import TrainingDataImporter

SUFFIX: Final = ".tar.gz"
_LONGEST: Final = 255  # bytes of a file name
_PREFIX: Final = {TrainingType.NLU: "nlu-", TrainingType.CORE: "core-"}
_GIVEN_SLOTS: Final = ("requested_slot", "session_started_metadata")  # these there always are


def training_type_of(importer: TrainingDataImporter) -> TrainingType | None:
    """What there is data for; None when there is none at all.

    Without a domain or stories that is NLU; without examples, and without texts in stories, CORE; texts in stories
    make it END_TO_END. Raises UsageError (BG544) for stories that set slots which the domain does not have.
    """
    stories, domain = importer.get_stories(), importer.get_domain()
    has_examples = not importer.get_nlu_data().is_empty
    if domain.is_empty or stories.is_empty:
        return TrainingType.NLU if has_examples else None
    if unknown := [slot for slot in stories.slots if slot not in domain.slots and slot not in _GIVEN_SLOTS]:
        raise UsageError(
            f"stories set {'a slot' if len(unknown) == 1 else 'slots'} that the domain does not have: {', '.join(unknown)}", code="BG544", where="slot_was_set",
            why="what is remembered in a conversation is declared in the domain", fix="add it to 'slots:' of the domain, or correct the name in the story",
        )  # fmt: skip
    if stories.has_end_to_end_steps:
        return TrainingType.END_TO_END
    return TrainingType.BOTH if has_examples else TrainingType.CORE


def archive_name(fixed_name: str | None, training_type: TrainingType, when: datetime, model_id: str = "") -> str:
    """The file name of an archive: `fixed_name`, with the suffix `.tar.gz` if it has none, else what was trained, when, and its identity.

    A name is left whole: `v1.2` becomes `v1.2.tar.gz`. Raises UsageError (BG589) for one that is no visible file's.
    """
    if fixed_name and (os.sep in fixed_name or fixed_name.startswith(".") or len(os.fsencode(f"{fixed_name}{SUFFIX}")) > _LONGEST):
        raise UsageError(
            f"a model cannot be called '{fixed_name}'", code="BG589", why="it is the name of one file in the output folder: without '/', without a dot at its beginning, and not longer than file names can be",
            fix="choose a plain name; the folder is another setting (`--out` on the command line)",
        )  # fmt: skip
    name = fixed_name or f"{_PREFIX.get(training_type, '')}{when:%Y%m%d-%H%M%S}{'-' * bool(model_id)}{model_id[:8]}"
    return name if name.endswith(SUFFIX) else f"{name}{SUFFIX}"
