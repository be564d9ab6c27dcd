"""The network as a TensorFlow graph of pure functions, in one of two layouts of series.

XLA's own convolution is fifty times slower on a CPU than its matrix product, so a
program for XLA keeps series as ``(channels, rows, time)`` and convolves by one product
of the kernel with the shifted copies. Without XLA the native operations on
``(rows, time, channels)`` are the fastest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from skloss.networks.layers import MOST_MOMENT
from skloss.networks.spec import (
    Augment,
    BatchNorm,
    Branches,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    NetworkSpec,
    SeriesScale,
    SlidingMax,
)
from skloss.preprocessing import ROUNDING
from skloss.training.augment import augmented

__all__ = ["Forward", "graph_forward"]

Tensor = Any


class Layout(Protocol):
    """How series lie in memory, and the operations that depend on it."""

    time_axis: int
    channel_axis: int
    value_axes: tuple[int, int]

    def enter(self, x: Tensor) -> Tensor:
        """From ``(rows, time, channels)``."""

    def exit(self, x: Tensor) -> Tensor:
        """To ``(rows, time, channels)``."""

    def convolve(self, x: Tensor, kernel: Tensor, padding: str) -> Tensor:
        """Convolution with stride one."""

    def pool(self, x: Tensor, size: int) -> Tensor:
        """Largest of ``size`` neighbors; of equal ones the first gets the gradient."""

    def slide(self, x: Tensor, size: int) -> Tensor:
        """Largest of ``size`` neighbors around each time step."""

    def per_channel(self, vector: Tensor) -> Tensor:
        """Shape a vector of channels to be added."""

    def flatten(self, x: Tensor) -> Tensor:
        """To ``(rows, time * channels)``, channels fastest."""

    def leave(self, x: Tensor) -> Tensor:
        """From one value per row and channel to ``(rows, channels)``."""

    def squares(self, x: Tensor, real: Tensor) -> Tensor:
        """Sum of the squares over the real rows."""


class ChannelsFirst:
    """``(channels, rows, time)``: convolution as one matrix product."""

    time_axis = 2
    channel_axis = 0
    value_axes = (1, 2)

    def enter(self, x: Tensor) -> Tensor:
        import tensorflow as tf

        if x.shape[2] == 1:
            return tf.reshape(x, (1, x.shape[0], x.shape[1]))
        return tf.transpose(x, (2, 0, 1))

    def exit(self, x: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.transpose(x, (1, 2, 0))

    def convolve(self, x: Tensor, kernel: Tensor, padding: str) -> Tensor:
        import tensorflow as tf

        size, channels, filters = kernel.shape
        if padding == "same":
            x = tf.pad(x, ((0, 0), (0, 0), ((size - 1) // 2, size // 2)))
        _, rows, time = x.shape
        steps = time - size + 1
        shifted = tf.concat([x[:, :, i : i + steps] for i in range(size)], axis=0)
        product = tf.matmul(
            tf.reshape(kernel, (size * channels, filters)),
            tf.reshape(shifted, (size * channels, rows * steps)),
            transpose_a=True,
        )
        return tf.reshape(product, (filters, rows, steps))

    def pool(self, x: Tensor, size: int) -> Tensor:
        import tensorflow as tf

        channels, rows, time = x.shape
        kept = time // size * size
        x = tf.reshape(x[:, :, :kept], (channels, rows, kept // size, size))
        # reduce_max would share the gradient among equal neighbors
        largest = x[..., 0]
        for i in range(1, size):
            largest = tf.maximum(largest, x[..., i])
        return largest

    def slide(self, x: Tensor, size: int) -> Tensor:
        return self.enter(ChannelsLast().slide(self.exit(x), size))

    def per_channel(self, vector: Tensor) -> Tensor:
        return vector[:, None, None]

    def flatten(self, x: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.reshape(tf.transpose(x, (1, 2, 0)), (x.shape[1], -1))

    def leave(self, x: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.transpose(x)

    def squares(self, x: Tensor, real: Tensor) -> Tensor:
        import tensorflow as tf

        series = len(x.shape) == 3
        return tf.reduce_sum(x * x * (real[None, :, None] if series else real[:, None]))


class ChannelsLast:
    """``(rows, time, channels)``: TensorFlow's native operations."""

    time_axis = 1
    channel_axis = 2
    value_axes = (0, 1)

    def enter(self, x: Tensor) -> Tensor:
        return x

    def exit(self, x: Tensor) -> Tensor:
        return x

    def convolve(self, x: Tensor, kernel: Tensor, padding: str) -> Tensor:
        import tensorflow as tf

        return tf.nn.conv1d(x, kernel, 1, padding.upper())

    def pool(self, x: Tensor, size: int) -> Tensor:
        import tensorflow as tf

        return tf.nn.max_pool1d(x, size, size, "VALID")

    def slide(self, x: Tensor, size: int) -> Tensor:
        import tensorflow as tf

        return tf.nn.max_pool1d(x, size, 1, "SAME")

    def per_channel(self, vector: Tensor) -> Tensor:
        return vector

    def flatten(self, x: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.reshape(x, (-1, x.shape[1] * x.shape[2]))

    def leave(self, x: Tensor) -> Tensor:
        return x

    def squares(self, x: Tensor, real: Tensor) -> Tensor:
        import tensorflow as tf

        # Derived by hand, because every pass over the values counts without XLA; the
        # slice of leading rows is no copy.
        n_real = tf.cast(tf.reduce_sum(real), tf.int32)

        @tf.custom_gradient
        def squares(x: Tensor) -> Any:
            def gradient(upstream: Tensor) -> Tensor:
                factor = 2 * upstream * real
                return x * tf.reshape(factor, (-1,) + (1,) * (len(x.shape) - 1))

            return 2 * tf.nn.l2_loss(x[:n_real]), gradient

        return squares(x)


@dataclass(frozen=True)
class Forward:
    """What one pass gives."""

    logits: Tensor
    activity: Tensor  # sum of squares of the penalized outputs, over the real rows
    moving: list[Tensor]  # moving statistics after this batch


def graph_forward(
    spec: NetworkSpec,
    weights: Sequence[Tensor],
    x: Tensor,
    *,
    native: bool,
    real: Tensor | None = None,
    keep: Callable[[tuple[int, ...], int], Tensor] | None = None,
    draw: Callable[[tuple[int, ...], int], Tensor] | None = None,
) -> Forward:
    """Pass a batch through the network.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of tensors
        In the order of ``spec.weight_shapes()``.
    x : tensor of shape (batch, *input_shape)
        Rows.
    native : bool
        Native operations on series instead of those made for XLA.
    real : tensor of shape (batch,), optional
        One for rows, zero for padding. Given, the pass is one of training.
    keep : callable, optional
        ``keep(shape, number of the dropout layer)`` gives the scales of dropout for
        values in the order ``(rows, time, channels)``, so that both layouts drop alike.
    draw : callable, optional
        ``draw(shape, stream)`` gives random numbers between 0 and 1 in that order.
    """
    import tensorflow as tf

    layout: Layout = ChannelsLast() if native else ChannelsFirst()
    rest = iter(weights)
    training = real is not None
    activity = tf.constant(0.0)
    moving: list[Tensor] = []
    n_dropouts = 0
    if spec.is_convolutional:
        x = layout.enter(x)

    def passed(layer: Layer, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Give the outputs of a layer on rows of a shape."""
        nonlocal n_dropouts
        match layer:
            case Dense():
                x = tf.matmul(x, next(rest))
                if layer.use_bias:
                    x += next(rest)
                x = activate(layer.activation, x)
            case Conv1D():
                x = layout.convolve(x, next(rest), layer.padding)
                if layer.use_bias:
                    x += layout.per_channel(next(rest))
                x = activate(layer.activation, x)
            case BatchNorm():
                series = len(x.shape) == 3
                expand = layout.per_channel if series else tf.identity
                gamma, beta, *statistics = (next(rest) for _ in range(4))
                if training:
                    axes = layout.value_axes if series else (0,)
                    mask = _over_rows(real, x, layout)
                    batch = _moments(x, mask, axes)
                    moving.extend(
                        layer.momentum * old + (1 - layer.momentum) * new
                        for old, new in zip(statistics, batch, strict=True)
                    )
                    statistics = list(batch)
                scale = gamma * tf.math.rsqrt(statistics[1] + layer.epsilon)
                x = x * expand(scale) + expand(beta - statistics[0] * scale)
                x = activate(layer.activation, x)
            case Dropout():
                if real is not None and keep is not None:
                    scale = keep((real.shape[0], *shape), n_dropouts)
                    x *= layout.enter(scale) if len(shape) == 2 else scale
                n_dropouts += 1
            case Augment():
                if training and draw is not None:
                    x = layout.enter(augmented(layer, layout.exit(x), draw))
            case MaxPool():
                x = layout.pool(x, layer.size)
            case GlobalPool(pooling="average"):
                x = layout.leave(tf.reduce_mean(x, axis=layout.time_axis))
            case GlobalPool():
                x = layout.leave(tf.reduce_max(x, axis=layout.time_axis))
            case Flatten():
                x = layout.flatten(x)
            case SeriesScale():
                moments = [next(rest) for _ in range(2 * layer.moments)]
                moving.extend(moments if training else [])
                x = _scaled(x, moments, layout)
            case SlidingMax():
                x = layout.slide(x, layer.size)
            case Branches():
                ends = []
                for chain in layer.chains:
                    end, at = x, shape
                    for inner in chain:
                        end = passed(inner, end, at)
                        at = inner.output_shape(at)
                    ends.append(end)
                joined = layer.joined == "concat"
                x = tf.concat(ends, layout.channel_axis) if joined else tf.add_n(ends)
                x = activate(layer.activation, x)
        return x

    for layer, shape, penalized in zip(
        spec.layers, spec.shapes(), spec.activity_penalized(), strict=False
    ):
        x = passed(layer, x, shape)
        if penalized and spec.activity_l2 and real is not None:
            activity += layout.squares(x, real)
    return Forward(x, activity, moving)


def _scaled(x: Tensor, moments: list[Tensor], layout: Layout) -> Tensor:
    """Scale each series by itself, as `skloss.preprocessing.scaled_series` does."""
    import tensorflow as tf

    along = {"axis": layout.time_axis, "keepdims": True}
    largest = tf.reduce_max(tf.abs(x), **along)
    unit = x / tf.where(largest > 0, largest, 1.0)
    first = tf.reduce_mean(unit, **along)
    unit -= first
    second = tf.reduce_mean(unit, **along)
    unit -= second
    spread = tf.sqrt(tf.reduce_mean(unit * unit, **along))
    is_constant = spread <= ROUNDING * float(np.finfo(np.float32).eps)
    values = unit / tf.where(is_constant, np.inf, spread)
    if not moments:
        return values
    spread = tf.math.log(tf.where(is_constant, 0.0, largest * spread))
    found = tf.concat([largest * (first + second), spread], layout.channel_axis)
    center, scale = map(layout.per_channel, moments)
    found = tf.clip_by_value((found - center) / scale, -MOST_MOMENT, MOST_MOMENT)
    repeated = tf.repeat(found, x.shape[layout.time_axis], layout.time_axis)
    return tf.concat([values, repeated], layout.channel_axis)


def activate(name: str, x: Tensor) -> Tensor:
    """Apply an activation by its Keras name, with Keras' constants."""
    import tensorflow as tf

    if name == "linear":
        return x
    if name == "leaky_relu":
        return tf.nn.leaky_relu(x, alpha=0.2)
    if name == "gelu":
        return tf.nn.gelu(x, approximate=False)
    return getattr(tf.nn, name)(x)


def _over_rows(real: Tensor, x: Tensor, layout: Layout) -> Tensor:
    """Shape the mask of real rows to multiply activations."""
    if len(x.shape) == 2:
        return real[:, None]
    return real[:, None, None] if layout.value_axes[0] == 0 else real[None, :, None]


def _moments(x: Tensor, mask: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and biased variance per channel over the real rows."""
    import tensorflow as tf

    per_row = 1
    for axis in axes:
        if mask.shape[axis] == 1:
            per_row *= x.shape[axis]
    count = tf.reduce_sum(mask) * float(per_row)
    keepdims = tf.reduce_sum(x * mask, axis=axes, keepdims=True) / count
    centered = (x - keepdims) * mask
    variance = tf.reduce_sum(centered * centered, axis=axes) / count
    return tf.reshape(keepdims, variance.shape), variance
