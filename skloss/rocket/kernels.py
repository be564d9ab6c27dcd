"""MiniRocket's kernels: convolutions that are not trained, and what is counted of them.

Dempster, Schmidt and Webb, "MiniRocket", KDD 2021. A kernel has nine weights, six of -1
and three of 2, hence there are 84; each is spread over the series by several dilations.
A feature is the share of time points at which a convolution is above a threshold, or
one of the three other numbers of MultiRocket (`Pool`).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from skloss.rocket.pooling import POOLINGS, Pool, Pooling

__all__ = ["FEWEST_TIMESTEPS", "KERNEL_WEIGHTS", "RocketKernels"]

FEWEST_TIMESTEPS = 9  # as many as a kernel has weights
_HALF = FEWEST_TIMESTEPS // 2
_HIGH = np.array(list(combinations(range(FEWEST_TIMESTEPS), 3)))
_N_KERNELS = len(_HIGH)
KERNEL_WEIGHTS = np.full((_N_KERNELS, FEWEST_TIMESTEPS), -1, np.float32)
np.put_along_axis(KERNEL_WEIGHTS, _HIGH, 2, axis=1)

_MOST_DILATIONS = 32
_MOST_CHANNELS = 9  # that one kernel adds up
_GOLDEN_RATIO = (1 + 5**0.5) / 2

# Values of the convolutions that are held at a time: few enough to stay in the cache of
# a core while all thresholds pass over them.
_CHUNK = 2**18


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
            windows = _windows(_padded(rows, reach), reach, dilation)
            values = np.einsum("tkcw,kc,kw->kt", windows, chosen, KERNEL_WEIGHTS)
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
        n_rows = max(1, _CHUNK // (_N_KERNELS * self.n_timesteps))
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
        n_rows, column = len(series), 0
        widest = max(self.dilations) * _HALF
        padded = _padded(series, widest)
        values = np.empty((self.n_timesteps, n_rows * _N_KERNELS), np.float32)
        pool = Pool.of(self.pooling, values, self.unit)
        for number, (dilation, thresholds, channels) in enumerate(
            zip(self.dilations, self.thresholds, self.channels, strict=True)
        ):
            _convolve(_windows(padded, widest, dilation), channels, out=values)
            is_cut = np.arange(_N_KERNELS) % 2 != number % 2
            first, n_seen = self._cut_ends(values, dilation, is_cut)
            size = thresholds.size * POOLINGS[self.pooling]
            found = features[:, column : column + size]
            found = found.reshape(n_rows, _N_KERNELS, POOLINGS[self.pooling], -1)
            # Long rows are compared faster than many short ones.
            for level, limits in enumerate(np.tile(thresholds.T, n_rows)):
                pool.read(values, limits, first, n_seen, found[:, :, :, level])
            column += size

    def _cut_ends(
        self, values: np.ndarray, dilation: int, is_cut: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Leave out the ends, where the series was padded, for every second kernel.

        Returns the first time point that is left for each kernel, and how many are.
        """
        reach = dilation * _HALF
        odd = int(is_cut.argmax())
        # 84 is even, so that every second column is every second kernel.
        values[:reach, odd::2] = -np.inf  # above no threshold
        values[-reach:, odd::2] = -np.inf
        left = self.n_timesteps - 2 * reach
        n_seen = np.where(is_cut, left, self.n_timesteps)
        starts = np.where(is_cut, reach, 0)
        return starts.astype(np.float32), n_seen.astype(np.float32)


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
    """Series ``(n_timesteps + 2 * reach, n, n_channels)``, zeros at the ends."""
    n_rows, n_timesteps, n_channels = series.shape
    padded = np.zeros((n_timesteps + 2 * reach, n_rows, n_channels), series.dtype)
    padded[reach : reach + n_timesteps] = series.transpose(1, 0, 2)
    return padded


def _windows(padded: np.ndarray, reach: int, dilation: int) -> np.ndarray:
    """View ``(n_timesteps, n, n_channels, 9)`` of the values under a kernel."""
    step, *others = padded.strides
    n_timesteps = len(padded) - 2 * reach
    return np.lib.stride_tricks.as_strided(
        padded[reach - dilation * _HALF :],
        shape=(n_timesteps, *padded.shape[1:], FEWEST_TIMESTEPS),
        strides=(step, *others, dilation * step),
        writeable=False,
    )


def _convolve(windows: np.ndarray, channels: np.ndarray, out: np.ndarray) -> None:
    """Write the convolutions ``(n_timesteps, n, 84)`` of windows.

    In float64 the sums are exact, unless values differ by seven powers of ten. In
    float32 BLAS may add in another order for another number of rows. A threshold that
    is one of the values would then be passed for some of them and not for others.
    """
    weights = (channels[:, :, None] * KERNEL_WEIGHTS[:, None]).reshape(_N_KERNELS, -1)
    values = windows.reshape(windows.shape[0] * windows.shape[1], -1)
    out.reshape(-1, _N_KERNELS)[:] = np.matmul(values, weights.T.astype(np.float64))


def _quantiles(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles of each row, at levels of its own, as `numpy.quantile` has them."""
    ordered = np.sort(values, axis=1)
    position = levels * (values.shape[1] - 1)
    low = np.floor(position).astype(int)
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, low + 1, axis=1)
    return (below + (position - low) * (above - below)).astype(np.float32)
