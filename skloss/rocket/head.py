"""The head: features to logits, with the penalty that left-out rows choose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skloss.rocket.calibrate import fitted_scale
from skloss.rocket.ridge import RidgeFit, RidgePath

__all__ = ["PENALTIES", "Candidate", "HeadPath", "Heldout"]

# From strong to weak, as a network's training goes. Beside the mean squared residual of
# targets of -1 and 1, and features of variance one whose penalty is their mean.
PENALTIES = tuple((10.0 ** np.arange(1, -6.5, -0.5)).tolist())


@dataclass(frozen=True)
class Heldout:
    """Features ``(n, n_features)``, class numbers and weights of held-out rows."""

    features: np.ndarray
    codes: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Candidate:
    """The head at one penalty.

    ``loss`` is the weighted mean cross-entropy of the rows that were not seen.
    ``training`` and ``validation`` are logits ``(n, n_classes)``.
    """

    penalty: float
    scale: float
    loss: float
    training: np.ndarray
    validation: np.ndarray


class HeadPath:
    """Heads of the same rows, one for each penalty.

    Parameters
    ----------
    features : ndarray of float32, shape (n, n_features)
        Features. They are standardized in place.
    codes : ndarray of int, shape (n,)
        Class numbers.
    n_classes : int
        Number of classes.
    weight : ndarray of shape (n,)
        Weights, all above zero.
    groups : sequence of ndarray of int, optional
        Positions of the rows that are left out together.
    """

    def __init__(
        self,
        features: np.ndarray,
        codes: np.ndarray,
        n_classes: int,
        weight: np.ndarray,
        groups: Sequence[np.ndarray] | None = None,
    ) -> None:
        self._codes, self._weight = codes, weight
        self._mean = features.mean(axis=0, dtype=np.float64).astype(features.dtype)
        spread = features.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1).astype(features.dtype)
        features -= self._mean
        features /= self._spread
        self._n_features = features.shape[1]
        self._path = RidgePath(features, _targets(codes, n_classes), weight, groups)

    def candidate(self, penalty: float, heldout: Heldout | None = None) -> Candidate:
        """Return the head at a penalty, measured on left-out or on held-out rows."""
        factor = penalty * self._n_features
        if heldout is None:
            outputs = self._path.left_out(factor)
            codes, weight = self._codes, self._weight
        else:
            outputs = self.fit(penalty).outputs(heldout.features)
            codes, weight = heldout.codes, heldout.weight
        unseen = _logits(outputs)
        scale, loss = fitted_scale(unseen, codes, weight)
        seen = _logits(self._path.fitted(factor))
        return Candidate(penalty, scale, loss, scale * seen, scale * unseen)

    def fit(self, penalty: float, scale: float = 1.0) -> RidgeFit:
        """Regression on features as they were given, its outputs times the scale."""
        found = self._path.fit(penalty * self._n_features)
        coefficients = found.coefficients / self._spread[:, None]
        intercepts = found.intercepts - self._mean @ coefficients
        return RidgeFit(scale * coefficients, scale * intercepts)


def _targets(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """One output for two classes and one per class for more, -1 or 1."""
    classes = np.arange(1 if n_classes == 2 else 0, n_classes)
    return np.where(codes[:, None] == classes, 1.0, -1.0)


def _logits(outputs: np.ndarray) -> np.ndarray:
    """Logits ``(n, n_classes)``; of two classes the one output is their difference."""
    if outputs.shape[1] > 1:
        return outputs
    return np.hstack([-outputs / 2, outputs / 2])
