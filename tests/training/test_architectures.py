"""Published networks for series: their parameters, and their layers beside Keras'."""

from functools import cache

import keras
import numpy as np
import pytest

from skloss import CNN1DClassifier
from skloss.keras_interop import build_keras_model
from skloss.networks import NetworkSpec, initial_weights, published
from skloss.networks.layers import (
    BatchNorm,
    Conv1D,
    Dense,
    FixedFilters,
    GlobalPool,
    Residual,
    SeparableConv1D,
    SeriesScale,
    SideBySide,
    SlidingMax,
)
from skloss.rocket.kernels import KERNEL_WEIGHTS
from skloss.training import NetworkTraining, Rows, Settings, train, trainer
from skloss.training.inference import predict_logits

# Ismail-Fawaz et al., "LITE", DSAA 2023, table of parameters; without the last layer.
PUBLISHED = {"fcn": 264_704, "resnet": 504_000, "inception": 420_192, "lite": 9_814}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    spec = published(name, (150, 1), n_outputs=1)
    head = spec.shapes()[-2][0] + 1
    assert spec.n_parameters - head == PUBLISHED[name]
    keras_model = build_keras_model(spec)
    shapes = [tuple(array.shape) for array in keras_model.weights]
    assert shapes == [weight.shape for weight in spec.weight_shapes()]
    trained = sum(int(np.prod(w.shape)) for w in keras_model.trainable_weights)
    assert trained == spec.n_parameters


SMALL = NetworkSpec(
    (12, 2),
    (
        Residual(
            (Conv1D(3, 4), BatchNorm("relu"), Conv1D(4, 3, use_bias=False)),
            (Conv1D(4, 1), BatchNorm()),
        ),
        SideBySide(
            (
                (
                    Conv1D(2, 1, use_bias=False),
                    SideBySide(((Conv1D(3, 5),), (Conv1D(2, 2),))),
                ),
                (SlidingMax(3), Conv1D(3, 1, use_bias=False)),
            )
        ),
        BatchNorm("relu"),
        GlobalPool("average"),
        Dense(1),
    ),
)

LIGHT = NetworkSpec(
    (12, 2),
    (
        SideBySide(((), (FixedFilters(1), BatchNorm()))),
        SeparableConv1D(3, 4, use_bias=False, dilation=2),
        BatchNorm("relu"),
        SeparableConv1D(4, 3, "tanh", padding="valid", strides=2),
        SideBySide(((Conv1D(2, 1),), (FixedFilters(2, "rocket"),))),
        GlobalPool("average"),
        Dense(1),
    ),
)
EITHER = pytest.mark.parametrize("spec", [SMALL, LIGHT], ids=["branches", "light"])


def small_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 24)).astype("f4")
    return Rows(X, (X[:, 0] > 0).astype(np.int32))


