"""Test whether a sampler has made rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["are_resampled", "looks_resampled", "made_from"]

# Ratio of class counts up to which rows are not taken for resampled.
_SAME_SHARES = 1.02
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
