"""`LogisticRegressionClassifier`: intents by logistic regression over everything that featurizers say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from buildgraph.rules.nlu.classifying import LinearClassifier, softmax
from buildgraph.rules.nlu.options import number, one_of, refused, unusable

from buildgraph.component import Resource
from buildgraph.trainer.data import TrainingData

_SOLVERS: Final = ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga")


class LogisticRegressionClassifier(LinearClassifier):
    """scikit-learn's LogisticRegression; `class_weight`, `max_iter`, `solver`, `tol`, `C`, `random_state`, `ranking_length`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"class_weight": "balanced", "max_iter": 100, "solver": "lbfgs", "tol": 1e-4, "C": 1.0, "random_state": 42, "ranking_length": 10}

    def __init__(self, *arguments: Any) -> None:
        """Raises InvalidConfigException (BG546) for a value that an option cannot have."""
        super().__init__(*arguments)
        name, weight = type(self).__name__, self.config["class_weight"]
        number(self.config, "max_iter", name, least=1)
        number(self.config, "tol", name)
        number(self.config, "C", name)
        one_of(self.config, "solver", name, _SOLVERS)
        if weight not in (None, "balanced") and not isinstance(weight, Mapping):
            raise unusable(name, "class_weight", weight, "balanced, nothing, or a weight for each intent")

    def train(self, training_data: TrainingData) -> Resource:
        found, labels = self.examples(training_data)
        if len(self.intents) > 1 and found.shape[1]:
            self.weights, self.bias = self._fit(found, labels)
        return self.persist()

    def _fit(self, found: Any, labels: list[str]) -> tuple[Any, Any]:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        config = self.config
        if config["solver"] == "liblinear" and len(self.intents) > 2:
            raise unusable(type(self).__name__, "solver", "liblinear", "another one where there are more than two intents, such as lbfgs")
        model = LogisticRegression(
            class_weight=config["class_weight"], max_iter=config["max_iter"], solver=config["solver"], tol=config["tol"], C=config["C"],
            random_state=config["random_state"],
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is the user's own choice
            try:
                model.fit(found, labels)
            except (ValueError, TypeError) as error:
                raise refused(type(self).__name__, error) from None
        return model.coef_, model.intercept_

    def confidences(self, found: Any) -> Any:
        scores = self.scores(found)
        if self.config["solver"] == "liblinear":  # one against the rest, each for itself
            import numpy as np

            sure = 1.0 / (1.0 + np.exp(-scores))
            return sure / sure.sum(axis=1, keepdims=True)
        return softmax(scores / 2 if len(self.intents) == 2 else scores)  # of two, each gets half of the difference
