"""The gradient of a table's network in NumPy, layer by layer.

An operation of NumPy takes a microsecond on the small arrays of such a network. To
compile a program takes as long as some thousand steps of these, and to import
TensorFlow longer still. So short fits need neither.
"""

from collections.abc import Callable, Sequence

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
) -> tuple[float, Array]:
    """Return the objective of a step, and its gradient in the order of the state.

    Parameters
    ----------
    key : ProgramKey
        Its network ``is_dense``.
    places : sequence of Place
        Those of its weights.
    state : State
        Where training stands.
    batch : sequence of ndarray
        Rows, class numbers and weights of the rows, without padding.
    numbers : Arguments
        The fit's numbers.
    """
    x, y, sample_weight = batch
    count = np.float32(len(x))
    steps = _Steps(key.spec, places, state, numbers, count)
    logits = steps.forth(x)
    losses, slopes = row_slopes(
        loss_name(key.loss),
        logits,
        y,
        numbers.focal_gamma,
        numbers.label_smoothing,
        numbers.logit_shift,
    )
    steps.back(slopes * (sample_weight / count)[:, None])
    objective = float(np.vdot(losses, sample_weight) / count) + steps.penalty
    if key.penalizes:
        objective += _penalize(steps.kernels, numbers)
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
        self.penalty = 0.0
        self._spec, self._numbers, self._count = spec, numbers, count
        self._step = state.step
        self._backs: list[Back] = []
        self._n_dropouts = 0
        vectors = {True: state.trained, False: state.statistics}
        self._run = Run(
            spec, [vectors[p.trained][p.part].reshape(p.shape) for p in places]
        )
        self._slopes = iter(
            [self.gradient[p.part].reshape(p.shape) for p in places if p.trained]
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
            z += self._run.take()
            of_bias = next(self._slopes)
        name = layer.activation
        inputs = z.copy() if name in READ_BY_INPUTS else z
        outputs = ACTIVATIONS[name](z)
        penalized = self._penalized(layer, outputs)
        is_first = not self._backs

        def back(slope: Array) -> Array:
            if penalized:
                slope += outputs * penalized
            if name != "linear":
                slope *= SLOPES[name](inputs, outputs)
            np.matmul(x.T, slope, out=of_kernel)
            if layer.use_bias:
                np.add.reduce(slope, axis=0, out=of_bias)
            return slope if is_first else slope @ kernel.T

        self._backs.append(back)
        return outputs

    def _dropout(self, layer: Dropout, x: Array) -> Array:
        number = self._n_dropouts
        self._n_dropouts += 1
        rate, seed = self._numbers.dropout_rates[number], self._numbers.seed
        shape = (len(x), *layer.masked_shape(x.shape[1:]))
        scale = keep_scale(shape, rate, seed, number, self._step)
        if self._backs:
            self._backs.append(lambda slope: slope * scale)
        return x * scale

    def _penalized(self, layer: Dense, outputs: Array) -> np.float32 | None:
        """Add the penalty of a layer's outputs; return what its slope is times them."""
        if not (self._spec.activity_l2 and self._spec.penalizes(layer)):
            return None
        share = self._numbers.activity_l2 / self._count
        self.penalty += float(share * np.square(outputs).sum())
        return np.float32(2 * share)


def _penalize(kernels: list[tuple[Array, Array]], numbers: Arguments) -> float:
    """Add the penalties of kernels to their slopes; return their sum."""
    total = 0.0
    for kernel, slope in kernels:
        slope += numbers.l1 * np.sign(kernel) + 2 * numbers.l2 * kernel
        total += float(numbers.l1 * np.abs(kernel).sum())
        total += float(numbers.l2 * np.vdot(kernel, kernel))
    return total
