"""Scores sentences with weights and vocabularies: all that a trained model needs, and no training library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlu.features import Arrays, Vocabulary, featurize


def scores(sentences: Sequence[str], word: Vocabulary, char: Vocabulary, model: Arrays) -> np.ndarray[Any, Any]:
    """One row per sentence, one column per intent; the highest wins."""
    result: np.ndarray[Any, Any] = featurize(sentences, word, char) @ model["weights"].T + model["bias"]
    return result


def probabilities(row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The scores of one sentence as shares of one (softmax)."""
    powers = np.exp(row - row.max())
    shares: np.ndarray[Any, Any] = powers / powers.sum()
    return shares
