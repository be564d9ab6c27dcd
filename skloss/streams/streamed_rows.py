"""Rows that the engine takes from a source, where it would take them from an array."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from math import prod

import numpy as np

from skloss.streams.counted import CountedRows

__all__ = ["MOST_KEPT_VALUES", "StreamedRows"]

# Held-out rows of at most so many values are kept in memory: 256 MB of float32.
MOST_KEPT_VALUES = 2**26


class StreamedRows:
    """Some of the rows of a source, as an array of them would look.

    Parameters
    ----------
    counted : CountedRows
        The source.
    prepare : callable
        Makes checked float32 values of those of a block.
    row_shape : tuple of int
        Shape of a row after that.
    mask : ndarray of bool, shape (len(counted),), optional
        Which rows of the source these are; None are all.
    """

    def __init__(
        self,
        counted: CountedRows,
        prepare: Callable[[np.ndarray], np.ndarray],
        row_shape: tuple[int, ...],
        mask: np.ndarray | None = None,
    ) -> None:
        self.counted, self.prepare, self.mask = counted, prepare, mask
        self.shape: tuple[int, ...] = (int(self.lengths.sum()), *row_shape)
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def lengths(self) -> np.ndarray:
        """How many of these rows each block of the source has."""
        if self.mask is None:
            return self.counted.lengths
        pairs = pairwise(self._edges.tolist())
        return np.array([np.count_nonzero(self.mask[a:b]) for a, b in pairs])

    @cached_property
    def _edges(self) -> np.ndarray:
        """First row of each block in the source, and the number of all rows."""
        return np.concatenate([[0], np.cumsum(self.counted.lengths)])

    @property
    def fits_into_memory(self) -> bool:
        """Whether they are few enough to be kept."""
        return prod(self.shape) <= MOST_KEPT_VALUES

    def reshape(self, n_rows: int, *row_shape: int) -> "StreamedRows":
        """Return the same rows in another shape, as of an array."""
        size = prod(self.shape[1:])
        if -1 in row_shape:
            known = -prod(row_shape)
            row_shape = tuple(size // known if n == -1 else n for n in row_shape)
        return StreamedRows(self.counted, self.prepare, row_shape, self.mask)

    def at(self, chosen: np.ndarray) -> "StreamedRows":
        """Choose some of these rows, by a mask or by sorted positions."""
        mask = chosen
        if chosen.dtype != bool:
            mask = np.zeros(len(self), bool)
            mask[chosen] = True
        if self.mask is not None:
            among, mask = mask, np.zeros(len(self.counted), bool)
            mask[self.mask] = among
        return StreamedRows(self.counted, self.prepare, self.shape[1:], mask)

    __getitem__ = at

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Values of some rows, in any order."""
        distinct, places = np.unique(positions, return_inverse=True)
        values: np.ndarray = self.at(distinct).read()[places]
        return values

    def read(self) -> np.ndarray:
        """Values of all these rows, in memory."""
        values = np.empty(self.shape, np.float32)
        first = 0
        for _, block in self.blocks():
            values[first : first + len(block)] = block
            first += len(block)
        return values

    def blocks(
        self, numbers: Sequence[int] | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Give the number of each block with such rows, and the values of these.

        Parameters
        ----------
        numbers : sequence of int, optional
            Blocks that are wanted, in the order of `CountedRows.values`.
        """
        wanted = range(len(self.lengths)) if numbers is None else numbers
        wanted = [int(number) for number in wanted if self.lengths[number]]
        for number, X in self.counted.values(wanted):
            try:
                values = self.prepare(X)
            except ValueError as error:
                raise self.counted.error_in(number, error) from error
            if self.mask is not None:
                first, stop = self._edges[number : number + 2]
                values = values[self.mask[first:stop]]
            yield number, values.reshape(len(values), *self.shape[1:])
