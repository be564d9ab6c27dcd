"""Class priors, and the losses of classes and of all rows at a prior."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["class_prior", "entropy", "loss_at_prior", "per_class_loss"]


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
