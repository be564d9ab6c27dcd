"""Average precision and the best threshold over the test rows of all folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skloss.reports.context import HeldOut
from skloss.reports.pooled_scores import Pooled
from skloss.reports.score_intervals import Score, bounded, times_drawn, totals

__all__ = ["average_precision", "ranked_rows", "threshold_sentence"]

_MOST_DRAWS = 1_000
_MOST_WEIGHTS = 10**8  # of all draws together, a bound of the time
_LEAST_GAIN = 0.01


def ranked_rows(pooled: Pooled, who: str) -> HeldOut | None:
    """Return the rows with the probabilities of one classifier, if it told them."""
    scores = pooled.probabilities.get(who)
    if scores is None or pooled.positive is None or not np.isfinite(scores).all():
        return None
    return HeldOut(pooled.truth, scores, pooled.positive)


def average_precision(pooled: Pooled, who: str) -> Score | None:
    r"""Compute the average precision over all rows, with an interval.

    .. math:: \sum_i (R_i - R_{i-1}) P_i

    over the thresholds, from the highest on, as in scikit-learn. The interval comes
    from the same draws as those of the other scores: groups with replacement, or else
    weights of the rows of each class. The rows were scored by the fits of several
    folds, whose probabilities must be comparable, as they must be for one threshold.

    Parameters
    ----------
    pooled : Pooled
        Predictions on the test rows of all folds.
    who : str
        Name of the classifier.

    Returns
    -------
    Score or None
        None if there are no probabilities, or no rows of the positive class.
    """
    rows = ranked_rows(pooled, who)
    if rows is None or not rows.is_positive.any():
        return None
    order = np.argsort(-rows.scores, kind="stable")
    hits = rows.is_positive[order]
    ends = np.append(np.diff(rows.scores[order]) != 0, True)
    value = _precision(np.ones(len(order)), hits, ends)
    drawn = [
        _precision(weights[order], hits, ends)
        for weights in _weights(pooled, rows.is_positive)
        if weights[rows.is_positive].any()  # else the score is not defined
    ]
    return bounded(np.asarray(value), np.asarray(drawn))


def _precision(weights: np.ndarray, hits: np.ndarray, ends: np.ndarray) -> float:
    """Average precision of weighted rows in the order of their scores."""
    taken = np.cumsum(weights)[ends]
    found = np.cumsum(weights * hits)[ends]
    precision = np.divide(found, taken, out=np.zeros_like(taken), where=taken > 0)
    return float(np.diff(found, prepend=0.0) @ precision / found[-1])


def _weights(pooled: Pooled, is_positive: np.ndarray) -> Iterator[np.ndarray]:
    """Draw weights of the rows: of whole groups, or of the rows of each class."""
    n_draws = min(_MOST_DRAWS, _MOST_WEIGHTS // len(is_positive))
    if pooled.groups is not None:
        names, codes = np.unique(pooled.groups, return_inverse=True)
        for times in times_drawn(len(names), n_draws):
            yield times[codes].astype(float)
        return
    rng = np.random.default_rng(0)
    for _ in range(n_draws):
        weights = rng.exponential(size=len(is_positive))
        for part in (is_positive, ~is_positive):
            weights[part] *= part.sum() / max(weights[part].sum(), np.finfo(float).tiny)
        yield weights


def threshold_sentence(pooled: Pooled, who: str) -> str:
    """Say which threshold has the highest MCC over all rows; empty if none is better.

    Parameters
    ----------
    pooled : Pooled
        Predictions on the test rows of all folds.
    who : str
        Name of the classifier.
    """
    rows = ranked_rows(pooled, who)
    if rows is None or len(np.unique(rows.truth)) < 2:
        return ""
    threshold = rows.best_threshold
    table = np.zeros((2, 2))
    np.add.at(table, (rows.truth, rows.at(threshold)), 1)
    best = totals(table, rows.positive or 0)["mcc"].value
    own = pooled.scores(who)["mcc"].value
    if best - own < _LEAST_GAIN:
        return ""
    return (
        f"Over all rows the threshold {threshold:.3g} has the highest MCC, {best:.2f} "
        f"in place of {own:.2f}. It was chosen on these same rows, so its MCC is "
        "somewhat optimistic; TunedThresholdClassifierCV chooses it in a "
        "cross-validation."
    )
