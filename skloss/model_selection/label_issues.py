"""``label_issues``: rows whose label is probably wrong, found through cleanlab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["LabelIssues", "label_issues"]


@dataclass(frozen=True, repr=False, eq=False)
class LabelIssues:
    """Rows whose label is probably wrong.

    Parameters
    ----------
    positions : ndarray of shape (n_issues,)
        Positions of the rows, the most suspicious first.
    scores : ndarray of shape (n,)
        Quality of the label of every row, from 0 (surely wrong) to 1: its own
        probability.
    labels : ndarray of shape (n_issues,)
        Labels as given.
    suggested : ndarray of shape (n_issues,)
        The most probable label of each.
    n_rows : int
        All rows.
    """

    positions: np.ndarray
    scores: np.ndarray
    labels: np.ndarray = field(repr=False)
    suggested: np.ndarray = field(repr=False)
    n_rows: int = 0

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def share(self) -> float:
        """Share of all rows."""
        return len(self) / max(self.n_rows, 1)

    def __repr__(self) -> str:
        lines = [
            f"{len(self):,} of {self.n_rows:,} labels ({self.share:.1%}) are probably "
            "wrong"
        ]
        shown = zip(self.positions, self.labels, self.suggested, strict=True)
        for place, given, other in list(shown)[:10]:
            score = self.scores[place]
            lines.append(f"  row {place}: {given}, rather {other} (score {score:.3f})")
        if len(self) > 10:
            lines.append("  ...")
        return "\n".join(lines)


def label_issues(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> LabelIssues:
    """Find rows whose label is probably wrong, by out-of-fold probabilities.

    Each row is predicted by an estimator that was not trained on it. cleanlab compares
    these probabilities with the labels: a row is an issue if another class is at least
    as probable as it usually is for rows of that class.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
        It is copied, never changed. Probabilities of the natural shares of the classes
        work best: leave samplers and class weights out.
    X : array-like of shape (n, ...)
        Rows.
    y : array-like of shape (n,)
        Labels.
    cv : int, cross-validator or iterable, default=5
        Folds. A number means so many stratified folds, which keep groups together.
    groups : array-like of shape (n,), default=None
        Groups of rows.
    random_state : int, RandomState or None, default=None
        Seed of the folds.

    Returns
    -------
    LabelIssues

    Raises
    ------
    ImportError
        If cleanlab is not installed.
    ValueError
        If an argument cannot be used.

    See Also
    --------
    error_floor : The lowest error, given the labels as they are.

    Notes
    -----
    It costs as many fits as there are folds. An estimator that has not learned the
    classes finds no wrong labels, and a rare class that is hard to tell from another
    one looks like wrong labels: look at the rows before you change or drop any.

    References
    ----------
    C. Northcutt, L. Jiang and I. Chuang, Confident learning: estimating uncertainty in
    dataset labels, Journal of Artificial Intelligence Research 70, 2021.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skloss import label_issues
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> X = rng.normal(size=(100, 2)) + 6 * y[:, None]
    >>> y[[3, 70]] = 1, 0
    >>> found = label_issues(
    ...     LogisticRegression(), X, y, random_state=0
    ... )  # doctest: +SKIP
    >>> sorted(found.positions.tolist())  # doctest: +SKIP
    [3, 70]
    """
    rank = _cleanlab()
    X, labels, groups = _checked(estimator, X, y, groups)
    classes, codes = np.unique(labels, return_inverse=True)
    chances = _out_of_fold(estimator, X, labels, codes, cv, groups, random_state)
    positions = rank.find_label_issues(
        codes, chances, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    positions = np.asarray(positions, int)
    return LabelIssues(
        positions=positions,
        scores=chances[np.arange(len(codes)), codes],
        labels=labels[positions],
        suggested=classes[chances[positions].argmax(axis=1)],
        n_rows=len(labels),
    )


def _cleanlab() -> Any:
    try:
        from cleanlab import filter as found
    except ImportError as error:
        raise ImportError(
            "label_issues needs cleanlab, which is not installed: install it by "
            "'pip install \"skloss[labels]\"'."
        ) from error
    return found


def _checked(
    estimator: Any, X: Any, y: Any, groups: Any
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    from sklearn.utils.validation import check_consistent_length

    from skloss.sparse_rows import indexable

    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"estimator must have predict_proba, got {type(estimator).__name__}."
        )
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise ValueError(f"y must have one label per row, got shape {labels.shape}.")
    if len(np.unique(labels)) < 2:
        raise ValueError("y has a single class; at least two are needed.")
    groups = None if groups is None else np.asarray(groups)
    check_consistent_length(X, labels, groups)
    return indexable(X), labels, groups


def _out_of_fold(
    estimator: Any,
    X: Any,
    labels: np.ndarray,
    codes: np.ndarray,
    cv: Any,
    groups: Any,
    random_state: Any,
) -> np.ndarray:
    """Probabilities of each row by an estimator that was not trained on it."""
    from sklearn.model_selection import (
        StratifiedGroupKFold,
        StratifiedKFold,
        cross_val_predict,
    )
    from sklearn.utils import check_random_state

    if isinstance(cv, int):
        fewest = int(np.bincount(codes).min())
        if cv < 2 or fewest < cv:
            raise ValueError(
                f"cv={cv} must be at least 2, and at most the number of rows of the "
                f"smallest class, {fewest}."
            )
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        cv = kind(cv, shuffle=True, random_state=seed)
    options: Mapping[str, Any] = {"cv": cv, "groups": groups}
    found = cross_val_predict(estimator, X, labels, method="predict_proba", **options)
    # Probabilities are single precision in networks, and must sum to one.
    chances = np.asarray(found, float)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))
