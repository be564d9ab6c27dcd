"""Features of MiniRocket and MultiRocket, against a convolution written out."""

from dataclasses import replace

import numpy as np
import pytest

from skloss.rocket import RocketKernels
from skloss.rocket.kernels import KERNEL_WEIGHTS


def _series(n, n_timesteps, n_channels=1):
    rng = np.random.default_rng(n_timesteps)
    return rng.normal(size=(n, n_timesteps, n_channels)).astype(np.float32)


def _share(values, threshold, unit):
    return [(values > threshold).mean()]


def _four_numbers(values, threshold, unit):
    """As MultiRocket's authors define them, time point after time point."""
    times, amounts, longest, stretch = [], [], 0, 0
    for time, value in enumerate(values):
        if value > threshold:
            times.append(time)
            amounts.append(value - threshold)
            stretch += 1
            longest = max(longest, stretch)
        else:
            stretch = 0
    if not times:
        return [0, 0, -1, 0]
    share = len(times) / len(values)
    return [share, np.mean(amounts) / unit, np.mean(times), longest]


def _by_hand(kernels, series, numbers=_share):
    """Numbers of the thresholds of one kernel after the other."""
    found = []
    for number, dilation in enumerate(kernels.dilations):
        reach = 4 * dilation
        for kernel, weights in enumerate(KERNEL_WEIGHTS):
            channels = kernels.channels[number][kernel] > 0
            summed = series[:, :, channels].sum(axis=2)
            padded = np.pad(summed, ((0, 0), (reach, reach)))
            spread = np.zeros(8 * dilation + 1)
            spread[::dilation] = weights
            values = np.array([np.correlate(row, spread, "valid") for row in padded])
            if kernel % 2 != number % 2:  # no padding for every second kernel
                values = values[:, reach : series.shape[1] - reach]
            of_thresholds = np.array(
                [
                    [numbers(row, threshold, kernels.unit) for row in values]
                    for threshold in kernels.thresholds[number][kernel]
                ]
            )  # thresholds, series, numbers
            found += list(of_thresholds.transpose(2, 0, 1).reshape(-1, len(series)))
    return np.array(found).T


@pytest.mark.parametrize("n_timesteps", [9, 40, 300, 2100])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_the_features_are_shares_of_a_convolution(n_timesteps, n_channels):
    series = _series(5, n_timesteps, n_channels)
    kernels = RocketKernels.fitted(series, 84 * 4, np.random.RandomState(0))
    wanted = _by_hand(kernels, series)
    found = kernels.transform(series)
    assert found.shape == (5, 84 * 4)
    # A value may lie on a threshold, to rounding, and then one time point differs.
    np.testing.assert_allclose(found, wanted, atol=1.01 / (n_timesteps - 8 * 1))
    assert (abs(found - wanted) > 1e-6).mean() < 0.01


@pytest.mark.parametrize("n_timesteps", [9, 40, 300])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_four_numbers_are_read_of_a_threshold(n_timesteps, n_channels):
    series = _series(3, n_timesteps, n_channels)
    random = np.random.RandomState(0)
    kernels = RocketKernels.fitted(series, 84 * 4 * 3, random, "multi")
    assert kernels.unit == max(abs(limits).max() for limits in kernels.thresholds)
    found = kernels.transform(series)
    assert found.shape == (3, 84 * 4 * 3) == (3, kernels.n_features)
    wanted = _by_hand(kernels, series, _four_numbers)
    # A value on a threshold, to rounding, is one time point more or less.
    equal = np.isclose(found, wanted, rtol=1e-5, atol=1e-5)
    assert (~equal).mean() < 0.01
    assert found.reshape(3, -1).min() == -1  # somewhere there is none


def test_convolutions_below_all_thresholds_have_no_amount_time_or_stretch():
    series = _series(2, 30)
    kernels = RocketKernels.fitted(series, 336, np.random.RandomState(0), "multi")
    above = replace(kernels, thresholds=tuple(t + 1e6 for t in kernels.thresholds))
    found = above.transform(series).reshape(2, 84, 4)
    np.testing.assert_array_equal(found, np.broadcast_to([0, 0, -1, 0], found.shape))


def test_there_are_84_kernels_of_sum_zero():
    assert KERNEL_WEIGHTS.shape == (84, 9)
    assert len({tuple(row) for row in KERNEL_WEIGHTS.tolist()}) == 84
    assert (KERNEL_WEIGHTS.sum(axis=1) == 0).all()


@pytest.mark.parametrize(("n_timesteps", "widest"), [(9, 1), (17, 2), (300, 37)])
def test_the_widest_kernel_is_as_long_as_the_series(n_timesteps, widest):
    series = _series(3, n_timesteps)
    kernels = RocketKernels.fitted(series, 9996, np.random.RandomState(0))
    assert kernels.dilations[0] == 1
    assert kernels.dilations[-1] == widest
    assert kernels.n_features == 9996


@pytest.mark.parametrize("pooling", ["ppv", "multi"])
def test_threads_and_portions_change_nothing(pooling):
    series = _series(40, 120)
    kernels = RocketKernels.fitted(series, 840, np.random.RandomState(0), pooling)
    together = kernels.transform(series, 2)
    alone = np.vstack([kernels.transform(row[None]) for row in series])
    np.testing.assert_array_equal(together, alone)


def test_thresholds_are_quantiles_of_the_convolutions():
    series = np.repeat(_series(1, 200), 3, axis=0)  # whichever row is drawn
    kernels = RocketKernels.fitted(series, 84 * 50, np.random.RandomState(0))
    shares = kernels.transform(series[:1])[0]
    # The levels are spread evenly over (0, 1), and so are the shares above them.
    levels = np.arange(1, 84 * 50 + 1) * (1 + 5**0.5) / 2 % 1
    n_first = kernels.thresholds[0].size
    whole = np.arange(n_first) // kernels.thresholds[0].shape[1] % 2 == 0  # not cut
    wanted = 1 - levels[:n_first][whole]
    np.testing.assert_allclose(shares[:n_first][whole], wanted, atol=1 / 200)
    assert abs(shares.mean() - 0.5) < 0.02
    assert abs(np.quantile(shares, 0.25) - 0.25) < 0.03


@pytest.mark.parametrize("pooling", ["ppv", "multi"])
@pytest.mark.parametrize("n_channels", [1, 4])
def test_convolutions_of_a_level_are_zero(pooling, n_channels):
    rng = np.random.default_rng(0)
    level = rng.normal(size=(6, 1, n_channels)).astype(np.float32) * 10
    flat = np.repeat(level, 50, axis=1)
    kernels = RocketKernels.fitted(flat, 84 * 8 * 4, np.random.RandomState(0), pooling)
    at_zero = tuple(np.zeros_like(limits) for limits in kernels.thresholds)
    found = replace(kernels, thresholds=at_zero).transform(flat)
    # No end is in sight of every second kernel, and no rounding leaves a rest.
    n_thresholds = kernels.thresholds[0].shape[1]
    n_numbers = 4 if pooling == "multi" else 1
    first = found[:, : 84 * n_thresholds * n_numbers].reshape(6, 84, -1)
    np.testing.assert_array_equal(first[:, 1::2, :n_thresholds], 0)
