"""A source of rows that is read in blocks, and the blocks that it gives."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, ClassVar, NamedTuple

import numpy as np

from skloss.masked_rows import unmasked

__all__ = [
    "Block",
    "RowSource",
    "block_size",
    "check_count",
    "error_in",
    "plain_values",
]

# Values of a block, where a source can choose: short enough that many random blocks
# stand in a buffer, long enough that finding one on a disk costs little.
_BLOCK_VALUES = 2**16
# Values that are shuffled together: 64 MB of float32; and blocks at least.
_BUFFER_VALUES = 2**24
_BUFFER_BLOCKS = 16
_NO_ROWS = "There are no rows: the source gave no block with one."
_ROW = re.compile(r"(?<=first in row )\d+")


class Block(NamedTuple):
    """Some rows of a source, one after the other.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Values of the rows.
    y : ndarray of shape (n,) or None
        Labels; None of rows that are to be predicted.
    groups : ndarray of shape (n,) or None
        Group of each row.
    """

    X: Any
    y: Any = None
    groups: Any = None


class RowSource(ABC):
    """Rows that are read in blocks: the same ones in the same order, as often as asked.

    ``array_rows``, ``parquet_rows``, ``tf_data_rows`` and ``block_rows`` make one. One
    of your own has a method ``blocks``; and ``read``, if ``can_seek`` is True.

    Attributes
    ----------
    names : tuple of str or None
        Names of the columns.
    buffer_rows : int or None
        Rows that ``fit`` shuffles together; None are as many as take 64 MB.
    group_name : str or None
        Name of the column of the groups.
    has_groups, has_labels : bool
        Whether a block has groups, and labels.
    can_seek : bool
        Whether a block can be read without those before it.
    """

    can_seek: ClassVar[bool] = False

    names: tuple[str, ...] | None = None
    buffer_rows: int | None = None
    group_name: str | None = None
    has_groups: bool = False
    has_labels: bool = True

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """Give all rows, block by block."""

    def read(self, number: int) -> Any:
        """Values of one block of a source that can seek; the first one is 0."""
        raise NotImplementedError(
            f"{type(self).__name__} has can_seek=True, so it needs a method read."
        )

    def checked(self, block: Any) -> Block:
        """Refuse what ``blocks`` of a source of one's own gives in place of a block."""
        if not isinstance(block, Block):
            raise TypeError(
                f"blocks() of {type(self).__name__} gave a {type(block).__name__}: "
                "let it give skloss.streams.Block(X, y)."
            )
        return block

    def labels(self) -> np.ndarray:
        """Labels of all rows, in the order of the blocks; the blocks are read once.

        Returns
        -------
        ndarray of shape (n,)
            What a score compares predictions with.
        """
        if not self.has_labels:
            raise ValueError("The rows have no labels: name their target, or pass y.")
        found, first = [], 0
        for number, block in enumerate(map(self.checked, self.blocks())):
            if not len(block.X):
                continue
            if block.y is None or len(block.y) != len(block.X):
                place = self.place(number, first, len(block.X))
                raise ValueError(f"{place} there is not one label for each row.")
            found.append(np.asarray(block.y))
            first += len(block.X)
        if not found:
            raise ValueError(_NO_ROWS)
        return np.concatenate(found)

    def named(self, X: Any) -> Any:
        """Values of a block; a DataFrame if the columns have names."""
        if self.names is None:
            return X
        from pandas import DataFrame

        return DataFrame(X, columns=list(self.names))

    def mapped(self, function: Callable[[Any], np.ndarray]) -> np.ndarray:
        """Apply a function to the values of each block, and join what it gives."""
        found, first = [], 0
        for number, block in enumerate(map(self.checked, self.blocks())):
            if not len(block.X):
                continue
            try:
                found.append(function(self.named(block.X)))
            except ValueError as error:
                place = self.place(number, first, len(block.X))
                raise error_in(place, first, error) from error
            first += len(block.X)
        if not found:
            raise ValueError(_NO_ROWS)
        return np.concatenate(found)

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        """Say what takes a source, where an array is wanted."""
        raise TypeError(
            "A source of rows in blocks is no array: DenseClassifier, CNN1DClassifier, "
            "CNN2DClassifier, RecurrentClassifier and skloss.Pipeline take it, and a "
            "search does not."
        )

    def place(self, number: int, first: int, n_rows: int) -> str:
        """Say in an error where a block stands, of which the first row is given."""
        return f"In rows {first} to {first + n_rows - 1}"

    def shuffled_together(self, row_shape: tuple[int, ...]) -> int:
        """Rows that are shuffled together."""
        if self.buffer_rows is not None:
            return self.buffer_rows
        return max(1, _BUFFER_VALUES // max(1, prod(row_shape)))


def error_in(place: str, first: int, error: ValueError) -> ValueError:
    """Return an error about a block that counts rows from the start of the source."""
    told = _ROW.sub(lambda found: str(int(found[0]) + first), str(error))
    return ValueError(f"{place}: {told}")


def plain_values(X: Any) -> np.ndarray:
    """Values as an array, of numbers where a DataFrame has columns of several types."""
    values = np.asarray(unmasked(X))
    if values.dtype == object and hasattr(X, "iloc"):
        from pandas import DataFrame
        from pandas.api.types import is_numeric_dtype

        if all(is_numeric_dtype(kind) for kind in DataFrame(X).dtypes):
            values = X.to_numpy(np.float64, na_value=np.nan)
    return values


def block_size(row_shape: tuple[int, ...], buffer_rows: int | None) -> int:
    """Rows of a block, where a source can choose."""
    size = _BLOCK_VALUES // max(1, prod(row_shape))
    if buffer_rows is not None:
        size = min(size, buffer_rows // _BUFFER_BLOCKS)
    return max(1, size)


def check_count(name: str, value: int | None) -> int | None:
    """Refuse a number of rows that is no whole number of at least one."""
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if value is not None and (not is_whole or value < 1):
        raise ValueError(
            f"{name} must be a whole number of at least 1, or None. Got {value!r} "
            "instead."
        )
    return None if value is None else int(value)
