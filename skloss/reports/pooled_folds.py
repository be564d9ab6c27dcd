"""Predictions on the test rows of a cross-validation whose rows have groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skloss.positive_class import positive_probability
from skloss.record.group_names import group_name
from skloss.reports.answer import NETWORK
from skloss.reports.baseline_scores import joined_parts, predictions_on_folds
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.pooled_scores import Pooled
from skloss.sklearn_compat import safe_indexing

__all__ = ["pooled_of_folds"]


def pooled_of_folds(source: Any, context: ReportContext, groups: Any) -> Pooled | None:
    """Predict the test rows of each fold by the estimator of the fold.

    Parameters
    ----------
    source : object
        What the report is about.
    context : ReportContext
        What is known about it.
    groups : array-like or None
        Groups of the rows.

    Returns
    -------
    Pooled or None
        None if it is no cross-validation with estimators, folds and groups, or if a
        row is in several test sets.
    """
    splits = None if context.folds is None else context.folds.splits
    if groups is None or splits is None or not isinstance(source, Mapping):
        return None
    rows = np.concatenate([test for _, test in splits])
    if context.X is None or len(np.unique(rows)) < len(rows):
        return None
    classes, truth = np.unique(np.asarray(context.y), return_inverse=True)
    y, positive = np.asarray(context.y), context.positive
    label = None if positive is None else classes[positive]
    own, chances = [], []
    for fitted, (_, test) in zip(source["estimator"], splits, strict=True):
        held = safe_indexing(context.X, test)
        own.append(np.searchsorted(classes, fitted.predict(held)))
        chances.append(positive_probability(fitted, held, y, label))
    predicted = {NETWORK: np.concatenate(own)}
    joined = joined_parts(chances)
    probabilities = {} if joined is None else {NETWORK: joined}
    try:
        others = predictions_on_folds(
            splits, context.estimator, context.X, truth, positive
        )
        predicted, probabilities = predicted | others[0], probabilities | others[1]
    except NotKnown:
        pass
    of_rows = truth[rows], predicted, len(classes), positive
    known_groups = np.asarray(groups)[rows], probabilities, group_name(groups)
    return Pooled(*of_rows, *known_groups)
