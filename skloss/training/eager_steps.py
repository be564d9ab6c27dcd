"""Few steps without compiling, of one network or several: by NumPy as far as can be.

Run eagerly, an operation of TensorFlow takes about twenty times as long as one of NumPy
on the small arrays of short fits. It gives the gradient where NumPy cannot, and more
than half of a step's operations are not part of that.
"""

from collections.abc import Sequence
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
    Task,
    kernel_ends,
    norm_parts,
    objective_of,
    places_of,
    shards_of,
    updated,
)
from skloss.training.tensorflow_start import start_tensorflow

__all__ = ["run_eagerly", "run_stacked"]


def run_eagerly(key: ProgramKey, task: Task) -> tuple[State, Report]:
    """Train on the rows of a chunk that count, as ``Program.run`` does."""
    state, rows, n_rows, learning_rates, numbers = task
    layout, size = _layout(key), key.batch_size
    x = rows[0].reshape(-1, *key.spec.input_shape)
    objective, bad_step, squared_norms = 0.0, -1, np.zeros(4)
    # What diverges is found by its objective.
    with np.errstate(all="ignore"):
        for i, first in enumerate(range(0, n_rows, size)):
            batch = [part[first : first + size] for part in (x, *rows[1:])]
            count = min(n_rows - first, size)
            if key.backend == "numpy":
                batch = [part[:count] for part in batch]
            state, now = _step(
                key, layout, state, batch, count, learning_rates[i], numbers
            )
            objective += float(now.objective) * count
            squared_norms += now.squared_norms
            is_bad = not isfinite(now.objective) or isnan(now.squared_norms.sum())
            if bad_step < 0 and is_bad:
                bad_step = i
    return state, Report(objective, bad_step, squared_norms)


def run_stacked(key: ProgramKey, tasks: Sequence[Task]) -> list[tuple[State, Report]]:
    """Train several networks in NumPy, each step of all of them at once.

    Batches of other sizes, as the last ones of an epoch may be, are steps of each
    network alone: rows that only fill a batch up would change how sums are rounded.

    Parameters
    ----------
    key : ProgramKey
        Of all of them.
    tasks : sequence of Task
        Their numbers differ in seed and logit shift only.
    """
    layout, size, n = _layout(key), key.batch_size, len(tasks)
    n_rows = {task.n_rows for task in tasks}
    n_together = min(n_rows) if len(n_rows) == 1 else min(n_rows) // size * size
    state, numbers = _stacked(tasks)
    chunk = [np.stack(parts) for parts in zip(*[t.rows for t in tasks], strict=True)]
    rates = np.stack([task.learning_rates for task in tasks])
    objective, squared_norms = np.zeros(n), np.zeros((n, 4))
    bad_step = np.full(n, -1)
    with np.errstate(all="ignore"):
        for i, first in enumerate(range(0, n_together, size)):
            count = min(n_together - first, size)
            batch = [part[:, first : first + count] for part in chunk]
            state, now = _step(
                key, layout, state, batch, count, rates[:, i, None], numbers
            )
            objective += now.objective.astype(float) * count
            squared_norms += now.squared_norms
            is_bad = ~np.isfinite(now.objective) | np.isnan(now.squared_norms.sum(1))
            bad_step[is_bad & (bad_step < 0)] = i
    reports = map(Report, objective, bad_step, squared_norms)
    return [
        _with_rest(key, n_together, *one)
        for one in zip(tasks, _unstacked(state), reports, strict=True)
    ]


def _with_rest(
    key: ProgramKey, n_done: int, task: Task, state: State, report: Report
) -> tuple[State, Report]:
    """Train one network on the rows behind those that are done."""
    if task.n_rows == n_done:
        return state, report
    n_steps = n_done // key.batch_size
    x, y, sample_weight = (part[n_done:] for part in task.rows)
    rates = task.learning_rates[n_steps:]
    rest = Task(state, (x, y, sample_weight), task.n_rows - n_done, rates, task.numbers)
    state, after = run_eagerly(key, rest)
    bad_step = report.bad_step
    if bad_step < 0 <= after.bad_step:
        bad_step = n_steps + after.bad_step
    objective = report.objective + after.objective
    norms = report.squared_norms + after.squared_norms
    return state, Report(objective, bad_step, norms)


def _stacked(tasks: Sequence[Task]) -> tuple[State, Arguments]:
    states = [task.state for task in tasks]
    state = State(
        np.stack([one.trained for one in states]),
        tuple(map(np.stack, zip(*[one.slots for one in states], strict=True))),
        np.stack([one.statistics for one in states]),
        np.array([[one.step] for one in states]),
    )
    own = {
        name: np.stack([getattr(task.numbers, name) for task in tasks])
        for name in ("logit_shift", "seed")
    }
    return state, tasks[0].numbers._replace(**own)


def _unstacked(state: State) -> list[State]:
    steps = [step for (step,) in state.step]
    slots = zip(*state.slots, strict=True)
    return list(map(State, state.trained, slots, state.statistics, steps))


class _Layout(NamedTuple):
    """Where the weights of a network stand in a state."""

    places: list[Place]
    ends: tuple[slice, slice]  # first and last kernel


def _layout(key: ProgramKey) -> _Layout:
    return _Layout(places_of(key.spec), kernel_ends(key.spec))


def _step(
    key: ProgramKey,
    layout: _Layout,
    state: State,
    batch: list[np.ndarray],
    count: Any,
    learning_rate: np.ndarray,
    numbers: Arguments,
) -> tuple[State, Report]:
    """Go one step, with one network or with a stack of them."""
    objective: Any
    statistics = state.statistics
    if key.backend == "numpy":
        objective, gradient = slope_by_numpy(key, layout.places, state, batch, numbers)
    else:
        objective, gradient, statistics = _slope(
            key, layout.places, state, batch, count, numbers
        )
    if key.clips:
        parts = [gradient[..., p.part] for p in layout.places if p.trained]
        gradient = np.concatenate(_clipped(parts, numbers.clipnorm), axis=-1)
    step = np.float32(state.step + 1)
    after, slots = updated(key, state, gradient, step, learning_rate, numbers, np)
    norms = norm_parts(layout.ends, gradient, state.trained, after)
    return (
        State(after, slots, statistics, state.step + 1),
        Report(objective, -1, np.array([np.vecdot(part, part) for part in norms]).T),
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
    norms = [np.sqrt(np.vecdot(part, part)) for part in parts]
    return [
        part * (clipnorm / np.maximum(norm, clipnorm))[..., None]
        for part, norm in zip(parts, norms, strict=True)
    ]


def _flat(parts: list[Any]) -> np.ndarray:
    import tensorflow as tf

    # The gradient of rows that were looked up is no tensor yet.
    return np.concatenate([np.ravel(tf.convert_to_tensor(part)) for part in parts])
