"""The gradient of a table's network in NumPy, layer by layer.

An operation of NumPy takes a microsecond on the small arrays of such a network. To
compile a program takes as long as some thousand steps of these, and to import
TensorFlow longer still. So short fits need neither.

Several networks of one shape, stacked along a first axis of all arrays, share what it
costs to call an operation.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skloss.networks.activations import ACTIVATIONS, READ_BY_INPUTS, SLOPES
from skloss.networks.layers import Dense, Dropout
from skloss.networks.numpy_forward import Run
from skloss.networks.spec import NetworkSpec
from skloss.training.dropout import keep_scale
from skloss.training.losses import loss_name, row_slopes
from skloss.training.step import Arguments, Place, ProgramKey, State

__all__ = ["slope_by_numpy"]

Array = np.ndarray
Back = Callable[[Array], Array]


def slope_by_numpy(
    key: ProgramKey,
    places: Sequence[Place],
    state: State,
    batch: Sequence[Array],
    numbers: Arguments,
) -> tuple[Array, Array]:
    """Return the objective of a step, and its gradient in the order of the state.

    Parameters
    ----------
    key : ProgramKey
        Its network ``is_dense``.
    places : sequence of Place
        Those of its weights.
    state : State
        Where training stands; of several networks a stack, with steps ``(n, 1)``.
    batch : sequence of ndarray
        Rows, class numbers and weights of the rows.
    numbers : Arguments
        The fit's numbers; of several networks those that differ are stacks.
    """
    x, y, sample_weight = batch
    count = np.float32(y.shape[-1])
    steps = _Steps(key.spec, places, state, numbers, count)
    logits = steps.forth(x)
    loss = loss_name(key.loss)
    shifted = logits
    if loss == "logit_adjusted":
        shifted = logits + numbers.logit_shift[..., None, :]
    losses, slopes = row_slopes(
        loss,
        shifted.reshape(-1, logits.shape[-1]),  # whichever network a row is of
        y.ravel(),
        numbers.focal_gamma,
        numbers.label_smoothing,
    )
    share = sample_weight / count
    steps.back(slopes.reshape(logits.shape) * share[..., None])
    losses = losses.reshape(y.shape)
    objective = np.vecdot(losses, sample_weight) / count + steps.penalty
    if key.penalizes:
        objective = objective + _penalize(steps.kernels, numbers)
    return objective, steps.gradient


class _Steps:
    """The way of a batch forth through the layers, and back."""

    def __init__(
        self,
        spec: NetworkSpec,
        places: Sequence[Place],
        state: State,
        numbers: Arguments,
        count: np.float32,
    ) -> None:
        self.gradient = np.empty_like(state.trained)
        self.kernels: list[tuple[Array, Array]] = []
        self.penalty: Any = np.float32(0)
        self._spec, self._numbers, self._count = spec, numbers, count
        self._step = state.step
        self._backs: list[Back] = []
        self._n_dropouts = 0
        vectors = {True: state.trained, False: state.statistics}
        lead = self._lead = state.trained.shape[:-1]  # networks, if it is a stack
        self._run = Run(
            spec,
            [vectors[p.trained][..., p.part].reshape(lead + p.shape) for p in places],
        )
        self._slopes = iter(
            [
                self.gradient[..., p.part].reshape(lead + p.shape)
                for p in places
                if p.trained
            ]
        )

    def forth(self, x: Array) -> Array:
        """Logits of the batch."""
        for layer in self._spec.layers:
            if isinstance(layer, Dense):
                x = self._dense(layer, x)
            elif isinstance(layer, Dropout):
                x = self._dropout(layer, x)
            else:  # before the first that is trained
                x = layer.numpy(x, self._run)
        return x

    def back(self, slope: Array) -> None:
        """Fill the gradient; ``slope`` is that of the logits, and may be changed."""
        for back in reversed(self._backs):
            slope = back(slope)

    def _dense(self, layer: Dense, x: Array) -> Array:
        kernel, of_kernel = self._run.take(), next(self._slopes)
        self.kernels.append((kernel, of_kernel))
        z = self._run.product(x, kernel)
        if layer.use_bias:
            z += self._run.take()[..., None, :]
            of_bias = next(self._slopes)
        name = layer.activation
        inputs = z.copy() if name in READ_BY_INPUTS else z
        outputs = ACTIVATIONS[name](z)
        penalized = self._penalized(layer, outputs)
        is_first = not self._backs

        def back(slope: Array) -> Array:
            if penalized is not None:
                slope += penalized
            if name != "linear":
                slope *= SLOPES[name](inputs, outputs)
            np.matmul(x.mT, slope, out=of_kernel)
            if layer.use_bias:
                np.add.reduce(slope, axis=-2, out=of_bias)
            return slope if is_first else slope @ kernel.mT

        self._backs.append(back)
        return outputs

    def _dropout(self, layer: Dropout, x: Array) -> Array:
        number = self._n_dropouts
        self._n_dropouts += 1
        rate = self._numbers.dropout_rates[number]
        seeds, steps = np.ravel(self._numbers.seed), np.ravel(self._step)
        n_rows, *values = x.shape[len(self._lead) :]
        shape = (n_rows, *layer.masked_shape(tuple(values)))
        masks = [
            keep_scale(shape, rate, seed, number, step)
            for seed, step in zip(seeds, steps, strict=True)
        ]
        scale = np.stack(masks).reshape(self._lead + shape)
        if self._backs:
            self._backs.append(lambda slope: slope * scale)
        return x * scale

    def _penalized(self, layer: Dense, outputs: Array) -> Array | None:
        """Add the penalty of a layer's outputs; return its slope."""
        if not (self._spec.activity_l2 and self._spec.penalizes(layer)):
            return None
        share = self._numbers.activity_l2 / self._count
        self.penalty = self.penalty + share * np.square(outputs).sum(axis=(-2, -1))
        return 2 * share * outputs


def _penalize(kernels: list[tuple[Array, Array]], numbers: Arguments) -> Any:
    """Add the penalties of kernels to their slopes; return their sum."""
    total: Any = np.float32(0)
    for kernel, slope in kernels:
        slope += numbers.l1 * np.sign(kernel) + 2 * numbers.l2 * kernel
        total = total + numbers.l1 * np.abs(kernel).sum(axis=(-2, -1))
        total = total + numbers.l2 * np.square(kernel).sum(axis=(-2, -1))
    return total
