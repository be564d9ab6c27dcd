"""Scores of two estimators on the same folds, and the interval of their difference."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t
from sklearn.base import clone

from skloss.sklearn_compat import safe_indexing

__all__ = ["Folds", "Gain", "corrected_interval"]

Split = tuple[np.ndarray, np.ndarray]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gain:
    """The mean difference of two scores over folds, with its interval."""

    mean: float
    low: float
    high: float


def corrected_interval(
    differences: np.ndarray, test_share: float, confidence: float = CONFIDENCE
) -> Gain:
    """Interval of a mean over folds whose training rows overlap.

    The corrected resampled t: the variance of the mean over ``J`` folds is
    ``(1 / J + n_test / n_train) * s ** 2``, with ``J - 1`` degrees of freedom. Without
    the second part the interval would be too narrow, since folds share training rows.

    Parameters
    ----------
    differences : ndarray of shape (n_folds,)
        One difference per fold.
    test_share : float
        Rows to test over rows to train, ``n_test / n_train``.
    confidence : float, default=0.95
        Probability of the interval.

    References
    ----------
    C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning
    52, 2003; for repeated folds R. Bouckaert and E. Frank, PAKDD 2004.

    Examples
    --------
    >>> gain = corrected_interval(np.array([0.1, 0.2, 0.3]), test_share=0.5)
    >>> round(gain.mean, 3), round(gain.low, 3), round(gain.high, 3)
    (0.2, -0.193, 0.593)
    """
    n, mean = len(differences), float(np.mean(differences))
    if n < 2:
        return Gain(mean, -np.inf, np.inf)
    error = np.sqrt((1 / n + test_share) * np.var(differences, ddof=1))
    half = float(t.ppf((1 + confidence) / 2, n - 1) * error)
    return Gain(mean, mean - half, mean + half)


@dataclass(frozen=True)
class Folds:
    """Rows, and the folds on which every estimator is scored.

    ``first`` is the number of folds of the first repeat: a change that gains nothing
    on them is not scored on the others.
    """

    X: Any
    y: np.ndarray
    splits: Sequence[Split]
    first: int
    scorer: Callable[..., float]
    fit_params: Callable[[Any, np.ndarray | None], Mapping[str, Any]]

    @property
    def test_share(self) -> float:
        """Rows to test over rows to train."""
        return float(np.mean([len(test) / len(train) for train, test in self.splits]))

    def scores(self, estimator: Any) -> np.ndarray:
        """Score an estimator on all folds."""
        return self._scored(estimator, self.splits)

    def scores_against(self, estimator: Any, before: np.ndarray) -> np.ndarray:
        """Score an estimator, and stop after the first repeat if it gains nothing."""
        scores = self._scored(estimator, self.splits[: self.first])
        if scores.mean() <= before[: self.first].mean():
            return scores
        return np.append(scores, self._scored(estimator, self.splits[self.first :]))

    def gain(self, before: np.ndarray, after: np.ndarray) -> Gain:
        """Compare the scores of two estimators, on the folds that both have."""
        return corrected_interval(after - before[: len(after)], self.test_share)

    def fit_on_all(self, estimator: Any) -> Any:
        """Fit an estimator on all rows."""
        return self._fitted(estimator, None)

    def _scored(self, estimator: Any, splits: Sequence[Split]) -> np.ndarray:
        found = []
        for train, test in splits:
            fitted = self._fitted(estimator, train)
            rows = safe_indexing(self.X, test), safe_indexing(self.y, test)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(float(self.scorer(fitted, *rows)))
        return np.array(found)

    def _fitted(self, estimator: Any, rows: np.ndarray | None) -> Any:
        given = (self.X, self.y)
        if rows is not None:
            given = safe_indexing(self.X, rows), safe_indexing(self.y, rows)
        with warnings.catch_warnings():
            # A faulty training warns in every fold; the diagnosis says it once.
            warnings.simplefilter("ignore")
            return clone(estimator).fit(*given, **self.fit_params(estimator, rows))
