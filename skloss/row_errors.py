"""Errors about rows that are no numbers, told with the name of the column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["rows_explained"]

# What NumPy, pandas, polars, scikit-learn and TensorFlow say of a value that is none.
_NO_NUMBER = re.compile(
    r"could not convert|setting an array element|Unsupported object type|inhomogeneous"
)
_NAMED_TEXT = re.compile(r"could not convert string to float: (.+)$", re.MULTILINE)


@contextmanager
def rows_explained(X: Any, name: str = "X") -> Iterator[None]:
    """Raise a clearer error where rows are no numbers, or differ in length.

    Parameters
    ----------
    X : array-like or DataFrame
        Rows that are read in the block.
    name : str, default="X"
        Name of the argument, for the error.

    Examples
    --------
    >>> rows = np.array([["1", "Rome"], ["2", "Oslo"]])
    >>> with rows_explained(rows):
    ...     rows.astype(float)
    Traceback (most recent call last):
        ...
    ValueError: Column 1 of X holds values that are no numbers ('Rome', for instance):
    encode it, for instance with OneHotEncoder, or leave it out.
    """
    try:
        yield
    except ValueError as error:
        told = _column_error(str(error), X, name) or _length_error(str(error), X, name)
        if told is None:
            raise
        raise ValueError(told) from error


def _column_error(error: str, X: Any, name: str) -> str | None:
    """Name the column whose values are no numbers, if the error is about one."""
    if not _NO_NUMBER.search(error):
        return None
    text = _NAMED_TEXT.search(error)
    for column, values in _columns(X):
        if values.dtype.kind in "biuf":
            continue
        bad = next((v for v in values.tolist() if not _is_number(v)), None)
        if bad is None:
            continue
        if not isinstance(bad, str) and hasattr(bad, "__len__"):
            return (
                f"Column {column!r} of {name} holds a series in each row: pass the "
                "series as one array of shape (n, timesteps, channels)."
            )
        # Another step may have encoded this column: the error says which text it was.
        if text and not any(repr(v) in text[1] for v in dict.fromkeys(values.tolist())):
            continue
        return (
            f"Column {column!r} of {name} holds values that are no numbers ({bad!r}, "
            "for instance): encode it, for instance with OneHotEncoder, or leave it "
            "out."
        )
    return None


def _columns(X: Any) -> Iterator[tuple[Any, np.ndarray]]:
    """Names and values of the columns of a frame or of an array that is no number."""
    if hasattr(X, "columns") and hasattr(X, "shape"):
        for position, name in enumerate(X.columns):
            column = X.iloc[:, position] if hasattr(X, "iloc") else X[name]
            values = np.empty(len(column), object)
            plain = getattr(column, "dtype", None)
            is_plain = isinstance(plain, np.dtype) and plain.kind in "biuf"
            if not is_plain:
                values[:] = list(column)
            yield name, np.asarray(column) if is_plain else values
    elif isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "OUT":
        yield from enumerate(X.T)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return value is None  # a gap, which has an error of its own
    return not hasattr(value, "__len__") or isinstance(value, str)


def _length_error(error: str, X: Any, name: str) -> str | None:
    """Say that series differ in length, or are no array, if the error is about that."""
    is_flat = isinstance(X, np.ndarray) and X.dtype.kind == "O" and X.ndim == 1
    if "inhomogeneous" not in error and not (is_flat and any(map(_is_series, X))):
        return None
    lengths = sorted({max(np.shape(row)) for row in X if _is_series(row)})
    if len(lengths) == 1:
        return (
            f"{name} is an array of objects, with a series in each: make it one array "
            f"of numbers by np.stack({name})."
        )
    told = f" (from {lengths[0]} to {lengths[-1]})" if lengths else ""
    return f"The rows of {name} differ in length{told}: cut or pad them to one length."


def _is_series(row: Any) -> bool:
    return hasattr(row, "__len__") and not isinstance(row, str)
