"""Facts about the values: sizes, category codes, copies, a telling column."""

import numpy as np
from numpy.random import Generator

from skloss.readers.subsampling import (
    MOST_CLASSES,
    MOST_VALUES,
    Facts,
    evenly,
    few,
    pick,
)

__all__ = [
    "duplicate_facts",
    "find_code_columns",
    "hashes_of",
    "ranking_facts",
    "value_facts",
    "whole_facts",
]

_N_RANKED = 600_000
_N_HASHED = 50_000_000
_N_CODES = 30


def whole_facts(rows: np.ndarray) -> Facts:
    """Count over all rows."""
    bad = ~np.isfinite(rows) if rows.dtype.kind == "f" else np.zeros(rows.shape, bool)
    constant = np.flatnonzero((rows == rows[:1]).all(axis=0))
    return {
        "n_columns": rows.shape[1],
        "n_nonfinite": int(bad.sum()),
        "nonfinite_columns": few(np.flatnonzero(bad.any(axis=0))),
        "n_constant": len(constant),
        "constant_columns": few(constant),
    }


def value_facts(X: np.ndarray) -> Facts:
    """Sizes and spreads, of columns or of channels."""
    columns = X.reshape(-1, X.shape[-1]) if X.ndim > 2 else X.reshape(len(X), -1)
    most = max(MOST_VALUES // max(columns.shape[1], 1), 500)
    columns = columns[evenly(len(columns), most)].astype(float)
    low, high = np.percentile(columns, [1, 99], axis=0)
    sizes = np.maximum(np.abs(low), np.abs(high))
    means, stds = columns.mean(axis=0), columns.std(axis=0)
    # Of a column that is nearly always one value, sizes and deviations are accidents.
    varying = low < high
    varying = varying if varying.any() else stds > 0
    largest = int(sizes.argmax())
    facts: Facts = {
        "typical_size": float(np.median(sizes[varying] if varying.any() else sizes)),
        "largest_size": float(sizes[largest]),
        "largest_column": largest,
    }
    if not varying.any():
        return facts
    smallest = int(np.where(varying, stds, np.inf).argmin())
    offsets = np.abs(means[varying]) / np.maximum(stds[varying], 1e-300)
    return facts | {
        "smallest_std": float(stds[smallest]),
        "smallest_column": smallest,
        "largest_std": float(stds[varying].max()),
        "offset": float(np.median(offsets)),
    }


def find_code_columns(rows: np.ndarray) -> list[int]:
    """Columns whose whole numbers look like names of categories; too many are none."""
    columns = [c for c in range(rows.shape[1]) if _looks_like_codes(rows[:, c])]
    return columns if len(columns) <= _N_CODES else []


def _looks_like_codes(column: np.ndarray) -> bool:
    first = column[:200]
    if np.any(first < 0) or np.any(first != np.round(first)):
        return False
    if np.any(column < 0) or np.any(column != np.round(column)):
        return False
    values, counts = np.unique(column, return_counts=True)
    if not 5 <= len(values) <= min(200, len(column) / 5):
        return False
    if values[-1] - values[0] + 1 > 2 * len(values):
        return False
    # Numbers that get rarer as they grow are counts of something.
    first = counts[:5]
    return not (np.all(first[1:] <= 1.15 * first[:-1]) and first[-1] < 0.5 * first[0])


def ranking_facts(
    rows: np.ndarray, codes: np.ndarray, chosen: np.ndarray, rng: Generator
) -> Facts:
    """Find the column that alone ranks one class above the rest best."""
    from scipy.stats import rankdata

    counts = np.bincount(codes[chosen])
    present = np.flatnonzero(counts)
    if not 2 <= len(present) <= MOST_CLASSES:
        return {}
    columns = evenly(rows.shape[1], 2_000)
    most = max(_N_RANKED // len(columns), 500)
    chosen = chosen[pick(codes[chosen], most, rng, least=50)]
    truth = codes[chosen][:, None] == present[1:] if len(present) == 2 else None
    if truth is None:
        truth = codes[chosen][:, None] == present
    ranks = rankdata(rows[np.ix_(chosen, columns)], axis=0)
    ones = truth.sum(axis=0)
    pairs = np.maximum(ones * (len(chosen) - ones), 1)
    wins = truth.T.astype(float) @ ranks - (ones * (ones + 1) / 2)[:, None]
    areas = wins / pairs[:, None]
    means = np.maximum(areas, 1 - areas).mean(axis=0)
    best = int(means.argmax())
    return {"best_column": int(columns[best]), "best_column_auc": float(means[best])}


def hashes_of(rows: np.ndarray) -> np.ndarray:
    """Return 64 bits for each row; equal rows have equal ones."""
    columns = evenly(rows.shape[1], max(_N_HASHED // len(rows), 16))
    odd = np.random.default_rng(7).integers(0, 2**63, len(columns), dtype=np.uint64)
    odd = odd * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(rows), np.uint64)
    step = max(MOST_VALUES // max(len(columns), 1), 1)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        part = part if len(columns) == rows.shape[1] else part[:, columns]
        # Adding 0 makes -0.0 and 0.0 one; float32 lets either precision meet.
        with np.errstate(over="ignore", invalid="ignore"):
            bits = (part.astype(np.float32) + np.float32(0)).view(np.uint32)
        mixed = bits.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        hashes[start : start + step] = (mixed * odd).sum(axis=1, dtype=np.uint64)
    return hashes


def duplicate_facts(hashes: np.ndarray, codes: np.ndarray | None) -> Facts:
    """Shares of rows that repeat others, and of those with another label."""
    _, groups, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    facts = {"duplicate_share": float(1 - len(sizes) / len(hashes))}
    if codes is None:
        return facts
    low = np.full(len(sizes), codes.max())
    high = np.zeros(len(sizes), codes.dtype)
    np.minimum.at(low, groups, codes)
    np.maximum.at(high, groups, codes)
    return facts | {"conflict_share": float((low != high)[groups].mean())}
