"""A source after a first pass: classes, counts and groups, and a check of others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from skloss.holdout import check_no_gaps, class_codes
from skloss.streams.row_source import Block, RowSource, error_in

__all__ = ["CountedRows", "count_rows"]


@dataclass(frozen=True)
class CountedRows:
    """A source, and what one pass over it has found.

    A byte a row is kept (of more than 127 classes four), and of groups four more.

    Parameters
    ----------
    source : RowSource
        The rows.
    row_shape : tuple of int
        Shape of the values of a row.
    lengths : ndarray of int, shape (n_blocks,)
        Rows of each block.
    digests : ndarray of int, shape (n_blocks,)
        A checksum of the values of each block.
    classes : ndarray of shape (n_classes,)
        Labels, in order.
    codes : ndarray of int, shape (n,)
        Class number of each row.
    group_of : ndarray of int, shape (n,), or None
        Number of the group of each row, in the order of the groups' names.
    """

    source: RowSource
    row_shape: tuple[int, ...]
    lengths: np.ndarray
    digests: np.ndarray
    classes: np.ndarray
    codes: np.ndarray
    group_of: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def place(self, number: int) -> str:
        """Say in an error where a block stands."""
        return self.source.place(number, self._first(number), self.lengths[number])

    def error_in(self, number: int, error: ValueError) -> ValueError:
        """Return an error about a block with the place of the block."""
        return error_in(self.place(number), self._first(number), error)

    def _first(self, number: int) -> int:
        return int(self.lengths[:number].sum())

    def values(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Give some blocks: of each its number and its values, as in the first pass.

        Parameters
        ----------
        numbers : sequence of int
            In any order of a source that can seek, else in increasing order.

        Raises
        ------
        ValueError
            If the rows are not those of the first pass.
        """
        if self.source.can_seek:
            for number in numbers:
                yield number, self._checked(number, self.source.read(number))
            return
        wanted, left = {*numbers}, len(numbers)
        found = -1
        for found, block in enumerate(self.source.blocks()):
            if found == len(self.lengths):
                raise ValueError(_changed("there are more rows now", len(self)))
            if found in wanted:
                yield found, self._checked(found, np.asarray(block.X))
                left -= 1
            if not left and found + 1 < len(self.lengths):
                return
        if found + 1 < len(self.lengths):
            n_rows = int(self.lengths[: found + 1].sum())
            raise ValueError(_changed(f"there are at most {n_rows} now", len(self)))

    def _checked(self, number: int, X: np.ndarray) -> np.ndarray:
        is_same = len(X) == self.lengths[number] and X.shape[1:] == self.row_shape
        if is_same and _digest(X) == self.digests[number]:
            return X
        told = f"{self.place(number)} there are others now"
        raise ValueError(_changed(f"{told[0].lower()}{told[1:]}", len(self)))


def _changed(how: str, n_rows: int) -> str:
    return (
        f"The rows have changed since the first pass, which had {n_rows}: {how}. They "
        "must be the same ones in the same order at every pass, so leave any shuffling "
        "to fit, and change no file meanwhile."
    )


def _digest(X: np.ndarray) -> int:
    return crc32(np.ascontiguousarray(X).data)


