"""The rule that says which of two classes is the positive one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["MOST_RARE", "positive_class", "positive_probability"]

# Largest share of the rows of a class that is positive because it is rare. At one half
# the folds of one cross-validation, which differ by some rows, would not agree.
MOST_RARE = 0.4


def positive_class(
    counts: ArrayLike, classes: Sequence[Any] | None = None, pos_label: object = None
) -> int | None:
    """Return the number of the positive class, which F1, recall and the like measure.

    Parameters
    ----------
    counts : array-like of int, shape (n_classes,)
        Rows of each class, before any sampler.
    classes : sequence of shape (n_classes,), default=None
        Labels of the classes. None numbers them.
    pos_label : object, default=None
        Label of the positive class. None is the rarer of two classes if it has at most
        40 % of the rows, and the second class otherwise.

    Returns
    -------
    number : int or None
        0 or 1; None if there are not two classes.

    Raises
    ------
    ValueError
        If ``pos_label`` is given and there are not two classes, or it is none of them.

    Examples
    --------
    >>> positive_class([20, 980]), positive_class([980, 20]), positive_class([45, 55])
    (0, 1, 1)
    >>> positive_class([980, 20], classes=["ok", "fraud"], pos_label="ok")
    0
    """
    rows = np.asarray(counts, dtype=float)
    if pos_label is not None:
        labels = list(range(len(rows)) if classes is None else classes)
        return _number_of(pos_label, labels)
    if len(rows) != 2:
        return None
    return 0 if rows[0] < rows[1] and rows[0] <= MOST_RARE * rows.sum() else 1


def positive_probability(
    fitted: Any, X: ArrayLike, y: ArrayLike, pos_label: object = None
) -> np.ndarray | None:
    """Predict the probability of the positive class of two.

    Parameters
    ----------
    fitted : estimator
        Fitted classifier.
    X : array-like of shape (n, ...)
        Rows.
    y : array-like
        Labels of all rows, those of other folds too.
    pos_label : object, default=None
        Positive class; None is chosen by `positive_class`.

    Returns
    -------
    probability : ndarray of shape (n,) or None
        None if there are not two classes, or if the classifier has not seen the
        positive one or gives no finite probabilities.
    """
    classes, counts = np.unique(y, return_counts=True)
    if pos_label is None:
        number = positive_class(counts)
        if number is None:
            return None
        pos_label = classes[number]
    columns = np.flatnonzero(np.asarray(fitted.classes_) == pos_label)
    if len(classes) != 2 or not len(columns) or not hasattr(fitted, "predict_proba"):
        return None
    found = np.asarray(fitted.predict_proba(X), float)[:, columns[0]]
    return found if np.isfinite(found).all() else None


def _number_of(pos_label: object, labels: list[Any]) -> int:
    """Position of a label among two."""
    if len(labels) != 2:
        raise ValueError(
            f"pos_label={pos_label!r} is for two classes, but there are {len(labels)}: "
            "leave it out, and F1, recall and the like are means over all classes."
        )
    if pos_label not in labels:
        raise ValueError(f"pos_label must be one of {labels}, got {pos_label!r}.")
    return labels.index(pos_label)
