"""Rows of arrays, above all of those that are mapped from a file."""

import mmap
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse

from skloss.streams.row_source import (
    Block,
    RowSource,
    block_size,
    check_count,
    plain_values,
)

__all__ = ["array_rows"]


def array_rows(
    X: Any, y: Any = None, *, groups: Any = None, buffer_rows: int | None = None
) -> RowSource:
    """Rows of an array that is mapped from a file, as by ``np.load(mmap_mode="r")``.

    Any array will do that has a shape and can be sliced, such as one of HDF5 or Zarr. A
    block is copied when it is read, and its pages in the file are given back.

    Parameters
    ----------
    X : array of shape (n, ...)
        Values of the rows.
    y : array of shape (n,), optional
        Labels; not needed to predict.
    groups : array of shape (n,), optional
        Rows of one group are never on both sides of the hold-out.
    buffer_rows : int, optional
        Rows that ``fit`` shuffles together; None are as many as take 64 MB.

    Returns
    -------
    RowSource

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skloss import DenseClassifier, streams
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/X.npy", X)
    ...     mapped = np.load(f"{folder}/X.npy", mmap_mode="r")
    ...     rows = streams.array_rows(mapped, y)
    ...     classifier = DenseClassifier(epochs=2, random_state=0).fit(rows)
    >>> classifier.record_.data["class_counts"]["original"]
    [4275, 225]
    """
    return _ArrayRows(X, y, groups, check_count("buffer_rows", buffer_rows))


class _ArrayRows(RowSource):
    can_seek: ClassVar[bool] = True

    def __init__(self, X: Any, y: Any, groups: Any, buffer_rows: int | None) -> None:
        self._arrays = {"X": _sliceable(X)}
        if y is not None:
            self._arrays["y"] = _sliceable(y)
        if groups is not None:
            self._arrays["groups"] = _sliceable(groups)
            self.group_name = _name_of(groups)
        self.buffer_rows, self.has_groups = buffer_rows, groups is not None
        self.has_labels = y is not None
        X = self._arrays["X"]
        if len(X.shape) < 2:
            raise ValueError(
                f"X has shape {tuple(X.shape)}: pass an array of shape (n, columns), "
                "or for series (n, timesteps, channels)."
            )
        self._n_rows = int(X.shape[0])
        for name, array in self._arrays.items():
            n_entries = array.shape[0] if array.shape else "no"
            if n_entries != self._n_rows:
                raise ValueError(
                    f"{name} has {n_entries} entries, but X has {self._n_rows} "
                    "rows: pass one per row."
                )
        self._size = block_size(X.shape[1:], buffer_rows)

    def blocks(self) -> Iterator[Block]:
        for number in range(-(-self._n_rows // self._size)):
            parts = {name: self._part(name, number) for name in self._arrays}
            yield Block(**parts)

    def read(self, number: int) -> np.ndarray:
        return self._part("X", number)

    def _part(self, name: str, number: int) -> np.ndarray:
        array, first = self._arrays[name], number * self._size
        _check_whole(name, array)
        part = np.array(array[first : first + self._size])
        _give_back(array)
        return part


def _sliceable(array: Any) -> Any:
    """Return what has a shape and slices of rows as it is, and make one of the rest."""
    if issparse(array):
        raise TypeError(
            "array_rows takes no sparse matrix, which is in memory as a whole: pass it "
            "to fit itself."
        )
    is_frame = hasattr(array, "iloc") or hasattr(array, "to_numpy")
    is_masked = np.ma.is_masked(array)
    if (
        is_frame
        or is_masked
        or not (hasattr(array, "shape") and hasattr(array, "__getitem__"))
    ):
        return plain_values(array)
    return array


def _name_of(groups: Any) -> str | None:
    name = getattr(groups, "name", None)
    return name if isinstance(name, str) else None


def _check_whole(name: str, array: Any) -> None:
    """Refuse a mapped file that was cut; to read beyond its end ends the process."""
    mapped = getattr(array, "_mmap", None) if isinstance(array, np.memmap) else None
    if mapped is not None and mapped.size() < len(mapped):
        raise ValueError(
            f"The file of {name} has become shorter since it was mapped: change no "
            "file while it is read."
        )


def _give_back(array: Any) -> None:
    """Let the pages of a mapped file go, which count as memory of the process.

    The system keeps them as long as it has room. Pages that were changed without
    writing them to the file (mode "c") would be lost, and stay.
    """
    if not isinstance(array, np.memmap) or array.mode == "c":
        return
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
