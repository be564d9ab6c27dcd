"""A real Keras model from a spec, for whoever wants to export or inspect one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.keras_interop.keras_start import start_keras
from skloss.keras_interop.own_layers import own_layer
from skloss.networks.layers import Layer
from skloss.networks.spec import NetworkSpec
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
    return _Twin(keras, spec, seed).sequence(spec.layers, spec.input_shape)


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


class _Twin:
    """What the layers are built with."""

    def __init__(self, keras: Any, spec: NetworkSpec, seed: int | None) -> None:
        self.keras = keras
        self.kernel = (
            keras.regularizers.L1L2(spec.l1, spec.l2) if spec.l1 or spec.l2 else None
        )
        self._spec, self._seed = spec, seed

    def activity(self, layer: Layer) -> Any:
        if not (self._spec.activity_l2 and self._spec.penalizes(layer)):
            return None
        return self.keras.regularizers.L2(self._spec.activity_l2)

    def seed(self) -> int | None:
        seed = self._seed
        self._seed = None if seed is None else seed + 1
        return seed

    def own_layer(self, name: str, **options: Any) -> Any:
        return own_layer(name, **options)

    def sequence(self, layers: Sequence[Layer], shape: tuple[int, ...]) -> Any:
        built = [self.keras.Input(shape)]
        for layer in layers:
            built += layer.build(shape, self)
            shape = layer.output_shape(shape)
        return self.keras.Sequential(built)
