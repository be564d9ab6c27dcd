"""Few steps, one after the other: the gradient by TensorFlow, all else by NumPy.

Run eagerly, an operation of TensorFlow takes about twenty times as long as one of NumPy
on the small arrays of short fits, and more than half of a step's operations are not
part of the gradient.
"""

import math
from typing import Any

import numpy as np

from skloss.training.step import (
    Arguments,
    ProgramKey,
    Report,
    State,
    clipped,
    norm_parts,
    objective_of,
    shards_of,
    updated,
)
from skloss.training.tensorflow_start import start_tensorflow

__all__ = ["run_eagerly"]

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def run_eagerly(
    key: ProgramKey,
    state: State,
    rows: Rows,
    n_rows: int,
    learning_rates: np.ndarray,
    numbers: Arguments,
) -> tuple[State, Report]:
    """Train on the first ``n_rows`` of a chunk, as ``Program.run`` does."""
    start_tensorflow()
    size = key.batch_size
    x = rows[0].reshape(-1, *key.spec.input_shape)
    objective, bad_step, squared_norms = 0.0, -1, np.zeros(4)
    # What diverges is found by its objective.
    with np.errstate(all="ignore"):
        for i, first in enumerate(range(0, n_rows, size)):
            batch = [part[first : first + size] for part in (x, *rows[1:])]
            count = min(n_rows - first, size)
            state, now = _step(key, state, batch, count, learning_rates[i], numbers)
            objective += now.objective * count
            squared_norms += now.squared_norms
            is_bad = not np.isfinite(now.objective) or np.isnan(now.squared_norms.sum())
            if bad_step < 0 and is_bad:
                bad_step = i
    return state, Report(objective, bad_step, squared_norms)


def _step(
    key: ProgramKey,
    state: State,
    batch: list[np.ndarray],
    count: int,
    learning_rate: np.ndarray,
    numbers: Arguments,
) -> tuple[State, Report]:
    import tensorflow as tf

    weights, trained = _weights(key, state)
    shards = shards_of(key, [*map(tf.convert_to_tensor, batch)], count)
    with tf.GradientTape() as tape:
        tape.watch(trained)
        found, statistics = objective_of(
            key, weights, shards, count, state.step, numbers
        )
    parts = tape.gradient(found, trained, unconnected_gradients="zero")
    gradient = _flat(parts)
    if key.clips:
        gradient = np.asarray(clipped(key.spec, gradient, numbers.clipnorm))
    step = np.float32(state.step + 1)
    after, slots = updated(key, state, gradient, step, learning_rate, numbers, np)
    norms = norm_parts(key.spec, gradient, state.trained, after)
    flat = _flat(statistics) if statistics else state.statistics
    return (
        State(after, slots, flat, state.step + 1),
        Report(float(found), -1, np.array([np.vdot(part, part) for part in norms])),
    )


def _weights(key: ProgramKey, state: State) -> tuple[list[Any], list[Any]]:
    """Weights in the network's order, and those of them that are trained."""
    import tensorflow as tf

    weights, trained, starts = [], [], {True: 0, False: 0}
    for weight in key.spec.weight_shapes():
        start = starts[weight.trained]
        starts[weight.trained] = stop = start + math.prod(weight.shape)
        vector = state.trained if weight.trained else state.statistics
        array = tf.convert_to_tensor(vector[start:stop].reshape(weight.shape))
        weights.append(array)
        if weight.trained:
            trained.append(array)
    return weights, trained


def _flat(parts: list[Any]) -> np.ndarray:
    import tensorflow as tf

    # The gradient of rows that were looked up is no tensor yet.
    return np.concatenate([np.ravel(tf.convert_to_tensor(part)) for part in parts])
