"""Calibration of the logits of a trained network: a shift of prior, a temperature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from skloss.networks.spec import NetworkSpec
from skloss.training.losses import row_losses

__all__ = ["AS_TRAINED", "Calibration", "best_temperature"]

# Beyond these a few held-out rows would make probabilities of 0 and 1, or all alike.
_TEMPERATURES = (0.1, 10.0)


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


def best_temperature(
    logits: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
) -> float:
    """Temperature with the lowest mean cross-entropy on rows that were held out.

    Parameters
    ----------
    logits : ndarray of shape (n, n_outputs)
        Logits of a network that was not trained on the rows.
    y : ndarray of shape (n,)
        Class numbers.
    sample_weight : ndarray of shape (n,), optional
        Weights of the rows.

    Returns
    -------
    float
        From 0.1 to 10.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    >>> logits = np.array([[-2.0], [2.0], [2.0], [2.0], [2.0]])
    >>> temperature = best_temperature(logits, np.array([0, 1, 1, 1, 0]))
    >>> round(temperature, 2)  # 2 / log(4): four of five are right
    1.44
    """

    def loss(log_temperature: float) -> float:
        scaled = logits * np.exp(-log_temperature)
        losses = row_losses("crossentropy", scaled, y)
        return float(np.average(losses, weights=sample_weight))

    bounds = tuple(np.log(_TEMPERATURES))
    found = minimize_scalar(loss, bounds=bounds, options={"xatol": 1e-6})
    return float(np.exp(found.x))
