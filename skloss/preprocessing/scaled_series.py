"""Series, each scaled by itself, and the mean and the scale that this takes away."""

from typing import NamedTuple

import numpy as np

__all__ = ["ROUNDING", "ScaledSeries", "scaled_series"]

# Rounding moves a constant series by so many units in the last place of its largest
# value. What moves less is constant.
ROUNDING = 16


class ScaledSeries(NamedTuple):
    """Scaled series, and mean and standard deviation of each as it was.

    The standard deviation is zero where a series is constant but for rounding.
    """

    values: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


def scaled_series(
    series: np.ndarray, axis: int, dtype: type[np.floating] | None = None
) -> ScaledSeries:
    """Scale along an axis; sums are in float64, and cannot overflow.

    Parameters
    ----------
    series : ndarray of float32 or float64
        Series.
    axis : int
        Axis of the time steps.
    dtype : float type, optional
        Type in which the numbers came, if it is not theirs any more.

    Returns
    -------
    ScaledSeries
        Mean and standard deviation have the length one along the axis.

    Examples
    --------
    >>> scaled_series(np.array([[1.0, 3.0, 3.0, 1.0]]), axis=1)
    ScaledSeries(values=array([[-1.,  1.,  1., -1.]]), mean=array([[2.]]),
                 spread=array([[1.]]))
    """
    precise = np.float64
    largest = np.abs(series).max(axis=axis, keepdims=True)
    unit = series / np.where(largest > 0, largest, 1)
    first = unit.mean(axis=axis, keepdims=True, dtype=precise).astype(series.dtype)
    unit -= first
    # A second time, since the first mean was rounded to the type of the series.
    second = unit.mean(axis=axis, keepdims=True, dtype=precise).astype(series.dtype)
    unit -= second
    spread = unit.std(axis=axis, keepdims=True, dtype=precise)
    is_constant = spread <= ROUNDING * np.finfo(dtype or series.dtype).eps
    scale = np.where(is_constant, np.inf, spread).astype(series.dtype)
    spread = np.where(is_constant, 0, spread).astype(series.dtype)
    return ScaledSeries(unit / scale, largest * (first + second), largest * spread)
