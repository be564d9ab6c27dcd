"""The report context: everything that is known about one training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from skloss.diagnosis import Case, Diagnosis
from skloss.metrics import best_threshold
from skloss.record import TrainingRecord
from skloss.reports.pooled_scores import Pooled

__all__ = [
    "PASS_ROWS",
    "Folds",
    "HeldOut",
    "NotKnown",
    "ReportContext",
    "Split",
]

PASS_ROWS = "Pass X and y to skloss.report, as they were passed to fit."


class NotKnown(Exception):  # noqa: N818 - a missing part of the page, not an error
    """A part of the page cannot be shown; the text says why and what to pass."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """True classes and predicted probabilities of held-out rows.

    ``truth`` holds class numbers. ``scores`` holds one column of probabilities per
    class or, for two classes, only those of the positive class, of shape ``(n,)``.
    ``positive`` is its number; None if there are not two classes.
    """

    truth: np.ndarray
    scores: np.ndarray
    positive: int | None = None

    @classmethod
    def of(cls, truth: np.ndarray, scores: np.ndarray, positive: int | None) -> Self:
        """Read probabilities of all classes, ``(n, n_classes)``."""
        if positive is None:
            return cls(truth, scores)
        return cls(truth, scores[:, positive], positive)

    @property
    def is_positive(self) -> np.ndarray:
        """Whether each row is of the positive class of two."""
        return self.truth == self.positive

    @property
    def predicted(self) -> np.ndarray:
        """Predicted class number of each row; with two classes at the threshold 0.5."""
        if self.positive is None:
            return self.scores.argmax(axis=1)
        # At exactly one half the first class is predicted, as `argmax` does.
        least = np.nextafter(0.5, 1.0) if self.positive == 1 else 0.5
        return self.at(least)

    @property
    def best_threshold(self) -> float:
        """Threshold with the highest MCC on these rows."""
        return best_threshold(self.is_positive, self.scores)

    def at(self, threshold: float) -> np.ndarray:
        """Class number of each row, positive from this score on."""
        assert self.positive is not None  # noqa: S101 - for the type checker
        return np.where(self.scores >= threshold, self.positive, 1 - self.positive)


@dataclass(frozen=True, eq=False)
class Split:
    """Training rows and validation rows, as they were passed to ``fit``."""

    X: Any
    y: Any
    X_val: Any
    y_val: Any


@dataclass(frozen=True, eq=False)
class Folds:
    """Scores of one estimator, or of the winner of a search, on every fold.

    ``splits`` holds the row positions of each fold. It is None if they are not known,
    and ``reason`` then says why.
    """

    scores: Mapping[str, np.ndarray]
    scorers: Mapping[str, Callable[..., float]]
    splits: list[tuple[np.ndarray, np.ndarray]] | None = None
    reason: str = ""
    n_candidates: int = 1


@dataclass(frozen=True, eq=False)
class ReportContext:
    """Everything that is known about a training; None stands for unknown parts.

    Parameters
    ----------
    name : str
        Description of the source, the title of the page.
    case : Case
        Facts that the rules of the diagnosis read.
    diagnosis : Diagnosis
        Findings of the rules.
    record : TrainingRecord
        Training record. If the training was not by skloss, it holds only the curves.
    estimator : estimator or None
        Fitted estimator; of a search its winner.
    cv_results : mapping or None
        Results of a search.
    refit_metric : str or None
        What its winner was chosen by.
    best_candidate : int or None
        Number of its winner.
    folds : Folds or None
        Folds of a search or of a cross-validation.
    held_out : HeldOut or None
        Predictions on the validation rows.
    split : Split or None
        Training and validation rows, where there are no folds. If they are not known,
        `split_reason` says why.
    X, y : array-like or None
        Rows and labels that were passed to ``fit``.
    records : tuple of TrainingRecord
        Training record of each fold of a cross-validation.
    asked : estimator or None
        The source itself, if it is an estimator.
    pooled : Pooled or None
        Predictions of the winner and of baselines on the test rows of all folds.
    """

    name: str
    case: Case
    diagnosis: Diagnosis
    record: TrainingRecord
    estimator: Any = None
    cv_results: Mapping[str, Any] | None = None
    refit_metric: str | None = None
    best_candidate: int | None = None
    folds: Folds | None = None
    held_out: HeldOut | None = None
    split: Split | None = None
    split_reason: str = ""
    X: Any = None
    y: Any = None
    records: tuple[TrainingRecord, ...] = ()
    asked: Any = None
    pooled: Pooled | None = None

    @property
    def classes(self) -> list[str]:
        """Names of the classes in order; numbers if the names are not known."""
        known = self.record.data.get("classes")
        if known is None:
            known = getattr(self.estimator, "classes_", None)
        n_classes = self.case.n_classes or 0
        names = range(n_classes) if known is None else known
        return [str(name) for name in names]

    def class_names(self, n_classes: int) -> list[str]:
        """Names of the classes, or numbers if there are not exactly so many names."""
        known = self.classes
        return known if len(known) == n_classes else [str(c) for c in range(n_classes)]

    @property
    def positive(self) -> int | None:
        """Number of the positive class of two; None if there are not two."""
        if "pos_label" in self.record.data or self.case.val is None:
            return self.record.positive
        return self.case.val.positive

    @property
    def pos_label(self) -> str | None:
        """Name of the positive class of two; None if there are not two."""
        return None if self.positive is None else self.class_names(2)[self.positive]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns of X; empty if they have none."""
        known: Any = getattr(self.X, "columns", None)
        if known is None:
            known = getattr(self.estimator, "feature_names_in_", ())
        return [str(name) for name in known]
