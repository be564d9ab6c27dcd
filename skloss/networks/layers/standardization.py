"""Standardization by statistics of the training rows, which no step changes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    NumpyRun,
    WeightShape,
)

__all__ = ["standardized", "statistics_of", "statistics_shapes", "twin_of"]

# Single precision holds variances, and inverses of them, up to this power of two.
_MOST_POWER = 100
_MOST_UNIT = 126


def statistics_shapes(size: int) -> list[WeightShape]:
    """Arrays of the statistics of so many columns, as Keras orders them."""
    roles: Any = ("moving_unit", "moving_mean", "moving_variance")
    return [WeightShape(role, (size,)) for role in roles]


def statistics_of(mean: Array, variance: Array) -> list[Array]:
    """Return the unit, the mean and the variance of columns, in single precision.

    The unit is 1 where single precision holds the variance. Elsewhere it is a power of
    two, and the variance is that of the values times the unit.

    Parameters
    ----------
    mean, variance : ndarray of float64, shape (n_columns,)
        Moments of the columns; no variance is zero.

    Examples
    --------
    >>> unit, _, variance = statistics_of(np.zeros(2), np.array([4.0, 2.0**200]))
    >>> unit.tolist(), variance.tolist()
    ([1.0, 7.888609052210118e-31], [4.0, 1.0])
    """
    power = np.log2(variance)
    halves = np.clip(np.round(-power / 2), -_MOST_UNIT, _MOST_UNIT)
    unit = np.where(abs(power) <= _MOST_POWER, 1.0, 2.0**halves)
    found = (unit, mean, variance * unit**2)
    return [array.astype(np.float32) for array in found]


def standardized(x: Any, run: NumpyRun | GraphRun, sqrt: Callable[[Any], Any]) -> Any:
    """Take the statistics, and return the values less the mean, by the deviation."""
    unit, mean, variance = run.take(), run.take(), run.take()
    return (x - mean) / (sqrt(variance) / unit)


def twin_of(twin: KerasTwin) -> Any:
    """Build the same in Keras: one that is frozen never changes its statistics."""
    return twin.keras.layers.BatchNormalization(
        center=False, epsilon=0.0, trainable=False
    )
