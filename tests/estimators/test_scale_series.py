"""Series that the classifiers scale one by one, with and without their moments."""

import pickle

import keras
import numpy as np
import pytest

from skloss import CNN1DClassifier, RocketClassifier
from skloss.networks import NetworkSpec, hidden_outputs
from skloss.networks.layers import Dense, Flatten, SeriesScale
from skloss.training.inference import predict_logits

STEPS = 20
RNG = np.random.default_rng(0)


def cnn(**options):
    own = {"width": 2, "depth": 1, "head": 4, "epochs": 2, "random_state": 0}
    return CNN1DClassifier(**own | options)


def series(n=80, *, level):
    """Noise; the class is told by the level, or the level is noise, too."""
    y = np.arange(n) % 2
    told = y if level == "tells" else RNG.normal(size=n)
    X = RNG.normal(size=(n, STEPS)) + 4 * np.asarray(told)[:, None]
    if level == "noise":
        X += 3 * y[:, None] * np.sin(np.arange(STEPS))
    return X.astype("f4"), y


def by_hand(X):
    return (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)


def first_layer(classifier):
    return classifier.network_.layers[0]


def test_zscore_is_training_on_series_scaled_by_hand():
    X, y = series(level="noise")
    scaled = cnn(scale_series="zscore").fit(X, y)
    plain = cnn(scale_series=None).fit(by_hand(X), y)
    expected = plain.predict_proba(by_hand(X))
    np.testing.assert_allclose(scaled.predict_proba(X), expected, atol=1e-5)
    assert scaled.history_["val_loss"] == pytest.approx(
        plain.history_["val_loss"], abs=1e-5
    )


def test_each_channel_is_scaled_by_itself():
    X, y = series(level="noise")
    both = np.stack([X, 100 * X[:, ::-1] + 7], axis=2)
    scaled = cnn(scale_series="zscore").fit(both, y)
    plain = cnn(scale_series=None).fit(by_hand(both), y)
    expected = plain.predict_proba(by_hand(both))
    np.testing.assert_allclose(scaled.predict_proba(both), expected, atol=1e-4)


@pytest.mark.parametrize("level", ["tells", "noise"])
def test_auto_keeps_level_and_amplitude_where_they_tell_the_class(level):
    X, y = series(level=level)
    tells = level == "tells"
    assert first_layer(cnn().fit(X, y)) == SeriesScale(moments=tells)
    assert RocketClassifier(840).fit(X, y).scales_series_ is not tells


def test_auto_asks_left_out_groups_whether_the_level_tells():
    groups = np.repeat(np.arange(6), 20)
    # Each person has a level of its own, and one class.
    y = np.array([0, 1, 1, 0, 1, 0])[groups]
    X = RNG.normal(size=(120, STEPS)).astype("f4") + 4 * groups[:, None]
    assert first_layer(cnn().fit(X, y)) == SeriesScale(moments=True)
    found = cnn(validation_fraction=0.4).fit(X, y, groups=groups)
    assert first_layer(found) == SeriesScale(moments=False)


def test_moments_are_standardized_and_cut():
    X = np.array([[1.0, 3.0, 3.0, 1.0], [5.0, 5.0, 5.0, 5.0]], "f4")
    spec = NetworkSpec(
        (4, 1), (SeriesScale(moments=True), Flatten(), Dense(12, "relu"), Dense(1))
    )
    mean, variance = np.array([1.0, 0.5], "f4"), np.array([16.0, 4.0], "f4")
    weights = [np.ones(2, "f4"), mean, variance]
    weights += [np.eye(12, dtype="f4"), np.full(12, 3, "f4")]
    weights += [np.ones((12, 1), "f4"), np.zeros(1, "f4")]
    ((_, found),) = hidden_outputs(spec, weights, X[:, :, None])
    first, second = found.reshape(2, 4, 3) - 3
    np.testing.assert_allclose(first[:, 0], [-1, 1, 1, -1])
    np.testing.assert_allclose(first[:, 1], (2 - 1) / 4)
    np.testing.assert_allclose(first[:, 2], (np.log(1) - 0.5) / 2)
    np.testing.assert_allclose(second[:, 0], 0)
    np.testing.assert_allclose(second[:, 1], (5 - 1) / 4)
    np.testing.assert_allclose(second[:, 2], -3)  # a constant has no logarithm


