"""`SklearnIntentClassifier`: intents by a linear support vector machine, whose C is chosen by cross-validation."""

from __future__ import annotations

from typing import Any, Final

from buildgraph.rules.nlu.classifying import LinearClassifier, softmax
from buildgraph.rules.nlu.options import ignored, number, one_of, refused, unusable

from buildgraph.component import Resource
from buildgraph.trainer.data import TrainingData

_SCALES: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0)


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
        super().__init__(*arguments)
        name, kernels, values = type(self).__name__, self.config["kernels"], self.config["C"]
        if not isinstance(kernels, list) or "linear" not in kernels:
            raise unusable(name, "kernels", kernels, "a list with 'linear' in it, the only kernel here")
        if not isinstance(values, list) or not values or not all(isinstance(each, int | float) and each > 0 for each in values):
            raise unusable(name, "C", values, "a list of numbers above 0")
        number(self.config, "max_cross_validation_folds", name, least=2)
        ignored(self.config, self.get_default_config(), name, "gamma", "num_threads")

    def train(self, training_data: TrainingData) -> Resource:
        """Raises InvalidConfigException (BG546) for a `scoring_function` that scikit-learn does not know."""
        from sklearn.metrics import get_scorer_names

        one_of(self.config, "scoring_function", type(self).__name__, get_scorer_names())
        found, labels = self.examples(training_data)
        if len(self.intents) > 1 and found.shape[1]:
            fewest = min(labels.count(each) for each in self.intents)
            folds = min(int(self.config["max_cross_validation_folds"]), fewest)
            chosen = self.config["C"][0]
            try:
                if folds > 1:
                    chosen, self.scale = self._choose(found, labels, folds)
                model = self._machine(chosen).fit(found, labels)
            except (ValueError, TypeError) as error:
                raise refused(type(self).__name__, error) from None
            self.weights, self.bias = model.coef_, model.intercept_
        return self.persist()

    def _choose(self, found: Any, labels: list[str], folds: int) -> tuple[float, float]:
        """The value of C that does best on what it has not seen, and how to scale its distances."""
        import numpy as np
        from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score

        parts, values = StratifiedKFold(folds), self.config["C"]
        points = [cross_val_score(self._machine(each), found, labels, cv=parts, scoring=self.config["scoring_function"]).mean() for each in values]
        best = values[int(np.argmax(points))] if len(values) > 1 else values[0]
        distances = cross_val_predict(self._machine(best), found, labels, cv=parts, method="decision_function")
        if distances.ndim == 1:
            distances = np.column_stack([-distances, distances])
        truth = np.searchsorted(self.intents, labels)
        losses = [-np.log(softmax(distances * scale)[np.arange(len(truth)), truth] + 1e-12).mean() for scale in _SCALES]
        return best, _SCALES[int(np.argmin(losses))]

    def _machine(self, c: float) -> Any:
        from sklearn.svm import LinearSVC

        return LinearSVC(C=c, class_weight="balanced", dual="auto", random_state=self.config["random_state"], max_iter=5000)

    def confidences(self, found: Any) -> Any:
        return softmax(self.scores(found) * self.scale)
