"""``EpochLogger``: the curves of a fit in a file or a tracker, epoch by epoch."""

import csv
from os import PathLike
from pathlib import Path
from typing import Any

__all__ = ["EpochLogger"]


class EpochLogger:
    """Write the curves of a fit to a file or to a tracker, epoch by epoch.

    It is a callback of scikit-learn (1.9 or newer), for one classifier at a time: set
    it with ``classifier.set_callbacks(EpochLogger(...))``. It needs nothing at the end
    of the fit, so that a fit that is killed leaves its epochs.

    Parameters
    ----------
    to : str or path-like
        A path that ends in ".csv" is a table with a row for each epoch. ``"mlflow"``
        logs metrics to MLflow's active run. Another path is a folder of event files for
        TensorBoard, one for training and one for validation, as Keras writes them. A
        new fit writes a new table. Of several members each row or name says which.

    Notes
    -----
    MLflow and TensorBoard are packages of their own: ``pip install mlflow`` or ``pip
    install tensorboard``.

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
        if self.to == "mlflow":
            import mlflow  # noqa: F401
        elif not self._is_table:
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
        record = getattr(fitted_estimator, "record_", None)
        if context.task_name != "epoch" or record is None:
            return
        row = {name: float(curve[-1]) for name, curve in record.history.items()}
        epoch = int(context.task_id)
        within = context.parent
        is_member = within is not None and within.task_name == "member"
        member = int(within.task_id) if is_member else None
        if self.to == "mlflow":
            import mlflow

            prefix = "" if member is None else f"member_{member}_"
            mlflow.log_metrics({prefix + k: v for k, v in row.items()}, step=epoch)
        elif self._is_table:
            place = {} if member is None else {"member": member}
            is_first = epoch == 0 and not member
            self._append({**place, "epoch": epoch, **row}, is_first)
        else:
            self._write_events(
                epoch, row, "" if member is None else f"member_{member}/"
            )

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
