"""Errors on rows held out: confusion matrices at two thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skloss.metrics import ConfusionCounts, confusion_matrix
from skloss.reports.context import HeldOut, NotKnown, ReportContext
from skloss.reports.tables import MOST_CLASSES, Cell, Table, cell

__all__ = ["best_threshold", "confusions"]


def best_threshold(held_out: HeldOut) -> float:
    """Threshold of the highest MCC, midway between two scores.

    Examples
    --------
    >>> best_threshold(HeldOut(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.4])))
    0.3
    """
    scores, truth = held_out.scores, held_out.truth
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(truth[order])[last].astype(float)
    called = np.flatnonzero(last) + 1.0
    n, ones = float(len(truth)), float(truth.sum())
    below = np.sqrt(called * (n - called) * ones * (n - ones))
    covariance = hits * n - called * ones
    values = np.divide(covariance, below, out=np.zeros_like(hits), where=below > 0)
    levels = scores[order][last]
    best = int(values.argmax())
    lower = levels[best + 1] if best + 1 < len(levels) else levels[best]
    return round(float((levels[best] + lower) / 2), 12)


def confusions(context: ReportContext) -> list[Table]:
    """Confusion matrices of the rows held out: at 0.5, and at the best threshold.

    Raises
    ------
    NotKnown
        If there are no such rows.
    """
    part, held_out = context.case.val, context.held_out
    if part is None or part.confusion is None:
        raise NotKnown(
            "The errors on rows held out are not known; pass X_val and y_val, or give "
            "a classifier that held rows out."
        )
    names = context.class_names(len(part.counts))
    if len(names) > MOST_CLASSES:
        raise NotKnown(
            f"A matrix of {len(names)} classes is too large for a page; "
            "sklearn.metrics.ConfusionMatrixDisplay draws it."
        )
    title = "At the threshold 0.5" if len(names) == 2 else "By the most probable class"
    found = [_confusion(title, np.asarray(part.confusion), names)]
    is_known = held_out is not None and np.isfinite(held_out.scores).all()
    if held_out is None or len(names) != 2:
        return found
    if not is_known or len(np.unique(held_out.truth)) < 2:
        return found
    threshold = best_threshold(held_out)
    guessed = (held_out.scores >= threshold).astype(int)
    table = confusion_matrix(held_out.truth, guessed, 2)
    note = (
        "The threshold was chosen on these same rows, so that its MCC is too good; "
        "sklearn.model_selection.TunedThresholdClassifierCV chooses one honestly."
    )
    title = f"At the threshold of the best MCC, {threshold:.3g}"
    return [*found, _confusion(title, table, names, (note,))]


def _confusion(
    title: str, table: np.ndarray, names: Sequence[str], notes: tuple[str, ...] = ()
) -> Table:
    counts = ConfusionCounts(table)
    summary = (
        f"MCC {counts.mcc:.2f}, F1 {counts.f1:.2f}, precision {counts.precision:.2f}, "
        f"recall {counts.recall:.2f}, accuracy {counts.accuracy:.2f}."
    )
    rows = tuple(
        (Cell(name), *(cell(float(n), ",.0f") for n in row))
        for name, row in zip(names, table.tolist(), strict=True)
    )
    columns = ("true class", *(f"called {name}" for name in names))
    diagonal = tuple(range(len(rows)))
    return Table(title, columns, rows, (summary, *notes), diagonal)
