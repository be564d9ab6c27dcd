"""The record of a fit: what was asked, what was seen, and what came out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.estimators.fit_rows import FitRows
from skloss.metrics import class_prior, confusion_matrix
from skloss.record import TrainingRecord
from skloss.training import Rows, TrainingResult

__all__ = ["Measured", "make_record"]

_QUANTILES = (0.0, 0.01, 0.5, 0.99, 1.0)
_RANGE_ROWS = 10_000


@dataclass(frozen=True)
class Measured:
    """Rows that were measured after every epoch, and their probabilities at the end."""

    rows: Rows
    scores: Callable[[], np.ndarray]


def make_record(
    estimator: Any,
    network: Mapping[str, Any],
    monitor: str | None,
    result: TrainingResult,
    measured: Mapping[str, Measured],
    rows: FitRows,
    train_prior: np.ndarray,
) -> TrainingRecord:
    """Make the record of a fit from what its parts know.

    ``network`` says what was trained, and stands in the configuration as it is.
    """
    parameters = {
        name: value if _is_plain(value) else repr(value)
        for name, value in estimator.get_params(deep=False).items()
    }
    name = type(estimator).__name__
    return TrainingRecord(
        configuration={"estimator": name, "parameters": parameters, **network},
        data=_data(estimator, rows, measured, train_prior),
        history=result.history,
        outcome=_outcome(len(estimator.classes_), monitor, result, measured),
    )


def _data(
    estimator: Any,
    rows: FitRows,
    measured: Mapping[str, Measured],
    train_prior: np.ndarray,
) -> dict[str, Any]:
    n_classes = len(estimator.classes_)
    seen = measured[""].rows
    parts = {"trained": rows.training, "natural": rows.original, "measured": seen}
    if rows.validation:
        parts["validation"] = rows.validation
    counts = {
        name: np.bincount(part.y, minlength=n_classes).tolist()
        for name, part in parts.items()
    }
    priors = {
        name: class_prior(parts[name].y, n_classes).tolist()
        for name in ("natural", "validation")
        if name in parts
    }
    return {
        "n_rows": len(rows.training),
        "n_features": int(estimator.n_features_in_),
        "classes": estimator.classes_.tolist(),
        "class_counts": counts,
        "priors": {"train": train_prior.tolist(), **priors},
        "columns": _column_ranges(seen.X),
        "validation_source": rows.source,
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
    n_classes: int,
    monitor: str | None,
    result: TrainingResult,
    measured: Mapping[str, Measured],
) -> dict[str, Any]:
    outcome: dict[str, Any] = {
        "best_epoch": result.best_epoch,
        "monitor": monitor,
        "stop_reason": result.stop_reason,
        "program": result.backend,
        "program_reason": result.reason,
        "seconds": float(sum(result.history.get("seconds", []))),
    }
    if n_classes > 2:  # of two classes the curves have all counts
        guessed = measured[""].scores().argmax(axis=1)
        table = confusion_matrix(measured[""].rows.y, guessed, n_classes)
        outcome["measured_confusion"] = table.tolist()
    if "val_" in measured:
        scores = measured["val_"].scores()
        outcome["validation_truth"] = measured["val_"].rows.y.tolist()
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
