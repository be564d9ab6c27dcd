"""Series, each scaled by itself, and the mean and the scale that this takes away."""

from typing import Any, NamedTuple

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
        Series. NaN stays NaN, and counts in no sum; without any value it is as zeros.
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
    missing = np.isnan(series)
    along: dict[str, Any] = {"axis": axis, "keepdims": True}
    if missing.any():
        is_empty = missing.all(**along)
        along["where"] = is_empty | ~missing
        series = np.where(is_empty, series.dtype.type(0), series)
    largest = np.abs(series).max(**along, initial=0)
    unit = series / np.where(largest > 0, largest, 1)
    first = unit.mean(**along, dtype=precise).astype(series.dtype)
    unit -= first
    # A second time, since the first mean was rounded to the type of the series.
    second = unit.mean(**along, dtype=precise).astype(series.dtype)
    unit -= second
    spread = unit.std(**along, dtype=precise)
    is_constant = spread <= ROUNDING * np.finfo(dtype or series.dtype).eps
    scale = np.where(is_constant, np.inf, spread).astype(series.dtype)
    spread = np.where(is_constant, 0, spread).astype(series.dtype)
    values = unit / scale
    if "where" in along:
        values[missing] = np.nan
    return ScaledSeries(values, largest * (first + second), largest * spread)
