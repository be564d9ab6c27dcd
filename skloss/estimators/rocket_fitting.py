"""Fit kernels and head: the one of several penalties that unseen rows choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from joblib import effective_n_jobs

from skloss.estimators.fit_job import Job
from skloss.estimators.rocket_record import curve_row, rocket_record
from skloss.estimators.series_choice import level_tells, prepared_series
from skloss.metrics import class_prior
from skloss.record import TrainingRecord
from skloss.rocket import (
    PENALTIES,
    HeadPath,
    Heldout,
    RidgeFit,
    RocketKernels,
)
from skloss.training.outputs import probabilities

__all__ = ["RocketFeatures", "RocketFit", "fit_rocket"]


@dataclass(frozen=True)
class RocketFeatures:
    """Rows to features: each series scaled by itself or not, convolved, and counted."""

    input_shape: tuple[int, ...]
    scales: bool
    kernels: RocketKernels

    def __call__(self, X: np.ndarray, n_jobs: int | None) -> np.ndarray:
        """Features ``(n, n_features)`` of rows."""
        series = X.reshape(len(X), *self.input_shape)
        series = prepared_series(series, scales=self.scales)
        return self.kernels.transform(series, effective_n_jobs(n_jobs))


@dataclass(frozen=True)
class RocketFit:
    """What a fit leaves.

    ``left_out`` are the probabilities ``(n, n_classes)`` of the rows given to ``fit``,
    or None where rows were held out.
    """

    features: RocketFeatures
    head: RidgeFit
    penalty: float
    left_out: np.ndarray | None
    record: TrainingRecord


def fit_rocket(
    job: Job, shape: tuple[int, ...], groups: Sequence[np.ndarray] | None
) -> RocketFit:
    """Fit the classifier of a job, whose parameters are read.

    Parameters
    ----------
    job : Job
        The fit. All of its training rows have a weight above zero.
    shape : tuple of int
        Time steps and channels of a series.
    groups : sequence of ndarray of int or None
        Positions of the training rows that are left out together.
    """
    features, path = _start(job, shape, groups, _scales(job, shape, groups))
    held_out = _held_out(job, features)
    candidates = [path.candidate(penalty, held_out) for penalty in PENALTIES]
    curves = [curve_row(job, found) for found in candidates]
    found = min(candidates, key=attrgetter("loss"))
    return RocketFit(
        features,
        path.fit(found.penalty, found.scale),
        found.penalty,
        None if job.rows.validation else probabilities(found.validation),
        rocket_record(job, curves, found, groups),
    )


def _start(
    job: Job,
    shape: tuple[int, ...],
    groups: Sequence[np.ndarray] | None,
    scales: bool,
) -> tuple[RocketFeatures, HeadPath]:
    """Choose kernels, and decompose the features of the training rows."""
    estimator, training = job.estimator, job.rows.training
    random = np.random.RandomState(job.settings.seed)
    series = prepared_series(training.X.reshape(-1, *shape), scales=scales)
    kernels = RocketKernels.fitted(series, estimator.n_kernels, random)
    found = kernels.transform(series, effective_n_jobs(estimator.n_jobs))
    weight = np.ones(len(training)) if job.weight is None else job.weight
    path = HeadPath(found, training.y, job.n_classes, weight, groups)
    return RocketFeatures(shape, scales, kernels), path


def _scales(
    job: Job, shape: tuple[int, ...], groups: Sequence[np.ndarray] | None
) -> bool:
    """Whether each series is scaled by itself."""
    how = job.estimator.scale_series
    if how != "auto":
        return how == "zscore"
    rows, group_of = job.rows.original, job.rows.groups_original
    if groups is not None:
        group_of = np.empty(len(rows), int)
        for number, group in enumerate(groups):
            group_of[group] = number
    return not level_tells(rows, shape, group_of, job.estimator.n_jobs)


def _held_out(job: Job, features: RocketFeatures) -> Heldout | None:
    """Rows that were held out, with the classes weighted as in training."""
    rows = job.rows.validation
    if rows is None or not len(rows):
        return None
    prior = class_prior(rows.y, job.n_classes, rows.sample_weight)
    by_class = np.divide(job.prior, prior, out=np.zeros_like(prior), where=prior > 0)
    weight = by_class[rows.y]
    if rows.sample_weight is not None:
        weight = weight * rows.sample_weight
    return Heldout(features(rows.X, job.estimator.n_jobs), rows.y, weight)
