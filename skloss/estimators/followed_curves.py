"""The curves that a fit follows: to stop, to keep an epoch, to lower the rate."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.estimators.fit_rows import FitRows
from skloss.estimators.scorers import (
    NO_SCORERS,
    ChosenScorers,
    chosen_scorers,
    monitored_scorer,
)
from skloss.training import ReduceLROnPlateau, Rows

if TYPE_CHECKING:
    from skloss.estimators.base import BaseNeuralClassifier
    from skloss.estimators.neural_classifier import NeuralClassifierMixin

__all__ = ["schedule_of", "scorers_of", "stopping_settings"]

# With fewer validation rows of a class than this the curve is noise, and stopping by it
# costs far more than it saves (benchmarks/defaults.py).
_ENOUGH_TO_STOP_BY = 50


def schedule_of(estimator: "BaseNeuralClassifier", rows: FitRows) -> Any:
    """Schedule of the learning rate; one by a curve has the name of the curve."""
    schedule = estimator.learning_rate_schedule
    if not isinstance(schedule, ReduceLROnPlateau):
        # How far training has come is not known of a partial fit.
        return "constant" if rows.is_partial else schedule
    curve = schedule.monitor
    if curve == "auto":
        curve = _best_curve(estimator, rows.validation) or "loss"
    owner = type(estimator).__name__
    _check_held_out(owner, "learning_rate_schedule", curve, rows.validation)
    return replace(schedule, monitor=curve)


def stopping_settings(
    estimator: "NeuralClassifierMixin", rows: FitRows
) -> dict[str, Any]:
    """Choose the monitored curve, the patience, and whether the best epoch is kept."""
    if rows.is_partial:
        return {"restore_best": bool(estimator.restore_best)}
    stops = _stops_early(estimator, rows.validation)
    return {
        "monitor": _monitored_curve(estimator, rows.validation),
        "patience": int(estimator.patience) if stops else None,
        "restore_best": bool(estimator.restore_best),
    }


def scorers_of(estimator: "NeuralClassifierMixin", rows: FitRows) -> ChosenScorers:
    """Scorers that are called after every epoch; none in a partial fit.

    The rows of one call of partial_fit may have a single class, which many scorers
    refuse.
    """
    if rows.is_partial:
        return NO_SCORERS
    schedule = getattr(estimator, "learning_rate_schedule", None)
    return chosen_scorers(
        type(estimator).__name__,
        estimator.scoring,
        [estimator.monitor, getattr(schedule, "monitor", "auto")],
        train_scores=bool(estimator.return_train_score),
        has_holdout=rows.validation is not None,
    )


def _stops_early(estimator: "NeuralClassifierMixin", validation: Rows | None) -> bool:
    """Decide whether early stopping is on; "auto" asks for enough rows."""
    if estimator.early_stopping == "auto":
        if validation is None:
            return False
        counts = np.bincount(validation.y, minlength=len(estimator.classes_))
        return bool(counts.min() >= _ENOUGH_TO_STOP_BY)
    if estimator.early_stopping and validation is None:
        raise ValueError(
            "early_stopping=True needs validation rows: set validation_fraction, or "
            "pass X_val and y_val to fit."
        )
    return bool(estimator.early_stopping)


def _monitored_curve(
    estimator: "NeuralClassifierMixin", validation: Rows | None
) -> str | None:
    """Name of the curve to stop by; one of the hold-out unless told otherwise."""
    owner, monitor = type(estimator).__name__, estimator.monitor
    if callable(monitor):
        name = monitored_scorer(owner, monitor)
        return name if validation is None else f"val_{name}"
    if monitor != "auto":
        _check_held_out(owner, "monitor", monitor, validation)
        return str(monitor)
    return _best_curve(estimator, validation)


def _check_held_out(
    owner: str, parameter: str, monitor: str, validation: Rows | None
) -> None:
    if validation is None and monitor.startswith("val_"):
        followed = "follows" if parameter == "learning_rate_schedule" else "is"
        raise ValueError(
            f"The {parameter!r} parameter of {owner} {followed} {monitor!r}, but no "
            "rows are held out: set validation_fraction, or pass X_val and y_val to "
            "fit."
        )


def _best_curve(
    estimator: "NeuralClassifierMixin", validation: Rows | None
) -> str | None:
    """Name of the curve of the hold-out that says most; None without a hold-out."""
    if validation is None:
        return None
    has_all = len(np.unique(validation.y)) == len(estimator.classes_)
    return "val_loss_at_train_prior" if has_all else "val_loss"
