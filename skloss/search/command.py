"""The command ``skloss search``: run the search, print and write its results."""

from __future__ import annotations

import argparse
import shlex
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from skloss.diagnosis.text import steps_text
from skloss.live_progress import Progress
from skloss.reports import Report
from skloss.reports.pooled_scores import Pooled
from skloss.search.clusters import dask_pool, ray_pool
from skloss.search.data_files import LabeledRows, read_table
from skloss.search.grid_search import FoldResult, Search, SearchResult, f1_options
from skloss.search.journal import Journal
from skloss.search.model_files import LOADED_BY, write_model
from skloss.search.plan import SearchError, plan_search
from skloss.search.pooled import pooled_predictions
from skloss.search.pools import Pool, ThreadPool
from skloss.search.search_output import (
    print_curves,
    print_pooled,
    print_table,
    print_warnings,
    write_curves,
    write_results,
)
from skloss.search.search_page import write_page
from skloss.search.table_steps import describe_steps
from skloss.training import start_tensorflow

__all__ = ["SearchError", "run_search"]

_OF_WINNER = ("curves.png", *LOADED_BY, "report.html")
_WRITTEN = (*_OF_WINNER, "results.csv")


def run_search(options: argparse.Namespace) -> int:
    """Run a search with the given options.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed options of ``skloss search``.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    DataFileError
        If the file cannot be used.
    SearchError
        If an option cannot be used, or if no candidate could be trained.
    """
    started = time.perf_counter()
    console = _console()
    table = _heartbeats(options) if options.file is None else _table(options)
    search = plan_search(options, table)
    journal = Journal(_folder(options.resume or options.out), search, table)
    kept = journal.resume() if options.resume else []
    is_old = _make_writable(journal.folder)
    _print_head(console, options, table, search)
    _print_kept(console, journal, kept)
    try:
        # This imports TensorFlow; later, the import would look like a slow first fit.
        start_tensorflow()
    except ImportError as error:
        raise SearchError(str(error)) from error
    with _pool(options) as pool:
        result = _run(search, table, journal, kept, pool)
    if not result.ranking and not result.is_interrupted:
        raise SearchError(_why_nothing(result))
    folder = journal.folder
    try:
        pooled = pooled_predictions(result, search, table)
        _print_result(console, result, pooled)
        page = _write(result, search, table, folder, options.typed)
    except KeyboardInterrupt:
        result.is_interrupted, page = True, None
    _print_next(console, page)
    _print_end(console, result, folder, is_old, time.perf_counter() - started)
    return 130 if result.is_interrupted else 0


def _console() -> Console:
    """Console for the results, wide enough for the table if it is not a terminal.

    Names of classes, columns and folders are printed as they are: square brackets and
    colons have no meaning.
    """
    options: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    console = Console(**options)
    return console if console.is_terminal else Console(**options, width=110)


def _heartbeats(options: argparse.Namespace) -> LabeledRows:
    for name in ("target", "positive", "groups", "drop", "keep", "missing"):
        if getattr(options, name):
            raise SearchError(f"--{name} needs a FILE: skloss search FILE --{name} ...")
    from skloss.datasets import load_heartbeats

    beats: Any = load_heartbeats()
    return LabeledRows(beats.data, beats.target, beats.groups, "V")


def _table(options: argparse.Namespace) -> LabeledRows:
    return read_table(
        options.file,
        options.target,
        options.positive,
        options.groups,
        series=options.model == "cnn1d",
        drop=options.drop,
        keep=options.keep,
        missing_values=options.missing,
    )


def _folder(given: str) -> Path:
    try:
        return Path(given).expanduser().resolve()
    except (RuntimeError, OSError) as err:  # ~nosuchuser, or a loop of links
        reason = str(err).rstrip(".")
        raise SearchError(f"Cannot find the folder {given}: {reason}.") from err


def _make_writable(folder: Path) -> bool:
    """Create a folder before the search starts; return whether it already existed."""
    is_old = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as err:
        raise SearchError(
            f"Cannot write into the folder {folder} ({err.strerror or err}); choose "
            "another one with --out DIR."
        ) from err
    return is_old


def _print_head(
    console: Console, options: argparse.Namespace, table: LabeledRows, search: Search
) -> None:
    classes, counts = np.unique(table.y, return_counts=True)
    shares = ", ".join(
        f"{label}: {count:,} ({count / len(table.y):.1%})"
        for label, count in zip(classes[:6], counts, strict=False)
    )
    source = options.file or "Heartbeats of 22 patients (1: ventricular ectopic beat)"
    steps, kinds = describe_steps(search.pipeline)
    kept = "" if table.groups is None else ", no group in more than one fold"
    n_candidates, n_folds = len(search.candidates), len(search.splits)
    positive = f1_options(table.y).get("pos_label")
    scored = "" if positive is None else f"; F1 is of class {positive}"
    console.print(source, style="bold", soft_wrap=True)
    console.print(
        f"{len(table.y):,} rows, {table.X.shape[1]} columns; rows of class "
        f"{shares}{scored}",
        soft_wrap=True,
    )
    console.print(
        f"{steps}: {n_candidates} candidates x {n_folds} folds{kept}", soft_wrap=True
    )
    for line in (*kinds, *table.notes):
        console.print(f"  {line}", soft_wrap=True)
    console.print()


