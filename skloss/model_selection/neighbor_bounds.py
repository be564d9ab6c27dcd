"""Bounds of the lowest error by nearest neighbours, after Cover and Hart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

__all__ = ["Bounds", "cover_hart", "neighbor_bounds", "share_interval"]


@dataclass(frozen=True)
class Bounds:
    """The lowest error lies between ``low`` and ``high``, as far as rows can tell.

    ``low_interval`` and ``high_interval`` are the intervals of the two bounds, by the
    number of rows.
    """

    low: float
    high: float
    low_interval: tuple[float, float]
    high_interval: tuple[float, float]


def cover_hart(error: float, n_classes: int) -> float:
    r"""Lower bound of the lowest error, by the error of the nearest neighbour.

    With :math:`M` classes, and rows without end,
    :math:`R^* \le R \le R^* (2 - \frac{M}{M-1} R^*)`, so that

    .. math:: R^* \ge \frac{M-1}{M} \left(1 - \sqrt{1 - \frac{M}{M-1} R}\right)

    Parameters
    ----------
    error : float
        Error of the nearest neighbour, :math:`R`.
    n_classes : int
        Number of classes, :math:`M`.

    Returns
    -------
    float

    References
    ----------
    T. Cover and P. Hart, Nearest neighbor pattern classification, IEEE Transactions on
    Information Theory 13, 1967.

    Examples
    --------
    >>> round(cover_hart(0.32, 2), 6), cover_hart(0.0, 5)
    (0.2, 0.0)
    """
    most = (n_classes - 1) / n_classes
    return float(most * (1 - np.sqrt(max(0.0, 1 - error / most))))


def neighbor_bounds(X: np.ndarray, y: np.ndarray, confidence: float = 0.95) -> Bounds:
    """Bounds by the nearest other row of each row, in columns of equal spread.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Rows.
    y : ndarray of shape (n,)
        Labels.
    confidence : float, default=0.95
        Probability of the intervals.

    Returns
    -------
    Bounds

    Examples
    --------
    >>> X, y = np.array([[0.0], [0.1], [5.0], [5.1]]), np.array([0, 0, 1, 1])
    >>> neighbor_bounds(X, y).high
    0.0
    """
    from sklearn.neighbors import NearestNeighbors

    spread = X.std(axis=0)
    scaled = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    nearest = NearestNeighbors(n_neighbors=1).fit(scaled).kneighbors()[1][:, 0]
    wrong, n_classes = y[nearest] != y, len(np.unique(y))
    error, ends = float(wrong.mean()), share_interval(wrong, confidence)
    low, high = (cover_hart(end, n_classes) for end in ends)
    return Bounds(cover_hart(error, n_classes), error, (low, high), ends)


def share_interval(wrong: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share.

    Examples
    --------
    >>> low, high = share_interval(np.zeros(10, bool))
    >>> low, round(high, 3)
    (0.0, 0.308)
    """
    n, k, tail = len(wrong), int(wrong.sum()), (1 - confidence) / 2
    low = 0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(1 - tail, k + 1, n - k))
    return low, high
