"""Corrected priors and temperatures: against Bayes' rule, Keras and a search."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE, RandomOverSampler
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from skloss import CNN1DClassifier, DenseClassifier, Pipeline, diagnose
from skloss.metrics import best_temperature, correct_prior

rng = np.random.default_rng(0)
N = 600
y = (np.arange(N) % 10 == 0).astype(int)
X = (rng.normal(size=(N, 4)) + 1.2 * y[:, None]).astype(np.float32)
three = np.arange(N) % 10 // 8 + (np.arange(N) % 20 == 9)  # 80 %, 15 % and 5 %
PRIOR = np.array([0.9, 0.1])


def dense(**options):
    options = {"width": 6, "epochs": 4, "validation_fraction": 0.2} | options
    return DenseClassifier(random_state=0, **options)


def odds(model, X=X):
    p = model.predict_proba(X)
    return p[:, 1] / p[:, 0]


# ---------------------------------------------------------------------- Bayes' rule

SHARES = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


@settings(deadline=None)
@given(SHARES, SHARES, SHARES)
def test_correction_and_its_inverse_are_the_identity(p, prior, target):
    p, prior, target = (np.array(x) / np.sum(x) for x in (p, prior, target))
    there = correct_prior([p], prior, target)
    np.testing.assert_allclose(correct_prior(there, target, prior), [p], rtol=1e-9)
    np.testing.assert_allclose(correct_prior([p], prior, prior), [p], rtol=1e-9)
    bayes = p * target / prior
    np.testing.assert_allclose(there, [bayes / bayes.sum()], rtol=1e-9)


def test_certain_probabilities_stay_certain():
    corrected = correct_prior([[0.0, 1.0]], [0.5, 0.5], PRIOR)
    np.testing.assert_array_equal(corrected, [[0.0, 1.0]])


@pytest.mark.parametrize("prior", [[0.5, 0.0], [0.5, 0.3, 0.2], [np.nan, 1.0]])
def test_shares_that_cannot_be_corrected_by_are_refused(prior):
    with pytest.raises(ValueError, match="prior"):
        correct_prior([[0.5, 0.5]], prior, PRIOR)


# --------------------------------------------------------------- of the classifiers


def test_balanced_weights_are_undone():
    plain, fair = (
        dense(epochs=40, class_weight="balanced", prior_correction=asked).fit(X, y)
        for asked in (False, True)
    )
    expected = correct_prior(plain.predict_proba(X), [0.5, 0.5], PRIOR)
    np.testing.assert_allclose(fair.predict_proba(X), expected, rtol=1e-5)
    assert plain.predict_proba(X)[:, 1].mean() > 0.2
    assert fair.predict_proba(X)[:, 1].mean() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("classifier", [DenseClassifier, CNN1DClassifier])
def test_weights_of_three_classes_are_undone(classifier):
    rows = X if classifier is DenseClassifier else X.reshape(N, 4, 1)
    weight, options = {0: 1.0, 1: 3.0, 2: 8.0}, {"epochs": 2, "random_state": 0}
    plain, fair = (
        classifier(class_weight=weight, prior_correction=asked, **options).fit(
            rows, three
        )
        for asked in (False, True)
    )
    counts = np.bincount(three)
    trained = plain.record_.data["class_counts"]["trained"]
    learned = np.array([1.0, 3.0, 8.0]) * trained
    expected = correct_prior(plain.predict_proba(rows), learned, counts)
    np.testing.assert_allclose(fair.predict_proba(rows), expected, rtol=1e-4)
    assert fair.record_.data["priors"]["train"] == pytest.approx(
        learned / learned.sum()
    )


def test_a_pipeline_without_a_hold_out_knows_the_prior_before_its_sampler():
    plain, fair = (
        Pipeline(
            [
                ("sampler", SMOTE(random_state=0)),
                ("net", dense(validation_fraction=None, prior_correction=asked)),
            ]
        ).fit(X, y)
        for asked in (False, True)
    )
    expected = correct_prior(plain.predict_proba(X), [0.5, 0.5], PRIOR)
    np.testing.assert_allclose(fair.predict_proba(X), expected, rtol=1e-4)
    assert fair[-1].record_.data["class_counts"]["measured"] == [540, 60]
    assert fair[-1].record_.data["holdout"] == "none"


@pytest.mark.parametrize("sampler", [SMOTE, RandomOverSampler])
def test_a_pipeline_knows_the_prior_before_its_sampler(sampler):
    def fitted(asked):
        steps = [("s", sampler(sampling_strategy=0.5, random_state=0))]
        return Pipeline([*steps, ("c", dense(prior_correction=asked))]).fit(X, y)

    plain, fair = fitted(False), fitted(True)
    expected = correct_prior(plain.predict_proba(X), [2 / 3, 1 / 3], PRIOR)
    np.testing.assert_allclose(fair.predict_proba(X), expected, rtol=1e-4)


def test_the_logit_adjustment_is_undone():
    plain, fair = (
        dense(loss="logit_adjusted", logit_tau=0.8, prior_correction=asked).fit(X, y)
        for asked in (False, True)
    )
    trained = np.array(plain.record_.data["class_counts"]["trained"])
    expected = odds(plain) * (trained[1] / trained[0]) ** 0.8
    np.testing.assert_allclose(odds(fair), expected, rtol=1e-4)


def test_shares_of_another_population_are_taken_by_label():
    labels = np.where(y == 1, "bad", "good")
    shares = {"good": 0.97, "bad": 0.03}
    plain, fair = (
        dense(prior_correction=asked).fit(X, labels) for asked in (False, shares)
    )
    expected = correct_prior(plain.predict_proba(X), PRIOR[::-1], [0.03, 0.97])
    np.testing.assert_allclose(fair.predict_proba(X), expected, rtol=1e-4)


def test_without_a_shift_nothing_is_corrected():
    plain, fair = (dense(prior_correction=asked).fit(X, y) for asked in (False, True))
    np.testing.assert_allclose(fair.predict_proba(X), plain.predict_proba(X), rtol=1e-5)


def test_the_record_and_the_keras_model_have_the_corrected_probabilities():
    options = {"class_weight": "balanced", "prior_correction": True}
    model = dense(calibration="temperature", **options).fit(X, y)
    held = np.asarray(model.record_.data["held_out_rows"])
    p = model.predict_proba(X[held])
    scores = model.record_.outcome["validation_scores"]
    np.testing.assert_allclose(scores, p[:, 1], rtol=1e-5)
    logits = np.asarray(model.model_(X), float)[:, 0]
    np.testing.assert_allclose(np.exp(logits), odds(model), rtol=1e-4)
    hits = int(((p[:, 1] > 0.5) & (y[held] == 1)).sum())
    assert model.history_["val_tp"][-1] == hits
    uncalibrated = dense(**options).fit(X, y)
    found = log_loss(y[held], uncalibrated.predict_proba(X[held]))
    assert uncalibrated.history_["val_crossentropy"][-1] == pytest.approx(found)


def test_the_loss_is_that_of_training_whatever_is_corrected():
    plain, fair = (
        dense(class_weight="balanced", prior_correction=asked).fit(X, y)
        for asked in (False, True)
    )
    for name in ("loss", "val_loss", "running_loss", "val_loss_at_train_prior"):
        assert plain.history_[name] == fair.history_[name]
    first, second = (diagnose(model).gap.parts for model in (plain, fair))
    assert [part.nats for part in first] == [part.nats for part in second]


def test_a_fit_that_goes_on_starts_from_the_weights_of_training():
    options = {"class_weight": {0: 1, 1: 9}, "warm_start": True}
    plain, fair = (
        dense(prior_correction=asked, **options).fit(X, y).fit(X, y)
        for asked in (False, True)
    )
    np.testing.assert_allclose(odds(fair), odds(plain) / 9, rtol=1e-4)
    for model in (plain, fair):
        model.partial_fit(X[:50], y[:50])
        model.partial_fit(X[y == 0][:50], y[y == 0][:50])  # of one class only
    np.testing.assert_allclose(odds(fair), odds(plain) / 9, rtol=1e-4)


def test_wrong_corrections_are_refused():
    with pytest.raises(ValueError, match=r"share of each label, which are \[0, 1\]"):
        dense(prior_correction={0: 0.9}).fit(X, y)
    with pytest.raises(ValueError, match=r"rows of \[0\] have no weight"):
        dense(prior_correction=True, class_weight={0: 0, 1: 1}).fit(X, y)


# ------------------------------------------------------------------------ temperature


@pytest.mark.parametrize("labels", [y, three], ids=["binary", "multiclass"])
def test_the_temperature_is_the_best_one_on_held_out_rows(labels):
    options = {"epochs": 40, "learning_rate": 0.05, "early_stopping": False}
    plain, scaled = (
        dense(calibration=how, width=30, **options).fit(X, labels)
        for how in (None, "temperature")
    )
    held = np.asarray(plain.record_.data["held_out_rows"])
    logs = np.log(plain.predict_proba(X[held]))

    def at(log_t):
        p = np.exp(logs * np.exp(-log_t))
        return log_loss(labels[held], p / p.sum(axis=1, keepdims=True))

    # Of all rows together, its logarithm is normal around 0 with a deviation of 1/2.
    best = minimize_scalar(lambda t: at(t) + 2 * t**2 / len(held), bounds=(-2, 2))
    found = log_loss(labels[held], scaled.predict_proba(X[held]))
    assert found == pytest.approx(at(best.x), abs=1e-5)
    temperature = scaled.record_.outcome["calibration"]["temperature"]
    assert temperature == pytest.approx(np.exp(best.x), rel=1e-2)
    np.testing.assert_array_equal(plain.predict(X), scaled.predict(X))


def test_a_few_rows_that_are_all_right_do_not_make_probabilities_of_0_and_1():
    codes = np.repeat([0, 1], [40, 4])
    logits = np.where(codes, 1.0, -2.0)[:, None]
    assert best_temperature(logits, codes)[0] == pytest.approx(0.1, rel=1e-3)
    temperature, gain = best_temperature(logits, codes, spread=0.5)
    assert 0.4 < temperature < 0.9
    assert gain > 0
    many = best_temperature(np.tile(logits, (100, 1)), np.tile(codes, 100), spread=0.5)
    assert many[0] < 0.3


def test_a_temperature_needs_held_out_rows():
    with pytest.raises(ValueError, match=r"temperature.*set validation_fraction"):
        dense(calibration="temperature", validation_fraction=None).fit(X, y)
    model = dense(calibration="temperature").fit(X, y)
    before = model.record_.outcome["calibration"]["temperature"]
    model.partial_fit(X, y)
    after = model.record_.outcome["calibration"]["temperature"]
    assert before == after


# -------------------------------------------------------------------------- diagnosis


def test_the_diagnosis_says_by_how_much_probabilities_are_inflated():
    model = dense(epochs=40, class_weight="balanced").fit(X, y)
    finding = diagnose(model).find("inflated-probabilities")
    held = np.asarray(model.record_.data["held_out_rows"])
    ratio = model.predict_proba(X[held])[:, 1].mean() / y[held].mean()
    assert f"inflated {ratio:.1f} times" in finding.title
    assert not finding.is_alarm
    fair = dense(epochs=40, class_weight="balanced", **finding.params).fit(X, y)
    assert diagnose(fair).find("inflated-probabilities") is None


def test_keras_has_the_same_corrected_intercept():
    model = dense(class_weight="balanced", prior_correction=True).fit(X, y)
    twin = keras.models.clone_model(model.model_)
    twin.set_weights(model.weights_)
    found = np.asarray(twin(X), float)[:, 0]
    np.testing.assert_allclose(np.exp(found), odds(model), rtol=1e-4)


def test_each_member_is_calibrated_by_the_rows_that_it_held_out():
    options = {"class_weight": "balanced", "prior_correction": True, "loss": "focal"}
    model = dense(n_members=3, calibration="temperature", **options).fit(X, y)
    each = [member.predict_proba(X) for member in model.members_]
    np.testing.assert_allclose(model.predict_proba(X), np.mean(each, axis=0))
    logits = np.asarray(model.model_(X), float)[:, 0]
    np.testing.assert_allclose(np.exp(logits), odds(model), rtol=1e-4)
    temperatures = [
        member["calibration"]["temperature"]
        for member in model.record_.outcome["members"]
    ]
    assert len(set(temperatures)) == 3
    assert model.record_.outcome["calibration"] is None
    metrics = model.record_.outcome["metrics"]["val"]
    outcome = model.record_.outcome
    found = log_loss(outcome["validation_truth"], outcome["validation_scores"])
    assert metrics["loss"] == pytest.approx(found)
