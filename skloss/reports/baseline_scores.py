"""Scores of a constant guess and a logistic regression on the same rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skloss.holdout import class_codes, stratified_sample
from skloss.reports.context import PASS_ROWS, Folds, NotKnown, Split
from skloss.sklearn_compat import safe_indexing

__all__ = ["GUESS", "LINE", "said_of_held_out", "scores_on_folds"]

GUESS = "Always the most frequent class"
LINE = "Logistic regression"
_MOST_ROWS = 20_000  # to fit on, so that a page takes seconds
_MOST_STEPS = 200


def scores_on_folds(
    folds: Folds, estimator: Any, X: Any, y: Any
) -> dict[str, dict[str, np.ndarray]]:
    """Score both on the folds of a search.

    Parameters
    ----------
    folds : Folds
        With splits and scorers.
    estimator : estimator or None
        The winner: the steps before its classifier are used here too.
    X, y : array-like
        Rows and labels as given to ``fit``.

    Returns
    -------
    dict of str to dict of str to ndarray
        By `GUESS` and `LINE`, then by scorer: one score per fold.

    Raises
    ------
    NotKnown
        If they cannot be fitted on these rows.
    """
    if folds.splits is None:
        raise NotKnown(folds.reason)
    if X is None:
        raise NotKnown(PASS_ROWS)
    X, y = _table(X), np.asarray(y)
    found: dict[str, dict[str, list[float]]] = {
        name: {scorer: [] for scorer in folds.scorers} for name in (GUESS, LINE)
    }
    with _refusing():
        for train, test in folds.splits:
            held = safe_indexing(X, test), y[test]
            for name, peer in _fitted(estimator, safe_indexing(X, train), y[train]):
                for scorer, function in folds.scorers.items():
                    found[name][scorer].append(float(function(peer, *held)))
    return {
        name: {scorer: np.asarray(values) for scorer, values in scores.items()}
        for name, scores in found.items()
    }


def said_of_held_out(
    split: Split, estimator: Any
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Predict the rows held out by both.

    Returns
    -------
    truth : ndarray of int
        Class numbers of the rows held out.
    said : dict of str to ndarray of int
        Class numbers by `GUESS` and `LINE`.

    Raises
    ------
    NotKnown
        If they cannot be fitted on these rows.
    """
    y, y_val = _labels(split.y), _labels(split.y_val)
    _, codes = class_codes(np.concatenate([y, y_val]))
    with _refusing():
        fitted = _fitted(estimator, _table(split.X), codes[: len(y)])
        rows = _table(split.X_val)
        said = {name: np.asarray(peer.predict(rows), int) for name, peer in fitted}
    return codes[len(y) :], said


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn complaints of scikit-learn into a reason; let it warn of nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged is near enough
            yield
    except (ValueError, TypeError, RuntimeError) as err:
        message = " ".join(str(err).split()).rstrip(".")
        raise NotKnown(f"It cannot be fitted on these rows ({message}).") from err


def _fitted(estimator: Any, X: Any, y: np.ndarray) -> Iterator[tuple[str, Any]]:
    from sklearn.dummy import DummyClassifier

    yield GUESS, DummyClassifier(strategy="most_frequent").fit(X, y)
    most = max(_MOST_ROWS, 2 * len(np.unique(y)))
    rows = stratified_sample(class_codes(y)[1], most)
    yield LINE, _line(estimator).fit(safe_indexing(X, rows), y[rows])


def _line(estimator: Any) -> Any:
    """Put a logistic regression behind the steps that the network is behind."""
    from imblearn.pipeline import Pipeline
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    before = [
        (name, clone(step, safe=False))
        for name, step in getattr(estimator, "steps", ())[:-1]
    ]
    line = LogisticRegression(max_iter=_MOST_STEPS)
    own = [("report_scale", StandardScaler()), ("report_line", line)]
    return Pipeline([*before, *own])


def _table(X: Any) -> Any:
    """Rows as a table: series are folded."""
    if hasattr(X, "iloc") or np.ndim(X) == 2:
        return X
    return np.asarray(X).reshape(len(X), -1)


def _labels(y: Any) -> np.ndarray:
    """Labels of one column, of one-hot rows too."""
    labels = np.asarray(y)
    if labels.ndim == 2:
        labels = labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0]
    return labels
