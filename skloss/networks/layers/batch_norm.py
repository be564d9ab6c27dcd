"""Batch normalization."""

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from skloss.networks.activations import ACTIVATIONS, activate
from skloss.networks.layers.keras_options import need, single, unusual
from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
    WeightShape,
)
from skloss.protocols import KerasLayer, Tensor

__all__ = ["BatchNorm"]


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalization over the last axis, then an activation.

    Momentum 0.9, not Keras' 0.99: with few steps the moving averages of 0.99 lag so far
    behind that the validation loss of the untrained network is never beaten.
    """

    kind: ClassVar[Any] = "batch_norm"
    keras_names: ClassVar[tuple[str, ...]] = ("BatchNormalization",)

    activation: str = "linear"
    momentum: float = 0.9
    epsilon: float = 1e-3

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        size = (shape[-1],)
        return [
            WeightShape("gamma", size),
            WeightShape("beta", size),
            WeightShape("moving_mean", size),
            WeightShape("moving_variance", size),
        ]

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        gamma, beta, mean, variance = (run.take() for _ in range(4))
        if run.rng is not None:
            axes = tuple(range(x.ndim - 1))
            mean, variance = x.mean(axis=axes), x.var(axis=axes)
        scale = gamma / np.sqrt(variance + np.float32(self.epsilon))
        return ACTIVATIONS[self.activation](x * scale + (beta - mean * scale))

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        gamma, beta, *statistics = (run.take() for _ in range(4))
        if run.real is not None:
            batch = _moments(tf, x, run.real)
            run.note_moving(
                [
                    self.momentum * old + (1 - self.momentum) * new
                    for old, new in zip(statistics, batch, strict=True)
                ]
            )
            statistics = list(batch)
        scale = gamma * tf.math.rsqrt(statistics[1] + self.epsilon)
        x = x * scale + (beta - statistics[0] * scale)
        return activate(tf, self.activation, x)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        kinds = twin.keras.layers
        return [
            kinds.BatchNormalization(momentum=self.momentum, epsilon=self.epsilon),
            kinds.Activation(self.activation, activity_regularizer=twin.activity(self)),
        ]

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "BatchNorm":
        """Read a layer of Keras."""
        names = ("beta_regularizer", "gamma_regularizer", "beta_constraint")
        need(layer, center=True, scale=True, synchronized=False, gamma_constraint=None)
        need(layer, **dict.fromkeys(names))
        if single(layer, "axis") not in (-1, len(shape)):
            raise unusual(layer, "axis", layer.axis)
        return cls(momentum=float(layer.momentum), epsilon=float(layer.epsilon))


def _moments(tf: Any, x: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance per channel over the real rows."""
    axes = tuple(range(len(x.shape) - 1))
    mask = tf.reshape(real, (-1,) + (1,) * len(axes))
    count = tf.reduce_sum(real) * float(prod(x.shape[1:-1]))
    mean = tf.reduce_sum(x * mask, axis=axes) / count
    centered = (x - mean) * mask
    return mean, tf.reduce_sum(centered * centered, axis=axes) / count
