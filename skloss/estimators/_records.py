"""The record of a fit: what was asked, what was seen, and what came out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from skloss.metrics import class_prior
from skloss.networks import NetworkSpec
from skloss.record import TrainingRecord
from skloss.training import Settings, TrainingResult
from skloss.training.evaluation import Evaluator

__all__ = ["make_record"]

_QUANTILES = (0.0, 0.01, 0.5, 0.99, 1.0)
_RANGE_ROWS = 10_000


def make_record(
    estimator: Any,
    spec: NetworkSpec,
    settings: Settings,
    result: TrainingResult,
    evaluators: Mapping[str, Evaluator],
    trained_on: np.ndarray,
    train_prior: np.ndarray,
    source: str,
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
        data=_data(estimator, evaluators, trained_on, train_prior, source),
        history=result.history,
        outcome=_outcome(spec, settings, result, evaluators),
    )


def _data(
    estimator: Any,
    evaluators: Mapping[str, Evaluator],
    trained_on: np.ndarray,
    train_prior: np.ndarray,
    source: str,
) -> dict[str, Any]:
    n_classes = len(estimator.classes_)
    natural = evaluators[""].rows
    data: dict[str, Any] = {
        "n_rows": len(trained_on),
        "n_features": int(estimator.n_features_in_),
        "classes": estimator.classes_.tolist(),
        "class_counts": {
            "trained": np.bincount(trained_on, minlength=n_classes).tolist(),
            "natural": np.bincount(natural.y, minlength=n_classes).tolist(),
        },
        "priors": {
            "train": train_prior.tolist(),
            "natural": class_prior(natural.y, n_classes).tolist(),
        },
        "columns": _column_ranges(natural.X),
        "validation_source": source,
    }
    if "val_" in evaluators:
        held_out = evaluators["val_"].rows
        counts = np.bincount(held_out.y, minlength=n_classes)
        data["class_counts"]["validation"] = counts.tolist()
        data["priors"]["validation"] = class_prior(held_out.y, n_classes).tolist()
    return data


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
        "seconds": float(sum(result.history.get("seconds", []))),
    }
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
