"""Harm at the end of a training: an earlier epoch was better by more than the loss.

A training loss can rise or swing by multiples while it is next to nothing. That harms
nobody unless a metric, or the validation loss, becomes worse as well.
"""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import smoothed

__all__ = ["is_worse_than", "rank_trend", "swings"]

_METRICS = ("mcc", "f1", "average_precision", "auc", "accuracy")
_LOST = 0.02  # of a metric
_LOSS_RISE = 0.1  # of the validation loss
_ERRORS = 2  # times the swing before, which is the noise of few validation rows
_METRIC_SWING = 0.01


def is_worse_than(case: Case, epoch: int) -> bool | None:
    """Whether metrics or the validation loss end worse than they were in an epoch.

    None if the curves of neither are known.
    """
    known = False
    for name in (side + metric for side in ("val_", "") for metric in _METRICS):
        curve = _whole(case, name, epoch)
        if curve is not None:
            known = True
            lost = float(smoothed(curve)[epoch] - np.median(curve[-3:]))
            if lost > max(_LOST, _ERRORS * _swing(curve[: epoch + 1])):
                return True
    val = _whole(case, "val_loss", epoch)
    if val is None:
        return False if known else None
    before = float(smoothed(val)[epoch])
    least = max(_LOSS_RISE * abs(before), _ERRORS * _swing(val[: epoch + 1]))
    return bool(np.median(val[-3:]) - before > least)


def swings(case: Case) -> bool | None:
    """Whether a metric or the validation loss swings in the second half of the epochs.

    None if the curves of neither are known.
    """
    names = [side + metric for side in ("val_", "") for metric in _METRICS]
    curves = [curve for name in names if (curve := _whole(case, name, 0)) is not None]
    if curves:
        return any(_swing(curve) >= _METRIC_SWING for curve in curves)
    val = _whole(case, "val_loss", 0)
    return None if val is None else _swing(val) >= _LOSS_RISE * abs(float(np.mean(val)))


def _swing(curve: np.ndarray) -> float:
    """Return the standard deviation around a line in the second half."""
    half = curve[len(curve) // 2 :]
    if len(half) < 3:
        return 0.0
    epochs = np.arange(len(half))
    line = np.polyval(np.polyfit(epochs, half, 1), epochs)
    return float(np.std(half - line))


def rank_trend(values: np.ndarray) -> float:
    """Return the rank correlation of values with their order (Spearman)."""
    from scipy.stats import rankdata

    if len(values) < 2 or np.ptp(values) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(values), np.arange(len(values)))[0, 1])


def _whole(case: Case, name: str, epoch: int) -> np.ndarray | None:
    curve = case.curves.get(name)
    if curve is None or len(curve) <= max(epoch, 3) or not np.isfinite(curve).all():
        return None
    return curve
