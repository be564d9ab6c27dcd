"""The gap between the losses of a Keras model, in parts, measured at its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.estimators.fit_gap import measure_gap
from skloss.estimators.fit_job import Job
from skloss.keras_interop.keras_gap import keras_training_mode, require_probabilities
from skloss.keras_interop.keras_network import KerasNetwork
from skloss.record.gap_measurement import TrainingMode
from skloss.training import Evaluator, Rows, TrainingResult

__all__ = ["model_gap"]


@dataclass(frozen=True)
class _AtWeights:
    """A network at the weights that are asked for, which its model is given."""

    network: KerasNetwork

    def outputs(self, X: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
        self.network.model.set_weights(weights)
        found = self.network.outputs(X)
        if not self.network.loss.from_logits:
            require_probabilities(found)
        return found

    def logits(self, outputs: np.ndarray) -> np.ndarray:
        return self.network.logits(outputs)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return self.network.probabilities(outputs)

    @property
    def is_crossentropy(self) -> bool:
        return self.network.is_crossentropy

    def row_losses(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        return self.network.row_losses(codes, outputs)

    def crossentropy(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        return self.network.crossentropy(codes, outputs)


def model_gap(
    network: KerasNetwork,
    job: Job,
    evaluators: Mapping[str, Evaluator],
    result: TrainingResult,
) -> dict[str, Any]:
    """Measure the gap; the model ends with the weights that are kept.

    Parameters
    ----------
    network : KerasNetwork
        The model, without a calibration.
    job : Job
        Rows and settings.
    evaluators : mapping of str to Evaluator
        What measured the curves.
    result : TrainingResult
        What training has left.
    """

    def mode(rows: Rows, usual: np.ndarray, weights: Any) -> TrainingMode:
        def losses(at: np.ndarray, outputs: Any) -> np.ndarray:
            found = np.asarray(outputs, float).reshape(len(at), -1)
            return network.row_losses(rows.y[at], found)

        return keras_training_mode(
            network.model,
            lambda at: network.prepared(rows.values(at)),
            losses,
            usual,
            rows.sample_weight,
            batch_size=job.settings.batch_size,
            n_multiplications=network.n_multiplications,
            seed=job.settings.seed,
        )

    try:
        return measure_gap(
            job,
            result,
            evaluators,
            _AtWeights(network),
            mode,
            loss=None if network.loss.is_crossentropy else network.loss.name,
        )
    finally:
        network.model.set_weights(result.weights)
