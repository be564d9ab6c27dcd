"""Series changed a little, in NumPy: what a program does while it trains."""

import numpy as np

from skloss.networks.layers import Augment

__all__ = ["augmented"]


def augmented(layer: Augment, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change each series ``(n, timesteps, channels)`` of a batch."""
    n_rows, n_steps, _ = x.shape
    last = n_steps - 1
    x = x.copy()
    series = x[:, :, : layer.n_channels]
    if layer.shift or layer.window:
        length = last * (1 - layer.window * rng.random(n_rows))
        begin = rng.random(n_rows) * (last - length)
        begin += np.round(layer.shift * last * rng.uniform(-1, 1, n_rows))
        time = begin[:, None] + np.linspace(0, 1, n_steps) * length[:, None]
        for row, at in zip(series, time, strict=True):
            for channel in row.T:
                channel[:] = np.interp(at, np.arange(n_steps), channel.copy())
    if layer.scale:
        series *= 1 + layer.scale * rng.uniform(-1, 1, (n_rows, 1, 1)).astype(x.dtype)
    if layer.noise:
        spread = series.std(axis=1, keepdims=True)
        normal = rng.standard_normal(series.shape, np.float32)
        series += x.dtype.type(layer.noise) * spread * normal
    return x
