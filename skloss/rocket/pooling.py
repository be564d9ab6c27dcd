"""Numbers of a convolution and a threshold: one, or MultiRocket's four.

Tan, Dempster, Bergmeir and Webb, "MultiRocket: multiple pooling operators and
transformations for fast and effective time series classification", 2022.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

__all__ = ["POOLINGS", "Pool", "Pooling"]

Pooling = Literal["ppv", "multi"]
# Numbers that are read of each threshold.
POOLINGS: dict[str, int] = {"ppv": 1, "multi": 4}

_MOST_IN_A_BYTE = 255


@dataclass(frozen=True)
class Pool:
    """Reads convolutions ``(n_kernels, n_timesteps, n)``.

    The numbers are, in this order: the share of time points above the threshold; by how
    much these are above it on average, in multiples of ``unit``; their mean time point;
    and the longest stretch of them, in time points. Where there is none they are 0, 0,
    -1 and 0.

    Parameters
    ----------
    above : ndarray of bool, shape (n_kernels, n_levels, n_timesteps or more, n)
        Room to work in.
    work : ndarray of float32, shape (n_kernels, n_levels, n_timesteps, n) or None
        The same for four numbers. None reads the share alone.
    unit : float
        What amounts are divided by.
    """

    above: np.ndarray
    work: np.ndarray | None
    unit: float

    @classmethod
    def of(cls, pooling: str, shape: tuple[int, int, int, int], unit: float) -> "Pool":
        """Make one for so many kernels, thresholds, time points and series."""
        n_kernels, n_levels, n_timesteps, n = shape
        work = np.empty(shape, np.float32) if pooling == "multi" else None
        whole = (n_kernels, n_levels, _whole(n_timesteps), n)
        return cls(np.empty(whole, bool), work, unit)

    def read(self, values: np.ndarray, limits: np.ndarray, out: np.ndarray) -> None:
        """Write the numbers of each threshold.

        Parameters
        ----------
        values : ndarray of float32, shape (n_kernels, n_timesteps, n)
            Convolutions; there may be more room than for these kernels and time points.
        limits : ndarray of float32, shape (n_kernels, n_levels)
            Thresholds of each kernel.
        out : ndarray of shape (n_kernels, 1 or 4, n_levels, n)
            Takes the numbers.
        """
        n_kernels, n_timesteps, _ = values.shape
        values, limits = values[:, None], limits[:, :, None, None]
        whole = self.above[:n_kernels, :, : _whole(n_timesteps)]
        above = np.greater(values, limits, out=whole[:, :, :n_timesteps])
        whole[:, :, n_timesteps:] = False
        counts = _count(whole)
        np.divide(counts, np.float32(n_timesteps), out=out[:, 0])
        if self.work is None:
            return
        some = np.maximum(counts, np.float32(1))
        work = self.work[:n_kernels, :, :n_timesteps]
        np.subtract(values, limits, out=work)
        np.maximum(work, 0, out=work)
        amounts = np.add.reduce(work, axis=2)
        np.divide(amounts, some * np.float32(self.unit), out=out[:, 1])
        np.copyto(work, above)
        times = np.arange(n_timesteps, dtype=np.float32)
        # By BLAS it would wake threads beside those that convolve.
        np.divide(np.einsum("t,kltn->kln", times, work), some, out=out[:, 2])
        np.copyto(out[:, 2], np.float32(-1), where=counts == 0)
        out[:, 3] = _longest(above)


def _longest(above: np.ndarray) -> np.ndarray:
    """Longest stretch of trues along the third axis."""
    by_time = np.moveaxis(above, 2, 0)
    stretches = by_time.astype(np.min_scalar_type(-len(by_time)), order="C")
    longer = np.empty_like(stretches[0])
    for before, step in pairwise(stretches):
        np.add(before, 1, out=longer)
        step *= longer
    return stretches.max(axis=0)


def _in_a_row(n_timesteps: int) -> int:
    """Time points that are added side by side: sums of the rest are below 256."""
    return max(8, -(-n_timesteps // _MOST_IN_A_BYTE))


def _whole(n_timesteps: int) -> int:
    """Time points, rounded up to a multiple of those that are added side by side."""
    return -(-n_timesteps // _in_a_row(n_timesteps)) * _in_a_row(n_timesteps)


def _count(above: np.ndarray) -> np.ndarray:
    """Count the trues along the third axis of four.

    They are added as bytes, in long rows: of short ones each takes as long.
    """
    n_kernels, n_levels, n_timesteps, n = above.shape
    row = _in_a_row(n_timesteps)
    parts = above.view(np.uint8).reshape(n_kernels, n_levels, -1, row * n)
    sums = np.add.reduce(parts, axis=2, dtype=np.uint8)
    sums = sums.reshape(n_kernels, n_levels, row, n)
    return np.add.reduce(sums, axis=2, dtype=np.float32)
