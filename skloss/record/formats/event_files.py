"""Event files of TensorBoard, as Keras, Lightning and Hugging Face write them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from skloss.record.curve_names import is_epoch
from skloss.record.epoch_rows import Columns, trainings_of_rows
from skloss.record.text_files import not_a_history

__all__ = ["is_event_file", "read_event_files"]

_PREFIX = "events.out.tfevents."
_TRAINING, _VALIDATION = ("train",), ("validation", "val", "valid", "eval", "test")
_FLOATS = (1, 2)  # of 32 and of 64 bits, as the protocol numbers them


def is_event_file(path: Path) -> bool:
    """Whether a file has the name of TensorBoard's event files."""
    return path.name.startswith(_PREFIX)


def read_event_files(paths: Sequence[Path], root: Path | None = None) -> list[Columns]:
    """Read a training from the files of each folder below a root.

    The folders "train" and "validation" of Keras' callback are one training.
    """
    runs: dict[Path, list[Path]] = {}
    for path in paths:
        folder = path.parent
        is_side = folder.name in (*_TRAINING, *_VALIDATION) and folder != root
        runs.setdefault(folder.parent if is_side else folder, []).append(path)
    trainings: list[Columns] = []
    for files in runs.values():
        rows = [row for path in files for row in _rows(path)]
        rows.sort(key=lambda row: row["step"])
        if not any(is_epoch(name) for row in rows for name in row):
            rows = [{"epoch": row.pop("step"), **row} for row in rows]
        trainings += trainings_of_rows(rows) if rows else []
    if not trainings:
        raise not_a_history("its event files hold no scalars")
    return trainings


def _rows(path: Path) -> list[dict[str, Any]]:
    """Scalars by step; those of a folder of validation rows get its name."""
    side = "val_" if path.parent.name in _VALIDATION else ""
    rows: dict[int, dict[str, Any]] = {}
    for step, tag, number in _scalars(path):
        name = tag.removeprefix("epoch_")
        row = rows.setdefault(step, {"step": step})
        row[name if name.startswith(side) else side + name] = number
    return list(rows.values())


def _scalars(path: Path) -> Iterator[tuple[int, str, float]]:
    try:  # its stub reads the files without loading TensorFlow
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
    reader = PyRecordReader_New(str(path))
    while True:
        try:
            reader.GetNext()
        except (errors.OutOfRangeError, errors.DataLossError):
            return  # the end, or a record that is not written to its end yet
        event = Event.FromString(reader.record())
        for value in event.summary.value:
            if value.HasField("simple_value"):
                yield event.step, value.tag, float(value.simple_value)
            elif value.HasField("tensor"):
                tensor = value.tensor
                if tensor.dtype in _FLOATS and not tensor.tensor_shape.dim:
                    yield event.step, value.tag, float(make_ndarray(tensor))
