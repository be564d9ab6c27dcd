"""Series, each scaled by itself within the network."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
    WeightShape,
)
from skloss.networks.layers.standardization import (
    standardized,
    statistics_shapes,
    twin_of,
)
from skloss.preprocessing import ROUNDING, scaled_series
from skloss.protocols import Tensor

__all__ = ["MOST_MOMENT", "SeriesScale", "series_moments"]

# Rows come in single precision, whatever the precision of a computation is.
_LEAST = ROUNDING * float(np.finfo(np.float32).eps)
# Standard deviations: how far the moments of a series go from those of training rows.
MOST_MOMENT = 3.0


@dataclass(frozen=True)
class SeriesScale(Layer):
    """Each channel of each series by itself, to mean 0 and standard deviation 1.

    With moments, the mean and the logarithm of the standard deviation of each channel
    follow as channels that are the same at all time steps, standardized by mean and
    variance of them over the training rows and cut at three standard deviations. With
    ``gaps`` there may be NaN: it stays, and counts in no mean.
    """

    kind: ClassVar[Any] = "normalization"

    moments: bool = False
    gaps: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[0], shape[1] * (3 if self.moments else 1))

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        return statistics_shapes(2 * shape[1]) if self.moments else []

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        values = scaled_series(x, 1, np.float32).values
        if not self.moments:
            return values
        moments = standardized(series_moments(x), run, np.sqrt)
        shape = (*x.shape[:2], moments.shape[2])
        cut = np.broadcast_to(np.clip(moments, -MOST_MOMENT, MOST_MOMENT), shape)
        return np.concatenate([values, cut], axis=2, dtype=x.dtype)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf

        if self.gaps:
            missing = tf.math.is_nan(x)
            x = tf.where(missing, tf.zeros_like(x), x)
            is_there = tf.cast(~missing, x.dtype)
            count = tf.reduce_sum(is_there, axis=1, keepdims=True)
            share = is_there * (x.shape[1] / tf.maximum(count, 1))

        def mean(values: Tensor) -> Tensor:
            values = values * share if self.gaps else values
            return tf.reduce_mean(values, axis=1, keepdims=True)

        largest = tf.reduce_max(tf.abs(x), axis=1, keepdims=True)
        unit = x / tf.where(largest > 0, largest, 1.0)
        first = mean(unit)
        unit -= first
        second = mean(unit)  # since the first one was rounded
        unit -= second
        spread = tf.sqrt(mean(unit * unit))
        is_constant = spread <= _LEAST
        values = unit / tf.where(is_constant, np.inf, spread)
        if self.gaps:
            values = tf.where(missing, np.nan, values)
        if not self.moments:
            return values
        logs = tf.math.log(tf.where(is_constant, 0.0, largest * spread))
        found = tf.concat([largest * (first + second), logs], axis=2)
        found = standardized(found, run, tf.sqrt)
        cut = tf.clip_by_value(found, -MOST_MOMENT, MOST_MOMENT)
        return tf.concat([values, tf.repeat(cut, x.shape[1], axis=1)], axis=2)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own operations, which any Keras can load."""
        keras, ops = twin.keras, twin.keras.ops
        given = x = keras.Input(shape)
        if self.gaps:
            missing = ops.isnan(x)
            x = ops.where(missing, 0.0, x)
            is_there = ops.cast(ops.logical_not(missing), "float32")
            count = ops.sum(is_there, axis=1, keepdims=True)
            share = is_there * (shape[0] / ops.maximum(count, 1.0))

        def mean(values: Any) -> Any:
            values = values * share if self.gaps else values
            return ops.mean(values, axis=1, keepdims=True)

        largest = ops.max(ops.absolute(x), axis=1, keepdims=True)
        unit = x / ops.where(largest > 0, largest, 1.0)
        first = mean(unit)
        unit = unit - first
        second = mean(unit)
        unit = unit - second
        spread = ops.sqrt(mean(unit * unit))
        is_constant = spread <= _LEAST
        values = unit / ops.where(is_constant, float("inf"), spread)
        if self.gaps:
            values = ops.where(missing, float("nan"), values)
        if self.moments:
            logs = ops.log(ops.where(is_constant, 0.0, largest * spread))
            found = ops.concatenate([largest * (first + second), logs], axis=2)
            cut = ops.repeat(
                ops.clip(twin_of(twin)(found), -MOST_MOMENT, MOST_MOMENT),
                shape[0],
                axis=1,
            )
            values = ops.concatenate([values, cut], axis=2)
        return [keras.Model(given, values, name="series_scale")]


def series_moments(series: Array) -> Array:
    """Mean and logarithm of the standard deviation, ``(n, 1, 2 * channels)``.

    The logarithm is minus infinity where a series is constant.
    """
    scaled = scaled_series(series, 1, np.float32)
    with np.errstate(divide="ignore"):
        return np.concatenate([scaled.mean, np.log(scaled.spread)], axis=2)
