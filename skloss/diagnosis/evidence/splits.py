"""Evidence from comparing the training split with the validation split."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import need
from skloss.diagnosis.rule import NotApplicable
from skloss.record import SplitMetrics

__all__ = [
    "CURVES_APART",
    "both_splits",
    "is_changed",
    "missing_classes",
    "prior_change",
    "stops_by",
]

# Symptoms of validation rows that differ from the training rows.
CURVES_APART = (
    "train-val-gap",
    "val-loss-misleads",
    "overfit",
    "overconfident-probabilities",
    "early-stopping-too-early",
    "incomparable-curves",
    "val-better-than-train-dropout",
)


def both_splits(case: Case) -> tuple[SplitMetrics, SplitMetrics]:
    """Return training and validation rows, or raise unless both are known."""
    need(case.train, "the class counts of the training rows are")
    need(case.val, "the class counts of the validation rows are")
    train, val = case.train, case.val
    if len(train.counts) != len(val.counts):  # type: ignore[union-attr]
        raise NotApplicable("the two splits have different numbers of classes")
    if min(train.n_rows, val.n_rows) == 0:  # type: ignore[union-attr]
        raise NotApplicable("one split has no rows")
    return train, val  # type: ignore[return-value]


def missing_classes(one: SplitMetrics, other: SplitMetrics, fewest: float) -> list[int]:
    """Return classes without rows in a split where `fewest` or more are expected."""
    expected = (np.asarray(one.counts) + other.counts) * one.n_rows
    expected = expected / max(one.n_rows + other.n_rows, 1)
    return np.flatnonzero((np.asarray(one.counts) == 0) & (expected >= fewest)).tolist()


def prior_change(
    train: SplitMetrics, val: SplitMetrics
) -> tuple[int, float, float, float]:
    """Find the class whose share differs most between the splits.

    Returns its number, its shares in the two splits, and the standard error of their
    difference.
    """
    before, after = train.prior, val.prior
    pooled = (np.asarray(train.counts) + val.counts) / max(train.n_rows + val.n_rows, 1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / train.n_rows + 1 / val.n_rows))
    distance = np.abs(before - after) / np.maximum(error, 1e-12)
    one = int(distance.argmax())
    # Both of two classes change by the same amount. The rare one shows the factor.
    if len(before) == 2:
        one = 1 - int(pooled[::-1].argmin())
    return one, float(before[one]), float(after[one]), float(error[one])


def is_changed(
    before: float, after: float, error: float, least: float, factor: float
) -> bool:
    """Whether a share differs beyond chance, and by at least `least` or `factor`."""
    if abs(before - after) <= 3 * error:
        return False
    low, high = sorted((before, after))
    return high - low > least or high > factor * max(low, 1e-9)


# Scorers of scikit-learn that are means over rows of a function of the probabilities.
_LOSSES_AS_SCORES = (
    "neg_log_loss",
    "neg_brier_score",
    "d2_log_loss_score",
    "d2_brier_score",
)


def monitors_loss(case: Case) -> bool:
    """Whether early stopping monitored a loss, or a scorer that is one up to its sign.

    Others, such as a scorer of ``hamming_loss``, have the word but count decisions.
    """
    training = case.training
    if training is None or training.monitor is None:
        return False
    name = training.monitor.removeprefix("val_")
    if training.monitor_is_scorer or "loss" not in name:
        return name in _LOSSES_AS_SCORES
    return True


def stops_by(case: Case, prefix: str) -> bool:
    """Whether early stopping monitored a curve whose name begins with a prefix."""
    monitor = None if case.training is None else case.training.monitor
    return monitor is not None and monitor.startswith(prefix)
