"""Thresholds by out-of-bag rows, against a plain search by scikit-learn's metrics."""

import pickle

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as imblearn_pipeline
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, matthews_corrcoef
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skloss import (
    DenseClassifier,
    OutOfBagThresholdClassifier,
    RocketClassifier,
    make_pipeline,
)
from skloss.datasets import make_rare_events
from skloss.metrics import best_threshold, thresholds, tuned_threshold

SCORES = {"mcc": matthews_corrcoef, "f1": f1_score}


def members(**options):
    given = {"n_members": 2, "validation_fraction": 0.5, "epochs": 3, "width": 4}
    return DenseClassifier(**given | {"random_state": 0} | options)


@pytest.fixture(scope="module")
def rows():
    return make_rare_events(600, prevalence=0.1, random_state=0)


def by_hand(y, p, metric, weight=None):
    """Best threshold of all midpoints, the highest first."""
    levels = np.unique(p)[::-1]
    tried = [*(levels[:-1] + levels[1:]) / 2, levels[-1]]
    found = [SCORES[metric](y, p >= t, sample_weight=weight) for t in tried]
    return tried[int(np.argmax(np.round(found, 12)))]


# -------------------------------------------------------------------------- thresholds


@pytest.mark.parametrize("metric", SCORES)
@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_is_better_on_the_rows(metric, seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(150), 1 + seed % 2)  # with ties
    y = (rng.random(150) < 0.4 * p).astype(int)
    weight = rng.integers(0, 3, 150) if seed > 1 else None
    expected = by_hand(y, p, metric, weight)
    assert best_threshold(y, p, metric, weight) == pytest.approx(expected)


@pytest.mark.parametrize("metric", SCORES)
def test_log_odds_are_averaged_over_weights_of_the_rows(metric, monkeypatch):
    monkeypatch.setattr(thresholds, "_DRAWS", 12)
    rng = np.random.default_rng(1)
    p = rng.random(40)
    y, weight = (rng.random(40) < p).astype(int), rng.random(40)
    again = np.random.default_rng(0)
    odds = []
    for _ in range(12):
        best = by_hand(y, p, metric, weight * again.exponential(size=40))
        odds.append(np.log(best / (1 - best)))
    expected = 1 / (1 + np.exp(-np.mean(odds)))
    assert tuned_threshold(y, p, metric, weight) == pytest.approx(expected)


def test_the_tuned_threshold_scatters_less_than_the_best_one():
    y = np.array([0] * 60 + [1] * 8)
    found = {best_threshold: [], tuned_threshold: []}
    for seed in range(30):
        scores = np.random.default_rng(seed).normal(size=68) + 2 * y - 2
        p = 1 / (1 + np.exp(-scores))
        for choose, odds in found.items():
            t = choose(y, p)
            odds.append(np.log(t / (1 - t)))
    assert np.std(found[tuned_threshold]) < 0.7 * np.std(found[best_threshold])


def test_probabilities_of_0_and_1_give_a_threshold_between():
    assert 0.2 < tuned_threshold([0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0]) < 0.8
    assert 0 < tuned_threshold([0, 1, 0, 1], [0.0, 0.0, 0.0, 0.0]) < 1e-5


# -------------------------------------------------------------------------- classifier


NOT_AT_ONE_HALF = {"check_classifiers_train": "it predicts as its threshold says"}


@parametrize_with_checks(
    [OutOfBagThresholdClassifier(members())],
    expected_failed_checks=lambda estimator: NOT_AT_ONE_HALF,
)
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def forest():
    return RandomForestClassifier(60, oob_score=True, random_state=0)


def rocket():
    return RocketClassifier(random_state=0)


def piped():
    return make_pipeline(StandardScaler(), SMOTE(random_state=0), members())


