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


def _with_mean_of_all(ridge, X, rest, targets, weight):
    """Exchange the mean of the targets of the others for that of all."""
    of_others = np.average(targets[rest], axis=0, weights=weight[rest])
    return ridge.predict(X) - of_others + np.average(targets, axis=0, weights=weight)


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
        wanted = _with_mean_of_all(ridge, X[[row]], rest, targets, weight)[0]
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("shape", [(30, 5), (20, 60)])
def test_a_group_is_predicted_by_a_fit_without_it(shape):
    X, targets, weight = _rows(*shape)
    groups = np.array_split(np.random.default_rng(0).permutation(len(X)), 4)
    found = RidgePath(X, targets, weight, groups).left_out(0.1)
    for group in groups:
        rest = np.setdiff1d(np.arange(len(X)), group)
        ridge = Ridge(alpha=0.1 * weight.sum())
        ridge.fit(X[rest], targets[rest], weight[rest])
        wanted = _with_mean_of_all(ridge, X[group], rest, targets, weight)
        np.testing.assert_allclose(found[group], wanted, atol=1e-6)


def test_labels_by_chance_are_ranked_by_chance():
    """By the mean of the other labels every row would be wrong: MCC -1."""
    rng = np.random.default_rng(0)
    labels = np.repeat([-1.0, 1.0], 30)[:, None]
    found = []
    for _ in range(40):
        path = RidgePath(rng.normal(size=(60, 8)), labels, np.ones(60))
        found.append(np.corrcoef(np.sign(path.left_out(1e4)[:, 0]), labels[:, 0])[0, 1])
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(40)


@pytest.mark.parametrize("groups", [None, [np.arange(3), np.arange(3, 10)]])
def test_features_that_tell_nothing_leave_the_mean_to_the_bit(groups):
    labels = np.where(np.arange(10) < 5, -1.0, 1.0)[:, None]
    path = RidgePath(np.zeros((10, 4), np.float32), labels, np.ones(10), groups)
    np.testing.assert_array_equal(path.left_out(1.0), 0.0)


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
