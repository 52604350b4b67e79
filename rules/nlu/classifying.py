"""What intent classifiers share: one matrix of all that featurizers said, and answers with their confidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from buildgraph.rules.nlu.base import Featurizer, IntentClassifier, read_array, read_record, write_arrays, write_record

from buildgraph.trainer.data import INTENT, INTENT_RANKING, Message, TrainingData
from buildgraph.trainer.features import SENTENCE, stack


def answer(message: Message, ranking: list[tuple[str, float]], length: int) -> None:
    """Set the intent of `message`: the first of `ranking`, which begins with the most likely one, and the ranking itself."""
    found = [{"name": name, "confidence": float(confidence)} for name, confidence in ranking[: length or None]]
    message.set(INTENT, found[0] if found else {"name": None, "confidence": 0.0}, add_to_output=True)
    message.set(INTENT_RANKING, found, add_to_output=True)


def matrix_of(messages: list[Message], origins: list[str] | None = None) -> tuple[Any, list[str]]:
    """What was said about whole messages: a CSR matrix with a row for each, and the featurizers in order of columns.

    `origins` are those to use, in that order: what others say is left out.
    """
    from scipy import sparse

    if origins is None:
        origins = list(dict.fromkeys(each.origin for message in messages for each in message.features_of(SENTENCE)))
    parts = []
    for origin in origins:
        found = [next(iter(message.features_of(SENTENCE, origins=[origin])), None) for message in messages]
        width = next((each.shape[1] for each in found if each is not None), 0)
        if all(each is not None for each in found):
            parts.append(sparse.csr_matrix(stack([each for each in found if each is not None])))
        else:
            parts.append(sparse.vstack([each.matrix if each is not None else sparse.csr_matrix((1, width)) for each in found], format="csr"))
    if not parts:
        return sparse.csr_matrix((len(messages), 0)), origins
    return sparse.hstack(parts, format="csr").astype("float64"), origins


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
        self.intents: list[str] = []
        self.origins: list[str] = []
        self.weights: Any = None
        self.bias: Any = None
        self.scale = 1.0

    def examples(self, training_data: TrainingData) -> tuple[Any, list[str]]:
        """The matrix of the examples with an intent, and their intents; notes which intents and featurizers there are."""
        messages = training_data.intent_examples
        found, self.origins = matrix_of(messages)
        labels = [str(message.get(INTENT)) for message in messages]
        self.intents = sorted(set(labels))
        return found, labels

    def process(self, messages: list[Message]) -> list[Message]:
        length = self.config["ranking_length"]
        if not messages or not self.intents:
            for message in messages:
                answer(message, [], length)
            return messages
        found, _ = matrix_of(messages, self.origins)
        confidences = self.confidences(found) if self.weights is not None else [[1.0]] * len(messages)
        for row, message in enumerate(messages):
            said = found.indptr[row + 1] > found.indptr[row]
            order = sorted(range(len(self.intents)), key=lambda each, row=row: (-confidences[row][each], self.intents[each]))  # type: ignore[misc]  # a lambda with a default
            answer(message, [(self.intents[each], confidences[row][each]) for each in order] if said else [], length)
        return messages

    def confidences(self, found: Any) -> Any:
        """For each row how sure each intent is: between 0 and 1, together 1."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        write_record(folder, "classifier.msgpack", {"intents": self.intents, "origins": self.origins, "scale": self.scale})
        if self.weights is not None:
            write_arrays(folder, weights=self.weights, bias=self.bias)

    def restore(self, folder: Path) -> None:
        record = read_record(folder, "classifier.msgpack")
        if record is not None:
            self.intents, self.origins, self.scale = record["intents"], record["origins"], record["scale"]
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
