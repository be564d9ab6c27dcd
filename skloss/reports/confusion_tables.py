"""Confusion matrices of the held-out rows at two thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skloss.metrics import ConfusionCounts, confusion_matrix
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.tables import MOST_CLASSES, Cell, Table, cell

__all__ = ["confusions"]


def confusions(context: ReportContext) -> list[Table]:
    """Tabulate confusion matrices at the threshold 0.5 and at the best threshold.

    Raises
    ------
    NotKnown
        If there are no held-out rows.
    """
    part, held_out = context.case.val, context.held_out
    if part is None or part.confusion is None:
        raise NotKnown(
            "The errors are not known, because there are no held-out rows. Pass X_val "
            "and y_val, or a classifier that held out rows itself, to skloss.report."
        )
    names = context.class_names(len(part.counts))
    if len(names) > MOST_CLASSES:
        raise NotKnown(
            f"A confusion matrix of {len(names)} classes is too large for this page. "
            "Draw it with sklearn.metrics.ConfusionMatrixDisplay."
        )
    is_binary = len(names) == 2
    title = "Confusion matrix" + (" at threshold 0.5" if is_binary else "")
    positive = context.positive if is_binary else None
    found = [_confusion(title, np.asarray(part.confusion), names, positive)]
    is_known = held_out is not None and np.isfinite(held_out.scores).all()
    if held_out is None or not is_binary:
        return found
    if not is_known or len(np.unique(held_out.truth)) < 2:
        return found
    threshold = held_out.best_threshold
    table = confusion_matrix(held_out.truth, held_out.at(threshold), 2)
    note = (
        "This threshold was selected on these same rows, so its MCC is optimistic. "
        "sklearn.model_selection.TunedThresholdClassifierCV selects a threshold by "
        "cross-validation."
    )
    title = f"Confusion matrix at threshold {threshold:.3g} (highest MCC)"
    return [*found, _confusion(title, table, names, positive, (note,))]


def _confusion(
    title: str,
    table: np.ndarray,
    names: Sequence[str],
    positive: int | None,
    notes: tuple[str, ...] = (),
) -> Table:
    counts = ConfusionCounts(table, 1 if positive is None else positive)
    of = "means over all classes" if positive is None else f"of class {names[positive]}"
    summary = (
        f"MCC {counts.mcc:.2f}, accuracy {counts.accuracy:.2f}; {of}: F1 "
        f"{counts.f1:.2f}, precision {counts.precision:.2f}, recall "
        f"{counts.recall:.2f}."
    )
    rows = tuple(
        (Cell(name), *(cell(float(n), ",.0f") for n in row))
        for name, row in zip(names, table.tolist(), strict=True)
    )
    columns = ("true class", *(f"predicted {name}" for name in names))
    diagonal = tuple(range(len(rows)))
    return Table(title, columns, rows, (summary, *notes), diagonal)
