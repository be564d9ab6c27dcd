"""Build the report context from any supported source."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from skloss.diagnosis import Case, Diagnosis, examine, record_from_case
from skloss.exceptions import RecordFormatError
from skloss.readers import read_case
from skloss.readers.keras_models import keras_predictions
from skloss.readers.label_facts import labels_of_classes
from skloss.readers.read_source import with_floor
from skloss.record import TrainingRecord
from skloss.record.find import Found, find_classifier, is_cross_validation
from skloss.record.search_results import (
    best_index,
    read_search_results,
    refit_metric,
)
from skloss.reports.context import HeldOut, NotKnown, ReportContext, Split
from skloss.reports.fold_scores import folds_of_results, folds_of_search
from skloss.reports.held_out_rows import held_out_of, split_of

__all__ = ["build_context"]


def build_context(
    source: Any, X: Any = None, y: Any = None, **given: Any
) -> ReportContext:
    """Collect everything that is known about a training.

    Parameters
    ----------
    source : object
        What ``skloss.diagnose`` takes.
    X, y : array-like, default=None
        Rows and labels that were passed to ``fit``.
    **given : dict
        ``history``, ``X_val``, ``y_val``, ``fit_params``, ``run``, ``ignore`` and
        ``error_floor`` of ``skloss.diagnose``, and ``groups`` of the rows.
    """
    groups, ignore = given.pop("groups", None), given.pop("ignore", ())
    floor = given.pop("error_floor", None)
    if isinstance(source, Diagnosis):
        raise ValueError(
            "A Diagnosis does not keep what it was made of; give the report what "
            "skloss.diagnose was given: the fitted estimator, a record, or curves."
        )
    source = _loaded(source)
    case, notes = read_case(source, X, y, **given)
    case = with_floor(case, floor)
    found = None
    if _is_estimator(source) or is_cross_validation(source):
        found = find_classifier(source)
        y = _one_label_per_row(found, y)
    diagnosis = examine(case, notes, ignore)
    return _context(source, found, case, diagnosis, X, y, groups, given)


def _one_label_per_row(found: Found, y: Any) -> Any:
    """Return labels as they are, or as one each where they are rows of zeros and ones.

    A Series keeps its index, which splitters may read.
    """
    classes = getattr(found.classifier, "classes_", None)
    if y is None or classes is None or np.ndim(y) == 1:
        return y
    return labels_of_classes(np.asarray(classes), y, "y")


def _loaded(source: Any) -> Any:
    """Load the training record at a path; a path to other curves is returned as is."""
    if not isinstance(source, str | PathLike) or Path(source).is_dir():
        return source
    try:
        return TrainingRecord.load(source)
    except RecordFormatError:
        return source


def _context(
    source: Any,
    found: Found | None,
    case: Case,
    diagnosis: Diagnosis,
    X: Any,
    y: Any,
    groups: Any,
    given: Mapping[str, Any],
) -> ReportContext:
    estimator = None if found is None else found.estimator
    parts: dict[str, Any] = {}
    if found is not None and found.search is not None:
        parts = _search_parts(found, case, X, y, groups)
    elif is_cross_validation(source):
        parts = {
            "folds": folds_of_results(source, X, y, _pos_label(found)),
            "records": _records_of(source["estimator"]),
        }
    record = _record(source, found, case)
    positive = None if case.val is None else case.val.positive
    held_out = held_out_of(estimator, record, given, positive)
    split, reason = None, ""
    try:
        if "folds" not in parts:  # else they have test rows enough
            split = split_of(found, record, X, y, groups, given)
    except NotKnown as unknown:
        reason = str(unknown)
    if held_out is None and split is not None and case.origin == "keras":
        held_out = _held_out_of_keras(source, case, split)
    return ReportContext(
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


def _pos_label(found: Found | None) -> Any:
    """Positive class of a fit of skloss; None if it is not known."""
    record = None if found is None else found.record
    return None if record is None else record.data.get("pos_label")


def _search_parts(
    found: Found, case: Case, X: Any, y: Any, groups: Any
) -> dict[str, Any]:
    """Gather what the page says of a search."""
    search = found.search
    metric, results = _metric(search, case), read_search_results(search)
    best = best_index(search, results)
    outside = found.wrappers[: found.wrappers.index(search)]
    # What stands around it may have given the search other rows than X.
    is_given_all = not found.is_of_fold and not any(
        hasattr(wrapper, "steps") for wrapper in outside
    )
    return {
        "cv_results": _named(results, metric),
        "refit_metric": metric,
        "best_candidate": best,
        "folds": folds_of_search(search, case, X, y, groups, is_given_all),
    }


def _is_estimator(source: Any) -> bool:
    return hasattr(source, "get_params") and hasattr(source, "fit")


def _record(source: Any, found: Found | None, case: Case) -> TrainingRecord:
    """Return the record of a fit of skloss, or what the case has of one."""
    if isinstance(source, TrainingRecord):
        return source
    if found is not None and found.record is not None:
        return found.record
    return record_from_case(case)


def _held_out_of_keras(model: Any, case: Case, split: Split) -> HeldOut | None:
    found = keras_predictions(model, case, split.y, split.X_val, split.y_val)
    if found is None:
        return None
    truth, scores = found
    return HeldOut.of(truth, scores, None if case.val is None else case.val.positive)


def _records_of(estimators: Any) -> tuple[TrainingRecord, ...]:
    records = (find_classifier(one).record for one in estimators)
    return tuple(record for record in records if record is not None)


def _name(source: Any, estimator: Any) -> str:
    if isinstance(source, TrainingRecord):
        return str(source.configuration.get("estimator", "A training record"))
    if estimator is None:
        is_curves = isinstance(source, Mapping | str | PathLike)
        return "Training curves" if is_curves else type(source).__name__
    steps = [type(step).__name__ for _, step in getattr(estimator, "steps", ())]
    own = type(estimator).__name__
    name = f"{own}({', '.join(steps)})" if steps else own
    if source is estimator:
        return name
    around = (
        "Cross-validation" if isinstance(source, Mapping) else type(source).__name__
    )
    return f"{around} of {name}"


def _metric(search: Any, case: Case) -> str:
    """Name of the metric that the winner was selected by."""
    metric = refit_metric(search)
    known = case.search.scoring if case.search is not None else None
    return known or metric if metric == "score" else metric


def _named(results: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """Rename the only score of a search, which is named "score", to its metric."""
    ends = ("_test_score", "_train_score")
    return {
        name.removesuffix("score") + metric if name.endswith(ends) else name: values
        for name, values in results.items()
    }
