"""A Keras model as what curves are measured on: outputs, probabilities, losses."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from skloss.keras_interop.compiled_settings import CompiledLoss
from skloss.keras_interop.keras_start import need_keras_on_tensorflow
from skloss.protocols import KerasLayer, KerasModel, Tensor
from skloss.training.calibration import AS_TRAINED, Calibration
from skloss.training.losses import SMALLEST, clipped_crossentropy, row_losses
from skloss.training.outputs import output_probabilities, probabilities

__all__ = ["KerasNetwork"]

_BLOCK = 256


@dataclass(eq=False)
class KerasNetwork:
    """A compiled Keras model of one output, called in inference mode.

    Parameters
    ----------
    model : keras.Model
        With weights; they are read at every call.
    loss : CompiledLoss
        What it was compiled with.
    n_classes : int
        Number of classes.
    n_units : int
        Number of values that it gives for a row.
    prepare : callable
        From rows as scikit-learn has them to what the model takes.
    calibration : Calibration
        Of the probabilities; the model itself stays as it was trained.
    """

    model: KerasModel
    loss: CompiledLoss
    n_classes: int
    n_units: int
    prepare: Callable[[np.ndarray], Any]
    calibration: Calibration = AS_TRAINED
    _forward: Callable[[Any], Any] | None = field(default=None, init=False)

    @property
    def is_crossentropy(self) -> bool:
        """Whether the loss is the cross-entropy, in nats, of the probabilities."""
        return self.loss.is_crossentropy and self.calibration.changes_nothing

    @property
    def n_parameters(self) -> int:
        """Number of trained numbers."""
        return sum(prod(w.shape) for w in self.model.trainable_weights)

    @property
    def n_multiplications(self) -> int:
        """Multiplications for one row, roughly: each weight at each step of time."""
        return max(1, sum(_multiplications(layer) for layer in self.model.layers))

    def outputs(self, X: np.ndarray, weights: Any = None) -> np.ndarray:
        """Call the model on rows in inference mode; ``(n, n_units)``.

        The model has its weights, so that those given are not read.
        """
        need_keras_on_tensorflow("KerasClassifier")
        parts = [
            self._call(X[start : start + _BLOCK]) for start in range(0, len(X), _BLOCK)
        ]
        found = np.concatenate(parts) if parts else np.empty((0, self.n_units))
        return found.reshape(len(X), -1)

    def prepared(self, X: np.ndarray) -> Any:
        """Rows as the model takes them."""
        return self.prepare(X)

    def logits(self, outputs: np.ndarray) -> np.ndarray:
        """Logits ``(n, n_units)`` of outputs, without the calibration."""
        if self.loss.from_logits:
            return outputs
        chances = output_probabilities(outputs, from_logits=False)
        logs = np.log(np.maximum(chances, SMALLEST))
        return logs[:, 1:] - logs[:, :1] if self.n_units == 1 else logs

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, n_classes)`` of outputs."""
        if self.calibration.changes_nothing:
            return output_probabilities(outputs, from_logits=self.loss.from_logits)
        return probabilities(self.calibration.logits(self.logits(outputs)))

    def targets(self, codes: np.ndarray) -> np.ndarray:
        """Class numbers in the form that the loss takes."""
        if self.n_units == 1 or self.loss.takes_codes or not self.loss.is_of_keras:
            return codes.astype(np.float32)[:, None]
        return np.eye(self.n_classes, dtype=np.float32)[codes]

    def row_losses(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Loss of each row, or its cross-entropy where the loss is one of batches."""
        function = self.loss.function
        if function is not None:
            given = self.targets(codes), outputs.astype(np.float32)
            found = np.asarray(function(*given), np.float64)
            if len(found.shape) and len(found) == len(codes):
                return found.reshape(len(codes), -1).mean(axis=1)
        raw = replace(self, calibration=AS_TRAINED)
        return clipped_crossentropy(raw.probabilities(outputs), codes)

    def crossentropy(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Cross-entropy of each row, whatever the model was compiled with."""
        if self.loss.from_logits:
            logits = self.calibration.logits(outputs)
            return row_losses("crossentropy", logits, codes)
        return clipped_crossentropy(self.probabilities(outputs), codes)

    def _call(self, X: np.ndarray) -> np.ndarray:
        given = self.prepare(X)
        if self._forward is None:
            self._forward = self._traced(given)
        return np.asarray(self._forward(given))

    def _traced(self, given: Any) -> Callable[[Any], Any]:
        """Trace the model for any number of rows such as these.

        It is not compiled by XLA, which would compile anew for each number of rows.
        """
        import tensorflow as tf

        def forward(x: Tensor) -> Any:
            return self.model(x, training=False)

        signature = tf.nest.map_structure(
            lambda part: tf.TensorSpec((None, *part.shape[1:]), part.dtype), given
        )
        traced = tf.function(forward, autograph=False)
        concrete = traced.get_concrete_function(signature)
        return lambda x: concrete(tf.nest.map_structure(tf.convert_to_tensor, x))


def _multiplications(layer: KerasLayer) -> int:
    try:
        shapes = layer.input.shape[1:-1], layer.output.shape[1:-1]
    except (AttributeError, ValueError):  # several inputs, or called more than once
        shapes = (), ()
    steps = max(prod(size or 1 for size in shape) for shape in shapes)
    return layer.count_params() * steps
