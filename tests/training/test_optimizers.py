"""Each compiled update rule is Keras' optimizer of that name, wherever it runs."""

from functools import cache
from itertools import product

import keras
import numpy as np
import pytest

import skloss.training.trainer as trainer
from skloss import CNN1DClassifier, DenseClassifier
from skloss.datasets import make_rare_events
from skloss.keras_interop import build_keras_model
from skloss.networks import dense, initial_weights
from skloss.optimizers import OPTIMIZERS
from skloss.training import NetworkTraining, Rows, Settings, train

N_ROWS, BATCH, EPOCHS = 86, 32, 4  # 12 steps; the last batch holds 22 rows
SPEC = dense(6, n_outputs=1, width=(5,), activation="tanh")
FIRST = initial_weights(SPEC, np.random.default_rng(1))


def rows_to_fit() -> Rows:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 6)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] > 0.5).astype(np.int32)
    return Rows(X, y, rng.integers(0, 4, N_ROWS).astype(np.float32))


ROWS = rows_to_fit()


def high_rate(name: str) -> float:
    """Learning rate that moves the weights in twelve steps."""
    return 10 * OPTIMIZERS[name].rates[1]


def fit_skloss(name, epochs=EPOCHS, *, slots=None, step=0, weights=FIRST, **settings):
    how = Settings(
        optimizer=name,
        learning_rate=high_rate(name),
        epochs=epochs,
        batch_size=BATCH,
        shuffle=False,
        **settings,
    )
    return train(
        NetworkTraining(SPEC, weights, ROWS, how, {}, slots=slots, first_step=step)
    )


@cache
def fit_keras(name, **options):
    model = build_keras_model(SPEC, FIRST)
    kind = getattr(keras.optimizers, OPTIMIZERS[name].keras_name)
    optimizer = kind(high_rate(name), **options)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    # To trace a step takes Keras longer than to run a few of them.
    model.compile(optimizer, loss, run_eagerly=True)
    model.fit(
        ROWS.X,
        ROWS.y,
        sample_weight=ROWS.sample_weight,
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
    )
    return model.get_weights()


def assert_same_weights(found, expected, tolerance=1e-5):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance, rtol=0)


# XLA takes seconds for a whole program: here two, with the most kinds of slots. Each
# rule alone is compiled by it in test_training.py.
@pytest.mark.parametrize(
    ("name", "backend"),
    [
        *product(OPTIMIZERS, ["graph", "eager"]),
        ("sgd", "xla"),
        ("nadam", "xla"),
    ],
)
def test_every_backend_ends_at_the_weights_of_keras_fit(monkeypatch, name, backend):
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: backend)
    ours = {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05}
    theirs = {}
    if name == "sgd":
        theirs |= {"momentum": 0.8, "nesterov": True}
    if name == "adamw":
        theirs |= {"weight_decay": 0.05}
    found = fit_skloss(name, **ours).weights
    assert not np.allclose(found[0], FIRST[0], atol=1e-2)
    assert_same_weights(found, fit_keras(name, **theirs))


# They are clipped in one place, whatever the rule; the weights decay in another.
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_gradients_are_clipped_before_the_update_as_by_keras(name):
    decay = {"weight_decay": 0.05} if name == "adamw" else {}
    found = fit_skloss(name, momentum=0.0, clipnorm=0.02, **decay).weights
    assert_same_weights(found, fit_keras(name, clipnorm=0.02, **decay))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_that_goes_on_ends_where_training_at_once_does(name):
    half = fit_skloss(name, EPOCHS // 2)
    whole = fit_skloss(
        name, EPOCHS // 2, slots=half.slots, step=half.step, weights=half.weights
    )
    at_once = fit_skloss(name)
    assert whole.step == at_once.step
    assert_same_weights(whole.weights, at_once.weights, 1e-6)
    assert_same_weights(whole.slots, at_once.slots, 1e-6)


def test_nadam_keeps_the_product_of_its_momentums_over_partial_fits():
    X, y = make_rare_events(200, prevalence=0.3, random_state=0)
    classifier = DenseClassifier(optimizer="nadam", random_state=0)
    for _ in range(3):
        classifier.partial_fit(X, y, classes=[0, 1])
    result = classifier._fitted.result
    assert result.step == 3 * -(-len(y) // classifier.batch_size)
    steps = np.arange(1, result.step + 1)
    expected = np.prod(0.9 * (1 - 0.5 * 0.96**steps))
    np.testing.assert_allclose(result.slots[-1], expected, rtol=1e-4)


def test_a_partial_fit_with_another_optimizer_is_refused():
    X, y = make_rare_events(60, prevalence=0.3, random_state=0)
    classifier = DenseClassifier(optimizer="adam").partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="optimizer='adam' with optimizer='adamax'"):
        classifier.set_params(optimizer="adamax").partial_fit(X, y)


def test_a_warm_start_keeps_weights_and_begins_the_optimizer_anew():
    X, y = make_rare_events(200, prevalence=0.3, random_state=0)
    options = {"optimizer": "nadam", "epochs": 2, "random_state": 0}
    classifier = DenseClassifier(warm_start=True, **options).fit(X, y)
    first = classifier._fitted.result
    second = classifier.fit(X, y)._fitted.result
    assert second.step == first.step
    np.testing.assert_array_equal(second.slots[-1], first.slots[-1])
    assert not np.array_equal(second.weights[0], first.weights[0])


@pytest.mark.parametrize("make", [DenseClassifier, CNN1DClassifier])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_engine_trains_by_every_optimizer_but_those_that_only_keras_has(make, name):
    X, y = make_rare_events(60, prevalence=0.3, random_state=0)
    outcome = make(optimizer=name, epochs=1, random_state=0).fit(X, y).record_.outcome
    assert outcome["program"] in ("xla", "graph", "eager", "numpy")
    assert outcome["program_reason"] is None
