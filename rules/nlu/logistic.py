"""`LogisticRegressionClassifier`: intents by logistic regression over everything that featurizers say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from buildgraph.rules.nlu.classifying import LinearClassifier, softmax
from buildgraph.rules.nlu.options import number, one_of, unusable

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
        number(self.config, "max_iter", name, least=1, whole=True)
        number(self.config, "tol", name, above=True)
        number(self.config, "C", name, above=True)
        one_of(self.config, "solver", name, _SOLVERS)
        if weight not in (None, "balanced") and not isinstance(weight, Mapping):
            raise unusable(name, "class_weight", weight, "'balanced', or a weight for each intent")

    def fit(self, found: Any, labels: list[str]) -> tuple[Any, Any]:
        """Raises InvalidConfigException (BG546) for weights of intents that nothing is an example of."""
        from sklearn.linear_model import LogisticRegression

        config, weight = self.config, self.config["class_weight"]
        if isinstance(weight, Mapping) and (self._one_by_one or not set(weight) <= set(self.intents)):
            raise unusable(type(self).__name__, "class_weight", dict(weight), "weights for intents that have examples, and not with liblinear")
        model: Any = LogisticRegression(
            class_weight=weight, max_iter=config["max_iter"], solver=config["solver"], tol=config["tol"], C=config["C"],
            random_state=config["random_state"],
        )  # fmt: skip
        if self._one_by_one:
            from sklearn.multiclass import OneVsRestClassifier

            parts = OneVsRestClassifier(model).fit(found, labels).estimators_
            return _stacked([each.coef_ for each in parts]), _stacked([each.intercept_ for each in parts])
        model.fit(found, labels)
        return model.coef_, model.intercept_

    def confidences(self, found: Any) -> Any:
        scores = self.scores(found)
        if self._one_by_one:
            from scipy.special import expit

            sure = expit(scores) + 1e-300  # all could be impossible
            return sure / sure.sum(axis=1, keepdims=True)
        return softmax(scores / 2 if len(self.intents) == 2 else scores)  # of two, each gets half of the difference

    @property
    def _one_by_one(self) -> bool:
        """Whether each intent is told from all the others: liblinear can tell two apart, no more."""
        return self.config["solver"] == "liblinear" and len(self.intents) > 2


def _stacked(arrays: list[Any]) -> Any:
    import numpy as np

    return np.concatenate(arrays)
