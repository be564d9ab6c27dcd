"""Output of a search: a table, short curves, a CSV file and a figure."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from skloss.record.find import find_record
from skloss.search.grid_search import SCORES, SearchResult
from skloss.whole_files import write_whole

__all__ = [
    "print_curves",
    "print_table",
    "print_warnings",
    "sparkline",
    "write_curves",
    "write_results",
]

_MOST_ROWS = 20
_SPARK_WIDTH = 32
_BARS = "▁▂▃▄▅▆▇█"
_SHORT_CURVES = {
    "loss": "training loss",
    "val_loss": "validation loss",
    "val_mcc": "validation MCC",
}
_MOST_WARNINGS = 5


def print_table(console: Console, result: SearchResult) -> None:
    """Print the best candidates, one per row."""
    ranking = result.ranking
    if not ranking:
        return
    names = list(result.candidates[0])
    table = RichTable(
        title="mean ± standard deviation over folds",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for name in names:
        table.add_column(name.rpartition("__")[2], no_wrap=True, overflow="fold")
    for title in (
        "MCC",
        "F1",
        "accuracy",
        "accuracy of\nmajority",
        "fit time\n(seconds)",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    for candidate in ranking[:_MOST_ROWS]:
        scores = {name: result.values(candidate, name) for name in SCORES}
        table.add_row(
            *(str(result.candidates[candidate][name]) for name in names),
            *(_spread(scores[name]) for name in ("mcc", "f1", "accuracy")),
            f"{scores['majority'].mean():.2f}",
            f"{scores['seconds'].mean():.1f} ± {scores['seconds'].std():.1f}",
            style="bold" if candidate == ranking[0] else None,
        )
    console.print(table)
    if len(ranking) > _MOST_ROWS:
        console.print(
            f"The table shows the best {_MOST_ROWS} of {len(ranking)} candidates; "
            "results.csv has all."
        )


def _spread(values: np.ndarray) -> str:
    return f"{values.mean():.2f} ± {values.std():.2f}"


def print_curves(console: Console, result: SearchResult) -> None:
    """Print the curves of the winner, one per line."""
    record = find_record(result.estimator)
    best = record.best_epoch
    monitor = record.outcome.get("monitor")
    chosen = "" if best is None else f", best epoch {best + 1} (by {monitor})"
    console.print(
        f"\n[bold]Winner[/bold], trained again on all rows: {record.n_epochs} "
        f"epochs{chosen}"
    )
    for name, label in _SHORT_CURVES.items():
        values = record.history.get(name)
        if values:
            at_best = "" if best is None else f"  at best epoch {values[best]:.3f}"
            console.print(
                f"  {label:15} {values[0]:6.3f} {sparkline(values)} {values[-1]:.3f}"
                f"{at_best}"
            )
    console.print()


def sparkline(values: list[float], width: int = _SPARK_WIDTH) -> str:
    """Draw numbers as one line of bars, the lowest as the lowest bar.

    Parameters
    ----------
    values : list of float
        Numbers. A number that is not finite becomes a blank.
    width : int, default=32
        Largest number of bars. If there are more numbers, neighbors are averaged.

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
        _BARS[round(float((height - low) / (span or 1) * (len(_BARS) - 1)))]
        if np.isfinite(height)
        else " "
        for height in heights
    )


def print_warnings(console: Console, result: SearchResult) -> None:
    """Print each error and each warning of the fits once, with its count."""
    n_failed = sum(result.errors.values())
    if n_failed:
        console.print(
            f"[bold]{n_failed} fits failed[/bold]; their candidates are left out:"
        )
        _print_counted(console, result.errors.most_common())
    if result.warnings:
        console.print(f"[bold]{sum(result.warnings.values())} warnings[/bold]:")
        _print_counted(console, result.warnings.most_common())


def _print_counted(console: Console, counted: list[tuple[str, int]]) -> None:
    for message, count in counted[:_MOST_WARNINGS]:
        console.print(f"  {count} x {message}", markup=False)
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
    header = list(rows[0]) if rows else ["rank", *result.candidates[0]]
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
