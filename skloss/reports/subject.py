"""All that a page can say of a training, gathered from whatever was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np

from skloss.diagnosis import Case, Diagnosis, examine, record_of
from skloss.exceptions import RecordFormatError
from skloss.record import TrainingRecord
from skloss.sources import read_case
from skloss.sources.estimators import median_fold

__all__ = [
    "Folds",
    "HeldOut",
    "NotKnown",
    "Split",
    "Subject",
    "last_step",
    "read_subject",
]

_PASS_ROWS = "Pass X and y, as they were given to fit"


class NotKnown(Exception):  # noqa: N818 - an answer, not an error
    """Something cannot be shown; the text says why, and what to pass."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What the network says of rows that it was not trained on.

    ``truth`` are class numbers; ``scores`` are probabilities, of class 1 alone if there
    are two classes.
    """

    truth: np.ndarray
    scores: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Class number of each row, by the 0.5 rule if there are two."""
        if self.scores.ndim == 1:
            return (self.scores > 0.5).astype(int)
        return self.scores.argmax(axis=1)


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to train on and rows to measure on, as they were given to ``fit``."""

    X: Any
    y: Any
    X_val: Any
    y_val: Any


@dataclass(frozen=True, eq=False)
class Folds:
    """Scores of one estimator, or of a search's winner, on the same folds.

    ``splits`` are positions of rows; where they are not known, ``reason`` says why.
    """

    scores: Mapping[str, np.ndarray]
    scorers: Mapping[str, Callable[..., float]]
    splits: list[tuple[np.ndarray, np.ndarray]] | None = None
    reason: str = ""
    n_candidates: int = 1


@dataclass(frozen=True, eq=False)
class Subject:
    """What is known; parts that are not are None.

    Parameters
    ----------
    name : str
        What was given, in words.
    case : Case
        As the rules see it.
    diagnosis : Diagnosis
        What they found.
    record : TrainingRecord
        The curves; of a fit of skloss all that it keeps.
    estimator : estimator or None
        Fitted; the winner of a search.
    cv_results : mapping or None
        Of a search.
    refit_metric : str or None
        What its winner was chosen by.
    folds : Folds or None
        Of a search or a cross-validation.
    held_out : HeldOut or None
        Validation rows.
    split : Split or None
        Rows of both sides, where there are no folds; where they are not known,
        `split_reason` says why.
    X, y : array-like or None
        As given to ``fit``.
    records : tuple of TrainingRecord
        Of each fold of a cross-validation.
    asked : estimator or None
        The source itself, where it is one.
    """

    name: str
    case: Case
    diagnosis: Diagnosis
    record: TrainingRecord
    estimator: Any = None
    cv_results: Mapping[str, Any] | None = None
    refit_metric: str | None = None
    folds: Folds | None = None
    held_out: HeldOut | None = None
    split: Split | None = None
    split_reason: str = ""
    X: Any = None
    y: Any = None
    records: tuple[TrainingRecord, ...] = ()
    asked: Any = None

    @property
    def classes(self) -> list[str]:
        """Names of the classes in their order; numbers where they are not known."""
        known = self.record.data.get("classes")
        if known is None:
            known = getattr(self.estimator, "classes_", None)
        n_classes = self.case.n_classes or 0
        names = range(n_classes) if known is None else known
        return [str(name) for name in names]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns of X; empty where they have none."""
        known: Any = getattr(self.X, "columns", None)
        if known is None:
            known = getattr(self.estimator, "feature_names_in_", ())
        return [str(name) for name in known]


def read_subject(source: Any, X: Any = None, y: Any = None, **given: Any) -> Subject:
    """Gather what a page can say.

    Parameters
    ----------
    source : object
        What ``skloss.diagnose`` takes, or its Diagnosis.
    X, y : array-like, default=None
        Rows and labels as given to ``fit``.
    **given : dict
        ``history``, ``X_val``, ``y_val``, ``fit_params`` of ``skloss.diagnose``, and
        ``groups`` of the rows.
    """
    groups = given.pop("groups", None)
    if isinstance(source, Diagnosis):
        if source.case is None:
            raise ValueError(
                "This Diagnosis does not know what it is about; make it by "
                "skloss.diagnose, or give the fitted estimator itself."
            )
        case, diagnosis = source.case, source
        remembered = dict(source.given or {"source": None})
        source = remembered.pop("source")
        X, y = remembered.pop("X", X), remembered.pop("y", y)
        given = given | remembered
    else:
        source = _loaded(source)
        case, notes = read_case(source, X, y, **given)
        diagnosis = examine(case, notes)
    return _subject(source, case, diagnosis, X, y, groups, given)


