"""Thresholds of the highest MCC on rows that were held out."""

import numpy as np


def best_threshold(y: np.ndarray, p: np.ndarray) -> float:
    """Return the threshold of the highest MCC, halfway between two rows."""
    order = np.argsort(-p, kind="stable")
    tp, alarms = np.cumsum(y[order]), np.arange(1, len(y) + 1)
    n, n_pos = len(y), y.sum()
    spread = alarms * (n - alarms) * n_pos * (n - n_pos)
    mcc = (n * tp - alarms * n_pos) / np.sqrt(np.maximum(spread, 1))
    ranked = np.append(p[order], 0.0)
    ends = ranked[:-1] > ranked[1:]  # equal rows are on one side
    best = int(np.argmax(np.where(ends, mcc, -2)))
    return float(ranked[best : best + 2].mean())


def quick_mcc(y: np.ndarray, predicted: np.ndarray) -> float:
    """MCC of zeros and ones, without the checks: hundreds are tried for a threshold."""
    spread = y.std() * predicted.std()
    return (
        float(np.mean(y * predicted) - y.mean() * predicted.mean()) / spread
        if spread
        else 0.0
    )
