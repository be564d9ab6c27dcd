"""``SeriesScale`` in Keras, of Keras' own operations, so that any Keras can load it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.networks.layers import MOST_MOMENT
from skloss.preprocessing import ROUNDING

if TYPE_CHECKING:
    import keras

__all__ = ["series_front"]


def series_front(
    shape: tuple[int, ...], center: np.ndarray | None, spread: np.ndarray | None
) -> "keras.Model":
    """Build a model that scales each channel of each series by itself.

    Parameters
    ----------
    shape : tuple of int
        Time steps and channels of a series.
    center, spread : ndarray or None
        What moments are standardized by; None for no moments.

    Returns
    -------
    keras.Model
        Without weights: center and spread are settings of its ``Normalization``.
    """
    import keras
    from keras import ops

    x = series = keras.Input(shape)
    largest = ops.max(ops.absolute(x), axis=1, keepdims=True)
    unit = x / ops.where(largest > 0, largest, 1.0)
    first = ops.mean(unit, axis=1, keepdims=True)
    unit = unit - first
    # A second time, since the first mean was rounded.
    second = ops.mean(unit, axis=1, keepdims=True)
    unit = unit - second
    spreads = ops.sqrt(ops.mean(unit * unit, axis=1, keepdims=True))
    is_constant = spreads <= ROUNDING * float(np.finfo(np.float32).eps)
    values: Any = unit / ops.where(is_constant, float("inf"), spreads)
    if center is not None and spread is not None:
        logs = ops.log(ops.where(is_constant, 0.0, largest * spreads))
        found = ops.concatenate([largest * (first + second), logs], axis=2)
        found = keras.layers.Normalization(
            mean=center.tolist(), variance=np.square(spread, dtype=np.float64).tolist()
        )(found)
        found = ops.clip(found, -MOST_MOMENT, MOST_MOMENT)
        values = ops.concatenate([values, ops.repeat(found, shape[0], axis=1)], axis=2)
    return keras.Model(series, values, name="series_scale")
