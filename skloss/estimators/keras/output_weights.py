"""Class weights where y has several columns, or an encoder of the user's own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skloss.estimators.checks import class_weights

__all__ = ["is_one_hot", "weights_of_labels"]


def is_one_hot(y: np.ndarray) -> bool:
    """Whether the columns of y are exclusive: each row has a single one, else zeros."""
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind not in "biuf":
        return False
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def weights_of_labels(
    owner: str,
    class_weight: Any,
    y: np.ndarray,
    columns: Sequence[Any] | None,
    *,
    one_hot: bool,
) -> np.ndarray | None:
    """Weight of each label in y.

    Parameters
    ----------
    owner : str
        Name of the estimator, for errors.
    class_weight : object
        For one label per row, also one-hot: None, "balanced" or a dict from label to
        weight. The label of a column is its number or, of a DataFrame, its name. For
        several labels per row: None, "balanced", or a list with one of these for each
        column.
    y : ndarray of shape (n,) or (n, n_columns)
        Labels.
    columns : sequence or None
        Names of the columns of y, if they have any.
    one_hot : bool
        Whether the columns of y are exclusive classes.

    Returns
    -------
    ndarray of shape (n,) or (n, n_columns), or None
        One weight per row, or one per row and column; None if all are one.
    """
    if class_weight is None:
        return None
    if one_hot:
        labels = np.arange(y.shape[1])
        if columns is not None and isinstance(class_weight, Mapping):
            class_weight = _by_number(class_weight, columns)
        codes = y.argmax(axis=1).astype(np.int32)
        return _weights(owner, class_weight, labels, codes)[codes]
    if y.ndim == 1:
        return _column(owner, class_weight, y)
    if isinstance(class_weight, str):
        class_weight = [class_weight] * y.shape[1]
    if not isinstance(class_weight, list | tuple) or len(class_weight) != y.shape[1]:
        got = type(class_weight).__name__
        if isinstance(class_weight, list | tuple):
            got += f" of {len(class_weight)}"
        raise ValueError(
            f"y has {y.shape[1]} columns of labels, for which the 'class_weight' "
            f"parameter of {owner} must be None, 'balanced' or a list of "
            f"{y.shape[1]} dicts, one for each column, such as {{0: 1.0, 1: 5.0}}. "
            f"Got a {got} instead."
        )
    weights = [
        _column(owner, given, labels)
        for given, labels in zip(class_weight, y.T, strict=True)
    ]
    return np.stack(weights, axis=1)


def _column(owner: str, given: Any, y: np.ndarray) -> np.ndarray:
    """Weights of the labels of one column; it may lack ones, or zeros."""
    if given is None:
        return np.ones(len(y))
    labels = np.unique(y)
    if isinstance(given, Mapping) and labels.dtype.kind in "biuf":
        both = np.union1d(labels, [0, 1])
        labels = both if len(both) == 2 else labels
    codes = np.searchsorted(labels, y)
    return _weights(owner, given, labels, codes)[codes]


def _weights(
    owner: str, given: Any, labels: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """Weight of each label; one for those that a dict does not name."""
    if isinstance(given, Mapping):
        given = {**dict.fromkeys(labels.tolist(), 1.0), **given}
    return class_weights(owner, given, labels, codes)


def _by_number(class_weight: Mapping[Any, Any], columns: Sequence[Any]) -> Any:
    """Class weights by number of the column, where they came by its name."""
    numbers = {name: number for number, name in enumerate(columns)}
    return {numbers.get(key, key): weight for key, weight in class_weight.items()}
