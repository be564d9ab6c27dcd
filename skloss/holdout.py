"""Stratified hold-out of original rows, and a test for resampled rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from numpy.random import RandomState

__all__ = [
    "are_resampled",
    "check_no_gaps",
    "class_codes",
    "last_holdout",
    "looks_resampled",
    "made_from",
    "splitter_holdout",
    "stratified_holdout",
    "stratified_sample",
]

_MANY_CLASSES = 16
_CLOSE = 2**12
# Ratio of class counts up to which rows are not taken for resampled.
_SAME_SHARES = 1.02


def check_no_gaps(name: str, labels: ArrayLike) -> None:
    """Refuse labels or groups that are missing, or that have no order.

    Parameters
    ----------
    name : str
        Name of the argument, for the error.
    labels : array-like of shape (n, ...)
        Labels or groups of any kind.

    Raises
    ------
    ValueError
        If some are None, NaN or NaT, or if texts and numbers are mixed.

    Examples
    --------
    >>> check_no_gaps("y", ["storm", None])
    Traceback (most recent call last):
        ...
    ValueError: y is missing in 1 of 2 rows, first in row 1 (None): drop these rows, or
    give them a label of their own.
    """
    values = np.asarray(labels)
    # For none at all scikit-learn has a sentence of its own.
    if values.ndim == 0 or values.dtype.kind not in "fcOmM":
        return
    from pandas import isna

    rows = values.reshape(len(values), -1) if values.ndim > 1 else values[:, None]
    gaps = isna(rows)
    if gaps.any():
        row, column = np.argwhere(gaps)[0]
        raise ValueError(
            f"{name} is missing in {int(gaps.any(axis=1).sum())} of {len(rows)} rows, "
            f"first in row {row} ({rows[row, column]}): drop these rows, or give them "
            "a label of their own."
        )
    if values.dtype.kind == "O":
        kinds = {type(value).__name__ for value in rows.ravel()}
        if "str" in kinds and len(kinds) > 1:
            listed = ", ".join(sorted(kinds))
            raise ValueError(
                f"{name} mixes values of the types {listed}, which have no order: "
                "convert all of them to texts, or all to numbers."
            )


def class_codes(y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes in order, and the class number of each row.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of any kind.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Distinct labels, sorted.
    codes : ndarray of int32, shape (n,)
        ``classes[codes]`` is `y`.

    Examples
    --------
    >>> class_codes(["storm", "calm", "storm"])[1]
    array([1, 0, 1], dtype=int32)
    """
    y = np.asarray(y)
    classes = _distinct(y)
    if len(classes) > _MANY_CLASSES:
        return classes, np.searchsorted(classes, y).astype(np.int32)
    # For few classes, comparing with each class is faster than a search per row.
    codes = np.zeros(len(y), np.int32)
    for code, label in enumerate(classes[1:], start=1):
        codes[y == label] = code
    return classes, codes


def _distinct(y: np.ndarray) -> np.ndarray:
    """Distinct labels in order; a small range of integers is counted, which is fast."""
    if y.dtype.kind != "i" or len(y) == 0:
        return np.unique(y)
    low, high = int(y.min()), int(y.max())
    if high - low >= _CLOSE:
        return np.unique(y)
    counts = np.bincount(np.subtract(y, low, dtype=np.int64))
    return (np.flatnonzero(counts) + low).astype(y.dtype)


