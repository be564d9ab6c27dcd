"""Tables of class counts, ranges of columns and values of the curves."""

from __future__ import annotations

from typing import Any

from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.tables import MOST_CLASSES, Cell, Table, cell

__all__ = ["classes", "columns", "curves"]

_MOST_COLUMNS = 200
_MOST_EPOCHS = 100
_CURVES = (
    "loss",
    "val_loss",
    "val_loss_at_train_prior",
    "accuracy",
    "val_accuracy",
    "mcc",
    "val_mcc",
    "f1",
    "val_f1",
    "learning_rate",
)


def classes(context: ReportContext) -> Table:
    """Tabulate the rows of each class: original, as trained on, and validation.

    Raises
    ------
    NotKnown
        If the counts are not known.
    """
    case = context.case
    counted = context.record.data.get("class_counts", {})
    parts: dict[str, Any] = {
        "original training rows": counted.get("original") or _counts(case.original),
        "trained on": counted.get("trained") or _counts(case.train),
        "held out": counted.get("validation") or _counts(case.val),
    }
    if parts["original training rows"] == parts["trained on"]:
        del parts["original training rows"]
    parts = {name: counts for name, counts in parts.items() if counts}
    if not parts:
        raise NotKnown(
            "The class counts are not known. Pass the fitted classifier with X and y "
            "to skloss.report."
        )
    lengths = {len(counts) for counts in parts.values()}
    if len(lengths) > 1:
        raise NotKnown(
            "The training rows and the validation rows have different numbers of "
            "classes."
        )
    names = context.class_names(lengths.pop())
    rows = []
    for number, name in enumerate(names[:MOST_CLASSES]):
        cells = [Cell(name)]
        for counts in parts.values():
            share = counts[number] / max(sum(counts), 1)
            cells.append(
                Cell(f"{int(counts[number]):,} ({share:.1%})", float(counts[number]))
            )
        rows.append(tuple(cells))
    sums = (cell(float(sum(counts)), ",.0f") for counts in parts.values())
    rows.append((Cell("all"), *sums))
    notes = (
        (f"The table shows the first {MOST_CLASSES} of {len(names)} classes.",)
        if len(names) > MOST_CLASSES
        else ()
    )
    return Table("Rows of each class", ("class", *parts), tuple(rows), notes)


def _counts(part: Any) -> list[int] | None:
    return None if part is None else list(part.counts)


def columns(context: ReportContext) -> Table:
    """Tabulate the ranges of the columns as the network receives them.

    Raises
    ------
    NotKnown
        If the ranges are not known.
    """
    ranges = context.record.data.get("columns")
    if not ranges:
        raise NotKnown("The ranges of the columns are not known.")
    names = context.column_names
    n_columns = len(ranges["median"])
    if len(names) != n_columns:
        names = [str(number) for number in range(n_columns)]
    shown = [
        key for key in ("min", "p01", "median", "p99", "max", "std") if key in ranges
    ]
    rows = tuple(
        (Cell(name), *(cell(float(ranges[key][number]), ".4g") for key in shown))
        for number, name in enumerate(names[:_MOST_COLUMNS])
    )
    left_out = f"The table shows the first {_MOST_COLUMNS} of {n_columns:,} columns."
    return Table(
        "Ranges of the columns at the input of the classifier",
        ("column", *shown),
        rows,
        (left_out,) if n_columns > _MOST_COLUMNS else (),
        is_folded=True,
    )


def curves(context: ReportContext, most: int = _MOST_EPOCHS) -> Table:
    """Tabulate the curves. Of many epochs it shows some, always the best and the last.

    Parameters
    ----------
    context : ReportContext
        Everything that is known about the training.
    most : int, default=100
        So many epochs are shown, beside the best and the last.

    Raises
    ------
    NotKnown
        If there are no curves.
    """
    history = {
        n: c for n, c in context.record.history.items() if n in _CURVES and len(c)
    }
    if not history:
        raise NotKnown("There are no training curves.")
    names = [name for name in _CURVES if name in history]
    n_epochs, best = len(history[names[0]]), context.record.best_epoch
    step = max(1, -(-n_epochs // most))
    shown = sorted({*range(0, n_epochs, step), n_epochs - 1, *_known(best)})
    rows = tuple(
        (
            cell(epoch + 1),
            *(cell(float(history[name][epoch]), ".4g") for name in names),
        )
        for epoch in shown
    )
    note = f"The table shows one epoch in {step}, the best epoch and the last epoch."
    marked = tuple(shown.index(epoch) for epoch in _known(best))
    columns = ("epoch", *(name.replace("_", " ") for name in names))
    notes = (note,) if step > 1 else ()
    return Table("Values of the curves", columns, rows, notes, marked, is_folded=True)


def _known(epoch: int | None) -> tuple[int, ...]:
    return () if epoch is None else (epoch,)
