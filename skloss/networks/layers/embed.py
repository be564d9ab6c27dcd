"""Columns of category codes, each as a few learned numbers."""

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

__all__ = ["Embed"]


@dataclass(frozen=True)
class Embed(Layer):
    """The other columns, and behind them what stands for each column of codes.

    Of a column with ``size`` categories the codes are 0 to ``size - 1``. Its table has
    a row for each, one for any other code, and one for NaN.
    """

    kind: ClassVar[Any] = "embedding"

    columns: tuple[int, ...]
    sizes: tuple[int, ...]
    widths: tuple[int, ...]

    def others(self, n_columns: int) -> list[int]:
        """Columns that are no codes."""
        return [one for one in range(n_columns) if one not in self.columns]

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[0] - len(self.columns) + sum(self.widths),)

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        tables = zip(self.sizes, self.widths, strict=True)
        return [WeightShape("embedding", (size + 2, width)) for size, width in tables]

    def rows_of(self, number: int, codes: Array) -> Array:
        """Rows of the table of a column for its codes."""
        size, is_missing = self.sizes[number], np.isnan(codes)
        codes = np.where(is_missing, size + 1, codes)
        is_known = is_missing | ((codes >= 0) & (codes < size))
        return np.where(is_known, codes, size).astype(np.intp)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        parts = [x[:, self.others(x.shape[1])]]
        for number, column in enumerate(self.columns):
            parts.append(run.take()[self.rows_of(number, x[:, column])])
        return np.concatenate(parts, axis=1, dtype=x.dtype)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        others = tf.constant(self.others(x.shape[1]), tf.int32)
        parts = [tf.gather(x, others, axis=1)]
        for size, column in zip(self.sizes, self.columns, strict=True):
            codes = x[:, column]
            is_missing = tf.math.is_nan(codes)
            is_known = (codes >= 0) & (codes < size)
            codes = tf.where(is_known, codes, tf.cast(size, codes.dtype))
            codes = tf.where(is_missing, tf.cast(size + 1, codes.dtype), codes)
            parts.append(tf.gather(run.take(), tf.cast(codes, tf.int32)))
        return tf.concat(parts, axis=1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own layers, which any Keras can load."""
        keras, ops = twin.keras, twin.keras.ops
        x = keras.Input(shape)
        parts = []
        if others := self.others(shape[0]):
            parts.append(ops.take(x, others, axis=1))
        for column, size, width in zip(
            self.columns, self.sizes, self.widths, strict=True
        ):
            codes = x[:, column]
            is_known = ops.logical_and(codes >= 0, codes < size)
            rows = ops.where(is_known, codes, float(size))
            rows = ops.where(ops.isnan(codes), float(size + 1), rows)
            table = keras.layers.Embedding(size + 2, width)
            parts.append(table(ops.cast(rows, "int32")))
        joined = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)
        return [keras.Model(x, joined, name="embed")]
