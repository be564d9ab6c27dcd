"""The fix of the first finding, applied, gives a network that learned."""

from dataclasses import replace

import numpy as np
import pytest
from rule_examples.cases import healthy
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

import skloss
from skloss.diagnosis import Finding
from skloss.diagnosis.fixes import fixes_of
from skloss.optimizers import OPTIMIZERS


@pytest.fixture(scope="module")
def rows():
    X, y = make_classification(4000, 12, n_informative=6, weights=[0.8], random_state=0)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize(
    ("rate", "batch_size", "cause"),
    [
        (1e-5, 1000, "lr-too-low"),
        (1e-5, 32, "lr-too-low"),
        (9e-4, 2000, "batch-too-large"),
        (1e-2, 2000, "batch-too-large"),
    ],
)
def test_the_larger_of_two_causes_stands_first_and_its_fix_works(
    rows, rate, batch_size, cause
):
    settings = {"learning_rate": rate, "batch_size": batch_size, "epochs": 15}
    network = skloss.DenseClassifier(
        optimizer="sgd", early_stopping=False, random_state=0, **settings
    ).fit(*rows)
    finding = skloss.diagnose(network, *rows).findings[0]
    before = network.history_["val_mcc"][-1]
    network.set_params(**finding.params).fit(*rows)
    assert finding.name == cause
    assert network.history_["val_mcc"][-1] > max(before + 0.2, 0.5)


def test_the_usual_rate_is_followed_by_a_higher_one_that_still_works(rows):
    network = skloss.DenseClassifier(learning_rate=1e-6, epochs=15, random_state=0)
    diagnosis = skloss.diagnose(network.fit(*rows), *rows)
    (found,) = (one for one in diagnosis.findings if one.name == "lr-too-low")
    rates = [fix.params["learning_rate"] for fix in fixes_of(found, diagnosis.case)]
    _, usual, highest = OPTIMIZERS["adam"].rates
    assert rates[0] == usual
    assert rates[1] == pytest.approx(np.sqrt(usual * highest), rel=0.06)


@pytest.mark.parametrize(("units", "more"), [(8, 64), (63, 64), (64, 128), (128, 256)])
def test_a_network_that_learns_too_little_is_offered_more_units(units, more):
    case = healthy()
    hidden, output = case.layers
    case = replace(case, layers=(replace(hidden, units=units), output))
    found = Finding("X01", "underfit", "warning", "Odd.", {"n": 3}, "Fix it.")
    assert fixes_of(found, case)[-1].params == {"width": more}
