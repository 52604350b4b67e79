"""Two linear classifiers; what is kept of each is its weights, as plain arrays."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from nlu.dataset import Dataset
from nlu.features import Arrays, to_matrix


def logistic_regression(features: Arrays, dataset: Dataset, *, C: float) -> Arrays:  # noqa: N803 - scikit-learn's name
    """Multinomial logistic regression: its scores become probabilities."""
    return _weights(LogisticRegression(C=C, max_iter=300, random_state=0), features, dataset)


def linear_svc(features: Arrays, dataset: Dataset, *, C: float) -> Arrays:  # noqa: N803 - scikit-learn's name
    """One linear support vector machine per intent: its scores are margins."""
    return _weights(LinearSVC(C=C, random_state=0), features, dataset)


def _weights(model: LogisticRegression | LinearSVC, features: Arrays, dataset: Dataset) -> Arrays:
    """Fit, and keep one row of weights per intent, in the order of `labels`."""
    model.fit(to_matrix(features), [sample["intent"] for sample in dataset["train"]])
    return {"weights": model.coef_.astype(np.float32), "bias": model.intercept_.astype(np.float32)}
