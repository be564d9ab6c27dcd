"""Dropout masks from a counter: reproducible to the bit, and nearly free.

Keras draws masks from XLA's generator, which on a CPU costs a millisecond a step. Here
the number of a value in its batch is hashed, with a key made from seed, layer and step,
by two rounds of xor, shift and multiply [1]_. The key is added to a multiple of the
index, so that every mask is a window of one sequence of 2 ** 32 values; to hash the
bare index xor-ed with the key gives biased masks.

References
----------
.. [1] Wellons, "Prospecting for hash functions", 2018 (the constants of "lowbias32").
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from skloss.protocols import Tensor

__all__ = ["keep_scale", "uniform"]

_GOLDEN = 0x9E3779B1


def keep_scale(
    shape: tuple[int, ...],
    rate: Tensor,
    seed: Tensor,
    layer: int,
    step: Tensor,
    first_row: int = 0,
) -> Tensor:
    """Zeros with probability ``rate``, else ``1 / (1 - rate)``.

    Parameters
    ----------
    shape : tuple of int
        Shape of the mask, static.
    rate : scalar float tensor
        Share of zeros.
    seed, step : scalar int32 tensors
        The fit's seed, and the step counted over the whole training.
    layer : int
        Number of the dropout layer.
    first_row : int
        Where in its batch the first row stands.

    Returns
    -------
    tensor of the given shape, float32
        An array, of the same bits, where ``step`` is a number of NumPy.
    """
    hashed = _hashed(shape, seed, layer, step, first_row)
    if isinstance(hashed, np.ndarray):
        kept = hashed >= np.int32(rate * 2.0**24)
        return np.where(kept, np.float32(1.0 / (1.0 - rate)), np.float32(0.0))
    import tensorflow as tf

    kept = hashed >= tf.cast(rate * 2.0**24, tf.int32)
    return tf.where(kept, 1.0 / (1.0 - rate), 0.0)


def uniform(
    shape: tuple[int, ...], seed: Tensor, layer: int, step: Tensor, first_row: int = 0
) -> Tensor:
    """Numbers between 0 and 1, never one of them; arguments as of `keep_scale`."""
    # Half of the 24 bits, so that float32 has every sum with one half exactly.
    hashed = _hashed(shape, seed, layer, step, first_row)
    if isinstance(hashed, np.ndarray):
        return ((hashed >> 1).astype(np.float32) + 0.5) / 2.0**23
    import tensorflow as tf

    coarse = tf.bitwise.right_shift(hashed, 1)
    return (tf.cast(coarse, tf.float32) + 0.5) / 2.0**23


def _hashed(
    shape: tuple[int, ...], seed: Tensor, layer: int, step: Tensor, first_row: int
) -> Any:
    """Whole numbers below ``2 ** 24``, in NumPy if the step is one of its numbers."""
    row_size = prod(shape[1:])
    first, last = first_row * row_size, (first_row + shape[0]) * row_size
    if isinstance(step, np.integer):
        # Arrays of one number: unlike bare numbers, they overflow without a warning.
        seeds, steps = (np.asarray([n]).astype(np.uint32) for n in (seed, step))
        key = _key(seeds, layer, steps, np.right_shift)
        index = np.arange(first, last, dtype=np.uint32)
        hashed = _mix(index * np.uint32(_GOLDEN) + key, np.right_shift)
        return (hashed >> 8).astype(np.int32).reshape(shape)
    import tensorflow as tf

    shift, unsigned = tf.bitwise.right_shift, tf.uint32
    key = _key(tf.cast(seed, unsigned), layer, tf.cast(step, unsigned), shift)
    index = tf.cast(tf.range(first, last), unsigned)
    hashed = _mix(index * np.uint32(_GOLDEN) + key, shift)
    return tf.reshape(tf.cast(shift(hashed, np.uint32(8)), tf.int32), shape)


def _key(seed: Any, layer: int, step: Any, shift: Callable[[Any, Any], Any]) -> Any:
    key = _mix(seed ^ np.uint32((layer + 1) * _GOLDEN & 0xFFFFFFFF), shift)
    return _mix(key ^ step, shift)


def _mix(value: Any, shift: Callable[[Any, Any], Any]) -> Any:
    for bits, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        value = (value ^ shift(value, np.uint32(bits))) * np.uint32(factor)
    return value ^ shift(value, np.uint32(16))
