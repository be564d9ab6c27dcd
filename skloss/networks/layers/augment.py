"""Series changed a little while a network trains on them, anew at every step."""

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

__all__ = ["Augment"]

# Streams of random numbers.
_OF_ROWS, _RADII, _ANGLES = range(3)
_TAU = 6.283185307179586


@dataclass(frozen=True)
class Augment(Layer):
    """While training, changes each series by random numbers; else does nothing.

    Each number is the largest change: ``shift`` in time, as a share of the length;
    ``scale``, the factor on the values, less one; ``window``, the share that is cut off
    before the rest is stretched to the length again. ``noise`` is the standard
    deviation of what is added, as a share of that of the series. Channels behind
    ``n_channels`` stay as they are.
    """

    kind: ClassVar[Any] = "other"

    n_channels: int
    shift: float = 0.0
    scale: float = 0.0
    noise: float = 0.0
    window: float = 0.0

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        rng = run.rng
        if rng is None:
            return x
        n_rows, n_steps, _ = x.shape
        last = n_steps - 1
        x = x.copy()
        series = x[:, :, : self.n_channels]
        if self.shift or self.window:
            length = last * (1 - self.window * rng.random(n_rows))
            begin = rng.random(n_rows) * (last - length)
            begin += np.round(self.shift * last * rng.uniform(-1, 1, n_rows))
            time = begin[:, None] + np.linspace(0, 1, n_steps) * length[:, None]
            for row, at in zip(series, time, strict=True):
                for channel in row.T:
                    channel[:] = np.interp(at, np.arange(n_steps), channel.copy())
        if self.scale:
            factors = 1 + self.scale * rng.uniform(-1, 1, (n_rows, 1, 1))
            series *= factors.astype(x.dtype)
        if self.noise:
            spread = series.std(axis=1, keepdims=True)
            normal = rng.standard_normal(series.shape, np.float32)
            series += x.dtype.type(self.noise) * spread * normal
        return x

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        if run.real is None:
            return x
        numbers = run.draw((4,), _OF_ROWS)
        series, others = x[:, :, : self.n_channels], x[:, :, self.n_channels :]
        if self.shift or self.window:
            series = self._moved(tf, series, numbers)
        if self.scale:
            series *= (1 + self.scale * (2 * numbers[:, 1] - 1))[:, None, None]
        if self.noise:
            shape = tuple(series.shape[1:])
            radius = tf.sqrt(-2 * tf.math.log(run.draw(shape, _RADII)))
            normal = radius * tf.cos(_TAU * run.draw(shape, _ANGLES))
            spread = tf.math.reduce_std(series, axis=1, keepdims=True)
            series += self.noise * spread * normal
        has_others = x.shape[2] > self.n_channels
        return tf.concat([series, others], axis=2) if has_others else series

    def _moved(self, tf: Any, series: Tensor, numbers: Tensor) -> Tensor:
        """Read series at other times; before and after, their ends are repeated."""
        last = series.shape[1] - 1
        length = last * (1 - self.window * numbers[:, 2])
        begin = numbers[:, 3] * (last - length)
        begin += tf.round(self.shift * last * (2 * numbers[:, 0] - 1))
        steps = tf.range(last + 1, dtype=tf.float32) / float(max(last, 1))
        time = begin[:, None] + steps * length[:, None]
        time = tf.clip_by_value(time, 0.0, float(last))
        # The sum above is rounded, and whole steps shall stay so.
        time = time if self.window else tf.round(time)
        low = tf.floor(time)
        before = tf.cast(low, tf.int32)
        found = tf.gather(series, before, batch_dims=1)
        if not self.window:
            return found
        after = tf.gather(series, tf.minimum(before + 1, last), batch_dims=1)
        return found + (time - low)[:, :, None] * (after - found)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build nothing: it is the training of skloss that changes series."""
        return []
