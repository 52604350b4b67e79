"""What intent classifiers share: one matrix of all that featurizers said, and answers with their confidence."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from buildgraph.rules.nlu.base import Featurizer, IntentClassifier, read_array, read_record, write_arrays, write_record
from buildgraph.rules.nlu.options import number

from buildgraph.component import Resource
from buildgraph.errors import UsageError
from buildgraph.trainer.data import INTENT, INTENT_RANKING, TEXT, Message, TrainingData
from buildgraph.trainer.features import SENTENCE, Features, stack

Block = tuple[str, int, int]  # who made these columns, the how-manieth features by that name they are, and how many columns
_logger = logging.getLogger(__name__)


def answer(message: Message, ranking: list[tuple[str, float]], length: int) -> None:
    """Set the intent of `message`: the first of `ranking`, which begins with the most likely one, and the ranking itself."""
    found = [{"name": name, "confidence": float(confidence)} for name, confidence in ranking[: length or None]]
    message.set(INTENT, found[0] if found else {"name": None, "confidence": 0.0}, add_to_output=True)
    message.set(INTENT_RANKING, found, add_to_output=True)


def matrix_of(messages: list[Message], blocks: list[Block] | None = None) -> tuple[Any, list[Block]]:
    """What was said about whole messages: a CSR matrix with a row for each, and its blocks of columns in their order.

    `blocks` are those to use, in that order: what others say is left out, and what is missing is zeros. Raises UsageError
    (BG548) for a block that has another number of columns now.
    """
    from scipy import sparse

    found: dict[tuple[str, int], list[Features | None]] = {}
    for row, message in enumerate(messages):
        seen: Counter[str] = Counter()
        for each in message.features_of(SENTENCE):
            key = each.origin, seen[each.origin]
            seen[each.origin] += 1
            found.setdefault(key, [None] * len(messages))[row] = each
    if blocks is None:
        blocks = [(*key, next(each.shape[1] for each in column if each is not None)) for key, column in found.items()]
    if not blocks:
        return sparse.csr_matrix((len(messages), 0)), blocks
    parts = [_block(found.get((origin, number), [None] * len(messages)), origin, width) for origin, number, width in blocks]
    return sparse.hstack(parts, format="csr").astype("float64"), blocks


def _block(column: list[Features | None], origin: str, width: int) -> Any:
    """The features of one featurizer, a row for each message."""
    from scipy import sparse

    there = [each for each in column if each is not None]
    if odd := next((each.shape[1] for each in there if each.shape[1] != width), None):
        raise UsageError(
            f"the features of '{origin}' have {odd} columns and had {width}", code="BG548",
            why="weights belong to columns, and other columns mean something else", fix="let the featurizer make as many columns for every message, and train again",
        )  # fmt: skip
    if len(there) == len(column):
        return sparse.csr_matrix(stack(there))
    return sparse.vstack([sparse.csr_matrix(each.matrix) if each is not None else sparse.csr_matrix((1, width)) for each in column], format="csr")


class LinearClassifier(IntentClassifier):
    """A classifier that weighs features: it persists weights, and what they belong to. Subclasses fit and judge."""

    @classmethod
    def required_components(cls) -> list[type]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> list[str]:
        return ["numpy", "scipy", "sklearn"]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        number(self.config, "ranking_length", type(self).__name__, whole=True)
        number(self.config, "random_state", type(self).__name__, whole=True, most=2**32 - 1)
        self.intents: list[str] = []
        self.blocks: list[Block] = []
        self.weights: Any = None
        self.bias: Any = None
        self.scale = 1.0

    def train(self, training_data: TrainingData) -> Resource:
        """With one intent, or nothing that tells texts apart, there is nothing to weigh; a warning says so."""
        messages = [each for each in training_data.intent_examples if each.get(TEXT)]
        found, self.blocks = matrix_of(messages)
        labels = [str(each.get(INTENT)) for each in messages]
        self.intents, self.weights, self.bias, self.scale = sorted(set(labels)), None, None, 1.0
        if len(self.intents) > 1 and found.shape[1]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of not converging, and of intents that no fold got right: the options are the user's choice
                self.weights, self.bias = self.fit(found, labels)
        else:
            lacking = "examples of two intents" if len(self.intents) < 2 else "a featurizer before it that says something about whole texts"
            _logger.warning("%s has nothing to learn: it needs %s", type(self).__name__, lacking)
        return self.persist()

    def fit(self, found: Any, labels: list[str]) -> tuple[Any, Any]:
        """The weights, a row for each intent (of two only for the second), and what is added to their sums."""
        raise NotImplementedError

    def process(self, messages: list[Message]) -> list[Message]:
        """An answer for every message; none for one of which nothing is known."""
        length = self.config["ranking_length"]
        if not messages or not self.intents:
            for message in messages:
                answer(message, [], length)
            return messages
        found, _ = matrix_of(messages, self.blocks)
        sure = self.confidences(found).tolist() if self.weights is not None else [[1.0] + [0.0] * (len(self.intents) - 1)] * len(messages)
        for row, message in enumerate(messages):
            said = found.indptr[row + 1] > found.indptr[row]
            order = sorted(zip(self.intents, sure[row], strict=True), key=lambda each: (-each[1], each[0]))
            answer(message, order if said else [], length)
        return messages

    def confidences(self, found: Any) -> Any:
        """For each row how sure each intent is: between 0 and 1, together 1."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        write_record(folder, "classifier.msgpack", {"intents": self.intents, "blocks": [list(each) for each in self.blocks], "scale": self.scale})
        for name in ("weights", "bias"):  # of an earlier training
            (folder / f"{name}.npy").unlink(missing_ok=True)
        if self.weights is not None:
            write_arrays(folder, weights=self.weights, bias=self.bias)

    def restore(self, folder: Path) -> None:
        record = read_record(folder, "classifier.msgpack")
        if record is not None:
            self.intents, self.scale = record["intents"], record["scale"]
            self.blocks = [(origin, place, width) for origin, place, width in record["blocks"]]
        if (folder / "weights.npy").exists():
            self.weights, self.bias = read_array(folder, "weights"), read_array(folder, "bias")

    def scores(self, found: Any) -> Any:
        """The weighed sum of each row for each intent."""
        import numpy as np

        sums = found @ self.weights.T + self.bias
        return np.hstack([-sums, sums]) if len(self.intents) == 2 else sums  # two intents have one row of weights


def softmax(scores: Any) -> Any:
    import numpy as np

    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)
