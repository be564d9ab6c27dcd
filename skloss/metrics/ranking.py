"""Metrics of the order of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["average_precision", "rank_auc"]


def rank_auc(is_positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Probability that a positive row scores above another one; ties count half.

    Parameters
    ----------
    is_positive : ndarray of bool, shape (n,)
        The positive rows.
    scores : ndarray of float, shape (n,)
        Higher means more positive.

    Returns
    -------
    area : float or None
        The area under the ROC curve; None if one kind of row is missing.

    Examples
    --------
    >>> rank_auc(np.array([False, True, True]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    n_true, n_other = int(is_positive.sum()), int((~is_positive).sum())
    if not n_true or not n_other:
        return None
    _, code, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    wins = float(ranks[code][is_positive].sum()) - n_true * (n_true + 1) / 2
    return wins / (n_true * n_other)


def average_precision(
    y: ArrayLike, scores: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    r"""Compute the average precision of two classes.

    .. math:: AP = \sum_n (R_n - R_{n-1}) P_n

    where n runs over the distinct scores from the highest to the lowest, as in
    :func:`sklearn.metrics.average_precision_score`.

    Parameters
    ----------
    y : array-like of int or bool, shape (n,)
        1 for the positive class, 0 for the negative class.
    scores : array-like of float, shape (n,)
        Scores that are higher for the positive class.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    ap : float
        Value between 0 and 1. It is 0.0 without positive rows, and NaN if a score is
        NaN.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 3)
    0.833
    >>> average_precision([0, 0], [0.1, 0.4])
    0.0
    """
    scores = np.asarray(scores)
    if not scores.size:
        return 0.0
    order = np.argsort(scores)[::-1]
    ranked = scores[order]
    if np.isnan(ranked[0]):
        return float("nan")
    is_last = np.ones(len(ranked), bool)
    np.not_equal(ranked[1:], ranked[:-1], out=is_last[:-1])
    last_of_tie = is_last.nonzero()[0]
    positive = np.asarray(y)[order].astype(float)
    if sample_weight is None:
        true = np.cumsum(positive)[last_of_tie]
        predicted = last_of_tie + 1.0
    else:
        weight = np.asarray(sample_weight, dtype=float)[order]
        true = np.cumsum(positive * weight)[last_of_tie]
        predicted = true + np.cumsum((1 - positive) * weight)[last_of_tie]
    if true[-1] <= 0:
        return 0.0
    # Both sums are zero before the first row with a weight, and the gain is zero too.
    predicted[predicted == 0] = 1.0
    gain = true.copy()
    gain[1:] -= true[:-1]
    return float(gain @ (true / predicted) / true[-1])
