"""Thresholds of probabilities: the best one on given rows, and one for unseen rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from skloss.metrics.confusion import binary_mcc

__all__ = ["THRESHOLD_METRICS", "best_threshold", "tuned_threshold"]

_DRAWS, _FEWEST_DRAWS = 100, 10
_MOST_WEIGHTS = 10**7  # of all draws together, a bound of the time
# Log odds of 0 and 1 are not finite.
_LEAST = 1e-6


def _f1(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray) -> np.ndarray:
    return 2 * tp / (2 * tp + fp + fn)


_METRICS: dict[str, Callable[..., np.ndarray]] = {"mcc": binary_mcc, "f1": _f1}
THRESHOLD_METRICS = tuple(_METRICS)


def best_threshold(
    y: ArrayLike,
    scores: ArrayLike,
    metric: str = "mcc",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Find the threshold of the highest MCC or F1 on these rows.

    Parameters
    ----------
    y : array-like of int or bool, shape (n,)
        1 for the positive class, 0 for the other one; both occur.
    scores : array-like of float, shape (n,)
        Scores that are higher for the positive class, all finite.
    metric : {"mcc", "f1"}, default="mcc"
        What is to be high.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    threshold : float
        Midway between two scores, or the lowest score. Rows from it on are positive.
        Of several the highest one.

    Raises
    ------
    ValueError
        If rows of a class are missing or have no weight, if a value is not finite, if
        lengths differ, or if the metric has another name.

    Examples
    --------
    >>> best_threshold([0, 0, 1], [0.1, 0.2, 0.4])
    0.3
    """
    return _Ranked(y, scores, metric, sample_weight).best()


def tuned_threshold(
    y: ArrayLike,
    probabilities: ArrayLike,
    metric: str = "mcc",
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Choose a threshold that gives unseen rows a high MCC or F1.

    The best threshold of few rows hangs on some of them. So it is looked for B times,
    each time with other weights of the rows, and the log odds are averaged:

    .. math:: \log \frac{t}{1 - t} = \frac{1}{B} \sum_b \log \frac{t_b}{1 - t_b}

    with the best threshold :math:`t_b` at random weights :math:`w_{bi} \sim \exp(1)`
    (the Bayesian bootstrap [1]_, averaged as in bagging). B is 100, and down to 10 for
    more than 100,000 rows. The weights are the same in each call.

    Parameters
    ----------
    y : array-like of int or bool, shape (n,)
        1 for the positive class, 0 for the other one; both occur.
    probabilities : array-like of float, shape (n,)
        Probabilities of the positive class, of rows that were not trained on.
    metric : {"mcc", "f1"}, default="mcc"
        What is to be high.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    threshold : float
        Between 0 and 1. Rows from it on are positive.

    Raises
    ------
    ValueError
        If rows of a class are missing or have no weight, if a value is no probability,
        if lengths differ, or if the metric has another name.

    References
    ----------
    .. [1] Rubin, "The Bayesian bootstrap", The Annals of Statistics 9 (1981).

    Examples
    --------
    >>> y, p = [0, 0, 0, 0, 1, 0, 1, 1], [0.1, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.7]
    >>> best_threshold(y, p), round(tuned_threshold(y, p), 2)
    (0.25, 0.34)
    """
    ranked = _Ranked(y, probabilities, metric, sample_weight)
    chances = np.asarray(probabilities, float)
    if chances.min() < 0 or chances.max() > 1:
        raise ValueError("probabilities must be between 0 and 1.")
    rng, n_rows = np.random.default_rng(0), len(chances)
    n_draws = int(np.clip(_MOST_WEIGHTS // n_rows, _FEWEST_DRAWS, _DRAWS))
    found = [ranked.best(rng.exponential(size=n_rows)) for _ in range(n_draws)]
    odds = np.clip(found, _LEAST, 1 - _LEAST)
    mean = float(np.mean(np.log(odds) - np.log1p(-odds)))
    return float(1 / (1 + np.exp(-mean)))


class _Ranked:
    """Rows in the order of their scores, for the best thresholds at many weights."""

    def __init__(
        self,
        y: ArrayLike,
        scores: ArrayLike,
        metric: str,
        sample_weight: ArrayLike | None,
    ) -> None:
        truth, values = np.asarray(y), np.asarray(scores, float)
        weight = np.ones(values.shape)
        if sample_weight is not None:
            weight = np.asarray(sample_weight, float)
        _check(truth, values, metric, weight)
        self._order = np.argsort(-values, kind="stable")
        self._weight = weight[self._order]
        self._positive = truth[self._order].astype(float)
        ranked = values[self._order]
        self._last_of_tie = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
        self._levels = ranked[self._last_of_tie]
        self._metric = _METRICS[metric]

    def best(self, times: np.ndarray | None = None) -> float:
        """Threshold of the highest metric, with each row counted so many times."""
        weight = self._weight if times is None else self._weight * times[self._order]
        hits, alarms = weight * self._positive, weight * (1 - self._positive)
        tp, fp = (np.cumsum(part)[self._last_of_tie] for part in (hits, alarms))
        with np.errstate(invalid="ignore", divide="ignore"):
            values = self._metric(tp, fp, tp[-1] - tp, fp[-1] - fp)
        best = int(np.nan_to_num(values).argmax())
        ends = self._levels[best : best + 2]
        # To twelve digits, so that a mean of two decimal numbers is one.
        return round(float(ends.mean()), 12)


def _check(y: np.ndarray, scores: np.ndarray, metric: str, weight: np.ndarray) -> None:
    if metric not in _METRICS:
        raise ValueError(f"metric must be one of {list(_METRICS)}, got {metric!r}.")
    if y.shape != scores.shape or y.ndim != 1:
        raise ValueError(
            f"y and its scores must be of one shape (n,), got {y.shape} and "
            f"{scores.shape}."
        )
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite, but some are NaN or infinite.")
    if weight.shape != y.shape or not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError(
            f"sample_weight must hold {len(y)} finite numbers, none below 0."
        )
    if np.unique(y).tolist() != [0, 1] or len(np.unique(y[weight > 0])) < 2:
        raise ValueError(
            "y must be 1 for the rows of the positive class and 0 for the others, and "
            "both must occur, with a weight above 0."
        )
