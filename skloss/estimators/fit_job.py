"""One fit: its rows, its settings, what it goes on from, and what it leaves."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from scipy.sparse import issparse

from skloss.estimators.callback_tasks import EpochTasks
from skloss.estimators.fit_rows import FitRows
from skloss.estimators.scorers import NO_SCORERS, ChosenScorers, EpochScores
from skloss.holdout import count_codes, stratified_sample
from skloss.metrics import class_prior
from skloss.networks import NetworkSpec
from skloss.positive_class import positive_class
from skloss.record import TrainingRecord
from skloss.streams.streamed_rows import MOST_KEPT_VALUES
from skloss.training import (
    Evaluator,
    Rows,
    Settings,
    TrainingResult,
    predict_logits,
    probabilities,
)
from skloss.training.calibration import AS_TRAINED, Calibration
from skloss.training.evaluation import MeasuredNetwork

__all__ = ["MOST_MEASURED_ROWS", "Fitted", "Job"]

# Original training rows measured after every epoch: at most this many, and at most this
# many multiplications' worth, but never fewer than so many.
MOST_MEASURED_ROWS = 2**17
_MEASURED_WORK = 10**9
_FEWEST_MEASURED = 2**11


@dataclass(frozen=True)
class Fitted:
    """A trained network, the optimizer's state to go on from, and the record.

    ``network`` is None where a Keras model has the weights.
    """

    network: NetworkSpec | None
    result: TrainingResult
    record: TrainingRecord
    calibration: Calibration = AS_TRAINED

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights, in Keras' order, with the calibration in the output layer.

        A fit that goes on starts from those of ``result``, which have none.
        """
        if self.network is None:
            return self.result.weights
        return self.calibration.weights(self.network, self.result.weights)

    @property
    def members(self) -> tuple["Fitted", ...]:
        """All networks that the classifier consists of: this one."""
        return (self,)

    @property
    def seeds(self) -> tuple[None]:
        """Members' own seeds; one network has that of the classifier."""
        return (None,)

    def probabilities(self, X: Any) -> np.ndarray:
        """Probabilities ``(n, n_classes)`` of validated rows."""
        spec = cast(NetworkSpec, self.network)
        return probabilities(predict_logits(spec, self.weights, X))


