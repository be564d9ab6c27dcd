"""The record of a `RocketClassifier`: its curves go over penalties, not epochs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from skloss.estimators.fit_job import Job
from skloss.estimators.fit_record import Description, Measured, make_record
from skloss.metrics import epoch_metrics
from skloss.record import Training, TrainingRecord
from skloss.record.gap_measurement import RowLosses, measured_gap
from skloss.record.group_names import group_titles
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
    job: Job,
    curves: list[dict[str, Any]],
    found: Candidate,
    groups: Sequence[np.ndarray] | None = None,
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
    groups : sequence of ndarray of int, optional
        Positions of the training rows that were left out together.
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
    gap = _gap(job, history, best, found, groups)
    record = make_record(validated, description, result, measured, gap)
    # Nothing was trained by gradients, so rules about layers and steps have no say.
    unknown = {"layers": None, "n_parameters": None, "training": None}
    return replace(record, configuration=record.configuration | unknown)


def _gap(
    job: Job,
    history: dict[str, list[float]],
    best: int,
    found: Candidate,
    groups: Sequence[np.ndarray] | None,
) -> dict[str, Any]:
    """Split the gap at the chosen penalty.

    The curves are the plain cross-entropy: neither the penalty of the ridge nor the
    weights of the classes are in it, and nothing moves or drops out. What is left is
    sample weights, the prior of rows held out, and rows not seen. Without a hold-out
    the rows of both sides are the same.
    """
    rows, titles = job.rows, {}
    group_of = None
    if groups is not None and rows.validation is None:
        group_of = np.empty(len(rows.training), int)
        for number, together in enumerate(groups):
            group_of[together] = number
        titles["generalization"], _ = group_titles(rows.group_name)
    sides = [
        _losses_of(part, logits, group_of)
        for part, logits in zip(
            _splits(job).values(), (found.training, found.validation), strict=True
        )
    ]
    try:
        gap = measured_gap(
            best,
            history["loss"][best],
            history["val_loss"][best],
            job.n_classes,
            trained=sides[0],
            held_out=sides[1],
            is_paired=rows.validation is None,
            titles=titles,
            seed=job.settings.seed,
        )
    except ValueError as error:  # a loss is not finite
        return {"not_measured": str(error)}
    return replace(gap, place=f"penalty {found.penalty:.3g}").to_dict()


def _losses_of(rows: Rows, logits: np.ndarray, groups: np.ndarray | None) -> RowLosses:
    losses = row_losses("crossentropy", _outputs(logits), rows.y)
    weight = rows.sample_weight
    if weight is not None:  # the curve is a weighted mean
        weight = weight / weight.mean()
    return RowLosses(rows.y, np.asarray(losses, float), None, weight, groups)


def _splits(job: Job) -> dict[str, Rows]:
    """Rows by ``""`` and ``"val_"``, as the names of the curves begin.

    Without a hold-out the training rows are on both sides: each was left out once.
    """
    held_out = job.rows.validation
    return {"": job.rows.training, "val_": held_out or job.rows.training}


def _outputs(logits: np.ndarray) -> np.ndarray:
    """Logits as a network gives them: one for two classes."""
    return logits[:, 1:] - logits[:, :1] if logits.shape[1] == 2 else logits
