"""A scaler of columns in front of a network for series, and what it leaves."""

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skloss
from skloss import CNN1DClassifier, DenseClassifier, SeriesScaler, make_pipeline

rng = np.random.default_rng(0)
y = np.arange(60) % 2
TIME = np.linspace(0, 9, 40)
WAVES = np.sin(TIME * (1 + y[:, np.newaxis])) + 0.1 * rng.normal(size=(60, 40))
LEVELS = np.repeat([-5.0, 0.0, 5.0], 20)[:, np.newaxis]
AMPLITUDES = np.repeat([1.0, 2.0, 6.0], 20)[:, np.newaxis]


def cnn(**options):
    own = {"depth": 1, "head": (), "epochs": 1, "random_state": 0, "scale_series": None}
    return CNN1DClassifier(2, **own | options)


def facts_of(*steps, X):
    pipeline = make_pipeline(*steps).fit(X, y)
    return skloss.diagnose(pipeline, X, y).case.rows


def test_levels_and_amplitudes_are_those_before_the_scaler():
    X = LEVELS + AMPLITUDES * WAVES
    facts = facts_of(StandardScaler(), cnn(), X=X)
    spread = X.std(axis=1)
    assert facts.column_scaler == "StandardScaler"
    expected = X.mean(axis=1).std() / np.median(spread)
    assert facts.series_levels == pytest.approx(expected)
    low, high = np.percentile(spread, [10, 90])
    assert facts.series_amplitudes == pytest.approx(high / low)


def test_series_that_are_scaled_by_themselves_before_differ_in_nothing():
    X = LEVELS + AMPLITUDES * WAVES
    facts = facts_of(SeriesScaler(), StandardScaler(), cnn(), X=X)
    assert facts.series_levels == pytest.approx(0, abs=1e-9)
    assert facts.series_amplitudes == pytest.approx(1)


def test_channels_are_measured_one_by_one():
    X = np.stack([WAVES, LEVELS + WAVES], axis=2)
    expected = X[:, :, 1].mean(axis=1).std() / np.median(X[:, :, 1].std(axis=1))
    folded = X.reshape(60, -1)
    facts = facts_of(StandardScaler(), cnn(n_channels=2), X=folded)
    assert facts.series_levels == pytest.approx(expected)
    turned = X.transpose(0, 2, 1).reshape(60, -1)
    last = cnn(n_channels=2, channels_first=True)
    facts = facts_of(StandardScaler(), last, X=turned)
    assert facts.series_levels == pytest.approx(expected)


@pytest.mark.parametrize(
    "steps",
    [
        (SeriesScaler(), cnn()),
        (FunctionTransformer(), cnn()),
        (StandardScaler(), cnn(scale_series="auto")),
        (StandardScaler(), DenseClassifier(2, depth=1, epochs=1, random_state=0)),
    ],
    ids=["series", "no scaler", "in the network", "table"],
)
def test_nothing_is_measured_where_no_series_are_scaled_by_columns(steps):
    X = LEVELS + AMPLITUDES * WAVES
    assert facts_of(*steps, X=X).column_scaler is None
    pipeline = make_pipeline(*steps).fit(X, y)
    diagnosis = skloss.diagnose(pipeline, X, y)
    assert "series-scaled-by-column" in diagnosis.not_assessed


def test_the_finding_names_the_scaler_and_the_way_out():
    X = LEVELS + AMPLITUDES * WAVES
    diagnosis = skloss.diagnose(make_pipeline(StandardScaler(), cnn()).fit(X, y), X, y)
    found = diagnosis.find("series-scaled-by-column")
    assert "StandardScaler scales the series column by column" in found.title
    assert "level and amplitude" in found.title
    assert "SeriesScaler()" in found.fix