@pytest.mark.parametrize("metric", SCORES)
@pytest.mark.parametrize(
    "make", [members, forest, piped, rocket], ids=lambda make: make.__name__
)
def test_the_threshold_is_that_of_the_held_out_rows(rows, make, metric):
    X, y = rows
    tuned = OutOfBagThresholdClassifier(make(), metric=metric).fit(X, y)
    alone = clone(make()).fit(X, y)
    inner = alone[-1] if hasattr(alone, "steps") else alone
    chances = inner.oob_decision_function_[:, 1]
    known = ~np.isnan(chances)
    expected = tuned_threshold(y[known], chances[known], metric)
    assert tuned.best_threshold_ == pytest.approx(expected, abs=1e-6)
    p = tuned.predict_proba(X)
    np.testing.assert_allclose(p, alone.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(tuned.predict(X), p[:, 1] >= tuned.best_threshold_)


def test_the_rare_class_is_the_positive_one_unless_told(rows):
    X, y = rows
    words = np.where(y == 1, "a fraud", "fine")
    tuned = OutOfBagThresholdClassifier(members()).fit(X, words)
    assert tuned.pos_label_ == "a fraud"
    chances = tuned.estimator_.oob_decision_function_[:, 0]
    assert tuned.best_threshold_ == tuned_threshold(words == "a fraud", chances)
    is_fraud = tuned.predict_proba(X)[:, 0] >= tuned.best_threshold_
    np.testing.assert_array_equal(tuned.predict(X) == "a fraud", is_fraud)
    other = OutOfBagThresholdClassifier(members(), pos_label="fine").fit(X, words)
    assert other.pos_label_ == "fine"
    common = other.estimator_.oob_decision_function_[:, 1]
    assert other.best_threshold_ == tuned_threshold(words == "fine", common)


def test_weights_count_in_the_choice_too(rows):
    X, y = rows
    weight = np.where(y == 1, 1.0, 0.05)
    weight[::7] = 0
    tuned = OutOfBagThresholdClassifier(members()).fit(X, y, sample_weight=weight)
    chances = tuned.estimator_.oob_decision_function_[:, 1]
    known = weight > 0
    given = y[known], chances[known], "mcc"
    assert tuned.best_threshold_ == tuned_threshold(*given, weight[known])
    assert tuned.best_threshold_ != tuned_threshold(*given)


def test_groups_reach_the_classifier_with_and_without_routing(rows):
    X, y = rows
    groups = np.arange(len(y)) // 10
    plain = OutOfBagThresholdClassifier(members()).fit(X, y, groups=groups)
    held = plain.estimator_.members_[0].record_.data["held_out_rows"]
    assert not set(groups[held]) & set(np.delete(groups, held))
    with config_context(enable_metadata_routing=True):
        asking = OutOfBagThresholdClassifier(members().set_fit_request(groups=True))
        routed = asking.fit(X, y, groups=groups)
    assert routed.best_threshold_ == plain.best_threshold_


def test_it_stands_in_searches_and_is_pickled(rows):
    X, y = rows
    grid = {"estimator__width": [3, 4]}
    search = GridSearchCV(OutOfBagThresholdClassifier(members()), grid, cv=2)
    best = search.fit(X, y).best_estimator_
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


# ------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(5),
        members(n_members=1, validation_fraction=None),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}),
        CalibratedClassifierCV(members(), cv=2, ensemble=False),
        BaggingClassifier(members(), 2),
    ],
    ids=["linear", "forest", "network", "search", "calibration", "bagging"],
)
def test_a_classifier_that_holds_nothing_out_is_refused(rows, estimator):
    with pytest.raises(ValueError, match="has no oob_decision_function_ after fit"):
        OutOfBagThresholdClassifier(estimator).fit(*rows)


@pytest.mark.parametrize("around", [FrozenEstimator, lambda m: Pipeline([("m", m)])])
def test_a_frozen_classifier_has_not_seen_these_rows(rows, around):
    X, y = rows
    frozen = FrozenEstimator(members().fit(X, y))
    inner = frozen if around is FrozenEstimator else around(frozen)
    with pytest.raises(ValueError, match="was not fitted on these rows"):
        OutOfBagThresholdClassifier(inner).fit(X[::-1], y[::-1])


@pytest.mark.filterwarnings("ignore::skloss.exceptions.ResampledValidationWarning")
def test_rows_of_a_sampler_in_front_are_refused(rows):
    tuned = OutOfBagThresholdClassifier(imblearn_pipeline(SMOTE(), members()))
    with pytest.raises(ValueError, match=r"given \d+ rows .* not the 600 rows of fit"):
        tuned.fit(*rows)


def test_other_numbers_of_classes_are_refused(rows):
    X, _ = rows
    for n_classes, words in ((1, "y holds only one class"), (3, "y holds 3 classes")):
        with pytest.raises(ValueError, match=words):
            OutOfBagThresholdClassifier(members()).fit(X, np.arange(600) % n_classes)


def test_held_out_rows_of_one_class_are_refused():
    X, y = make_rare_events(300, prevalence=0.05, random_state=0)
    last = members(n_members=1, validation_fraction=0.1, validation_rows="last")
    order = np.argsort(-y, kind="stable")
    with pytest.raises(ValueError, match=r"Of 30 held-out rows .* 0 are of the pos"):
        OutOfBagThresholdClassifier(last).fit(X[order], y[order])


@pytest.mark.parametrize(
    ("y", "p", "metric", "words"),
    [
        ([0, 0], [0.1, 0.2], "mcc", "both must occur"),
        ([], [], "mcc", "both must occur"),
        (["a", "b"], [0.1, 0.2], "mcc", "y must be 1 for"),
        ([0, 1], [0.1, np.nan], "mcc", "scores must be finite"),
        ([0, 1], [[0.9, 0.1], [0.2, 0.8]], "mcc", "must be of one shape"),
        ([0, 1], [0.1], "mcc", "must be of one shape"),
        ([[0], [1]], [[0.1], [0.2]], "mcc", "must be of one shape"),
        ([0, 1], [0.1, 0.2], "auc", "metric must be one of .'mcc', 'f1'., got 'auc'"),
    ],
)
@pytest.mark.parametrize("choose", [best_threshold, tuned_threshold])
def test_bad_scores_are_refused(choose, y, p, metric, words):
    with pytest.raises(ValueError, match=words):
        choose(y, p, metric)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ([1.0], "must hold 2 finite"),
        ([1.0, -1.0], "none below 0"),
        ([1.0, np.nan], "must hold 2 finite"),
        ([1.0, 0.0], "with a weight above 0"),
    ],
)
@pytest.mark.parametrize("choose", [best_threshold, tuned_threshold])
def test_bad_weights_are_refused(choose, weight, words):
    with pytest.raises(ValueError, match=words):
        choose([0, 1], [0.1, 0.2], sample_weight=weight)


def test_log_odds_need_probabilities():
    assert best_threshold([0, 1], [-3.0, 5.0]) == 1.0
    with pytest.raises(ValueError, match="between 0 and 1"):
        tuned_threshold([0, 1], [-3.0, 5.0])


def test_bad_parameters_are_named(rows):
    for bad in ({"metric": "accuracy"}, {"pos_label": "rare"}, {"estimator": "forest"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            OutOfBagThresholdClassifier(**{"estimator": members()} | bad).fit(*rows)
