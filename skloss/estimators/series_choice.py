"""The trial that tells if level and amplitude of series say something of the class."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
from joblib import effective_n_jobs
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from skloss.holdout import stratified_sample
from skloss.networks import NetworkSpec
from skloss.networks.layers import SeriesScale, series_moments, statistics_of
from skloss.preprocessing import scaled_series
from skloss.rocket import FEWEST_TIMESTEPS, PENALTIES, HeadPath, RocketKernels
from skloss.training import Rows

__all__ = [
    "SCALINGS",
    "level_tells",
    "limited_threads",
    "prepared_series",
    "set_moments",
]

SCALINGS = ("auto", "zscore")  # and None

# Series that were scaled with n - 1 in the place of n differ by more than rounding.
_SCALED = 0.05
# Rows and kernels on which scaling is tried.
_TRIED_ROWS = 1000
_FEWEST_TRIED = 200
_TRIED_VALUES = 2**18
_TRIED_KERNELS = 1680
# A trial is noisy, and a level that tells little is better not seen: where rows of one
# person come in many, it tells the person.
_CLEARLY = 0.7
_MOMENT_ROWS = 10_000


def level_tells(
    rows: Rows,
    shape: tuple[int, ...],
    group_of: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> bool:
    """Whether unseen series are clearly better predicted with level and amplitude.

    Tried with fixed kernels on few rows, each of which is left out once, so that it
    takes little of the time of a fit. Nothing of it is random.

    Parameters
    ----------
    rows : Rows
        Original training rows.
    shape : tuple of int
        Time steps and channels of a series.
    group_of : ndarray of shape (n,), optional
        Group of each row; the rows of a group are left out together.
    n_jobs : int or None
        Threads of the convolutions.
    """
    affordable = _TRIED_VALUES // (shape[0] * shape[1])
    chosen = _chosen(rows, int(np.clip(affordable, _FEWEST_TRIED, _TRIED_ROWS)))
    rows = rows.at(chosen).compact()
    group_of = None if group_of is None else group_of[chosen]
    series = rows.X.reshape(len(rows), *shape)
    missing = np.isnan(series)
    if missing.any():  # kernels cannot skip steps
        series = np.where(missing, scaled_series(series, 1).mean, series)
    if _too_few(rows.y, group_of) or _are_scaled(series):
        return False
    # A common factor changes no feature, and squares of large numbers overflow.
    largest = np.abs(series).max()
    raw = series / (largest if largest > 0 else 1)
    losses = [
        _unseen_loss(prepared_series(raw, scales=scales), rows, group_of, n_jobs)
        for scales in (False, True)
    ]
    return losses[0] < _CLEARLY * losses[1]


def prepared_series(series: np.ndarray, *, scales: bool) -> np.ndarray:
    """Series ``(n, timesteps, channels)``, scaled or not, long enough for a kernel."""
    if scales:
        series = scaled_series(series, 1).values
    missing = FEWEST_TIMESTEPS - series.shape[1]
    return series if missing <= 0 else np.pad(series, ((0, 0), (0, missing), (0, 0)))


def limited_threads(n_jobs: int | None) -> AbstractContextManager[Any]:
    """Limit the threads of linear algebra, which are slow where cores are busy.

    The limit is one of the process, so it is left to whoever fits in several threads.
    """
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return cast(
        "AbstractContextManager[Any]", threadpool_limits(effective_n_jobs(n_jobs))
    )


def set_moments(spec: NetworkSpec, weights: list[np.ndarray], rows: Rows) -> None:
    """Set what moments of series are standardized by, if the network has them.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : list of ndarray
        Its weights, which are changed.
    rows : Rows
        Original training rows.
    """
    first = spec.layers[0]
    if not (isinstance(first, SeriesScale) and first.moments):
        return
    series = rows.values(_chosen(rows, _MOMENT_ROWS)).reshape(-1, *spec.input_shape)
    # Constant series have no logarithm, and say nothing of the others.
    found = np.ma.masked_invalid(series_moments(series)[:, 0].astype(np.float64))
    variance = np.ma.filled(found.var(axis=0), 0)
    mean = np.ma.filled(found.mean(axis=0), 0)
    weights[:3] = statistics_of(mean, np.where(variance > 0, variance, 1))


def _chosen(rows: Rows, at_most: int) -> np.ndarray:
    """Positions of rows with a weight, at even steps within each class."""
    weight = rows.sample_weight
    counting = np.arange(len(rows)) if weight is None else np.flatnonzero(weight)
    return counting[stratified_sample(rows.y[counting], at_most)]


def _too_few(codes: np.ndarray, group_of: np.ndarray | None) -> bool:
    """Whether a row that is left out leaves no other one of its class."""
    counts = np.unique(codes, return_counts=True)[1]
    if len(counts) < 2 or counts.max() < 2:
        return True
    return group_of is not None and len(np.unique(group_of)) < 2


def _are_scaled(series: np.ndarray) -> bool:
    """Whether scaling each series by itself would change next to nothing."""
    # In double precision, since the squares of large numbers overflow in single.
    means = series.mean(axis=1, dtype=np.float64)
    spreads = series.std(axis=1, dtype=np.float64)
    return bool((abs(means) < _SCALED).all() and (abs(spreads - 1) < _SCALED).all())


def _unseen_loss(
    series: np.ndarray,
    rows: Rows,
    group_of: np.ndarray | None,
    n_jobs: int | None,
) -> float:
    """Mean cross-entropy of left-out rows at the best penalty."""
    classes, codes = np.unique(rows.y, return_inverse=True)
    weight = np.ones(len(codes)) if rows.sample_weight is None else rows.sample_weight
    groups: Sequence[np.ndarray] | None = None
    if group_of is not None:
        names, numbers = np.unique(group_of, return_inverse=True)
        groups = [np.flatnonzero(numbers == number) for number in range(len(names))]
    kernels = RocketKernels.fitted(series, _TRIED_KERNELS, np.random.RandomState(0))
    features = kernels.transform(series, effective_n_jobs(n_jobs))
    path = HeadPath(features, codes, len(classes), weight, groups)
    return min(path.candidate(penalty).loss for penalty in PENALTIES)
