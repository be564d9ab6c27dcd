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
    Pooling,
    RidgeFit,
    RocketKernels,
)
from skloss.training.outputs import probabilities

__all__ = ["RocketFeatures", "RocketFit", "fit_rocket"]

# A kernel's weights have an absolute sum of 12, and differences are twice as large.
_MOST_PER_VALUE = 24


@dataclass(frozen=True)
class RocketFeatures:
    """Rows to features: each series scaled by itself or not, convolved, and read.

    ``differences`` are the kernels of the changes from one time step to the next.
    """

    input_shape: tuple[int, ...]
    scales: bool
    kernels: RocketKernels
    differences: RocketKernels | None = None

    @classmethod
    def fitted(
        cls, job: Job, shape: tuple[int, ...], scales: bool
    ) -> tuple["RocketFeatures", np.ndarray]:
        """Choose kernels by the training rows; return them, and the rows' features."""
        estimator, X = job.estimator, job.rows.training.X
        pooling: Pooling = estimator.pooling
        inputs = _inputs(X.reshape(-1, *shape), scales, pooling)
        n_features = int(estimator.n_kernels) // len(inputs)
        random = np.random.RandomState(job.settings.seed)
        kernels = [
            RocketKernels.fitted(series, n_features, random, pooling)
            for series in inputs
        ]
        found = cls(shape, scales, *kernels)
        return found, found.of(inputs, estimator.n_jobs)

    def __call__(self, X: np.ndarray, n_jobs: int | None) -> np.ndarray:
        """Features ``(n, n_features)`` of rows."""
        series = X.reshape(len(X), *self.input_shape)
        return self.of(_inputs(series, self.scales, self.kernels.pooling), n_jobs)

    def of(self, inputs: Sequence[np.ndarray], n_jobs: int | None) -> np.ndarray:
        """Features of series that were scaled, and of their differences."""
        given = (self.kernels, self.differences)
        kernels = [part for part in given if part is not None]
        sizes = [part.n_features for part in kernels]
        features = np.empty((len(inputs[0]), sum(sizes)), np.float32)
        ends = np.split(features, np.cumsum(sizes)[:-1], axis=1)
        for part, series, out in zip(kernels, inputs, ends, strict=True):
            part.transform(series, effective_n_jobs(n_jobs), out)
        return features


def _inputs(series: np.ndarray, scales: bool, pooling: Pooling) -> list[np.ndarray]:
    """Give kernels the series and, with "multi", their differences, too."""
    if not scales:
        _check_size(series)
    series = prepared_series(series, scales=scales)
    if pooling == "ppv":
        return [series]
    return [series, prepared_series(np.diff(series, axis=1), scales=False)]


def _check_size(series: np.ndarray) -> None:
    """Refuse values whose sums over channels and time steps may overflow."""
    n_values = max(1, series.shape[1] * series.shape[2])
    most = float(np.finfo(np.float32).max) / (_MOST_PER_VALUE * n_values)
    largest = max(-series.min(initial=0), series.max(initial=0))
    if largest > most:
        raise ValueError(
            f"X has values up to {largest:.2g}, and sums of values above {most:.2g} "
            "may overflow, because the series are not scaled: divide X by a constant, "
            'or set scale_series="zscore".'
        )


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
    training = job.rows.training
    features, found = RocketFeatures.fitted(job, shape, scales)
    weight = np.ones(len(training)) if job.weight is None else job.weight
    return features, HeadPath(found, training.y, job.n_classes, weight, groups)


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
