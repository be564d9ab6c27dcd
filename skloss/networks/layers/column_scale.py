"""Columns of a table, scaled within the network."""

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
from skloss.protocols import Tensor

__all__ = ["ColumnScale"]


@dataclass(frozen=True)
class ColumnScale(Layer):
    """The first columns less their means, over their standard deviations.

    Both are learned of the training rows. Columns behind the first ``n_columns`` stay.
    """

    kind: ClassVar[Any] = "normalization"

    n_columns: int

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        return statistics_shapes(self.n_columns)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        first = standardized(x[:, : self.n_columns], run, np.sqrt)
        return np.concatenate([first, x[:, self.n_columns :]], axis=1, dtype=x.dtype)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        first = standardized(x[:, : self.n_columns], run, tf.sqrt)
        if x.shape[1] == self.n_columns:
            return first
        return tf.concat([first, x[:, self.n_columns :]], axis=1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own layers, which any Keras can load."""
        keras, ops = twin.keras, twin.keras.ops
        x = keras.Input(shape)
        scaled = twin_of(twin)(x[:, : self.n_columns])
        if shape[0] > self.n_columns:
            scaled = ops.concatenate([scaled, x[:, self.n_columns :]], axis=1)
        return [keras.Model(x, scaled, name="column_scale")]
