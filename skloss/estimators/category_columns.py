"""Columns of categories: which ones of a table they are, and their codes.

A code is the place of a value among the categories, -1 for any other value, and NaN
for none. pandas and polars are not imported; a frame brings its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "categories_of",
    "category_positions",
    "codes_of",
    "is_frame",
    "values_of_codes",
    "with_columns",
    "with_further",
]

_OF_CATEGORIES = ("category", "Categorical", "Enum", "dictionary<")
_OF_TEXTS = ("str", "String", "Utf8", "large_string", "object", "Object")


class _Unknown:
    """What stands for a value that is none of the categories."""

    def __repr__(self) -> str:
        return "<unknown>"


_UNKNOWN = _Unknown()


def is_frame(X: Any) -> bool:
    """Whether X is a DataFrame of pandas or polars."""
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def category_positions(owner: str, given: Any, X: Any) -> list[int]:
    """Positions of the columns of categories.

    Parameters
    ----------
    owner : str
        Name of the classifier, for errors.
    given : None, "from_dtype" or array-like of bool, int or str
        As the user says it.
    X : array-like or DataFrame
        Rows.
    """
    if given is None:
        return []
    if isinstance(given, str):
        return _by_dtype(X) if is_frame(X) else []
    names = [*X.columns] if is_frame(X) else None
    n_columns = np.shape(X)[1] if names is None else len(names)
    entries = np.asarray(given, dtype=object).ravel().tolist()
    if entries and all(isinstance(one, bool | np.bool_) for one in entries):
        if len(entries) != n_columns:
            raise ValueError(
                f"The 'categorical_features' parameter of {owner} is a mask of "
                f"{len(entries)} entries, but X has {n_columns} columns: give one "
                "entry per column."
            )
        return np.flatnonzero(entries).tolist()
    return sorted({_position(owner, one, names, n_columns) for one in entries})


def _position(owner: str, entry: Any, names: list[Any] | None, n_columns: int) -> int:
    about = f"The 'categorical_features' parameter of {owner} has {entry!r}, but "
    if isinstance(entry, str):
        if names is None:
            raise ValueError(
                f"{about}X has no names of columns: give positions, or pass a "
                "DataFrame."
            )
        if entry not in names:
            raise ValueError(f"{about}X has no such column: it has {names}.")
        return names.index(entry)
    is_whole = isinstance(entry, int | np.integer) and not isinstance(entry, bool)
    if not is_whole or not -n_columns <= entry < n_columns:
        raise ValueError(
            f"{about}X has {n_columns} columns: give positions from 0 to "
            f"{n_columns - 1}, names, or a mask."
        )
    return int(entry) % n_columns


def _by_dtype(X: Any) -> list[int]:
    """Columns of a categorical type, and those of texts that are no numbers."""
    found = []
    for position, dtype in enumerate(map(str, X.dtypes)):
        if dtype.startswith(_OF_CATEGORIES):
            found.append(position)
        elif dtype.startswith(_OF_TEXTS):
            texts = {v for v in _values(X, position) if not _is_missing(v)}
            if texts and not any(map(_reads_as_number, texts)):
                found.append(position)
    return found


def _reads_as_number(value: Any) -> bool:
    """Whether a value is no text, or one that arrays of numbers take."""
    if not isinstance(value, str):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def categories_of(X: Any, position: int) -> np.ndarray:
    """Sorted categories of a column: those of its type, or the values that it has."""
    declared = _declared(X, position)
    values = _values(X, position) if declared is None else declared
    found = {value for value in values if not _is_missing(value)}
    return _as_objects(_in_order(found))


def with_further(categories: np.ndarray, X: Any, position: int) -> np.ndarray:
    """Return categories with those that only these rows have behind them."""
    known = set(categories.tolist())
    return _as_objects(
        [*categories.tolist(), *_in_order({*categories_of(X, position)} - known)]
    )


def codes_of(categories: np.ndarray, X: Any, position: int) -> np.ndarray:
    """Codes of a column."""
    code_of = {value: code for code, value in enumerate(categories.tolist())}
    values = _values(X, position)
    codes = [np.nan if _is_missing(v) else code_of.get(v, -1) for v in values]
    return np.asarray(codes, np.float64)


def values_of_codes(categories: np.ndarray, codes: Iterable[float]) -> np.ndarray:
    """Values that codes stand for."""
    known = categories.tolist()
    return _as_objects(
        [
            None if code != code else known[int(code)] if code >= 0 else _UNKNOWN
            for code in codes
        ]
    )


def with_columns(X: Any, columns: dict[int, np.ndarray]) -> Any:
    """Return rows with other columns at these positions; X stays as it is."""
    if hasattr(X, "isetitem"):
        X = X.copy(deep=False)
        for position, values in columns.items():
            X.isetitem(position, values)
        return X
    if is_frame(X):
        X = X.clone()
        for position, values in columns.items():
            column = X.to_series(position)
            X.replace_column(position, type(column)(column.name, values))
        return X
    X = _as_array(X).copy()
    for position, values in columns.items():
        X[:, position] = values
    return X


def _values(X: Any, position: int) -> list[Any]:
    """Values of a column as objects of Python."""
    if hasattr(X, "iloc"):
        return np.asarray(X.iloc[:, position].astype(object), object).tolist()
    if is_frame(X):
        return list(X.to_series(position).to_list())
    return list(_as_array(X)[:, position].tolist())


def _as_array(X: Any) -> np.ndarray:
    """Rows as numbers or, if they are not all of one type, as objects."""
    if isinstance(X, np.ndarray) and X.dtype.kind in "fO":
        return X
    return np.asarray(X, dtype=object)


def _declared(X: Any, position: int) -> list[Any] | None:
    """Categories of the type of a column, if it names them."""
    if not is_frame(X):
        return None
    dtype = [*X.dtypes][position]
    declared: Any = getattr(dtype, "categories", None)
    is_named = str(dtype).startswith(("category", "Enum"))
    return declared.to_list() if is_named and hasattr(declared, "to_list") else None


def _is_missing(value: Any) -> bool:
    # One NaN is not equal to itself, and pandas' NA gives no answer.
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def _in_order(values: Iterable[Any]) -> list[Any]:
    values = list(values)
    try:
        return sorted(values)
    except TypeError:  # of several types
        return sorted(values, key=lambda value: (type(value).__name__, str(value)))


def _as_objects(values: Sequence[Any]) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = values
    return found
