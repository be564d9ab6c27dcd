"""A Keras model as plain data: its configuration, its weights as arrays, and back."""

from copy import deepcopy
from dataclasses import dataclass
from pickle import PicklingError
from typing import Any

import numpy as np

from skloss.protocols import KerasModel

__all__ = ["PackedModel", "pack_model"]


@dataclass(frozen=True)
class PackedModel:
    """What a model is made of, with nothing of TensorFlow in it."""

    configuration: dict[str, Any]
    weights: list[np.ndarray]
    optimizer_state: list[np.ndarray]

    def unpack(self) -> Any:
        """Build the model again, compiled if its loss and optimizer can be found."""
        try:
            model = _build(self.configuration)
        except Exception:
            bare = {**self.configuration, "compile_config": None}
            return self._with_weights(_build(bare))
        model = self._with_weights(model)
        if model.compiled and self.optimizer_state:
            model.optimizer.build(model.trainable_variables)
            states = zip(model.optimizer.variables, self.optimizer_state, strict=True)
            for variable, value in states:
                variable.assign(value)
        return model

    def _with_weights(self, model: KerasModel) -> Any:
        model.set_weights(self.weights)
        return model


def pack_model(model: KerasModel) -> PackedModel:
    """Take a built model apart.

    Raises
    ------
    pickle.PicklingError
        If Keras cannot build the model again from its configuration.

    Examples
    --------
    >>> import keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> packed = pack_model(model)
    >>> [array.shape for array in packed.weights]
    [(3, 2), (2,)]
    >>> packed.unpack().count_params()
    8
    """
    import keras

    optimizer = getattr(model, "optimizer", None) if model.compiled else None
    used = optimizer.variables if optimizer is not None and optimizer.built else ()
    try:
        packed = PackedModel(
            configuration=keras.saving.serialize_keras_object(model),
            weights=model.get_weights(),
            optimizer_state=[np.asarray(variable) for variable in used],
        )
        packed.unpack()
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise PicklingError(
            f"The network {model.name!r} cannot be pickled, because Keras cannot build "
            f"it again from its configuration ({type(error).__name__}: {reason}): give "
            "each class of yours in it a get_config, and put the class at the top of a "
            "module."
        ) from error
    return packed


def _build(configuration: dict[str, Any]) -> Any:
    import keras

    # Keras writes into what it reads. A pickle runs code anyway, so that refusing
    # lambdas would protect nobody.
    return keras.saving.deserialize_keras_object(
        deepcopy(configuration), safe_mode=False
    )
