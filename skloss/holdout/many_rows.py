"""Count and choose among very many rows, in little memory beside their class numbers.

What is found is what one call over all rows would find, to the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import RandomState

__all__ = ["count_codes", "count_pairs", "positions_of_ranks", "smallest_draws"]

_PART = 2**20  # rows that are looked at together
_BINS = 2**16


def _parts(n: int, size: int | None = None) -> Iterator[slice]:
    size = _PART if size is None else size
    for first in range(0, n, size):
        yield slice(first, min(first + size, n))


def count_codes(codes: np.ndarray, n_codes: int, lowest: int = 0) -> np.ndarray:
    """Count each number, as ``np.bincount`` does, which takes eight bytes a row.

    Parameters
    ----------
    codes : ndarray of int
        Numbers from ``lowest`` on.
    n_codes : int
        How many numbers there can be.
    lowest : int
        The first of them.

    Examples
    --------
    >>> count_codes(np.array([0, 2, 0], np.int8), 3)
    array([2, 0, 1])
    """
    counts = np.zeros(n_codes, np.int64)
    for part in _parts(len(codes)):
        from_zero = np.subtract(codes[part], lowest, dtype=np.int64)
        counts += np.bincount(from_zero, minlength=n_codes)
    return counts


def count_pairs(
    first: np.ndarray, second: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Count each pair of numbers of a row, in a table of this shape.

    Examples
    --------
    >>> count_pairs(np.array([0, 1, 1]), np.array([2, 0, 0]), (2, 3))
    array([[0, 0, 1],
           [2, 0, 0]])
    """
    table = np.zeros(shape, np.int64)
    for part in _parts(len(first)):
        np.add.at(table, (first[part], second[part]), 1)
    return table


def smallest_draws(
    rng: RandomState, n: int, n_chosen: int, at_once: int = _PART
) -> np.ndarray:
    """Draw a number for each of n rows, and mark the rows with the smallest ones.

    Of many rows the numbers are drawn twice, and never kept together.

    Parameters
    ----------
    rng : RandomState
        Source of chance.
    n, n_chosen : int
        Rows, and how many to mark: one or more.
    at_once : int
        Most numbers that are kept.

    Returns
    -------
    ndarray of bool of shape (n,)
    """
    chosen = np.zeros(n, bool)
    if n <= at_once:
        chosen[np.argpartition(rng.random_sample(n), n_chosen - 1)[:n_chosen]] = True
        return chosen
    state, counts = rng.get_state(), np.zeros(_BINS, np.int64)
    for part in _parts(n, at_once):
        counts += np.bincount(_bins(_draw(rng, part)), minlength=_BINS)
    edge = int(np.searchsorted(counts.cumsum(), n_chosen))
    rng.set_state(state)
    at_edge, draws_at_edge = [], []
    for part in _parts(n, at_once):
        draws = _draw(rng, part)
        bins = _bins(draws)
        chosen[part] = bins < edge
        found = np.flatnonzero(bins == edge)
        at_edge.append(found + part.start)
        draws_at_edge.append(draws[found])
    rest = n_chosen - int(counts[:edge].sum())
    smallest = np.argpartition(np.concatenate(draws_at_edge), rest - 1)[:rest]
    chosen[np.concatenate(at_edge)[smallest]] = True
    return chosen


def _draw(rng: RandomState, part: slice) -> np.ndarray:
    return rng.random_sample(part.stop - part.start)


def _bins(draws: np.ndarray) -> np.ndarray:
    return (draws * _BINS).astype(np.int32)


def positions_of_ranks(codes: np.ndarray, code: int, ranks: np.ndarray) -> np.ndarray:
    """Positions of some of the rows of a class, which are counted from zero.

    Parameters
    ----------
    codes : ndarray of int
        Class number of each row.
    code : int
        The class.
    ranks : ndarray of int
        Sorted numbers of its rows.

    Examples
    --------
    >>> positions_of_ranks(np.array([1, 0, 1, 1]), 1, np.array([0, 2]))
    array([0, 3])
    """
    found, before, first = [np.empty(0, np.intp)], 0, 0
    for part in _parts(len(codes)):
        if first == len(ranks):
            break
        rows = np.flatnonzero(codes[part] == code)
        stop = int(np.searchsorted(ranks, before + len(rows)))
        found.append(rows[ranks[first:stop] - before] + part.start)
        before, first = before + len(rows), stop
    return np.concatenate(found)