def _loaded(source: Any) -> Any:
    """Return the record that a path leads to; curves of other forms stay a path."""
    if not isinstance(source, str | PathLike):
        return source
    try:
        return TrainingRecord.load(source)
    except RecordFormatError:
        return source


def _subject(
    source: Any,
    case: Case,
    diagnosis: Diagnosis,
    X: Any,
    y: Any,
    groups: Any,
    given: Mapping[str, Any],
) -> Subject:
    estimator, parts = _estimator_of(source), {}
    if hasattr(source, "cv_results_"):
        parts = {
            "cv_results": source.cv_results_,
            "refit_metric": _refit_metric(source),
            "folds": _folds_of_search(source, case, X, y, groups),
        }
    elif isinstance(source, Mapping) and "estimator" in source:
        parts = {
            "folds": _folds_of_results(source),
            "records": _records_of(source["estimator"]),
        }
    record = _record(source, estimator, case)
    held_out = _held_out(estimator, record, given)
    split, reason = None, ""
    try:
        if "folds" not in parts:  # else they have test rows enough
            split = _split(estimator, record, X, y, groups, given)
    except NotKnown as unknown:
        reason = str(unknown)
    return Subject(
        name=_name(source, estimator),
        case=case,
        diagnosis=diagnosis,
        record=record,
        estimator=estimator,
        held_out=held_out,
        split=split,
        split_reason=reason,
        X=X,
        y=y,
        asked=source if _is_estimator(source) else None,
        **parts,
    )


def last_step(estimator: Any) -> Any:
    """Return the classifier at the end of a pipeline, or the estimator itself."""
    steps = getattr(estimator, "steps", None)
    return estimator if steps is None else last_step(steps[-1][1])


def _estimator_of(source: Any) -> Any:
    found = getattr(source, "best_estimator_", source)
    if isinstance(source, Mapping) and "estimator" in source:
        found = source["estimator"][median_fold(source)]
    return found if _is_estimator(found) else None


def _is_estimator(source: Any) -> bool:
    return hasattr(source, "get_params") and hasattr(source, "fit")


def _record(source: Any, estimator: Any, case: Case) -> TrainingRecord:
    """Return the record of a fit of skloss, or what the case has of one."""
    if isinstance(source, TrainingRecord):
        return source
    kept = getattr(last_step(estimator), "record_", None)
    if kept is not None:
        return kept
    record = record_of(case)
    if case.val is not None:
        record.data["priors"] = {"validation": case.val.prior.tolist()}
    return record


def _records_of(estimators: Any) -> tuple[TrainingRecord, ...]:
    found = (getattr(last_step(one), "record_", None) for one in estimators)
    return tuple(record for record in found if record is not None)


def _name(source: Any, estimator: Any) -> str:
    if isinstance(source, TrainingRecord):
        return str(source.configuration.get("estimator", "A training record"))
    if estimator is None:
        is_curves = isinstance(source, Mapping | str | PathLike) or source is None
        return "Curves of a training" if is_curves else type(source).__name__
    steps = [type(step).__name__ for _, step in getattr(estimator, "steps", ())]
    own = type(estimator).__name__
    name = f"{own}({', '.join(steps)})" if steps else own
    if source is estimator:
        return name
    around = (
        "Cross-validation" if isinstance(source, Mapping) else type(source).__name__
    )
    return f"{around} of {name}"


# ------------------------------------------------------------------- rows held out


def _held_out(
    estimator: Any, record: TrainingRecord, given: Mapping[str, Any]
) -> HeldOut | None:
    truth = record.outcome.get("validation_truth")
    if truth is not None:
        scores = np.asarray(record.outcome["validation_scores"], float)
        return HeldOut(np.asarray(truth, int), scores)
    X_val, y_val = given.get("X_val"), given.get("y_val")
    if X_val is None or not hasattr(estimator, "predict_proba"):
        return None
    classes, labels = np.asarray(estimator.classes_), np.asarray(y_val)
    if labels.ndim != 1 or not np.isin(labels, classes).all():
        return None
    scores = np.asarray(estimator.predict_proba(X_val), float)
    return HeldOut(
        np.searchsorted(classes, labels),
        scores[:, 1] if scores.shape[1] == 2 else scores,
    )


