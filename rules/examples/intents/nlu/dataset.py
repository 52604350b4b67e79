"""Joins the samples of all intents and sets some aside for the test, whole templates at a time."""

from __future__ import annotations

import hashlib
from typing import TypedDict


class Sample(TypedDict):
    """A sentence, the template it was drawn from and the intent it means."""

    template: str
    text: str
    intent: str


class Dataset(TypedDict):
    """Two sets of samples that share no template."""

    train: list[Sample]
    test: list[Sample]


def split(*, test_share: float, seed: int, **samples: list[dict[str, str]]) -> Dataset:
    """Split by template: siblings of one template are near copies, and on both sides they would flatter the accuracy.

    Of an intent with n templates, round(n * test_share), but at least one, are for the test; a lone template trains.
    """
    train: list[Sample] = []
    test: list[Sample] = []
    for intent in sorted(samples):
        held_out = _held_out({sample["template"] for sample in samples[intent]}, test_share, seed)
        for sample in samples[intent]:
            side = test if sample["template"] in held_out else train
            side.append({"template": sample["template"], "text": sample["text"], "intent": intent})
    seen = {sample["text"] for sample in train}
    return {"train": train, "test": [sample for sample in test if sample["text"] not in seen]}


def labels(dataset: Dataset) -> list[str]:
    """The intents there is something to learn from, sorted: the order of every model's rows."""
    return sorted({sample["intent"] for sample in dataset["train"]})


def _held_out(templates: set[str], share: float, seed: int) -> set[str]:
    """Templates in the order of a digest, so that adding one moves few others to the other side."""
    shuffled = sorted(templates, key=lambda identity: hashlib.sha256(f"{seed}:{identity}".encode()).digest())
    wanted = max(1, round(len(shuffled) * share)) if len(shuffled) > 1 else 0
    return set(shuffled[:wanted])
