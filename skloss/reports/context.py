"""The report context: all that is known about one training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.diagnosis import Case, Diagnosis
from skloss.record import TrainingRecord

__all__ = [
    "PASS_ROWS",
    "Folds",
    "HeldOut",
    "NotKnown",
    "ReportContext",
    "Split",
]

PASS_ROWS = "Pass X and y, as they were given to fit."


class NotKnown(Exception):  # noqa: N818 - an answer, not an error
    """Something cannot be shown; the text says why, and what to pass."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What the network says of rows that it was not trained on.

    ``truth`` are class numbers; ``scores`` are probabilities, of class 1 alone if there
    are two classes.
    """

    truth: np.ndarray
    scores: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Class number of each row, by the 0.5 rule if there are two."""
        if self.scores.ndim == 1:
            return (self.scores > 0.5).astype(int)
        return self.scores.argmax(axis=1)


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to train on and rows to measure on, as they were given to ``fit``."""

    X: Any
    y: Any
    X_val: Any
    y_val: Any


@dataclass(frozen=True, eq=False)
class Folds:
    """Scores of one estimator, or of a search's winner, on the same folds.

    ``splits`` are positions of rows; where they are not known, ``reason`` says why.
    """

    scores: Mapping[str, np.ndarray]
    scorers: Mapping[str, Callable[..., float]]
    splits: list[tuple[np.ndarray, np.ndarray]] | None = None
    reason: str = ""
    n_candidates: int = 1


@dataclass(frozen=True, eq=False)
class ReportContext:
    """What is known; parts that are not are None.

    Parameters
    ----------
    name : str
        What was given, in words.
    case : Case
        As the rules see it.
    diagnosis : Diagnosis
        What they found.
    record : TrainingRecord
        The curves; of a fit of skloss all that it keeps.
    estimator : estimator or None
        Fitted; the winner of a search.
    cv_results : mapping or None
        Of a search.
    refit_metric : str or None
        What its winner was chosen by.
    best_candidate : int or None
        Number of its winner.
    folds : Folds or None
        Of a search or a cross-validation.
    held_out : HeldOut or None
        Validation rows.
    split : Split or None
        Rows of both sides, where there are no folds; where they are not known,
        `split_reason` says why.
    X, y : array-like or None
        As given to ``fit``.
    records : tuple of TrainingRecord
        Of each fold of a cross-validation.
    asked : estimator or None
        The source itself, where it is one.
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

    @property
    def classes(self) -> list[str]:
        """Names of the classes in their order; numbers where they are not known."""
        known = self.record.data.get("classes")
        if known is None:
            known = getattr(self.estimator, "classes_", None)
        n_classes = self.case.n_classes or 0
        names = range(n_classes) if known is None else known
        return [str(name) for name in names]

    def class_names(self, n_classes: int) -> list[str]:
        """Names of so many classes; numbers if another number of them is known."""
        known = self.classes
        return known if len(known) == n_classes else [str(c) for c in range(n_classes)]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns of X; empty where they have none."""
        known: Any = getattr(self.X, "columns", None)
        if known is None:
            known = getattr(self.estimator, "feature_names_in_", ())
        return [str(name) for name in known]
