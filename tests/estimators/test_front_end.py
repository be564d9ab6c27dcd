"""``front_end``: filters that are not trained in front of any network."""

import numpy as np
import pytest

import skloss
from skloss import CNN1DClassifier
from skloss.networks import front_end, published
from skloss.networks.layers import Augment, Conv1D, FlagMissing, SeriesScale

N, STEPS = 80, 20


def series(n_channels=1, seed=0):
    """Noise, in every second series with a short wave somewhere."""
    rng = np.random.default_rng(seed)
    y = np.arange(N) % 2
    X = rng.normal(size=(N, STEPS, n_channels)).astype("f4")
    for row in np.flatnonzero(y):
        start = rng.integers(0, STEPS - 8)
        X[row, start : start + 8, 0] += 4 * (-1.0) ** np.arange(8)
    return X, y


def cnn(**options):
    own = {"width": 2, "depth": 1, "head": 4, "epochs": 2, "random_state": 0}
    return CNN1DClassifier(**own | {"front_end": "filters"} | options)


def test_the_first_convolution_sees_series_and_what_filters_make_of_them():
    X, y = series(2)
    fitted = cnn(scale_series="zscore").fit(X, y)
    scale, front, first, *_ = fitted.network_.layers
    assert (scale, front) == (SeriesScale(), front_end("filters", 2))
    assert isinstance(first, Conv1D)
    plain = cnn(scale_series="zscore", front_end=None).fit(X, y).network_
    assert fitted.network_.layers[2:] == plain.layers[1:]
    assert fitted.network_.shapes()[2] == (STEPS, 2 + 2 * 17)
    # Of the filters only their normalization is trained.
    more = 7 * 2 * 17 * 2 + 2 * 2 * 17
    assert fitted.network_.n_parameters == plain.n_parameters + more


@pytest.mark.parametrize(("front", "n_channels"), [("filters", 18), ("rocket", 33)])
@pytest.mark.parametrize("architecture", ["fcn", "lite"])
def test_published_networks_stand_behind_it(architecture, front, n_channels):
    X, y = series()
    options = {"front_end": front, "epochs": 1, "scale_series": None}
    fitted = cnn(architecture=architecture, **options).fit(X, y)
    behind = published(architecture, (STEPS, n_channels), 1, n_series=1)
    assert fitted.network_.layers == (front_end(front, 1), *behind.layers)


def test_gaps_augmentation_and_filters_stand_in_this_order():
    X, y = series()
    layers = cnn(augment="noise", scale_series=None).fit(X, y).network_.layers
    assert isinstance(layers[0], Augment)
    assert layers[1] == front_end("filters", 1)
    X[::3, 5:8] = np.nan
    fitted = cnn(missing="mask", scale_series=None).fit(X, y)
    assert fitted.network_.layers[:2] == (FlagMissing(1), front_end("filters", 1))
    assert np.isfinite(fitted.predict_proba(X)).all()


@pytest.mark.parametrize("front", ["filters", "rocket"])
def test_a_wave_of_two_steps_is_learned_in_few_epochs(front):
    X, y = series()
    other, truth = series(seed=1)
    fitted = cnn(front_end=front, epochs=12, global_pooling="max", batch_size=8).fit(
        X, y
    )
    assert (fitted.predict(other) == truth).mean() > 0.9


@pytest.mark.parametrize("front", ["filters", "rocket"])
def test_keras_members_and_a_diagnosis_know_it(front):
    X, y = series()
    fitted = cnn(front_end=front, n_members=2).fit(X, y)
    logits = np.asarray(fitted.model_(X))[:, 0]
    chances = fitted.predict_proba(X)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), chances, atol=1e-5)
    assert fitted.oob_decision_function_.shape == (N, 2)
    skloss.diagnose(fitted.members_[0], X, y)
    assert skloss.TrainingRecord.from_json(fitted.record_.to_json()) == fitted.record_
