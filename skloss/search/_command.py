"""``skloss search``: from options to a search, and from its result to what is shown."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from skloss.search._files import Table, read_table
from skloss.search._plan import SearchError, plan_search
from skloss.search._report import (
    print_curves,
    print_table,
    print_warnings,
    write_curves,
    write_results,
)
from skloss.search._search import Search, SearchResult

__all__ = ["SearchError", "run_search"]

_WRITTEN = ("curves.png", "results.csv")


def run_search(options: argparse.Namespace) -> int:
    """Search as the options say.

    Parameters
    ----------
    options : argparse.Namespace
        Of ``skloss search``.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    DataFileError
        If the file cannot be used.
    SearchError
        If an option cannot, or if no candidate could be trained.
    """
    started = time.perf_counter()
    console = _console()
    table = _heartbeats(options) if options.file is None else _table(options)
    search = plan_search(options, table)
    folder, is_old = _writable_folder(options.out)
    _print_head(console, options, table, search)
    _load_tensorflow()
    result = _run(search, table)
    return _report(console, result, table, (folder, is_old), started)


def _console() -> Console:
    """Console of the table, wide enough for it when it goes to a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=110)


def _heartbeats(options: argparse.Namespace) -> Table:
    for name in ("target", "positive", "groups"):
        if getattr(options, name) is not None:
            raise SearchError(f"--{name} needs a FILE: skloss search FILE --{name} ...")
    from skloss.datasets import load_heartbeats

    beats: Any = load_heartbeats()
    return Table(beats.data, beats.target, beats.groups, beats.feature_names, "V")


def _table(options: argparse.Namespace) -> Table:
    return read_table(options.file, options.target, options.positive, options.groups)


def _writable_folder(out: str) -> tuple[Path, bool]:
    """Make the folder now, because after the training it would be too late."""
    folder = Path(out).expanduser().resolve()
    is_old = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as err:
        raise SearchError(
            f"Cannot write into the folder {folder} ({err.strerror or err}); choose "
            "another by --out DIR."
        ) from err
    return folder, is_old


def _print_head(
    console: Console, options: argparse.Namespace, table: Table, search: Search
) -> None:
    classes, counts = np.unique(table.y, return_counts=True)
    shares = ", ".join(
        f"{label}: {count:,} ({count / len(table.y):.1%})"
        for label, count in zip(classes[:6], counts, strict=False)
    )
    source = options.file or "heartbeats of 22 patients, ventricular ectopic beats (1)"
    steps = ", ".join(type(step).__name__ for _, step in search.pipeline.steps)
    kept = "" if table.groups is None else ", groups kept together"
    n_candidates, n_folds = len(search.candidates), len(search.splits)
    console.print(f"[bold]{source}[/bold]", soft_wrap=True)
    console.print(
        f"{len(table.y):,} rows of {table.X.shape[1]} values; {shares}", soft_wrap=True
    )
    console.print(
        f"Pipeline({steps}): {n_candidates} candidates x {n_folds} folds{kept}\n",
        soft_wrap=True,
    )


def _run(search: Search, table: Table) -> SearchResult:
    n_fits = len(search.candidates) * len(search.splits) + 1
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("fits, elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    # Fits take seconds, so that the estimate must look further back than half a minute.
    with Progress(*columns, console=console, speed_estimate_period=120) as progress:
        task = progress.add_task("searching", total=n_fits)

        def on_progress(done: str) -> None:
            if done == "refit":
                progress.update(task, description="refitting")
            else:
                progress.advance(task)

        return search.run(table.X, table.y, on_progress)


def _report(
    console: Console,
    result: SearchResult,
    table: Table,
    out: tuple[Path, bool],
    started: float,
) -> int:
    folder, is_old = out
    if not result.ranking and not result.is_interrupted:
        raise SearchError(_why_nothing(result))
    (folder / "curves.png").unlink(missing_ok=True)
    write_results(result, folder / "results.csv")
    print_table(console, result)
    if result.estimator is not None and not result.is_interrupted:
        print_curves(console, result)
        write_curves(result.estimator, folder / "curves.png")
    print_warnings(console, result)
    _print_end(console, result, folder, is_old, time.perf_counter() - started)
    return 130 if result.is_interrupted else 0


def _why_nothing(result: SearchResult) -> str:
    (message, _), *others = result.errors.most_common()
    more = f" ({len(others)} other messages)" if others else ""
    if "pool_size" in message:
        more += " For a table without an order of columns use --model dense."
    return f"No candidate could be trained: {message}{more}"


def _print_end(
    console: Console, result: SearchResult, folder: Path, is_old: bool, seconds: float
) -> None:
    if result.is_interrupted:
        n_finished, n_all = len(result.ranking), len(result.candidates)
        console.print(
            f"[bold]Interrupted:[/bold] {n_finished} of {n_all} candidates were "
            "finished and are kept."
        )
    names = sorted(p.name for p in folder.iterdir() if p.name in _WRITTEN)
    there = ", which was there before" if is_old else ""
    minutes, rest = divmod(round(seconds), 60)
    console.print(
        f"Wrote {' and '.join(names)} to {folder}{there} ({minutes} min {rest} s)",
        soft_wrap=True,
    )


def _load_tensorflow() -> None:
    """Import TensorFlow without the lines that its C++ part writes on start."""
    with _silent_descriptor(2):
        import tensorflow as tf

        # The first operation writes the others.
        tf.zeros(())


@contextmanager
def _silent_descriptor(number: int) -> Iterator[None]:
    """Let what is written below Python, to a file descriptor, go nowhere."""
    kept = os.dup(number)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, number)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
        os.close(nowhere)
