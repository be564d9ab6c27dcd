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
    """Reads convolutions ``(n_timesteps, n)`` that are minus infinity where not seen.

    The numbers are, in this order: the share of time points above the threshold; by how
    much these are above it on average, in multiples of ``unit``; their mean time point;
    and the longest stretch of them, in time points. Where there is none they are 0, 0,
    -1 and 0.

    Parameters
    ----------
    above : ndarray of bool, shape (n_timesteps, n)
        Room to work in.
    work : ndarray of float32, shape (n_timesteps, n) or None
        The same for four numbers. None reads the share alone.
    unit : float
        What amounts are divided by.
    """

    above: np.ndarray
    work: np.ndarray | None
    unit: float

    @classmethod
    def of(cls, pooling: str, values: np.ndarray, unit: float) -> "Pool":
        """Make one with room for such values."""
        work = np.empty_like(values) if pooling == "multi" else None
        return cls(np.empty(values.shape, bool), work, unit)

    def read(
        self,
        values: np.ndarray,
        limits: np.ndarray,
        first: np.ndarray,
        n_seen: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """Write the numbers of one threshold for each convolution.

        Parameters
        ----------
        values : ndarray of float32, shape (n_timesteps, n_rows * n_kernels)
            Convolutions.
        limits : ndarray of shape (n_rows * n_kernels,)
            Threshold of each convolution.
        first, n_seen : ndarray of shape (n_kernels,)
            First time point that is seen of a convolution, and how many are.
        out : ndarray of shape (n_rows, n_kernels, 1 or 4)
            Takes the numbers.
        """
        n_rows, n_kernels, _ = out.shape
        np.greater(values, limits, out=self.above)
        counts = _count(self.above).reshape(n_rows, n_kernels)
        np.divide(counts, n_seen, out=out[:, :, 0])
        if self.work is None:
            return
        some = np.maximum(counts, np.float32(1))
        np.subtract(values, limits, out=self.work)
        np.maximum(self.work, 0, out=self.work)
        amounts = np.add.reduce(self.work, axis=0).reshape(n_rows, n_kernels)
        np.divide(amounts, some * np.float32(self.unit), out=out[:, :, 1])
        np.copyto(self.work, self.above)
        times = np.arange(len(values), dtype=np.float32)
        # By BLAS it would wake threads beside those that convolve.
        places = np.einsum("t,tn->n", times, self.work).reshape(n_rows, n_kernels)
        np.subtract(places / some, first, out=out[:, :, 2])
        np.copyto(out[:, :, 2], np.float32(-1), where=counts == 0)
        out[:, :, 3] = _longest(self.work).reshape(n_rows, n_kernels)


def _longest(above: np.ndarray) -> np.ndarray:
    """Longest stretch of ones along the first axis; the array is used up."""
    longer = np.empty_like(above[0])
    for before, step in pairwise(above):
        np.add(before, 1, out=longer)
        step *= longer
    return above.max(axis=0)


def _count(above: np.ndarray) -> np.ndarray:
    """Count the trues along the first axis, in bytes as far as these can hold them."""
    parts = [
        np.add.reduce(above[start : start + _MOST_IN_A_BYTE].view(np.uint8), dtype="u1")
        for start in range(0, len(above), _MOST_IN_A_BYTE)
    ]
    return np.add.reduce(parts, dtype=np.float32) if len(parts) > 1 else parts[0]
