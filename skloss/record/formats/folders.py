"""Folders of metrics: of MLflow, and of TensorBoard."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from skloss.record.curve_names import is_epoch
from skloss.record.epoch_rows import Columns, trainings_of_rows
from skloss.record.formats.event_files import is_event_file, read_event_files
from skloss.record.text_files import not_a_history, text_of_file

__all__ = ["read_folder"]

_METRICS = "metrics"  # folder in that of each run of MLflow
_MOST_FILES = 10_000  # more than runs have; a home folder is no log


class _Point(NamedTuple):
    """A value of a metric, as a line in MLflow's file of it."""

    step: float
    time: float
    name: str
    value: str


def read_folder(path: Path) -> list[Columns]:
    """Read the runs in a folder; those of MLflow in the order of their start."""
    path = path.absolute()
    files = _files_below(path)
    events = [file for file in files if is_event_file(file)]
    if events:
        return read_event_files(events, path)
    below = len(path.parts) - (path.name == _METRICS)
    metrics = [file for file in files if _METRICS in file.parts[below:-1]]
    if not metrics:
        raise not_a_history(
            f"{path} is a folder that has neither metrics of MLflow nor event files of "
            "TensorBoard"
        )
    return _of_mlflow(metrics)


def _files_below(path: Path) -> list[Path]:
    files: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        files += [Path(folder) / name for name in sorted(names)]
        if len(files) > _MOST_FILES:
            raise not_a_history(f"the folder {path} has more than {_MOST_FILES} files")
    return files


def _of_mlflow(files: Sequence[Path]) -> list[Columns]:
    """Read a file for each metric; names may have slashes, which make folders."""
    runs: dict[tuple[str, ...], list[_Point]] = {}
    for file in files:
        at = len(file.parts) - 1 - file.parts[::-1].index(_METRICS)
        points = runs.setdefault(file.parts[:at], [])
        points += _points(file, "/".join(file.parts[at + 1 :]))
    by_start = sorted(
        filter(None, runs.values()), key=lambda run: min(point.time for point in run)
    )
    trainings = [training for run in by_start for training in _of_points(run)]
    if not trainings:
        raise not_a_history("its files of metrics are empty")
    return trainings


def _points(file: Path, name: str) -> list[_Point]:
    """Values in lines of a time, a value and a step."""
    points = []
    for line in text_of_file(file, not_a_history).splitlines():
        try:
            time, value, step = (*line.split(), "0")[:3]
            points.append(_Point(float(step), float(time), name, value))
        except ValueError as err:
            raise not_a_history(f"{file} is no metric of MLflow") from err
    return points


def _of_points(points: Sequence[_Point]) -> list[Columns]:
    """Join values by step; a metric "epoch" says of which epoch a step is."""
    n_values = Counter(point.name for point in points)
    has_curves = max(n_values.values()) > 1  # then a single value is a result
    counter = "step" if any(map(is_epoch, n_values)) else "epoch"
    rows: dict[float, dict[str, Any]] = {}
    for point in sorted(points):
        if n_values[point.name] > 1 or not has_curves:
            row = rows.setdefault(point.step, {counter: point.step})
            row[point.name] = point.value
    return trainings_of_rows(list(rows.values()))
