"""Scores of two baselines, a constant guess and a logistic regression."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from skloss.holdout import class_codes, stratified_sample
from skloss.positive_class import positive_probability
from skloss.reports.context import PASS_ROWS, Folds, NotKnown, Split
from skloss.sklearn_compat import safe_indexing
from skloss.sparse_rows import is_sparse

__all__ = [
    "LOGISTIC",
    "MAJORITY",
    "TREES",
    "baseline_predictions",
    "joined_parts",
    "predictions_on_folds",
    "scores_on_folds",
]

MAJORITY = "Constant guess (most frequent class)"
TREES = "Boosted trees"
LOGISTIC = "Logistic regression"
# A fit on so many rows takes about a second.
_MOST_ROWS = 20_000
_MOST_STEPS = 200


def scores_on_folds(
    folds: Folds, estimator: Any, X: Any, y: Any
) -> dict[str, dict[str, np.ndarray]]:
    """Score both baselines on the folds of a search.

    Parameters
    ----------
    folds : Folds
        Folds with their splits and scorers.
    estimator : estimator or None
        Winner of the search. The logistic regression is fitted behind the same steps.
    X, y : array-like
        Rows and labels that were passed to ``fit``.

    Returns
    -------
    dict of str to dict of str to ndarray
        One score per fold, under `MAJORITY` or `LOGISTIC` and the name of the scorer.

    Raises
    ------
    NotKnown
        If the baselines cannot be fitted on these rows.
    """
    if folds.splits is None:
        raise NotKnown(folds.reason)
    if X is None:
        raise NotKnown(PASS_ROWS)
    X, y = _table(X), np.asarray(y)
    found: dict[str, dict[str, list[float]]] = {
        name: {scorer: [] for scorer in folds.scorers} for name in (MAJORITY, LOGISTIC)
    }
    with _refusing():
        for train, test in folds.splits:
            held = safe_indexing(X, test), y[test]
            for name, fitted in _fitted(estimator, safe_indexing(X, train), y[train]):
                for scorer, function in folds.scorers.items():
                    found[name][scorer].append(float(function(fitted, *held)))
    return {
        name: {scorer: np.asarray(values) for scorer, values in scores.items()}
        for name, scores in found.items()
    }


def predictions_on_folds(
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    estimator: Any,
    X: Any,
    y: Any,
    positive: int | None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Predict the test rows of all folds, one fold after the other, by both baselines.

    Returns
    -------
    predicted : dict of str to ndarray
        Predicted labels, under `MAJORITY` and `LOGISTIC`.
    probabilities : dict of str to ndarray
        Probability of the positive label of two; empty if there are not two.

    Raises
    ------
    NotKnown
        If the baselines cannot be fitted on these rows.
    """
    X, y = _table(X), np.asarray(y)
    found: dict[str, list[np.ndarray]] = {MAJORITY: [], LOGISTIC: []}
    chances: dict[str, list[np.ndarray | None]] = {MAJORITY: [], LOGISTIC: []}
    with _refusing():
        for train, test in splits:
            for name, fitted in _fitted(estimator, safe_indexing(X, train), y[train]):
                rows = safe_indexing(X, test)
                found[name].append(fitted.predict(rows))
                chances[name].append(positive_probability(fitted, rows, y, positive))
    joined = {name: joined_parts(parts) for name, parts in chances.items()}
    return (
        {name: np.concatenate(parts) for name, parts in found.items()},
        {name: parts for name, parts in joined.items() if parts is not None},
    )


def joined_parts(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Join what is known of each fold; None if it is not known of all of them."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def baseline_predictions(
    split: Split, estimator: Any
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Predict the held-out rows by both baselines.

    Returns
    -------
    truth : ndarray of int
        True class numbers of the held-out rows.
    predicted : dict of str to ndarray of int
        Predicted class numbers, under `MAJORITY` and `LOGISTIC`.

    Raises
    ------
    NotKnown
        If the baselines cannot be fitted on these rows.
    """
    y, y_val = _labels(split.y), _labels(split.y_val)
    _, codes = class_codes(np.concatenate([y, y_val]))
    with _refusing():
        fitted = _fitted(estimator, _table(split.X), codes[: len(y)])
        rows = _table(split.X_val)
        predicted = {
            name: np.asarray(baseline.predict(rows), int) for name, baseline in fitted
        }
    return codes[len(y) :], predicted


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn an error of scikit-learn into NotKnown, and silence its warnings."""
    try:
        with warnings.catch_warnings():
            # A regression that stopped before it converged is still a fair baseline.
            warnings.simplefilter("ignore")
            yield
    except (ValueError, TypeError, RuntimeError) as err:
        message = " ".join(str(err).split()).rstrip(".")
        raise NotKnown(f"It cannot be fitted on these rows ({message}).") from err


def _fitted(estimator: Any, X: Any, y: np.ndarray) -> Iterator[tuple[str, Any]]:
    from sklearn.dummy import DummyClassifier

    yield MAJORITY, DummyClassifier(strategy="most_frequent").fit(X, y)
    most = max(_MOST_ROWS, 2 * len(np.unique(y)))
    rows = stratified_sample(class_codes(y)[1], most)
    yield (
        LOGISTIC,
        _logistic(estimator, is_sparse(X)).fit(safe_indexing(X, rows), y[rows]),
    )


def _logistic(estimator: Any, keeps_zeros: bool) -> Any:
    """Put a logistic regression in the place of the network in its pipeline."""
    from imblearn.pipeline import Pipeline
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    before = [
        (name, clone(step, safe=False))
        for name, step in getattr(estimator, "steps", ())[:-1]
    ]
    logistic = LogisticRegression(max_iter=_MOST_STEPS)
    own = [
        ("report_scale", StandardScaler(with_mean=not keeps_zeros)),
        ("report_logistic", logistic),
    ]
    return Pipeline([*before, *own])


def _table(X: Any) -> Any:
    """Rows as a table; series are flattened."""
    if hasattr(X, "iloc") or np.ndim(X) == 2:
        return X
    return np.asarray(X).reshape(len(X), -1)


def _labels(y: Any) -> np.ndarray:
    """Labels in one column; one-hot rows become class numbers."""
    labels = np.asarray(y)
    if labels.ndim == 2:
        labels = labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0]
    return labels
