"""TF-IDF over words and letters, kept as plain terms and arrays: a model loads without running anybody's code."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from nlu.dataset import Dataset
from nlu.text import char_terms, word_terms

TERMS: Mapping[str, Callable[[str], list[str]]] = {"word": word_terms, "char": char_terms}
Vocabulary = dict[str, float]  # term -> inverse document frequency; a term's column is its place in sorted order
Arrays = dict[str, np.ndarray[Any, Any]]


def vocabulary(dataset: Dataset, *, kind: str, min_count: int) -> Vocabulary:
    """The terms that at least `min_count` training sentences have, with how telling each is."""
    sentences = [sample["text"] for sample in dataset["train"]]
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(set(TERMS[kind](sentence)))
    return {
        term: 1.0 + math.log((1 + len(sentences)) / (1 + count))
        for term, count in sorted(counts.items())
        if count >= min_count
    }


def training_matrix(dataset: Dataset, word: Vocabulary, char: Vocabulary) -> Arrays:
    """The features of the training sentences, as the arrays of a sparse matrix."""
    matrix = featurize([sample["text"] for sample in dataset["train"]], word, char)
    return {
        "data": matrix.data,
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "shape": np.array(matrix.shape, np.int64),
    }


def to_matrix(arrays: Arrays) -> csr_matrix:
    """The sparse matrix whose arrays these are."""
    rows, columns = (int(size) for size in arrays["shape"])
    return csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(rows, columns))


def featurize(sentences: Sequence[str], word: Vocabulary, char: Vocabulary) -> csr_matrix:
    """One row per sentence: its word features, then its letter features, each of length one."""
    blocks = [_tfidf(map(word_terms, sentences), word), _tfidf(map(char_terms, sentences), char)]
    stacked: csr_matrix = hstack(blocks, format="csr", dtype=np.float32)
    return stacked


def _tfidf(documents: Iterable[list[str]], known: Vocabulary) -> csr_matrix:
    ordered = sorted(known)
    columns = {term: column for column, term in enumerate(ordered)}
    idf = [known[term] for term in ordered]
    data: list[float] = []
    indices: list[int] = []
    indptr = [0]
    for terms in documents:
        counts = Counter(columns[term] for term in terms if term in columns)
        row = [(column, count * idf[column]) for column, count in sorted(counts.items())]
        length = math.sqrt(sum(weight * weight for _, weight in row)) or 1.0
        indices.extend(column for column, _ in row)
        data.extend(weight / length for _, weight in row)
        indptr.append(len(indices))
    return csr_matrix(
        (np.array(data, np.float32), np.array(indices, np.int32), np.array(indptr, np.int32)),
        shape=(len(indptr) - 1, len(ordered)),
    )
