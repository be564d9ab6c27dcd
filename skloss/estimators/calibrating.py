"""Calibration of a fit: undo the shift of prior, and choose the temperature."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skloss.estimators.fit_job import Job
from skloss.metrics import best_temperature, log_shift
from skloss.training import Evaluator, TrainingResult
from skloss.training.calibration import AS_TRAINED, Calibration

__all__ = [
    "calibrated",
    "calibrated_fit",
    "calibration_of",
    "check_calibration",
    "prior_shift",
]

# Before any row is seen, temperatures from 0.4 to 2.7 are likely. It was chosen on two
# folds of the KEEL tables of benchmarks/dense_variants.py, by log-loss.
_SPREAD = 0.5


def check_calibration(job: Job) -> None:
    """Refuse a temperature without rows to choose it by."""
    if job.estimator.calibration is None or _earlier(job) is not None:
        return
    validation = job.rows.validation
    if validation is None or not validation.has_weight:
        raise ValueError(
            f"calibration='temperature' of {job.owner} needs validation rows: set "
            "validation_fraction, or pass X_val and y_val to fit; partial_fit keeps "
            "the temperature of the fit before."
        )


def prior_shift(job: Job, n_outputs: int) -> tuple[float, ...] | None:
    """Return what undoes the shift of prior, for each logit; None if not asked.

    The network has learned the shares of the classes in the loss, after samplers and
    weights; with the logit-adjusted loss, those without what that loss adds.
    """
    asked = job.estimator.prior_correction
    if asked is False:
        return None
    if isinstance(asked, Mapping):
        prior = np.where(job.prior > 0, job.prior, 1 / (len(job.rows.training) + 1))
        shift = log_shift(prior, _given_shares(job, asked))
    else:
        shift = -np.log(_relative_weights(job))
        shift -= shift.mean()
    if n_outputs == 1:
        shift = shift[1:] - shift[:1]
    if job.settings.logit_shift is not None:
        shift = shift + np.asarray(job.settings.logit_shift)
    return tuple(shift.tolist())


def _relative_weights(job: Job) -> np.ndarray:
    """Return how much a row of each class counts in training, up to a factor."""
    counts = job.rows.class_counts(job.n_classes)
    # Of a class without rows, as it can be in partial_fit, the weight alone is known.
    by_class = np.ones(job.n_classes) if job.class_weight is None else job.class_weight
    natural = counts / max(counts.sum(), 1)
    relative = np.where(counts > 0, job.prior / np.where(counts, natural, 1), by_class)
    relative[counts == 0] /= job.mean_weight
    if not (relative > 0).all():
        lost = [
            job.estimator.classes_.tolist()[c] for c in np.nonzero(relative <= 0)[0]
        ]
        raise ValueError(
            f"prior_correction=True of {job.owner} cannot undo that the rows of {lost} "
            "have no weight in training: give each label a weight above 0, and let the "
            "sampler keep rows of each."
        )
    return relative


def _given_shares(job: Job, asked: Mapping[Any, float]) -> np.ndarray:
    labels = job.estimator.classes_.tolist()
    shares = np.array([asked.get(label, np.nan) for label in labels], dtype=float)
    if len(asked) != len(labels) or not (shares > 0).all() or np.isinf(shares).any():
        raise ValueError(
            f"The 'prior_correction' parameter of {job.owner} must be True, False or a "
            f"dict with the share of each label, which are {labels}, all above 0. Got "
            f"{dict(asked)!r} instead."
        )
    return shares / shares.sum()


def calibrated_fit(
    job: Job,
    result: TrainingResult,
    evaluators: Mapping[str, Evaluator],
    calibration: Calibration,
) -> Calibration:
    """Add the temperature to the calibration of a fit.

    Any rows that the network was not trained on will do; here they are those held out.
    """
    if job.estimator.calibration is None:
        return calibration
    earlier = _earlier(job)
    if earlier is not None:
        return replace(calibration, temperature=earlier.temperature)
    held = evaluators["val_"]
    outputs = held.network.outputs(held.rows.X, result.weights)
    raw = held.network.logits(outputs)
    logits = replace(calibration, temperature=1.0).logits(raw)
    if not np.isfinite(logits).all():
        return calibration
    rows = held.rows
    found, _ = best_temperature(logits, rows.y, rows.sample_weight, spread=_SPREAD)
    return replace(calibration, temperature=found)


def calibrated(evaluator: Evaluator, calibration: Calibration | None) -> Evaluator:
    """Measure with the calibration that was found after the last epoch."""
    if calibration is None:
        return evaluator
    network: Any = evaluator.network
    return replace(evaluator, network=replace(network, calibration=calibration))


def calibration_of(evaluators: Mapping[str, Evaluator]) -> Calibration:
    """Return the calibration that the curves were measured with."""
    return getattr(evaluators[""].network, "calibration", AS_TRAINED)


def _earlier(job: Job) -> Calibration | None:
    """Calibration of the fit that a partial fit goes on from."""
    if not job.rows.is_partial or job.earlier is None:
        return None
    return getattr(job.earlier, "calibration", AS_TRAINED)
