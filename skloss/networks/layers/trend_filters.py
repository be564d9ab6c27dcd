"""Filters that are made by hand and not trained: rises, falls and peaks of series."""

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
)
from skloss.protocols import Tensor

__all__ = ["N_TREND_FILTERS", "TrendFilters", "trend_kernels"]

# Time steps of the filters of rises and of falls. Those of peaks are half as long
# again, and there is none of the first size.
_SIZES = (2, 4, 8, 16, 32, 64)
N_TREND_FILTERS = 3 * len(_SIZES) - 1


@dataclass(frozen=True)
class TrendFilters(Layer):
    """Convolution of each of the first channels with filters made by hand, then a ReLU.

    A channel becomes 17: rises, falls and peaks, from short to long [1]_. The filters
    have no weights, since nothing of them is trained.

    References
    ----------
    .. [1] Ismail-Fawaz, Devanne, Weber and Forestier, "Deep learning for time series
       classification using new hand-crafted convolution filters", IEEE Big Data 2022.
    """

    kind: ClassVar[Any] = "other"

    n_channels: int

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[0], N_TREND_FILTERS * self.n_channels)

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of the kernels for one row of the given shape."""
        return shape[0] * self.n_channels * trend_kernels().size

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        kernels = trend_kernels().astype(x.dtype)
        n_rows, n_steps, _ = x.shape
        series = x[:, :, : self.n_channels].transpose(0, 2, 1)
        before = (len(kernels) - 1) // 2
        padded = np.pad(series, ((0, 0), (0, 0), (before, len(kernels) - 1 - before)))
        windows = sliding_window_view(padded, len(kernels), axis=2)
        columns = np.ascontiguousarray(windows).reshape(-1, len(kernels))
        found = run.product(columns, kernels)
        found = found.reshape(n_rows, self.n_channels, n_steps, N_TREND_FILTERS)
        found = found.transpose(0, 2, 1, 3).reshape(n_rows, n_steps, -1)
        return np.maximum(found, 0)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        kernels = tf.constant(trend_kernels()[:, None])
        found = tf.nn.conv1d(self._alone(tf, x), kernels, 1, "SAME")
        return tf.nn.relu(self._together(tf, found))

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own operations, which any Keras can load."""
        keras, ops = twin.keras, twin.keras.ops
        x = keras.Input(shape)
        kernels = trend_kernels()[:, None]
        found = ops.conv(self._alone(ops, x), kernels, padding="same")
        found = ops.relu(self._together(ops, found))
        return [keras.Model(x, found, name="trend_filters")]

    def _alone(self, ops: Any, x: Tensor) -> Tensor:
        """Each channel as a series of its own."""
        series = ops.transpose(x[:, :, : self.n_channels], (0, 2, 1))
        return ops.reshape(series, (-1, x.shape[1], 1))

    def _together(self, ops: Any, found: Tensor) -> Tensor:
        """Undo `_alone`, with the filters of a channel side by side."""
        n_steps, n_filters = found.shape[1:]
        found = ops.reshape(found, (-1, self.n_channels, n_steps, n_filters))
        found = ops.transpose(found, (0, 2, 1, 3))
        return ops.reshape(found, (-1, n_steps, n_filters * self.n_channels))


@cache
def trend_kernels() -> Array:
    """Kernels ``(96, 17)``, each with zeros around it so that all have one middle.

    >>> kernels = trend_kernels()
    >>> kernels[47:49, 0].tolist(), kernels[46:50, 1].tolist()
    ([-1.0, 1.0], [-1.0, 1.0, -1.0, 1.0])
    >>> kernels[45:51, 12].tolist()  # a peak
    [-1.0, -1.0, 2.0, 2.0, -1.0, -1.0]
    """
    rises = [np.where(np.arange(size) % 2, 1.0, -1.0) for size in _SIZES]
    kernels = [*rises, *(-rise for rise in rises), *map(_peak, _SIZES[1:])]
    longest = max(map(len, kernels))
    found = np.zeros((longest, len(kernels)), np.float32)
    for column, kernel in zip(found.T, kernels, strict=True):
        # Zeros stand before and behind a series as "same" padding has them.
        first = (longest - 1) // 2 - (len(kernel) - 1) // 2
        column[first : first + len(kernel)] = kernel
    found.flags.writeable = False
    return found


def _peak(size: int) -> Array:
    """Squares up and down, three times: below, twice as far above, and below."""
    up = np.linspace(0, 1, size // 4 + 1)[1:] ** 2
    bump = np.concatenate([up, up[::-1]])
    return np.concatenate([-bump, 2 * bump, -bump])
