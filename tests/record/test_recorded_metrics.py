"""The temperature that is recorded of the predictions of held-out rows."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from skloss.record.recorded_metrics import temperature_of

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, 4_000)
LOGITS = RNG.normal(size=4_000) + 2 * TRUTH - 1  # their true temperature is 1/2


def chances(logits):
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("times", [2, 6, 12])
def test_probabilities_that_are_too_sure_have_a_temperature_of_how_much(times):
    temperature, gain = temperature_of(TRUTH, chances(times * LOGITS), 1)
    assert temperature == pytest.approx(times / 2, rel=0.05)
    before, after = (
        log_loss(TRUTH, chances(times * LOGITS / t)) for t in (1, temperature)
    )
    assert gain == pytest.approx(before - after, rel=0.05, abs=1e-3)


def test_columns_of_classes_and_the_positive_one_alone_tell_the_same():
    scores = chances(6 * LOGITS)
    both = np.column_stack([1 - scores, scores])
    found = [
        temperature_of(TRUTH, both),
        temperature_of(TRUTH, scores, 1),
        temperature_of(TRUTH, 1 - scores, 0),
    ]
    np.testing.assert_allclose(found, [found[0]] * 3, rtol=1e-3)


def test_a_single_row_makes_no_temperature():
    truth = np.array([0, 0, 0, 1, 1, 1])
    scores = np.array([0.01, 0.01, 0.01, 0.99, 0.99, 1e-9])
    assert temperature_of(truth, scores, 1)[0] < 1
    scores[2] = 0.999
    assert temperature_of(truth, scores, 1)[0] > 1


@pytest.mark.parametrize(
    ("truth", "scores"),
    [(None, [0.5]), ([1, 1], [0.5, 0.5]), ([0, 1], [0.5, np.nan]), ([], [])],
)
def test_what_cannot_be_known_is_none(truth, scores):
    assert temperature_of(truth, scores, 1) == (None, None)
