"""Metrics of a network on the rows of one split."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from skloss.metrics import average_precision, confusion_matrix
from skloss.record import SplitMetrics
from skloss.record.recorded_metrics import temperature_of
from skloss.training.losses import clipped_crossentropy
from skloss.training.outputs import probabilities

__all__ = ["measured_part", "outputs_to_scores"]

# Scores that add up to less are taken for none at all.
_LEAST_TOTAL = 1e-7


def outputs_to_scores(
    outputs: np.ndarray, n_classes: int, is_logit: bool
) -> np.ndarray:
    """Scores ``(n, n_classes)`` whose largest is the class that Keras would call.

    One unit stands for class 1 above 0.5, or above 0 where it is a logit.
    """
    outputs = np.nan_to_num(np.asarray(outputs, float))
    is_one_unit = outputs.shape[1] == 1
    if is_logit:
        scores = probabilities(outputs)
    else:
        # Not cut to probabilities: outputs without bounds keep their order.
        scores = np.hstack([1 - outputs, outputs]) if is_one_unit else outputs
    if scores.shape[1] >= n_classes:
        return scores[:, :n_classes]
    never = 0.0 if is_one_unit else -np.inf
    missing = n_classes - scores.shape[1]
    return np.hstack([scores, np.full((len(scores), missing), never)])


def measured_part(
    codes: np.ndarray,
    n_classes: int,
    scores: np.ndarray,
    step: int = 1,
    occurring: Sequence[int] | None = None,
    positive: int | None = None,
) -> SplitMetrics:
    """Count all rows, and measure predictions of every ``step``-th one.

    ``occurring`` are the classes that are there on any side; None is all. ``positive``
    is the number of the positive class if these are two; None is the second one.
    """
    seen = codes[::step]
    counts = np.bincount(codes, minlength=n_classes)
    there = np.arange(n_classes) if occurring is None else np.asarray(occurring)
    if len(there) != 2:
        positive = None
    elif positive is None:
        positive = 1
    table = confusion_matrix(seen, scores.argmax(axis=1), n_classes) * float(step)
    wrong = table.sum(axis=1) - table[:, there].sum(axis=1)
    confusion = table[np.ix_(there, there)]
    for row, extra in enumerate(wrong[there]):  # called a class that has no rows
        confusion[row, (row + 1) % len(there)] += extra
    losses = _row_losses(scores, seen)
    per_class = [
        float(losses[seen == c].mean()) if (seen == c).any() else 0.0 for c in there
    ]
    known = (seen, scores) if len(there) == n_classes else (None, None)
    temperature, gain = temperature_of(*known)
    return SplitMetrics(
        counts=tuple(counts[there].tolist()),
        confusion=tuple(map(tuple, confusion.tolist())),
        loss=float(losses.mean()) if len(losses) else None,
        per_class_loss=tuple(per_class),
        positive=positive,
        **_rankings(scores, seen, there, positive),
        temperature=temperature,
        temperature_gain=gain,
    )


def _row_losses(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Cross-entropy of each row, of scores made to add up to one."""
    positive = np.clip(np.where(np.isfinite(scores), scores, 0.0), 0.0, None)
    total = np.maximum(positive.sum(axis=1, keepdims=True), _LEAST_TOTAL)
    return clipped_crossentropy(positive / total, codes)


def _rankings(
    scores: np.ndarray,
    codes: np.ndarray,
    occurring: np.ndarray,
    positive: int | None,
) -> dict[str, Any]:
    """Average precision and ROC AUC, of the positive class or means over all."""
    positives = occurring if positive is None else occurring[[positive]]
    pairs = [(codes == c, np.nan_to_num(scores[:, c])) for c in positives]
    pairs = [(truth, score) for truth, score in pairs if 0 < truth.sum() < len(truth)]
    if not pairs:
        return {}
    return {
        "average_precision": float(
            np.mean([average_precision(truth, score) for truth, score in pairs])
        ),
        "roc_auc": float(
            np.mean([roc_auc_score(truth, score) for truth, score in pairs])
        ),
    }