def _split(
    estimator: Any,
    record: TrainingRecord,
    X: Any,
    y: Any,
    groups: Any,
    given: Mapping[str, Any],
) -> Split:
    """Rows of both sides of the hold-out, only where they are known for certain."""
    if X is None:
        raise NotKnown(f"{_PASS_ROWS}.")
    if given.get("X_val") is not None:
        return Split(X, y, given["X_val"], given["y_val"])
    fraction = (given.get("fit_params") or {}).get("validation_split")
    if fraction:
        cut = int(len(X) * (1 - float(fraction)))
        return Split(X[:cut], y[:cut], X[cut:], y[cut:])
    last, truth = last_step(estimator), record.outcome.get("validation_truth")
    if truth is None or not hasattr(last, "split_validation"):
        raise NotKnown("Pass X_val and y_val, the rows that were held out.")
    positions = last.split_validation(X, y, groups)
    if positions is None or not _are_labels(
        np.asarray(y)[positions[1]], record.data.get("classes"), truth
    ):
        raise NotKnown(
            "The rows held out cannot be found again: fit with an int as random_state, "
            "pass here the X and y that were given to fit, and groups if they were."
        )
    from skloss._sklearn import safe_indexing

    kept, held = positions
    parts = (safe_indexing(rows, part) for part in (kept, held) for rows in (X, y))
    return Split(*parts)


def _are_labels(labels: np.ndarray, classes: Any, codes: Any) -> bool:
    """Whether these are the labels of the record's validation rows, in their order."""
    if classes is None or len(labels) != len(codes):
        return False
    return bool(np.array_equal(labels, np.asarray(classes)[np.asarray(codes)]))


# ------------------------------------------------------------------------------ folds


def _refit_metric(search: Any) -> str:
    return search.refit if isinstance(search.refit, str) else "score"


def _folds_of_search(
    search: Any, case: Case, X: Any, y: Any, groups: Any
) -> Folds | None:
    results, best = search.cv_results_, int(search.best_index_)
    scorers = search.scorer_
    is_one = not isinstance(scorers, Mapping)
    # The only scorer of a search is called "score", whatever it is.
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
        splits = _splits_of(search, X, y, groups)
    except NotKnown as unknown:
        reason = str(unknown)
    n_candidates = len(results["params"])
    return Folds(scores, named, splits, reason, n_candidates)


def _splits_of(
    search: Any, X: Any, y: Any, groups: Any
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw the folds of a search again."""
    from sklearn.base import is_classifier
    from sklearn.model_selection import check_cv

    if X is None:
        raise NotKnown(f"{_PASS_ROWS}.")
    if hasattr(search, "n_resources_"):
        raise NotKnown("A halving search scores its candidates on parts of the rows.")
    cv = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
    if getattr(cv, "shuffle", True) and not isinstance(
        getattr(cv, "random_state", 0), Integral
    ):
        raise NotKnown(
            "The folds cannot be drawn again: give their splitter an int as "
            "random_state."
        )
    try:
        splits = list(cv.split(X, y, groups))
    except ValueError as err:  # groups are missing, most of the time
        raise NotKnown(
            f"The folds cannot be drawn again ({err}); pass groups if there were any."
        ) from err
    if len(splits) != search.n_splits_:
        raise NotKnown("The folds cannot be drawn again: cv was an iterator.")
    return splits


def _folds_of_results(results: Mapping[str, Any]) -> Folds:
    from sklearn.metrics import get_scorer, get_scorer_names

    names = [str(n).removeprefix("test_") for n in results if n.startswith("test_")]
    known = set(get_scorer_names())
    scores = {name: np.asarray(results[f"test_{name}"], float) for name in names}
    scorers = {name: get_scorer(name) for name in names if name in known}
    indices = results.get("indices")
    if indices is None:
        return Folds(scores, scorers, reason="Cross-validate with return_indices=True.")
    splits = list(zip(indices["train"], indices["test"], strict=True))
    return Folds(scores, scorers, splits)
