"""Scorers for searches by several metrics, valid for the labels at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    make_scorer,
    matthews_corrcoef,
)
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from skloss.metrics.confusion import ConfusionCounts, confusion_matrix
from skloss.metrics.ranking import average_precision
from skloss.positive_class import positive_class

__all__ = ["scoring"]


def scoring(y: ArrayLike, *, pos_label: Any = None) -> dict[str, Any]:
    """Make scorers of MCC, F1, average precision and the like for these labels.

    scikit-learn's ``"f1"`` and ``"average_precision"`` are of the label 1, and fail for
    labels such as ``"fraud"`` or for more than two classes. These are of the positive
    class of ``y``, or means over all classes, and can be passed to every search and
    cross-validation as ``scoring``.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels; only which there are, and how many of each, matters.
    pos_label : label, default=None
        Positive class of two. None is the rarer class if it has at most 40 % of the
        rows, and the second one otherwise, as in the classifiers of skloss.

    Returns
    -------
    scorers : dict of str to scorer
        Of each, higher is better: ``mcc``; ``f1``, with more than two classes the mean
        over them; ``balanced_accuracy``; ``average_precision``, of the positive class
        or the mean over all, each against the rest; ``neg_fpr``, the negative false
        positive rate, or its mean over all classes; ``neg_brier_score``, the negative
        Brier score. The last one and ``average_precision`` need probabilities, or of
        two classes for the latter a ``decision_function``.

    Raises
    ------
    ValueError
        If ``y`` does not have two or more classes, or ``pos_label`` is none of two.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_validate
    >>> from skloss.datasets import make_rare_events
    >>> from skloss.metrics import scoring
    >>> X, y = make_rare_events(random_state=0)
    >>> labels = np.where(y == 1, "fraud", "fine")
    >>> scorers = scoring(labels)
    >>> print(*scorers)
    mcc f1 balanced_accuracy average_precision neg_fpr neg_brier_score
    >>> found = cross_validate(LogisticRegression(), X, labels, scoring=scorers)
    >>> found["test_f1"].shape
    (5,)
    """
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"y must hold one label of two or more classes for each row, got {kind}: "
            "pass the labels that the classifier is fitted to."
        )
    labels, counts = np.unique(column_or_1d(y), return_counts=True)
    if len(labels) < 2:
        raise ValueError(
            f"y holds only one class, {labels.tolist()[0]!r}: pass all labels of the "
            "data, not those of a part."
        )
    classes = labels.tolist()
    positive = positive_class(counts, classes, pos_label)
    common = {
        "mcc": make_scorer(matthews_corrcoef),
        "balanced_accuracy": make_scorer(balanced_accuracy_score),
        "neg_fpr": make_scorer(
            _fpr, greater_is_better=False, labels=classes, positive=positive
        ),
    }
    own = _of_many(classes) if positive is None else _of_two(classes[positive])
    order = ("mcc", "f1", "balanced_accuracy", "average_precision", "neg_fpr")
    return {name: (common | own)[name] for name in (*order, "neg_brier_score")}


def _of_two(label: Any) -> dict[str, Any]:
    """Scorers of a positive class, all by metrics of scikit-learn."""
    ranks = ("decision_function", "predict_proba")
    return {
        "f1": make_scorer(f1_score, pos_label=label, zero_division=0),
        "average_precision": make_scorer(
            average_precision_score, response_method=ranks, pos_label=label
        ),
        "neg_brier_score": make_scorer(
            brier_score_loss,
            greater_is_better=False,
            response_method="predict_proba",
            pos_label=label,
        ),
    }


def _of_many(labels: list[Any]) -> dict[str, Any]:
    """Scorers of means over classes; a fold need not have rows of each."""
    chances = {"response_method": "predict_proba", "labels": labels}
    return {
        "f1": make_scorer(f1_score, average="macro", labels=labels, zero_division=0),
        "average_precision": make_scorer(_mean_precision, **chances),
        "neg_brier_score": make_scorer(_brier, greater_is_better=False, **chances),
    }


def _codes(y: ArrayLike, labels: list[Any]) -> np.ndarray:
    found: np.ndarray = np.searchsorted(np.asarray(labels), np.asarray(y))
    return found


def _fpr(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    labels: list[Any],
    positive: int | None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of the negative rows that are predicted positive."""
    codes = _codes(y_true, labels), _codes(y_pred, labels)
    table = confusion_matrix(*codes, len(labels), sample_weight)
    return float(ConfusionCounts(table, 1 if positive is None else positive).fpr)


def _mean_precision(
    y_true: ArrayLike,
    y_proba: np.ndarray,
    labels: list[Any],
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean average precision over the classes that have rows, each against the rest."""
    y_proba, codes = _checked(y_proba, labels), _codes(y_true, labels)
    found = [
        average_precision(codes == c, y_proba[:, c], sample_weight)
        for c in np.unique(codes)
    ]
    return float(np.mean(found))


def _brier(
    y_true: ArrayLike,
    y_proba: np.ndarray,
    labels: list[Any],
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean squared distance of the probabilities from zeros and a one."""
    y_proba, codes = _checked(y_proba, labels), _codes(y_true, labels)
    distances = ((y_proba - np.eye(len(labels))[codes]) ** 2).sum(axis=1)
    weight = None if sample_weight is None else np.asarray(sample_weight, float)
    return float(np.average(distances, weights=weight))


def _checked(y_proba: np.ndarray, labels: list[Any]) -> np.ndarray:
    n_classes = y_proba.shape[1] if y_proba.ndim == 2 else 2
    if n_classes != len(labels):
        raise ValueError(
            f"There are probabilities of {n_classes} classes, but y has "
            f"{len(labels)}: a fold was trained without some of them; use fewer folds, "
            "or StratifiedKFold."
        )
    return y_proba
