"""Series as aeon and sktime have them: channels first."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer

import skloss
from skloss import CNN1DClassifier, make_pipeline
from skloss.exceptions import SeriesOrderWarning

rng = np.random.default_rng(0)
SERIES = rng.normal(size=(60, 24, 3)).astype(np.float32)
y = np.where(SERIES[:, :, 0].mean(axis=1) > 0, "storm", "calm")
TURNED = np.ascontiguousarray(SERIES.transpose(0, 2, 1))


def cnn(**options):
    return CNN1DClassifier(3, head=4, pool_size=1, epochs=2, random_state=0, **options)


steps_first = cnn(channels_first=False).fit(SERIES, y)
EXPECTED = steps_first.predict_proba(SERIES)


@pytest.mark.parametrize("channels_first", [None, False])
def test_steps_come_first_unless_it_is_said_otherwise(channels_first):
    fitted = cnn(channels_first=channels_first).fit(SERIES, y)
    assert fitted.network_.input_shape == (24, 3)
    np.testing.assert_array_equal(fitted.predict_proba(SERIES), EXPECTED)


def test_channels_first_trains_on_the_same_series():
    fitted = cnn(channels_first=True).fit(TURNED, y)
    assert fitted.network_.input_shape == (24, 3)
    np.testing.assert_array_equal(fitted.predict_proba(TURNED), EXPECTED)
    again = cnn(channels_first=True, warm_start=True).fit(
        TURNED, y, X_val=TURNED, y_val=y
    )
    assert again.fit(TURNED, y).predict(TURNED[:1]).shape == (1,)


def test_folded_series_have_the_same_order():
    folded = TURNED.reshape(60, -1)
    fitted = cnn(channels_first=True, n_channels=3).fit(folded, y)
    np.testing.assert_array_equal(fitted.predict_proba(folded), EXPECTED)
    np.testing.assert_array_equal(fitted.predict_proba(folded[:5]), EXPECTED[:5])
    pipeline = make_pipeline(FunctionTransformer(), clone(fitted)).fit(folded, y)
    np.testing.assert_array_equal(pipeline.predict_proba(folded), EXPECTED)


def test_a_diagnosis_sees_the_same_series():
    turned = cnn(channels_first=True).fit(TURNED, y)
    codes = [
        {finding.code for finding in skloss.diagnose(fitted, X, y).findings}
        for fitted, X in [(steps_first, SERIES), (turned, TURNED)]
    ]
    assert codes[0] == codes[1]


@pytest.mark.parametrize(
    ("X", "told"),
    [
        (TURNED, "3 timesteps of 24 channels"),
        (list(TURNED), "3 timesteps of 24 channels"),
        (TURNED[:, :1], "1 timestep of 24 channels"),
        ([series[None, :, 0] for series in SERIES], "1 timestep of 24 channels"),
    ],
    ids=["array", "list", "one channel", "list of one channel"],
)
def test_more_channels_than_steps_are_remarked(X, told):
    words = f"{told}.*aeon.*channels_first=True.*channels_first=False"
    with pytest.warns(SeriesOrderWarning, match=words) as caught:
        cnn().fit(X, y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cnn(channels_first=False).fit(X, y)
        cnn(channels_first=True).fit(X, y)


def test_wide_series_that_are_meant_so_are_silent_when_they_are_predicted():
    with pytest.warns(SeriesOrderWarning):
        fitted = cnn().fit(TURNED, y)
    assert fitted.predict(TURNED).shape == (60,)
