"""Out-of-bag rows: predictions of the held-out rows of all members together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skloss.record import TrainingRecord

__all__ = ["OutOfBag", "out_of_bag"]


@dataclass(frozen=True)
class OutOfBag:
    """Held-out rows, and their mean probabilities by the members that held them out.

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
        Class numbers.
    scores : ndarray of shape (n, n_classes)
        Probabilities.
    positions : ndarray of int, shape (n,), or None
        Where the rows stood among those given to ``fit``; None if all members have the
        same rows, which were not among them.
    n_given : int
        Rows given to ``fit``.
    n_predicted : int
        Rows held out by each member, added up.
    """

    truth: np.ndarray
    scores: np.ndarray
    positions: np.ndarray | None
    n_given: int
    n_predicted: int

    @property
    def turns(self) -> float:
        """Members that held a row out, on average."""
        return self.n_predicted / max(len(self.truth), 1)


def out_of_bag(records: Sequence[TrainingRecord]) -> OutOfBag | None:
    """Bring the held-out rows of all members together; None if there are none.

    Parameters
    ----------
    records : sequence of TrainingRecord
        Of the members, which were given the same rows.
    """
    found = [_held_out(record) for record in records]
    if not all(found):
        return None
    truths, scores, positions = zip(*filter(None, found), strict=True)
    n_predicted = sum(map(len, truths))
    n_given = int(records[0].data.get("n_given") or 0)
    if any(part is None for part in positions):
        return OutOfBag(truths[0], np.mean(scores, axis=0), None, n_given, n_predicted)
    codes = np.zeros(n_given, int)
    sums = np.zeros((n_given, scores[0].shape[1]))
    counts = np.zeros(n_given, int)
    for truth, chances, held in zip(truths, scores, positions, strict=True):
        codes[held] = truth
        sums[held] += chances
        counts[held] += 1
    seen = np.flatnonzero(counts)
    means = sums[seen] / counts[seen, None]
    return OutOfBag(codes[seen], means, seen, n_given, n_predicted)


def _held_out(
    record: TrainingRecord,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
    """Class numbers, probabilities and positions of the rows of one hold-out."""
    truth = record.outcome.get("validation_truth")
    if truth is None:
        return None
    scores = np.asarray(record.outcome["validation_scores"], float)
    if scores.ndim == 1:
        pair = [1 - scores, scores]
        scores = np.column_stack(pair if record.positive else pair[::-1])
    held = record.data.get("held_out_rows")
    return np.asarray(truth, int), scores, None if held is None else np.asarray(held)
