"""Exact metrics of one epoch, computed over all rows with NumPy.

No metric is a mean over batches. A quotient 0/0 is 0.0, like ``zero_division=0`` in
scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "ConfusionCounts",
    "average_precision",
    "binary_mcc",
    "class_prior",
    "confusion_matrix",
    "entropy",
    "epoch_metrics",
    "loss_at_prior",
    "per_class_loss",
    "rank_auc",
]

_NO_PRIORS: Mapping[str, ArrayLike] = MappingProxyType({})


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
        return _mean_ratio(np.trace(self.matrix), self.matrix.sum())

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
    def _one_against_rest(self) -> tuple[np.ndarray, ...]:
        """(tp, fp, fn, negatives) of each class; of two only of the positive one."""
        cells = self.matrix.astype(float)
        # Sum the other cells directly. A difference of sums could have a rounding error
        # where the result must be zero.
        others = 1.0 - np.eye(len(cells))
        wrong = cells * others
        sums = (
            np.diagonal(cells),
            wrong.sum(axis=0),
            wrong.sum(axis=1),
            others @ cells.sum(axis=1),
        )
        if len(cells) != 2:
            return sums
        return tuple(part[[self.positive]] for part in sums)


def _mean_ratio(part: np.ndarray, whole: np.ndarray) -> float:
    """Mean of the quotients, where 0/0 is 0."""
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
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
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
    gain = np.diff(true, prepend=0.0)
    return float(gain @ (true / predicted) / true[-1])


def class_prior(
    y: ArrayLike, n_classes: int, sample_weight: ArrayLike | None = None
) -> np.ndarray:
    """Compute the share of each class in the rows or in their weights.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        Classes, 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes K.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    prior : ndarray of shape (K,)
        Shares that sum to 1; all NaN if there are no rows or all weights are 0.

    Examples
    --------
    >>> class_prior([0, 0, 0, 1], n_classes=2)
    array([0.75, 0.25])
    """
    counts = np.bincount(np.asarray(y, np.intp), sample_weight, minlength=n_classes)
    total = counts.sum()
    return counts / total if total > 0 else np.full(n_classes, np.nan)


def entropy(prior: ArrayLike) -> float:
    r"""Compute the cross-entropy of the best constant guess, in nats.

    .. math:: H(\pi) = -\sum_c \pi_c \log \pi_c

    On rows with this prior, the loss of a network that has learned something is lower.

    Parameters
    ----------
    prior : array-like of float, shape (K,)
        Shares of the classes, which sum to 1.

    Returns
    -------
    loss : float
        Entropy: 0.0 for a single class, log K for K equal shares.

    Examples
    --------
    >>> round(entropy([0.5, 0.5]), 4), round(entropy([0.95, 0.05]), 4)
    (0.6931, 0.1985)
    """
    shares = np.asarray(prior, dtype=float)
    shares = shares[shares != 0]
    return float(-(shares @ np.log(shares))) + 0.0


def per_class_loss(
    row_loss: ArrayLike,
    y: ArrayLike,
    n_classes: int,
    sample_weight: ArrayLike | None = None,
) -> np.ndarray:
    """Compute the mean loss of the rows of each class.

    Parameters
    ----------
    row_loss : array-like of float, shape (n,)
        Loss of each row.
    y : array-like of int, shape (n,)
        Classes, 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes K.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    per_class : ndarray of shape (K,)
        Mean losses; NaN for a class without rows or weight.

    Examples
    --------
    >>> per_class_loss([0.2, 0.4, 3.0], [0, 0, 1], n_classes=3)
    array([0.3, 3. , nan])
    """
    y = np.asarray(y, dtype=np.intp)
    losses = np.asarray(row_loss, dtype=float)
    if sample_weight is not None:
        losses = _weighted(losses, np.asarray(sample_weight, dtype=float))
    sums = np.bincount(y, losses, minlength=n_classes)
    counts = np.bincount(y, sample_weight, minlength=n_classes)
    means = np.full(n_classes, np.nan)
    return np.divide(sums, counts, out=means, where=counts > 0)


def _weighted(losses: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Multiply losses by weights; a row of weight 0 gives 0, even if it is infinite."""
    return np.multiply(losses, weight, out=np.zeros(len(losses)), where=weight > 0)


