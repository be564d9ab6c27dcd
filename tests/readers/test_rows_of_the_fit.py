"""Rows given beside a classifier are those of its fit, or are refused."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import DataConversionWarning
from sklearn.preprocessing import StandardScaler

import skloss

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
y = np.sort(X[:, 0] + RNG.normal(size=200) > 0.8).astype(int)


def dense(**changes):
    return skloss.DenseClassifier(width=4, depth=1, epochs=2, **changes)


def fitted(kind):
    if kind == "classifier":
        return dense().fit(X, y)
    if kind == "without hold-out":
        return dense(validation_fraction=None).fit(X, y)
    return skloss.make_pipeline(StandardScaler(), SMOTE(), dense()).fit(X, y)


@pytest.fixture(
    scope="module", params=["classifier", "without hold-out", "pipeline with a sampler"]
)
def network(request):
    return fitted(request.param)


@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame, list])
def test_the_rows_of_the_fit_are_read_without_a_note(network, wrap):
    assert skloss.diagnose(network, wrap(X), list(y)).notes == ()


@pytest.mark.parametrize("taken", [slice(100), slice(None, None, 3)])
def test_other_numbers_of_rows_are_refused(network, taken):
    for ask in (skloss.diagnose, skloss.report):
        with pytest.raises(ValueError, match="it was given 200 rows"):
            ask(network, X[taken], y[taken])


def test_as_many_other_rows_are_refused():
    network = fitted("classifier")
    with pytest.raises(ValueError, match="the labels of the rows that were held out"):
        skloss.diagnose(network, X[::-1], y[::-1])
    with pytest.raises(ValueError, match="the predictions of the rows that were held"):
        skloss.diagnose(network, X[::-1], y)


def test_rows_of_which_a_wrapper_gave_a_part_are_not_refused():
    calibrated = CalibratedClassifierCV(dense(), cv=2).fit(X, y)
    (note,) = skloss.diagnose(calibrated, X, y).notes
    assert "trained on its own fold" in note


def test_the_record_says_where_the_held_out_rows_stood():
    network = fitted("pipeline with a sampler")
    data, outcome = network[-1].record_.data, network[-1].record_.outcome
    assert data["n_given"] == len(X)
    np.testing.assert_array_equal(y[data["held_out_rows"]], outcome["validation_truth"])
    np.testing.assert_allclose(
        network.predict_proba(X[data["held_out_rows"]])[:, 1],
        outcome["validation_scores"],
        atol=1e-5,
    )


@pytest.mark.parametrize("ask", [skloss.diagnose, skloss.report])
def test_labels_in_a_column_are_read_with_the_warning_of_scikit_learn(ask):
    network = fitted("classifier")
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        found = ask(network, X, y[:, None])
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        held = ask(network, X, y, X_val=X, y_val=y[:, None])
    plain = ask(network, X, y)
    assert repr(found) == repr(plain)
    assert repr(held) == repr(ask(network, X, y, X_val=X, y_val=y))


@pytest.mark.parametrize("ask", [skloss.diagnose, skloss.report])
def test_labels_one_hot_are_those_of_the_columns(ask):
    network = fitted("classifier")
    assert repr(ask(network, X, np.eye(2)[y])) == repr(ask(network, X, y))
    with pytest.raises(ValueError, match=r"one label per row.*got shape \(200, 3\)"):
        ask(network, X, np.zeros((200, 3)))
