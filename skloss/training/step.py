"""One training step of a network shape, as a pure function of tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from skloss.networks.spec import NetworkSpec
from skloss.protocols import Tensor
from skloss.training.backends import Backend, shard_count
from skloss.training.dropout import keep_scale, uniform
from skloss.training.losses import Loss, row_losses_graph
from skloss.training.optimizers import UPDATE_RULES, UpdateArguments
from skloss.training.tensorflow_forward import graph_forward

__all__ = [
    "Arguments",
    "Place",
    "ProgramKey",
    "Report",
    "State",
    "Task",
    "clipped",
    "kernel_ends",
    "norm_parts",
    "objective_of",
    "places_of",
    "shards_of",
    "sizes",
    "train_step",
    "updated",
]


@dataclass(frozen=True)
class ProgramKey:
    """All that a program is compiled for."""

    spec: NetworkSpec  # its structure only
    batch_size: int
    chunk_steps: int  # most steps of one call
    optimizer: str
    nesterov: bool
    clips: bool
    penalizes: bool  # kernels, by l1 or l2
    loss: Loss
    backend: Backend
    devices: tuple[str, ...] = ()  # none: all on one

    @property
    def n_shards(self) -> int:
        """Parts of a batch that pass through the network by themselves."""
        if self.devices:
            return len(self.devices)
        return shard_count(self.spec, self.batch_size, self.backend)


Shard = tuple[int, Sequence[Any]]  # place of its first row in the batch, and its rows


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
    logit_shift: Tensor  # one for each output
    dropout_rates: Tensor
    seed: Tensor


class Report(NamedTuple):
    """Sums over the steps of one call."""

    objective: Tensor  # times rows
    bad_step: Tensor  # first of the call that left the finite numbers, or -1
    squared_norms: Tensor  # gradient and update of the first, then of the last kernel


class Task(NamedTuple):
    """A chunk of rows to train on, from where training stands."""

    state: "State"
    rows: tuple[Any, Any, Any]  # X, class numbers and weights
    n_rows: int  # how many of them count; padding follows
    learning_rates: Any  # one for each step
    numbers: Arguments


class Place(NamedTuple):
    """Where an array of weights stands in a state."""

    trained: bool  # in the vector of these, or in that of the statistics
    part: slice
    shape: tuple[int, ...]


class State(NamedTuple):
    """All that training changes, each sort of it in one vector.

    One update rule then runs over all weights at once, which makes a step of a small
    network shorter and its program quicker to compile.
    """

    trained: Tensor
    slots: tuple[Tensor, ...]
    statistics: Tensor  # moving means and variances
    step: Tensor


def train_step(
    key: ProgramKey,
    state: State,
    batch: tuple[Tensor, Tensor, Tensor],
    count: Tensor,
    learning_rate: Tensor,
    numbers: Arguments,
) -> tuple[State, Report]:
    """Go one step down the gradient.

    Parameters
    ----------
    key : ProgramKey
        What is compiled.
    state : State
        Where training stands.
    batch : tuple of tensors
        Rows, class numbers and weights of the rows.
    count : scalar int tensor
        Rows that count; those after them are padding.
    learning_rate : scalar tensor
        Of this step.
    numbers : Arguments
        The fit's numbers.
    """
    import tensorflow as tf

    shards = shards_of(key, batch, count)
    # One gradient of all shards, or one on each device.
    groups = [[shard] for shard in shards] if key.devices else [shards]
    slopes = []
    # A batch may have fewer rows than there are devices: the last ones then have none.
    for device, group in zip(key.devices or (None,), groups, strict=False):
        with tf.device(device):
            slopes.append(_slope(key, state, group, count, numbers))
    objectives, gradients, (statistics, *_) = zip(*slopes, strict=True)
    objective, gradient = tf.add_n(objectives), tf.add_n(gradients)
    if key.clips:
        gradient = clipped(key.spec, gradient, numbers.clipnorm)
    step = tf.cast(state.step + 1, tf.float32)
    trained, slots = updated(
        key, state, gradient, step, learning_rate, numbers, tf.math
    )
    ends = kernel_ends(key.spec)
    parts = norm_parts(ends, gradient, state.trained, trained)
    norms = tf.stack([tf.reduce_sum(tf.square(part)) for part in parts])
    flat = state.statistics
    if statistics:
        flat = tf.concat([tf.reshape(one, [-1]) for one in statistics], axis=0)
    after = State(trained, slots, flat, state.step + 1)
    return after, Report(objective, tf.constant(-1), norms)


def shards_of(key: ProgramKey, batch: Sequence[Any], count: Any) -> list[Shard]:
    """Cut a batch, and which of its rows are real, into what a program takes at once.

    Where a batch cannot be cut evenly, the last part is smaller.
    """
    import tensorflow as tf

    real = tf.cast(tf.range(key.batch_size) < count, tf.float32)
    if key.n_shards == 1:
        return [(0, (*batch, real))]  # a slice of all would be an operation more
    size = -(-key.batch_size // key.n_shards)
    return [
        (first, [part[first : first + size] for part in (*batch, real)])
        for first in range(0, key.batch_size, size)
    ]


def _slope(
    key: ProgramKey,
    state: State,
    shards: Sequence[Shard],
    count: Tensor,
    numbers: Arguments,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Compute the objective of some shards, its gradient, and the new statistics."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(state.trained)
        weights = _weights(key.spec, state)
        objective, statistics = objective_of(
            key, weights, shards, count, state.step, numbers
        )
    return objective, tape.gradient(objective, state.trained), statistics


def objective_of(
    key: ProgramKey,
    weights: list[Tensor],
    shards: Sequence[Shard],
    count: Any,
    step: Any,
    numbers: Arguments,
) -> tuple[Tensor, list[Tensor]]:
    """Return what a step goes down on, and the new moving statistics.

    The objectives of several groups of shards add up to that of the batch.
    """
    import tensorflow as tf

    total: Tensor = 0.0
    statistics: list[Tensor] = []
    # Each shard has a loss of its own, so that it can go back before the others have
    # come forth, while what it made is still in the cache.
    for first, rows in shards:
        loss, statistics = _loss(key, weights, rows, first, step, numbers)
        total += loss
    # Keras divides by the number of rows, not by the sum of their weights.
    objective = total / tf.cast(count, tf.float32)
    is_first = shards[0][0] == 0
    if key.penalizes and is_first:
        for weight in _kernels(key.spec, weights):
            objective += numbers.l1 * tf.reduce_sum(tf.abs(weight))
            objective += numbers.l2 * tf.reduce_sum(tf.square(weight))
    return objective, statistics


def updated(
    key: ProgramKey,
    state: State,
    gradient: Any,
    step: Any,
    learning_rate: Any,
    numbers: Arguments,
    math: Any,
) -> tuple[Any, tuple[Any, ...]]:
    """Return trained weights and slots after a step; steps are counted from one."""
    return UPDATE_RULES[key.optimizer].update(
        state.trained,
        gradient,
        state.slots,
        UpdateArguments(
            learning_rate,
            step,
            numbers.momentum,
            numbers.weight_decay,
            key.nesterov,
            math,
        ),
    )


def sizes(spec: NetworkSpec, *, trained: bool) -> list[int]:
    """Lengths of the arrays that a vector of the state is made of."""
    return [prod(w.shape) for w in spec.weight_shapes() if w.trained is trained]


def places_of(spec: NetworkSpec) -> list[Place]:
    """Return where each array of a network stands in the vectors of a state."""
    found, stops = [], {True: 0, False: 0}
    for weight in spec.weight_shapes():
        start = stops[weight.trained]
        stops[weight.trained] = stop = start + prod(weight.shape)
        found.append(Place(weight.trained, slice(start, stop), weight.shape))
    return found


def _in_order(
    spec: NetworkSpec, trained: Sequence[Any], statistics: Sequence[Any]
) -> list[tuple[Any, tuple[int, ...]]]:
    """Flat arrays in the network's order, each with its shape."""
    rest = {True: iter(trained), False: iter(statistics)}
    return [(next(rest[w.trained]), w.shape) for w in spec.weight_shapes()]


