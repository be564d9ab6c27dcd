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

from math import prod

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
    """
    import tensorflow as tf

    kept = _hashed(shape, seed, layer, step, first_row) >= tf.cast(
        rate * 2.0**24, tf.int32
    )
    return tf.where(kept, 1.0 / (1.0 - rate), 0.0)


def uniform(
    shape: tuple[int, ...], seed: Tensor, layer: int, step: Tensor, first_row: int = 0
) -> Tensor:
    """Numbers between 0 and 1, never one of them; arguments as of `keep_scale`."""
    import tensorflow as tf

    # Half of the 24 bits, so that float32 has every sum with one half exactly.
    hashed = _hashed(shape, seed, layer, step, first_row)
    coarse = tf.bitwise.right_shift(hashed, tf.constant(1))
    return (tf.cast(coarse, tf.float32) + 0.5) / 2.0**23


def _hashed(
    shape: tuple[int, ...], seed: Tensor, layer: int, step: Tensor, first_row: int
) -> Tensor:
    """Whole numbers below ``2 ** 24``."""
    import tensorflow as tf

    unsigned = tf.uint32
    key = _mix(tf.cast(seed, unsigned) ^ _constant((layer + 1) * _GOLDEN))
    key = _mix(key ^ tf.cast(step, unsigned))
    row_size = prod(shape[1:])
    numbers = tf.range(first_row * row_size, (first_row + shape[0]) * row_size)
    index = tf.cast(numbers, unsigned)
    hashed = _mix(index * _constant(_GOLDEN) + key)
    numbers = tf.cast(tf.bitwise.right_shift(hashed, _constant(8)), tf.int32)
    return tf.reshape(numbers, shape)


def _mix(value: Tensor) -> Tensor:
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        value = _fold(value, shift) * _constant(factor)
    return _fold(value, 16)


def _fold(value: Tensor, shift: int) -> Tensor:
    import tensorflow as tf

    return value ^ tf.bitwise.right_shift(value, _constant(shift))


def _constant(number: int) -> Tensor:
    import tensorflow as tf

    return tf.constant(number & 0xFFFFFFFF, tf.uint32)
