"""Few steps, one after the other, without compiling: by NumPy as far as can be.

Run eagerly, an operation of TensorFlow takes about twenty times as long as one of NumPy
on the small arrays of short fits. It gives the gradient where NumPy cannot, and more
than half of a step's operations are not part of that.
"""

from math import isfinite, isnan
from typing import Any, NamedTuple

import numpy as np

from skloss.training.numpy_gradient import slope_by_numpy
from skloss.training.step import (
    Arguments,
    Place,
    ProgramKey,
    Report,
    State,
    kernel_ends,
    norm_parts,
    objective_of,
    places_of,
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
    size = key.batch_size
    layout = _Layout(places_of(key.spec), kernel_ends(key.spec))
    x = rows[0].reshape(-1, *key.spec.input_shape)
    objective, bad_step, squared_norms = 0.0, -1, np.zeros(4)
    # What diverges is found by its objective.
    with np.errstate(all="ignore"):
        for i, first in enumerate(range(0, n_rows, size)):
            batch = [part[first : first + size] for part in (x, *rows[1:])]
            count = min(n_rows - first, size)
            state, now = _step(
                key, layout, state, batch, count, learning_rates[i], numbers
            )
            objective += now.objective * count
            squared_norms += now.squared_norms
            is_bad = not isfinite(now.objective) or isnan(now.squared_norms.sum())
            if bad_step < 0 and is_bad:
                bad_step = i
    return state, Report(objective, bad_step, squared_norms)


class _Layout(NamedTuple):
    """Where the weights of a network stand in a state."""

    places: list[Place]
    ends: tuple[slice, slice]  # first and last kernel


def _step(
    key: ProgramKey,
    layout: _Layout,
    state: State,
    batch: list[np.ndarray],
    count: int,
    learning_rate: np.ndarray,
    numbers: Arguments,
) -> tuple[State, Report]:
    statistics = state.statistics
    if key.backend == "numpy":
        given = [part[:count] for part in batch]
        objective, gradient = slope_by_numpy(key, layout.places, state, given, numbers)
    else:
        objective, gradient, statistics = _slope(
            key, layout.places, state, batch, count, numbers
        )
    if key.clips:
        parts = [gradient[place.part] for place in layout.places if place.trained]
        gradient = np.concatenate(_clipped(parts, numbers.clipnorm))
    step = np.float32(state.step + 1)
    after, slots = updated(key, state, gradient, step, learning_rate, numbers, np)
    norms = norm_parts(layout.ends, gradient, state.trained, after)
    return (
        State(after, slots, statistics, state.step + 1),
        Report(objective, -1, np.array([np.vdot(part, part) for part in norms])),
    )


def _slope(
    key: ProgramKey,
    places: list[Place],
    state: State,
    batch: list[np.ndarray],
    count: int,
    numbers: Arguments,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Compute objective, gradient and the new statistics by TensorFlow."""
    start_tensorflow()
    import tensorflow as tf

    vectors = {True: state.trained, False: state.statistics}
    weights = [
        tf.convert_to_tensor(vectors[p.trained][p.part].reshape(p.shape))
        for p in places
    ]
    trained = [one for one, p in zip(weights, places, strict=True) if p.trained]
    shards = shards_of(key, [*map(tf.convert_to_tensor, batch)], count)
    with tf.GradientTape() as tape:
        tape.watch(trained)
        found, statistics = objective_of(
            key, weights, shards, count, state.step, numbers
        )
    parts = tape.gradient(found, trained, unconnected_gradients="zero")
    flat = _flat(statistics) if statistics else state.statistics
    return float(found), _flat(parts), flat


def _clipped(parts: list[np.ndarray], clipnorm: np.float32) -> list[np.ndarray]:
    """Return arrays, each no longer than a norm."""
    norms = [np.sqrt(np.vdot(part, part)) for part in parts]
    return [
        part * (clipnorm / np.maximum(norm, clipnorm))
        for part, norm in zip(parts, norms, strict=True)
    ]


def _flat(parts: list[Any]) -> np.ndarray:
    import tensorflow as tf

    # The gradient of rows that were looked up is no tensor yet.
    return np.concatenate([np.ravel(tf.convert_to_tensor(part)) for part in parts])
