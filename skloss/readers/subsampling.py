"""Choose a sample of rows and columns where there are many.

Samples depend on nothing but the seed; the global random state is never touched.
"""

import math
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.sparse import issparse

from skloss.sparse_rows import indexable

__all__ = [
    "MOST_CLASSES",
    "MOST_COLUMNS",
    "MOST_VALUES",
    "Facts",
    "dense_sample",
    "evenly",
    "few",
    "flat_rows",
    "pick",
    "sample_note",
]

Facts = dict[str, Any]  # fields of ``RowFacts`` by their names

MOST_VALUES = 2_000_000
MOST_COLUMNS = 200
MOST_CLASSES = 200
_MOST_DENSE = 2**24  # values of a sparse matrix that are made dense
_LARGEST = 1e30  # trees count in float32, and squares must be finite
_N_NAMED = 5  # columns named in the evidence


def flat_rows(X: np.ndarray) -> np.ndarray | None:
    """Rows of numbers (n, columns); None if they are no numbers."""
    try:
        X = X if X.dtype.kind in "biuf" else X.astype(float)
    except (TypeError, ValueError):
        return None
    X = X.astype(np.uint8) if X.dtype.kind == "b" else X
    if X.dtype == float and X.size and np.nanmax(np.abs(X), initial=0.0) > _LARGEST:
        X = np.where(np.isfinite(X), np.clip(X, -_LARGEST, _LARGEST), X)
    return X.reshape(len(X), math.prod(X.shape[1:])) if X.ndim != 1 else X[:, None]


def dense_sample(X: Any, y: Any) -> tuple[Any, Any]:
    """Rows as an array with their labels; of a large sparse matrix a sample."""
    if not issparse(X):
        return X, y
    n = _rows_of_sample(X)
    if n == X.shape[0]:
        return X.toarray(), y
    labels = np.asarray(y)
    codes = np.unique(labels, return_inverse=True)[1].ravel()
    chosen = pick(codes, n, np.random.default_rng(0), least=1)
    return X[chosen].toarray(), labels[chosen]


def sample_note(X: Any, name: str) -> list[str]:
    """Say that a sample stands for a large sparse matrix, if it does."""
    X = indexable(X)
    if not issparse(X) or _rows_of_sample(X) == X.shape[0]:
        return []
    return [
        f"{name} is sparse and large: facts about rows are of {_rows_of_sample(X)} of "
        f"{X.shape[0]}"
    ]


def _rows_of_sample(X: Any) -> int:
    return int(min(X.shape[0], max(500, _MOST_DENSE // max(1, X.shape[1]))))


def pick(codes: np.ndarray, at_most: int, rng: Generator, least: int = 0) -> np.ndarray:
    """Positions of a sample with each class's share, and `least` rows of rare ones."""
    n = len(codes)
    if n <= at_most:
        return np.arange(n)
    order = rng.permutation(n)
    order = order[np.argsort(codes[order], kind="stable")]
    counts = np.bincount(codes)
    wanted = np.round(counts * at_most / n).astype(int)
    wanted = np.minimum(np.maximum(wanted, least), counts)
    rank = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[rank < np.repeat(wanted, counts)])


def evenly(n: int, at_most: int) -> np.ndarray:
    """Evenly spaced positions among n."""
    count = min(n, at_most)
    return np.arange(count) * n // max(count, 1)


def few(columns: np.ndarray) -> tuple[int, ...]:
    """Return the first columns, as many as evidence names."""
    return tuple(int(column) for column in columns[:_N_NAMED])
