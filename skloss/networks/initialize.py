"""First weights of a network, from a seed of its own."""

import numpy as np

from skloss.networks.layers import WeightShape
from skloss.networks.spec import NetworkSpec

__all__ = ["initial_weights"]


def initial_weights(
    spec: NetworkSpec,
    rng: np.random.Generator,
    output_bias: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Glorot-uniform kernels, as Keras draws them; ones and zeros for the rest.

    A kernel is uniform in ``±sqrt(6 / (fan_in + fan_out))`` [1]_; that from state to
    state of a recurrent layer is orthogonal. What stands for a category is uniform in
    ``±1 / sqrt(width)`` [2]_; for other codes and for NaN there are zeros.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    rng : numpy.random.Generator
        Source of the numbers; nothing global is read or changed.
    output_bias : ndarray of shape (n_outputs,), optional
        Bias of the logits; zeros by default. The log odds of the classes make the
        untrained network the constant guess rather than worse than it.

    Returns
    -------
    list of ndarray
        Float32 arrays in the order of ``spec.weight_shapes()``.

    References
    ----------
    .. [1] Glorot and Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010.
    .. [2] Gorishniy et al., "Revisiting deep learning models for tabular data", NeurIPS
       2021; the authors' code.

    Examples
    --------
    >>> from skloss.networks import dense
    >>> weights = initial_weights(dense(9, n_outputs=1, width=(18,)),
    ...                           np.random.default_rng(0))
    >>> [w.shape for w in weights]
    [(9, 18), (18,), (18, 1), (1,)]
    """
    weights = [_initial(weight, rng) for weight in spec.weight_shapes()]
    if output_bias is not None:
        weights[-1] = np.asarray(output_bias, dtype=np.float32)
    return weights


def _initial(weight: WeightShape, rng: np.random.Generator) -> np.ndarray:
    if weight.role == "kernel":
        receptive_field = int(np.prod(weight.shape[:-2]))
        fans = receptive_field * (weight.shape[-2] + weight.shape[-1])
        limit = np.sqrt(6.0 / fans)
        return rng.uniform(-limit, limit, weight.shape).astype(np.float32)
    if weight.role == "recurrent_kernel":
        return _orthogonal(weight.shape, rng)
    if weight.role == "embedding":
        limit = 1 / np.sqrt(weight.shape[1])
        table = rng.uniform(-limit, limit, weight.shape).astype(np.float32)
        table[-2:] = 0
        return table
    if weight.role in ("gamma", "moving_unit", "moving_variance", "spread"):
        return np.ones(weight.shape, np.float32)
    zeros = np.zeros(weight.shape, np.float32)
    if weight.ones is not None:
        zeros[..., slice(*weight.ones)] = 1
    return zeros


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Rows or columns of length one and at right angles, of random directions."""
    q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
    q *= np.sign(np.diag(r))
    return (q if q.shape == shape else q.T).astype(np.float32)
