"""Metrics of a split at the epoch whose weights were kept, from what was recorded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skloss.metrics import best_temperature, confusion_matrix, rank_auc
from skloss.record.description import SplitMetrics

__all__ = ["recorded_metrics", "temperature_of"]

_LEAST = 1e-15  # probability of a logarithm


def recorded_metrics(
    history: Mapping[str, Sequence[float]],
    prefix: str,
    epoch: int,
    counts: Sequence[int],
    *,
    is_crossentropy: bool,
    truth: ArrayLike | None = None,
    scores: Any = None,
    confusion: Any = None,
    positive: int | None = 1,
) -> SplitMetrics:
    """Read the metrics of a split from its curves and its predictions.

    Parameters
    ----------
    history : mapping of str to sequence of float
        The curves.
    prefix : str
        ``""`` for training rows, ``"val_"`` for validation rows.
    epoch : int
        Epoch whose weights were kept, from 0; -1 for the last.
    counts : sequence of int
        Rows of each class.
    is_crossentropy : bool
        Whether the loss curve is a mean cross-entropy in nats.
    truth, scores : array-like, optional
        Class numbers and probabilities of the rows; if there are two classes, of the
        positive one alone.
    confusion : array-like, optional
        Confusion matrix, where curves and predictions do not have it.
    positive : int or None, default=1
        Number of the positive class; None if there are not two classes.
    """

    def at(name: str) -> float | None:
        curve = history.get(prefix + name)
        return None if not curve else float(curve[epoch])

    cells = [at(name) for name in ("tn", "fp", "fn", "tp")]
    if None not in cells:
        confusion = (cells[:2], cells[2:])
        if positive == 0:  # the matrix has the classes in their own order
            confusion = (cells[:1:-1], cells[1::-1])
    elif truth is not None and np.ndim(scores) == 2:
        guessed = np.asarray(scores).argmax(axis=1)
        confusion = confusion_matrix(truth, guessed, np.shape(scores)[1])
    plain = at("crossentropy")  # recorded where the loss is another one
    if plain is None and is_crossentropy:
        plain = at("loss")
    losses = [at(f"loss_class_{c}") for c in range(len(counts))]
    temperature, gain = temperature_of(truth, scores, positive)
    return SplitMetrics(
        tuple(counts),
        confusion=None if confusion is None else _rows(confusion),
        loss=plain,
        per_class_loss=None if None in losses else tuple(losses),  # type: ignore
        average_precision=at("average_precision"),
        roc_auc=None if truth is None else _roc_auc(truth, scores, positive),
        positive=positive,
        mean_probability=_mean_probability(scores, positive),
        temperature=temperature,
        temperature_gain=gain,
    )


def temperature_of(
    truth: ArrayLike | None, scores: Any, positive: int | None = None
) -> tuple[float | None, float | None]:
    """Give the best temperature of probabilities, and its gain, where it is known.

    The row of the highest loss is left out, so that no single row makes them.
    """
    if truth is None or scores is None:
        return None, None
    codes, scores = np.asarray(truth), np.asarray(scores, float)
    if len(np.unique(codes)) < 2 or not np.isfinite(scores).all():
        return None, None
    if scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores][:: -1 if positive == 0 else 1])
    logits = np.log(np.clip(scores, _LEAST, None))
    rest = np.arange(len(codes)) != logits[np.arange(len(codes)), codes].argmin()
    return best_temperature(logits[rest], codes[rest])


def _mean_probability(scores: Any, positive: int | None) -> tuple[float, ...] | None:
    """Mean probability of each class; None where it is not known or not finite."""
    if scores is None or not len(scores) or not np.isfinite(scores).all():
        return None
    means = np.mean(scores, axis=0)
    if np.ndim(means) == 0:
        means = np.array([1 - means, means])[:: -1 if positive == 0 else 1]
    return tuple(np.asarray(means, float).tolist())


def _rows(table: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in table)


def _roc_auc(
    truth: ArrayLike | None, scores: ArrayLike | None, positive: int | None
) -> float | None:
    """ROC AUC; with more than two classes a mean over them, one against the rest."""
    codes, scores = np.asarray(truth), np.asarray(scores, float)
    if not len(scores) or not np.isfinite(scores).all():
        return None
    if scores.ndim == 1:
        return rank_auc(codes == positive, scores)
    found = [rank_auc(codes == c, scores[:, c]) for c in range(scores.shape[1])]
    known = [area for area in found if area is not None]
    return float(np.mean(known)) if known else None
