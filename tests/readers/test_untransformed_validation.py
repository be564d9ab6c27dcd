"""Validation rows that passed the transformers by, and honest shifts."""

import keras
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skloss
from skloss import CNN1DClassifier, DenseClassifier, KerasClassifier, diagnose
from skloss.record.validation_shift import measured_shift

RULE = "test-scaling-mismatch"


def _rows(scale=1000.0, shift=5000.0, seed=0, n=900):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(int)
    X = rng.normal(size=(n, 6)) + y[:, None] * [2, 1, 0, 0, 0, 0]
    X = X * scale + shift
    return X[:600], y[:600], X[600:], y[600:]


def _keras_net(meta):
    net = [keras.layers.Input((meta["n_features_in_"],)), keras.layers.Dense(8, "relu")]
    model = keras.Sequential([*net, keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    return model


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_rows_that_pass_the_scaler_of_scikit_learn_are_found_by_the_record(scaler):
    X, y, X_val, y_val = _rows()
    pipeline = make_pipeline(scaler, DenseClassifier(epochs=10, random_state=0))
    given = {"denseclassifier__X_val": X_val, "denseclassifier__y_val": y_val}
    pipeline.fit(X, y, **given)
    for source in (pipeline, pipeline[-1], pipeline[-1].record_):
        found = diagnose(source).findings[0]
        assert found.name == RULE
        assert found.severity == "error"
        assert found.title.startswith(
            "The validation rows were not transformed as the training rows were"
        )
        assert "skloss.Pipeline" in found.fix
    # The numbers are those of the scaled and the unscaled columns.
    seen = scaler.fit_transform(X)
    spreads = [
        np.diff(np.quantile(part, [0.05, 0.95], axis=0), axis=0)
        for part in (X_val, seen)
    ]
    wanted = float(np.median(spreads[0] / spreads[1]))
    assert found.evidence["spread"].value == pytest.approx(wanted)
    assert diagnose(pipeline, X, y).find(RULE) is not None


def test_the_fix_takes_the_finding_away():
    X, y, X_val, y_val = _rows()
    steps = [("scale", StandardScaler()), ("net", DenseClassifier(epochs=5))]
    ours = skloss.Pipeline(steps).fit(X, y, net__X_val=X_val, net__y_val=y_val)
    assert diagnose(ours).find(RULE) is None
    scaler = StandardScaler().fit(X)
    net = DenseClassifier(epochs=5).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    assert diagnose(net).find(RULE) is None


def test_rows_for_keras_are_found_whichever_way_they_come():
    X, y, X_val, y_val = _rows()
    seen = StandardScaler().fit_transform(X)
    net = KerasClassifier(_keras_net, epochs=3, random_state=0)
    net.fit(seen, y, validation_data=(X_val, y_val))
    assert diagnose(net).find(RULE).severity == "error"
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    history = model.fit(
        seen, y, validation_data=(X_val, y_val), epochs=3, verbose=0
    ).history
    found = diagnose(model, seen, y, history=history, X_val=X_val, y_val=y_val)
    assert found.find(RULE).severity == "error"
    assert RULE in diagnose(history).not_assessed


def test_one_column_and_one_channel_are_enough():
    X, y, X_val, y_val = _rows(1.0, 0.0)
    X_val[:, 0] = X_val[:, 0] * 50 + 200  # the column that tells the classes
    net = DenseClassifier(epochs=10, random_state=0)
    found = diagnose(net.fit(X, y, X_val=X_val, y_val=y_val)).find(RULE)
    assert found.severity == "warning"
    assert "column 0" in found.title
    rng = np.random.default_rng(0)
    series, series_val = (rng.normal(size=(n, 24, 3)) for n in (200, 100))
    y, y_val = (np.arange(n) % 2 for n in (200, 100))
    for part, truth in ((series, y), (series_val, y_val)):
        part[:, :, 1] += truth[:, None]
    series_val[:, :, 1] += 300
    cnn = CNN1DClassifier(filters=(4,), epochs=3, random_state=0)
    cnn.fit(series, y, X_val=series_val, y_val=y_val)
    assert "column 1" in diagnose(cnn).find(RULE).title


@pytest.mark.parametrize("seed", range(3))
def test_months_that_drift_and_new_patients_are_no_alarm(seed):
    rng = np.random.default_rng(seed)
    month = np.repeat(np.arange(12), 75)
    y = (rng.random(900) < 0.2).astype(int)
    drift = rng.normal(size=6) * 0.3
    X = rng.normal(size=(900, 6)) + month[:, None] * drift + y[:, None]
    X[:, 5] = month + rng.random(900)  # the date itself
    scaler = StandardScaler().fit(X[:750])
    X = scaler.transform(X)
    net = DenseClassifier(epochs=5, random_state=0)
    net.fit(X[:750], y[:750], X_val=X[750:], y_val=y[750:])
    assert diagnose(net).find(RULE) is None
    patient = np.repeat(np.arange(9), 100)
    levels, gains = rng.normal(size=(9, 6)) * 2, np.exp(rng.normal(size=(9, 6)) * 0.5)
    X = (rng.normal(size=(900, 6)) + y[:, None]) * gains[patient] + levels[patient]
    net.fit(X[:700], y[:700], X_val=X[700:], y_val=y[700:])
    assert diagnose(net).find(RULE) is None


def test_what_cannot_be_compared_is_not_measured():
    rows = np.zeros((50, 2))
    assert measured_shift(rows, rows) is None
    assert measured_shift(np.ones((50, 1)), np.ones((5, 1))) is None
    assert measured_shift(np.array([["a"]] * 50), np.array([["a"]] * 50)) is None


def test_counts_that_are_mostly_zero_say_nothing_alone():
    rng = np.random.default_rng(0)
    train, val = (rng.normal(size=(n, 4)) for n in (600, 300))
    for part, high in ((train, 40), (val, 1)):
        part[:, 2] = high * (rng.random(len(part)) < 0.06)
    shift = measured_shift(train, val)
    assert shift.column != 2
    assert 0.5 < shift.column_scale < 2
    # Together they do, as pixels that were divided by 255 in one split.
    pixels = rng.random((300, 8, 8, 1)) * (rng.random((300, 8, 8, 1)) < 0.4)
    shift = measured_shift(pixels, pixels * 255)
    assert (shift.column, shift.column_scale, shift.column_offset) == (None, 1, 0)
    assert shift.scale == pytest.approx(255)


def test_a_scale_of_255_is_an_error_even_if_the_decisions_hold():
    X, y, X_val, y_val = _rows(1.0, 0.0)
    net = DenseClassifier(epochs=10, random_state=0).fit(
        X, y, X_val=X_val * 255, y_val=y_val
    )
    found = diagnose(net).find(RULE)
    assert found.severity == "error"
    assert "253 times" in found.title  # other rows, with a spread of their own
