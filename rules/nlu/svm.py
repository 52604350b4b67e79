"""`SklearnIntentClassifier`: intents by a linear support vector machine, whose C is chosen by cross-validation."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from buildgraph.rules.nlu.classifying import LinearClassifier, softmax
from buildgraph.rules.nlu.options import number, unusable

_SCALES: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0)
_UNTESTED: Final = 3.0  # the scale when no intent has two examples


class SklearnIntentClassifier(LinearClassifier):
    """scikit-learn's LinearSVC. `C` lists values to choose from, `max_cross_validation_folds`, `scoring_function`, `ranking_length`.

    `kernels` has to allow `linear`; `gamma` belongs to other kernels. Confidences are a softmax over the distances, scaled
    so that they were right about what the cross-validation had not seen.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "C": [1, 2, 5, 10, 20, 100], "gamma": [0.1], "kernels": ["linear"], "max_cross_validation_folds": 5, "scoring_function": "f1_weighted",
            "num_threads": 1, "random_state": 42, "ranking_length": 10,
        }  # fmt: skip

    def __init__(self, *arguments: Any) -> None:
        """Raises InvalidConfigException (BG546) for a value that an option cannot have."""
        super().__init__(*arguments)
        name, kernels, values = type(self).__name__, self.config["kernels"], self.config["C"]
        if not isinstance(kernels, list) or "linear" not in kernels:
            raise unusable(name, "kernels", kernels, "a list with 'linear' in it, the only kernel here")
        if not isinstance(values, list) or not values:
            raise unusable(name, "C", values, "a list of numbers above 0")
        for each in values:
            number({"C": each}, "C", name, above=True)
        number(self.config, "max_cross_validation_folds", name, least=2, whole=True)
        if not isinstance(self.config["scoring_function"], str):
            raise unusable(name, "scoring_function", self.config["scoring_function"], "the name of one of scikit-learn's scorers")

    def fit(self, found: Any, labels: list[str]) -> tuple[Any, Any]:
        """Raises InvalidConfigException (BG546) for a scoring function that scikit-learn does not have."""
        from sklearn.metrics import get_scorer_names

        scoring = self.config["scoring_function"]
        if scoring not in get_scorer_names():
            raise unusable(type(self).__name__, "scoring_function", scoring, "the name of one of scikit-learn's scorers, such as f1_weighted or accuracy")
        counts = Counter(labels)
        tested = [row for row, label in enumerate(labels) if counts[label] > 1]  # one example cannot be learnt and held back
        known = [labels[row] for row in tested]
        chosen, self.scale = self._choose(found[tested], known) if len(set(known)) > 1 else (self.config["C"][0], _UNTESTED)
        model = self._machine(chosen).fit(found, labels)
        return model.coef_, model.intercept_

    def _choose(self, found: Any, labels: list[str]) -> tuple[float, float]:
        """The value of C that does best on what it has not seen, and how to scale its distances."""
        import numpy as np
        from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score

        folds = max(2, min(self.config["max_cross_validation_folds"], min(Counter(labels).values()) // 5))
        parts, values = StratifiedKFold(folds), self.config["C"]
        points = [0.0]
        if len(values) > 1:
            points = [cross_val_score(self._machine(each), found, labels, cv=parts, scoring=self.config["scoring_function"]).mean() for each in values]
        best = values[int(np.argmax(points))]
        distances = cross_val_predict(self._machine(best), found, labels, cv=parts, method="decision_function")
        if distances.ndim == 1:
            distances = np.column_stack([-distances, distances])
        truth = np.searchsorted(sorted(set(labels)), labels)
        losses = [-np.log(softmax(distances * scale)[np.arange(len(truth)), truth] + 1e-12).mean() for scale in _SCALES]
        return best, _SCALES[int(np.argmin(losses))]

    def _machine(self, c: float) -> Any:
        from sklearn.svm import LinearSVC

        return LinearSVC(C=c, class_weight="balanced", dual="auto", random_state=self.config["random_state"])

    def confidences(self, found: Any) -> Any:
        return softmax(self.scores(found) * self.scale)
