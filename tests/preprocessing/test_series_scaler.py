"""``SeriesScaler`` against scaling by hand, in every shape of series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from skloss import CNN1DClassifier, SeriesScaler, make_pipeline

rng = np.random.default_rng(0)
SERIES = rng.normal(3.0, 2.0, size=(5, 20, 3))


def by_hand(series):
    scaled = np.empty_like(series)
    for row in range(series.shape[0]):
        for channel in range(series.shape[2]):
            values = series[row, :, channel]
            scaled[row, :, channel] = (values - np.mean(values)) / np.std(values)
    return scaled


@parametrize_with_checks([SeriesScaler()])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def test_each_channel_of_each_series_is_scaled_by_itself():
    expected = by_hand(SERIES)
    np.testing.assert_allclose(SeriesScaler().fit_transform(SERIES), expected)
    folded = SeriesScaler(n_channels=3).fit_transform(SERIES.reshape(5, 60))
    np.testing.assert_allclose(folded, expected.reshape(5, 60))


def test_channels_may_come_first():
    turned = SERIES.transpose(0, 2, 1)
    expected = by_hand(SERIES).transpose(0, 2, 1)
    scaler = SeriesScaler(n_channels=3, channels_first=True)
    np.testing.assert_allclose(scaler.fit_transform(turned), expected)
    folded = scaler.fit_transform(turned.reshape(5, 60))
    np.testing.assert_allclose(folded, expected.reshape(5, 60))


def test_one_channel_is_what_scale_of_scikit_learn_gives():
    X = SERIES[:, :, 0]
    np.testing.assert_allclose(SeriesScaler().fit_transform(X), scale(X, axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_of_floats_stays(dtype):
    scaled = SeriesScaler().fit_transform(SERIES.astype(dtype))
    assert scaled.dtype == dtype
    np.testing.assert_allclose(scaled, by_hand(SERIES), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1e30, 1e-30])
def test_constant_series_become_zeros(value, dtype):
    constant = np.full((2, 50), value, dtype)
    almost = constant.copy()
    almost[0, 7] = np.nextafter(almost[0, 7], dtype(np.inf))
    if value == 0:
        almost = constant
    for X in (constant, almost):
        scaled = SeriesScaler().fit_transform(X)
        assert np.abs(scaled).max() < 1e-6


def test_a_small_wave_on_a_high_level_is_kept():
    wave = 1e5 + np.sin(np.linspace(0, 9, 80))
    scaled = SeriesScaler().fit_transform(wave[np.newaxis].astype(np.float32))
    assert scaled.std() == pytest.approx(1, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float64, (3, 8), elements=st.floats(-1e300, 1e300, allow_subnormal=False)
    ),
    st.sampled_from([1.0, 8.0, 2.0**20]),
)
def test_level_and_amplitude_are_gone(X, factor):
    scaled = SeriesScaler().fit_transform(X)
    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scaled.mean(axis=1), 0, atol=1e-6)
    spread = scaled.std(axis=1)
    assert np.all((spread < 1e-6) | np.isclose(spread, 1))
    np.testing.assert_allclose(
        SeriesScaler().fit_transform(X * factor), scaled, atol=1e-4
    )


def test_names_of_columns_come_out():
    frame = pd.DataFrame(SERIES[:, :4, 0], columns=["a", "b", "c", "d"])
    scaler = SeriesScaler().set_output(transform="pandas").fit(frame)
    assert scaler.get_feature_names_out().tolist() == ["a", "b", "c", "d"]
    assert scaler.transform(frame).columns.tolist() == ["a", "b", "c", "d"]


def test_it_needs_no_fit():
    np.testing.assert_allclose(SeriesScaler().transform(SERIES), by_hand(SERIES))


def test_a_shape_that_cannot_be_series_is_refused():
    with pytest.raises(ValueError, match="which n_channels=3 does not divide"):
        SeriesScaler(n_channels=3).fit(SERIES[:, :, 0])
    with pytest.raises(ValueError, match=r"takes series of shape \(n, timesteps"):
        SeriesScaler().fit(SERIES[:, :, :, np.newaxis])
    with pytest.raises(ValueError, match="The 'n_channels' parameter"):
        SeriesScaler(n_channels=0).fit(SERIES)


def test_a_network_behind_it_does_not_see_the_level():
    y = np.arange(5) % 2
    cnn = CNN1DClassifier(2, depth=1, epochs=1, n_channels=3, random_state=0)
    pipeline = make_pipeline(SeriesScaler(), cnn.set_params(validation_fraction=None))
    shown = pipeline.fit(SERIES, y).predict_proba(SERIES)
    moved = pipeline.predict_proba(SERIES * 5 - 100)
    np.testing.assert_allclose(moved, shown, rtol=1e-4)
