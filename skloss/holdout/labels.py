"""Check labels, and number them by class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skloss.holdout.many_rows import count_codes
from skloss.masked_rows import unmasked

__all__ = ["check_kept", "check_no_gaps", "class_codes"]

_MANY_CLASSES = 16
_CLOSE = 2**12


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
    values = np.asarray(unmasked(labels, None))
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


def check_kept(name: str, labels: ArrayLike) -> None:
    """Refuse labels of a type that no record can keep, before anything is trained.

    Texts, booleans, integers and floats are kept. Bytes and complex numbers are left
    to scikit-learn, which has a sentence of its own.

    Parameters
    ----------
    name : str
        Name of the argument, for the error.
    labels : array-like of shape (n,)
        Labels of any kind.

    Raises
    ------
    ValueError
        If they are of any other type.

    Examples
    --------
    >>> check_kept("y", np.array(["2026-01-01", "2026-01-02"], "datetime64[D]"))
    Traceback (most recent call last):
        ...
    ValueError: Unknown label type: y holds labels of type datetime64[D], but labels are
    texts, booleans, whole numbers up to 64 bits or floats: convert them, for instance
    by [str(label) for label in y].
    """
    values = np.asarray(labels)
    kind, told = values.dtype.kind, str(values.dtype)
    if kind in "bUSc" or values.size == 0 or values.ndim == 0:
        return
    if kind in "iu" and values.max() <= np.iinfo(np.int64).max:
        return
    if kind == "f" and values.dtype.itemsize <= np.dtype(float).itemsize:
        return
    if kind == "O":
        types = {type(value) for value in values.ravel()}
        if all(issubclass(one, str | bytes) for one in types) or _is_nullable(labels):
            return
        told = ", ".join(sorted(one.__name__ for one in types))
        if all(issubclass(one, bool | int | float | np.number) for one in types):
            raise ValueError(
                f"Unknown label type: {name} is an array of objects of type {told}: "
                f"make it an array of numbers, for instance by {name}.astype(float)."
            )
    raise ValueError(
        f"Unknown label type: {name} holds labels of type {told}, but labels are "
        "texts, booleans, whole numbers up to 64 bits or floats: convert them, for "
        "instance by "
        f"[str(label) for label in {name}]."
    )


def _is_nullable(labels: ArrayLike) -> bool:
    """Whether they are numbers or booleans of pandas that can be missing."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    kind = getattr(labels, "dtype", None)
    if kind is None or isinstance(kind, np.dtype):
        return False
    return bool(is_numeric_dtype(kind) or is_bool_dtype(kind))


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
    counts = count_codes(y, high - low + 1, low)
    return (np.flatnonzero(counts) + low).astype(y.dtype)