def _weights(spec: NetworkSpec, state: State) -> list[Tensor]:
    import tensorflow as tf

    trained = tf.split(state.trained, sizes(spec, trained=True))
    statistics = tf.split(state.statistics, sizes(spec, trained=False) or [0])
    found = _in_order(spec, trained, statistics)
    return [tf.reshape(flat, shape) for flat, shape in found]


def _loss(
    key: ProgramKey,
    weights: list[Tensor],
    rows: Sequence[Any],
    first: int,
    step: Tensor,
    numbers: Arguments,
) -> tuple[Tensor, list[Tensor]]:
    """Sum of the losses of some rows of a batch, and the new moving statistics."""
    import tensorflow as tf

    x, y, sample_weight, real = rows

    def keep(shape: tuple[int, ...], layer: int) -> Tensor:
        rate = numbers.dropout_rates[layer]
        return keep_scale(shape, rate, numbers.seed, layer, step, first)

    def draw(shape: tuple[int, ...], stream: int) -> Tensor:
        number = len(key.spec.dropout_rates) + stream
        return uniform(shape, numbers.seed, number, step, first)

    found = graph_forward(
        key.spec,
        weights,
        x,
        backend=key.backend,
        real=real,
        keep=keep,
        draw=draw,
    )
    losses = row_losses_graph(
        key.loss,
        found.logits,
        y,
        numbers.focal_gamma,
        numbers.label_smoothing,
        numbers.logit_shift,
    )
    loss = tf.reduce_sum(losses * sample_weight)
    if key.spec.activity_l2:
        loss += numbers.activity_l2 * found.activity
    return loss, found.moving


def _kernels(spec: NetworkSpec, weights: list[Tensor]) -> list[Tensor]:
    shapes = zip(weights, spec.weight_shapes(), strict=True)
    return [weight for weight, shape in shapes if shape.role == "kernel"]


def clipped(spec: NetworkSpec, gradient: Any, clipnorm: Any) -> Tensor:
    """Return the gradient, that of each array no longer than a norm."""
    import tensorflow as tf

    parts = tf.split(gradient, sizes(spec, trained=True))
    return tf.concat([tf.clip_by_norm(part, clipnorm) for part in parts], axis=0)


def kernel_ends(spec: NetworkSpec) -> tuple[slice, slice]:
    """Return where the first kernel stands among the trained weights, and the last."""
    pairs = zip(places_of(spec), spec.weight_shapes(), strict=True)
    kernels = [place.part for place, weight in pairs if weight.role == "kernel"]
    return kernels[0], kernels[-1]


def norm_parts(
    ends: tuple[slice, slice], gradient: Any, before: Any, after: Any
) -> list[Any]:
    """Return gradient and update of the first kernel, then of the last."""
    parts = []
    # Cut before anything is computed: between the two there may be a large layer.
    for part in ends:
        parts += [gradient[..., part], after[..., part] - before[..., part]]
    return parts
