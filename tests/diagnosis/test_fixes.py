"""The fix of the first finding, applied, gives a network that learned."""

import pytest
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

import skloss


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
