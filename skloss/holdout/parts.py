"""Hold out rows in turn: one part for each of several members."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from skloss.holdout.labels import check_no_gaps, class_codes

if TYPE_CHECKING:
    from numpy.random import RandomState

__all__ = ["parts_in_turn"]

Part = tuple[np.ndarray, np.ndarray]


def parts_in_turn(
    y: ArrayLike,
    fraction: float,
    n_members: int,
    random_state: int | RandomState | None,
    groups: ArrayLike | None = None,
) -> list[Part]:
    """Hold out another part of the rows for each member, so that every row has a turn.

    The rows of each class stand in a random order, as in a circle. Each member holds
    out the next ``fraction`` of the circle. With groups the parts are the folds of a
    :class:`sklearn.model_selection.StratifiedGroupKFold`, ``1 / fraction`` of them, or
    as many as there are groups.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of any kind, of original rows, before any sampler.
    fraction : float
        Share of the rows that a member holds out, above 0 and below 1; of each class at
        least one row, and all but one at most.
    n_members : int
        Number of members. All rows have been held out once it is ``1 / fraction`` or
        more.
    random_state : int, RandomState or None
        Seed of the random order. With an int, every call makes the same parts.
    groups : array-like of shape (n,), default=None
        Group of each row. Groups are held out as a whole.

    Returns
    -------
    list of tuple of two ndarrays of int
        Of each member, sorted numbers of the rows to train on, and of those held out.

    Raises
    ------
    ValueError
        If a class cannot be in both parts.

    Examples
    --------
    >>> y = np.array(["calm"] * 8 + ["storm"] * 2)
    >>> parts = parts_in_turn(y, 0.5, 2, random_state=0)
    >>> [int((y[held] == "storm").sum()) for _, held in parts]
    [1, 1]
    >>> np.array_equal(parts[0][0], parts[1][1])
    True
    """
    from sklearn.utils import check_random_state

    classes, codes = class_codes(y)
    rng = check_random_state(random_state)
    if groups is not None:
        folds = _folds_by_groups(codes, classes, groups, fraction, rng)
        marks = [folds == number % (folds.max() + 1) for number in range(n_members)]
    else:
        marks = _arcs(codes, classes, fraction, n_members, rng)
    return [(np.flatnonzero(~held), np.flatnonzero(held)) for held in marks]


def _arcs(
    codes: np.ndarray,
    classes: np.ndarray,
    fraction: float,
    n_members: int,
    rng: RandomState,
) -> list[np.ndarray]:
    """Mark the rows that each member holds out: the next ones of each class."""
    marks = np.zeros((n_members, len(codes)), dtype=bool)
    for code, label in enumerate(classes.tolist()):
        circle = rng.permutation(np.flatnonzero(codes == code))
        n = len(circle)
        if n < 2:
            raise ValueError(
                f"Class {label!r} has 1 row, too few to hold out a part of it; set "
                "validation_fraction=None, or add rows of that class."
            )
        edges = np.floor(fraction * n * np.arange(n_members + 1) + 0.5).astype(int)
        end = 0
        for held, start, stop in zip(marks, edges, edges[1:], strict=False):
            start = min(start, end)  # where the part before was cut short
            end = start + int(np.clip(stop - start, 1, n - 1))
            held[circle[np.arange(start, end) % n]] = True
    return list(marks)


def _folds_by_groups(
    codes: np.ndarray,
    classes: np.ndarray,
    groups: ArrayLike,
    fraction: float,
    rng: RandomState,
) -> np.ndarray:
    """Return the number of the fold of each row, from 0; no fold is empty."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups = np.asarray(groups)
    if len(groups) != len(codes):
        raise ValueError(f"groups has {len(groups)} entries, but y has {len(codes)}.")
    check_no_gaps("groups", groups)
    names, numbers = np.unique(groups, return_inverse=True)
    n_folds = min(
        max(round(1 / fraction), 2), len(names), int(np.bincount(codes).max())
    )
    fold_of_row = np.zeros(len(codes), int)
    if n_folds > 1:
        folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=rng)
        with warnings.catch_warnings():  # of classes with fewer rows than folds
            warnings.simplefilter("ignore", UserWarning)
            for number, (_, held) in enumerate(folds.split(codes, codes, numbers)):
                fold_of_row[held] = number
    fold_of_row = np.unique(fold_of_row, return_inverse=True)[1]
    for code, label in enumerate(classes.tolist()):
        if len(np.unique(fold_of_row[codes == code])) < 2:
            raise ValueError(
                f"No parts by whole groups leave rows of class {label!r} to train on: "
                "set n_members=1, or add groups with that class."
            )
    return fold_of_row
