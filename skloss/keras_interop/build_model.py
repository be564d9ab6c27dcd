"""A real Keras model from a spec, for whoever wants to export or inspect one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.keras_interop.keras_start import start_keras
from skloss.keras_interop.series_front import series_front
from skloss.networks.spec import (
    Augment,
    BatchNorm,
    Branches,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    NetworkSpec,
    SeriesScale,
    SlidingMax,
)
from skloss.python_random import python_random_kept

if TYPE_CHECKING:
    import keras

__all__ = ["build_keras_model"]


def build_keras_model(
    spec: NetworkSpec,
    weights: Sequence[np.ndarray] | None = None,
    seed: int | None = None,
) -> "keras.Sequential":
    """Build the spec as a ``keras.Sequential`` whose output is the logits.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray, optional
        Weights to set, in the order of ``spec.weight_shapes()``. The two arrays of a
        `SeriesScale` become settings of a ``Normalization``.
    seed : int, optional
        Seed of the dropout layers.

    Returns
    -------
    keras.Sequential
        Built, not compiled. Train it with a loss that has ``from_logits=True``.
    """
    start_keras()
    import keras

    with python_random_kept():  # Keras draws a seed for each layer
        builder = _Builder(spec, None if weights is None else list(weights), seed)
        model = keras.Sequential([keras.Input(spec.input_shape), *builder.layers()])
        builder.set_weights()
    return model


class _Builder:
    """Makes Keras layers, and remembers which of them own which weights."""

    def __init__(
        self, spec: NetworkSpec, weights: list[np.ndarray] | None, seed: int | None
    ) -> None:
        self.spec, self.weights, self.seed = spec, weights, seed
        self.owners: list[Any] = []

    def layers(self) -> list[Any]:
        """All layers, unbuilt."""
        spec, made = self.spec, []
        penalized = spec.activity_penalized()
        for layer, shape, is_penalized in zip(
            spec.layers, spec.shapes(), penalized, strict=False
        ):
            made += self.of(layer, shape, spec.activity_l2 if is_penalized else 0.0)
            self.seed = None if self.seed is None else self.seed + 1
        return made

    def of(self, layer: Layer, shape: tuple[int, ...], activity_l2: float) -> list[Any]:
        """Keras layers of a layer on rows of a shape."""
        if isinstance(layer, SeriesScale):
            return [self._front(layer)]
        if isinstance(layer, Branches):
            return [self._branches(layer, shape)]
        made = _keras_layers(layer, self.spec, activity_l2, self.seed)
        if layer.weight_shapes(shape):
            self.owners.append(made[0])
        return made

    def set_weights(self) -> None:
        """Give each layer its own of the weights."""
        if self.weights is None:
            return
        rest = iter(self.weights)
        for owner in self.owners:
            owner.set_weights([next(rest) for _ in owner.weights])

    def _front(self, layer: SeriesScale) -> "keras.Model":
        shape = self.spec.input_shape
        center, spread = None, None
        if layer.moments and self.weights is None:
            center, spread = np.zeros(2 * shape[1]), np.ones(2 * shape[1])
        elif layer.moments and self.weights is not None:
            center, spread = self.weights.pop(0), self.weights.pop(0)
        return series_front(shape, center, spread)

    def _branches(self, layer: Branches, shape: tuple[int, ...]) -> "keras.Model":
        import keras

        start, ends = keras.Input(shape), []
        for chain in layer.chains:
            end, at = start, shape
            for inner in chain:
                for made in self.of(inner, at, 0.0):
                    end = made(end)
                at = inner.output_shape(at)
            ends.append(end)
        kinds = {"sum": keras.layers.Add, "concat": keras.layers.Concatenate}
        joined = kinds[layer.joined]()(ends)
        return keras.Model(start, keras.layers.Activation(layer.activation)(joined))


def _keras_layers(
    layer: Layer,
    spec: NetworkSpec,
    activity_l2: float,
    seed: int | None,
) -> list[Any]:
    from keras import layers as kl
    from keras import regularizers

    kernel = regularizers.L1L2(spec.l1, spec.l2) if spec.l1 or spec.l2 else None
    activity = regularizers.L2(activity_l2) if activity_l2 else None
    match layer:
        case Dense():
            return [
                kl.Dense(
                    layer.units,
                    activation=layer.activation,
                    use_bias=layer.use_bias,
                    kernel_regularizer=kernel,
                    activity_regularizer=activity,
                )
            ]
        case Conv1D():
            return [
                kl.Conv1D(
                    layer.filters,
                    layer.kernel_size,
                    padding=layer.padding,
                    activation=layer.activation,
                    use_bias=layer.use_bias,
                    kernel_regularizer=kernel,
                    activity_regularizer=activity,
                )
            ]
        case BatchNorm():
            return [
                kl.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon),
                kl.Activation(layer.activation, activity_regularizer=activity),
            ]
        case Dropout():
            return [kl.Dropout(layer.rate, seed=seed)]
        case MaxPool():
            return [kl.MaxPooling1D(layer.size)]
        case GlobalPool(pooling="average"):
            return [kl.GlobalAveragePooling1D()]
        case GlobalPool():
            return [kl.GlobalMaxPooling1D()]
        case Flatten():
            return [kl.Flatten()]
        case Augment():  # which does nothing but in training by skloss
            return []
        case SlidingMax():
            return [kl.MaxPooling1D(layer.size, strides=1, padding="same")]
        case _:
            raise TypeError(f"{type(layer).__name__} is no single layer of Keras.")
