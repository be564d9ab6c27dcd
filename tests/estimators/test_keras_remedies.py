"""Sampler, prior correction, temperature and balanced batches of a KerasClassifier."""

import keras
import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from keras import layers
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.metrics import log_loss

import skloss
from skloss import KerasClassifier
from skloss.metrics import correct_prior

rng = np.random.default_rng(0)
N = 400
y = (np.arange(N) % 10 == 0).astype(int)
X = (rng.normal(size=(N, 4)) + 1.2 * y[:, None]).astype(np.float32)
three = np.arange(N) % 10 // 8 + (np.arange(N) % 20 == 9)  # 80 %, 15 % and 5 %


class Silent(keras.callbacks.Callback):
    """With a callback, ``keras.Model.fit`` trains."""


def network(meta, units=1, use_bias=True):
    head = "sigmoid" if units == 1 else "softmax"
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.Dense(6, "relu"),
            layers.Dense(units, head, use_bias=use_bias),
        ]
    )


def classifier(by="engine", units=1, **options):
    crossentropy = "binary" if units == 1 else "sparse_categorical"
    options = {
        "loss": f"{crossentropy}_crossentropy",
        "optimizer": "adam",
        "optimizer__learning_rate": 0.01,
        "epochs": 3,
        "validation_fraction": 0.25,
        "callbacks": Silent if by == "keras" else None,
    } | options
    return KerasClassifier(network, units=units, random_state=0, **options)


def fitted(labels=y, **options):
    return classifier(**options).fit(X, labels)


@pytest.fixture(params=["engine", "keras"])
def by(request):
    return request.param


# ------------------------------------------------------------------------- the sampler


def test_the_sampler_sees_the_rows_that_are_left_after_the_hold_out(by):
    found = fitted(by=by, sampler=RandomOverSampler(random_state=0))
    assert (found.record_.outcome["program"] == "keras") == (by == "keras")
    train, held = found.split_validation(X, y)
    resampled = RandomOverSampler(random_state=0).fit_resample(X[train], y[train])
    expected = clone(found).set_params(sampler=None)
    expected.fit(*resampled, X_val=X[held], y_val=y[held])
    np.testing.assert_allclose(
        found.predict_proba(X), expected.predict_proba(X), rtol=1e-5
    )
    curves = found.record_.history["val_loss"], expected.record_.history["val_loss"]
    np.testing.assert_allclose(*curves, rtol=1e-5)
    assert found.record_.data["samplers"] == ["RandomOverSampler"]


def test_a_tail_that_keras_would_cut_off_is_not_resampled(by):
    options = {"by": by, "validation_fraction": "auto", "validation_split": 0.25}
    with pytest.warns(skloss.exceptions.TailValidationWarning):
        found = fitted(sampler=RandomOverSampler(), **options)
    cut = int(0.75 * N)
    expected = log_loss(y[cut:], found.predict_proba(X[cut:]))
    assert found.record_.history["val_loss"][-1] == pytest.approx(expected, rel=1e-4)
    assert found.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-4)


def test_balanced_weights_are_those_of_the_rows_that_the_sampler_left():
    options = {"sampler": RandomOverSampler(random_state=0)}
    plain, weighted = fitted(**options), fitted(class_weight="balanced", **options)
    np.testing.assert_allclose(
        weighted.predict_proba(X), plain.predict_proba(X), rtol=1e-5
    )


def test_series_are_resampled_in_their_shape():
    def convolutions(meta):
        return keras.Sequential(
            [
                keras.Input(meta["X_shape_"][1:]),
                layers.Conv1D(3, 2, activation="relu"),
                layers.GlobalAveragePooling1D(),
                layers.Dense(1, "sigmoid"),
            ]
        )

    series = X.reshape(N, 4, 1)
    found = KerasClassifier(
        convolutions, loss="binary_crossentropy", sampler=SMOTE(), random_state=0
    ).fit(series, y)
    np.testing.assert_allclose(found.record_.data["priors"]["train"], [0.5, 0.5])
    assert found.predict_proba(series).shape == (N, 2)


# ------------------------------------------------------------------- prior correction


