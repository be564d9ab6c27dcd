"""Turn the outputs of a network into probabilities, in NumPy: the one place for it."""

import numpy as np

__all__ = ["output_probabilities", "probabilities"]


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Probabilities ``(n, n_classes)`` in float64, rows summing to one.

    >>> probabilities(np.array([[0.0]]))
    array([[0.5, 0.5]])
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 1:
        from scipy.special import expit

        chances = np.empty((len(logits), 2))
        expit(-logits[:, 0], out=chances[:, 0])
        expit(logits[:, 0], out=chances[:, 1])
        return chances
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def output_probabilities(outputs: np.ndarray, *, from_logits: bool) -> np.ndarray:
    """Probabilities ``(n, n_classes)`` in float64, rows summing to one.

    One unit is that of the second class. Outputs of a loss that knows no probabilities
    are cut at zero (one unit: at one too) and shared out; the largest stays the
    largest.

    >>> output_probabilities(np.array([[0.25], [1.5]]), from_logits=False)
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    >>> output_probabilities(np.array([[1.0, 3.0, 0.0]]), from_logits=False)
    array([[0.25, 0.75, 0.  ]])
    """
    outputs = np.asarray(outputs, np.float64)
    if from_logits:
        return probabilities(outputs)
    if outputs.shape[1] == 1:
        positive = np.clip(outputs, 0.0, 1.0)
        return np.hstack([1.0 - positive, positive])
    shares = np.maximum(outputs, 0.0)
    total = shares.sum(axis=1, keepdims=True)
    even = np.full_like(shares, 1.0 / shares.shape[1])
    return np.divide(shares, total, out=even, where=total != 0)
