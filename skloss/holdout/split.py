"""Hold out rows: a share of each class, the last ones, or those of a splitter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from skloss.holdout.labels import check_no_gaps, class_codes
from skloss.holdout.many_rows import (
    count_codes,
    count_pairs,
    positions_of_ranks,
    smallest_draws,
)

if TYPE_CHECKING:
    from numpy.random import RandomState

__all__ = [
    "last_holdout",
    "last_mask",
    "splitter_holdout",
    "stratified_holdout",
    "stratified_mask",
    "stratified_sample",
]


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
    classes, codes = class_codes(y)
    group_of = None
    if groups is not None:
        names = np.asarray(groups)
        if len(names) != len(codes):
            raise ValueError(
                f"groups has {len(names)} entries, but y has {len(codes)}."
            )
        check_no_gaps("groups", names)
        group_of = np.unique(names, return_inverse=True)[1]
    held = stratified_mask(codes, classes, fraction, random_state, group_of)
    return np.flatnonzero(~held), np.flatnonzero(held)


def stratified_mask(
    codes: np.ndarray,
    classes: np.ndarray,
    fraction: float,
    random_state: int | RandomState | None,
    group_of: np.ndarray | None = None,
) -> np.ndarray:
    """Mark the rows that `stratified_holdout` holds out, in little memory.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Class number of each row.
    classes : ndarray of shape (n_classes,)
        Labels.
    fraction, random_state
        As of `stratified_holdout`.
    group_of : ndarray of int, shape (n,), optional
        Number of the group of each row, in the order of the groups' names.

    Returns
    -------
    ndarray of bool of shape (n,)

    Examples
    --------
    >>> stratified_mask(np.array([0, 1, 0, 1]), np.array(["calm", "storm"]), 0.5, 0)
    array([ True, False, False,  True])
    """
    from sklearn.utils import check_random_state

    if not 0 < fraction < 1:
        raise ValueError(
            f"validation_fraction must be above 0 and below 1, got {fraction!r}."
        )
    rng = check_random_state(random_state)
    if group_of is None:
        return _hold_out_rows(codes, classes, fraction, rng)
    return _hold_out_groups(codes, classes, group_of, fraction, rng)


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
    cut = _first_of_last(n, fraction)
    return _checked_parts(y, (np.arange(cut), np.arange(cut, n)), groups, "'last'")


def last_mask(
    codes: np.ndarray,
    classes: np.ndarray,
    fraction: float,
    group_of: np.ndarray | None = None,
) -> np.ndarray:
    """Mark the rows that `last_holdout` holds out, in little memory.

    Parameters
    ----------
    codes, classes, fraction, group_of
        As of `stratified_mask`.

    Returns
    -------
    ndarray of bool of shape (n,)

    Examples
    --------
    >>> last_mask(np.array([0, 1, 0]), np.array(["calm", "storm"]), 0.3)
    array([False, False,  True])
    """
    cut = _first_of_last(len(codes), fraction)
    _check_classes_left(count_codes(codes[:cut], len(classes)), classes, "'last'")
    if group_of is not None and len(np.intersect1d(group_of[:cut], group_of[cut:])):
        raise ValueError(
            "validation_rows='last' puts rows of one group into both parts: use "
            "validation_rows='stratified'."
        )
    held = np.zeros(len(codes), dtype=bool)
    held[cut:] = True
    return held


def _first_of_last(n: int, fraction: float) -> int:
    return n - min(max(round(fraction * n), 1), n - 1)


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
    _check_classes_left(counts, classes, how)
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


def _check_classes_left(counts: np.ndarray, classes: np.ndarray, how: str) -> None:
    if not counts.all():
        raise ValueError(
            f"validation_rows={how} leaves no row of class "
            f"{classes.tolist()[int(counts.argmin())]!r} to train on: hold out fewer "
            "rows, or set validation_rows='stratified'."
        )


def _hold_out_rows(
    codes: np.ndarray, classes: np.ndarray, fraction: float, rng: RandomState
) -> np.ndarray:
    """Mark the rows held out, class by class."""
    held = np.zeros(len(codes), dtype=bool)
    for code, label in enumerate(classes.tolist()):
        is_of_class = codes == code
        n_rows = int(np.count_nonzero(is_of_class))
        if n_rows < 2:
            raise ValueError(
                f"Class {label!r} has 1 row, too few to hold out a part of it; set "
                "validation_fraction=None, or add rows of that class."
            )
        n_held = min(max(round(fraction * n_rows), 1), n_rows - 1)
        held[is_of_class] = smallest_draws(rng, n_rows, n_held)
    return held


def _hold_out_groups(
    codes: np.ndarray,
    classes: np.ndarray,
    group_of: np.ndarray,
    fraction: float,
    rng: RandomState,
) -> np.ndarray:
    """Mark the rows of the held-out groups, by the best of several random orders."""
    n_groups = int(group_of.max()) + 1
    table = count_pairs(group_of, codes, (n_groups, len(classes))).astype(float)
    _check_classes_span_groups(table, classes)
    n_orders = int(np.clip(20_000 // n_groups, 2, 16))
    tries = [_choose_groups(table, fraction, rng) for _ in range(n_orders)]
    cost, chosen = min(tries, key=lambda found: found[0])
    if not np.isfinite(cost):
        raise ValueError(
            "No split by whole groups has every class in both parts; set "
            "validation_fraction=None, or make the groups smaller."
        )
    return chosen[group_of]


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
    counts = count_codes(codes, int(codes.max()) + 1)
    shares = np.diff(np.cumsum(counts) * at_most // len(codes), prepend=0)
    taken = [
        positions_of_ranks(codes, code, np.arange(n) * counts[code] // max(n, 1))
        for code, n in enumerate(shares)
    ]
    return np.sort(np.concatenate(taken))