def first_weights(spec):
    weights = initial_weights(spec, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    for array, shape in zip(weights, spec.weight_shapes(), strict=True):
        if shape.role in ("moving_mean", "beta", "bias"):
            array += rng.normal(size=array.shape).astype("f4")
    return weights


def _by_hand(kernel, series):
    """One filter over one series with zeros at its ends, as Keras pads it."""
    before = (len(kernel) - 1) // 2
    padded = np.pad(series, (before, len(kernel) - 1 - before))
    return np.maximum(np.correlate(padded, kernel, "valid"), 0)


def test_filters_are_rises_falls_and_peaks():
    """Those of the paper's code, from its formulas, each without zeros around it."""
    sizes = (2, 4, 8, 16, 32, 64)
    rises = [(-1.0) ** (1 + np.arange(size)) for size in sizes]
    peaks = []
    for size in sizes[1:]:
        quarter = size // 4
        left = (np.arange(1, quarter + 1) / quarter) ** 2
        parts = [-left, -left[::-1], 2 * left, 2 * left[::-1], -left, -left[::-1]]
        peaks.append(np.concatenate(parts))
    filters = [*rises, *(-rise for rise in rises), *peaks]
    X = np.random.default_rng(0).normal(size=(2, 30, 3)).astype("f4")
    found = FixedFilters(2).numpy(X, _NumpyProduct)
    assert found.shape == (2, 30, 2 * 17)
    for number, kernel in enumerate(filters):
        for channel in range(2):
            wanted = [_by_hand(kernel, row[:, channel]) for row in X]
            column = found[:, :, 17 * channel + number]
            np.testing.assert_allclose(column, wanted, atol=1e-4)


def test_filters_of_minirocket_are_convolutions_of_nine_weights():
    X = np.random.default_rng(0).normal(size=(2, 80, 1)).astype("f4")
    found = FixedFilters(1, "rocket").numpy(X, _NumpyProduct)
    assert found.shape == (2, 80, 32)
    chosen = KERNEL_WEIGHTS[np.arange(32) * 84 // 32]
    for number, weights in enumerate(chosen):
        dilation = 2 ** (number % 4)
        spread = np.zeros(8 * dilation + 1)
        spread[::dilation] = weights
        padded = np.pad(X[:, :, 0], ((0, 0), (4 * dilation, 4 * dilation)))
        wanted = [np.correlate(row, spread, "valid") for row in padded]
        np.testing.assert_allclose(found[:, :, number], wanted, atol=1e-5)
    assert len({tuple(weights) for weights in chosen}) == 32


class _NumpyProduct:
    product = np.matmul


def test_multiplications_are_counted_within_branches():
    by_hand = 12 * (2 * 3 * 4 + 3 * 4 * 3 + 2 * 4)
    by_hand += 12 * (4 * 2 + 2 * 3 * 5 + 2 * 2 * 2 + 4 * 3) + 8 * 1
    assert SMALL.n_multiplications == by_hand
    by_hand = 12 * 96 * 17 + 12 * 19 * (4 + 3) + 5 * 3 * (3 + 4)
    by_hand += 5 * (4 * 2 + 2 * 65 * 32) + (2 + 2 * 32)
    assert LIGHT.n_multiplications == by_hand


@EITHER
def test_numpy_programs_and_keras_predict_alike(spec):
    weights, rows = first_weights(spec), small_rows()
    expected = build_keras_model(spec, weights).predict(
        rows.X.reshape(-1, 12, 2), verbose=0
    )
    for compiled in (False, True, None):
        found = predict_logits(spec, weights, rows.X, compiled=compiled)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_file_of_keras_has_the_filters(tmp_path):
    model = build_keras_model(LIGHT, first_weights(LIGHT))
    model.save(tmp_path / "model.keras")
    X = small_rows().X.reshape(-1, 12, 2)
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.asarray(again(X)), np.asarray(model(X)))


@cache
def fit_keras(spec):
    """Losses of the epochs, and logits after them."""
    model, rows = build_keras_model(spec, first_weights(spec)), small_rows()
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    # To trace a step takes Keras longer than to run a few of them.
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    X = rows.X.reshape(-1, 12, 2)
    seen = model.fit(X, rows.y, batch_size=20, epochs=3, shuffle=False, verbose=0)
    return seen.history["loss"], model.predict(X, verbose=0)


# Not by XLA, which is never chosen for convolutions.
@EITHER
@pytest.mark.parametrize("backend", ["graph", "eager"])
def test_branches_train_as_in_keras(monkeypatch, backend, spec):
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: backend)
    rows, weights = small_rows(), first_weights(spec)
    # Adam would make steps of the rounding of gradients that are zero: those of biases
    # in front of batch normalization.
    settings = Settings("sgd", 0.1, momentum=0, epochs=3, batch_size=20, shuffle=False)
    result = train(NetworkTraining(spec, weights, rows, settings, {}))
    losses, logits = fit_keras(spec)
    np.testing.assert_allclose(result.history["running_loss"], losses, rtol=1e-5)
    found = predict_logits(spec, result.weights, rows.X)
    np.testing.assert_allclose(found, logits, atol=1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_classifier_trains_the_architecture(name):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = (rng.normal(size=(40, 16)) + 6 * y[:, None]).astype("f4")
    classifier = CNN1DClassifier(architecture=name, epochs=1, random_state=0).fit(X, y)
    assert classifier.network_.layers[0] == SeriesScale(moments=True)
    of_three = published(name, (16, 3), n_outputs=1, n_series=1)
    assert classifier.network_.layers[1:] == of_three.layers
    logits = classifier.model_.predict(X[:, :, None], verbose=0)[:, 0]
    chances = classifier.predict_proba(X)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), chances, atol=1e-5)
