"""The record of a fit: what was asked, what was seen, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.metrics import class_prior, confusion_matrix
from skloss.networks import NetworkSpec
from skloss.record import TrainingRecord
from skloss.training import Evaluator, Rows, Settings, TrainingResult

__all__ = ["Job", "make_record"]

_QUANTILES = (0.0, 0.01, 0.5, 0.99, 1.0)
_RANGE_ROWS = 10_000


@dataclass(frozen=True)
class Job:
    """Rows of a fit: trained on, natural ones of them, and held out, and from where."""

    training: Rows
    natural: Rows
    validation: Rows | None
    source: str
    is_partial: bool = False


def make_record(
    estimator: Any,
    spec: NetworkSpec,
    settings: Settings,
    result: TrainingResult,
    evaluators: Mapping[str, Evaluator],
    job: Job,
    train_prior: np.ndarray,
) -> TrainingRecord:
    """Make the record of a fit from what its parts know."""
    parameters = {
        name: value if _is_plain(value) else repr(value)
        for name, value in estimator.get_params(deep=False).items()
    }
    return TrainingRecord(
        configuration={
            "estimator": type(estimator).__name__,
            "parameters": parameters,
            "network": spec.to_dict(),
            "n_parameters": spec.n_parameters,
            "seed": settings.seed,
        },
        data=_data(estimator, job, evaluators, train_prior),
        history=result.history,
        outcome=_outcome(spec, settings, result, evaluators),
    )


def _data(
    estimator: Any,
    job: Job,
    evaluators: Mapping[str, Evaluator],
    train_prior: np.ndarray,
) -> dict[str, Any]:
    n_classes = len(estimator.classes_)
    measured = evaluators[""].rows
    parts = {"trained": job.training, "natural": job.natural, "measured": measured}
    if job.validation:
        parts["validation"] = job.validation
    counts = {
        name: np.bincount(rows.y, minlength=n_classes).tolist()
        for name, rows in parts.items()
    }
    priors = {
        name: class_prior(parts[name].y, n_classes).tolist()
        for name in ("natural", "validation")
        if name in parts
    }
    return {
        "n_rows": len(job.training),
        "n_features": int(estimator.n_features_in_),
        "classes": estimator.classes_.tolist(),
        "class_counts": counts,
        "priors": {"train": train_prior.tolist(), **priors},
        "columns": _column_ranges(measured.X),
        "validation_source": job.source,
    }


def _column_ranges(X: np.ndarray) -> dict[str, Any]:
    """Quantiles of each column, robust enough to tell a scaled one from a raw one."""
    sample = X[:: max(1, len(X) // _RANGE_ROWS)]
    quantiles = np.quantile(sample, _QUANTILES, axis=0)
    named = zip(("min", "p01", "median", "p99", "max"), quantiles, strict=True)
    return {
        **{name: values.tolist() for name, values in named},
        "std": sample.std(axis=0, dtype=np.float64).tolist(),
    }


def _outcome(
    spec: NetworkSpec,
    settings: Settings,
    result: TrainingResult,
    evaluators: Mapping[str, Evaluator],
) -> dict[str, Any]:
    outcome: dict[str, Any] = {
        "best_epoch": result.best_epoch,
        "monitor": settings.monitor,
        "stop_reason": result.stop_reason,
        "program": result.kind,
        "program_reason": result.reason,
        "seconds": float(sum(result.history.get("seconds", []))),
    }
    if spec.n_outputs > 1:  # of two classes the curves have all counts
        measured = evaluators[""]
        guessed = measured.scores(spec, result.weights).argmax(axis=1)
        table = confusion_matrix(measured.rows.y, guessed, spec.n_outputs)
        outcome["measured_confusion"] = table.tolist()
    if "val_" in evaluators:
        validation = evaluators["val_"]
        scores = validation.scores(spec, result.weights)
        outcome["validation_truth"] = validation.rows.y.tolist()
        outcome["validation_scores"] = (
            scores[:, 1] if scores.shape[1] == 2 else scores
        ).tolist()
    return outcome


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.values())
    return value is None or isinstance(value, (str, bool, int, float, np.generic))
