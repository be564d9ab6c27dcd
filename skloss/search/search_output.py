"""Output of a search: a table, short curves, a CSV file and a figure."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable

from skloss.record.find import find_record
from skloss.reports.pooled_ranking import average_precision
from skloss.reports.pooled_scores import Pooled
from skloss.search.grid_search import FoldResult, SearchResult
from skloss.search.pooled import WINNER
from skloss.whole_files import write_whole

__all__ = [
    "print_curves",
    "print_pooled",
    "print_table",
    "print_warnings",
    "sparkline",
    "write_curves",
    "write_results",
]

_MOST_ROWS = 20
_SPARK_WIDTH = 32
_BARS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-:=+*#"
_SHORT_CURVES = {
    "loss": "training loss",
    "val_loss": "validation loss",
    "val_mcc": "validation MCC",
}
_MOST_WARNINGS = 5


def print_table(
    console: Console, result: SearchResult, pooled: Pooled | None = None
) -> None:
    """Print the best candidates and the baselines, with the columns that have room.

    Parameters
    ----------
    console : Console
        Where to print.
    result : SearchResult
        Results of the search.
    pooled : Pooled, default=None
        Predictions of the winner and of the baselines on the test rows of all folds.
    """
    ranking = result.ranking
    if not ranking:
        return
    shown = ranking[:_MOST_ROWS]
    lines = [_line_of(result, candidate) for candidate in shown]
    baselines = [_Line(name, {}, folds) for name, folds in result.baselines.items()]
    lines += sorted(baselines, key=lambda line: -line.values("mcc").mean())
    columns = _columns(result, lines, "±" if _is_unicode(console) else "+-", pooled)
    left_out: list[_Column] = []
    for column in sorted(columns, key=lambda one: one.rank, reverse=True):
        if column.rank == 0 or _width(console, columns) <= console.width:
            break
        columns.remove(column)
        left_out.append(column)
    console.print(_as_table(columns, n_networks=len(shown)))
    for column in reversed(left_out):
        if column.is_constant:
            console.print(f"All candidates: {column.title}={column.cells[0]}")
    narrow = [column.title for column in reversed(left_out) if not column.is_constant]
    if narrow:
        listed = ", ".join(" ".join(title.split()) for title in narrow)
        console.print(f"No room for: {listed}. results.csv has all columns.")
    if len(ranking) > _MOST_ROWS:
        console.print(
            f"The table shows the best {_MOST_ROWS} of {len(ranking)} candidates; "
            "results.csv has all."
        )


@dataclass(eq=False)
class _Column:
    """A column of the table; those of the highest rank go first if room is short."""

    title: str
    cells: list[str]
    rank: int
    justify: Literal["left", "right"] = "right"
    is_constant: bool = False


@dataclass(frozen=True)
class _Line:
    """A row of the table: a candidate, or a baseline, which has no parameters."""

    name: str
    params: dict[str, Any]
    folds: list[FoldResult]

    def values(self, score: str) -> np.ndarray:
        return np.array([fold.scores[score] for fold in self.folds])


def _line_of(result: SearchResult, candidate: int) -> _Line:
    params, folds = result.candidates[candidate], result.of_candidate(candidate)
    return _Line(WINNER if candidate == result.ranking[0] else "", params, folds)


def _columns(
    result: SearchResult, lines: list[_Line], sign: str, pooled: Pooled | None
) -> list[_Column]:
    columns = []
    if result.baselines:
        names = [line.name.partition(" (")[0] for line in lines]
        columns.append(_Column("", names, 0, "left"))
    for name in result.parameters:
        values = [_value_text(line.params.get(name, "")) for line in lines]
        is_constant = len({str(one.get(name)) for one in result.candidates}) == 1
        rank = 6 if is_constant else 0
        title = name.rpartition("__")[2]
        columns.append(_Column(title, values, rank, "left", is_constant))
    if pooled is not None:
        told = [
            repr(pooled.scores(line.name)["mcc"])
            if line.name in pooled.predicted
            else ""
            for line in lines
        ]
        columns.append(_Column("MCC, all rows\n(95 % interval)", told, 1))
    scores = (
        ("MCC", "mcc", ".2f", True, 0),
        ("F1", "f1", ".2f", True, 2),
        ("accuracy", "accuracy", ".2f", True, 3),
        ("accuracy of\nmajority", "majority", ".2f", False, 4),
        ("fit time\n(seconds)", "seconds", ".1f", True, 5),
    )
    for title, name, form, has_spread, rank in scores:
        if name == "majority" and result.baselines:
            continue  # a row of the table
        cells = []
        for line in lines:
            of_folds = line.values(name)
            spread = f" {sign} {of_folds.std():{form}}" if has_spread else ""
            cells.append(f"{of_folds.mean():{form}}{spread}")
        columns.append(_Column(title, cells, rank))
    return columns


def _value_text(value: object) -> str:
    """Write a value of a parameter; an estimator by its name."""
    return type(value).__name__ if hasattr(value, "get_params") else str(value)


def _as_table(columns: list[_Column], n_networks: int) -> RichTable:
    table = RichTable(
        title="mean and standard deviation over folds",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in columns:
        is_left = column.justify == "left"
        table.add_column(
            column.title,
            justify=column.justify,
            # A long value of a parameter is broken; a score never is.
            no_wrap=not is_left,
            overflow="fold" if is_left else "ellipsis",
        )
    for number, cells in enumerate(zip(*(one.cells for one in columns), strict=True)):
        table.add_row(
            *cells,
            style="bold" if number == 0 else None,
            end_section=number == n_networks - 1,
        )
    return table


def _width(console: Console, columns: list[_Column]) -> int:
    wide = console.options.update(max_width=10_000)
    return Measurement.get(console, wide, _as_table(columns, 0)).maximum


def _is_unicode(console: Console) -> bool:
    return not console.options.ascii_only


def print_pooled(console: Console, pooled: Pooled | None) -> None:
    """Say how the scores of all rows were made, and which groups limit them."""
    if pooled is None:
        return
    console.print(pooled.method(), soft_wrap=True)
    ranked = {who: average_precision(pooled, who) for who in pooled.predicted}
    told = [f"{who} {score!r}" for who, score in ranked.items() if score is not None]
    if told:
        console.print(f"Average precision: {'; '.join(told)}.", soft_wrap=True)
    if limits := pooled.limits(WINNER):
        console.print(limits, soft_wrap=True)


def print_curves(console: Console, result: SearchResult) -> None:
    """Print the curves of the winner, one per line."""
    record = find_record(result.estimator)
    best = record.best_epoch
    if "penalty" in record.history:
        _print_penalties(console, record.history, best)
        return
    monitor = record.outcome.get("monitor")
    chosen = "" if best is None else f", best epoch {best + 1} (by {monitor})"
    console.print("\nWinner", style="bold", end="")
    console.print(f", trained again on all rows: {record.n_epochs} epochs{chosen}")
    for name, label in _SHORT_CURVES.items():
        values = record.history.get(name)
        if values:
            bars = sparkline(values, bars=_BARS if _is_unicode(console) else _ASCII)
            at_best = "" if best is None else f"  at best epoch {values[best]:.3f}"
            console.print(
                f"  {label:15} {values[0]:6.3f} {bars} {values[-1]:.3f}{at_best}"
            )
    console.print()


def _print_penalties(
    console: Console, history: dict[str, list[float]], best: int | None
) -> None:
    """Print the curves over penalties, from strong to weak."""
    chosen = "" if best is None else f", penalty {history['penalty'][best]:.1e} chosen"
    console.print("\nWinner", style="bold", end="")
    console.print(f", fitted again on all rows{chosen}")
    for name, label in _SHORT_CURVES.items():
        values = history[name]
        bars = sparkline(values, bars=_BARS if _is_unicode(console) else _ASCII)
        at_best = "" if best is None else f"  at the chosen one {values[best]:.3f}"
        console.print(f"  {label:15} {values[0]:6.3f} {bars} {values[-1]:.3f}{at_best}")
    console.print()


def sparkline(values: list[float], width: int = _SPARK_WIDTH, bars: str = _BARS) -> str:
    """Draw numbers as one line of bars, the lowest as the lowest bar.

    Parameters
    ----------
    values : list of float
        Numbers. A number that is not finite becomes a blank.
    width : int, default=32
        Largest number of bars. If there are more numbers, neighbors are averaged.
    bars : str, default="▁▂▃▄▅▆▇█"
        Characters from the lowest bar to the highest.

    Returns
    -------
    str
        One character per bar.

    Examples
    --------
    >>> sparkline([0, 1, 2, float("nan"), 7])
    '▁▂▃ █'
    """
    parts = np.array_split(np.asarray(values, dtype=float), min(width, len(values)))
    heights = np.array([part.mean() for part in parts])
    finite = heights[np.isfinite(heights)]
    if not len(finite):
        return " " * len(heights)
    low, span = finite.min(), finite.max() - finite.min()
    return "".join(
        bars[round(float((height - low) / (span or 1) * (len(bars) - 1)))]
        if np.isfinite(height)
        else " "
        for height in heights
    )


def print_warnings(console: Console, result: SearchResult) -> None:
    """Print each error and each warning of the fits once, with its count."""
    n_failed = sum(result.errors.values())
    if n_failed:
        console.print(f"{n_failed} fits failed", style="bold", end="")
        console.print("; their candidates are left out:")
        _print_counted(console, result.errors.most_common())
    if result.warnings:
        console.print(f"{sum(result.warnings.values())} warnings:", style="bold")
        _print_counted(console, result.warnings.most_common())


def _print_counted(console: Console, counted: list[tuple[str, int]]) -> None:
    for message, count in counted[:_MOST_WARNINGS]:
        console.print(f"  {count} x {message}")
    if len(counted) > _MOST_WARNINGS:
        console.print(f"  and {len(counted) - _MOST_WARNINGS} other messages")


def write_results(result: SearchResult, path: Path) -> None:
    """Write a row for each finished candidate, the best first.

    Parameters
    ----------
    result : SearchResult
        Results of the search.
    path : Path
        File to write. An existing file is replaced.
    """
    rows = list(result.rows())
    header = list(rows[0]) if rows else ["rank", *result.parameters]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def write_curves(estimator: object, path: Path) -> None:
    """Plot the losses, MCC and F1 of an estimator to a file.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator with a record.
    path : Path
        File to write. An existing file is replaced.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from skloss.displays import LossCurveDisplay, MetricCurveDisplay

    # pyplot is not used, because its backend is the choice of the user.
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    LossCurveDisplay.from_estimator(estimator, ax=left)
    MetricCurveDisplay.from_estimator(estimator, ax=right, metrics=("mcc", "f1"))
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_whole(path, picture.getvalue())
