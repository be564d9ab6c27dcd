"""Filters of series that are not trained: made by hand, or those of MiniRocket."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

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
from skloss.rocket.kernels import KERNEL_WEIGHTS

__all__ = ["FixedFilters", "fixed_kernels"]

# Time steps of the filters of rises and of falls. Those of peaks are half as long
# again, and there is none of the first size.
_TREND_SIZES = (2, 4, 8, 16, 32, 64)

_ROCKET_FILTERS = 32
_ROCKET_DILATIONS = (1, 2, 4, 8)


@dataclass(frozen=True)
class FixedFilters(Layer):
    """Convolution of each of the first channels with filters that have no weights.

    With "trends" a channel becomes 17: rises, falls and peaks, from short to long,
    where they are above zero [1]_. With "rocket" it becomes 32: patterns of MiniRocket,
    at dilations of 1, 2, 4 and 8 [2]_.

    References
    ----------
    .. [1] Ismail-Fawaz, Devanne, Weber and Forestier, "Deep learning for time series
       classification using new hand-crafted convolution filters", IEEE Big Data 2022.
    .. [2] Dempster, Schmidt and Webb, "MiniRocket", KDD 2021.
    """

    kind: ClassVar[Any] = "other"

    n_channels: int
    filters_of: Literal["trends", "rocket"] = "trends"

    @property
    def kernels(self) -> Array:
        """Kernels ``(n_timesteps, n_filters)``."""
        return fixed_kernels(self.filters_of)

    @property
    def is_rectified(self) -> bool:
        """Whether what is below zero becomes zero: a rise is a fall the other way."""
        return self.filters_of == "trends"

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[0], self.kernels.shape[1] * self.n_channels)

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of the kernels for one row of the given shape."""
        return shape[0] * self.n_channels * self.kernels.size

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        kernels = self.kernels.astype(x.dtype)
        n_rows, n_steps, _ = x.shape
        series = x[:, :, : self.n_channels].transpose(0, 2, 1)
        before = (len(kernels) - 1) // 2
        padded = np.pad(series, ((0, 0), (0, 0), (before, len(kernels) - 1 - before)))
        windows = sliding_window_view(padded, len(kernels), axis=2)
        columns = np.ascontiguousarray(windows).reshape(-1, len(kernels))
        found = run.product(columns, kernels)
        found = found.reshape(n_rows, self.n_channels, n_steps, -1)
        found = found.transpose(0, 2, 1, 3).reshape(n_rows, n_steps, -1)
        return np.maximum(found, 0) if self.is_rectified else found

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        kernels = tf.constant(self.kernels[:, None])
        activation = "relu" if self.is_rectified else "linear"
        found = run.images.convolve(
            self._alone(tf, x), kernels, None, activation=activation, padding="same"
        )
        return self._together(tf, found)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, of its own operations, which any Keras can load."""
        keras, ops = twin.keras, twin.keras.ops
        x = keras.Input(shape)
        kernels = self.kernels[:, None]
        found = ops.conv(self._alone(ops, x), kernels, padding="same")
        found = self._together(ops, found)
        found = ops.relu(found) if self.is_rectified else found
        return [keras.Model(x, found, name="fixed_filters")]

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
def fixed_kernels(name: Literal["trends", "rocket"]) -> Array:
    """Kernels ``(n_timesteps, n_filters)``, with zeros so that all have one middle.

    >>> kernels = fixed_kernels("trends")
    >>> kernels[47:49, 0].tolist(), kernels[46:50, 1].tolist()
    ([-1.0, 1.0], [-1.0, 1.0, -1.0, 1.0])
    >>> kernels[45:51, 12].tolist()  # a peak
    [-1.0, -1.0, 2.0, 2.0, -1.0, -1.0]
    >>> kernels = fixed_kernels("rocket")
    >>> kernels.shape, kernels[28:37, 0].tolist()
    ((65, 32), [2.0, 2.0, 2.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0])
    """
    if name == "trends":
        rises = [np.where(np.arange(size) % 2, 1.0, -1.0) for size in _TREND_SIZES]
        falls = [-rise for rise in rises]
        return _side_by_side([*rises, *falls, *map(_peak, _TREND_SIZES[1:])])
    chosen = np.arange(_ROCKET_FILTERS) * len(KERNEL_WEIGHTS) // _ROCKET_FILTERS
    return _side_by_side(
        [
            _spread(KERNEL_WEIGHTS[row], _ROCKET_DILATIONS[at % len(_ROCKET_DILATIONS)])
            for at, row in enumerate(chosen)
        ]
    )


def _side_by_side(kernels: Sequence[Array]) -> Array:
    """Put kernels into one array, zeros before and behind, as "same" padding would."""
    longest = max(map(len, kernels))
    found = np.zeros((longest, len(kernels)), np.float32)
    for column, kernel in zip(found.T, kernels, strict=True):
        first = (longest - 1) // 2 - (len(kernel) - 1) // 2
        column[first : first + len(kernel)] = kernel
    found.flags.writeable = False
    return found


def _peak(size: int) -> Array:
    """Squares up and down, three times: below, twice as far above, and below."""
    up = np.linspace(0, 1, size // 4 + 1)[1:] ** 2
    bump = np.concatenate([up, up[::-1]])
    return np.concatenate([-bump, 2 * bump, -bump])


def _spread(weights: Array, dilation: int) -> Array:
    """Weights with zeros between them."""
    found = np.zeros((len(weights) - 1) * dilation + 1)
    found[::dilation] = weights
    return found
