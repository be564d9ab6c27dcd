"""The report of ``skloss search``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, make_scorer, matthews_corrcoef
from sklearn.model_selection import GridSearchCV

from skloss.reports.build_context import build_context
from skloss.reports.report_page import Report, page_of
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import Search, SearchResult, f1_options
from skloss.search.pooled import pooled_predictions

__all__ = ["as_grid_search", "write_page"]

_NAMES = {"mcc": "matthews_corrcoef", "f1": "f1", "accuracy": "accuracy"}


def write_page(
    result: SearchResult, search: Search, table: LabeledRows, path: Path, command: str
) -> Report:
    """Write the report of a finished search.

    Parameters
    ----------
    result : SearchResult
        Results of the search, with an estimator.
    search : Search
        The search.
    table : LabeledRows
        Rows of the search.
    path : Path
        File to write. An existing file is replaced.
    command : str
        Command line of the search.

    Returns
    -------
    Report
        The page.
    """
    grid = as_grid_search(result, search, table.y)
    context = replace(
        build_context(grid, table.X, table.y, groups=table.groups),
        pooled=pooled_predictions(result, search, table),
    )
    page = page_of(context, command)
    page.save(path)
    return page


def as_grid_search(result: SearchResult, search: Search, y: np.ndarray) -> GridSearchCV:
    """Convert the results to a fitted search of scikit-learn.

    Parameters
    ----------
    result : SearchResult
        Results of the search, with an estimator.
    search : Search
        The search.
    y : array-like of shape (n,)
        Labels.

    Returns
    -------
    GridSearchCV
        Search with the fitted attributes of the same grid and folds. Candidates that
        failed have NaN as scores.
    """
    grid = GridSearchCV(
        search.pipeline,
        [{name: [value] for name, value in one.items()} for one in result.candidates],
        scoring=list(_NAMES.values()),
        refit=_NAMES["mcc"],
        cv=search.splits,
    )
    best = result.ranking[0]
    grid.cv_results_ = _cv_results(result)
    grid.best_index_ = best
    grid.best_params_ = result.candidates[best]
    grid.best_score_ = grid.cv_results_["mean_test_matthews_corrcoef"][best]
    grid.best_estimator_ = result.estimator
    grid.scorer_ = _scorers(y)
    grid.n_splits_ = result.n_folds
    grid.multimetric_ = True
    return grid


def _cv_results(result: SearchResult) -> dict[str, Any]:
    names = dict.fromkeys(name for one in result.candidates for name in one)
    results: dict[str, Any] = {"params": result.candidates}
    for name in names:
        column = np.ma.masked_all(len(result.candidates), dtype=object)
        for number, one in enumerate(result.candidates):
            if name in one:
                column[number] = one[name]
        results[f"param_{name}"] = column
    for own, name in {**_NAMES, "seconds": "fit_time"}.items():
        scores = np.array(
            [
                result.values(c, own)
                if result.is_finished(c)
                else np.full(result.n_folds, np.nan)
                for c in range(len(result.candidates))
            ]
        )
        middle = "" if own == "seconds" else "test_"
        results[f"mean_{middle}{name}"] = scores.mean(axis=1)
        results[f"std_{middle}{name}"] = scores.std(axis=1)
        if own != "seconds":
            for fold in range(result.n_folds):
                results[f"split{fold}_test_{name}"] = scores[:, fold]
    return results


def _scorers(y: np.ndarray) -> dict[str, Any]:
    return {
        "matthews_corrcoef": make_scorer(matthews_corrcoef),
        "f1": make_scorer(f1_score, **f1_options(y)),
        "accuracy": make_scorer(accuracy_score),
    }