def count_rows(
    source: RowSource, read_labels: Callable[[Any], np.ndarray]
) -> CountedRows:
    """Read all rows of a source once, and count them.

    Parameters
    ----------
    source : RowSource
        The rows.
    read_labels : callable
        Checks the labels of a block, and returns them as an array of shape (n,).

    Raises
    ------
    ValueError
        If there are no rows or no labels, or if blocks do not go together.
    """
    if not source.has_labels:
        raise ValueError("The rows have no labels: name their target, or pass y.")
    lengths: list[int] = []
    digests: list[int] = []
    labels, groups = _Numbered("y"), _Numbered("groups")
    row_shape: tuple[int, ...] | None = None
    for number, block in enumerate(map(source.checked, source.blocks())):
        X, place = np.asarray(block.X), source.place(number, sum(lengths), len(block.X))
        row_shape = X.shape[1:] if row_shape is None else row_shape
        _check_values(X, row_shape, place)
        first = sum(lengths)
        lengths.append(len(X))
        digests.append(_digest(X))
        labels.add(_labels(block, read_labels, place, first))
        if source.has_groups:
            groups.add(_groups(block, place, first))
    if row_shape is None or not sum(lengths):
        raise ValueError("There are no rows: the source gave no block with one in it.")
    classes, codes = labels.sorted()
    return CountedRows(
        source,
        row_shape,
        np.array(lengths),
        np.array(digests),
        classes,
        codes,
        groups.sorted()[1] if source.has_groups else None,
    )


def _check_values(X: np.ndarray, row_shape: tuple[int, ...], place: str) -> None:
    if X.shape[1:] != row_shape:
        raise ValueError(
            f"{place} X has the shape {X.shape}, but before it rows of shape "
            f"{row_shape}: give all blocks the same columns."
        )
    if 0 in row_shape:
        raise ValueError(
            f"{place} X has the shape {X.shape}, so that a row has no value."
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"{place} X has values of type {X.dtype}: give blocks of numbers; encode "
            "texts, and cut series to one length."
        )


def _check_length(name: str, given: Any, X: Any, place: str) -> None:
    """Refuse a block that has not one label, or not one group, for each row."""
    shape = np.shape(given)
    if not shape or shape[0] != len(X):
        told = f"{shape[0]}" if shape else "no"
        raise ValueError(
            f"{place} {name} has {told} entries for {len(X)} rows: give one per row."
        )


def _labels(
    block: Block, read_labels: Callable[[Any], np.ndarray], place: str, first: int
) -> np.ndarray:
    if block.y is None:
        raise ValueError(f"{place} there are no labels: give pairs (X, y).")
    _check_length("y", block.y, block.X, place)
    try:
        return read_labels(block.y)
    except ValueError as error:
        raise error_in(place, first, error) from error


def _groups(block: Block, place: str, first: int) -> np.ndarray:
    _check_length("groups", block.groups, block.X, place)
    try:
        check_no_gaps("groups", block.groups)
    except ValueError as error:
        raise error_in(place, first, error) from error
    return np.asarray(block.groups)


class _Numbered:
    """Names of classes or groups as they come, and a number for each row."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._number_of: dict[Any, int] = {}
        self._names: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []

    def add(self, names: np.ndarray) -> None:
        """Give numbers to the names of a block."""
        distinct, codes = class_codes(names)
        if self._names and _is_text(distinct) != _is_text(self._names[0]):
            raise ValueError(
                f"{self._what} has texts in some blocks and numbers in others: convert "
                "all of them to one type."
            )
        known = self._number_of
        n_known = len(known)
        numbers = [known.setdefault(name, len(known)) for name in distinct.tolist()]
        if len(known) > n_known or not self._names:
            self._names.append(distinct)
        kind = np.int8 if len(known) <= np.iinfo(np.int8).max else np.int32
        self._numbers.append(np.array(numbers, kind)[codes])

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """Names in order, and the place of the name of each row among them."""
        names = np.unique(np.concatenate(self._names))
        if {*names.tolist()} != {*self._number_of}:
            kinds = sorted({str(some.dtype) for some in self._names})
            raise ValueError(
                f"{self._what} has the types {' and '.join(kinds)} in its blocks, and "
                "some values change when these are put together: convert all of them "
                "to one type."
            )
        numbers = np.concatenate(self._numbers)
        self._numbers.clear()
        places = np.empty(len(names), numbers.dtype)
        for place, name in enumerate(names.tolist()):
            places[self._number_of[name]] = place
        return names, np.take(places, numbers)


def _is_text(names: np.ndarray) -> bool:
    return names.dtype.kind in "OUS"
