"""Build the report context from any supported source."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from skloss.diagnosis import Case, Diagnosis, examine, record_of
from skloss.exceptions import RecordFormatError
from skloss.readers import read_case
from skloss.readers.fitted_estimators import median_fold, refit_metric
from skloss.readers.keras_models import keras_predictions
from skloss.record import TrainingRecord
from skloss.reports.context import HeldOut, NotKnown, ReportContext, Split, last_step
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
        Any source of ``skloss.diagnose``, or the Diagnosis that it returned.
    X, y : array-like, default=None
        Rows and labels that were passed to ``fit``.
    **given : dict
        ``history``, ``X_val``, ``y_val`` and ``fit_params`` of ``skloss.diagnose``, and
        ``groups`` of the rows.
    """
    groups = given.pop("groups", None)
    if isinstance(source, Diagnosis):
        if source.case is None:
            raise ValueError(
                "This Diagnosis has no case, so it does not know the training. Pass a "
                "Diagnosis made by skloss.diagnose, or the fitted estimator."
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
    """Load the training record at a path; a path to other curves is returned as is."""
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
) -> ReportContext:
    estimator = _estimator_of(source)
    parts: dict[str, Any] = {}
    if hasattr(source, "cv_results_"):
        metric = _metric(source, case)
        parts = {
            "cv_results": _named(source.cv_results_, metric),
            "refit_metric": metric,
            "folds": folds_of_search(source, case, X, y, groups),
        }
    elif isinstance(source, Mapping) and "estimator" in source:
        parts = {
            "folds": folds_of_results(source, X, y),
            "records": _records_of(source["estimator"]),
        }
    record = _record(source, estimator, case)
    held_out = held_out_of(estimator, record, given)
    split, reason = None, ""
    try:
        if "folds" not in parts:  # folds have test rows of their own
            split = split_of(estimator, record, X, y, groups, given)
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


def _estimator_of(source: Any) -> Any:
    found = getattr(source, "best_estimator_", source)
    if isinstance(source, Mapping) and "estimator" in source:
        found = source["estimator"][median_fold(source)]
    return found if _is_estimator(found) else None


def _is_estimator(source: Any) -> bool:
    return hasattr(source, "get_params") and hasattr(source, "fit")


def _record(source: Any, estimator: Any, case: Case) -> TrainingRecord:
    """Return the record of a fit of skloss, or a record of the facts in the case."""
    if isinstance(source, TrainingRecord):
        return source
    kept = getattr(last_step(estimator), "record_", None)
    if kept is not None:
        return kept
    return record_of(case)


def _held_out_of_keras(model: Any, case: Case, split: Split) -> HeldOut | None:
    found = keras_predictions(model, case, split.y, split.X_val, split.y_val)
    if found is None:
        return None
    truth, scores = found
    return HeldOut(truth, scores[:, 1] if scores.shape[1] == 2 else scores)


def _records_of(estimators: Any) -> tuple[TrainingRecord, ...]:
    found = (getattr(last_step(one), "record_", None) for one in estimators)
    return tuple(record for record in found if record is not None)


def _name(source: Any, estimator: Any) -> str:
    if isinstance(source, TrainingRecord):
        return str(source.configuration.get("estimator", "Training record"))
    if source is None:
        return "Training"
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
