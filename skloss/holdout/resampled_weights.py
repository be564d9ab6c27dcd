"""Sample weights for the rows that samplers make of weighted rows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from skloss.holdout.labels import class_codes

__all__ = ["FollowingMemory", "RowOrigins", "origins"]

_NEW = -1
_CHUNK = 4096


class RowOrigins:
    """Where the rows behind all samplers stood before the first one.

    Attributes
    ----------
    positions : ndarray of int or None
        Position of each row; -1 for a synthetic row. None before any sampler.
    """

    def __init__(self) -> None:
        self.positions: np.ndarray | None = None

    def follow(self, positions: np.ndarray) -> None:
        """Go through one more sampler."""
        if self.positions is not None:
            known = np.where(positions == _NEW, _NEW, self.positions[positions])
            positions = known
        self.positions = positions

    def weights(self, weight: ArrayLike, y_before: Any, y_after: Any) -> np.ndarray:
        """Weights of the rows behind the samplers.

        A row that was there before keeps its weight. A synthetic row has the mean
        weight of the rows of its class.
        """
        given = np.asarray(weight, dtype=float)
        if self.positions is None:
            return given
        classes, codes = class_codes(y_before)
        n = np.maximum(np.bincount(codes, minlength=len(classes)), 1)
        means = np.bincount(codes, given, minlength=len(classes)) / n
        own = np.searchsorted(classes, np.asarray(y_after)).clip(max=len(classes) - 1)
        return np.where(self.positions == _NEW, means[own], given[self.positions])


class FollowingMemory:
    """A joblib.Memory that sees which rows each sampler keeps.

    imbalanced-learn fits each step through the ``memory`` of its pipeline, and does not
    tell the pipeline what a sampler has done to the rows.
    """

    def __init__(self, memory: Any, followed: RowOrigins) -> None:
        self._memory, self._followed = memory, followed

    @property
    def location(self) -> Any:
        """Folder of the cache; None if there is no cache."""
        return self._memory.location

    def cache(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Cache the results of a function."""
        cached = self._memory.cache(function)

        def fit_one(step: Any, X: Any, y: Any, **options: Any) -> Any:
            found = cached(step, X, y, **options)
            if len(found) == 3:  # rows, labels and the sampler
                self._followed.follow(origins(X, y, *found))
            return found

        return fit_one


def origins(X: Any, y: Any, X_after: Any, y_after: Any, sampler: Any) -> np.ndarray:
    """Position that each row of a sampler had before it; -1 for a synthetic row.

    Parameters
    ----------
    X, y : array-likes
        Rows and labels before the sampler.
    X_after, y_after : array-likes
        Rows and labels behind it.
    sampler : sampler
        Fitted; its ``sample_indices_`` are the answer, if it has them.

    Returns
    -------
    positions : ndarray of int, shape (n_after,)
        If a sampler has no ``sample_indices_``, a row is known by its values and label.
        Of several equal rows the first is taken that is not taken yet.
    """
    n_after = len(np.asarray(y_after))
    given = getattr(sampler, "sample_indices_", None)
    if given is not None and len(given) == n_after:
        return np.asarray(given)
    places: dict[tuple[bytes, Any], list[int]] = {}
    for position, key in enumerate(_keys(X, y)):
        places.setdefault(key, []).append(position)
    found = np.full(n_after, _NEW)
    for row, key in enumerate(_keys(X_after, y_after)):
        queue = places.get(key)
        if queue:
            # The first of the copies are the rows themselves: samplers append.
            found[row] = queue.pop(0) if len(queue) > 1 else queue[0]
    return found


def _keys(X: Any, y: Any) -> Iterator[tuple[bytes, Any]]:
    """Values and label of each row, as a key of a dict."""
    labels = np.asarray(y).tolist()
    rows: Any = X.tocsr() if sparse.issparse(X) else np.asarray(X)
    for start in range(0, len(labels), _CHUNK):
        part = rows[start : start + _CHUNK]
        part = part.toarray() if sparse.issparse(part) else part
        # A sampler may give back whole numbers as floats.
        is_number = part.dtype.kind in "biuf"
        part = part.astype(np.float64) if is_number else part
        for label, row in zip(labels[start:], part, strict=False):
            yield row.tobytes() if is_number else repr(row.tolist()).encode(), label
