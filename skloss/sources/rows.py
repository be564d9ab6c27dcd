"""What rows show: values, labels, hold-out, and what other learners make of them.

All rows are hashed and looked over once; what costs more is measured on samples that
only the seed decides. The global random state is never touched.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from skloss.diagnosis.case import RowFacts
from skloss.holdout import made_from

__all__ = ["class_ids", "measure_rows"]

Facts = dict[str, Any]
Learn = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Splits = list[tuple[np.ndarray, np.ndarray]]

_N_SCALED = 50
_N_CHEAP = 20_000
_N_VALUES = 2_000_000
_N_RANKED = 600_000
_N_HASHED = 50_000_000
_N_LEARNED = 4_000
_N_PRODUCTS = 5_000_000  # rows x columns x classes of the linear learner
_N_SCORED = 2_000
_N_COLUMNS = 200
_N_NAMED = 5  # columns named in the evidence
_N_SIDE = 1_000
_FEWEST_OF_SIDE = 20
_N_TREES = 40
_N_FOLDS = 3
_N_CLASSES = 200
_FEWEST_ROWS = 40
_FEWEST_OF_CLASS = 5
_FEWEST_SCORED = 30
_LEAST_OF_CLASS = 200  # rows taken of a rare class, whatever its share
_N_SUSPECTS = 64
_FEWEST_SUSPECTS = 6
_N_POOL = 10_000
_N_PROBED = 32  # columns in which lines are looked for
_N_SEARCHED = 8  # classes
_N_CODES = 30
_N_LEVELS = 400


# ------------------------------------------------------------------------------- labels


def class_ids(y: ArrayLike) -> tuple[np.ndarray, str, int]:
    """Class numbers of labels, and how they are encoded.

    Parameters
    ----------
    y : array-like of shape (n,), (n, 1) or (n, k)
        Numbers, texts, or a row of k numbers for each row.

    Returns
    -------
    ids : ndarray of int, shape (n,)
        From 0; all 0 if the labels name no class ("multi_hot", "real").
    kind : {"ids", "one_hot", "multi_hot", "scaled", "real"}
        "scaled" are fractions with few values, as of labels divided along with the
        inputs; rows of shares that add up to 1 count as "one_hot".
    n_classes : int
        Classes that occur, or columns of the rows; 0 if "real".

    Examples
    --------
    >>> class_ids(["storm", "calm", "storm"])
    (array([1, 0, 1]), 'ids', 2)
    >>> class_ids([0.0, 0.0039, 0.0])[1], class_ids([[1, 1, 0], [0, 0, 0]])[1]
    ('scaled', 'multi_hot')
    """
    y = _plain_labels(y)
    if y.ndim > 1:
        return _ids_of_rows(y)
    values, ids = np.unique(y, return_inverse=True)
    if y.dtype.kind == "f" and not np.all(values == np.round(values)):
        if len(values) > _N_SCALED:
            return np.zeros(len(y), np.intp), "real", 0
        return ids, "scaled", len(values)
    return ids, "ids", len(values)


def _plain_labels(y: ArrayLike) -> np.ndarray:
    """Labels without a column axis of length 1, objects as what they are."""
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    return np.asarray(y.tolist()) if y.dtype.kind == "O" else y


def _ids_of_rows(y: np.ndarray) -> tuple[np.ndarray, str, int]:
    none = np.zeros(len(y), np.intp)
    if y.ndim > 2 or y.dtype.kind not in "biuf":
        return none, "real", 0
    if (y >= 0).all() and np.allclose(y.sum(axis=1), 1, atol=1e-3):
        return y.argmax(axis=1), "one_hot", y.shape[1]
    if np.isin(y, (0, 1)).all():
        return none, "multi_hot", y.shape[1]
    return none, "real", 0


def _target_facts(y: np.ndarray) -> Facts:
    ids, kind, n_classes = class_ids(y)
    facts: Facts = {"target_kind": kind, "n_distinct_targets": n_classes}
    if kind == "real" and y.ndim == 1:
        facts["n_distinct_targets"] = len(np.unique(y))
    if kind == "one_hot":
        facts["n_distinct_targets"] = len(np.unique(ids))
    if y.dtype.kind in "biuf" and y.size:
        facts |= {"target_min": float(y.min()), "target_max": float(y.max())}
    return facts


def _codes_of_both(
    y: np.ndarray, y_val: np.ndarray | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Numbers of the classes on either side, counted over both; None if not classes."""
    both = y
    if y_val is not None and y_val.shape[1:] == y.shape[1:]:
        both = np.concatenate([y, y_val])
    ids, kind, _ = class_ids(both)
    if kind not in ("ids", "one_hot", "scaled"):
        return None, None
    codes = np.unique(ids, return_inverse=True)[1]
    return codes[: len(y)], codes[len(y) :] if len(both) > len(y) else None


