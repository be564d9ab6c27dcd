"""Zeros in the place of what is missing, and channels that say where."""

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
)
from skloss.protocols import Tensor

__all__ = ["FlagMissing"]


@dataclass(frozen=True)
class FlagMissing(Layer):
    """Zeros in the place of NaN; behind, a channel of 0 and 1 for each of the first.

    One of them is 1 where its channel was NaN. Channels behind the first ``n_channels``
    are never NaN, and have none.
    """

    kind: ClassVar[Any] = "mask"

    n_channels: int

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (*shape[:-1], shape[-1] + self.n_channels)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        missing = np.isnan(x)
        flags = missing[..., : self.n_channels].astype(x.dtype)
        return np.concatenate([np.where(missing, x.dtype.type(0), x), flags], axis=-1)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        missing = tf.math.is_nan(x)
        flags = tf.cast(missing[..., : self.n_channels], x.dtype)
        return tf.concat([tf.where(missing, tf.zeros_like(x), x), flags], axis=-1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own operations, which any Keras can load."""
        keras, ops = twin.keras, twin.keras.ops
        x = keras.Input(shape)
        missing = ops.isnan(x)
        flags = ops.cast(missing[..., : self.n_channels], "float32")
        values = ops.where(missing, 0.0, x)
        joined = ops.concatenate([values, flags], axis=-1)
        return [keras.Model(x, joined, name="flag_missing")]
