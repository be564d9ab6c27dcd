"""Standard errors of metrics that are computed from few rows."""

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
    """Compute a metric of two classes from recall and false positive rate.

    Parameters
    ----------
    metric : {"mcc", "f1", "precision", "recall", "fpr"}
        Metric to compute.
    recall, fpr : array-like of shape (n,)
        Shares of the positive and of the negative rows that are predicted positive.
    counts : sequence of 2 numbers
        Numbers of negative and of positive rows.

    Returns
    -------
    score : ndarray of shape (n,)
        Values of the metric; NaN where it is 0/0.

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
    r"""Estimate the standard error of a metric, due to the choice of the rows.

    Suppose that there are two classes, and that the recall r of P positive rows and the
    false positive rate f of N negative rows are known. Both are binomial. The variance
    of a metric g is then, by the delta method,

    .. math:: \left(\frac{\partial g}{\partial r}\right)^2 \frac{r (1 - r)}{P} +
              \left(\frac{\partial g}{\partial f}\right)^2 \frac{f (1 - f)}{N}

    One hit and one miss are added to each rate, because a recall of 0 in 30 rows does
    not mean that the true recall is 0. In all other cases the error is estimated from
    the n rows of the smallest of K classes: :math:`\sqrt{(1 - v^2) / K n}` for MCC and
    :math:`\sqrt{v (1 - v) / m}` for other metrics, where m is n for two classes and
    :math:`K n` for averages over more classes.

    Parameters
    ----------
    metric : str
        Name of the metric in the history of a record, without ``val_``.
    values : array-like of shape (n_epochs,)
        Values of the metric.
    class_counts : sequence of shape (n_classes,)
        Rows of each class. With two classes, the positive class is the last.
    rates : mapping of str to array-like of shape (n_epochs,), default=None
        ``"recall"`` and ``"fpr"``, if they are known.

    Returns
    -------
    error : ndarray of shape (n_epochs,)
        Standard errors; NaN where the value is NaN.

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
    for label, (rate, n) in enumerate(zip(smooth, counts, strict=True)):
        step = _STEP * np.minimum(rate, 1 - rate)
        above, below = list(smooth), list(smooth)
        above[label], below[label] = rate + step, rate - step
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
        n = float(sum(counts) - max(counts))  # negatives of the largest class
    if n_classes > 2:
        n *= n_classes
    smooth = (values * n + 1) / (n + 2)
    return np.sqrt(np.clip(smooth * (1 - smooth), 0, None) / n)
