"""Folders of metrics: of MLflow, and event files of TensorBoard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skloss.record.curve_names import is_epoch
from skloss.record.epoch_rows import Columns, trainings_of_rows
from skloss.record.text_files import not_a_history, text_of_file

__all__ = ["is_event_file", "read_event_file", "read_folder"]

_EVENTS = "events.out.tfevents."
_MOST_FILES = 10_000  # more than runs have; a home folder is no log
_VALIDATION = ("validation", "val", "valid", "eval", "test")


def read_folder(path: Path) -> list[Columns]:
    """Read the runs in a folder, in the order of their start."""
    files = _files_below(path)
    events = [file for file in files if is_event_file(file)]
    metrics = [file for file in files if "metrics" in file.parent.parts]
    if path.name == "metrics" and not metrics:
        metrics = files
    if not events and not metrics:
        raise not_a_history(
            f"the folder {path} has neither metrics of MLflow nor event files of "
            "TensorBoard"
        )
    return _of_events(path, events) if events else _of_mlflow(metrics)


def is_event_file(path: Path) -> bool:
    """Whether a file has the name of TensorBoard's event files."""
    return path.name.startswith(_EVENTS)


def read_event_file(path: Path) -> list[Columns]:
    """Read one event file; its folder may name the side."""
    return trainings_of_rows(_rows_of_events(path))


def _files_below(path: Path) -> list[Path]:
    files: list[Path] = []
    for folder, _, names in path.walk() if hasattr(path, "walk") else _walk(path):
        files += [folder / name for name in sorted(names)]
        if len(files) > _MOST_FILES:
            raise not_a_history(f"the folder {path} has more than {_MOST_FILES} files")
    return files


def _walk(path: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Path.walk, which Python 3.11 does not have."""
    import os

    for folder, folders, names in os.walk(path):
        yield Path(folder), folders, names


def _of_mlflow(files: list[Path]) -> list[Columns]:
    """Read files of lines of time, value and step; their folder is the run."""
    runs: dict[Path, list[tuple[float, float, str, str]]] = {}
    for file in files:
        at = len(file.parts) - 1 - file.parts[::-1].index("metrics")
        name = "/".join(file.parts[at + 1 :])
        run = runs.setdefault(Path(*file.parts[:at]), [])
        for line in text_of_file(file, not_a_history).splitlines():
            cells = line.split()
            if len(cells) < 2:
                continue
            try:
                time, step = float(cells[0]), float(cells[2]) if len(cells) > 2 else 0.0
            except ValueError as err:
                raise not_a_history(f"{file} is no metric of MLflow") from err
            run.append((step, time, name, cells[1]))
    by_start = sorted(
        filter(None, runs.values()), key=lambda run: min(r[1] for r in run)
    )
    trainings = [t for run in by_start for t in _of_points(run)]
    if not trainings:
        raise not_a_history("its files of metrics are empty")
    return trainings


def _of_points(points: list[tuple[float, float, str, str]]) -> list[Columns]:
    """Join values by step; a metric named "epoch" says of which epoch a step is."""
    counts = {
        name: sum(point[2] == name for point in points)
        for name in {p[2] for p in points}
    }
    most = max(counts.values())
    rows: dict[float, dict[str, Any]] = {}
    for step, _, name, value in sorted(points, key=lambda point: point[:2]):
        if counts[name] > 1 or most == 1:  # a single value is a result
            rows.setdefault(step, {"step": step})[name] = value
    has_epochs = any(map(is_epoch, counts))
    kept = [
        {**row, "epoch": row["step"]} if not has_epochs else row
        for row in rows.values()
    ]
    for row in kept:
        if not has_epochs:
            del row["step"]
    return trainings_of_rows(kept)


def _of_events(root: Path, files: list[Path]) -> list[Columns]:
    """Join the folders "train" and "validation" of Keras' callback."""
    runs: dict[Path, list[Path]] = {}
    for file in files:
        folder = file.parent
        is_side = folder.name in (*_VALIDATION, "train") and folder != root
        runs.setdefault(folder.parent if is_side else folder, []).append(file)
    trainings: list[Columns] = []
    for paths in runs.values():
        rows = [row for path in paths for row in _rows_of_events(path)]
        rows.sort(key=lambda row: row["step"])
        has_epochs = any(is_epoch(name) for row in rows for name in row)
        if not has_epochs:
            rows = [{"epoch": row.pop("step"), **row} for row in rows]
        trainings += trainings_of_rows(rows) if rows else []
    if not trainings:
        raise not_a_history("its event files hold no scalars")
    return trainings


def _rows_of_events(path: Path) -> list[dict[str, Any]]:
    """Scalars by step; those of a folder of validation rows get its name."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.tensorflow_stub import errors
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import (
            PyRecordReader_New,
        )
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError as err:
        raise not_a_history(
            f"{path} is an event file; to read it, pip install tensorboard"
        ) from err
    side = "val_" if path.parent.name in _VALIDATION else ""
    rows: dict[int, dict[str, Any]] = {}
    reader = PyRecordReader_New(str(path))
    while True:
        try:
            reader.GetNext()
        except errors.OutOfRangeError:
            break
        except errors.DataLossError:  # the file was cut short
            break
        event = Event.FromString(reader.record())
        for value in event.summary.value:
            number = value.simple_value
            if value.HasField("tensor"):
                if value.tensor.dtype not in (1, 2) or value.tensor.tensor_shape.dim:
                    continue
                number = float(make_ndarray(value.tensor))
            elif not value.HasField("simple_value"):
                continue
            name = value.tag.removeprefix("epoch_")
            row = rows.setdefault(event.step, {"step": event.step})
            row[name if name.startswith(side) else side + name] = number
    return list(rows.values())
