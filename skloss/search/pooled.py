"""Predictions of the winner and the baselines on the test rows of all folds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from skloss.positive_class import positive_class
from skloss.reports.answer import NETWORK as WINNER
from skloss.reports.pooled_scores import Pooled
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import Search, SearchResult

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
    n_rows = len(truth)
    return Pooled(
        truth,
        {
            name: _joined([(d.fold, d.predicted) for d in folds], search, n_rows)
            for name, folds in everyone.items()
        },
        len(classes),
        positive_class(counts),
        table.groups,
        {
            name: _joined([(d.fold, d.probability) for d in folds], search, n_rows)
            for name, folds in everyone.items()
            # The file of an older search has no probabilities.
            if all(d.probability is not None for d in folds)
        },
        table.group_name,
    )


def _joined(
    parts: Iterable[tuple[int, np.ndarray | None]], search: Search, n_rows: int
) -> np.ndarray:
    """Put what was predicted on the test rows of each fold in the order of the rows."""
    known = [(fold, np.asarray(part)) for fold, part in parts]
    joined = np.zeros(n_rows, known[0][1].dtype)
    for fold, part in known:
        joined[search.splits[fold][1]] = part
    return joined
