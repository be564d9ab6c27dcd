"""The errors of each group, such as of each patient, as a table."""

from __future__ import annotations

from skloss.reports.answer import NETWORK
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.tables import Cell, Table, cell

__all__ = ["group_scores"]

_MOST_GROUPS = 200
_MOST_OPEN = 30


def group_scores(context: ReportContext) -> Table:
    """Tabulate recall and false alarms of each group, the most errors first.

    Raises
    ------
    NotKnown
        If no groups are known.
    """
    pooled = context.pooled
    groups = [] if pooled is None else pooled.by_group(NETWORK)
    if not groups or pooled is None:
        raise NotKnown("")
    n_errors = max(sum(one.n_errors for one in groups), 1)
    rows = []
    for one in groups[:_MOST_GROUPS]:
        n_found = one.n_positive - one.n_missed
        recall = n_found / one.n_positive if one.n_positive else None
        rows.append(
            (
                Cell(one.group),
                cell(one.n_rows),
                cell(one.n_positive),
                Cell("none") if recall is None else cell(recall, ".2f"),
                cell(one.n_false),
                cell(1 - one.n_errors / max(one.n_rows, 1), ".3f"),
                Cell(f"{one.n_errors / n_errors:.0%}", one.n_errors / n_errors),
            )
        )
    notes = [pooled.limits(NETWORK)] if pooled.limits(NETWORK) else []
    if len(groups) > _MOST_GROUPS:
        notes.append(f"The table shows {_MOST_GROUPS} of {len(groups):,} groups.")
    return Table(
        "Scores of each group"
        if pooled.group_name is None
        else f"Scores of each value of {pooled.group_name!r}",
        (
            pooled.group_name or "group",
            "rows",
            "positive",
            "recall",
            "false alarms",
            "accuracy",
            "of all errors",
        ),
        tuple(rows),
        tuple(notes),
        is_folded=len(rows) > _MOST_OPEN,
    )
