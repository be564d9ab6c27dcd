"""A table's gaps: a learned value in their place, and columns that say where."""

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
from skloss.protocols import Tensor

__all__ = ["FillMissing"]


@dataclass(frozen=True)
class FillMissing(Layer):
    """A value for each of the first columns in the place of its NaN, and flags.

    Behind all columns there is one more for each of ``flagged``; it is 1 where that
    column was NaN, and else 0.
    """

    kind: ClassVar[Any] = "mask"

    n_columns: int
    flagged: tuple[int, ...] = ()

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[0] + len(self.flagged),)

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        return [WeightShape("moving_mean", (1, self.n_columns))]

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        fill, first = run.take(), x[:, : self.n_columns]
        missing = np.isnan(first)
        filled = np.where(missing, fill, first)
        rest, flags = x[:, self.n_columns :], missing[:, list(self.flagged)]
        return np.concatenate([filled, rest, flags], axis=1, dtype=x.dtype)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        first = x[:, : self.n_columns]
        missing = tf.math.is_nan(first)
        filled = tf.where(missing, run.take(), first)
        flagged = tf.constant(self.flagged, tf.int32)
        flags = tf.gather(tf.cast(missing, x.dtype), flagged, axis=1)
        return tf.concat([filled, x[:, self.n_columns :], flags], axis=1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own layers, which any Keras can load."""
        keras, ops = twin.keras, twin.keras.ops
        x = keras.Input(shape)
        first = x[:, : self.n_columns]
        missing = ops.isnan(first)
        # A table of one row is the way to have constants that a file keeps.
        values = keras.layers.Embedding(1, self.n_columns, trainable=False)
        fill = values(ops.zeros_like(x[:, 0], dtype="int32"))
        parts = [ops.where(missing, fill, first)]
        if shape[0] > self.n_columns:
            parts.append(x[:, self.n_columns :])
        if self.flagged:
            flags = ops.cast(missing, "float32")
            parts.append(ops.take(flags, list(self.flagged), axis=1))
        joined = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)
        return [keras.Model(x, joined, name="fill_missing")]
