"""Measure the gap between training and validation loss at the end of a fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skloss.estimators.fit_job import Job
from skloss.estimators.fit_rows import FitRows
from skloss.holdout import stratified_sample
from skloss.record.gap_measurement import RowLosses, TrainingMode, measured_gap
from skloss.record.group_names import group_titles
from skloss.record.loss_gap import LossGap
from skloss.training import Evaluator, Rows, TrainingResult
from skloss.training.evaluation import MeasuredNetwork

__all__ = ["MeasureMode", "measure_gap"]

Weights = list[np.ndarray]
# Measures rows, with weights in the loss and their losses of inference, at weights.
MeasureMode = Callable[[Rows, np.ndarray, Weights], TrainingMode]


def measure_gap(
    job: Job,
    result: TrainingResult,
    evaluators: Mapping[str, Evaluator],
    network: MeasuredNetwork,
    mode: MeasureMode,
    *,
    loss: str | None,
) -> dict[str, Any]:
    """Measure the kept epoch, and the last one where its weights are other ones.

    Parameters
    ----------
    job : Job
        The fit.
    result : TrainingResult
        What training left.
    evaluators : mapping of str to Evaluator
        By ``""`` and ``"val_"``; their rows are measured.
    network : MeasuredNetwork
        Gives outputs at any weights.
    mode : callable
        Measures what training mode adds.
    loss : str or None
        The loss that is trained by, in words; None if it is the cross-entropy.

    Returns
    -------
    dict
        Plain data of a `LossGap`, or the reason why it was ``"not_measured"``; empty
        without validation rows or epochs.
    """
    held = evaluators.get("val_")
    if held is None or not held.rows.has_weight or not result.n_epochs:
        return {}
    if job.rows.is_partial:
        return {}
    # The fit is done, and is worth more than what is only told of it.
    try:
        with np.errstate(all="ignore"):
            gap = _gap(job, result, evaluators, network, mode, loss)
    except Exception as error:
        return {"not_measured": str(error) or type(error).__name__}
    return gap.to_dict()


def _gap(
    job: Job,
    result: TrainingResult,
    evaluators: Mapping[str, Evaluator],
    network: MeasuredNetwork,
    mode: MeasureMode,
    loss: str | None,
) -> LossGap:
    last = result.n_epochs - 1
    kept = last if result.kept_epoch is None else result.kept_epoch
    measured = _Measured(job, evaluators, network, mode, loss)
    gap = measured.at(kept, result.history, result.weights)
    if kept != last and result.last_weights is not None:
        later = measured.at(last, result.history, result.last_weights)
        gap = replace(gap, last=later)
    return gap


@dataclass(frozen=True)
class _Side:
    """Rows of one side, and the group of each where it is known."""

    rows: Rows
    groups: np.ndarray | None = None
    share: float = 1.0


class _Measured:
    """The rows of a fit, and how their losses are measured."""

    def __init__(
        self,
        job: Job,
        evaluators: Mapping[str, Evaluator],
        network: MeasuredNetwork,
        mode: MeasureMode,
        loss: str | None,
    ) -> None:
        self.job, self.network, self.mode = job, network, mode
        self.is_crossentropy = loss is None
        rows, seen = job.rows, evaluators[""].rows
        # Without a sampler the rows trained on are the original ones.
        self.is_same = rows.original is rows.training or (
            rows.samplers == () and rows.source != "resampled"
        )
        chosen = None
        if len(seen) < len(rows.original):  # as the rows of the curves were chosen
            chosen = stratified_sample(rows.original.y, len(seen))
        share = len(seen) / max(len(rows.original), 1)
        side = _Side(
            replace(seen, sample_weight=None), _at(rows.groups_original, chosen), share
        )
        if self.is_same:
            weighted = replace(seen, sample_weight=job.weight_of(chosen, seen.y))
            self.trained, self.original = replace(side, rows=weighted), None
        else:
            trained = replace(rows.training, sample_weight=job.drawn_weight)
            self.trained, self.original = _some_of(trained, 2 * len(seen)), side
        held = evaluators["val_"].rows
        if held.sample_weight is not None:  # the curve is a weighted mean
            weight = held.sample_weight / held.sample_weight.mean()
            held = replace(held, sample_weight=weight)
        self.held = _Side(held, rows.groups_val)
        self.titles = _titles(rows)
        if job.settings.balanced_batches:
            both = " and weights" if job.weight is not None else ""
            self.titles["weights"] = f"balanced batches{both}"
        if job.settings.balanced_batches == "smote":
            moving = "weights still moving, and rows made between rows"
            self.titles["moving_weights"] = moving
        if loss is not None:
            self.titles["loss_function"] = f"{loss} instead of cross-entropy"

    def at(
        self, epoch: int, history: Mapping[str, list[float]], weights: Weights
    ) -> LossGap:
        trained = self._losses(self.trained, weights)
        mode = self.mode(self.trained.rows, trained.trained_by, weights)
        original = self.original
        return measured_gap(
            epoch,
            history["running_loss"][epoch],
            history["val_loss"][epoch],
            self.job.n_classes,
            trained=trained,
            held_out=self._losses(self.held, weights),
            original=None if original is None else self._losses(original, weights),
            mode=mode,
            titles=self.titles,
            seed=self.job.settings.seed,
        )

    def _losses(self, side: _Side, weights: Weights) -> RowLosses:
        network, rows = self.network, side.rows
        outputs = network.outputs(rows.X, weights)
        own = network.row_losses(rows.y, outputs)
        plain = own if self.is_crossentropy else network.crossentropy(rows.y, outputs)
        return RowLosses(
            rows.y,
            np.asarray(plain, float),
            None if self.is_crossentropy else np.asarray(own, float),
            rows.sample_weight,
            side.groups,
            side.share,
        )


def _some_of(rows: Rows, most: int) -> _Side:
    """Take at most so many rows, of each class its share."""
    if len(rows) <= most:
        return _Side(rows.compact())
    chosen = stratified_sample(rows.y, most)
    return _Side(rows.at(chosen).compact(), share=most / len(rows))


def _at(values: np.ndarray | None, chosen: np.ndarray | None) -> np.ndarray | None:
    return values if values is None or chosen is None else values[chosen]


def _titles(rows: FitRows) -> dict[str, str]:
    """Say what is known of the causes: the samplers, and the groups of the rows."""
    titles: dict[str, str] = {}
    if rows.samplers:
        told = " and ".join(rows.samplers)
        titles |= {"prior": f"{told}'s prior", "resampling": f"rows made by {told}"}
    if rows.groups_val is not None and rows.groups_original is not None:
        unseen, new_rows = group_titles(rows.group_name)
        known = np.isin(rows.groups_val, rows.groups_original)
        if not known.any():
            titles["generalization"] = unseen
        elif known.all():
            titles["generalization"] = new_rows
    return titles
