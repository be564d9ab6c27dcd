"""The folds of a repair, made of what its caller gave."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import check_random_state
from sklearn.utils.validation import column_or_1d

from skloss.repairs.estimator_parts import parts_of
from skloss.repairs.paired_scores import Folds, Split
from skloss.sklearn_compat import safe_indexing
from skloss.sparse_rows import indexable, n_rows

__all__ = ["make_folds"]

# Drawings of the folds after which two estimators are compared.
_LOOKS = (1, 2, 4)


def make_folds(
    estimator: Any,
    X: Any,
    y: Any,
    scorer: Callable[..., float],
    cv: Any,
    groups: Any,
    random_state: Any,
) -> Folds:
    """Check rows, labels and groups, and split them.

    Parameters
    ----------
    estimator : estimator
        What is to be scored.
    X, y, groups : array-likes
        Rows, labels and groups or None.
    scorer : callable
        Scorer of scikit-learn.
    cv, random_state
        As of ``repair``.

    Returns
    -------
    Folds

    Raises
    ------
    ValueError
        If they do not fit each other.
    """
    if not hasattr(X, "__len__") and not hasattr(X, "shape"):
        raise ValueError(f"X must be an array of rows, got {type(X).__name__}.")
    X, y = indexable(X), _labels(y)
    _check_length("y", y, X)
    if len(np.unique(y)) < 2:
        raise ValueError("y has a single class; at least two are needed.")
    if groups is not None:
        groups = np.asarray(groups)
        _check_length("groups", groups, X)
    splits, looks = _splits(X, y, cv, groups, random_state)
    if len(splits) < 2:
        raise ValueError(
            f"cv={cv!r} gives {len(splits)} fold; at least 2 are needed for an "
            "interval."
        )
    return Folds(X, y, splits, looks, scorer, _fit_params(groups))


def _labels(y: Any) -> np.ndarray:
    if np.ndim(y) != 1 and not (np.ndim(y) == 2 and np.shape(y)[1] == 1):
        raise ValueError(
            f"y must have one label per row, got shape {np.shape(y)}; give the labels "
            "themselves, not columns of zeros and ones."
        )
    return column_or_1d(y)


def _check_length(name: str, values: Any, X: Any) -> None:
    if len(values) != n_rows(X):
        raise ValueError(
            f"X has {n_rows(X)} rows and {name} has {len(values)}; they must have as "
            "many."
        )


def _splits(
    X: Any, y: np.ndarray, cv: Any, groups: Any, random_state: Any
) -> tuple[list[Split], tuple[int, ...]]:
    if not isinstance(cv, Integral) or isinstance(cv, bool):
        given = list(check_cv(cv, y, classifier=True).split(X, y, groups))
        return given, (len(given),)
    _check_count(int(cv), y, groups)
    state = check_random_state(random_state)
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    drawn = [
        split
        for _ in range(_LOOKS[-1])
        for split in splitter(
            int(cv), shuffle=True, random_state=int(state.randint(2**31 - 1))
        ).split(X, y, groups)
    ]
    return drawn, tuple(int(cv) * n for n in _LOOKS)


def _check_count(cv: int, y: np.ndarray, groups: Any) -> None:
    if cv < 2:
        raise ValueError(f"cv must be at least 2, got {cv}.")
    labels, counts = np.unique(y, return_counts=True)
    if groups is None and counts.min() < cv:
        rarest = labels[counts.argmin()].item()
        raise ValueError(
            f"cv={cv} needs {cv} rows of every class, got {counts.min()} of class "
            f"{rarest!r}; lower cv."
        )
    if groups is not None and len(np.unique(groups)) < cv:
        raise ValueError(
            f"cv={cv} needs as many groups, got {len(np.unique(groups))}; lower cv."
        )


def _fit_params(
    groups: np.ndarray | None,
) -> Callable[[Any, np.ndarray | None], Mapping[str, Any]]:
    """Hand the groups of the rows to a classifier whose ``fit`` takes them."""

    def of_fit(estimator: Any, rows: np.ndarray | None) -> Mapping[str, Any]:
        parts = parts_of(estimator)
        fit = inspect.signature(parts.classifier.fit).parameters
        if groups is None or "groups" not in fit or "estimator__" in parts.prefix:
            return {}
        given = groups if rows is None else safe_indexing(groups, rows)
        return {f"{parts.prefix}groups": given}

    return of_fit
