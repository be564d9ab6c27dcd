"""Outputs, losses and units are read alike by the engine and by the diagnosis."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from skloss.diagnosis import Case
from skloss.keras_interop import build_keras_model
from skloss.networks import dense, initial_weights
from skloss.readers.network_probe import probe_network
from skloss.readers.split_metrics import measured_part, outputs_to_scores
from skloss.training.evaluation import unit_shares
from skloss.training.losses import clipped_crossentropy, row_losses
from skloss.training.outputs import output_probabilities, probabilities
from skloss.training.units import stuck_units

RNG = np.random.default_rng(0)
LOGITS = {n: 2 * RNG.normal(size=(60, n)) for n in (1, 2, 5)}
Y = {n: RNG.integers(0, max(2, n), 60) for n in LOGITS}


@pytest.mark.parametrize("n", LOGITS)
def test_probabilities_are_the_softmax_of_logits(n):
    logits = LOGITS[n]
    both = np.hstack([np.zeros_like(logits), logits]) if n == 1 else logits
    expected = softmax(both, axis=1)
    np.testing.assert_allclose(probabilities(logits), expected, rtol=1e-12)
    found = output_probabilities(logits, from_logits=True)
    np.testing.assert_array_equal(found, probabilities(logits))
    scores = outputs_to_scores(logits, both.shape[1], is_logit=True)
    np.testing.assert_array_equal(scores, probabilities(logits))


@pytest.mark.parametrize("n", LOGITS)
def test_outputs_that_are_probabilities_stay_what_they_are(n):
    both = probabilities(LOGITS[n])
    outputs = both[:, 1:] if n == 1 else both
    found = output_probabilities(outputs, from_logits=False)
    np.testing.assert_allclose(found, both, rtol=1e-12)
    scores = outputs_to_scores(outputs, both.shape[1], is_logit=False)
    np.testing.assert_allclose(scores, both, rtol=1e-12)


def test_extreme_logits_give_finite_scores():
    logits = np.array([[-np.inf], [-800.0], [800.0], [np.inf], [np.nan]])
    scores = outputs_to_scores(logits, 2, is_logit=True)
    np.testing.assert_allclose(scores[:, 1], [0, 0, 1, 1, 0.5], atol=1e-12)


@pytest.mark.parametrize("is_logit", [False, True])
def test_a_class_without_an_output_is_never_predicted(is_logit):
    one = outputs_to_scores(np.array([[0.2], [0.9]]), 3, is_logit)
    assert (one[:, 2] == 0).all()
    two = outputs_to_scores(np.array([[0.2, 0.8], [0.9, 0.1]]), 3, is_logit)
    assert (two[:, 2] == -np.inf).all()
    assert two.argmax(axis=1).tolist() == [1, 0]


def test_outputs_without_bounds_keep_their_order():
    outputs = np.array([[-3.0], [-1.0], [0.4], [2.0], [7.0]])
    scores = outputs_to_scores(outputs, 2, is_logit=False)
    assert np.all(np.diff(scores[:, 1]) > 0)
    assert scores.argmax(axis=1).tolist() == [0, 0, 0, 1, 1]


def test_clipped_cross_entropy_is_that_of_keras():
    p = np.vstack([probabilities(LOGITS[5]), np.eye(5)])
    y = np.append(Y[5], [0, 0, 0, 0, 0])
    expected = keras.losses.sparse_categorical_crossentropy(y, p.astype("f4"))
    np.testing.assert_allclose(clipped_crossentropy(p, y), expected, atol=1e-5)


@pytest.mark.parametrize("n", LOGITS)
def test_losses_of_logits_and_of_their_probabilities_agree(n):
    expected = row_losses("crossentropy", LOGITS[n], Y[n])
    found = clipped_crossentropy(probabilities(LOGITS[n]), Y[n])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    both = probabilities(LOGITS[n])
    part = measured_part(Y[n], both.shape[1], both)
    assert part.loss == pytest.approx(expected.mean(), rel=1e-9)


def test_the_loss_of_scores_is_that_of_their_shares():
    scores = RNG.uniform(size=(60, 5)) * RNG.uniform(1, 9, (60, 1))
    shares = scores / scores.sum(axis=1, keepdims=True)
    found = measured_part(Y[5], 5, scores).loss
    assert found == pytest.approx(-np.log(shares[np.arange(60), Y[5]]).mean())


@pytest.mark.parametrize(
    ("activation", "low", "high"), [("tanh", -1, 1), ("hard_sigmoid", 0, 1)]
)
def test_a_unit_is_saturated_in_the_last_part_of_its_range(activation, low, high):
    n_rows, ends = 20, low + (high - low) * np.array([0.01, 0.02, 0.98, 0.99])
    outputs = np.tile(ends, (n_rows, 1))
    assert stuck_units(activation, outputs)[1].tolist() == [True, False, False, True]
    outputs[:2] = (low + high) / 2  # nine rows of ten are not more than nine of ten
    assert not stuck_units(activation, outputs)[1].any()


@pytest.mark.parametrize(
    ("activation", "kind"), [("relu", "dead"), ("tanh", "saturated")]
)
def test_a_probe_of_a_keras_model_finds_the_units_that_training_records(
    activation, kind
):
    spec = dense(4, n_outputs=1, width=(30, 20), activation=activation)
    weights = [9 * w for w in initial_weights(spec, np.random.default_rng(1))]
    weights[1] = np.linspace(-40, 40, 30, dtype=np.float32)
    X = RNG.normal(size=(200, 4)).astype("f4")
    model = build_keras_model(spec, weights)
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    probe = probe_network(model, Case(origin="keras"), X, Y[1][np.arange(200) % 60])
    first, second = getattr(probe, f"{kind}_shares")
    recorded = unit_shares(spec, weights, X)
    assert 0 < first < 1
    assert recorded == {f"{kind}_share": pytest.approx((30 * first + 20 * second) / 50)}
