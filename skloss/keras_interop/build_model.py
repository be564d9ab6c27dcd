"""A real Keras model from a spec, for whoever wants to export or inspect one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.keras_interop.keras_start import start_keras
from skloss.keras_interop.series_front import series_front
from skloss.networks.spec import (
    Augment,
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    NetworkSpec,
    SeriesScale,
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

    given = None if weights is None else list(weights)
    if given is None:
        return keras.Sequential(_layers(spec, given, seed))
    with python_random_kept():  # Keras draws a seed for each layer
        model = keras.Sequential(_layers(spec, given, seed))
    model.set_weights(given)
    return model


def _layers(
    spec: NetworkSpec, weights: list[np.ndarray] | None, seed: int | None
) -> list[Any]:
    """Layers for ``keras.Sequential``; takes off weights that Keras has as settings."""
    import keras

    layers: list[Any] = [keras.Input(spec.input_shape)]
    for layer, penalized in zip(spec.layers, spec.activity_penalized(), strict=True):
        penalty = spec.activity_l2 if penalized else 0.0
        layers += _keras_layers(layer, spec, penalty, seed, weights)
        seed = None if seed is None else seed + 1
    return layers


def _front(
    layer: SeriesScale, spec: NetworkSpec, weights: list[np.ndarray] | None
) -> "keras.Model":
    shapes = layer.weight_shapes(spec.input_shape)
    if not shapes:
        return series_front(spec.input_shape, None, None)
    if weights is None:
        center, spread = np.zeros(shapes[0].shape), np.ones(shapes[1].shape)
    else:
        center, spread = weights.pop(0), weights.pop(0)
    return series_front(spec.input_shape, center, spread)


def _keras_layers(
    layer: Layer,
    spec: NetworkSpec,
    activity_l2: float,
    seed: int | None,
    weights: list[np.ndarray] | None,
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
        case SeriesScale():
            return [_front(layer, spec, weights)]
