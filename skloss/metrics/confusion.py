"""Confusion matrices, and the metrics that are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["ConfusionCounts", "binary_mcc", "confusion_matrix"]


def confusion_matrix(
    y: ArrayLike,
    predicted: ArrayLike,
    n_classes: int,
    sample_weight: ArrayLike | None = None,
) -> np.ndarray:
    """Count the rows of each pair of true and predicted class.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        True classes, 0 to ``n_classes - 1``.
    predicted : array-like of int, shape (n,)
        Predicted classes, 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes K.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows. None counts each row once.

    Returns
    -------
    matrix : ndarray of shape (K, K)
        True classes in the rows, predicted classes in the columns; int64 without
        weights, float64 with weights. The sum of the matrices of all batches is the
        matrix of all rows.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], n_classes=2)
    array([[1, 1],
           [0, 2]])
    """
    cell = np.asarray(y, dtype=np.intp) * n_classes + np.asarray(predicted, np.intp)
    counts = np.bincount(cell, weights=sample_weight, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


@dataclass(frozen=True, eq=False)
class ConfusionCounts:
    r"""Metrics of a confusion matrix.

    With two classes, `precision`, `recall`, `f1` and `fpr` are those of the positive
    class. With more classes they are unweighted means over all K classes, each versus
    the rest:

    .. math::
        \text{precision} = \frac{TP}{TP + FP} \quad
        \text{recall} = \frac{TP}{TP + FN} \quad
        F_1 = \frac{2 TP}{2 TP + FP + FN} \quad
        \text{fpr} = \frac{FP}{FP + TN}

    Parameters
    ----------
    matrix : ndarray of shape (K, K)
        Counts or summed weights; true classes in the rows, predicted in the columns.
    positive : int, default=1
        Number of the positive class of two.

    Examples
    --------
    >>> counts = ConfusionCounts(confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], 2))
    >>> counts.recall, counts.fpr, counts.accuracy
    (1.0, 0.5, 0.75)
    >>> round(counts.mcc, 3)
    0.577
    """

    matrix: np.ndarray
    positive: int = 1

    @property
    def accuracy(self) -> float:
        """Share of the rows that are on the diagonal."""
        return _mean_ratio(float(np.trace(self.matrix)), float(self.matrix.sum()))

    @property
    def precision(self) -> float:
        """Share of the rows predicted as a class that belong to it."""
        tp, fp, _, _ = self._one_against_rest
        return _mean_ratio(tp, tp + fp)

    @property
    def recall(self) -> float:
        """Share of the rows of a class that are predicted as this class."""
        tp, _, fn, _ = self._one_against_rest
        return _mean_ratio(tp, tp + fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        tp, fp, fn, _ = self._one_against_rest
        return _mean_ratio(2 * tp, 2 * tp + fp + fn)

    @property
    def fpr(self) -> float:
        """Share of the rows of other classes that are predicted as a class."""
        _, fp, _, negatives = self._one_against_rest
        return _mean_ratio(fp, negatives)

    @property
    def mcc(self) -> float:
        r"""Matthews correlation coefficient in the multiclass form of Gorodkin (2004).

        .. math::
            \frac{c s - \sum_k p_k t_k}
                 {\sqrt{s^2 - \sum_k p_k^2} \sqrt{s^2 - \sum_k t_k^2}}

        with the total s, the trace c, column sums p and row sums t. For two
        classes this is (TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)).
        """
        cells = self._cells()
        truth = [sum(row) for row in cells]
        predicted = [sum(column) for column in zip(*cells, strict=True)]
        spread = _spread(truth), _spread(predicted)
        if not all(spread):
            return 0.0
        return _covariance(cells, truth, predicted) / sqrt(spread[0]) / sqrt(spread[1])

    def _cells(self) -> list[list]:
        """Cells as Python integers, which cannot overflow; weights as shares."""
        if self.matrix.dtype.kind in "iu":
            return self.matrix.tolist()
        # The squares of tiny or huge weights would underflow or overflow.
        total = float(self.matrix.sum())
        return (self.matrix / total if total > 0 else self.matrix).tolist()

    @cached_property
    def _one_against_rest(self) -> tuple[Any, ...]:
        """(tp, fp, fn, negatives) of each class; of two only of the positive one."""
        if len(self.matrix) == 2:  # without NumPy, which takes ten times as long
            (tn, fp), (fn, tp) = self.matrix.astype(float).tolist()
            return (tp, fp, fn, tn + fp) if self.positive else (tn, fn, fp, fn + tp)
        cells = self.matrix.astype(float)
        # Sum the other cells directly. A difference of sums could have a rounding error
        # where the result must be zero.
        others = 1.0 - np.eye(len(cells))
        wrong = cells * others
        return (
            np.diagonal(cells),
            wrong.sum(axis=0),
            wrong.sum(axis=1),
            others @ cells.sum(axis=1),
        )


def _mean_ratio(part: Any, whole: Any) -> float:
    """Mean of the quotients, where 0/0 is 0."""
    if isinstance(part, float):
        return part / whole if whole > 0 else 0.0
    ratio = np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)
    return float(ratio.mean())


def _spread(sums: list) -> float:
    """Compute s^2 less the sum of squares without cancellation, so that 0 is exact."""
    return sum(
        value * sum(sums[:k] + sums[k + 1 :]) for k, value in enumerate(sums) if value
    )


def _covariance(cells: list[list], truth: list, predicted: list) -> float:
    """Compute trace times total, less the sum of products of the margins."""
    if len(cells) == 2:
        (tn, fp), (fn, tp) = cells
        return 2 * (tp * tn - fp * fn)
    trace = sum(row[k] for k, row in enumerate(cells))
    expected = sum(t * p for t, p in zip(truth, predicted, strict=True))
    return trace * sum(truth) - expected


def binary_mcc(
    tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, tn: ArrayLike
) -> np.ndarray:
    """Matthews correlation of two classes, for many confusion matrices at once.

    Parameters
    ----------
    tp, fp, fn, tn : array-like of float
        Cells of the matrices, of shapes that broadcast.

    Returns
    -------
    mcc : ndarray
        NaN where it is 0/0: one class only occurs or is predicted. `ConfusionCounts`
        calls that 0, as scikit-learn does.

    Examples
    --------
    >>> binary_mcc([2, 0], [1, 0], [0, 2], [1, 2])
    array([0.57735027,        nan])
    """
    tp, fp, fn, tn = (np.asarray(cell, dtype=float) for cell in (tp, fp, fn, tn))
    # Roots one by one, as the product of four large sums would overflow.
    margins = np.sqrt(tp + fp) * np.sqrt(tn + fn) * np.sqrt(tp + fn) * np.sqrt(tn + fp)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (tp * tn - fp * fn) / margins
