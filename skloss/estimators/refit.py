"""Give held-out rows back: train once more, on all rows, for the epochs found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.estimators.fit_job import Fitted
from skloss.estimators.fit_members import member_of
from skloss.estimators.fit_rows import MemberRows, Split
from skloss.training import ReduceLROnPlateau

if TYPE_CHECKING:
    from skloss.estimators.base import BaseNeuralClassifier

__all__ = ["check_refit", "fit_again"]


def check_refit(estimator: "BaseNeuralClassifier") -> None:
    """Refuse a refit together with what it has no meaning for."""
    owner = type(estimator).__name__
    if not estimator.refit:
        return
    if estimator.n_members > 1:
        raise ValueError(
            f"The 'refit' parameter of {owner} trains one network again: set "
            "n_members=1, or refit=False. Rows that a member holds out are trained on "
            "by the others."
        )
    if estimator.warm_start:
        raise ValueError(
            f"The 'refit' parameter of {owner} trains a network from its start, and "
            "warm_start=True goes on: set one of them to False."
        )


def fit_again(
    estimator: "BaseNeuralClassifier", given: MemberRows, first: Fitted
) -> Fitted:
    """Train on all rows as long as the weights that the first training kept.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Its parameters are read.
    given : MemberRows
        All rows, and the original ones; what they hold out is not looked at.
    first : Fitted
        The training with a hold-out. Its record stays, and says whose the weights are.
    """
    history, outcome = first.record.history, first.record.outcome
    kept = outcome.get("kept_epoch")
    n_epochs = first.record.n_epochs if kept is None else kept + 1
    if not n_epochs or outcome["stop_reason"] == "interrupted":
        return first
    again = member_of(estimator, estimator.random_state)
    again.scoring, again.monitor, again.early_stopping = None, "auto", False
    again.callbacks = _StopAfter(n_epochs)
    again.calibration = None  # by held-out rows, which the second one has not
    if isinstance(again.learning_rate_schedule, ReduceLROnPlateau):
        rates = np.asarray(history["learning_rate"]) / float(again.learning_rate)
        again.learning_rate_schedule = _Replayed(rates.tolist(), int(again.epochs))
    rows = replace(given, split=Split(), holdout=given.holdout.without_validation())
    fit = again._network_fit(rows, None, is_partial=False, alike=first.network)
    fitted = fit.run()
    # The shares of the classes that were learned are those of all rows.
    calibration = replace(first.calibration, shift=fitted.calibration.shift)
    told = {"n_rows": len(given.y), "epochs": n_epochs}
    record = replace(first.record, outcome=outcome | {"refit": told})
    return replace(fitted, record=record, calibration=calibration)


@dataclass(frozen=True)
class _StopAfter:
    """Ends a training early without a change of its schedule."""

    epochs: int

    def __call__(self, row: Any) -> bool:
        return bool(row["epoch"] + 1 >= self.epochs)


@dataclass(frozen=True)
class _Replayed:
    """The rates of an earlier training, one for each epoch."""

    factors: Sequence[float]
    epochs: int

    def __call__(self, progress: np.ndarray) -> np.ndarray:
        # In the middle of a step no rounding leads to the epoch before.
        epoch = np.floor(np.asarray(progress) * self.epochs + 1e-6).astype(int)
        return np.asarray(self.factors)[np.clip(epoch, 0, len(self.factors) - 1)]
