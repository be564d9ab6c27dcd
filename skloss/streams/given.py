"""Tell a source of rows from other rows, and name the way in of what is nearly one."""

from collections.abc import Iterator
from typing import Any

from skloss.streams.row_source import RowSource

__all__ = ["given_rows"]


def given_rows(X: Any) -> RowSource | None:
    """Return rows that are read in blocks; None if they are an array or a table.

    Parameters
    ----------
    X : object
        What was given as ``X``.

    Raises
    ------
    TypeError
        If rows can be read in blocks once they come another way.

    Examples
    --------
    >>> given_rows([[1.0], [2.0]]) is None
    True
    >>> given_rows(iter([]))
    Traceback (most recent call last):
        ...
    TypeError: fit reads the rows several times, and a list_iterator gives them once:
    pass skloss.streams.block_rows(f), where each call of f() returns a new iterator of
    (X, y) blocks, or train on it by partial_fit, a step of one epoch for each block.
    """
    if isinstance(X, RowSource):
        return X
    if isinstance(X, Iterator):
        raise TypeError(
            f"fit reads the rows several times, and a {type(X).__name__} gives them "
            "once: pass skloss.streams.block_rows(f), where each call of f() returns a "
            "new iterator of (X, y) blocks, or train on it by partial_fit, a step of "
            "one epoch for each block."
        )
    for attribute, call in _WAYS_IN.items():
        if hasattr(type(X), attribute):
            raise TypeError(
                f"X is a {type(X).__name__}: pass skloss.streams.{call}, and no y."
            )
    return None


_WAYS_IN = {
    "as_numpy_iterator": "tf_data_rows(X)",
    "get_fragments": "parquet_rows(X, target=...)",
}
