"""The compiled program: many training steps of one network shape in one call.

A program holds no state. Weights, the optimizer's slots and the step counter go in and
come out, so that one program serves any number of fits, in threads too, and no fit can
see another's state. Everything that changes no shape (rates, penalties, learning rates,
the seed) is an argument, so that a grid over such numbers compiles once.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from skloss.networks.spec import NetworkSpec
from skloss.protocols import Tensor
from skloss.training.backends import compile_graph
from skloss.training.eager_steps import run_eagerly
from skloss.training.optimizers import UPDATE_RULES
from skloss.training.step import (
    Arguments,
    Place,
    ProgramKey,
    Report,
    State,
    Task,
    places_of,
    sizes,
    train_step,
)
from skloss.training.tensorflow_start import clear_at_exit

__all__ = [
    "Arguments",
    "Program",
    "ProgramKey",
    "Report",
    "State",
    "Task",
    "chunk_steps",
    "get_program",
]


# A chunk is what one call takes: long enough that calling costs nothing, short enough
# that Ctrl-C is heard within a second and the copy stays small.
_CHUNK_VALUES = 2**20
_CHUNK_STEPS = 1024
_CHUNK_WORK = 10**10  # multiplications in one direction


def chunk_steps(spec: NetworkSpec, batch_size: int, steps_per_epoch: int) -> int:
    """Most steps that one call should run: a power of two, so that folds agree."""
    by_values = _CHUNK_VALUES // (batch_size * prod(spec.input_shape))
    by_work = _CHUNK_WORK // (batch_size * spec.n_multiplications)
    most = max(1, min(_CHUNK_STEPS, by_values, by_work))
    return min(2 ** (most.bit_length() - 1), 2 ** (steps_per_epoch - 1).bit_length())


class Program:
    """Runs training steps for one network shape."""

    def __init__(self, key: ProgramKey) -> None:
        self.key = key
        self.chunk_steps = key.chunk_steps
        self.chunk_rows = key.chunk_steps * key.batch_size

    def start(
        self,
        weights: Sequence[np.ndarray],
        slots: Sequence[np.ndarray] | None,
        step: int,
    ) -> State:
        """First state; slots start anew where none are given."""
        spec = self.key.spec
        parts: dict[bool, list[np.ndarray]] = {True: [], False: [np.empty(0)]}
        for array, shape in zip(weights, spec.weight_shapes(), strict=True):
            parts[shape.trained].append(array.ravel())
        trained = np.concatenate(parts[True], dtype=np.float32)
        if slots is None:
            rule = UPDATE_RULES[self.key.optimizer]
            slots = [np.full_like(trained, first) for first in rule.first_slots]
        statistics = np.concatenate(parts[False], dtype=np.float32)
        return State(trained, tuple(slots), statistics, np.int32(step))

    def weights(self, state: State) -> list[np.ndarray]:
        """Weights of a state, as arrays in the network's order."""
        copies = {True: np.array(state.trained), False: np.array(state.statistics)}
        return [copies[p.trained][p.part].reshape(p.shape) for p in self._places]

    @cached_property
    def _places(self) -> list[Place]:
        return places_of(self.key.spec)

    def run(self, task: Task) -> tuple[State, Report]:
        """Train on the rows of a chunk that count, the last batch exact.

        Parameters
        ----------
        task : Task
            Its rows are ``X (chunk_rows, values of a row)``, class numbers and weights
            ``(chunk_rows,)``; what stands beyond ``n_rows`` must have weight zero.
        """
        if self.key.backend in ("eager", "numpy"):
            return run_eagerly(self.key, task)
        state, rows, n_rows, learning_rates, arguments = task
        *scalars, shift, rates, seed = arguments
        numbers = np.array(scalars, np.float32)
        return self._run(
            *state, *rows, np.int32(n_rows), learning_rates, numbers, shift, rates, seed
        )

    @cached_property
    def _run(self) -> Any:
        key = self.key
        return compile_graph(self._steps, self._signature, key.backend, key.devices)

    def _signature(self) -> list[Any]:
        import tensorflow as tf

        spec, rows = self.key.spec, self.chunk_rows
        whole = tf.TensorSpec((), tf.int32)

        def real(*shape: int) -> Any:
            return tf.TensorSpec(shape, tf.float32)

        trained = real(sum(sizes(spec, trained=True)))
        return [
            trained,
            (trained,) * len(UPDATE_RULES[self.key.optimizer].first_slots),
            real(sum(sizes(spec, trained=False))),
            whole,
            real(rows, prod(spec.input_shape)),
            tf.TensorSpec((rows,), tf.int32),
            real(rows),
            whole,
            real(self.chunk_steps),
            real(len(Arguments._fields) - 3),
            real(spec.n_outputs),
            real(len(spec.dropout_rates)),
            whole,
        ]

    def _steps(
        self,
        trained: Tensor,
        slots: tuple[Tensor, ...],
        statistics: Tensor,
        step: Tensor,
        x: Tensor,
        y: Tensor,
        sample_weight: Tensor,
        n_rows: Tensor,
        learning_rates: Tensor,
        scalars: Tensor,
        logit_shift: Tensor,
        dropout_rates: Tensor,
        seed: Tensor,
    ) -> tuple[State, Report]:
        import tensorflow as tf

        size, steps = self.key.batch_size, self.chunk_steps
        x = tf.reshape(x, (steps, size, *self.key.spec.input_shape))
        y = tf.reshape(y, (steps, size))
        sample_weight = tf.reshape(sample_weight, (steps, size))
        numbers = Arguments._make(
            [*tf.unstack(scalars), logit_shift, dropout_rates, seed]
        )

        def body(i: Tensor, state: State, report: Report) -> Any:
            batch = x[i], y[i], sample_weight[i]
            count = tf.minimum(n_rows - i * size, size)
            state, now = train_step(
                self.key, state, batch, count, learning_rates[i], numbers
            )
            bad = ~tf.math.is_finite(now.objective)
            # oneDNN's relu makes zeros of what is no number, so that weights which are
            # none can have a finite loss.
            bad |= tf.math.is_nan(tf.reduce_sum(now.squared_norms))
            bad &= report.bad_step < 0
            return (
                i + 1,
                state,
                Report(
                    report.objective + now.objective * tf.cast(count, tf.float32),
                    tf.where(bad, i, report.bad_step),
                    report.squared_norms + now.squared_norms,
                ),
            )

        state = State(trained, slots, statistics, step)
        nothing = Report(tf.constant(0.0), tf.constant(-1), tf.zeros(4))
        n_steps = (n_rows + size - 1) // size
        _, state, report = tf.while_loop(
            lambda i, *_: i < n_steps,
            body,
            (tf.constant(0), state, nothing),
            parallel_iterations=1,
        )
        return state, report


@lru_cache(maxsize=32)
def _program(key: ProgramKey) -> Program:
    return Program(key)


clear_at_exit(_program)
_lock = Lock()


def get_program(key: ProgramKey) -> Program:
    """Return the program of a key, compiled at its first run and then kept."""
    with _lock:  # two threads that want a new program at once get the same one
        return _program(replace(key, spec=key.spec.structure()))
