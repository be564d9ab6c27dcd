"""The compiled program: many training steps of one network shape in one call.

A program holds no state. Weights, the optimizer's slots and the step counter go in and
come out, so that one program serves any number of fits, in threads too, and no fit can
see another's state. Everything that changes no shape (rates, penalties, learning rates,
the seed) is an argument, so that a grid over such numbers compiles once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from math import prod
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from skloss.networks.spec import NetworkSpec
from skloss.training.dropout import keep_scale
from skloss.training.graph import graph_forward
from skloss.training.kinds import Kind, compile_graph, shard_count
from skloss.training.losses import row_losses_graph
from skloss.training.optimizers import OPTIMIZERS, UpdateArguments

__all__ = ["Arguments", "Program", "ProgramKey", "Report", "State", "get_program"]

Tensor = Any

# A chunk is what one call takes: long enough that calling costs nothing, short enough
# that Ctrl-C is heard and the copy stays small.
_CHUNK_VALUES = 2**20
_CHUNK_STEPS = 256


@dataclass(frozen=True)
class ProgramKey:
    """All that a program is compiled for."""

    spec: NetworkSpec  # its structure only
    batch_size: int
    optimizer: str
    nesterov: bool
    clips: bool
    penalizes: bool  # kernels, by l1 or l2
    loss: str
    kind: Kind

    @property
    def n_shards(self) -> int:
        """Parts of a batch that pass through the network by themselves."""
        return shard_count(self.spec, self.batch_size, self.kind)

    @property
    def chunk_steps(self) -> int:
        """Most steps that one call runs."""
        values = self.batch_size * prod(self.spec.input_shape)
        return int(np.clip(_CHUNK_VALUES // values, 1, _CHUNK_STEPS))


class State(NamedTuple):
    """All that training changes, as few arrays: handing each over costs time."""

    values: Tensor  # weights, then slots, one after another
    step: Tensor


class Arguments(NamedTuple):
    """Numbers of one fit that its program takes as tensors."""

    momentum: Tensor
    weight_decay: Tensor
    clipnorm: Tensor
    l1: Tensor
    l2: Tensor
    activity_l2: Tensor
    focal_gamma: Tensor
    label_smoothing: Tensor
    dropout_rates: Tensor
    seed: Tensor


class Report(NamedTuple):
    """Sums over the steps of one call."""

    objective: Tensor  # times rows
    bad_step: Tensor  # first step of the call whose objective was not finite, or -1
    squared_norms: Tensor  # gradient and update of the first, then of the last kernel


class _Parts(NamedTuple):
    """The state inside a program."""

    weights: list[Tensor]
    slots: list[Tensor]
    step: Tensor


class Program:
    """Runs training steps for one network shape."""

    def __init__(self, key: ProgramKey) -> None:
        self.key = key
        self.chunk_steps = key.chunk_steps
        self.chunk_rows = key.chunk_steps * key.batch_size
        self._weights = key.spec.weight_shapes()
        self._n_slots = OPTIMIZERS[key.optimizer].n_slots
        trained = [weight.shape for weight in self._weights if weight.trained]
        self._shapes = [weight.shape for weight in self._weights]
        self._shapes += [shape for shape in trained for _ in range(self._n_slots)]

    def start(
        self,
        weights: Sequence[np.ndarray],
        slots: Sequence[np.ndarray] | None,
        step: int,
    ) -> State:
        """First state; slots are zero where none are given."""
        if slots is None:
            shapes = self._shapes[len(self._weights) :]
            slots = [np.zeros(shape, np.float32) for shape in shapes]
        parts = [np.ravel(part) for part in (*weights, *slots)]
        return State(np.concatenate(parts, dtype=np.float32), np.int32(step))

    def unpack(self, state: State) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights and slots of a state, as arrays of their own."""
        values = np.array(state.values)
        edges = np.cumsum([0, *map(prod, self._shapes)])
        arrays = [
            values[first:last].reshape(shape)
            for shape, (first, last) in zip(self._shapes, pairwise(edges), strict=True)
        ]
        return arrays[: len(self._weights)], arrays[len(self._weights) :]

    def run(
        self,
        state: State,
        rows: tuple[np.ndarray, np.ndarray, np.ndarray],
        n_rows: int,
        learning_rates: np.ndarray,
        arguments: Arguments,
    ) -> tuple[State, Report]:
        """Train on the first ``n_rows`` of a chunk, the last batch exact.

        Parameters
        ----------
        state : State
            Weights, slots and step.
        rows : tuple of arrays
            ``X (chunk_rows, values of a row)``, class numbers and weights
            ``(chunk_rows,)``; what stands beyond ``n_rows`` must have weight zero.
        n_rows : int
            Rows that count.
        learning_rates : ndarray of shape (chunk_steps,)
            One per step.
        arguments : Arguments
            The fit's numbers.
        """
        *scalars, rates, seed = arguments
        numbers = np.array(scalars, np.float32)
        return self._run(
            *state, *rows, np.int32(n_rows), learning_rates, numbers, rates, seed
        )

    @cached_property
    def _run(self) -> Any:
        return compile_graph(self._steps, self._step_signature(), self.key.kind)

    def _step_signature(self) -> list[Any]:
        import tensorflow as tf

        real, rows = tf.float32, self.chunk_rows
        whole = tf.TensorSpec((), tf.int32)
        return [
            tf.TensorSpec((sum(map(prod, self._shapes)),), real),
            whole,
            tf.TensorSpec((rows, prod(self.key.spec.input_shape)), real),
            tf.TensorSpec((rows,), tf.int32),
            tf.TensorSpec((rows,), real),
            whole,
            tf.TensorSpec((self.chunk_steps,), real),
            tf.TensorSpec((len(Arguments._fields) - 2,), real),
            tf.TensorSpec((len(self.key.spec.dropout_rates),), real),
            whole,
        ]

    def _steps(
        self,
        values: Tensor,
        step: Tensor,
        x: Tensor,
        y: Tensor,
        sample_weight: Tensor,
        n_rows: Tensor,
        learning_rates: Tensor,
        scalars: Tensor,
        dropout_rates: Tensor,
        seed: Tensor,
    ) -> tuple[State, Report]:
        import tensorflow as tf

        size, steps = self.key.batch_size, self.chunk_steps
        x = tf.reshape(x, (steps, size, *self.key.spec.input_shape))
        y = tf.reshape(y, (steps, size))
        sample_weight = tf.reshape(sample_weight, (steps, size))
        n_rows, learning_rates, dropout_rates, seed = map(
            tf.convert_to_tensor, (n_rows, learning_rates, dropout_rates, seed)
        )
        numbers = Arguments(*tf.unstack(scalars), dropout_rates, seed)

        def body(i: Tensor, state: _Parts, report: Report) -> Any:
            batch = x[i], y[i], sample_weight[i]
            count = tf.minimum(n_rows - i * size, size)
            state, now = self._step(state, batch, count, learning_rates[i], numbers)
            bad = tf.logical_and(report.bad_step < 0, ~tf.math.is_finite(now.objective))
            return (
                i + 1,
                state,
                Report(
                    report.objective + now.objective * tf.cast(count, tf.float32),
                    tf.where(bad, i, report.bad_step),
                    report.squared_norms + now.squared_norms,
                ),
            )

        parts = tf.split(values, [*map(prod, self._shapes)])
        arrays = [
            tf.reshape(part, shape)
            for part, shape in zip(parts, self._shapes, strict=True)
        ]
        n_weights = len(self._weights)
        state = _Parts(
            arrays[:n_weights], arrays[n_weights:], tf.convert_to_tensor(step)
        )
        nothing = Report(tf.constant(0.0), tf.constant(-1), tf.zeros(4))
        n_steps = (n_rows + size - 1) // size
        _, state, report = tf.while_loop(
            lambda i, *_: i < n_steps,
            body,
            (tf.constant(0), state, nothing),
            parallel_iterations=1,
        )
        flat = [tf.reshape(array, (-1,)) for array in state.weights + state.slots]
        return State(tf.concat(flat, axis=0), state.step), report

    def _step(
        self,
        state: _Parts,
        batch: tuple[Tensor, Tensor, Tensor],
        count: Tensor,
        learning_rate: Tensor,
        numbers: Arguments,
    ) -> tuple[_Parts, Report]:
        import tensorflow as tf

        shapes = self._weights
        is_trained = [weight.trained for weight in shapes]
        kernels = [i for i, weight in enumerate(shapes) if weight.role == "kernel"]
        trained = _select(state.weights, is_trained)
        with tf.GradientTape() as tape:
            tape.watch(trained)
            objective, moving = self._objective(
                _merge(is_trained, trained, state.weights), batch, count, state, numbers
            )
        gradients = tape.gradient(objective, trained)
        if self.key.clips:
            gradients = [tf.clip_by_norm(g, numbers.clipnorm) for g in gradients]
        new, slots = self._update(trained, gradients, state, learning_rate, numbers)
        watched = [sum(is_trained[: kernels[index]]) for index in (0, -1)]
        norms = [
            tf.reduce_sum(tf.square(change))
            for i in watched
            for change in (gradients[i], new[i] - trained[i])
        ]
        weights = _merge(is_trained, new, moving)
        report = Report(objective, tf.constant(-1), tf.stack(norms))
        return _Parts(weights, slots, state.step + 1), report

    def _objective(
        self,
        weights: list[Tensor],
        batch: tuple[Tensor, Tensor, Tensor],
        count: Tensor,
        state: _Parts,
        numbers: Arguments,
    ) -> tuple[Tensor, list[Tensor]]:
        """Mean loss of the real rows plus penalties, and the new moving statistics."""
        import tensorflow as tf

        spec = self.key.spec
        real = tf.cast(tf.range(self.key.batch_size) < count, tf.float32)
        total = tf.constant(0.0)
        moving: list[Tensor] = []
        size = self.key.batch_size // self.key.n_shards
        # Each shard has a loss of its own, so that it can go back before the others
        # have come forth, while what it made is still in the cache.
        for first in range(0, self.key.batch_size, size):
            rows = [part[first : first + size] for part in (*batch, real)]
            loss, moving = self._shard(weights, rows, first, state.step, numbers)
            total += loss
        # Keras divides by the number of rows, not by the sum of their weights.
        objective = total / tf.cast(count, tf.float32)
        for weight, shape in zip(weights, self._weights, strict=True):
            if shape.role == "kernel" and self.key.penalizes:
                objective += numbers.l1 * tf.reduce_sum(tf.abs(weight))
                objective += numbers.l2 * tf.reduce_sum(tf.square(weight))
        statistics = iter(moving)
        return objective, [
            weight if shape.trained else next(statistics)
            for weight, shape in zip(weights, self._weights, strict=True)
        ]

    def _shard(
        self,
        weights: list[Tensor],
        rows: list[Tensor],
        first: int,
        step: Tensor,
        numbers: Arguments,
    ) -> tuple[Tensor, list[Tensor]]:
        """Sum of the losses of some rows of a batch, the first of them given."""
        import tensorflow as tf

        x, y, sample_weight, real = rows

        def keep(shape: tuple[int, ...], layer: int) -> Tensor:
            rate = numbers.dropout_rates[layer]
            return keep_scale(shape, rate, numbers.seed, layer, step, first)

        found = graph_forward(
            self.key.spec,
            weights,
            x,
            native=self.key.kind != "xla",
            real=real,
            keep=keep,
        )
        losses = row_losses_graph(
            self.key.loss, found.logits, y, numbers.focal_gamma, numbers.label_smoothing
        )
        loss = tf.reduce_sum(losses * sample_weight)
        if self.key.spec.activity_l2:
            loss += numbers.activity_l2 * found.activity
        return loss, found.moving

    def _update(
        self,
        trained: list[Tensor],
        gradients: list[Tensor],
        state: _Parts,
        learning_rate: Tensor,
        numbers: Arguments,
    ) -> tuple[list[Tensor], list[Tensor]]:
        import tensorflow as tf

        rule = OPTIMIZERS[self.key.optimizer]
        arguments = UpdateArguments(
            learning_rate,
            tf.cast(state.step + 1, tf.float32),
            numbers.momentum,
            numbers.weight_decay,
            self.key.nesterov,
        )
        weights: list[Tensor] = []
        slots: list[Tensor] = []
        for i, (weight, gradient) in enumerate(zip(trained, gradients, strict=True)):
            own = tuple(state.slots[i * rule.n_slots : (i + 1) * rule.n_slots])
            new, new_slots = rule.update(weight, gradient, own, arguments)
            weights.append(new)
            slots += new_slots
        return weights, slots


def _select(values: Sequence[Any], chosen: Sequence[bool]) -> list[Any]:
    return [value for value, take in zip(values, chosen, strict=True) if take]


def _merge(
    chosen: Sequence[bool], values: Sequence[Any], others: Sequence[Any]
) -> list:
    """Values where chosen, in turn; elsewhere what stands there in the others."""
    rest = iter(values)
    return [
        next(rest) if take else other
        for take, other in zip(chosen, others, strict=True)
    ]


@lru_cache(maxsize=32)
def _program(key: ProgramKey) -> Program:
    return Program(key)


_lock = Lock()


def get_program(key: ProgramKey) -> Program:
    """Return the program of a key, compiled at its first run and then kept."""
    with _lock:  # two threads that want a new program at once get the same one
        return _program(replace(key, spec=key.spec.structure()))
