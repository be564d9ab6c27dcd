"""``repair``: apply the fixes of a diagnosis one by one, and keep those that help."""

from __future__ import annotations

import time
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring

from skloss.repairs.folds import make_folds
from skloss.repairs.path import Path
from skloss.repairs.result import Repair

__all__ = ["repair"]


def repair(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    scoring: Any = "matthews_corrcoef",
    cv: Any = 5,
    groups: ArrayLike | None = None,
    max_trials: int = 8,
    random_state: int | np.random.RandomState | None = None,
) -> Repair:
    """Apply the fixes of a diagnosis one by one, and keep those that are seen to help.

    The estimator is fitted on all rows and diagnosed. The first fix of an alarm that
    changes parameters or the pipeline is applied to a copy. Both are scored on the same
    folds. The fix is kept if the interval of the mean difference lies above zero; then
    the repaired estimator is diagnosed, and so on, until no fix is left. One fault
    can hide what the fix of another one gains. So where no fix helps alone, the fixes
    of all causes are tried together, and then a fix that gained something, though not
    beyond chance, or that changed no score, together with what is found once it is
    applied.

    Parameters
    ----------
    estimator : estimator
        A classifier of skloss, a ``KerasClassifier`` or an ``MLPClassifier``, or a
        Pipeline of skloss, imbalanced-learn or scikit-learn that ends in one, also in a
        wrapper such as ``TunedThresholdClassifierCV``. It is copied, never changed.
    X : array-like of shape (n, ...)
        Rows, in a form that the estimator accepts.
    y : array-like of shape (n,)
        Labels.
    scoring : str or callable, default="matthews_corrcoef"
        Scorer of scikit-learn; higher is better. None is the ``score`` of the
        estimator.
    cv : int, cross-validator or iterable, default=5
        Folds. A number means so many stratified folds, drawn twice, and four times
        where that does not decide; with groups, folds that keep them together. Each
        further drawing has other seeds of the estimators, drawn from their own.
    groups : array-like of shape (n,), default=None
        Groups of rows, for the folds and for the hold-out of a classifier of skloss.
    max_trials : int, default=8
        Most fixes to score.
    random_state : int, RandomState or None, default=None
        Seed of the folds.

    Returns
    -------
    Repair
        What was tried, why, the scores before and after, and the repaired estimator,
        not fitted.

    Raises
    ------
    DiagnosisError
        If the estimator is nothing that can be diagnosed.
    ValueError
        If an argument cannot be used, or if a score of the estimator as it is, is NaN.

    See Also
    --------
    diagnose : The findings that the fixes are of.

    Notes
    -----
    The interval is that of the corrected resampled t, at 90 %, which allows for folds
    that share training rows; its lower end decides. A fix that gains nothing on the
    first drawing of the folds is given up there, and one that gains something, though
    not beyond chance, is scored on two more. A lucky initialization is lucky in all
    folds; hence the other seeds. The score of the repaired estimator is slightly
    flattering, since it was chosen by it: score it on rows that were not given here.

    References
    ----------
    C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning
    52, 2003.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from skloss import DenseClassifier, repair
    >>> X, y = make_circles(400, noise=0.1, factor=0.5, random_state=0)
    >>> linear = DenseClassifier(8, 3, activation="linear", epochs=20, random_state=0)
    >>> repaired = repair(linear, X, y, cv=3, random_state=0)
    >>> repaired.kept[0].rule, repaired.kept[0].line
    ('linear-stack', 'estimator.set_params(activation="relu")')
    >>> repaired.estimator.activation
    'relu'
    """
    _check(estimator, max_trials)
    scorer = check_scoring(estimator, scoring)
    folds = make_folds(estimator, X, y, scorer, cv, groups, random_state)
    started = time.perf_counter()
    path = Path(folds, clone(estimator))
    path.go_on(max_trials)
    name = scoring if isinstance(scoring, str) else "score"
    before, after = path.both_scores()
    return Repair(
        estimator=clone(path.best.estimator),
        trials=tuple(path.trials),
        not_applied=dict(path.not_applied),
        scoring=name,
        before=before,
        after=after,
        gain=folds.gain(before, after) if path.trials else None,
        diagnosis_before=path.first.diagnosis,
        diagnosis_after=path.best.diagnosis,
        record_before=path.first.record,
        record_after=path.best.record,
        seconds=time.perf_counter() - started,
    )


def _check(estimator: Any, max_trials: object) -> None:
    kind = type(estimator).__name__
    if isinstance(estimator, type) or not (
        hasattr(estimator, "get_params") and hasattr(estimator, "fit")
    ):
        raise ValueError(
            f"estimator must be an estimator with fit and get_params, got {kind}; "
            "a Keras model must stand in a KerasClassifier."
        )
    if not is_classifier(estimator):
        raise ValueError(
            "estimator must be a classifier, or a Pipeline that ends in one, got "
            f"{kind}."
        )
    if hasattr(estimator, "_run_search") or hasattr(estimator, "cv_results_"):
        raise ValueError(
            f"estimator must not be a search, got {kind}; give its best_estimator_."
        )
    if not isinstance(max_trials, Integral) or max_trials < 1:
        raise ValueError(
            f"max_trials must be a whole number of at least 1, got {max_trials!r}."
        )
