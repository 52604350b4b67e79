"""`LogisticRegressionClassifier`: intents by logistic regression over everything that featurizers say."""

from __future__ import annotations

from typing import Any

from buildgraph.rules.nlu.classifying import LinearClassifier, softmax
from buildgraph.rules.nlu.options import number, refused

from buildgraph.component import Resource
from buildgraph.trainer.data import TrainingData


class LogisticRegressionClassifier(LinearClassifier):
    """scikit-learn's LogisticRegression; `class_weight`, `max_iter`, `solver`, `tol`, `C`, `random_state`, `ranking_length`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"class_weight": "balanced", "max_iter": 100, "solver": "lbfgs", "tol": 1e-4, "C": 1.0, "random_state": 42, "ranking_length": 10}

    def train(self, training_data: TrainingData) -> Resource:
        """Raises InvalidConfigException for settings that scikit-learn refuses."""
        found, labels = self.examples(training_data)
        number(self.config, "max_iter", type(self).__name__, least=1)
        if len(self.intents) > 1 and found.shape[1]:
            self.weights, self.bias = self._fit(found, labels)
        return self.persist()

    def _fit(self, found: Any, labels: list[str]) -> tuple[Any, Any]:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        config = self.config
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
