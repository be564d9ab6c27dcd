"""The held-out rows of a training, if they are known for certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skloss.record import TrainingRecord
from skloss.reports.context import PASS_ROWS, HeldOut, NotKnown, Split
from skloss.sklearn_compat import safe_indexing

__all__ = ["held_out_of", "split_of"]


def held_out_of(
    estimator: Any,
    record: TrainingRecord,
    given: Mapping[str, Any],
    positive: int | None,
) -> HeldOut | None:
    """Return the predictions of a classifier on held-out rows.

    Parameters
    ----------
    estimator : estimator or None
        Fitted classifier.
    record : TrainingRecord
        Training record. A fit of skloss keeps the predictions on its held-out rows.
    given : mapping
        Arguments of the user; ``X_val`` and ``y_val`` are used if the record has no
        predictions.
    positive : int or None
        Number of the positive class of two, where the record has no predictions.
    """
    truth = record.outcome.get("validation_truth")
    if truth is not None:
        scores = np.asarray(record.outcome["validation_scores"], float)
        return HeldOut(np.asarray(truth, int), scores, record.positive)
    X_val, y_val = given.get("X_val"), given.get("y_val")
    if X_val is None or not hasattr(estimator, "predict_proba"):
        return None
    classes, labels = np.asarray(estimator.classes_), np.asarray(y_val)
    if labels.ndim != 1 or not np.isin(labels, classes).all():
        return None
    scores = np.asarray(estimator.predict_proba(X_val), float)
    codes = np.searchsorted(classes, labels)
    return HeldOut.of(codes, scores, positive)


def split_of(
    classifier: Any,
    record: TrainingRecord,
    X: Any,
    y: Any,
    groups: Any,
    given: Mapping[str, Any],
) -> Split:
    """Return training and validation rows, only if they are known for certain."""
    if X is None:
        raise NotKnown(PASS_ROWS)
    if given.get("X_val") is not None:
        return Split(X, y, given["X_val"], given["y_val"])
    fraction = (given.get("fit_params") or {}).get("validation_split")
    if fraction:
        cut = int(len(X) * (1 - float(fraction)))
        return Split(X[:cut], y[:cut], X[cut:], y[cut:])
    truth = record.outcome.get("validation_truth")
    if truth is None or not hasattr(classifier, "split_validation"):
        raise NotKnown("Pass X_val and y_val, the rows that were held out.")
    positions = classifier.split_validation(X, y, groups)
    if positions is None or not _are_labels(
        np.asarray(y)[positions[1]], record.data.get("classes"), truth
    ):
        raise NotKnown(
            "The held-out rows cannot be found again. Fit with an int as random_state, "
            "and pass the same X, y and groups to skloss.report."
        )
    kept, held = positions
    parts = (safe_indexing(rows, part) for part in (kept, held) for rows in (X, y))
    return Split(*parts)


def _are_labels(labels: np.ndarray, classes: Any, codes: Any) -> bool:
    """Whether these labels equal those of the recorded validation rows."""
    if classes is None or len(labels) != len(codes):
        return False
    return bool(np.array_equal(labels, np.asarray(classes)[np.asarray(codes)]))
