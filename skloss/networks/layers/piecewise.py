"""Columns of a table, scaled within the network, and the bins that they fill."""

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
    statistics_of,
    statistics_shapes,
    twin_of,
)
from skloss.protocols import Tensor

__all__ = ["PiecewiseLinear"]

_MOST_BINS = 16


@dataclass(frozen=True)
class PiecewiseLinear(Layer):
    """The first columns less their means, over their deviations, and their bins.

    Column ``j`` has ``sizes[j]`` bins side by side, whose edges are quantiles of the
    training rows. What stands for a bin is -1/2 up to its lower edge, 1/2 from its
    upper edge on, and a line between. Columns behind the first ones stay, behind these.
    This is the piecewise linear encoding of Gorishniy, Rubachev and Babenko, "On
    embeddings for numerical features in tabular deep learning", NeurIPS 2022.
    """

    kind: ClassVar[Any] = "normalization"

    sizes: tuple[int, ...]

    @classmethod
    def of(cls, columns: Array) -> "PiecewiseLinear":
        """Return the layer for columns of these values, which may be NaN.

        A column without two bins of its own has none: scaled, it says the same.
        """
        sizes = [len(_quantiles(column)) - 1 for column in columns.T]
        return cls(tuple(size if size > 1 else 0 for size in sizes))

    @property
    def n_columns(self) -> int:
        """Number of columns that are scaled."""
        return len(self.sizes)

    @property
    def sources(self) -> Array:
        """Column of each number that comes out, but of those that stay."""
        columns = np.arange(self.n_columns)
        return np.concatenate([columns, np.repeat(columns, self.sizes)])

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[0] + sum(self.sizes),)

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        return statistics_shapes(self.n_columns + sum(self.sizes))

    def statistics(self, columns: Array, mean: Array, variance: Array) -> list[Array]:
        """Return the weights for columns of these values and moments."""
        bins = zip(columns.T, self.sizes, strict=True)
        edges = [edges_of(column, size) for column, size in bins if size]
        middles = [(one[1:] + one[:-1]) / 2 for one in edges]
        widths = [np.diff(one) ** 2 for one in edges]
        return statistics_of(
            np.concatenate([mean, *middles]), np.concatenate([variance, *widths])
        )

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        n = self.n_columns
        found = standardized(x[:, self.sources], run, np.sqrt)
        np.clip(found[:, n:], -0.5, 0.5, out=found[:, n:])
        return np.concatenate([found, x[:, n:]], axis=1, dtype=x.dtype)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf, n = run.tf, self.n_columns
        values = tf.gather(x, tf.constant(self.sources, tf.int32), axis=1)
        found = standardized(values, run, tf.sqrt)
        bins = tf.clip_by_value(found[:, n:], -0.5, 0.5)
        return tf.concat([found[:, :n], bins, x[:, n:]], axis=1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own layers, which any Keras can load."""
        keras, ops, n = twin.keras, twin.keras.ops, self.n_columns
        x = keras.Input(shape)
        found = twin_of(twin)(ops.take(x, self.sources.tolist(), axis=1))
        parts = [found[:, :n]]
        if any(self.sizes):
            parts.append(ops.clip(found[:, n:], -0.5, 0.5))
        if shape[0] > n:
            parts.append(x[:, n:])
        joined = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)
        return [keras.Model(x, joined, name="piecewise_linear")]


def edges_of(column: Array, size: int) -> Array:
    """Edges of so many bins of a column, each above the one before.

    They are quantiles. Where these rows have another number of different ones, the
    edges lie evenly on the line through them.

    Examples
    --------
    >>> edges_of(np.arange(17.0), 16)[:4].tolist()
    [0.0, 1.0, 2.0, 3.0]
    >>> edges_of(np.array([7.0, 7.0]), 2).tolist()
    [7.0, 7.5, 8.0]
    """
    found = _quantiles(column)
    if len(found) == 1:
        found = found + np.arange(2)
    wanted = np.linspace(0, len(found) - 1, size + 1)
    edges: Array = np.interp(wanted, np.arange(len(found)), found)
    return edges


def _quantiles(column: Array) -> Array:
    """Quantiles of the values that are known, each once; one if none is known."""
    known = column[~np.isnan(column)].astype(np.float64)
    shares = np.linspace(0, 1, _MOST_BINS + 1)
    return np.unique(np.quantile(known, shares)) if len(known) else np.zeros(1)
