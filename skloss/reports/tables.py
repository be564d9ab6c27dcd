"""Tables of a report as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.diagnosis.words import value_text

__all__ = ["MOST_CLASSES", "Cell", "Table", "cell", "metric_title"]

_TITLES = {
    "matthews_corrcoef": "MCC",
    "mcc": "MCC",
    "f1": "F1",
    "f1_macro": "F1 (macro)",
    "f1_weighted": "F1 (weighted)",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
}
MOST_CLASSES = 20  # a table shows so many classes at most
_MOST_TEXT = 120


@dataclass(frozen=True)
class Cell:
    """The text of a cell, and the number that the table is sorted by."""

    text: str
    number: float | None = None


@dataclass(frozen=True)
class Table:
    """A table with column headers; the first cell of each row is the row header.

    Parameters
    ----------
    title : str
        Caption of the table.
    columns : tuple of str
        Column headers.
    rows : tuple of tuple of Cell
        Cells of each row, one for each column.
    notes : tuple of str, default=()
        Sentences below the table.
    marked : tuple of int, default=()
        Rows to highlight, such as the winner or the best epoch.
    is_sortable : bool, default=False
        Whether a click on a header sorts the rows.
    is_folded : bool, default=False
        Whether the table is hidden until its title is clicked.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()
    is_sortable: bool = False
    is_folded: bool = False


def cell(value: Any, form: str | None = None) -> Cell:
    """Write a value as text; a number is also kept for sorting."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = (
            value_text(value) if isinstance(value, bool | list | tuple) else str(value)
        )
        return Cell(text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…")
    if value != value:
        return Cell("none")
    return Cell(format(value, form) if form else value_text(value), float(value))


def metric_title(name: str) -> str:
    """Title of a metric, from the name of its scorer.

    Examples
    --------
    >>> metric_title("matthews_corrcoef"), metric_title("jaccard_weighted")
    ('MCC', 'jaccard weighted')
    """
    return _TITLES.get(name, name.replace("_", " "))
