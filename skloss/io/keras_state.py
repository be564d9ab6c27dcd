"""The fitted state of a ``KerasClassifier``, without its Keras model."""

from dataclasses import replace
from typing import Any

from skloss.io.nodes import NodeError
from skloss.keras_interop import build_keras_model

__all__ = ["KERAS_PARTS", "keras_parts", "restore_keras"]

# Made again from the network, or from the labels.
KERAS_PARTS = frozenset(
    {
        "_model",
        "_packed",
        "_keras_network",
        "_fit_callbacks",
        "_predict_callbacks",
        "_loss",
        "target_encoder_",
        "feature_encoder_",
    }
)


class NetworkModel:
    """The Keras model of a classifier that was loaded, built when it is asked for."""

    def __init__(self, estimator: Any) -> None:
        self._fitted, self._loss = estimator._fitted, estimator._loss

    def unpack(self) -> Any:
        """Build the network with its weights; it is not compiled."""
        import keras

        network = self._fitted.network
        model = build_keras_model(network, self._fitted.result.weights)
        if not self._loss.from_logits:
            kind = "sigmoid" if network.n_outputs == 1 else "softmax"
            model.add(keras.layers.Activation(kind))
        return model


def keras_parts(estimator: Any) -> dict[str, Any]:
    """Return what a file holds of a fitted `KerasClassifier`; nothing of others.

    Raises
    ------
    NodeError
        If the network is known to Keras alone.
    """
    if type(estimator).__name__ != "KerasClassifier" or not estimator.initialized_:
        return {}
    fitted = vars(estimator).get("_fitted")
    if fitted is None or fitted.network is None:
        reason = estimator.record_.outcome.get("program_reason")
        raise NodeError(
            f"keras.Model.fit has trained its network ({reason}), and a file of skloss "
            "holds networks of its own engine only; save the network by Keras, as "
            "classifier.model_.save('model.keras')"
        )
    return {"_loss": replace(estimator._loss, function=None)}


def restore_keras(estimator: Any) -> None:
    """Make again what `keras_parts` left out."""
    if type(estimator).__name__ != "KerasClassifier" or "_loss" not in vars(estimator):
        return
    estimator._packed = NetworkModel(estimator)
    estimator.target_encoder_ = estimator.target_encoder.fit(estimator.classes_)
    estimator.feature_encoder_ = estimator.feature_encoder.fit(None)
