"""The temperature that makes probabilities as sure as they are right."""

import numpy as np
from scipy.optimize import minimize_scalar

__all__ = ["best_temperature"]

# Beyond these a few held-out rows would make probabilities of 0 and 1, or all alike.
_TEMPERATURES = (0.1, 10.0)


def best_temperature(
    logits: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray | None = None,
    *,
    spread: float | None = None,
) -> tuple[float, float]:
    """Temperature with the lowest mean cross-entropy on rows that were held out.

    Parameters
    ----------
    logits : ndarray of shape (n, 1) or (n, n_classes)
        Logits of a network that was not trained on the rows, or logarithms of its
        probabilities. A single column is that of class 1, beside 0.
    y : ndarray of shape (n,)
        Class numbers.
    sample_weight : ndarray of shape (n,), optional
        Weights of the rows.
    spread : float, optional
        Standard deviation of the logarithm of the temperature around 0, as far as it is
        known without the rows. Each row then counts against it. If there is none, a few
        rows that are all right make probabilities of nearly 0 and 1.

    Returns
    -------
    temperature : float
        From 0.1 to 10.
    gain : float
        By how much it lowers the mean cross-entropy, in nats.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    >>> logits = np.array([[-2.0], [2.0], [2.0], [2.0], [2.0]])
    >>> temperature, _ = best_temperature(logits, np.array([0, 1, 1, 1, 0]))
    >>> round(temperature, 2)  # 2 / log(4): four of five are right
    1.44
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 1:
        logits = np.column_stack([np.zeros(len(logits)), logits])
    shifted = logits - logits.max(axis=1, keepdims=True)
    of_truth = np.take_along_axis(shifted, np.asarray(y)[:, None], axis=1)[:, 0]

    def loss(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        sums = np.log(np.exp(shifted * scale).sum(axis=1))
        return float(np.average(sums - of_truth * scale, weights=sample_weight))

    def doubted(log_temperature: float) -> float:
        """Return the loss, and how unlikely the temperature is without the rows."""
        unlikely = 0.0 if spread is None else (log_temperature / spread) ** 2 / 2
        return loss(log_temperature) + unlikely / len(y)

    bounds = tuple(np.log(_TEMPERATURES))
    found = minimize_scalar(doubted, bounds=bounds, options={"xatol": 1e-6})
    return float(np.exp(found.x)), max(loss(0.0) - loss(float(found.x)), 0.0)
