"""Probabilities at another class prior."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["correct_prior", "log_shift"]


def log_shift(prior: ArrayLike, target: ArrayLike) -> np.ndarray:
    r"""Compute what logits gain where the prior changes, with a mean of 0.

    .. math:: s_c = \log \pi'_c - \log \pi_c + const

    Parameters
    ----------
    prior, target : array-like of float, shape (K,)
        Shares of the classes before and after, all above 0.

    Returns
    -------
    shift : ndarray of shape (K,)
        What is added to the logit of each class.

    Examples
    --------
    >>> log_shift([0.5, 0.5], [0.5, 0.5])
    array([0., 0.])
    """
    shift = np.log(np.asarray(target, float)) - np.log(np.asarray(prior, float))
    centered: np.ndarray = shift - shift.mean()
    return centered


def correct_prior(
    probabilities: ArrayLike, prior: ArrayLike, target: ArrayLike
) -> np.ndarray:
    r"""Compute the probabilities that a classifier would give at another prior.

    .. math:: p'_c = \frac{p_c\, \pi'_c / \pi_c}{\sum_k p_k\, \pi'_k / \pi_k}

    It is Bayes' rule, and holds where the rows of each class stay the same and only
    their shares change, as under a sampler or class weights [1]_ [2]_ [3]_. The same
    function with ``prior`` and ``target`` exchanged is its inverse.

    Parameters
    ----------
    probabilities : array-like of float, shape (n, K)
        Probabilities of a classifier that was trained at ``prior``.
    prior, target : array-like of float, shape (K,)
        Shares of the classes in training and where it is used, all above 0.

    Returns
    -------
    corrected : ndarray of shape (n, K)
        Rows sum to one.

    Raises
    ------
    ValueError
        If a share is not above 0, or the shapes do not fit.

    References
    ----------
    .. [1] Elkan, "The foundations of cost-sensitive learning", IJCAI 2001.
    .. [2] King and Zeng, "Logistic regression in rare events data", Political Analysis
       2001.
    .. [3] Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to
       new a priori probabilities", Neural Computation 2002.

    Examples
    --------
    >>> correct_prior([[0.5, 0.5]], [0.5, 0.5], [0.9, 0.1])
    array([[0.9, 0.1]])
    """
    p = np.asarray(probabilities, dtype=float)
    shares = np.asarray(prior, dtype=float), np.asarray(target, dtype=float)
    if p.ndim != 2 or any(each.shape != p.shape[1:] for each in shares):
        raise ValueError(
            "probabilities must be (n, K), and prior and target (K,); got shapes "
            f"{p.shape}, {shares[0].shape} and {shares[1].shape}."
        )
    for name, each in zip(("prior", "target"), shares, strict=True):
        if not (np.isfinite(each).all() and (each > 0).all()):
            raise ValueError(
                f"{name} must hold shares above 0, got {each.tolist()}: leave out the "
                "classes that never occur."
            )
    with np.errstate(divide="ignore"):
        logs = np.log(p) + log_shift(*shares)
    odds = np.exp(logs - logs.max(axis=1, keepdims=True))
    corrected: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return corrected
