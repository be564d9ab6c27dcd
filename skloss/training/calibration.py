"""Calibration of the logits of a trained network: a shift of prior, a temperature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skloss.networks.spec import NetworkSpec

__all__ = ["AS_TRAINED", "Calibration"]


@dataclass(frozen=True)
class Calibration:
    """Logits are ``(z + shift) / temperature``.

    Parameters
    ----------
    shift : tuple of float or None
        One number for each logit; None adds nothing.
    temperature : float
        Above 1 the probabilities are less extreme.
    """

    shift: tuple[float, ...] | None = None
    temperature: float = 1.0

    @property
    def changes_nothing(self) -> bool:
        """Whether the logits stay as they are."""
        return self.shift is None and self.temperature == 1.0

    def logits(self, outputs: np.ndarray) -> np.ndarray:
        """Calibrate logits ``(n, n_outputs)``."""
        if self.changes_nothing:
            return outputs
        shift = 0.0 if self.shift is None else np.asarray(self.shift)
        calibrated: np.ndarray = (outputs + shift) / self.temperature
        return calibrated

    def weights(
        self, spec: NetworkSpec, weights: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Weights of a network that gives calibrated logits by itself.

        The output layer is linear, so that its kernel and its bias take both in. A
        Keras model, a file or another program then needs to know nothing of it.
        """
        found = list(weights)
        if self.changes_nothing:
            return found
        roles = [weight.role for weight in spec.weight_shapes()]
        if self.shift is not None and roles[-1] != "bias":
            raise ValueError(
                "prior_correction shifts the bias of the output layer, which has none: "
                "build the network with use_bias=True in its last layer."
            )
        for role in ("kernel", "bias") if roles[-1] == "bias" else ("kernel",):
            last = len(roles) - 1 - roles[::-1].index(role)
            calibrated = found[last].astype(np.float64)
            if role == "bias" and self.shift is not None:
                calibrated += np.asarray(self.shift)
            calibrated /= self.temperature
            found[last] = calibrated.astype(np.float32)
        return found


AS_TRAINED = Calibration()
