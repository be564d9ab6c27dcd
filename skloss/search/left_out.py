"""Find columns that tell nothing about new rows: counters, copies of the target."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from skloss.search.columns import kind_of
from skloss.search.file_words import listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_left_out", "find_suspects"]

_FEWEST_ROWS = 10
_UNNAMED = re.compile(r"(Unnamed: \d+|index|level_0|__index_level_0__|)", re.IGNORECASE)
_ID = re.compile(
    r"(.*[ _.-])?(id|uid|uuid|guid|index|idx|row|rowid|row_?n(r|o|um|umber)|nr|no)"
    r"|.*[a-z]I[dD]"
)
_ID_IN_CAPITALS = re.compile(r"(.*[ _.-])?(ID|UID|UUID|GUID|Id|Index|Nr|No|Row)")
_MOST_CATEGORIES = 20
_MANY_TEXTS = 0.5  # share of the rows that have a text of their own
_MARKS = tuple(sign * (10.0**n - 1) for n in (2, 3, 4, 5, 6) for sign in (-1, 1))


def find_left_out(frame: pd.DataFrame, y: np.ndarray) -> dict[str, str]:
    """Find the columns that a search must not see.

    Parameters
    ----------
    frame : DataFrame
        Converted columns.
    y : ndarray of shape (n,)
        Labels.

    Returns
    -------
    dict of str to str
        The reason, a clause, under the name of the column.
    """
    found = {}
    for name in frame.columns:
        values = frame[name]
        reason = (
            "it is empty"
            if bool(values.isna().all())
            else _as_index(str(name), values) or _as_copy(values, y)
        )
        if reason:
            found[str(name)] = reason
    return found


def _as_index(name: str, values: pd.Series) -> str | None:
    kind = kind_of(values)
    n_rows = len(values)
    if n_rows < _FEWEST_ROWS or kind == "date" or values.isna().any():
        return None
    n_different = int(values.nunique())
    if kind == "text":
        if n_different == n_rows:
            return "it has another text in every row"
        if n_different > max(_MOST_CATEGORIES, _MANY_TEXTS * n_rows):
            return f"it has {n_different:,} different texts in {n_rows:,} rows"
        return None
    numbers = values.to_numpy(dtype=np.float64)
    if n_different != n_rows or not bool(np.all(numbers == np.round(numbers))):
        return None
    steps = np.diff(numbers)
    if bool(np.all(steps == steps[0])):
        return "it counts the rows"
    if numbers.max() - numbers.min() == n_rows - 1:
        return "it has each number once, like an index"
    if (
        _UNNAMED.fullmatch(name)
        or _ID.fullmatch(name)
        or _ID_IN_CAPITALS.fullmatch(name)
    ):
        return "it has another number in every row, like an index"
    return None


def _as_copy(values: pd.Series, y: np.ndarray) -> str | None:
    """Compare a column of few values with the target."""
    import pandas as pd

    if len(values) < _FEWEST_ROWS or values.isna().any():
        return None
    codes, found = pd.factorize(values)
    label_codes, labels = pd.factorize(y)
    if len(found) != len(labels):
        return None
    pairs = len(np.unique(codes * len(labels) + label_codes))
    return "it is the target under another name" if pairs == len(labels) else None


def find_suspects(
    frame: pd.DataFrame, y: np.ndarray, series: bool = False
) -> list[str]:
    """Name columns that a person should look at; the search uses them.

    Parameters
    ----------
    frame : DataFrame
        Columns that are used.
    y : ndarray of shape (n,)
        Labels.
    series : bool, default=False
        Whether the columns are a time series, of which one value may tell all.

    Returns
    -------
    list of str
        One sentence per suspicion.
    """
    telling, notes = [], []
    for name in frame.columns:
        if mark := _missing_mark(frame[name]):
            notes.append(f"Column {name!r}: {mark}")
        if not series and _tells_all(frame[name], y):
            telling.append(name)
    if telling:
        is_one = len(telling) == 1
        notes.append(
            f"Column{'' if is_one else 's'} {listed(telling)} alone "
            f"{'tells' if is_one else 'tell'} every class. If the values are known "
            "only together with the target, leave them out with --drop."
        )
    return notes


def _missing_mark(values: pd.Series) -> str | None:
    """Say that a number such as -999 lies far away from all others."""
    if kind_of(values) != "number":
        return None
    numbers = values.to_numpy(dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    for mark in _MARKS:
        is_mark = numbers == mark
        others = numbers[~is_mark]
        if not is_mark.any() or len(others) < _FEWEST_ROWS:
            continue
        low, high = float(others.min()), float(others.max())
        gap = low - mark if mark < 0 else mark - high
        # Of numbers that are never negative, -999 is none of them, however large.
        if gap > high - low or (mark < 0 <= low):
            n_rows = int(is_mark.sum())
            have = "row has" if n_rows == 1 else "rows have"
            return (
                f"{n_rows:,} {have} {mark:.0f}, far "
                f"from all others ({low:g} to {high:g}). If it stands for a missing "
                f"value, add --missing={mark:.0f}."
            )
    return None


def _tells_all(values: pd.Series, y: np.ndarray) -> bool:
    """Whether one column separates the classes, by thresholds or by its categories."""
    import pandas as pd

    if len(values) < _FEWEST_ROWS or values.isna().any():
        return False
    label_codes, labels = pd.factorize(y)
    codes, found = pd.factorize(values, sort=True)
    if len(found) < 2:
        return False
    if kind_of(values) == "number":
        # In the order of the values, each class is one run, and no value has two.
        order = np.argsort(codes, kind="stable")
        runs = 1 + int((np.diff(label_codes[order]) != 0).sum())
        pairs = len(np.unique(codes * len(labels) + label_codes))
        return runs == len(labels) and pairs == len(found)
    if len(found) > min(_MOST_CATEGORIES, len(values) / 5):
        return False
    return len(np.unique(codes * len(labels) + label_codes)) == len(found)