def _print_kept(console: Console, journal: Journal, kept: list[FoldResult]) -> None:
    if kept:
        console.print(f"Resuming the search; finished fits: {len(kept)}\n")
    elif n_unused := journal.n_unused():
        console.print(
            f"Starting anew; finished fits of this search in {journal.folder} that are "
            f"discarded: {n_unused}. Use --resume to keep them.\n",
            soft_wrap=True,
        )


def _pool(options: argparse.Namespace) -> AbstractContextManager[Pool]:
    if options.backend == "dask":
        return dask_pool(options.address, options.jobs)
    if options.backend == "ray":
        return ray_pool(options.address, options.jobs)
    if options.address is not None:
        raise SearchError("--address is that of a cluster: add --backend dask, or ray.")
    return nullcontext(ThreadPool(options.jobs))


def _run(
    search: Search,
    table: LabeledRows,
    journal: Journal,
    kept: list[FoldResult],
    pool: Pool,
) -> SearchResult:
    # The last fit is that of the winner on all rows.
    n_models = len(search.candidates) + len(search.baselines)
    n_fits = n_models * len(search.splits) + 1
    progress = Progress(
        Console(stderr=True),
        "searching: fit",
        n_fits,
        done=len(kept),
        has_bar=True,
        has_end=False,
    )

    def on_fit(done: FoldResult) -> None:
        journal.keep(done)
        progress.advance()

    def on_refit() -> None:
        progress.label = "training the winner on all rows: fit"

    with progress:
        result = search.run(
            table.X,
            table.y,
            pool=pool,
            kept=kept,
            on_fit=on_fit,
            on_refit=on_refit,
        )
        if result.estimator is not None:
            progress.advance()
    return result


def _print_result(
    console: Console, result: SearchResult, pooled: Pooled | None
) -> None:
    print_table(console, result, pooled)
    print_pooled(console, pooled)
    if result.estimator is not None and not result.is_interrupted:
        print_curves(console, result)
    print_warnings(console, result)


def _write(
    result: SearchResult, search: Search, table: LabeledRows, folder: Path, typed: str
) -> Report | None:
    """Write the results; the slowest come last, so that Ctrl-C leaves the others."""
    made = None
    # Files of an earlier search would not match the new results.
    old = {*_OF_WINNER}
    try:
        write_results(result, folder / "results.csv")
        if result.estimator is not None and not result.is_interrupted:
            old.remove(write_model(result.estimator, folder).name)
            write_curves(result.estimator, folder / "curves.png")
            old.remove("curves.png")
            made = write_page(result, search, table, folder / "report.html", typed)
            old.remove("report.html")
    except OSError:
        old.clear()  # what cannot be replaced is kept
        raise
    finally:
        for name in old:
            (folder / name).unlink(missing_ok=True)
    return made


def _print_next(console: Console, page: Report | None) -> None:
    """Print the verdict, why its numbers differ from others, and what to do next."""
    if page is None:
        return
    console.print(page.answer.headline, style="bold", soft_wrap=True)
    for sentence in (page.answer.sentence, *page.answer.caveats):
        console.print(f"  {sentence}", soft_wrap=True)
    console.print()
    if steps := steps_text(page.next_steps):
        console.print(f"{steps}\n", soft_wrap=True)


def _why_nothing(result: SearchResult) -> str:
    (message, _), *others = result.errors.most_common()
    more = f" ({len(others)} other messages)" if others else ""
    if "pool_size" in message:
        more += " If the columns are not a time series, use --model dense."
    return f"No candidate could be trained: {message}{more}"


def _print_end(
    console: Console, result: SearchResult, folder: Path, is_old: bool, seconds: float
) -> None:
    if result.is_interrupted:
        n_finished, n_all = len(result.ranking), len(result.candidates)
        console.print("Interrupted:", style="bold", end=" ")
        console.print(
            f"{n_finished} of {n_all} candidates and "
            f"{len(result.folds)} of {n_all * result.n_folds} fits are finished and "
            "kept. To resume, run the same command with\n"
            f"--resume {shlex.quote(str(folder))}",
            soft_wrap=True,
        )
    names = sorted(p.name for p in folder.iterdir() if p.name in _WRITTEN)
    there = " (existing folder)" if is_old else ""
    minutes, rest = divmod(round(seconds), 60)
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    console.print(
        f"Wrote {listed} to {folder}{there} in {minutes} min {rest} s",
        soft_wrap=True,
    )
    for name in names:
        if name in LOADED_BY:
            path = str(folder / name)
            console.print(
                f"To use the model:\n  {LOADED_BY[name].format(path)}\n"
                f"or:  skloss predict {shlex.quote(path)} FILE",
                soft_wrap=True,
            )
