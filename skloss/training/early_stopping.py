"""Early stopping: find the best epoch, and decide when to stop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

__all__ = ["EarlyStopping"]


@dataclass(frozen=True)
class EarlyStopping:
    """The best epoch so far by a recorded curve, and how long ago it was.

    It never changes, so that Ctrl-C never finds it half changed.

    Parameters
    ----------
    monitor : str or None
        Name of the curve; None looks at nothing.
    patience : int or None
        Epochs to wait for a new best value; None waits for ever.
    keeps_weights : bool
        Whether the weights of the best epoch are kept.
    rises : bool
        Whether a higher value of the curve is better.
    value : float
        The best value so far, negative where a curve should fall.
    epoch : int or None
        The epoch that had it.
    weights : list of ndarray or None
        The weights at its end.

    Examples
    --------
    >>> best = EarlyStopping("val_loss", patience=2, keeps_weights=False, rises=False)
    >>> for epoch, loss in enumerate([0.7, 0.5, 0.6, 0.6]):
    ...     best = best.after(epoch, {"val_loss": loss}, [])
    >>> best.epoch, best.is_exhausted(epoch)
    (1, True)
    """

    monitor: str | None
    patience: int | None
    keeps_weights: bool
    rises: bool
    value: float = -np.inf
    epoch: int | None = None
    weights: list[np.ndarray] | None = None

    def after(
        self, epoch: int, row: Mapping[str, float], weights: list[np.ndarray]
    ) -> Self:
        """Take in the values and the weights at the end of an epoch."""
        if self.monitor is None:
            return self
        value = row[self.monitor]
        value = value if self.rises else -value
        if not value > self.value:  # always so of NaN
            return self
        kept = weights if self.keeps_weights else None
        return replace(self, value=value, epoch=epoch, weights=kept)

    def is_exhausted(self, epoch: int) -> bool:
        """Whether the best epoch is ``patience`` epochs ago, or more."""
        if self.patience is None or self.monitor is None:
            return False
        return epoch - (-1 if self.epoch is None else self.epoch) >= self.patience