@pytest.mark.parametrize("power", [-110, -80, 63, 80])
def test_units_whose_variance_float32_cannot_hold_change_nothing(power):
    X, y = series(level="tells")
    X = X.astype(np.float32)
    factor = np.float32(2.0**power)  # exact
    plain, fitted = cnn().fit(X, y), cnn().fit(X * factor, y)
    assert first_layer(fitted) == SeriesScale(moments=True)
    wanted = plain.predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X * factor), wanted, atol=1e-4)
    logits = fitted.model_.predict(X * factor, verbose=0)[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted[:, 1], atol=1e-4)


@pytest.mark.parametrize("level", ["tells", "noise"])
def test_numpy_program_and_keras_agree_on_raw_series(level, tmp_path):
    X, y = series(level=level)
    X[3], X[4], X[5] = 0, 1e6 / 3, 7
    X[5, 2] = np.nextafter(np.float32(7), np.float32(8))
    classifier = cnn().fit(X, y)
    network, weights = classifier.network_, classifier.weights_
    by_numpy = predict_logits(network, weights, X, compiled=False)
    assert np.isfinite(by_numpy).all()
    for compiled in (None, True):
        found = predict_logits(network, weights, X, compiled=compiled)
        np.testing.assert_allclose(found, by_numpy, atol=1e-5)
    classifier.model_.save(tmp_path / "model.keras")
    for model in (classifier.model_, keras.saving.load_model(tmp_path / "model.keras")):
        logits = model.predict(X[:, :, None], verbose=0)
        np.testing.assert_allclose(logits, by_numpy, atol=1e-5)


def test_series_constant_but_for_rounding_are_as_constant_ones():
    X, y = series(level="noise")
    classifier = cnn(scale_series="zscore").fit(X, y)
    flat = np.full((3, STEPS), 7, "f4")
    flat[1, ::2] = np.nextafter(np.float32(7), np.float32(8))
    flat[2] = 0
    found = classifier.predict_proba(flat)
    np.testing.assert_array_equal(found, found[[0, 0, 0]])


@pytest.mark.parametrize("level", ["tells", "noise"])
def test_held_out_series_are_scaled_as_predicted_ones(level):
    X, y = series(level=level)
    classifier = cnn(validation_fraction=0.25).fit(X, y)
    kept, held = classifier.split_validation(X, y)
    outcome = classifier.record_.outcome
    np.testing.assert_allclose(
        outcome["validation_scores"], classifier.predict_proba(X[held])[:, 1], atol=1e-6
    )
    if level == "tells":  # and they say nothing of what the moments are scaled by
        means = X[kept].mean(axis=1, dtype=float)
        np.testing.assert_allclose(
            [classifier.weights_[1][0], classifier.weights_[2][0]],
            [means.mean(), means.var()],
            rtol=1e-5,
        )


def test_later_fits_keep_what_the_first_one_decided():
    X, y = series(level="tells")
    classifier = cnn(warm_start=True).fit(X, y)
    moments = [array.copy() for array in classifier.weights_[:2]]
    other, labels = series(level="noise")
    for go_on in (classifier.fit, classifier.partial_fit):
        go_on(other, labels)
        assert first_layer(classifier) == SeriesScale(moments=True)
        for found, expected in zip(classifier.weights_, moments, strict=False):
            np.testing.assert_array_equal(found, expected)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_the_first_rows_of_partial_fit_may_have_one_class():
    X, _ = series(level="noise")
    classifier = cnn().partial_fit(X[:2], [1, 1], classes=[0, 1])
    assert first_layer(classifier) == SeriesScale(moments=False)


def test_scaling_does_not_depend_on_the_random_state():
    X, y = series(level="tells")
    scales = [
        first_layer(cnn(random_state=seed, epochs=1).fit(X, y)) for seed in (0, 1)
    ]
    assert scales[0] == scales[1]


def test_members_agree_on_what_the_first_one_decides():
    X, y = series(level="tells")
    # With a hold-out of its own each, and few rows, they might decide differently.
    classifier = cnn(n_members=2).fit(X, y)
    assert first_layer(classifier) == SeriesScale(moments=True)
    logits = classifier.model_.predict(X[:, :, None], verbose=0)[:, 0]
    chances = classifier.predict_proba(X)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), chances, atol=1e-5)
