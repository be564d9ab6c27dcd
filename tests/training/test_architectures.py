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
    GlobalPool,
    Residual,
    SeriesScale,
    SideBySide,
    SlidingMax,
)
from skloss.training import Rows, Settings, train, trainer
from skloss.training.inference import predict_logits

# Ismail-Fawaz et al., "LITE", DSAA 2023, table of parameters; without the last layer.
PUBLISHED = {"fcn": 264_704, "resnet": 504_000, "inception": 420_192}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    spec = published(name, (150, 1), n_outputs=1)
    assert spec.n_parameters - (128 + 1) == PUBLISHED[name]
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


def small_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 24)).astype("f4")
    return Rows(X, (X[:, 0] > 0).astype(np.int32))


def first_weights():
    weights = initial_weights(SMALL, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    for array, shape in zip(weights, SMALL.weight_shapes(), strict=True):
        if shape.role in ("moving_mean", "beta", "bias"):
            array += rng.normal(size=array.shape).astype("f4")
    return weights


def test_multiplications_are_counted_within_branches():
    by_hand = 12 * (2 * 3 * 4 + 3 * 4 * 3 + 2 * 4)
    by_hand += 12 * (4 * 2 + 2 * 3 * 5 + 2 * 2 * 2 + 4 * 3) + 8 * 1
    assert SMALL.n_multiplications == by_hand


def test_numpy_programs_and_keras_predict_alike():
    weights, rows = first_weights(), small_rows()
    expected = build_keras_model(SMALL, weights).predict(
        rows.X.reshape(-1, 12, 2), verbose=0
    )
    for compiled in (False, True, None):
        found = predict_logits(SMALL, weights, rows.X, compiled=compiled)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@cache
def fit_keras():
    """Losses of the epochs, and logits after them."""
    model, rows = build_keras_model(SMALL, first_weights()), small_rows()
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    X = rows.X.reshape(-1, 12, 2)
    seen = model.fit(X, rows.y, batch_size=20, epochs=3, shuffle=False, verbose=0)
    return seen.history["loss"], model.predict(X, verbose=0)


@pytest.mark.parametrize("backend", ["xla", "graph", "eager"])
def test_branches_train_as_in_keras(monkeypatch, backend):
    monkeypatch.setattr(trainer, "choose_backend", lambda spec, steps: backend)
    rows, weights = small_rows(), first_weights()
    # Adam would make steps of the rounding of gradients that are zero: those of biases
    # in front of batch normalization.
    settings = Settings("sgd", 0.1, momentum=0, epochs=3, batch_size=20, shuffle=False)
    result = train(SMALL, weights, rows, settings, {})
    losses, logits = fit_keras()
    np.testing.assert_allclose(result.history["running_loss"], losses, rtol=1e-5)
    found = predict_logits(SMALL, result.weights, rows.X)
    np.testing.assert_allclose(found, logits, atol=1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_classifier_trains_the_architecture(name):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = (rng.normal(size=(40, 16)) + 6 * y[:, None]).astype("f4")
    classifier = CNN1DClassifier(architecture=name, epochs=1, random_state=0).fit(X, y)
    assert classifier.network_.layers[0] == SeriesScale(moments=True)
    of_three = published(name, (16, 3), n_outputs=1)
    assert classifier.network_.layers[1:] == of_three.layers
    logits = classifier.model_.predict(X[:, :, None], verbose=0)[:, 0]
    chances = classifier.predict_proba(X)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), chances, atol=1e-5)
