"""Folds and their scores, of a search or a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np

from skloss.diagnosis import Case
from skloss.positive_class import positive_class
from skloss.record.search_results import (
    best_index,
    read_search_results,
    refit_metric,
)
from skloss.reports.context import PASS_ROWS, Folds, NotKnown
from skloss.sklearn_compat import safe_indexing

__all__ = ["folds_of_results", "folds_of_search", "scored_label"]


def folds_of_search(
    search: Any,
    case: Case,
    X: Any,
    y: Any,
    groups: Any,
    is_given_all: bool = True,
) -> Folds:
    """Return the scores of a search's winner, and the folds as they can be drawn again.

    Parameters
    ----------
    search : estimator
        Search that was fitted with ``refit``.
    case : Case
        Case of the winner, which knows the metric of the search.
    X, y, groups : array-like or None
        As given to ``fit``.
    is_given_all : bool, default=True
        Whether these are the rows that the search itself was given.
    """
    from sklearn.metrics import check_scoring

    results = read_search_results(search)
    best = best_index(search, results)
    scorers = getattr(search, "scorer_", None)
    if scorers is None:
        scorers = check_scoring(search.estimator, scoring=search.scoring)
    is_one = not isinstance(scorers, Mapping)
    # A search with one scorer names it "score", whichever metric it is.
    named = {"score": scorers} if is_one else dict(scorers)
    scores = {
        name: np.array(
            [
                results[f"split{fold}_test_{name}"][best]
                for fold in range(search.n_splits_)
            ]
        )
        for name in named
    }
    if is_one and case.search is not None and case.search.scoring:
        title = case.search.scoring
        named, scores = {title: named["score"]}, {title: scores["score"]}
    splits, reason = None, ""
    try:
        if not is_given_all:
            raise NotKnown("What stands around the search gave it other rows.")
        splits = _splits_of(search, X, y, groups)
    except NotKnown as unknown:
        reason = str(unknown)
    metric = refit_metric(search)
    n_candidates = len(results[f"mean_test_{metric}"])
    return Folds(scores, named, splits, reason, n_candidates)


def _splits_of(
    search: Any, X: Any, y: Any, groups: Any
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw the folds of a search again from its splitter."""
    from sklearn.base import is_classifier
    from sklearn.model_selection import check_cv

    if X is None:
        raise NotKnown(PASS_ROWS)
    if hasattr(search, "n_resources_"):
        raise NotKnown(
            "A halving search scores its candidates on subsets of the rows, so its "
            "scores cannot be compared with those of the baselines."
        )
    cv = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
    if getattr(cv, "shuffle", True) and not isinstance(
        getattr(cv, "random_state", 0), Integral
    ):
        raise NotKnown(
            "The folds cannot be drawn again. Set random_state of the splitter to an "
            "int."
        )
    try:
        splits = list(cv.split(X, y, groups))
    except ValueError as err:  # most often the groups are missing
        raise NotKnown(
            f"The folds cannot be drawn again ({err}). Pass groups if fit was called "
            "with groups."
        ) from err
    if len(splits) != search.n_splits_:
        raise NotKnown("The folds cannot be drawn again, because cv was an iterator.")
    return splits


def folds_of_results(
    results: Mapping[str, Any], X: Any, y: Any, pos_label: Any = None
) -> Folds:
    """Return the scores of a cross-validation, and its folds if the results have them.

    If the results have no MCC, the estimators are scored again on their own folds.

    Parameters
    ----------
    results : mapping
        Results of ``cross_validate``.
    X, y : array-like or None
        Rows and labels that were passed to it.
    pos_label : label, default=None
        Positive class of two; None is chosen by `positive_class`.
    """
    from sklearn.metrics import get_scorer, get_scorer_names

    names = [str(n).removeprefix("test_") for n in results if n.startswith("test_")]
    known = set(get_scorer_names())
    scores = {name: np.asarray(results[f"test_{name}"], float) for name in names}
    scorers = {name: get_scorer(name) for name in names if name in known}
    indices = results.get("indices")
    if indices is None:
        reason = (
            "The folds are not known. Call cross_validate with return_indices=True."
        )
        return Folds(scores, scorers, reason=reason)
    splits = list(zip(indices["train"], indices["test"], strict=True))
    if "matthews_corrcoef" not in scores and X is not None:
        scorers = _scorers_of_classes(y, pos_label)
        scores = {
            name: np.array(
                [
                    scorer(one, safe_indexing(X, test), np.asarray(y)[test])
                    for one, (_, test) in zip(results["estimator"], splits, strict=True)
                ]
            )
            for name, scorer in scorers.items()
        }
    return Folds(scores, scorers, splits)


def scored_label(scorer: Any) -> Any:
    """Label of the positive class that a scorer measures; None if it measures all.

    Examples
    --------
    >>> from sklearn.metrics import f1_score, get_scorer, make_scorer
    >>> scored_label(make_scorer(f1_score, pos_label="fraud"))
    'fraud'
    >>> scored_label(get_scorer("f1")), scored_label(get_scorer("f1_macro"))
    (1, None)
    """
    accepted = signature(getattr(scorer, "_score_func", scorer)).parameters
    given = getattr(scorer, "_kwargs", {})
    average = accepted["average"].default if "average" in accepted else "binary"
    if "pos_label" not in accepted or given.get("average", average) != "binary":
        return None
    return given.get("pos_label", accepted["pos_label"].default)


def _scorers_of_classes(y: Any, pos_label: Any) -> dict[str, Any]:
    """Return scorers of MCC, and of F1 of the positive class or the mean over many."""
    from sklearn.metrics import f1_score, get_scorer, make_scorer

    classes, counts = np.unique(y, return_counts=True)
    found = {"matthews_corrcoef": get_scorer("matthews_corrcoef")}
    if len(classes) > 2:
        return found | {"f1_macro": get_scorer("f1_macro")}
    positive = positive_class(counts, classes.tolist(), pos_label)
    return found | {"f1": make_scorer(f1_score, pos_label=classes[positive])}
