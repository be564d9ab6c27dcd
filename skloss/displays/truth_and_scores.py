"""Checks of true labels and predicted scores, with one column per class."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from skloss.positive_class import positive_class
from skloss.record.find import find_record
from skloss.row_errors import rows_explained

__all__ = [
    "checked_binary",
    "checked_scores",
    "class_scores",
    "positive_number",
    "positive_of",
    "positive_scores",
]


def checked_binary(
    y_true: ArrayLike, y_score: ArrayLike, pos_label: object, name: str = "y_score"
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Check labels and scores of two classes.

    Returns
    -------
    positive : ndarray of bool, shape (n,)
        Whether each row is positive.
    scores : ndarray of shape (n,)
        Scores of the positive class.
    pos_label : object
        Label of the positive class.

    Raises
    ------
    ValueError
        If there are not two classes, if a score is not finite, or if the lengths
        differ.
    """
    truth, scores = _checked(y_true, y_score, name)
    labels = np.unique(truth)
    if len(labels) > 2:
        raise ValueError(
            f"y_true has {len(labels)} classes, but two are needed: pass one class "
            "versus the rest, as in (y_true == label, y_prob[:, column])."
        )
    if pos_label is None:
        known = labels.tolist()
        last = len(known) < 2
        pos_label = known[-1 if last else positive_number(truth, scores, known, None)]
    positive = truth == pos_label
    if positive.all() or not positive.any():
        raise ValueError(
            f"y_true has {int(positive.sum())} rows of the positive class "
            f"{pos_label!r} among {len(truth)}: both classes are needed."
        )
    if scores.ndim == 2 and scores.shape[1] == 2:
        scores = scores[:, int(labels[1] == pos_label)]
    if scores.ndim != 1:
        raise ValueError(f"{name} must be of shape (n,), got {scores.shape}.")
    return positive, scores, pos_label


def positive_number(
    truth: np.ndarray, y_score: ArrayLike, classes: ArrayLike, pos_label: object
) -> int:
    """Choose the positive class of two by labels and scores alone.

    A single column of scores is that of the last class, as in scikit-learn.
    """
    labels = np.asarray(classes).tolist()
    if pos_label is None and np.size(y_score) == len(truth):
        return 1
    counts = [int(np.sum(truth == label)) for label in labels]
    return cast(int, positive_class(counts, labels, pos_label))


def checked_scores(
    y_true: ArrayLike, y_score: ArrayLike, classes: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check labels and scores of any number of classes.

    Returns
    -------
    truth : ndarray of shape (n,)
        True labels.
    scores : ndarray of shape (n, n_classes)
        Scores of each class. A single column is that of the last of two classes.
    classes : ndarray of shape (n_classes,)
        Labels of the columns.

    Raises
    ------
    ValueError
        If the numbers of columns and classes differ, or if a label is not a class.
    """
    truth, scores = _checked(y_true, y_score, "y_score")
    known = np.unique(truth) if classes is None else np.asarray(classes)
    if scores.ndim == 1 or (scores.ndim == 2 and scores.shape[1] == 1):
        scores = np.column_stack([-scores.ravel(), scores.ravel()])
    if scores.ndim != 2 or scores.shape[1] != len(known):
        raise ValueError(
            f"y_score of shape {scores.shape} does not have one column for each of "
            f"{len(known)} classes: pass their labels as classes, in the order of the "
            "columns."
        )
    strangers = np.setdiff1d(truth, known)
    if len(strangers):
        raise ValueError(
            f"y_true has labels that are not in classes: {strangers[:5].tolist()}."
        )
    return truth, scores, known


def positive_of(
    estimator: object, y: ArrayLike, classes: np.ndarray, pos_label: object
) -> int | None:
    """Choose the positive class as told, as recorded, or as the rarer one of ``y``."""
    if pos_label is None and len(classes) == 2:
        try:
            record = find_record(estimator)
        except ValueError:  # it has none
            record = None
        if record is not None and "pos_label" in record.data:
            return record.positive
    counts = [int(np.sum(np.asarray(y) == label)) for label in classes]
    return positive_class(counts, classes.tolist(), pos_label)


def positive_scores(
    estimator: object,
    X: ArrayLike,
    y: ArrayLike,
    pos_label: object,
    *,
    methods: tuple[str, ...],
) -> tuple[np.ndarray, Any]:
    """Return the scores of the positive class by an estimator, and its label."""
    scores, classes = class_scores(estimator, X, methods=methods)
    if len(classes) != 2:
        raise ValueError(
            f"{type(estimator).__name__} was fitted on {len(classes)} classes, but two "
            "are needed: pass one class versus the rest to from_predictions."
        )
    column = positive_of(estimator, y, classes, pos_label)
    label = classes.tolist()[column]
    if scores.ndim == 1:
        return (scores if column == 1 else -scores), label
    return scores[:, column], label


def class_scores(
    estimator: Any, X: ArrayLike, *, methods: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores by the first method that an estimator has, and its classes.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator has none of the methods.
    """
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)
    method = next((name for name in methods if hasattr(estimator, name)), None)
    if method is None:
        raise ValueError(
            f"{type(estimator).__name__} has no {' or '.join(methods)}: give a "
            "classifier, or pass its scores to from_predictions."
        )
    with rows_explained(X):
        scores = np.asarray(getattr(estimator, method)(X))
    return scores, np.asarray(estimator.classes_)


def _checked(
    y_true: ArrayLike, y_score: ArrayLike, name: str
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.utils.validation import column_or_1d

    truth, scores = np.asarray(y_true), np.asarray(y_score, dtype=float)
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = column_or_1d(truth, warn=True)
    if truth.ndim != 1:
        raise ValueError(f"y_true must be of shape (n,), got {truth.shape}.")
    if len(truth) != len(scores):
        raise ValueError(
            f"y_true has {len(truth)} rows and {name} has {len(scores)} rows; the "
            "numbers of rows must be equal."
        )
    if not len(truth):
        raise ValueError(f"y_true has no rows: pass at least one row and its {name}.")
    n_bad = int(np.sum(~np.isfinite(scores)))
    if n_bad:
        raise ValueError(f"{name} must be finite, but {n_bad} of its values are not.")
    return truth, scores