def stratified_holdout(
    y: ArrayLike,
    fraction: float,
    random_state: int | RandomState | None,
    groups: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out validation rows, in which every class keeps its share.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of any kind, of original rows, before any sampler.
    fraction : float
        Share of the rows to hold out, above 0 and below 1. Without groups,
        ``round(fraction * m)`` rows of a class of m rows are held out, at least 1 and
        at most m - 1.
    random_state : int, RandomState or None
        Seed of the random split. With an int, every call makes the same split.
    groups : array-like of shape (n,), default=None
        Group of each row. Groups are held out as a whole, so the fraction and the class
        shares are met only approximately, by the best of several random splits.

    Returns
    -------
    train, validation : ndarray of int
        Sorted row numbers of the two parts. Each row is in exactly one of them.

    Raises
    ------
    ValueError
        If the fraction is out of range, or if a class cannot be in both parts.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array(["calm"] * 90 + ["storm"] * 10)
    >>> train, validation = stratified_holdout(y, fraction=0.2, random_state=0)
    >>> len(train), len(validation)
    (80, 20)
    >>> int((y[validation] == "storm").sum())
    2

    A class of one row cannot be in both parts:

    >>> stratified_holdout(["calm", "calm", "storm"], fraction=0.2, random_state=0)
    Traceback (most recent call last):
        ...
    ValueError: Class 'storm' has 1 row, too few to hold out a part of it; set
    validation_fraction=None, or add rows of that class.
    """
    from sklearn.utils import check_random_state

    if not 0 < fraction < 1:
        raise ValueError(
            f"validation_fraction must be above 0 and below 1, got {fraction!r}."
        )
    classes, codes = class_codes(y)
    rng = check_random_state(random_state)
    if groups is None:
        held = _hold_out_rows(codes, classes, fraction, rng)
    else:
        held = _hold_out_groups(codes, classes, np.asarray(groups), fraction, rng)
    return np.flatnonzero(~held), np.flatnonzero(held)


def last_holdout(
    y: ArrayLike, fraction: float, groups: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out the last rows, for rows in the order of time.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of any kind, of original rows, before any sampler.
    fraction : float
        Share of the rows to hold out: ``round(fraction * n)`` rows, at least 1.
    groups : array-like of shape (n,), default=None
        Group of each row; no group may have rows in both parts.

    Returns
    -------
    train, validation : ndarray of int
        Sorted row numbers of the two parts.

    Raises
    ------
    ValueError
        If a class has no row among the earlier ones, or if a group is in both parts.

    Examples
    --------
    >>> last_holdout([0, 1, 0, 1, 0], fraction=0.4)
    (array([0, 1, 2]), array([3, 4]))
    """
    n = len(np.asarray(y))
    cut = n - min(max(round(fraction * n), 1), n - 1)
    return _checked_parts(y, (np.arange(cut), np.arange(cut, n)), groups, "'last'")


def splitter_holdout(
    splitter: Any, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out the test rows of the last split of a cross-validator.

    Parameters
    ----------
    splitter : cross-validator
        Such as :class:`sklearn.model_selection.TimeSeriesSplit`.
    X : array-like of shape (n, ...)
        Rows.
    y : array-like of shape (n,)
        Labels.
    groups : array-like of shape (n,), default=None
        Group of each row; no group may have rows in both parts.

    Returns
    -------
    train, validation : ndarray of int
        Sorted row numbers. Rows that the split leaves out are in neither part.

    Examples
    --------
    >>> from sklearn.model_selection import TimeSeriesSplit
    >>> y = [0, 1, 0, 1, 0, 1]
    >>> splitter_holdout(TimeSeriesSplit(2, gap=1), y, y)
    (array([0, 1, 2]), array([4, 5]))
    """
    splits = list(splitter.split(X, y, groups))
    if not splits:
        raise ValueError(f"validation_rows={splitter!r} made no split.")
    train, held = (np.asarray(part) for part in splits[-1])
    train, held = (
        np.flatnonzero(part) if part.dtype == bool else np.sort(part)
        for part in (train, held)
    )
    return _checked_parts(y, (train, held), groups, repr(splitter))


def _checked_parts(
    y: ArrayLike,
    parts: tuple[np.ndarray, np.ndarray],
    groups: ArrayLike | None,
    how: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Raise if a class cannot be learned, or if the parts share rows or groups."""
    train, held = parts
    if not len(held):
        raise ValueError(f"validation_rows={how} holds out no rows.")
    if len(np.intersect1d(train, held)):
        raise ValueError(f"validation_rows={how} has rows that are in both parts.")
    classes, codes = class_codes(y)
    counts = np.bincount(codes[train], minlength=len(classes))
    if not counts.all():
        raise ValueError(
            f"validation_rows={how} leaves no row of class "
            f"{classes.tolist()[int(counts.argmin())]!r} to train on: hold out fewer "
            "rows, or set validation_rows='stratified'."
        )
    if groups is not None:
        names = np.asarray(groups)
        if len(names) != len(codes):
            raise ValueError(
                f"groups has {len(names)} entries, but y has {len(codes)}."
            )
        shared = np.intersect1d(names[train], names[held]).tolist()
        if shared:
            raise ValueError(
                f"validation_rows={how} puts rows of group {shared[0]!r} into both "
                "parts: use validation_rows='stratified', or a splitter by groups."
            )
    return parts


def _hold_out_rows(
    codes: np.ndarray, classes: np.ndarray, fraction: float, rng: RandomState
) -> np.ndarray:
    """Mark the rows held out, class by class."""
    held = np.zeros(len(codes), dtype=bool)
    for code, label in enumerate(classes.tolist()):
        rows = np.flatnonzero(codes == code)
        if len(rows) < 2:
            raise ValueError(
                f"Class {label!r} has 1 row, too few to hold out a part of it; set "
                "validation_fraction=None, or add rows of that class."
            )
        n_held = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        draws = rng.random_sample(len(rows))
        held[rows[np.argpartition(draws, n_held - 1)[:n_held]]] = True
    return held


def _hold_out_groups(
    codes: np.ndarray,
    classes: np.ndarray,
    groups: np.ndarray,
    fraction: float,
    rng: RandomState,
) -> np.ndarray:
    """Mark the rows of the held-out groups, by the best of several random orders."""
    if len(groups) != len(codes):
        raise ValueError(f"groups has {len(groups)} entries, but y has {len(codes)}.")
    check_no_gaps("groups", groups)
    names, group_of_row = np.unique(groups, return_inverse=True)
    table = np.zeros((len(names), len(classes)))
    np.add.at(table, (group_of_row, codes), 1)
    _check_classes_span_groups(table, classes)
    n_orders = int(np.clip(20_000 // len(names), 2, 16))
    tries = [_choose_groups(table, fraction, rng) for _ in range(n_orders)]
    cost, chosen = min(tries, key=lambda found: found[0])
    if not np.isfinite(cost):
        raise ValueError(
            "No split by whole groups has every class in both parts; set "
            "validation_fraction=None, or make the groups smaller."
        )
    return chosen[group_of_row]


def _check_classes_span_groups(table: np.ndarray, classes: np.ndarray) -> None:
    """Raise if all rows of a class are in one group."""
    spans = (table > 0).sum(axis=0)
    if spans.min() < 2:
        worst = int(spans.argmin())
        raise ValueError(
            f"Class {classes.tolist()[worst]!r} has all its "
            f"{int(table[:, worst].sum())} rows in one group, so it cannot be in both "
            "parts of a hold-out by groups; set validation_fraction=None, or add "
            "groups with that class."
        )


def _choose_groups(
    table: np.ndarray, fraction: float, rng: RandomState
) -> tuple[float, np.ndarray]:
    """Choose groups in a random order; return distance from the aim and choice."""
    total = table.sum(axis=0)
    aim = np.maximum(fraction * total, 1)
    chosen = np.zeros(len(table), dtype=bool)
    held = np.zeros(len(total))

    def cost(counts: np.ndarray) -> np.ndarray:
        # Differences are relative to the class, or only the majority would count. A
        # split with all rows of a class in one part is not allowed.
        distance = (((counts - aim) / total) ** 2).sum(axis=-1)
        return np.where((counts < total).all(axis=-1), distance, np.inf)

    order = rng.permutation(len(table))
    for code in np.argsort(total):
        if held[code] == 0:
            candidates = order[(table[order, code] > 0) & ~chosen[order]][:8]
            best = candidates[np.argmin(cost(held + table[candidates]))]
            chosen[best] = True
            held += table[best]
    for group in order[~chosen[order]]:
        if cost(held + table[group]) < cost(held):
            chosen[group] = True
            held += table[group]
    return float(cost(held)), chosen


_N_SUSPECTS = 32
_N_NEIGHBORS = 64
_N_POOL = 20_000
_N_COLUMNS = 32
_MIN_RUN = 8
_MIN_POOL = 5
_MIN_DISTINCT = 6
# Largest difference of the cosine from -1: an angle of 0.0014, enough for float32 rows.
_STRAIGHT = 1e-6
_SAME = 1e-7
_MIN_EXCESS = 0.4
_MIN_HEAD = 8
_MIN_EXCESS_OF_MANY = 0.6


def stratified_sample(y: ArrayLike, at_most: int) -> np.ndarray:
    """Return the positions of a sample in which every class keeps its share.

    The sample is not random: the rows of each class are taken at even steps.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of any kind.
    at_most : int
        Largest number of rows in the sample.

    Returns
    -------
    positions : ndarray of int
        Sorted positions; those of all rows, if there are at most `at_most`.

    Examples
    --------
    >>> stratified_sample(["a", "b", "a", "a", "b", "a"], 3)
    array([0, 1, 3])
    """
    codes = class_codes(y)[1]
    if len(codes) <= at_most:
        return np.arange(len(codes))
    edges = np.cumsum(np.bincount(codes)) * at_most // len(codes)
    shares = np.diff(edges, prepend=0)
    taken = [
        rows[np.arange(n) * len(rows) // max(n, 1)]
        for code, n in enumerate(shares)
        for rows in [np.flatnonzero(codes == code)]
    ]
    return np.sort(np.concatenate(taken))


def are_resampled(trained: ArrayLike, original: ArrayLike) -> bool:
    """Tell from counts whether a sampler has changed the shares of the classes.

    Parameters
    ----------
    trained, original : array-like of int, shape (n_classes,)
        Rows of each class trained on, and of the original rows or a sample of them.

    Returns
    -------
    resampled : bool
        Whether the shares differ by more than a stratified sample can make them.

    Examples
    --------
    >>> are_resampled([90, 90], [90, 10]), are_resampled([90, 10], [45, 5])
    (True, False)
    """
    ratios = np.asarray(trained, float) / np.maximum(original, 1)
    return bool(ratios.max() > _SAME_SHARES * ratios.min())


def looks_resampled(X: ArrayLike, y: ArrayLike) -> bool:
    """Test whether the last rows were probably made by an over-sampler.

    Samplers append their rows, one class after another. A row of SMOTE or of its
    variants lies on the straight line between two earlier rows of its class. A row of
    RandomOverSampler equals one of them. The test searches the last run of one class
    for such rows. It searches earlier rows of the class in the same way as a control,
    so that integers or repeated rows alone are not taken for resampled rows.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Rows without NaN; more than two dimensions are flattened.
    y : array-like of shape (n,)
        Labels of any kind.

    Returns
    -------
    resampled : bool
        Whether the rows were probably resampled. The result is also False where the
        test has no power: with fewer than 3 columns that vary; with few rows; with rows
        that were shuffled, rounded or under-sampled after the sampler, or transformed
        by a nonlinear step; with rows sorted by class that are not balanced; and with
        a class of more than about 30,000 rows, of which only 20,000 are searched.

    Notes
    -----
    Let s be a suspected row, and a and b earlier rows. The cosine of the angle between
    a - s and b - s is -1 if s = a + u (b - a) with 0 < u < 1, as in SMOTE (Chawla et
    al., 2002). An affine map of the columns, such as a scaler, does not change this.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(120, 4)), np.repeat([0, 1], [100, 20])
    >>> looks_resampled(X, y)
    False
    >>> copies = rng.integers(100, 120, size=80)
    >>> looks_resampled(np.vstack([X, X[copies]]), np.append(y, np.ones(80)))
    True
    """
    y = np.asarray(y)
    other = np.flatnonzero(y != y[-1]) if len(y) else np.empty(0, dtype=int)
    if not len(other) or len(y) - other[-1] - 1 < _MIN_RUN:
        return False
    rows = np.asarray(X)
    rows = rows.reshape(len(rows), -1)
    same = np.flatnonzero(y == y[-1])
    columns = _varying_columns(rows[same[_evenly(len(same), 256)]])
    if len(columns) < 3:
        return False

    def stand_out(n_earlier: int, excess: float) -> bool:
        return _suspects_stand_out(rows, columns, same, n_earlier, excess)

    n_earlier = int(np.searchsorted(same, other[-1]))
    if n_earlier >= _MIN_POOL:
        return stand_out(n_earlier, _MIN_EXCESS)
    # The whole class is one run, as in rows sorted by class. It is not known where the
    # rows of a sampler would begin, so several positions are tried. But a sampler would
    # have made the class about as large as the largest one.
    if len(same) < 0.9 * np.unique(y[other], return_counts=True)[1].max():
        return False
    heads = (len(same) * 0.85 ** np.arange(2, 60)).astype(int)
    return any(
        stand_out(int(n), _MIN_EXCESS_OF_MANY)
        for n in np.unique(heads[heads >= _MIN_HEAD])
    )


def _varying_columns(rows: np.ndarray) -> np.ndarray:
    """Columns that vary, at even steps; a line stays a line in any of the columns."""
    varying = np.flatnonzero((rows != rows[0]).any(axis=0))
    return varying[_evenly(len(varying), _N_COLUMNS)]


def _evenly(n: int, at_most: int) -> np.ndarray:
    """Positions at even steps among n, including the last."""
    count = min(n, at_most)
    return n - 1 - (np.arange(count) * n) // max(count, 1)


def _suspects_stand_out(
    rows: np.ndarray,
    columns: np.ndarray,
    same: np.ndarray,
    n_earlier: int,
    excess: float,
) -> bool:
    """Whether more of the last rows of a class than of its first rows look made.

    Both are compared with the first rows. ``same`` holds the positions of the class.
    """
    pool = np.sort(_evenly(n_earlier, _N_POOL))
    own = _evenly(len(pool), _N_SUSPECTS)
    last = same[max(n_earlier, len(same) - _N_SUSPECTS) :]
    earlier = rows[same[pool][:, None], columns].astype(float)
    suspects = rows[last[:, None], columns].astype(float)
    center, scale = earlier.mean(axis=0), earlier.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    earlier, suspects = (earlier - center) / scale, (suspects - center) / scale
    # A stuck sensor repeats one row at the end; such a row counts once.
    suspects = np.unique(suspects, axis=0)
    if len(suspects) < _MIN_DISTINCT:
        return False
    found = made_from(suspects, earlier).mean()
    if found < excess:
        return False
    return bool(found - made_from(earlier[own], earlier, own).mean() >= excess)


def made_from(
    suspects: np.ndarray, pool: np.ndarray, own: np.ndarray | None = None
) -> np.ndarray:
    """Mark the suspected rows that equal a row of the pool or lie between two rows.

    Parameters
    ----------
    suspects : ndarray of shape (n, n_columns)
        Suspected rows of one class, of float, on the scale of the pool.
    pool : ndarray of shape (n_pool, n_columns)
        Rows of the same class. The 64 nearest to each suspected row are searched.
    own : ndarray of int, shape (n,), default=None
        Positions of the suspected rows in the pool, if they are part of it.

    Returns
    -------
    made : ndarray of bool, shape (n,)
        Whether each suspected row could have been made from the pool.

    Examples
    --------
    >>> import numpy as np
    >>> pool = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [5.0, 0.0, 1.0]])
    >>> made_from(np.array([[0.5, 1.0, 1.5], [1.0, 0.0, 0.0]]), pool)
    array([ True, False])
    """
    squares = (pool**2).sum(axis=1) - 2 * suspects @ pool.T
    if own is not None:
        squares[np.arange(len(own)), own] = np.inf
    count = min(_N_NEIGHBORS, len(pool) - 1)
    near = np.argpartition(squares, count - 1, axis=1)[:, :count]
    steps = pool[near] - suspects[:, None]
    lengths = np.linalg.norm(steps, axis=2, keepdims=True)
    copied = (lengths <= _SAME).any(axis=(1, 2))
    steps /= np.maximum(lengths, _SAME)
    cosines = steps @ steps.transpose(0, 2, 1)
    return copied | (cosines.min(axis=(1, 2)) < _STRAIGHT - 1)
