"""Activations by their Keras names, with Keras' constants, in NumPy and TensorFlow."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skloss.protocols import Tensor

__all__ = ["ACTIVATIONS", "activate"]

Array = np.ndarray


def _gelu(z: Array) -> Array:
    from scipy.special import erf

    return 0.5 * z * (1.0 + erf(z / np.sqrt(2.0, dtype=z.dtype)))


def _sigmoid(z: Array) -> Array:
    from scipy.special import expit

    return expit(z)


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _selu(z: Array) -> Array:
    # The two constants of Klambauer et al. 2017, eq. 14.
    return z.dtype.type(1.0507009873554805) * np.where(
        z > 0, z, z.dtype.type(1.6732632423543772) * np.expm1(np.minimum(z, 0))
    )


# Each may overwrite what it is given.
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0, out=z),
    "leaky_relu": lambda z: np.where(z > 0, z, z.dtype.type(0.2) * z),
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": lambda z: z * _sigmoid(z),
    "softplus": lambda z: np.logaddexp(z, z.dtype.type(0)),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
}


def activate(tf: Any, name: str, x: Tensor) -> Tensor:
    """Apply an activation in TensorFlow, whose module the caller has imported."""
    if name == "linear":
        return x
    if name == "leaky_relu":
        return tf.nn.leaky_relu(x, alpha=0.2)
    if name == "gelu":
        return tf.nn.gelu(x, approximate=False)
    return getattr(tf.nn, name)(x)