def _order_facts(codes: np.ndarray) -> Facts:
    """Compare runs of equal labels with a random order (Wald and Wolfowitz)."""
    n, counts = len(codes), np.bincount(codes).astype(float)
    squares, cubes = (counts**2).sum(), (counts**3).sum()
    if n < 2 or squares == n**2:
        return {}
    runs = 1 + np.count_nonzero(codes[1:] != codes[:-1])
    expected = (n * (n + 1) - squares) / n
    variance = squares * (squares + n * (n + 1)) - 2 * n * cubes - n**3
    variance /= n**2 * (n - 1)
    if variance <= 0:
        return {}
    return {"label_order_z": float((expected - runs) / np.sqrt(variance))}


# ---------------------------------------------------------------------------- the facts


def measure_rows(
    X: Any,
    y: Any,
    X_val: Any = None,
    y_val: Any = None,
    *,
    ordered_tail: tuple[Any, Any] | None = None,
    predict: Callable[[Any], Any] | None = None,
    embeds: bool = False,
    seed: int = 0,
) -> RowFacts:
    """Measure all that the rules read about rows.

    Parameters
    ----------
    X, y : array-like of shape (n, ...) and (n,) or (n, k)
        Rows trained on.
    X_val, y_val : array-like, default=None
        Validation rows.
    ordered_tail : tuple of array-like, default=None
        All rows and labels in the order given to ``fit``, of which validation was cut
        off as the tail.
    predict : callable, default=None
        Scores (n, n_classes) of the network, or (n,) of the second of two classes.
    embeds : bool, default=False
        Whether the columns are numbers of words, which the network embeds.
    seed : int, default=0
        Of the samples.

    Returns
    -------
    RowFacts
        Columns are numbered over flattened rows. Sizes, deviations and offsets of
        series and images are those of their channels.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Threads that wait for a busy core cost such small learners many times their work.
    with threadpool_limits(1):
        return _measure(X, y, X_val, y_val, ordered_tail, predict, embeds, seed)


def _measure(
    X: Any,
    y: Any,
    X_val: Any,
    y_val: Any,
    ordered_tail: tuple[Any, Any] | None,
    predict: Callable[[Any], Any] | None,
    embeds: bool,
    seed: int,
) -> RowFacts:
    X, y = np.asarray(X), _plain_labels(y)
    if X_val is None and ordered_tail is not None and len(ordered_tail[0]) > len(X):
        X_val, y_val = (part[len(X) :] for part in ordered_tail)
    X_val = None if X_val is None else np.asarray(X_val)
    y_val = None if y_val is None or X_val is None else _plain_labels(y_val)
    facts: Facts = {"n_rows": len(X), "is_token_ids": embeds}
    if len(X) == 0 or len(X) != len(y):
        return RowFacts(**facts)
    facts |= _target_facts(y)
    codes, codes_val = _codes_of_both(y, y_val)
    ordered = y if ordered_tail is None else _plain_labels(ordered_tail[1])
    if codes is not None and class_ids(ordered)[1] != "real":
        facts |= _order_facts(class_ids(ordered)[0])
    rows, rows_val = _flat(X), None if X_val is None else _flat(X_val)
    if rows is None:
        return RowFacts(**facts)
    if rows_val is not None and (
        not len(rows_val) or rows_val.shape[1] != rows.shape[1]
    ):
        rows_val = codes_val = None
    facts |= _all_facts(
        X, rows, codes, X_val, rows_val, codes_val, predict, embeds, seed
    )
    return RowFacts(**facts)


def _all_facts(
    X: np.ndarray,
    rows: np.ndarray,
    codes: np.ndarray | None,
    X_val: np.ndarray | None,
    rows_val: np.ndarray | None,
    codes_val: np.ndarray | None,
    predict: Callable[[Any], Any] | None,
    embeds: bool,
    seed: int,
) -> Facts:
    """Facts about numbers, from flattened rows."""
    rng = np.random.default_rng(seed)
    facts = _whole_facts(rows)
    finite = facts["n_nonfinite"] == 0
    labels = np.zeros(len(rows), np.intp) if codes is None else codes
    at_most = min(_N_CHEAP, max(_N_VALUES // max(rows.shape[1], 1), 500))
    chosen = _pick(labels, at_most, rng)
    chosen = chosen if finite else chosen[np.isfinite(rows[chosen]).all(axis=1)]
    if len(chosen):
        facts |= _value_facts(X[chosen].reshape(len(chosen), *X.shape[1:]))
        code_columns = [] if embeds or X.ndim > 2 else _code_columns(rows[chosen])
        facts["n_codes"] = len(code_columns)
        if codes is not None:
            facts |= _ranking_facts(rows, codes, chosen, rng)
    hashes = _hashes(rows)
    facts |= _duplicate_facts(hashes, codes)
    if rows_val is not None and np.isfinite(rows_val).all() and finite:
        hashes_val = _hashes(rows_val)
        is_shared = np.isin(hashes_val, hashes)
        facts["shared_share"] = float(is_shared.mean())
        if codes is not None and codes_val is not None:
            facts |= _synthetic_facts(rows, codes, rows_val, codes_val, rng)
        sides = (rows, rows_val), (codes, codes_val), (hashes, hashes_val)
        facts |= _shift_facts(*sides, rng, seed)
    else:
        rows_val = codes_val = None
    if codes is None or embeds or not finite:
        return facts
    learners = _Learners(rows, codes, rows_val, codes_val, rng, seed)
    return facts | learners.facts(code_columns, predict, X, X_val)


def _flat(X: np.ndarray) -> np.ndarray | None:
    """Rows of numbers (n, columns); None if they are no numbers."""
    try:
        X = X if X.dtype.kind in "biuf" else X.astype(float)
    except (TypeError, ValueError):
        return None
    X = X.astype(np.uint8) if X.dtype.kind == "b" else X
    return X.reshape(len(X), -1) if X.ndim != 1 else X[:, None]


def _pick(
    codes: np.ndarray, at_most: int, rng: Generator, least: int = 0
) -> np.ndarray:
    """Positions of a sample with each class's share, and `least` rows of rare ones."""
    n = len(codes)
    if n <= at_most:
        return np.arange(n)
    order = rng.permutation(n)
    order = order[np.argsort(codes[order], kind="stable")]
    counts = np.bincount(codes)
    wanted = np.round(counts * at_most / n).astype(int)
    wanted = np.minimum(np.maximum(wanted, least), counts)
    rank = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[rank < np.repeat(wanted, counts)])


