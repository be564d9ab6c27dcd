"""``EpochLogger``: the curves of a fit in files, epoch by epoch."""

import csv
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["EpochLogger", "EpochValues", "values_of_epoch"]


class EpochValues(NamedTuple):
    """The values of all curves after an epoch, and whose they are."""

    epoch: int
    member: int | None
    values: dict[str, float]


def values_of_epoch(context: Any, fitted: Any) -> EpochValues | None:
    """Read what an epoch of a fit has come to; None if the task is no epoch."""
    record = getattr(fitted, "record_", None)
    if context.task_name != "epoch" or record is None:
        return None
    within = context.parent
    is_member = within is not None and within.task_name == "member"
    return EpochValues(
        int(context.task_id),
        int(within.task_id) if is_member else None,
        {name: float(curve[-1]) for name, curve in record.history.items()},
    )


class EpochLogger:
    """Write the curves of a fit to a table or for TensorBoard, epoch by epoch.

    It is a callback of scikit-learn (1.9 or newer), for one classifier at a time: set
    it with ``classifier.set_callbacks(EpochLogger(...))``. It needs nothing at the end
    of the fit, so that a fit that is killed leaves its epochs.

    Parameters
    ----------
    to : str or path-like
        A path that ends in ".csv" is a table with a row for each epoch. Another path is
        a folder of event files for TensorBoard, one for training and one for
        validation, as Keras writes them. A new fit writes a new table. Of several
        members each row or name says which.

    See Also
    --------
    skloss.tracking.MLflowLogger : Logs fits and searches as runs of MLflow.

    Notes
    -----
    TensorBoard is a package of its own: ``pip install "skloss[tensorboard]"``.

    Examples
    --------
    >>> from skloss import DenseClassifier, diagnose
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(300, random_state=0)
    >>> classifier = DenseClassifier(epochs=2, random_state=0)
    >>> logger = EpochLogger("curves.csv")
    >>> classifier.set_callbacks(logger).fit(X, y)  # doctest: +SKIP
    >>> diagnose("curves.csv").case.n_epochs  # doctest: +SKIP
    2
    """

    def __init__(self, to: str | PathLike[str]) -> None:
        self.to = to
        self._writers: dict[str, Any] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Before a fit: open event files, and say what is not installed."""
        if not self._is_table:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            folder = Path(self.to)
            self._writers = {
                side: EventFileWriter(str(folder / side))
                for side in ("train", "validation")
            }

    def teardown(self, estimator: Any, context: Any) -> None:
        """After a fit: close event files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Before an epoch: nothing."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """After an epoch: write the last values of its curves."""
        found = values_of_epoch(context, fitted_estimator)
        if found is None:
            return
        epoch, member, values = found
        if self._is_table:
            place = {} if member is None else {"member": member}
            is_first = epoch == 0 and not member
            self._append({**place, "epoch": epoch, **values}, is_first)
        else:
            place_of = "" if member is None else f"member_{member}/"
            self._write_events(epoch, values, place_of)

    @property
    def _is_table(self) -> bool:
        return Path(self.to).suffix.lower() == ".csv"

    def _append(self, row: dict[str, float], is_first: bool) -> None:
        mode = "w" if is_first else "a"
        with open(self.to, mode, newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if is_first:
                writer.writeheader()
            writer.writerow(row)

    def _write_events(self, epoch: int, row: dict[str, float], place: str) -> None:
        import time

        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        for side, writer in self._writers.items():
            is_validation = side == "validation"
            values = [
                Summary.Value(
                    tag=f"{place}epoch_{name.removeprefix('val_')}", simple_value=x
                )
                for name, x in row.items()
                if name.startswith("val_") == is_validation
            ]
            summary = Summary(value=values)
            writer.add_event(Event(wall_time=time.time(), step=epoch, summary=summary))
            writer.flush()

    def __getstate__(self) -> dict[str, Any]:
        # Open files belong to this process.
        return {**self.__dict__, "_writers": {}}
