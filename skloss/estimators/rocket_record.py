"""The record of a `RocketClassifier`: its curves go over penalties, not epochs."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from skloss.estimators.fit_job import Job
from skloss.estimators.fit_record import Description, Measured, make_record
from skloss.metrics import epoch_metrics
from skloss.record import Training, TrainingRecord
from skloss.rocket import Candidate
from skloss.training import Rows, TrainingResult
from skloss.training.losses import row_losses
from skloss.training.outputs import probabilities

__all__ = ["curve_row", "rocket_record"]


def curve_row(job: Job, found: Candidate) -> dict[str, Any]:
    """Values of all curves at one penalty.

    Parameters
    ----------
    job : Job
        The fit.
    found : Candidate
        The head at the penalty.
    """
    row: dict[str, Any] = {"penalty": found.penalty}
    for prefix, rows in _splits(job).items():
        logits = found.validation if prefix else found.training
        values = epoch_metrics(
            rows.y,
            probabilities(logits),
            row_losses("crossentropy", _outputs(logits), rows.y),
            job.n_classes,
            positive=1 if job.positive is None else job.positive,
            priors={"train": job.prior},
            sample_weight=rows.sample_weight,
        )
        row |= {prefix + name: value for name, value in values.items()}
    return row


def rocket_record(
    job: Job, curves: list[dict[str, Any]], found: Candidate
) -> TrainingRecord:
    """Make the record of a fit.

    Parameters
    ----------
    job : Job
        The fit.
    curves : list of dict
        A `curve_row` for each penalty, from strong to weak.
    found : Candidate
        The head at the chosen one.
    """
    logits = {"": found.training, "val_": found.validation}
    measured = {
        prefix: Measured(rows, partial(probabilities, logits[prefix]))
        for prefix, rows in _splits(job).items()
    }
    history = {name: [float(row[name]) for row in curves] for name in curves[0]}
    best = history["penalty"].index(found.penalty)
    result = TrainingResult(
        weights=[],
        slots=[],
        step=0,
        history=history,
        best_epoch=best,
        kept_epoch=best,
        stop_reason="penalties",
        backend="closed form",
    )
    description = Description((), 0, Training(loss="crossentropy"), True)
    validated = replace(job, rows=replace(job.rows, validation=_splits(job)["val_"]))
    record = make_record(validated, description, result, measured)
    # Nothing was trained by gradients, so rules about layers and steps have no say.
    unknown = {"layers": None, "n_parameters": None, "training": None}
    return replace(record, configuration=record.configuration | unknown)


def _splits(job: Job) -> dict[str, Rows]:
    """Rows by ``""`` and ``"val_"``, as the names of the curves begin.

    Without a hold-out the training rows are on both sides: each was left out once.
    """
    held_out = job.rows.validation
    return {"": job.rows.training, "val_": held_out or job.rows.training}


def _outputs(logits: np.ndarray) -> np.ndarray:
    """Logits as a network gives them: one for two classes."""
    return logits[:, 1:] - logits[:, :1] if logits.shape[1] == 2 else logits
