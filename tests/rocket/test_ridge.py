"""Ridge regression: against scikit-learn, fitted anew without each row or group."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from skloss.rocket import RidgePath, fitted_scale

_PENALTIES = [1e-6, 1e-2, 3.0]


def _rows(n, n_features, n_outputs=2):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, n_features))
    targets = X[:, :1] + rng.normal(size=(n, n_outputs))
    return X, targets, rng.uniform(0.1, 3, size=n)


def _sklearn(X, targets, weight, penalty):
    """Fit the same: scikit-learn sums the weighted squares instead of averaging."""
    ridge = Ridge(alpha=penalty * weight.sum())
    return ridge.fit(X, targets, sample_weight=weight)


@pytest.mark.parametrize("shape", [(30, 5), (20, 60)])
@pytest.mark.parametrize("penalty", _PENALTIES)
def test_the_fit_is_that_of_scikit_learn(shape, penalty):
    X, targets, weight = _rows(*shape)
    found = RidgePath(X, targets, weight).fit(penalty).outputs(X)
    wanted = _sklearn(X, targets, weight, penalty).predict(X)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("shape", [(30, 5), (20, 60)])
@pytest.mark.parametrize("penalty", _PENALTIES)
def test_a_row_is_predicted_by_a_fit_without_it(shape, penalty):
    X, targets, weight = _rows(*shape)
    # The factor is beside the mean square of *all* rows, whichever are left out.
    factor = penalty * weight.sum()
    for row, found in enumerate(RidgePath(X, targets, weight).left_out(penalty)):
        rest = np.arange(len(X)) != row
        ridge = Ridge(alpha=factor).fit(X[rest], targets[rest], weight[rest])
        np.testing.assert_allclose(found, ridge.predict(X[[row]])[0], atol=1e-5)


@pytest.mark.parametrize("shape", [(30, 5), (20, 60)])
def test_a_group_is_predicted_by_a_fit_without_it(shape):
    X, targets, weight = _rows(*shape)
    groups = np.array_split(np.random.default_rng(0).permutation(len(X)), 4)
    found = RidgePath(X, targets, weight, groups).left_out(0.1)
    for group in groups:
        rest = np.setdiff1d(np.arange(len(X)), group)
        ridge = Ridge(alpha=0.1 * weight.sum())
        ridge.fit(X[rest], targets[rest], weight[rest])
        np.testing.assert_allclose(found[group], ridge.predict(X[group]), atol=1e-6)


def test_a_row_of_its_own_direction_is_predicted_without_a_warning():
    X = np.eye(4)
    found = RidgePath(X, np.eye(4), np.ones(4)).left_out(1e-12)
    assert np.isfinite(found).all()


def test_the_scale_is_the_one_of_least_cross_entropy():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    chances = np.exp(2.5 * logits)
    chances /= chances.sum(axis=1, keepdims=True)
    codes = np.array([rng.choice(3, p=row) for row in chances])
    scale, loss = fitted_scale(logits, codes, np.ones(4000))
    assert abs(scale - 2.5) < 0.15  # three standard errors
    entropy = -(chances * np.log(chances)).sum(axis=1).mean()
    assert abs(loss - entropy) < 0.04
