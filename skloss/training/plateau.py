"""A learning rate that follows a recorded curve, as Keras' ReduceLROnPlateau does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Self

import numpy as np

__all__ = ["PlateauState", "ReduceLROnPlateau"]


@dataclass(frozen=True)
class ReduceLROnPlateau:
    """Learning-rate schedule: lower the rate where a recorded curve gets no better.

    A value of ``learning_rate_schedule``. Arguments and rates are those of
    :class:`keras.callbacks.ReduceLROnPlateau`, but any recorded curve can be followed,
    in the direction that is known of it.

    Parameters
    ----------
    monitor : str, default="auto"
        Any recorded curve, such as ``"val_loss"``, or that of a scorer of scikit-learn,
        such as ``"val_roc_auc"``. "auto" is ``"val_loss_at_train_prior"``, or
        ``"val_loss"`` where a class was not held out, or ``"loss"`` where no rows are
        held out, as in ``partial_fit``.
    factor : float in [0, 1), default=0.1
        The rate is multiplied by it.
    patience : int, default=10
        Epochs without a better value before the rate is lowered.
    mode : {"auto", "min", "max"}, default="auto"
        Whether low or high values of the curve are good; "auto" is known of it.
    min_delta : float, default=1e-4
        A value is better if it is better by more than this.
    cooldown : int, default=0
        Epochs after a lowering in which none is counted.
    min_lr : float, default=0.0
        Least rate.

    See Also
    --------
    skloss.DenseClassifier : Takes it as ``learning_rate_schedule``.

    Notes
    -----
    ``fit`` begins at ``learning_rate``, with ``warm_start`` too, as all schedules do;
    ``partial_fit`` goes on with the rate and the counts of the call before.

    Examples
    --------
    >>> from skloss import DenseClassifier, ReduceLROnPlateau
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> schedule = ReduceLROnPlateau("val_mcc", factor=0.5, patience=1)
    >>> classifier = DenseClassifier(
    ...     learning_rate_schedule=schedule, learning_rate=0.01, epochs=5,
    ...     random_state=0,
    ... )
    >>> len(classifier.fit(X, y).history_["learning_rate"])
    5
    """

    monitor: str = "auto"
    factor: float = 0.1
    patience: int = 10
    mode: str = "auto"
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in ("auto", "min", "max"):
            raise ValueError(
                f"mode must be 'auto', 'min' or 'max', got {self.mode!r}: ReduceLROn"
                "Plateau knows the direction of recorded curves by itself."
            )
        if not isinstance(self.monitor, str):
            raise ValueError(
                f"monitor must be the name of a curve, got {self.monitor!r}: name a "
                "scorer in 'scoring' and its curve here, as 'val_roc_auc'."
            )
        if not (isinstance(self.factor, Real) and 0 <= self.factor < 1):
            raise ValueError(
                f"factor must be in [0, 1), got {self.factor!r}: it lowers the rate."
            )
        for name in ("patience", "min_delta", "cooldown", "min_lr"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and value >= 0):
                raise ValueError(f"{name} must be a number of at least 0, got {value}.")


@dataclass(frozen=True)
class PlateauState:
    """What a schedule by a curve has come to at the end of an epoch.

    It never changes, so that Ctrl-C never finds it half changed.

    Parameters
    ----------
    schedule : ReduceLROnPlateau
        The schedule, with the name of a curve.
    rises : bool
        Whether a higher value of the curve is better.
    first : float
        The first rate.
    rate : float
        The rate of the next epoch.
    best : float or None
        The best value, None before the first.
    wait, rest : int
        Epochs without a better value, and epochs left in which none is counted.

    Examples
    --------
    >>> schedule = ReduceLROnPlateau("loss", factor=0.5, patience=2)
    >>> state = PlateauState.at_first(schedule, 0.5, rises=False)
    >>> for loss in [0.7, 0.6, 0.6, 0.6]:
    ...     state = state.after({"loss": loss})
    >>> state.rate
    0.25
    """

    schedule: ReduceLROnPlateau
    rises: bool
    first: float
    rate: float
    best: float | None = None
    wait: int = 0
    rest: int = 0

    @classmethod
    def at_first(
        cls,
        schedule: ReduceLROnPlateau,
        rate: float,
        *,
        rises: bool,
        earlier: Self | None = None,
    ) -> Self:
        """Begin at a rate, or go on from an earlier state that began at it.

        Another curve has other values: the rate stays, the counts begin anew.
        """
        rate = float(np.float32(rate))
        if schedule.mode != "auto":
            rises = schedule.mode == "max"
        if earlier is None or earlier.first != rate:
            return cls(schedule, rises, rate, rate)
        if earlier.schedule == schedule and earlier.rises == rises:
            return earlier
        return cls(schedule, rises, rate, earlier.rate)

    def after(self, row: Mapping[str, float]) -> Self:
        """Take in the values at the end of an epoch."""
        schedule = self.schedule
        value = row[schedule.monitor]
        rest = max(0, self.rest - 1)
        wait = 0 if self.rest else self.wait
        if self._is_better(value):
            return replace(self, best=value, wait=0, rest=rest)
        if rest:
            return replace(self, wait=wait, rest=rest)
        if wait + 1 < schedule.patience or self.rate <= np.float32(schedule.min_lr):
            return replace(self, wait=wait + 1, rest=rest)
        lower = max(self.rate * schedule.factor, schedule.min_lr)
        # An optimizer has its rate in single precision; the next factor acts on that.
        rate = float(np.float32(lower))
        return replace(self, rate=rate, wait=0, rest=int(schedule.cooldown))

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return not np.isnan(value)
        distance = value - self.best if self.rises else self.best - value
        return bool(distance > self.schedule.min_delta)
