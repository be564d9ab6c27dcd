"""One training step of a network shape, as a pure function of tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from skloss.networks.spec import NetworkSpec, WeightShape
from skloss.training.dropout import keep_scale
from skloss.training.graph import graph_forward
from skloss.training.kinds import Kind, shard_count
from skloss.training.losses import row_losses_graph
from skloss.training.optimizers import OPTIMIZERS, UpdateArguments

__all__ = ["Arguments", "Parts", "ProgramKey", "Report", "train_step"]

Tensor = Any


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
    loss: str
    kind: Kind

    @property
    def n_shards(self) -> int:
        """Parts of a batch that pass through the network by themselves."""
        return shard_count(self.spec, self.batch_size, self.kind)


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


class Parts(NamedTuple):
    """The state inside a program."""

    weights: list[Tensor]
    slots: list[Tensor]
    step: Tensor


def train_step(
    key: ProgramKey,
    state: Parts,
    batch: tuple[Tensor, Tensor, Tensor],
    count: Tensor,
    learning_rate: Tensor,
    numbers: Arguments,
) -> tuple[Parts, Report]:
    """Go one step down the gradient.

    Parameters
    ----------
    key : ProgramKey
        What is compiled.
    state : Parts
        Weights, slots and the number of the step.
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

    real = tf.cast(tf.range(key.batch_size) < count, tf.float32)
    size = key.batch_size // key.n_shards
    # Each shard has a loss of its own, so that it can go back before the others have
    # come forth, while what it made is still in the cache.
    shards = [
        _shard_gradients(
            key,
            state.weights,
            [part[first : first + size] for part in (*batch, real)],
            first,
            state.step,
            numbers,
        )
        for first in range(0, key.batch_size, size)
    ]
    moving = shards[0][2]
    sums = [(loss, gradients) for loss, gradients, _ in shards]
    return _update(key, state, sums, moving, count, learning_rate, numbers)


def _shard_gradients(
    key: ProgramKey,
    weights: list[Tensor],
    rows: list[Tensor],
    first: int,
    step: Tensor,
    numbers: Arguments,
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Sum of the losses of some rows of a batch, its gradients, moving statistics."""
    import tensorflow as tf

    shapes = key.spec.weight_shapes()
    trained = _trained(weights, shapes)
    x, y, sample_weight, real = rows

    def keep(shape: tuple[int, ...], layer: int) -> Tensor:
        rate = numbers.dropout_rates[layer]
        return keep_scale(shape, rate, numbers.seed, layer, step, first)

    with tf.GradientTape() as tape:
        tape.watch(trained)
        found = graph_forward(
            key.spec,
            _merged(trained, weights, shapes),
            x,
            native=key.kind != "xla",
            real=real,
            keep=keep,
        )
        losses = row_losses_graph(
            key.loss, found.logits, y, numbers.focal_gamma, numbers.label_smoothing
        )
        loss = tf.reduce_sum(losses * sample_weight)
        if key.spec.activity_l2:
            loss += numbers.activity_l2 * found.activity
    return loss, tape.gradient(loss, trained), found.moving


def _update(
    key: ProgramKey,
    state: Parts,
    sums: list[tuple[Tensor, list[Tensor]]],
    moving: list[Tensor],
    count: Tensor,
    learning_rate: Tensor,
    numbers: Arguments,
) -> tuple[Parts, Report]:
    """Add up the shards and the penalties, and apply the optimizer's rule."""
    import tensorflow as tf

    shapes = key.spec.weight_shapes()
    trained = _trained(state.weights, shapes)
    kernels = [shape.role == "kernel" for shape in shapes if shape.trained]
    # Keras divides by the number of rows, not by the sum of their weights.
    per_row = 1 / tf.cast(count, tf.float32)
    objective = per_row * sum(loss for loss, _ in sums)
    gradients = [
        per_row * sum(parts)
        for parts in zip(*(gradients for _, gradients in sums), strict=True)
    ]
    if key.penalizes:
        for i, weight in enumerate(trained):
            if kernels[i]:
                objective += numbers.l1 * tf.reduce_sum(tf.abs(weight))
                objective += numbers.l2 * tf.reduce_sum(tf.square(weight))
                gradients[i] += numbers.l1 * tf.sign(weight) + 2 * numbers.l2 * weight
    if key.clips:
        gradients = [tf.clip_by_norm(g, numbers.clipnorm) for g in gradients]
    rule = OPTIMIZERS[key.optimizer]
    arguments = UpdateArguments(
        learning_rate,
        tf.cast(state.step + 1, tf.float32),
        numbers.momentum,
        numbers.weight_decay,
        key.nesterov,
    )
    new: list[Tensor] = []
    slots: list[Tensor] = []
    for i, (weight, gradient) in enumerate(zip(trained, gradients, strict=True)):
        own = tuple(state.slots[i * rule.n_slots : (i + 1) * rule.n_slots])
        updated, own = rule.update(weight, gradient, own, arguments)
        new.append(updated)
        slots += own
    first, last = kernels.index(True), len(kernels) - 1 - kernels[::-1].index(True)
    norms = [
        tf.reduce_sum(tf.square(change))
        for i in (first, last)
        for change in (gradients[i], new[i] - trained[i])
    ]
    weights = _merged(new, moving, shapes)
    report = Report(objective, tf.constant(-1), tf.stack(norms))
    return Parts(weights, slots, state.step + 1), report


def _trained(weights: Sequence[Tensor], shapes: Sequence[WeightShape]) -> list[Tensor]:
    return [w for w, shape in zip(weights, shapes, strict=True) if shape.trained]


def _merged(
    trained: Sequence[Tensor], others: Sequence[Tensor], shapes: Sequence[WeightShape]
) -> list[Tensor]:
    """All weights in order: the trained ones, and of the others those that are not."""
    if len(others) == len(shapes):
        others = [w for w, s in zip(others, shapes, strict=True) if not s.trained]
    from_trained, from_others = iter(trained), iter(others)
    return [next(from_trained if s.trained else from_others) for s in shapes]
