"""Networks of tables with categories and gaps are trained as ``keras.Model.fit`` does.

Adam of Keras squares the gradient of an Embedding once for each row of a batch, and not
their sum; a product with one-hot codes is the same layer with the gradient as it is.
"""

from functools import cache

import keras
import numpy as np
import pytest

from skloss.keras_interop import build_keras_model
from skloss.networks import NetworkSpec, dense, initial_weights
from skloss.networks.layers import Embed, FillMissing, PiecewiseLinear
from skloss.training import NetworkTraining, Rows, Settings, train, trainer

SPEC = NetworkSpec(
    (6,),
    (
        Embed((1, 4), (3, 2), (2, 1)),
        FillMissing(4, (0, 2)),
        *dense(9, n_outputs=1, width=(8,)).layers,
    ),
)
ONLY_CODES = NetworkSpec(
    (2,), (Embed((0, 1), (3, 2), (2, 1)), *dense(3, n_outputs=1, width=(8,)).layers)
)


class OneHotEmbedding(keras.layers.Embedding):
    def call(self, codes):
        one_hot = keras.ops.one_hot(codes, self.input_dim)
        return keras.ops.matmul(one_hot, self.embeddings)


def make_rows(spec):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, *spec.input_shape)).astype("f4")
    y = (X[:, 0] + X[:, 1] > 0).astype("i4")
    for column, size in zip(spec.layers[0].columns, (3, 2), strict=True):
        X[:, column] = rng.integers(-1, size + 1, 150)  # -1 and `size` are unknown
    X[rng.random(X.shape) < 0.1] = np.nan
    return Rows(X, y, rng.integers(0, 4, 150).astype("f4"))


def started(spec):
    weights = initial_weights(spec, np.random.default_rng(1))
    if isinstance(spec.layers[1], FillMissing):
        weights[2] = np.float32([[1, -1, 2, 0]])
    return weights


def trained_by_keras(model, rows):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    # To trace a step takes Keras longer than to run a few of them.
    model.compile(keras.optimizers.Adam(0.01), loss=loss, run_eagerly=True)
    options = {"batch_size": 32, "epochs": 3, "shuffle": False, "verbose": 0}
    model.fit(rows.X, rows.y, sample_weight=rows.sample_weight, **options)
    return model.get_weights()


def fit(spec, rows, **settings):
    settings = Settings(epochs=3, batch_size=32, shuffle=False, **settings)
    return train(NetworkTraining(spec, started(spec), rows, settings, {})).weights


@cache
def fit_keras(spec):
    """Weights that Keras ends at, with an Embedding as above."""
    rows = make_rows(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.layers, "Embedding", OneHotEmbedding)
        model = build_keras_model(spec, started(spec))
    return trained_by_keras(model, rows)


@pytest.mark.parametrize("backend", ["xla", "graph", "eager"])
@pytest.mark.parametrize("spec", [SPEC, ONLY_CODES], ids=["mixed", "only codes"])
def test_every_backend_ends_at_the_weights_of_keras_fit(monkeypatch, backend, spec):
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: backend)
    found = fit(spec, make_rows(spec), learning_rate=0.01)
    assert not np.allclose(found[0], started(spec)[0], atol=1e-2)
    for one, other in zip(found, fit_keras(spec), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_two_fits_with_one_seed_are_equal_to_the_bit():
    rows = make_rows(SPEC)
    for one, other in zip(fit(SPEC, rows), fit(SPEC, rows), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("backend", ["xla", "graph", "eager"])
def test_bins_are_trained_on_as_in_keras_and_stay(monkeypatch, backend):
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: backend)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 4)).astype("f4")
    rows = Rows(X, (X[:, 0] > 0).astype("i4"), np.ones(150, "f4"))
    layer = PiecewiseLinear.of(X[:, :3])
    others = dense(4 + sum(layer.sizes), n_outputs=1, width=(8,)).layers
    spec = NetworkSpec((4,), (layer, *others))
    moments = X[:, :3].mean(axis=0), X[:, :3].var(axis=0)
    start = initial_weights(spec, rng)
    start[:3] = layer.statistics(X[:, :3], *moments)
    settings = Settings(epochs=3, batch_size=32, shuffle=False, learning_rate=0.01)
    found = train(NetworkTraining(spec, start, rows, settings, {})).weights
    expected = trained_by_keras(build_keras_model(spec, start), rows)
    for one, other in zip(found[:3], start[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.allclose(found[3], start[3], atol=1e-2)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
