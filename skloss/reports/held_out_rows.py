"""The held-out rows of a training, if they are known for certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skloss.readers.given_rows import held_out_positions
from skloss.readers.label_facts import labels_of_classes
from skloss.record import TrainingRecord
from skloss.record.find import Found
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
        Arguments of the user. ``X_val`` and ``y_val`` come first, because the baselines
        are scored on them too.
    positive : int or None
        Number of the positive class of two, where ``X_val`` is predicted.
    """
    X_val, truth = given.get("X_val"), record.outcome.get("validation_truth")
    if X_val is not None and hasattr(estimator, "predict_proba"):
        return _predicted(estimator, X_val, given.get("y_val"), positive)
    if truth is None:
        return None
    scores = np.asarray(record.outcome["validation_scores"], float)
    return HeldOut(np.asarray(truth, int), scores, record.positive)


def _predicted(
    estimator: Any, X_val: Any, y_val: Any, positive: int | None
) -> HeldOut | None:
    """Predict rows; None if their labels are no classes of the estimator."""
    classes = np.asarray(estimator.classes_)
    labels = labels_of_classes(classes, y_val, "y_val")
    if not np.isin(labels, classes).all():
        return None
    scores = np.asarray(estimator.predict_proba(X_val), float)
    codes = np.searchsorted(classes, labels)
    return HeldOut.of(codes, scores, positive)


def split_of(
    found: Found | None,
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
    if found is None or record.outcome.get("validation_truth") is None:
        raise NotKnown("Pass X_val and y_val, the rows that were held out.")
    if len(found.members) > 1:
        raise NotKnown(
            "Each member held out other rows and trained on the rest, so there is no "
            "part of X that none of them has seen. Pass X_val and y_val."
        )
    held = held_out_positions(found, X, y, groups)
    if held is None:
        raise NotKnown(
            "The held-out rows cannot be found again among X and y. Pass the same X, y "
            "and groups as to fit."
        )
    kept = np.setdiff1d(np.arange(len(y)), held)
    parts = (safe_indexing(rows, part) for part in (kept, held) for rows in (X, y))
    return Split(*parts)
