"""The command ``skloss train``: train on a folder that need not fit into memory."""

from __future__ import annotations

import argparse
import ast
import shlex
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from skloss.exceptions import SklossWarning
from skloss.live_progress import Progress
from skloss.search.model_files import LOADED_BY, write_model
from skloss.streams import Block, RowSource, parquet_rows

__all__ = ["TrainError", "run_train"]

_SCALERS = {
    "standard": "StandardScaler",
    "minmax": "MinMaxScaler",
    "maxabs": "MaxAbsScaler",
}
_NOT_SET = {
    "callbacks": "a callback is a Python object, so call fit(rows) in Python for it",
    "epochs": "use --epochs instead",
}


class TrainError(Exception):
    """An option or the rows cannot be used; the text says why."""


def run_train(options: argparse.Namespace) -> int:
    """Train with the given options, and write the model and its record.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed options of ``skloss train``.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    TrainError
        If an option or the rows cannot be used.
    """
    started = time.perf_counter()
    try:
        folder = _writable(options.out, options.folder)
        rows = _Watched(_rows(options))
        pipeline = _pipeline(options)
        told = _fit(pipeline, rows, options)
    except (ValueError, TypeError, ImportError, FileNotFoundError) as error:
        raise TrainError(" ".join(str(error).split())) from error
    classifier = pipeline[-1]
    model = write_model(pipeline, folder)
    for name in {*LOADED_BY} - {model.name}:  # of an earlier training
        (folder / name).unlink(missing_ok=True)
    classifier.record_.save(folder / "record.json")
    console = Console(highlight=False, markup=False, emoji=False)
    for line in (*_summary(classifier), *told):
        console.print(line, soft_wrap=True)
    minutes, seconds = divmod(round(time.perf_counter() - started), 60)
    quoted = shlex.quote(str(folder / "record.json"))
    console.print(
        f"Wrote {model.name} and record.json to {folder} in {minutes} min {seconds} s\n"
        f"To use the model:\n  {LOADED_BY[model.name].format(str(model))}\n"
        f"To see what is wrong with the training:  skloss diagnose {quoted}",
        soft_wrap=True,
    )
    return 130 if classifier.record_.outcome["stop_reason"] == "interrupted" else 0


def _writable(out: str, data: str) -> Path:
    """Make the folder, and try to write to it, before hours of training."""
    folder = Path(out)
    with suppress(RuntimeError):
        folder = folder.expanduser()
        if folder.resolve().is_relative_to(Path(data).expanduser().resolve()):
            raise ValueError(
                f"--out {out} lies in the folder of the data, where a model would be "
                "read as data: name another folder."
            )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder.resolve()


def _rows(options: argparse.Namespace) -> RowSource:
    read = partial(
        parquet_rows,
        Path(options.folder).expanduser(),
        options.target,
        groups=options.groups,
    )
    rows = read()
    if not options.drop:
        return rows
    unknown = [name for name in options.drop if name not in (rows.names or ())]
    if unknown:
        raise ValueError(f"--drop {unknown[0]}: there is no such column of values.")
    columns = [name for name in rows.names or () if name not in options.drop]
    return read(columns=columns)


def _pipeline(options: argparse.Namespace) -> Any:
    from sklearn import preprocessing

    from skloss.estimators import DenseClassifier
    from skloss.model_selection import make_pipeline

    classifier = DenseClassifier(
        epochs=options.epochs,
        batch_size=options.batch_size,
        class_weight=options.class_weight,
        validation_fraction=options.validation_fraction,
        random_state=options.seed,
    )
    for text in options.set:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name or not equals:
            raise ValueError(f"--set {text!r} must read NAME=VALUE, such as width=64.")
        if name in _NOT_SET:
            raise ValueError(f"--set {text!r}: {_NOT_SET[name]}.")
        classifier.set_params(**{name: _literal(value)})
    if options.scaler == "none":
        return make_pipeline(classifier)
    return make_pipeline(getattr(preprocessing, _SCALERS[options.scaler])(), classifier)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _fit(pipeline: Any, rows: _Watched, options: argparse.Namespace) -> list[str]:
    """Fit with a live line, and return what the fit has warned of."""
    progress = Progress(
        Console(stderr=True), "training: epoch", options.epochs, n_slow=1, has_bar=True
    )
    rows.progress = progress
    pipeline[-1].set_params(callbacks=partial(_end_epoch, rows))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", SklossWarning)
        with progress:
            pipeline.fit(rows)
    pipeline[-1].set_params(callbacks=None)
    # What shows the progress is no part of the training.
    pipeline[-1].record_.configuration["parameters"]["callbacks"] = None
    return [" ".join(str(warning.message).split()) for warning in caught]


def _end_epoch(rows: _Watched, row: Mapping[str, float]) -> None:
    curves = {"loss": "loss", "val_loss": "validation loss", "val_mcc": "MCC"}
    rows.told = "".join(
        f", {word} {row[name]:.4f}" for name, word in curves.items() if name in row
    )
    rows.n_read = 0
    if rows.progress is not None:
        rows.progress.advance(rows.told)


class _Watched(RowSource):
    """Rows of a source, and how many of them were read since the last epoch."""

    def __init__(self, rows: RowSource) -> None:
        self._rows = rows
        self.names, self.buffer_rows = rows.names, rows.buffer_rows
        self.group_name, self.has_groups = rows.group_name, rows.has_groups
        self.has_labels = rows.has_labels
        self.progress: Progress | None = None
        self.told, self.n_read, self.n_rows = "", 0, 0

    @property
    def can_seek(self) -> bool:  # type: ignore[override]
        return self._rows.can_seek

    def blocks(self) -> Iterator[Block]:
        for block in self._rows.blocks():
            self.n_rows += len(block.X)
            self._tell(f", {self.n_rows:,} rows counted")
            yield block

    def read(self, number: int) -> Any:
        values = self._rows.read(number)
        self.n_read += len(values)
        share = self.n_read / max(self.n_rows, 1) % 1
        self._tell(f"{self.told}, {share:.0%} of a pass")
        return values

    def place(self, number: int, first: int, n_rows: int) -> str:
        return self._rows.place(number, first, n_rows)

    def _tell(self, details: str) -> None:
        if self.progress is not None:
            self.progress.tell(details)


def _summary(classifier: Any) -> Iterator[str]:
    """Tell the rows, and what the kept weights reach."""
    record = classifier.record_
    counts = record.data["class_counts"]
    n_held = sum(counts.get("validation", []))
    told = ", ".join(
        f"{count:,} of {label!r}"
        for label, count in zip(record.data["classes"], counts["original"], strict=True)
    )
    yield f"Trained on {record.data['n_rows']:,} rows ({told}); held out {n_held:,}."
    if not record.n_epochs:
        yield "No epoch ended, so the weights are those from before training."
        return
    kept = record.outcome.get("kept_epoch")
    epoch = record.n_epochs - 1 if kept is None else kept
    names = ("loss", "val_loss", "val_mcc", "val_f1", "val_average_precision")
    values = [
        f"{name} {record.history[name][epoch]:.4f}"
        for name in names
        if name in record.history
    ]
    yield f"Kept epoch {epoch + 1} of {record.n_epochs}: {', '.join(values)}."
