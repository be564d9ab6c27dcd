"""Activations by their Keras names, with Keras' constants, in NumPy and TensorFlow.

In NumPy with their slopes, of the inputs ``z`` and the outputs ``a``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from skloss.protocols import Tensor

__all__ = ["ACTIVATIONS", "READ_BY_INPUTS", "SLOPES", "activate"]

Array = np.ndarray


def _gelu(z: Array) -> Array:
    from scipy.special import erf

    return 0.5 * z * (1.0 + erf(z / np.sqrt(2.0, dtype=z.dtype)))


def _sigmoid(z: Array) -> Array:
    from scipy.special import expit

    return expit(z)


def _gelu_slope(z: Array, a: Array) -> Array:
    from scipy.special import ndtr

    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi, dtype=z.dtype)
    return ndtr(z) + z * density


def _silu_slope(z: Array, a: Array) -> Array:
    share = _sigmoid(z)
    return share + a * (1 - share)


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


# The two constants of Klambauer et al. 2017, eq. 14.
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _selu(z: Array) -> Array:
    scale, alpha = map(z.dtype.type, (_SELU_SCALE, _SELU_ALPHA))
    return scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _selu_slope(z: Array, a: Array) -> Array:
    scale, alpha = map(a.dtype.type, (_SELU_SCALE, _SELU_ALPHA))
    return np.where(a > 0, scale, a + scale * alpha)


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


# What the outputs do not tell: these need the inputs, as they were before.
READ_BY_INPUTS = ("gelu", "silu")
SLOPES: dict[str, Callable[[Array, Array], Array]] = {
    "relu": lambda z, a: a > 0,
    "leaky_relu": lambda z, a: np.where(a > 0, a.dtype.type(1), a.dtype.type(0.2)),
    "elu": lambda z, a: np.where(a > 0, a.dtype.type(1), a + 1),
    "selu": _selu_slope,
    "gelu": _gelu_slope,
    "silu": _silu_slope,
    "softplus": lambda z, a: -np.expm1(-a),
    "tanh": lambda z, a: 1 - a * a,
    "sigmoid": lambda z, a: a * (1 - a),
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