def _evenly(n: int, at_most: int) -> np.ndarray:
    """Evenly spaced positions among n."""
    count = min(n, at_most)
    return np.arange(count) * n // max(count, 1)


def _few(columns: np.ndarray) -> tuple[int, ...]:
    return tuple(int(column) for column in columns[:_N_NAMED])


# ------------------------------------------------------------------------------- values


def _whole_facts(rows: np.ndarray) -> Facts:
    """Count over all rows."""
    bad = ~np.isfinite(rows) if rows.dtype.kind == "f" else np.zeros(rows.shape, bool)
    constant = np.flatnonzero((rows == rows[:1]).all(axis=0))
    return {
        "n_columns": rows.shape[1],
        "n_nonfinite": int(bad.sum()),
        "nonfinite_columns": _few(np.flatnonzero(bad.any(axis=0))),
        "n_constant": len(constant),
        "constant_columns": _few(constant),
    }


def _value_facts(X: np.ndarray) -> Facts:
    """Sizes and spreads, of columns or of channels."""
    columns = X.reshape(-1, X.shape[-1]) if X.ndim > 2 else X.reshape(len(X), -1)
    most = max(_N_VALUES // max(columns.shape[1], 1), 500)
    columns = columns[_evenly(len(columns), most)].astype(float)
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


def _code_columns(rows: np.ndarray) -> list[int]:
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


def _ranking_facts(
    rows: np.ndarray, codes: np.ndarray, chosen: np.ndarray, rng: Generator
) -> Facts:
    """Find the column that alone ranks one class above the rest best."""
    from scipy.stats import rankdata

    counts = np.bincount(codes[chosen])
    present = np.flatnonzero(counts)
    if not 2 <= len(present) <= _N_CLASSES:
        return {}
    columns = _evenly(rows.shape[1], 2_000)
    most = max(_N_RANKED // len(columns), 500)
    chosen = chosen[_pick(codes[chosen], most, rng, least=50)]
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


# ----------------------------------------------------------------------- rows like rows


def _hashes(rows: np.ndarray) -> np.ndarray:
    """Return 64 bits for each row; equal rows have equal ones."""
    columns = _evenly(rows.shape[1], max(_N_HASHED // len(rows), 16))
    odd = np.random.default_rng(7).integers(0, 2**63, len(columns), dtype=np.uint64)
    odd = odd * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(rows), np.uint64)
    step = max(_N_VALUES // max(len(columns), 1), 1)
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


def _duplicate_facts(hashes: np.ndarray, codes: np.ndarray | None) -> Facts:
    _, groups, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    facts = {"duplicate_share": float(1 - len(sizes) / len(hashes))}
    if codes is None:
        return facts
    low = np.full(len(sizes), codes.max())
    high = np.zeros(len(sizes), codes.dtype)
    np.minimum.at(low, groups, codes)
    np.maximum.at(high, groups, codes)
    return facts | {"conflict_share": float((low != high)[groups].mean())}


def _synthetic_facts(
    rows: np.ndarray,
    codes: np.ndarray,
    rows_val: np.ndarray,
    codes_val: np.ndarray,
    rng: Generator,
) -> Facts:
    """Share of validation rows on a line between rows of their class, class by class.

    Balanced classes do not tell which was the rare one: the class with the largest
    share is the suspect, the one with the smallest the control.
    """
    counts = np.bincount(codes_val, minlength=int(codes.max()) + 1)
    classes = [c for c in np.argsort(counts) if counts[c] >= _FEWEST_SUSPECTS]
    columns, lines_tell = _probed_columns(rows)
    if len(classes) < 2 or len(columns) < 3:
        return {}
    share_made = _share_made if lines_tell else _share_copied
    shares = []
    for one in classes[:_N_SEARCHED]:
        sides = ((rows_val, codes_val), (rows, codes))
        found = [
            side[np.ix_(rng.permutation(np.flatnonzero(c == one))[:_N_POOL], columns)]
            for side, c in sides
        ]
        shares.append(share_made(*(part.astype(float) for part in found)))
    return {"synthetic_share": max(shares), "synthetic_null": min(shares)}


def _probed_columns(rows: np.ndarray) -> tuple[np.ndarray, bool]:
    """Columns that vary, and whether rows on a line through them tell anything.

    Rows of small counts lie on lines by chance, and a sampler's row between two of them
    would not be whole: among nothing but whole numbers only copies tell.
    """
    look = rows[_evenly(len(rows), 256)]
    varies = (look != look[0]).any(axis=0)
    whole = (look == np.round(look)).all(axis=0)
    lines_tell = bool((varies & ~whole).sum() >= 3)
    if not lines_tell:
        return np.flatnonzero(varies), False
    columns = np.flatnonzero(varies & ~whole)
    return columns[_evenly(len(columns), _N_PROBED)], True


def _share_copied(val: np.ndarray, train: np.ndarray) -> float:
    """Share of rows of one class that equal another row of it, of either side."""
    pool = np.concatenate([val, train])
    _, place, counts = np.unique(pool, axis=0, return_inverse=True, return_counts=True)
    return float((counts[place.ravel()[: len(val)]] > 1).mean())


def _share_made(val: np.ndarray, train: np.ndarray) -> float:
    """Share of rows of one class on a line between others of it, of either side."""
    pool = np.concatenate([val, train])
    scale = pool.std(axis=0)
    pool = (pool - pool.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    own = np.arange(min(len(val), _N_SUSPECTS))
    return float(made_from(pool[own], pool, own).mean())


# ------------------------------------------------------------------ one side or another


def _shift_facts(
    rows: tuple[np.ndarray, np.ndarray],
    codes: tuple[np.ndarray | None, np.ndarray | None],
    hashes: tuple[np.ndarray, np.ndarray],
    rng: Generator,
    seed: int,
) -> Facts:
    """Tell training from validation rows, class by class in equal numbers."""
    kept = _without_twins(*hashes)
    labels = _shared_labels(codes, rows)
    chosen = _matched([c[k] for c, k in zip(labels, kept, strict=True)], _N_SIDE, rng)
    taken = [k[c] for k, c in zip(kept, chosen, strict=True)]
    if min(map(len, taken)) < _FEWEST_OF_SIDE:
        return {}
    columns = np.flatnonzero((rows[0][taken[0]] != rows[0][taken[0][0]]).any(axis=0))
    columns = columns[_evenly(len(columns), _N_COLUMNS)]
    if not len(columns):
        return {}
    train, val = (
        side[np.ix_(t, columns)].astype(float)
        for side, t in zip(rows, taken, strict=True)
    )
    classes = [c[t] for c, t in zip(labels, taken, strict=True)]
    facts = _moment_facts((train, val), (classes[0], classes[1]), columns)
    area, error = _tell_apart(train, val, rng, seed)
    return facts | {"shift_auc": area, "shift_error": error}


def _without_twins(train: np.ndarray, val: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows to compare.

    A row that one side holds often would give that side away, so each counts once, and
    not at all if both sides hold it. Where many are on both sides values are coarse, or
    rows were copied before the split; then the sides are as they should be.
    """
    if np.isin(val, train).mean() > 0.1:
        return np.arange(len(train)), np.arange(len(val))
    once, once_val = (np.unique(side, return_index=True)[1] for side in (train, val))
    alone = once[~np.isin(train[once], val)]
    return np.sort(alone), np.sort(once_val[~np.isin(val[once_val], train)])


def _shared_labels(
    codes: tuple[np.ndarray | None, np.ndarray | None],
    rows: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers, -1 for rows to leave out; no classes where labels say nothing.

    A class that has a larger share among the training rows may be made by a sampler,
    and such rows are not like natural ones; it is left out while others remain.
    """
    train, val = codes
    if train is None or val is None or len(np.unique(train)) < 2:
        return np.zeros(len(rows[0]), int), np.zeros(len(rows[1]), int)
    n_classes = int(max(train.max(), val.max())) + 1
    counts = [np.bincount(c, minlength=n_classes) for c in codes]  # type: ignore[arg-type]
    shares = [c / c.sum() for c in counts]
    error = np.sqrt(shares[0] * (1 - shares[0]) * (1 / len(train) + 1 / len(val)))
    swollen = shares[0] - shares[1] > np.maximum(2 * error, 0.2 * shares[1])
    common = (counts[0] > 0) & (counts[1] > 0)
    keep = common & ~swollen if (common & ~swollen).any() else common
    return np.where(keep[train], train, -1), np.where(keep[val], val, -1)


def _matched(
    codes: Sequence[np.ndarray], at_most: int, rng: Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions with as many rows of each class on either side."""
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    classes = [c for c in np.unique(codes[1]) if c >= 0]
    sizes = np.array(
        [min(np.sum(codes[0] == c), np.sum(codes[1] == c)) for c in classes]
    )
    sizes = np.floor(sizes * min(1.0, at_most / max(sizes.sum(), 1))).astype(int)
    for one, size in zip(classes, sizes, strict=True):
        for part, side in zip(found, codes, strict=True):
            part.append(rng.permutation(np.flatnonzero(side == one))[:size])
    empty = np.empty(0, np.intp)
    return np.concatenate([empty, *found[0]]), np.concatenate([empty, *found[1]])


def _moment_facts(
    sides: tuple[np.ndarray, np.ndarray],
    classes: tuple[np.ndarray, np.ndarray],
    columns: np.ndarray,
) -> Facts:
    """Scale and place of the validation columns, within classes."""
    (train, val), (codes, codes_val) = sides, classes
    shape = (len(np.unique(codes)), train.shape[1])
    means, means_val = np.empty(shape), np.empty(shape)
    inner, inner_val = train.copy(), val.copy()
    for k, one in enumerate(np.unique(codes)):
        means[k], means_val[k] = (
            train[codes == one].mean(0),
            val[codes_val == one].mean(0),
        )
        inner[codes == one] -= means[k]
        inner_val[codes_val == one] -= means_val[k]
    # The smaller classes have fewer rows to say where their center is.
    weight = np.unique(codes, return_counts=True)[1] / len(codes)
    std, std_val = inner.std(axis=0), inner_val.std(axis=0)
    known = std > 0
    if not known.any():
        return {}
    moved = np.abs(weight @ (means_val - means))[known] / std[known]
    scales = std_val[known] / std[known]
    strangeness = np.maximum(moved, np.abs(np.log(np.maximum(scales, 1e-9))))
    worst = columns[known][np.argsort(-strangeness, kind="stable")]
    return {
        "shift_columns": _few(worst),
        "shift_scale": float(np.median(scales)),
        "shift_offset": float(np.median(moved)),
    }


def _tell_apart(
    train: np.ndarray, val: np.ndarray, rng: Generator, seed: int
) -> tuple[float, float]:
    """Area under the ROC curve of trees that tell the sides apart, and its error."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.metrics import roc_auc_score

    rows = np.concatenate([train, val])
    side = np.repeat([0, 1], [len(train), len(val)])
    half = np.empty(len(side), int)
    for one in (0, 1):
        members = rng.permutation(np.flatnonzero(side == one))
        half[members] = np.arange(len(members)) % 2
    areas = []
    for fold in (0, 1):
        trees = ExtraTreesClassifier(
            _N_TREES, min_samples_leaf=5, max_depth=8, random_state=seed
        )
        trees.fit(rows[half != fold], side[half != fold])
        scores = trees.predict_proba(rows[half == fold])[:, 1]
        areas.append(roc_auc_score(side[half == fold], scores))
    error = np.sqrt((1 / len(train) + 1 / len(val)) / 12)
    return float(np.mean(areas)), float(error)


# ----------------------------------------------------------------------- other learners


class _Learners:
    """Small learners, all fitted on the same rows and scored on the same rows."""

    def __init__(
        self,
        rows: np.ndarray,
        codes: np.ndarray,
        rows_val: np.ndarray | None,
        codes_val: np.ndarray | None,
        rng: Generator,
        seed: int,
    ) -> None:
        self.seed = seed
        self.n_classes = int(
            max(codes.max(), -1 if codes_val is None else codes_val.max())
        )
        self.n_classes += 1
        counts = np.bincount(codes, minlength=self.n_classes)
        self.possible = (
            2 <= self.n_classes <= _N_CLASSES
            and len(codes) >= _FEWEST_ROWS
            and counts.min() >= _FEWEST_OF_CLASS
        )
        if not self.possible:
            return
        # Of two classes the prior does not matter: the threshold is chosen.
        least = _LEAST_OF_CLASS if self.n_classes == 2 else 0
        self.uses_val = (
            codes_val is not None
            and rows_val is not None
            and len(codes_val) >= _FEWEST_SCORED
            and bool((np.bincount(codes_val, minlength=self.n_classes) > 0).all())
        )
        width = self.n_classes * min(rows.shape[1], _N_COLUMNS)
        most = int(np.clip(_N_PRODUCTS // max(width, 1), 1_000, _N_LEARNED))
        if self.uses_val and rows_val is not None and codes_val is not None:
            fitted = _pick(codes, most, rng, least)
            self.scored = _pick(codes_val, _N_SCORED, rng, _LEAST_OF_CLASS)
            parts = [rows[fitted], rows_val[self.scored]]
            self.codes = np.concatenate([codes[fitted], codes_val[self.scored]])
        else:
            self.scored = _pick(codes, min(most, _N_SCORED), rng, least)
            parts = [rows[self.scored]]
            self.codes = codes[self.scored]
        self.whole = np.concatenate(parts)
        columns = np.flatnonzero((self.whole != self.whole[0]).any(axis=0))
        self.rows = self.whole[:, columns[_evenly(len(columns), _N_COLUMNS)]].astype(
            float
        )
        self.splits = self._splits(rng, len(parts[0]))
        self.tests = np.concatenate([test for _, test in self.splits])

    def facts(
        self,
        code_columns: list[int],
        predict: Callable[[Any], Any] | None,
        X: np.ndarray,
        X_val: np.ndarray | None,
    ) -> Facts:
        """Scores of the learners and of the network."""
        if not self.possible or not self.rows.shape[1]:
            return {}
        error = self._error()
        by_size = tuple(
            (*self._linear_at(fraction, self.rows), error)
            for fraction in (0.25, 0.5, 1)
        )
        by_size = tuple(found for found in by_size if found[0])
        facts: Facts = {
            "linear_scores_by_size": by_size,
            "linear_score": by_size[-1][1],
            "tree_score": self._score_of(self._learn_trees, self.rows, _N_SCORED),
            "score_error": error,
        }
        if code_columns:
            wide = self._one_hot(code_columns)
            facts["one_hot_score"] = self._score_of(_learn_line, wide, _N_LEARNED)
        if predict is not None:
            source = X_val if self.uses_val else X
            facts["network_score"] = self._network_score(predict, source)
        return facts

    def _splits(self, rng: Generator, n_fitted: int) -> Splits:
        """Rows to fit, in a random order, and rows to score."""
        order = rng.permutation(len(self.codes))
        if self.uses_val:
            return [(order[order < n_fitted], np.arange(n_fitted, len(order)))]
        fold = np.empty(len(order), int)
        for one in range(self.n_classes):
            members = order[self.codes[order] == one]
            fold[members] = np.arange(len(members)) % _N_FOLDS
        return [
            (order[fold[order] != k], np.flatnonzero(fold == k))
            for k in range(_N_FOLDS)
        ]

    def _first(self, fitted: np.ndarray, n: int) -> np.ndarray:
        """Rows to fit, cut down to n with the shares of the classes."""
        if len(fitted) <= n:
            return fitted
        order = fitted[np.argsort(self.codes[fitted], kind="stable")]
        counts = np.bincount(self.codes[fitted], minlength=self.n_classes)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return order[rank < np.repeat(np.ceil(counts * n / len(fitted)), counts)]

    def _linear_at(self, fraction: float, rows: np.ndarray) -> tuple[int, float]:
        """Rows fitted and score of the line fitted on a fraction of them."""
        n = int(fraction * len(self.splits[0][0]))
        if n < _FEWEST_ROWS / 2 and fraction < 1:
            return 0, 0.0
        return n, self._score_of(_learn_line, rows, n)

    def _score_of(self, learn: Learn, rows: np.ndarray, n: int) -> float:
        """Score of what a learner says of rows that it was not fitted on."""
        said = np.zeros((len(self.codes), self.n_classes))
        for fitted, test in self.splits:
            part = self._first(fitted, n)
            classes, shares = learn(rows[part], self.codes[part], rows[test])
            said[np.ix_(test, classes)] = shares
        return self._score(said[self.tests])

    def _learn_trees(
        self, rows: np.ndarray, codes: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.ensemble import ExtraTreesClassifier

        trees = ExtraTreesClassifier(
            _N_TREES, min_samples_leaf=2, random_state=self.seed
        )
        trees.fit(rows, codes)
        return trees.classes_, trees.predict_proba(test)

    def _network_score(self, predict: Callable[[Any], Any], X: Any) -> float | None:
        said = np.nan_to_num(np.asarray(predict(X[self.scored]), float))
        said = said.reshape(len(self.scored), -1)
        if said.shape[1] == 1 and self.n_classes == 2:
            said = np.hstack([1 - said, said])
        if said.shape[1] != self.n_classes:
            return None
        whole = np.zeros((len(self.codes), self.n_classes))
        whole[-len(said) :] = said
        return self._score(whole[self.tests])

    def _score(self, said: np.ndarray) -> float:
        """Best MCC over thresholds of two classes, or macro recall over its chance."""
        truth = self.codes[self.tests]
        if self.n_classes == 2:
            return _best_mcc(truth, said[:, 1])
        right = said.argmax(axis=1) == truth
        recalls = [right[truth == k].mean() for k in range(self.n_classes)]
        chance = 1 / self.n_classes
        return float((np.mean(recalls) - chance) / (1 - chance))

    def _error(self) -> float:
        """Bound the score's standard error: each recall's is at most 0.5 / root n."""
        counts = np.bincount(self.codes[self.tests], minlength=self.n_classes)
        spread = np.sqrt((0.25 / counts).sum()) / self.n_classes
        return float(min(spread / (1 - 1 / self.n_classes), 0.5))

    def _one_hot(self, code_columns: list[int]) -> np.ndarray:
        """Rows with columns of codes spread over one column for each value."""
        spread: list[np.ndarray] = []
        for column in code_columns:
            values = np.unique(self.whole[:, column])
            if sum(part.shape[1] for part in spread) + len(values) > _N_LEVELS:
                break
            spread.append(self.whole[:, [column]] == values)
        return np.hstack([self.rows, *spread])


def _learn_line(
    rows: np.ndarray, codes: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression on columns of unit scale."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(mean), scale, np.inf)
    if len(np.unique(codes)) < 2:
        return np.unique(codes), np.ones((len(test), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it has not converged it is near enough
        line = LogisticRegression(max_iter=50).fit((rows - mean) / scale, codes)
    return line.classes_, line.predict_proba((test - mean) / scale)


def _best_mcc(truth: np.ndarray, score: np.ndarray) -> float:
    """Largest Matthews correlation of ``score >= t`` over all t."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(truth[order])[last].astype(float)
    named = (np.flatnonzero(last) + 1).astype(float)
    n, ones = float(len(truth)), float(truth.sum())
    below = np.sqrt(named * (n - named) * ones * (n - ones))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(below > 0, (hits * n - named * ones) / below, 0.0)
    return float(values.max(initial=0.0))
