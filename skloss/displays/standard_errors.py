"""Standard errors of metrics that were counted on few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from skloss.metrics import binary_mcc

__all__ = ["RATE_METRICS", "score_of_rates", "standard_error"]

_STEP = 1e-4


def score_of_rates(
    metric: str, recall: ArrayLike, fpr: ArrayLike, counts: Sequence[float]
) -> np.ndarray:
    """Metric of two classes as a function of its two rates.

    Parameters
    ----------
    metric : {"mcc", "f1", "precision", "recall", "fpr"}
        Which.
    recall, fpr : array-like of shape (n,)
        Shares of the positive and of the negative rows that are called positive.
    counts : sequence of 2 numbers
        Negative and positive rows.

    Returns
    -------
    score : ndarray of shape (n,)
        NaN where it is 0/0.

    Examples
    --------
    >>> score_of_rates("precision", [0.5], [0.1], counts=[100, 20])
    array([0.5])
    """
    negatives, positives = counts
    tp, fp = np.asarray(recall) * positives, np.asarray(fpr) * negatives
    with np.errstate(invalid="ignore"):
        return _RATES[metric](tp, fp, positives - tp, negatives - fp)


_RATES = {
    "mcc": binary_mcc,
    "f1": lambda tp, fp, fn, tn: 2 * tp / (2 * tp + fp + fn),
    "precision": lambda tp, fp, fn, tn: tp / (tp + fp),
    "recall": lambda tp, fp, fn, tn: tp / (tp + fn),
    "fpr": lambda tp, fp, fn, tn: fp / (fp + tn),
}
RATE_METRICS = tuple(_RATES)


def standard_error(
    metric: str,
    values: ArrayLike,
    class_counts: Sequence[float],
    rates: Mapping[str, ArrayLike] | None = None,
) -> np.ndarray:
    r"""Estimate how far chance moves a metric, from the rows it was counted on.

    With two classes and known rates r (recall, of P rows) and f (false positives, of N
    rows), both binomial, by the delta method:

    .. math:: \left(\frac{\partial g}{\partial r}\right)^2 \frac{r (1 - r)}{P} +
              \left(\frac{\partial g}{\partial f}\right)^2 \frac{f (1 - f)}{N}

    at rates with one more hit and one more miss, as none of 30 found does not mean that
    none ever will be. Else, from the n rows of the smallest of K classes alone,
    :math:`\sqrt{(1 - v^2) / K n}` for MCC and :math:`\sqrt{v (1 - v) / m}` for shares,
    where m is n with two classes and :math:`K n` for means over more.

    Parameters
    ----------
    metric : str
        Name in a record's history, without ``val_``.
    values : array-like of shape (n_epochs,)
        Its values.
    class_counts : sequence of shape (n_classes,)
        Rows of each class; with two, those of the positive class last.
    rates : mapping of str to array-like of shape (n_epochs,), default=None
        ``"recall"`` and ``"fpr"``, where they are known.

    Returns
    -------
    error : ndarray of shape (n_epochs,)
        NaN where the value is.

    Examples
    --------
    >>> rates = {"recall": [0.5, 0.0], "fpr": [0.1, 0.0]}
    >>> standard_error("recall", rates["recall"], [900, 100], rates).round(2)
    array([0.05, 0.01])
    >>> standard_error("mcc", [0.0], [900, 50])
    array([0.1])
    """
    values = np.asarray(values, dtype=float)
    is_binary = metric in _RATES and len(class_counts) == 2
    if is_binary and rates is not None and {"recall", "fpr"} <= set(rates):
        error = _by_rates(metric, rates, class_counts)
    else:
        error = _by_minority(metric, values, class_counts)
    return np.where(np.isfinite(values), error, np.nan)


def _by_rates(
    metric: str, rates: Mapping[str, ArrayLike], counts: Sequence[float]
) -> np.ndarray:
    smooth = [
        (np.asarray(rates[name], dtype=float) * n + 1) / (n + 2)
        for name, n in zip(("fpr", "recall"), counts, strict=True)
    ]
    variance = np.zeros(len(smooth[0]))
    for side, (rate, n) in enumerate(zip(smooth, counts, strict=True)):
        step = _STEP * np.minimum(rate, 1 - rate)
        above, below = list(smooth), list(smooth)
        above[side], below[side] = rate + step, rate - step
        scores = [score_of_rates(metric, r, f, counts) for f, r in (above, below)]
        slope = (scores[0] - scores[1]) / (2 * step)
        variance = variance + slope**2 * rate * (1 - rate) / n
    return np.sqrt(variance)


def _by_minority(
    metric: str, values: np.ndarray, counts: Sequence[float]
) -> np.ndarray:
    n_classes, n = len(counts), float(min(counts))
    if metric == "mcc":
        return np.sqrt(np.clip(1 - values**2, 0, None) / (n_classes * n))
    if metric == "fpr":
        n = float(sum(counts) - max(counts))  # the fewest rows of the others
    if n_classes > 2:
        n *= n_classes
    smooth = (values * n + 1) / (n + 2)
    return np.sqrt(np.clip(smooth * (1 - smooth), 0, None) / n)
