"""Scores of two estimators on the same folds, and the interval of their difference."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import t
from sklearn.base import clone

from skloss.repairs.estimator_parts import with_other_seeds
from skloss.sklearn_compat import safe_indexing

__all__ = [
    "FoldScores",
    "Folds",
    "Gain",
    "NotScoredError",
    "compared",
    "corrected_interval",
]

Split = tuple[np.ndarray, np.ndarray]
# 5 % on each side: the question is only whether a fix helps.
CONFIDENCE = 0.9


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
    confidence : float, default=0.9
        Probability of the interval.

    References
    ----------
    C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning
    52, 2003; for repeated folds R. Bouckaert and E. Frank, PAKDD 2004.

    Examples
    --------
    >>> gain = corrected_interval(np.array([0.1, 0.2, 0.3]), test_share=0.5)
    >>> round(gain.mean, 3), round(gain.low, 3), round(gain.high, 3)
    (0.2, -0.067, 0.467)
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

    ``looks`` are numbers of folds. At each of them two estimators are compared; the
    later ones are for a change that gains something, though not beyond chance. The
    first look is at one drawing of the folds. Each further drawing has other seeds of
    the estimators: a lucky initialization is lucky in all folds.
    """

    X: Any
    y: np.ndarray
    splits: Sequence[Split]
    looks: tuple[int, ...]
    scorer: Callable[..., float]
    fit_params: Callable[[Any, np.ndarray | None], Mapping[str, Any]]

    @property
    def test_share(self) -> float:
        """Rows to test over rows to train."""
        return float(np.mean([len(test) / len(train) for train, test in self.splits]))

    def gain(self, before: np.ndarray, after: np.ndarray) -> Gain:
        """Compare the scores of two estimators, on the folds that both have."""
        n = min(len(before), len(after))
        return corrected_interval(after[:n] - before[:n], self.test_share)

    def fit_on_all(self, estimator: Any) -> Any:
        """Fit an estimator on all rows."""
        return self._fitted(estimator, None)

    def score(self, estimator: Any, fold: int) -> float:
        """Score an estimator on a fold."""
        train, test = self.splits[fold]
        drawing = fold // self.looks[0]
        fitted = self._fitted(with_other_seeds(estimator, drawing), train)
        rows = safe_indexing(self.X, test), safe_indexing(self.y, test)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(self.scorer(fitted, *rows))

    def _fitted(self, estimator: Any, rows: np.ndarray | None) -> Any:
        given = (self.X, self.y)
        if rows is not None:
            given = safe_indexing(self.X, rows), safe_indexing(self.y, rows)
        with warnings.catch_warnings():
            # A faulty training warns in every fold; the diagnosis says it once.
            warnings.simplefilter("ignore")
            return clone(estimator).fit(*given, **self.fit_params(estimator, rows))


@dataclass
class FoldScores:
    """Scores of an estimator, on as many of the folds as were needed so far."""

    folds: Folds
    estimator: Any
    known: list[float] = field(default_factory=list)

    def of_first(self, n: int) -> np.ndarray:
        """Return the scores on the first folds."""
        while len(self.known) < n:
            self.known.append(self.folds.score(self.estimator, len(self.known)))
        return np.array(self.known[:n])


class NotScoredError(Exception):
    """An estimator that a fix has made, and that cannot be scored; with the reason."""


def compared(best: FoldScores, other: FoldScores) -> tuple[Gain, bool]:
    """Compare an estimator with the best one so far.

    After the first drawing of the folds it is only looked whether there is a gain at
    all; after each later one, whether it is beyond chance.

    Returns
    -------
    gain : Gain
        The mean difference on as many folds as were needed.
    is_better : bool
        Whether it is beyond chance.

    Raises
    ------
    NotScoredError
        If the other one cannot be fitted, or has no finite score.
    ValueError
        If a score of the best one is not finite.
    """
    looks = best.folds.looks
    for n in looks:
        before = best.of_first(n)
        if not np.isfinite(before).all():
            raise ValueError(
                "A score of the estimator as it is, is not finite on a fold, so that "
                "nothing can be compared with it; choose another scoring."
            )
        try:
            after = other.of_first(n)
        except (ValueError, TypeError) as error:  # the fix does not suit the rows
            raise NotScoredError(" ".join(str(error).split())) from error
        if not np.isfinite(after).all():
            raise NotScoredError("a score is not finite")
        gain = best.folds.gain(before, after)
        decides = n > looks[0] or len(looks) == 1
        if gain.mean <= 0 or (decides and gain.low > 0):
            break
    return gain, decides and gain.low > 0
