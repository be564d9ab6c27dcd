"""Tables as plain data, whatever they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.diagnosis.text import value_text

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
MOST_CLASSES = 20  # that a table has a row for
_MOST_TEXT = 120


@dataclass(frozen=True)
class Cell:
    """A text, and the number that it is sorted by."""

    text: str
    number: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows under headers; the first cell of a row is its header.

    Parameters
    ----------
    title : str
        What a screen reader announces.
    columns : tuple of str
        Headers.
    rows : tuple of tuple of Cell
        As many cells as columns.
    notes : tuple of str, default=()
        What is left out, and why.
    marked : tuple of int, default=()
        Rows to mark: the winner, the best epoch.
    is_sortable : bool, default=False
        Whether a click on a header sorts.
    is_folded : bool, default=False
        Whether a click on its title shows it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()
    is_sortable: bool = False
    is_folded: bool = False


def cell(value: Any, form: str | None = None) -> Cell:
    """Write a value as text; numbers keep what they are sorted by."""
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
    """Name of a scorer in words.

    Examples
    --------
    >>> metric_title("matthews_corrcoef"), metric_title("jaccard_weighted")
    ('MCC', 'jaccard weighted')
    """
    return _TITLES.get(name, name.replace("_", " "))
