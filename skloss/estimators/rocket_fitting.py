"""Fit kernels and head: the one of several penalties that unseen rows choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
from joblib import effective_n_jobs

from skloss.estimators.fit_job import Job
from skloss.estimators.rocket_record import curve_row, rocket_record
from skloss.holdout import stratified_sample
from skloss.metrics import class_prior
from skloss.preprocessing import SeriesScaler
from skloss.record import TrainingRecord
from skloss.rocket import (
    FEWEST_TIMESTEPS,
    PENALTIES,
    HeadPath,
    Heldout,
    RidgeFit,
    RocketKernels,
)
from skloss.training.outputs import probabilities

__all__ = ["RocketFeatures", "RocketFit", "fit_rocket"]

# Series that were scaled with n - 1 in the place of n differ by more than rounding.
_SCALED = 0.05
# Rows and kernels on which scaling is tried.
_TRIED_ROWS = 1000
_TRIED_KERNELS = 1680


@dataclass(frozen=True)
class RocketFeatures:
    """Rows to features: each series scaled by itself or not, convolved, and counted."""

    input_shape: tuple[int, ...]
    scales: bool
    kernels: RocketKernels

    def __call__(self, X: np.ndarray, n_jobs: int | None) -> np.ndarray:
        """Features ``(n, n_features)`` of rows."""
        series = _prepared(X, self.input_shape, self.scales)
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
    scales = job.estimator.scale_series
    if scales == "auto":
        scales = _is_better_scaled(job, shape, groups)
    features, path = _start(job, shape, groups, bool(scales))
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
    most_kernels: int | None = None,
) -> tuple[RocketFeatures, HeadPath]:
    """Choose kernels, and decompose the features of the training rows."""
    estimator, training = job.estimator, job.rows.training
    random = np.random.RandomState(job.settings.seed)
    series = _prepared(training.X, shape, scales)
    n_kernels = min(estimator.n_kernels, most_kernels or estimator.n_kernels)
    kernels = RocketKernels.fitted(series, n_kernels, random)
    found = kernels.transform(series, effective_n_jobs(estimator.n_jobs))
    weight = np.ones(len(training)) if job.weight is None else job.weight
    path = HeadPath(found, training.y, job.n_classes, weight, groups)
    return RocketFeatures(shape, scales, kernels), path


def _is_better_scaled(
    job: Job, shape: tuple[int, ...], groups: Sequence[np.ndarray] | None
) -> bool:
    """Whether unseen rows are predicted better once each series is scaled by itself.

    Tried on few rows and kernels, which takes little of the time of the fit.
    """
    rows = job.rows.training
    chosen = stratified_sample(rows.y, _TRIED_ROWS)
    X = rows.X[chosen]
    if _are_scaled(X, shape):
        return True
    small = replace(rows, X=X, y=rows.y[chosen])
    weight = None if job.weight is None else job.weight[chosen]
    tried = replace(job, rows=replace(job.rows, training=small), weight=weight)
    if groups is not None:
        group_of = np.empty(len(rows), int)
        for number, group in enumerate(groups):
            group_of[group] = number
        numbers = group_of[chosen]
        groups = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    losses = []
    for scales in (True, False):
        features, path = _start(tried, shape, groups, scales, _TRIED_KERNELS)
        held_out = _held_out(tried, features)
        candidates = (path.candidate(penalty, held_out) for penalty in PENALTIES)
        losses.append(min(found.loss for found in candidates))
    return losses[0] <= losses[1]


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


def _prepared(X: np.ndarray, shape: tuple[int, ...], scales: bool) -> np.ndarray:
    """Series ``(n, timesteps, channels)``, long enough for a kernel."""
    series = X.reshape(len(X), *shape)
    if scales:
        series = SeriesScaler().fit_transform(series)
    missing = FEWEST_TIMESTEPS - shape[0]
    return series if missing <= 0 else np.pad(series, ((0, 0), (0, missing), (0, 0)))


def _are_scaled(X: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether scaling each series by itself would change next to nothing."""
    series = X.reshape(len(X), *shape)
    # In double precision, since the squares of large numbers overflow in single.
    means = series.mean(axis=1, dtype=np.float64)
    spreads = series.std(axis=1, dtype=np.float64)
    return bool((abs(means) < _SCALED).all() and (abs(spreads - 1) < _SCALED).all())
