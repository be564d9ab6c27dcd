"""A real Keras model from a spec, for whoever wants to export or inspect one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.keras_interop.keras_start import start_keras
from skloss.networks.spec import (
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    NetworkSpec,
)
from skloss.python_random import python_random_kept

if TYPE_CHECKING:
    import keras

__all__ = ["build_keras_model", "build_mean_model"]


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
        Weights to set, in the order of ``spec.weight_shapes()``.
    seed : int, optional
        Seed of the dropout layers.

    Returns
    -------
    keras.Sequential
        Built, not compiled. Train it with a loss that has ``from_logits=True``.
    """
    start_keras()
    import keras

    if weights is not None:
        with python_random_kept():  # Keras draws a seed for each layer
            model = build_keras_model(spec, None, seed)
        model.set_weights(list(weights))
        return model
    layers = [keras.Input(spec.input_shape)]
    for layer, penalized in zip(spec.layers, spec.activity_penalized(), strict=True):
        penalty = spec.activity_l2 if penalized else 0.0
        layers += _keras_layers(layer, spec, penalty, seed)
        seed = None if seed is None else seed + 1
    return keras.Sequential(layers)


def build_mean_model(
    spec: NetworkSpec, members: Sequence[Sequence[np.ndarray]]
) -> "keras.Model":
    """Build networks of one shape as a model of the logits of their mean probability.

    Parameters
    ----------
    spec : NetworkSpec
        The network of each member.
    members : sequence of sequence of ndarray
        Weights of each member. Of a single one the model is the network itself.

    Returns
    -------
    keras.Model
        Built, not compiled.
    """
    models = [build_keras_model(spec, weights) for weights in members]
    if len(models) == 1:
        return models[0]
    import keras
    from keras import ops

    inputs = keras.Input(spec.input_shape)
    with python_random_kept():
        logits = ops.stack([model(inputs) for model in models], axis=-1)
        if spec.n_outputs == 1:
            # Logarithms all the way, so that small probabilities keep their digits.
            positive = ops.logsumexp(ops.log_sigmoid(logits), axis=-1)
            outputs = positive - ops.logsumexp(ops.log_sigmoid(-logits), axis=-1)
        else:
            chances = ops.log_softmax(logits, axis=1)
            outputs = ops.logsumexp(chances, axis=-1) - float(np.log(len(models)))
        return keras.Model(inputs, outputs)


def _keras_layers(
    layer: Layer, spec: NetworkSpec, activity_l2: float, seed: int | None
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