@dataclass(frozen=True)
class Job:
    """One fit.

    Parameters
    ----------
    estimator : estimator
        Its name, its parameters and its ``classes_`` are read, nothing is set.
    rows : FitRows
        The rows.
    weight : ndarray of shape (n,) or None
        Weights of the training rows in the loss, with those of the classes.
    settings : Settings
        How to train.
    earlier : Fitted or None
        The fit that this one goes on from.
    tasks : EpochTasks or None
        Told of every epoch, for callbacks of scikit-learn.
    class_weight : ndarray of shape (n_classes,) or None
        Weight of each class in the loss; None if all are one.
    given_class_weight : None, "balanced" or mapping
        The same as the user gave it.
    scorers : ChosenScorers
        Scorers that are called after every epoch.
    row_shape : tuple of int
        Shape of a row as the classifier has validated it.
    """

    estimator: Any
    rows: FitRows
    weight: np.ndarray | None
    settings: Settings
    earlier: Fitted | None = None
    tasks: EpochTasks | None = None
    class_weight: np.ndarray | None = None
    given_class_weight: Any = None
    scorers: ChosenScorers = NO_SCORERS
    row_shape: tuple[int, ...] = (-1,)

    @property
    def owner(self) -> str:
        """Name of the estimator, for errors."""
        return type(self.estimator).__name__

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.estimator.classes_)

    @cached_property
    def prior(self) -> np.ndarray:
        """Share of each class in the loss, ``(n_classes,)``."""
        training = self.rows.training
        if not training.is_streamed:
            return class_prior(training.y, self.n_classes, self.drawn_weight)
        counts = count_codes(training.y, self.n_classes).astype(float)
        if self.class_weight is not None:
            counts *= self.class_weight
        return counts / counts.sum()

    @cached_property
    def drawn_weight(self) -> np.ndarray | None:
        """Weights of the training rows, times how often balanced batches draw each."""
        if not self.settings.balanced_batches:
            return self.weight
        times = self._times_drawn[self.rows.training.y]
        return times if self.weight is None else times * self.weight

    def weight_of(self, chosen: np.ndarray | None, codes: np.ndarray) -> Any:
        """Weights of some training rows, whose class numbers are given, or None."""
        if self.rows.training.is_streamed and self.class_weight is not None:
            return self.class_weight[codes]
        weight = self.drawn_weight
        return weight if weight is None or chosen is None else weight[chosen]

    @property
    def mean_weight(self) -> float:
        """Mean weight of the training rows in the loss."""
        if self.weight is not None:
            return float(np.mean(self.weight))
        if self.class_weight is None:
            return 1.0
        counts = count_codes(self.rows.training.y, self.n_classes)
        return float(counts @ self.class_weight / counts.sum())

    @property
    def drawn_class_weight(self) -> np.ndarray | None:
        """Weight of each class in the loss, as often as it is drawn."""
        if not self.settings.balanced_batches:
            return self.class_weight
        by_class = 1.0 if self.class_weight is None else self.class_weight
        weights: np.ndarray = by_class * self._times_drawn
        return weights

    @cached_property
    def _times_drawn(self) -> np.ndarray:
        """Draws of a row of each class in an epoch, on average."""
        counts = np.bincount(self.rows.training.y, minlength=self.n_classes)
        return counts.sum() / (np.maximum(counts, 1) * (counts > 0).sum())

    @cached_property
    def positive(self) -> int | None:
        """Number of the positive class of two; None of more.

        A fit that goes on from an earlier one keeps its class, so that the curves go
        on, too.
        """
        if self.earlier is not None:
            return self.earlier.record.positive
        counts, pos_label = (
            self.rows.class_counts(self.n_classes),
            self.estimator.pos_label,
        )
        if (
            self.rows.source == "resampled"
        ):  # the last rows were made, of the rare class
            counts[self.rows.training.y[-1]] = 0
        return positive_class(counts, self.estimator.classes_.tolist(), pos_label)

    def evaluators(
        self, network: MeasuredNetwork, n_multiplications: int
    ) -> dict[str, Evaluator]:
        """Make what measures the curves, of original training rows and of the hold-out.

        The key stands before the names of the curves.
        """
        rows = {"": _measured_rows(n_multiplications, self.rows)}
        if self.rows.validation:
            rows["val_"] = self.rows.validation
        return {
            prefix: Evaluator(
                network,
                measured,
                self.n_classes,
                self.prior,
                1 if self.positive is None else self.positive,
                self._scores(prefix, measured),
            )
            for prefix, measured in rows.items()
        }

    def _scores(self, prefix: str, rows: Rows) -> EpochScores | None:
        scorers = self.scorers.of(prefix)
        if not scorers:
            return None
        return EpochScores(self.estimator, scorers, rows, self._shown)

    def _shown(self, values: Any) -> Any:
        """Rows as the classifier itself takes them."""
        if not issparse(values):
            values = values.reshape(len(values), *self.row_shape)
        return self.estimator._as_given(values)


def _measured_rows(n_multiplications: int, rows: FitRows) -> Rows:
    """Original training rows that the curves are measured on after every epoch.

    All of them, unless that would take more than some milliseconds a time; then a
    stratified sample, no smaller than the hold-out that it is compared with unless that
    has more than ``MOST_MEASURED_ROWS``.
    """
    original, validation = rows.original, rows.validation
    most = max(
        _MEASURED_WORK // n_multiplications,
        _FEWEST_MEASURED,
        len(validation) if validation else 0,
    )
    most = min(most, MOST_MEASURED_ROWS)
    if original.is_streamed:
        most = min(most, max(1, MOST_KEPT_VALUES // original.X.shape[1]))
    if len(original) > most:
        original = original.at(stratified_sample(original.y, most))
    return original.compact()
