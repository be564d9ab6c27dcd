"""Early stopping: find the best epoch, and decide when to stop."""

from collections.abc import Mapping

import numpy as np

__all__ = ["EarlyStopping", "higher_is_better"]


def higher_is_better(curve: str) -> bool:
    """Whether a recorded curve should rise."""
    return not any(
        word in curve for word in ("loss", "fpr", "norm", "share", "seconds")
    )


class EarlyStopping:
    """The best epoch so far by a recorded curve, and how long ago it was.

    Parameters
    ----------
    monitor : str or None
        Name of the curve; None looks at nothing.
    patience : int or None
        Epochs to wait for a new best value; None waits for ever.
    keeps_weights : bool
        Whether the weights of the best epoch are kept.

    Examples
    --------
    >>> best = EarlyStopping("val_loss", patience=2, keeps_weights=False)
    >>> for epoch, loss in enumerate([0.7, 0.5, 0.6, 0.6]):
    ...     best.see(epoch, {"val_loss": loss}, [])
    >>> best.epoch, best.is_exhausted(epoch)
    (1, True)
    """

    def __init__(
        self, monitor: str | None, patience: int | None, keeps_weights: bool
    ) -> None:
        self._monitor, self._patience = monitor, patience
        self._keeps_weights = keeps_weights
        self._value = -np.inf
        self.epoch: int | None = None
        self.weights: list[np.ndarray] | None = None

    def see(
        self, epoch: int, row: Mapping[str, float], weights: list[np.ndarray]
    ) -> None:
        """Take in the values and the weights at the end of an epoch."""
        if self._monitor is None:
            return
        value = row[self._monitor]
        value = value if higher_is_better(self._monitor) else -value
        if value > self._value:  # never true of NaN
            self._value, self.epoch = value, epoch
            if self._keeps_weights:
                self.weights = weights

    def is_exhausted(self, epoch: int) -> bool:
        """Whether the best epoch is ``patience`` epochs ago, or more."""
        if self._patience is None or self._monitor is None:
            return False
        return epoch - (-1 if self.epoch is None else self.epoch) >= self._patience
