"""Evidence of over-fitting in the curves of a training."""

from dataclasses import dataclass

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import last_counts, smoothed, training_loss
from skloss.diagnosis.rule import NotApplicable

__all__ = ["Fit", "fit_of_curves", "is_by_heart", "is_turned"]

# Metrics that say how good decisions or rankings are, the best to judge by first.
_DECISIONS = ("val_mcc", "val_f1", "val_average_precision", "val_auc", "val_accuracy")
# Up to which a metric shows that nothing was learned that could get worse.
_WORTHLESS = {"val_mcc": 0.02, "val_f1": 0.0, "val_auc": 0.5}

_FEWEST_EPOCHS = 5
_SINCE, _RISE, _TREND, _TRAIN_FALL, _RATIO, _GAP = 3, 0.10, 0.6, 0.2, 1.5, 0.05
_HEART_SINCE, _HEART_RATIO, _HEART_GAP = 2, 5.0, 0.15
_HELD = 0.02  # below what it was, in which a metric still counts as held
# Rows of the rare class that must be lost, and none won, before that is no chance: by a
# sign test, 0.5 ** 5 is below 5 %.
_LOST_ROWS = 5


@dataclass(frozen=True)
class Fit:
    """How the two losses end, compared with the epoch of the lowest validation loss.

    Parameters
    ----------
    lowest : int
        Epoch of the lowest validation loss (median of three epochs), from 0.
    since : int
        Epochs since then.
    rise : float
        Rise of the validation loss since then, as a share of its lowest value.
    trend : float
        Rank correlation of the validation loss with the epoch since then. A rise by
        noise has none.
    train_fall : float
        Fall of the training loss since then, as a share.
    ratio : float
        Validation loss over training loss at the end.
    gap : float or None
        Training accuracy minus validation accuracy at the end.
    gain : float or None
        Gain since then of the validation metric that tells most about decisions; None
        if none is known, or if decisions never were better than a guess.
    metric : str
        Name of that metric, or "".
    by_chance : float
        Drop of that metric that a few rows of the rare class could make by chance.
    """

    lowest: int
    since: int
    rise: float
    trend: float
    train_fall: float
    ratio: float
    gap: float | None
    gain: float | None
    metric: str
    by_chance: float

    @property
    def decisions_hold(self) -> bool:
        """Whether a validation metric lost no more since the lowest loss than chance.

        A metric that is not known does not hold.
        """
        return self.gain is not None and self.gain >= -max(_HELD, self.by_chance)

    @property
    def holds_beyond_accuracy(self) -> bool:
        """Whether they hold by a metric that guessing the majority does not raise."""
        return self.decisions_hold and self.metric != "val_accuracy"

    @property
    def metric_words(self) -> str:
        """What that metric did, in words, or ""."""
        if self.gain is None or not self.decisions_hold:
            return ""
        if self.gain >= -_HELD:
            return f" and {self.metric} held"
        return f" and {self.metric} fell by {-self.gain:.2f}, not beyond chance"


def fit_of_curves(case: Case) -> Fit:
    """Compare the ends of both loss curves, or raise if they are too short."""
    train = training_loss(case)
    name = "val_loss_at_train_prior"
    val = case.curves.get(name if name in case.curves else "val_loss")
    if val is None:
        raise NotApplicable("there is no curve of the validation loss")
    known = np.isfinite(val) & np.isfinite(train)
    # Epochs without validation (validation_freq) are left out. A NaN is another fault.
    if not np.isfinite(train).all() or known.sum() < max(0.1 * len(val), 1):
        raise NotApplicable("the loss is not finite in every epoch")
    if known.sum() < _FEWEST_EPOCHS:
        raise NotApplicable(
            f"{known.sum()} epochs with validation; at least {_FEWEST_EPOCHS} are "
            "needed"
        )
    epochs = np.flatnonzero(known)
    val, train = val[known], train[known]
    smooth = smoothed(val)
    at = int(np.argmin(smooth))
    last = max(3, len(val) // 10)
    end, train_end = float(np.median(val[-last:])), float(np.median(train[-last:]))
    gain, metric = _gain(case, known, at, last)
    return Fit(
        lowest=int(epochs[at]),
        since=len(val) - 1 - at,
        rise=_ratio(end, float(smooth[at])) - 1,
        trend=_trend(val[at:]),
        train_fall=1 - _ratio(train_end, float(train[at])),
        ratio=_ratio(end, train_end),
        gap=_gap(case, known, last),
        gain=gain,
        metric=metric,
        by_chance=_by_chance(case),
    )


def is_turned(fit: Fit) -> bool:
    """Whether the validation loss rose for good while training went on."""
    return (
        fit.since >= _SINCE
        and fit.rise >= _RISE
        and fit.trend >= _TREND
        and fit.train_fall >= _TRAIN_FALL
        and fit.ratio >= _RATIO
        and (fit.gap is None or fit.gap >= _GAP)
    )


def is_by_heart(fit: Fit) -> bool:
    """Whether training rows are known by heart, and validation rows never learned.

    Where the validation loss turned and decisions hold, these rows were learned first.
    """
    return (
        fit.gap is not None
        and fit.gap >= _HEART_GAP
        and fit.ratio >= _HEART_RATIO
        and fit.since >= _HEART_SINCE
        and not (is_turned(fit) and fit.holds_beyond_accuracy)
    )


def _gap(case: Case, known: np.ndarray, last: int) -> float | None:
    train, val = case.curves.get("accuracy"), case.curves.get("val_accuracy")
    if train is None or val is None:
        return None
    gap = float(np.median((train - val)[known][-last:]))
    return gap if np.isfinite(gap) else None


def _gain(
    case: Case, known: np.ndarray, at: int, last: int
) -> tuple[float | None, str]:
    for name in _DECISIONS:
        curve = case.curves.get(name)
        if curve is None or not np.isfinite(curve[known]).all():
            continue
        curve = curve[known]
        if curve.max() <= _WORTHLESS.get(name, -1.0):
            return None, ""
        then = float(np.mean(curve[max(0, at - 1) : at + 2]))
        return float(np.median(curve[-last:])) - then, name
    return None, ""


def _by_chance(case: Case) -> float:
    n_rare = 0.0
    if case.val is not None:
        n_rare = case.val.n_minority
    elif (counts := last_counts(case, "val_")) is not None:
        n_rare = min(counts[:2].sum(), counts[2:].sum())
    return _LOST_ROWS / n_rare if n_rare > 0 else 0.0


def _trend(values: np.ndarray) -> float:
    """Return the rank correlation of values with their order (Spearman)."""
    from scipy.stats import rankdata

    if len(values) < 2 or np.ptp(values) == 0:
        return 0.0
    ranks = rankdata(values)
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1])


def _ratio(above: float, below: float) -> float:
    return above / max(below, 1e-12)
