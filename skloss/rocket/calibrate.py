"""One scale that turns outputs into logits, by the likelihood of left-out rows."""

import numpy as np
from scipy.optimize import minimize_scalar

__all__ = ["fitted_scale"]

# Beyond these scales a probability is even, or zero and one, to the last digit.
_SCALES = (1e-3, 1e3)


def fitted_scale(
    logits: np.ndarray, codes: np.ndarray, weight: np.ndarray
) -> tuple[float, float]:
    """Scale of the logits with the least cross-entropy, and that cross-entropy.

    Parameters
    ----------
    logits : ndarray of shape (n, n_classes)
        Outputs of rows that the model has not seen.
    codes : ndarray of int, shape (n,)
        Class of each row.
    weight : ndarray of shape (n,)
        Weights of the rows.

    Returns
    -------
    scale : float
        From 0.001 to 1,000.
    loss : float
        Weighted mean cross-entropy in nats at that scale.

    Examples
    --------
    Of ten rows with these logits nine are right, as ``expit(2.2)`` says.

    >>> logits = np.tile([-0.5, 0.5], (10, 1))
    >>> scale, loss = fitted_scale(logits, np.arange(10) > 0, np.ones(10))
    >>> round(scale, 2), round(loss, 3)
    (2.2, 0.325)
    """
    largest = logits.max(axis=1, keepdims=True)
    below = logits - largest  # so that no exponential overflows
    missed = largest[:, 0] - logits[np.arange(len(codes)), np.asarray(codes, int)]
    share = weight / weight.sum()

    def loss(exponent: float) -> float:
        scale = np.exp(exponent)
        return float(
            share @ (np.log(np.exp(scale * below).sum(axis=1)) + scale * missed)
        )

    # The loss is convex in the scale, so that one valley in its logarithm is all.
    found = minimize_scalar(loss, bounds=np.log(_SCALES), method="bounded")
    return float(np.exp(found.x)), float(found.fun)
