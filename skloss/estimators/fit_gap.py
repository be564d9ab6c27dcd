"""Measure the levels between training and validation loss at the end of a fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skloss.estimators.fit_job import Job
from skloss.holdout import stratified_sample
from skloss.networks import NetworkSpec
from skloss.record.loss_levels import LossLevels, RowLosses, measure_levels
from skloss.training import Evaluator, Rows, TrainingResult
from skloss.training.training_pass import (
    has_training_mode,
    kernel_penalty,
    mode_batches,
    training_pass,
)

__all__ = ["ModeLosses", "measure_gap", "spec_mode"]

Weights = list[np.ndarray]


@dataclass(frozen=True)
class ModeLosses:
    """What training mode changes at fixed weights.

    ``penalty`` is None if it is not known, ``excess`` None if nothing is changed.
    """

    penalty: float | None = 0.0
    excess: np.ndarray | None = None
    reasons: Mapping[str, str] | None = None


# Measures rows, with weights in the loss, at the weights of a network.
Mode = Callable[[Rows, Weights], ModeLosses]


def measure_gap(
    job: Job,
    result: TrainingResult,
    evaluators: Mapping[str, Evaluator],
    mode: Mode,
    *,
    is_crossentropy: bool,
) -> dict[str, Any]:
    """Measure the kept epoch, and the last one where its weights are other ones.

    Returns
    -------
    dict
        Plain data by "kept" and "last"; empty without validation rows or epochs.
    """
    held = evaluators.get("val_")
    if held is None or not held.rows.has_weight or not result.n_epochs:
        return {}
    if job.rows.is_partial:
        return {}
    last = result.n_epochs - 1
    kept = last if result.kept_epoch is None else result.kept_epoch
    measured = _Measured(job, evaluators, mode, is_crossentropy)
    levels = {"kept": measured.at(kept, result.history, result.weights)}
    if kept != last and result.last_weights is not None:
        levels["last"] = measured.at(last, result.history, result.last_weights)
    return {name: found.to_dict() for name, found in levels.items()}


class _Measured:
    """The rows of a fit, and how their losses are measured."""

    def __init__(
        self,
        job: Job,
        evaluators: Mapping[str, Evaluator],
        mode: Mode,
        is_crossentropy: bool,
    ) -> None:
        self.job, self.mode, self.is_crossentropy = job, mode, is_crossentropy
        self.original, self.held = evaluators[""], evaluators["val_"]
        rows = job.rows
        # Without a sampler the rows trained on are the original ones.
        self.is_same = rows.original is rows.training or (
            rows.samplers == () and rows.source != "resampled"
        )
        training = replace(rows.training, sample_weight=job.weight)
        most = len(self.original.rows)
        self.share = min(1.0, most / max(len(training), 1))
        if len(training) > most:
            training = training.at(stratified_sample(training.y, most))
        self.training = training.compact()

    def at(
        self, epoch: int, history: Mapping[str, list[float]], weights: Weights
    ) -> LossLevels:
        trained = self._losses(self.training, weights)
        mode = self.mode(self.training, weights)
        original = None
        if not self.is_same:
            original = self._losses(
                replace(self.original.rows, sample_weight=None), weights
            )
        return measure_levels(
            epoch,
            history["running_loss"][epoch],
            history["val_loss"][epoch],
            self.job.n_classes,
            trained=replace(trained, share=self.share),
            original=original,
            held_out=self._losses(self.held.rows, weights),
            penalty=mode.penalty,
            mode_excess=mode.excess,
            reasons=mode.reasons,
        )

    def _losses(self, rows: Rows, weights: Weights) -> RowLosses:
        network = self.original.network
        outputs = network.outputs(rows.X, weights)
        own = network.row_losses(rows.y, outputs)
        plain = own if self.is_crossentropy else network.crossentropy(rows.y, outputs)
        return RowLosses(
            rows.y,
            np.asarray(plain, float),
            None if self.is_crossentropy else np.asarray(own, float),
            rows.sample_weight,
        )


def spec_mode(job: Job, spec: NetworkSpec, network: Any, step: int) -> Mode:
    """Measure networks of the compiled engine."""

    def mode(rows: Rows, weights: Weights) -> ModeLosses:
        penalty = kernel_penalty(spec, weights)
        differs = has_training_mode(spec)
        if not (differs or spec.activity_l2):
            return ModeLosses(penalty)
        excess, activities = [], []
        batches = mode_batches(
            len(rows),
            job.settings.batch_size,
            spec.n_multiplications,
            job.settings.seed,
            in_batches=any(w.role == "moving_mean" for w in spec.weight_shapes()),
        )
        for number, chosen in enumerate(batches):
            X, y = rows.values(chosen), rows.y[chosen]
            logits, activity = training_pass(
                spec, weights, X, job.settings.seed, (step + number) % 2**31
            )
            activities.append(activity)
            if differs:
                usual = network.row_losses(y, network.outputs(X, weights))
                change = network.row_losses(y, logits) - usual
                if rows.sample_weight is not None:
                    change = change * rows.sample_weight[chosen]
                excess.append(change)
        return ModeLosses(
            penalty + float(np.mean(activities)),
            np.concatenate(excess) if excess else None,
        )

    return mode
