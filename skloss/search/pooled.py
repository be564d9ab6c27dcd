"""Predictions of the winner and the baselines on the test rows of all folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skloss.positive_class import positive_class
from skloss.reports.answer import NETWORK as WINNER
from skloss.reports.pooled_scores import Pooled
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import FoldResult, Search, SearchResult

__all__ = ["WINNER", "pooled_predictions"]


def pooled_predictions(
    result: SearchResult, search: Search, table: LabeledRows
) -> Pooled | None:
    """Put the predictions on the folds together.

    Parameters
    ----------
    result : SearchResult
        Results of the search.
    search : Search
        The search.
    table : LabeledRows
        Rows of the search.

    Returns
    -------
    Pooled or None
        None if no candidate is finished.
    """
    if not result.ranking:
        return None
    classes, truth, counts = np.unique(table.y, return_inverse=True, return_counts=True)
    everyone = {WINNER: result.of_candidate(result.ranking[0])} | result.baselines
    return Pooled(
        truth,
        {name: _joined(folds, search, len(truth)) for name, folds in everyone.items()},
        len(classes),
        positive_class(counts),
        table.groups,
    )


def _joined(folds: Sequence[FoldResult], search: Search, n_rows: int) -> np.ndarray:
    codes = np.zeros(n_rows, int)
    for done in folds:
        codes[search.splits[done.fold][1]] = done.predicted
    return codes
