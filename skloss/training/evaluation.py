"""Curves that can be compared: inference mode, original rows, and one prior."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from scipy.sparse import issparse

from skloss.metrics import epoch_metrics
from skloss.networks.numpy_forward import hidden_outputs
from skloss.networks.spec import NetworkSpec
from skloss.streams.streamed_rows import StreamedRows
from skloss.training.calibration import AS_TRAINED, Calibration
from skloss.training.inference import predict_logits
from skloss.training.losses import Loss, row_losses
from skloss.training.outputs import probabilities
from skloss.training.units import stuck_units

__all__ = [
    "Evaluator",
    "MeasuredNetwork",
    "Rows",
    "Scores",
    "SpecNetwork",
    "unit_shares",
]


@dataclass(frozen=True)
class Rows:
    """Rows of ``X``, float32 ``(n, values)``, class numbers, and weights or None.

    ``X`` is an array, a sparse CSR matrix, or rows that are read in blocks.

    With positions, ``X`` has other rows too and is not copied: row ``i`` is
    ``X[positions[i]]``. Rows that are read in blocks have none, since they are chosen
    by the block; nor weights of their own but ``class_weight``, one for each class.
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    positions: np.ndarray | None = None
    class_weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def is_streamed(self) -> bool:
        """Whether they are read in blocks."""
        return isinstance(self.X, StreamedRows)

    @property
    def has_weight(self) -> bool:
        """Whether any row counts; without one every curve is NaN."""
        weight = self.sample_weight
        return len(self) > 0 and (weight is None or bool(np.any(weight)))

    def at(self, chosen: np.ndarray | None) -> "Rows":
        """Return some of the rows, without a copy of their values; None is all."""
        if chosen is None:
            return self
        if self.is_streamed:
            return replace(self, X=self.X.at(chosen), y=self.y[chosen])
        weight = self.sample_weight
        return Rows(
            self.X,
            self.y[chosen],
            None if weight is None else weight[chosen],
            chosen if self.positions is None else self.positions[chosen],
        )

    def values(self, chosen: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Values of some rows, copied."""
        if self.is_streamed:
            return np.asarray(self.X.take(chosen))
        if self.positions is not None:
            chosen = self.positions[chosen]
        if issparse(self.X):
            dense: np.ndarray = self.X[chosen].toarray(out=out)
            return dense
        return np.take(self.X, chosen, axis=0, out=out)

    def compact(self) -> "Rows":
        """Return the same rows, with a copy of their values if there are others.

        Rows that are read in blocks are read if they fit into memory.
        """
        if self.is_streamed:
            fits = self.X.fits_into_memory
            return replace(self, X=self.X.read()) if fits else self
        if self.positions is None:
            return self
        return Rows(self.X[self.positions], self.y, self.sample_weight)


class MeasuredNetwork(Protocol):
    """A network in inference mode, with the loss that it is trained by."""

    @property
    def is_crossentropy(self) -> bool:
        """Whether that loss is the cross-entropy, in nats."""

    def outputs(self, X: np.ndarray, weights: Any) -> np.ndarray:
        """Return outputs ``(n, n_units)`` of rows at these weights."""

    def logits(self, outputs: np.ndarray) -> np.ndarray:
        """Logits ``(n, n_units)`` of outputs, without any calibration."""

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, n_classes)`` of outputs."""

    def row_losses(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Loss of each row, of its class number and its outputs."""

    def crossentropy(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Cross-entropy of each row, whatever loss the network is trained by."""


@dataclass(frozen=True)
class SpecNetwork:
    """A network of the compiled engine: it gives logits."""

    spec: NetworkSpec
    loss: Loss
    focal_gamma: float
    label_smoothing: float
    compiled: bool = False
    logit_shift: tuple[float, ...] | None = None
    calibration: Calibration = AS_TRAINED

    @property
    def is_crossentropy(self) -> bool:
        """Whether the loss is the cross-entropy of the probabilities."""
        plain = self.loss == "crossentropy" and not self.label_smoothing
        return plain and self.calibration.changes_nothing

    def outputs(self, X: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Logits ``(n, n_outputs)`` of rows at these weights."""
        return predict_logits(self.spec, weights, X, compiled=self.compiled)

    def logits(self, outputs: np.ndarray) -> np.ndarray:
        """Logits without the calibration: what the network gives."""
        return outputs

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, n_classes)`` of logits."""
        return probabilities(self.calibration.logits(outputs))

    def row_losses(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Loss of each row, of its class number and its logits."""
        return row_losses(
            self.loss,
            outputs,
            codes,
            focal_gamma=self.focal_gamma,
            label_smoothing=self.label_smoothing,
            logit_shift=self.logit_shift,
        )

    def crossentropy(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Cross-entropy of each row, without focus, smoothing and adjustment."""
        return row_losses("crossentropy", self.calibration.logits(outputs), codes)


class Scores(Protocol):
    """Scorers of the user's choice on a set of rows; of each, higher is better."""

    @property
    def names(self) -> Sequence[str]:
        """Their names."""

    def __call__(
        self,
        probabilities: np.ndarray,
        predict: Callable[[np.ndarray], np.ndarray],
        is_trial: bool = False,
    ) -> dict[str, float]:
        """Score the probabilities of the rows; ``predict`` gives those of others.

        In a trial a scorer that fails raises its error.
        """


@dataclass(frozen=True)
class Evaluator:
    """Measures a set of original rows, always in the same way.

    ``positive`` is the number of the positive class; it is not read if there are more
    than two classes.
    """

    network: MeasuredNetwork
    rows: Rows
    n_classes: int
    train_prior: np.ndarray
    positive: int = 1
    scores: Scores | None = None

    def probabilities(self, weights: Sequence[np.ndarray] | None) -> np.ndarray:
        """Probabilities ``(n, n_classes)`` at these weights."""
        return self._predicted(weights, self.rows.X)

    def try_scores(self, weights: Sequence[np.ndarray] | None) -> None:
        """Raise the error of a scorer that fails on these rows."""
        if self.scores is not None:
            predict = partial(self._predicted, weights)
            self.scores(predict(self.rows.X), predict, is_trial=True)

    def __call__(self, weights: Sequence[np.ndarray] | None) -> dict[str, float]:
        """All curves' values at these weights."""
        outputs = self.network.outputs(self.rows.X, weights)
        probabilities = self.network.probabilities(outputs)
        metrics = epoch_metrics(
            self.rows.y,
            probabilities,
            self.network.row_losses(self.rows.y, outputs),
            self.n_classes,
            positive=self.positive,
            priors={"train": self.train_prior},
            sample_weight=self.rows.sample_weight,
        )
        if not self.network.is_crossentropy:
            metrics["crossentropy"] = self._crossentropy(outputs)
        if self.scores is None:
            return metrics
        if not np.isfinite(metrics["loss"]):
            return metrics | dict.fromkeys(self.scores.names, np.nan)
        predict = partial(self._predicted, weights)
        return metrics | self.scores(probabilities, predict)

    def _crossentropy(self, outputs: np.ndarray) -> float:
        """Mean cross-entropy: losses of other kinds cannot be compared."""
        rows = self.rows
        losses = self.network.crossentropy(rows.y, outputs)
        if not rows.has_weight:
            return float("nan")
        return float(np.average(losses, weights=rows.sample_weight))

    def curve_names(self, weights: Sequence[np.ndarray] | None) -> list[str]:
        """Names of the curves, found by measuring one row."""
        row = self.rows.at(np.arange(1)).compact()
        names = list(replace(self, rows=row, scores=None)(weights))
        return [*names, *(() if self.scores is None else self.scores.names)]

    def _predicted(
        self, weights: Sequence[np.ndarray] | None, X: np.ndarray
    ) -> np.ndarray:
        """Probabilities of any rows."""
        return self.network.probabilities(self.network.outputs(X, weights))


def unit_shares(
    spec: NetworkSpec, weights: Sequence[np.ndarray], X: np.ndarray
) -> dict[str, float]:
    """Shares of hidden units that are dead, and that are saturated, on the rows given.

    A kind of unit that the network does not have gives no number.
    """
    found: dict[str, list[np.ndarray]] = {"dead": [], "saturated": []}
    rows = X.reshape(-1, *spec.input_shape)
    for activation, outputs in hidden_outputs(spec, weights, rows):
        stuck = stuck_units(activation, outputs)
        if stuck is not None:
            found[stuck[0]].append(stuck[1])
    return {
        f"{kind}_share": float(np.concatenate(units).mean())
        for kind, units in found.items()
        if units
    }
