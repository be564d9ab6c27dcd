"""Tell a source of rows from other rows, and name the way in of what is nearly one."""

from collections.abc import Iterator
from typing import Any

from skloss.streams.row_source import RowSource

__all__ = ["refuse_beside", "source_of"]


def source_of(X: Any, name: str = "X") -> RowSource | None:
    """Return rows that are read in blocks; None if they are an array or a table.

    Parameters
    ----------
    X : object
        What was given as rows.
    name : str
        The argument that it was given as.

    Raises
    ------
    TypeError
        If rows can be read in blocks once they come another way.

    Examples
    --------
    >>> source_of([[1.0], [2.0]]) is None
    True
    >>> source_of(iter([]))
    Traceback (most recent call last):
        ...
    TypeError: X is a list_iterator, which gives its rows once: pass
    skloss.streams.block_rows(f), where each call of f() returns a new iterator of
    blocks. To train one epoch on each block, call partial_fit.
    """
    if isinstance(X, RowSource):
        return X
    if isinstance(X, Iterator):
        raise TypeError(
            f"{name} is a {type(X).__name__}, which gives its rows once: pass "
            "skloss.streams.block_rows(f), where each call of f() returns a new "
            "iterator of blocks. To train one epoch on each block, call partial_fit."
        )
    for attribute, call in _WAYS_IN.items():
        if hasattr(type(X), attribute):
            raise TypeError(
                f"{name} is a {type(X).__name__}: pass "
                f"skloss.streams.{call.format(name)}, and no labels beside it."
            )
    return None


def refuse_beside(name: str, **given: Any) -> None:
    """Refuse what a source, given as the argument of this name, brings along itself."""
    for other, value in given.items():
        if value is not None:
            advice = {
                "groups": "name them where the source is made",
                "y": "leave it out",
                "y_val": "leave it out",
            }.get(other, "set class_weight, since rows in blocks have no weights")
            raise ValueError(
                f"{name} is a source of rows in blocks, and {other} was given beside "
                f"it: {advice}."
            )


_WAYS_IN = {
    "as_numpy_iterator": "tf_data_rows({})",
    "get_fragments": "parquet_rows({}, target=...)",
}
