"""MiniRocket's kernels: convolutions that are not trained, and what is counted of them.

Dempster, Schmidt and Webb, "MiniRocket", KDD 2021. A kernel has nine weights, six of -1
and three of 2, hence there are 84; each is spread over the series by several dilations.
A feature is the share of time points at which a convolution is above a threshold, or
one of the three other numbers of MultiRocket (`Pool`).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from skloss.rocket.pooling import POOLINGS, Pool, Pooling

__all__ = ["FEWEST_TIMESTEPS", "KERNEL_WEIGHTS", "RocketKernels"]

FEWEST_TIMESTEPS = 9  # as many as a kernel has weights
_HALF = FEWEST_TIMESTEPS // 2
_HIGH = list(combinations(range(FEWEST_TIMESTEPS), 3))
_N_KERNELS = len(_HIGH)
KERNEL_WEIGHTS = np.full((_N_KERNELS, FEWEST_TIMESTEPS), -1, np.float32)
np.put_along_axis(KERNEL_WEIGHTS, np.array(_HIGH), 2, axis=1)

_MOST_DILATIONS = 32
_MOST_CHANNELS = 9  # that one kernel adds up
_GOLDEN_RATIO = (1 + 5**0.5) / 2

# Values of convolutions that are held at a time: few enough to stay in the cache of a
# core while thresholds pass over them. The longest stretch is found by time points, and
# each takes as long for few values, so that these are of several kernels.
_CHUNK = {"ppv": 2**15, "multi": 2**18}
_FEWEST_SERIES, _MOST_SERIES = 64, 512


@dataclass(frozen=True)
class RocketKernels:
    """Kernels with their thresholds, fitted to series of one shape.

    Parameters
    ----------
    n_timesteps, n_channels : int
        Shape of one series.
    dilations : tuple of int
        Time steps from one weight of a kernel to the next.
    thresholds : tuple of ndarray of float32, shape (84, n_thresholds)
        For each dilation, what the convolution of each kernel is compared with.
    channels : tuple of ndarray of float32, shape (84, n_channels)
        For each dilation, one for the channels that a kernel adds up, zero for others.
    pooling : {"ppv", "multi"}, default="ppv"
        Whether the share of time points above a threshold is read, or three more
        numbers, too, as `Pool` has them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> series = rng.normal(size=(5, 50, 1)).astype(np.float32)
    >>> kernels = RocketKernels.fitted(series, 200, np.random.RandomState(0))
    >>> kernels.transform(series).shape
    (5, 168)
    """

    n_timesteps: int
    n_channels: int
    dilations: tuple[int, ...]
    thresholds: tuple[np.ndarray, ...]
    channels: tuple[np.ndarray, ...]
    pooling: Pooling = "ppv"

    @classmethod
    def fitted(
        cls,
        series: np.ndarray,
        n_features: int,
        random: np.random.RandomState,
        pooling: Pooling = "ppv",
    ) -> "RocketKernels":
        """Choose dilations, channels and thresholds.

        Parameters
        ----------
        series : ndarray of float32, shape (n, n_timesteps, n_channels)
            Training rows, of at least nine time steps.
        n_features : int
            Number of features, rounded down to a multiple of 84 (with "multi", of 336),
            and at least that.
        random : RandomState
            Chooses channels, and the row that a kernel's thresholds are quantiles of.
        pooling : {"ppv", "multi"}, default="ppv"
            What is read of each threshold.
        """
        _, n_timesteps, n_channels = series.shape
        per_kernel = max(1, n_features // (_N_KERNELS * POOLINGS[pooling]))
        dilations, counts = _dilations(n_timesteps, per_kernel)
        # Fractions of a multiple of the golden ratio spread evenly, however many.
        steps = np.arange(1, _N_KERNELS * sum(counts) + 1)
        quantiles = np.split(
            steps * _GOLDEN_RATIO % 1, _N_KERNELS * np.cumsum(counts)[:-1]
        )
        thresholds, channels = [], []
        for dilation, levels in zip(dilations, quantiles, strict=True):
            chosen = _channels(n_channels, random)
            rows = series[random.randint(len(series), size=_N_KERNELS)]
            reach = dilation * _HALF
            values = np.empty((_N_KERNELS, n_timesteps), np.float32)
            padded = _padded(rows, reach)
            for kernels, found in _convolutions(padded, dilation, chosen, 1):
                # Of a kernel the convolution of its own row.
                values[kernels] = found[:, :, kernels.start]
            thresholds.append(_quantiles(values, levels.reshape(_N_KERNELS, -1)))
            channels.append(chosen)
        return cls(
            n_timesteps,
            n_channels,
            dilations,
            tuple(thresholds),
            tuple(channels),
            pooling,
        )

    @property
    def n_features(self) -> int:
        """Number of features."""
        n_thresholds = sum(thresholds.size for thresholds in self.thresholds)
        return n_thresholds * POOLINGS[self.pooling]

    @property
    def unit(self) -> float:
        """Largest threshold: the size of the series, which amounts are told in."""
        largest = max(float(abs(limits).max()) for limits in self.thresholds)
        return largest if largest > 0 else 1.0

    def transform(
        self, series: np.ndarray, n_threads: int = 1, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Read each convolution at each of its thresholds.

        Parameters
        ----------
        series : ndarray of float32, shape (n, n_timesteps, n_channels)
            Rows.
        n_threads : int, default=1
            Threads; the features do not depend on it.
        out : ndarray of float32, shape (n, n_features), optional
            Takes the features.

        Returns
        -------
        ndarray of float32, shape (n, n_features)
            All kernels of the first dilation, then of the next; for each kernel the
            shares, from 0 to 1, of all its thresholds, and with "multi" the next three
            numbers in the same way.
        """
        shape = (len(series), self.n_features)
        features = np.empty(shape, np.float32) if out is None else out
        n_rows = max(_FEWEST_SERIES, _CHUNK["ppv"] // self.n_timesteps)
        n_rows = min(n_rows, _MOST_SERIES)
        chunks = [
            slice(start, start + n_rows) for start in range(0, len(series), n_rows)
        ]

        def fill(rows: slice) -> None:
            self._fill(series[rows], features[rows])

        if n_threads == 1:
            for chunk in chunks:
                fill(chunk)
        else:  # NumPy works without the lock of the interpreter
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(fill, chunks))
        return features

    def _fill(self, series: np.ndarray, features: np.ndarray) -> None:
        """Write the features of some series."""
        widest, n_numbers = max(self.dilations) * _HALF, POOLINGS[self.pooling]
        padded = _padded(series, widest)
        shape = (self.n_timesteps, padded.shape[2])
        at_once = max(1, _CHUNK[self.pooling] // (shape[0] * shape[1]))
        column = 0
        for number, (dilation, thresholds, channels) in enumerate(
            zip(self.dilations, self.thresholds, self.channels, strict=True)
        ):
            reach = dilation * _HALF
            inner = slice(reach, self.n_timesteps - reach)
            n_levels = thresholds.shape[1]
            pool = Pool.of(self.pooling, (at_once, n_levels, *shape), self.unit)
            found = np.empty((_N_KERNELS, n_numbers, n_levels, shape[1]), np.float32)
            needed = padded[:, widest - reach : self.n_timesteps + widest + reach]
            for kernels, values in _convolutions(needed, dilation, channels, at_once):
                # Every second kernel sees no end of a series, where it was padded.
                sees_ends = kernels.start % 2 == number % 2
                seen = values if sees_ends else values[:, inner]
                pool.read(seen, thresholds[kernels], found[kernels])
            size = thresholds.size * n_numbers
            found = found.reshape(size, -1)[:, : len(series)]
            features[:, column : column + size] = found.T
            column += size


def _dilations(
    n_timesteps: int, per_kernel: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Dilations, evenly spaced in their logarithm, and how many thresholds each has."""
    n_steps = min(per_kernel, _MOST_DILATIONS)
    widest = np.log2((n_timesteps - 1) / (FEWEST_TIMESTEPS - 1))
    steps = np.logspace(0, widest, n_steps, base=2).astype(int)
    dilations, counts = np.unique(steps, return_counts=True)
    counts = counts * per_kernel // n_steps
    for extra in range(per_kernel - counts.sum()):
        counts[extra % len(counts)] += 1
    return tuple(dilations.tolist()), tuple(counts.tolist())


def _channels(n_channels: int, random: np.random.RandomState) -> np.ndarray:
    """Choose channels for each kernel, rather few than many."""
    most = np.log2(min(n_channels, _MOST_CHANNELS) + 1)
    sizes = (2 ** random.uniform(0, most, _N_KERNELS)).astype(int)
    if n_channels == 1:
        return np.ones((_N_KERNELS, 1), np.float32)
    chosen = np.zeros((_N_KERNELS, n_channels), np.float32)
    for row, size in zip(chosen, sizes, strict=True):
        row[random.choice(n_channels, size, replace=False)] = 1
    return chosen


def _padded(series: np.ndarray, reach: int) -> np.ndarray:
    """Series ``(n_channels, n_timesteps + 2 * reach, n)``, zeros at the ends.

    There are at least two: NumPy adds up those of one alone in another order.
    """
    n_rows, n_timesteps, n_channels = series.shape
    shape = (n_channels, n_timesteps + 2 * reach, max(n_rows, 2))
    padded = np.zeros(shape, series.dtype)
    padded[:, reach : reach + n_timesteps, :n_rows] = series.transpose(2, 1, 0)
    return padded


def _convolutions(
    padded: np.ndarray, dilation: int, channels: np.ndarray, at_once: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield some kernels, and their convolutions ``(n_kernels, n_timesteps, n)``.

    They are the first of every two, then the second, and come in the same array.
    Weights of -1 and 2 are -1 for all nine values, and 3 more for three of them. Both
    sums are made of three times a sum of three, so that they are rounded alike: where a
    series is level they cancel out.
    """
    n_timesteps = padded.shape[1] - 2 * _HALF * dilation
    shape = (n_timesteps, padded.shape[2])
    values = np.empty((at_once, *shape), np.float32)
    of_two = np.empty(shape, np.float32)
    chosen = [
        [one for one, is_in in enumerate(row) if is_in] for row in channels.tolist()
    ]
    last_channels = last_two = None
    starts = [*range(0, _N_KERNELS, 2 * at_once), *range(1, _N_KERNELS, 2 * at_once)]
    for start in starts:
        kernels = range(start, min(start + 2 * at_once, _N_KERNELS), 2)
        for kernel, out in zip(kernels, values, strict=False):
            if chosen[kernel] != last_channels:
                last_channels, last_two = chosen[kernel], None
                first, *others = (padded[one] for one in last_channels)
                series = sum(others, start=first)
                all_nine = _three(_three(series, dilation), 3 * dilation)
                thrice = 3 * series
                under = [thrice[at * dilation :][:n_timesteps] for at in range(9)]
            *two, third = _HIGH[kernel]
            if two != last_two:
                np.add(under[two[0]], under[two[1]], out=of_two)
                last_two = two
            np.add(of_two, under[third], out=out)
            out -= all_nine
        yield slice(start, kernels.stop, 2), values[: len(kernels)]


def _three(values: np.ndarray, step: int) -> np.ndarray:
    """Add up three values, one ``step`` after the other."""
    n_sums = len(values) - 2 * step
    return values[:n_sums] + values[step : step + n_sums] + values[2 * step :]


def _quantiles(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles of each row, at levels of its own, as `numpy.quantile` has them."""
    ordered = np.sort(values, axis=1)
    position = levels * (values.shape[1] - 1)
    low = np.floor(position).astype(int)
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, low + 1, axis=1)
    return (below + (position - low) * (above - below)).astype(np.float32)