def loss_at_prior(per_class: ArrayLike, prior: ArrayLike) -> float:
    r"""Compute the loss of rows with another class prior.

    .. math:: L(\pi) = \sum_{c: \pi_c > 0} \pi_c L_c

    Two loss curves can be compared only at the same prior. A sampler changes the prior,
    but not the mean losses :math:`L_c` of the classes.

    Parameters
    ----------
    per_class : array-like of float, shape (K,)
        Mean loss of each class, from `per_class_loss`.
    prior : array-like of float, shape (K,)
        Shares of the classes.

    Returns
    -------
    loss : float
        Loss at the prior; NaN if the loss of a class with a positive share is NaN.

    Examples
    --------
    >>> round(loss_at_prior([0.1, 2.0], [0.95, 0.05]), 3)
    0.195
    >>> round(loss_at_prior([0.1, 2.0], [0.5, 0.5]), 3)
    1.05
    """
    shares = np.asarray(prior, dtype=float)
    # Without rows the prior is NaN, and so is the loss.
    used = shares != 0
    return float(np.asarray(per_class, dtype=float)[used] @ shares[used])


def epoch_metrics(
    y: ArrayLike,
    probabilities: ArrayLike,
    row_loss: ArrayLike,
    n_classes: int,
    *,
    positive: int = 1,
    priors: Mapping[str, ArrayLike] = _NO_PRIORS,
    sample_weight: ArrayLike | None = None,
) -> dict[str, float]:
    """Compute all metrics of a set of rows at the end of an epoch.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        True classes, 0 to ``n_classes - 1``.
    probabilities : array-like of float, shape (n, K)
        Predicted probabilities. The class with the highest one is the predicted class;
        of equal ones it is the first.
    row_loss : array-like of float, shape (n,)
        Loss of each row.
    n_classes : int
        Number of classes K.
    positive : int, default=1
        Number of the positive class of two.
    priors : mapping of str to array-like of shape (K,), default={}
        Priors; the loss at each is returned as ``loss_at_<name>_prior``.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows in all metrics.

    Returns
    -------
    metrics : dict of str to float
        ``loss``, ``loss_at_<name>_prior``, ``accuracy``, ``mcc``, ``f1``,
        ``precision``, ``recall``, ``fpr``, ``average_precision`` (of the positive
        class, or the mean over all K classes, each versus the rest),
        ``loss_class_<c>`` and, for two classes, ``tp``, ``fp``, ``fn``, ``tn``.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]
    >>> metrics = epoch_metrics(
    ...     [0, 0, 1], p, [0.1, 0.9, 0.2], 2, priors={"train": [0.5, 0.5]}
    ... )
    >>> metrics["loss_at_train_prior"], metrics["precision"], metrics["fp"]
    (0.35, 0.5, 1.0)
    """
    y = np.asarray(y, dtype=np.intp)
    probabilities = np.asarray(probabilities)
    matrix = confusion_matrix(y, probabilities.argmax(axis=1), n_classes, sample_weight)
    counts = ConfusionCounts(matrix, positive)
    per_class = per_class_loss(row_loss, y, n_classes, sample_weight)
    metrics = {
        "loss": loss_at_prior(per_class, class_prior(y, n_classes, sample_weight))
    }
    for name, prior in priors.items():
        metrics[f"loss_at_{name}_prior"] = loss_at_prior(per_class, prior)
    for name in ("accuracy", "mcc", "f1", "precision", "recall", "fpr"):
        metrics[name] = getattr(counts, name)
    positives = (positive,) if n_classes == 2 else range(n_classes)
    metrics["average_precision"] = sum(
        average_precision(y == c, probabilities[:, c], sample_weight) for c in positives
    ) / len(positives)
    metrics |= {f"loss_class_{c}": float(loss) for c, loss in enumerate(per_class)}
    if n_classes == 2:
        order = [1 - positive, positive]
        (tn, fp), (fn, tp) = matrix[np.ix_(order, order)].astype(float).tolist()
        metrics |= {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    return metrics
