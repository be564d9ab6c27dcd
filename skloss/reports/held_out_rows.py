"""Rows held out of a training, where they are known for certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skloss.record import TrainingRecord
from skloss.reports.context import PASS_ROWS, HeldOut, NotKnown, Split
from skloss.sklearn_compat import safe_indexing

__all__ = ["held_out_of", "split_of"]


def held_out_of(
    estimator: Any, record: TrainingRecord, given: Mapping[str, Any]
) -> HeldOut | None:
    """Return what a classifier says of rows held out: its own, or those given.

    Parameters
    ----------
    estimator : estimator or None
        Fitted.
    record : TrainingRecord
        Of a fit of skloss it knows the rows held out.
    given : mapping
        With ``X_val`` and ``y_val``, if they were given.
    """
    truth = record.outcome.get("validation_truth")
    if truth is not None:
        scores = np.asarray(record.outcome["validation_scores"], float)
        return HeldOut(np.asarray(truth, int), scores)
    X_val, y_val = given.get("X_val"), given.get("y_val")
    if X_val is None or not hasattr(estimator, "predict_proba"):
        return None
    classes, labels = np.asarray(estimator.classes_), np.asarray(y_val)
    if labels.ndim != 1 or not np.isin(labels, classes).all():
        return None
    scores = np.asarray(estimator.predict_proba(X_val), float)
    return HeldOut(
        np.searchsorted(classes, labels),
        scores[:, 1] if scores.shape[1] == 2 else scores,
    )


def split_of(
    classifier: Any,
    record: TrainingRecord,
    X: Any,
    y: Any,
    groups: Any,
    given: Mapping[str, Any],
) -> Split:
    """Rows of both sides of the hold-out, only where they are known for certain."""
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
            "The rows held out cannot be found again: fit with an int as random_state, "
            "pass here the X and y that were given to fit, and groups if they were."
        )
    kept, held = positions
    parts = (safe_indexing(rows, part) for part in (kept, held) for rows in (X, y))
    return Split(*parts)


def _are_labels(labels: np.ndarray, classes: Any, codes: Any) -> bool:
    """Whether these are the labels of the record's validation rows, in their order."""
    if classes is None or len(labels) != len(codes):
        return False
    return bool(np.array_equal(labels, np.asarray(classes)[np.asarray(codes)]))
