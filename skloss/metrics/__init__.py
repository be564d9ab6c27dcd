"""Exact metrics of one epoch, computed over all rows with NumPy.

No metric is a mean over batches. A quotient 0/0 is 0.0, like ``zero_division=0`` in
scikit-learn.
"""

from skloss.metrics.confusion import ConfusionCounts, binary_mcc, confusion_matrix
from skloss.metrics.epoch import epoch_metrics
from skloss.metrics.losses import (
    class_prior,
    entropy,
    loss_at_prior,
    per_class_loss,
)
from skloss.metrics.prior_shift import correct_prior, log_shift
from skloss.metrics.ranking import average_precision, rank_auc
from skloss.metrics.scoring import scoring
from skloss.metrics.temperature import best_temperature
from skloss.metrics.thresholds import best_threshold, tuned_threshold

__all__ = [
    "ConfusionCounts",
    "average_precision",
    "best_temperature",
    "best_threshold",
    "binary_mcc",
    "class_prior",
    "confusion_matrix",
    "correct_prior",
    "entropy",
    "epoch_metrics",
    "log_shift",
    "loss_at_prior",
    "per_class_loss",
    "rank_auc",
    "scoring",
    "tuned_threshold",
]
