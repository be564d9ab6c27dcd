"""Series changed a little while a network trains on them, anew at every step."""

from collections.abc import Callable
from typing import Any

from skloss.networks.layers import Augment
from skloss.protocols import Tensor

__all__ = ["augmented"]

# Streams of random numbers, beside those that dropout layers have.
_OF_ROWS, _RADII, _ANGLES = 1_001, 1_002, 1_003
_TAU = 6.283185307179586


def augmented(
    layer: Augment, x: Tensor, draw: Callable[[tuple[int, ...], int], Tensor]
) -> Tensor:
    """Change each series of a batch.

    Parameters
    ----------
    layer : Augment
        What is done, and how much of it.
    x : tensor of shape (rows, timesteps, channels)
        Series; channels behind ``layer.n_channels`` stay as they are.
    draw : callable
        ``draw(shape, stream)`` gives numbers between 0 and 1, the same ones for the
        same stream, and each row its own.
    """
    import tensorflow as tf

    n_rows, n_steps, n_channels = x.shape
    numbers = draw((n_rows, 4), _OF_ROWS)
    series, others = x[:, :, : layer.n_channels], x[:, :, layer.n_channels :]
    if layer.shift or layer.window:
        series = _moved(layer, series, numbers)
    if layer.scale:
        series *= (1 + layer.scale * (2 * numbers[:, 1] - 1))[:, None, None]
    if layer.noise:
        shape = (n_rows, n_steps, layer.n_channels)
        radius = tf.sqrt(-2 * tf.math.log(draw(shape, _RADII)))
        normal = radius * tf.cos(_TAU * draw(shape, _ANGLES))
        spread = tf.math.reduce_std(series, axis=1, keepdims=True)
        series += layer.noise * spread * normal
    return tf.concat([series, others], 2) if n_channels > layer.n_channels else series


def _moved(layer: Augment, series: Tensor, numbers: Tensor) -> Tensor:
    """Read the series at other times; before and after it, its ends are repeated."""
    import tensorflow as tf

    last = series.shape[1] - 1
    length = last * (1 - layer.window * numbers[:, 2])
    begin = numbers[:, 3] * (last - length)
    begin += tf.round(layer.shift * last * (2 * numbers[:, 0] - 1))
    steps: Any = tf.range(last + 1, dtype=tf.float32) / float(max(last, 1))
    time = tf.clip_by_value(begin[:, None] + steps * length[:, None], 0.0, float(last))
    # The sum above is rounded, and whole steps shall stay so.
    time = time if layer.window else tf.round(time)
    low = tf.floor(time)
    before = tf.cast(low, tf.int32)
    after = tf.minimum(before + 1, last)
    share = (time - low)[:, :, None]
    found = tf.gather(series, before, batch_dims=1)
    if not layer.window:
        return found
    return found + share * (tf.gather(series, after, batch_dims=1) - found)