@pytest.mark.parametrize("units", [1, 2, 3])
def test_balanced_weights_are_undone_by_the_rule_of_bayes(by, units):
    labels = three if units == 3 else y
    options = {"by": by, "units": units, "class_weight": "balanced"}
    plain, fair = (
        fitted(labels, prior_correction=asked, **options) for asked in (False, True)
    )
    prior = np.bincount(labels) / N
    even = np.full(len(prior), 1 / len(prior))
    expected = correct_prior(plain.predict_proba(X), even, prior)
    np.testing.assert_allclose(fair.predict_proba(X), expected, rtol=2e-4)
    curve = fair.record_.history["val_crossentropy"]
    _, held = fair.split_validation(X, labels)
    wanted = log_loss(labels[held], fair.predict_proba(X[held]))
    assert curve[-1] == pytest.approx(wanted, rel=1e-4)


def test_the_network_stays_as_it_was_trained_and_goes_on_from_there(by):
    options = {"by": by, "class_weight": "balanced", "warm_start": True}
    plain, fair = (
        fitted(prior_correction=asked, **options).fit(X, y) for asked in (False, True)
    )
    for one, other in zip(
        plain.model_.get_weights(), fair.model_.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_an_output_layer_without_a_bias_is_corrected_too():
    options = {"use_bias": False, "class_weight": "balanced"}
    plain, fair = (fitted(prior_correction=p, **options) for p in (False, True))
    expected = correct_prior(plain.predict_proba(X), [0.5, 0.5], [0.9, 0.1])
    np.testing.assert_allclose(fair.predict_proba(X), expected, rtol=1e-5)


# ------------------------------------------------------------------------ temperature


@pytest.mark.parametrize(
    ("by", "units"),
    [("engine", 1), ("engine", 2), ("engine", 3), ("keras", 1), ("keras", 3)],
)
def test_the_temperature_is_the_best_one_on_the_held_out_rows(by, units):
    labels = three if units == 3 else y
    options = {"by": by, "units": units, "epochs": 12}
    plain, found = (
        fitted(labels, calibration=asked, **options) for asked in (None, "temperature")
    )
    _, held = plain.split_validation(X, labels)
    logs = np.log(plain.predict_proba(X))

    def scaled(t):
        powers = np.exp(logs / t)
        return powers / powers.sum(axis=1, keepdims=True)

    # Few rows move it less: its logarithm is normal around 0, with a deviation of 1/2.
    best = minimize_scalar(
        lambda t: (
            log_loss(labels[held], scaled(t)[held]) + 2 * np.log(t) ** 2 / len(held)
        ),
        bounds=(0.1, 10),
    ).x
    outcome = found.record_.outcome["calibration"]
    assert outcome["temperature"] == pytest.approx(best, rel=1e-2)
    np.testing.assert_allclose(
        found.predict_proba(X), scaled(outcome["temperature"]), rtol=1e-3
    )


def test_a_temperature_needs_held_out_rows(by):
    with pytest.raises(ValueError, match="needs validation rows"):
        fitted(by=by, calibration="temperature", validation_fraction=None)


# --------------------------------------------------------------------- balanced batches


@pytest.mark.parametrize("asked", [True, "smote"])
def test_balanced_batches_draw_as_many_rows_of_each_class(asked):
    found = fitted(balanced_batches=asked, class_weight="balanced")
    np.testing.assert_allclose(found.record_.data["priors"]["train"], [0.5, 0.5])
    plain = fitted()
    assert found.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()


def test_keras_does_not_draw_balanced_batches():
    with pytest.raises(ValueError, match=r"balanced_batches .* \(callbacks\)"):
        fitted(by="keras", balanced_batches=True)


@pytest.mark.parametrize(
    "options",
    [
        {"balanced_batches": True},
        {"sampler": RandomOverSampler()},
        {"prior_correction": True},
        {"calibration": "temperature"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_several_labels_per_row_are_refused(options):
    several = np.column_stack([y, 1 - y, y])
    with pytest.raises(ValueError, match=f"{next(iter(options))} .* one label per row"):
        classifier(units=3, validation_fraction=None, **options).fit(X, several)
