"""The candidates of a search as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skloss.diagnosis.words import tally
from skloss.reports.context import NotKnown
from skloss.reports.tables import Cell, Table, cell, metric_title

__all__ = ["candidates"]

_MOST_CANDIDATES = 1_000
_MOST_CELLS = 8_000


def candidates(
    results: Mapping[str, Any], refit_metric: str | None, best: int | None = None
) -> Table:
    """Tabulate the candidates of a search, the best first.

    Parameters
    ----------
    results : mapping
        ``cv_results_`` of a search.
    refit_metric : str or None
        Metric that the winner was selected by. None takes the first metric.
    best : int, default=None
        Position of the winner, if the search may have selected it by another rule.

    Raises
    ------
    NotKnown
        If there are no scores.
    """
    metrics = [
        name.removeprefix("mean_test_") for name in results if "mean_test_" in name
    ]
    if not metrics:
        raise NotKnown("The search has no scores.")
    chosen = refit_metric if refit_metric in metrics else metrics[0]
    means = np.asarray(results[f"mean_test_{chosen}"], float)
    order = np.argsort(-np.where(np.isfinite(means), means, -np.inf), kind="stable")
    params = results.get("params", [{}] * len(means))
    names = list(dict.fromkeys(name for one in params for name in one))
    splits = [
        split for split in ("test", "train") if f"mean_{split}_{chosen}" in results
    ]
    columns = ["rank", *_short(names)]
    columns += [
        f"{metric_title(metric)} ({split})" for split in splits for metric in metrics
    ]
    most = min(_MOST_CANDIDATES, _MOST_CELLS // (len(columns) + 1))
    rows = []
    for rank, number in enumerate(order[:most].tolist(), start=1):
        cells = [cell(rank), *(cell(params[number].get(n, "")) for n in names)]
        for split in splits:
            cells += [_spread(results, split, metric, number) for metric in metrics]
        if "mean_fit_time" in results:
            cells.append(cell(float(results["mean_fit_time"][number]), ".2f"))
        rows.append(tuple(cells))
    if "mean_fit_time" in results:
        columns.append("fit time (s)")
    notes = ["Scores are the mean ± the standard deviation over the folds."]
    if "train" not in splits:
        notes.append(
            "There are no scores on training rows. Search with return_train_score=True "
            "to see which candidates overfit."
        )
    if len(order) > most:
        notes.append(f"The table shows the best {most:,} of {len(order):,} candidates.")
    place = 0 if best is None else order.tolist().index(best)
    if place:
        notes.append(
            f"The search selected the candidate of rank {place + 1} by its own rule."
        )
    n_failed = int((~np.isfinite(means)).sum())
    if n_failed:
        notes.append(f"{tally(n_failed, 'candidate')} failed on at least one fold.")
    return Table(
        f"Candidates ranked by {metric_title(chosen)}",
        tuple(columns),
        tuple(rows),
        tuple(notes),
        (place,),
        is_sortable=True,
    )


def _spread(results: Mapping[str, Any], split: str, metric: str, number: int) -> Cell:
    mean = float(results[f"mean_{split}_{metric}"][number])
    if not np.isfinite(mean):
        return Cell("failed")
    sd = float(results[f"std_{split}_{metric}"][number])
    return Cell(f"{mean:.3f} ±\N{NO-BREAK SPACE}{sd:.3f}", mean)


def _short(names: Sequence[str]) -> list[str]:
    """Names without their steps, unless two would become the same."""
    short = [name.rpartition("__")[2] for name in names]
    return [
        name if short.count(part) > 1 else part
        for name, part in zip(names, short, strict=True)
    ]
