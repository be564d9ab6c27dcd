"""Average precision and threshold of the rows of all folds, against scikit-learn."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import average_precision_score, matthews_corrcoef
from sklearn.model_selection import StratifiedGroupKFold, cross_validate

import skloss
from skloss.positive_class import positive_probability
from skloss.reports.pooled_ranking import (
    average_precision,
    ranked_rows,
    threshold_sentence,
)
from skloss.reports.pooled_scores import Pooled

rng = np.random.default_rng(3)
GROUPS = np.repeat(np.arange(15), rng.integers(10, 40, 15))
TRUTH = (rng.random(len(GROUPS)) < 0.2).astype(int)
# Rounded, so that many rows have the same score.
CHANCES = np.round(np.clip(0.15 * TRUTH + rng.random(len(GROUPS)) * 0.5, 0, 1), 2)


def pooled(groups=GROUPS, positive=1, chances=CHANCES):
    codes = (chances > 0.5).astype(int)
    codes = codes if positive == 1 else 1 - codes
    return Pooled(TRUTH, {"own": codes}, 2, positive, groups, {"own": chances})


@pytest.mark.parametrize("groups", [GROUPS, None])
@pytest.mark.parametrize("positive", [0, 1])
def test_the_value_is_that_of_scikit_learn(groups, positive):
    score = average_precision(pooled(groups, positive), "own")
    expected = average_precision_score(positive == TRUTH, CHANCES)
    assert score.value == pytest.approx(expected, abs=1e-12)
    assert score.low < score.value < score.high


def test_the_interval_is_that_of_drawing_the_rows_of_whole_groups():
    score = average_precision(pooled(), "own")
    draws = np.random.default_rng(0).multinomial(15, np.full(15, 1 / 15), 1000)
    found = []
    for times in draws[:1000]:
        rows = np.concatenate(
            [
                np.flatnonzero(group == GROUPS)
                for group, n in enumerate(times)
                for _ in range(n)
            ]
        )
        found.append(average_precision_score(TRUTH[rows], CHANCES[rows]))
    low, high = np.quantile(found, (0.025, 0.975))
    assert (score.low, score.high) == pytest.approx((low, high), abs=1e-12)


def test_a_constant_guess_scores_the_share_of_positive_rows():
    score = average_precision(pooled(chances=np.full(len(TRUTH), 0.3)), "own")
    assert score.value == pytest.approx(TRUTH.mean())


def test_nothing_is_made_up_without_probabilities_or_positive_rows():
    bare = Pooled(TRUTH, {"own": TRUTH}, 2, 1, GROUPS)
    assert average_precision(bare, "own") is None
    assert ranked_rows(bare, "own") is None
    assert threshold_sentence(bare, "own") == ""
    none = Pooled(0 * TRUTH, {"own": TRUTH}, 2, 1, None, {"own": CHANCES})
    assert average_precision(none, "own") is None
    gaps = np.where(np.arange(len(TRUTH)) == 3, np.nan, CHANCES)
    assert average_precision(pooled(chances=gaps), "own") is None


def test_the_threshold_has_the_mcc_that_is_told():
    said = threshold_sentence(pooled(), "own")
    levels = np.unique(CHANCES)
    scores = [matthews_corrcoef(TRUTH, level <= CHANCES) for level in levels]
    before = matthews_corrcoef(TRUTH, CHANCES > 0.5)
    assert f"the highest MCC, {max(scores):.2f} in place of {before:.2f}" in said
    threshold = float(said.split("threshold ")[1].split()[0])
    told = matthews_corrcoef(TRUTH, threshold <= CHANCES)
    assert told == pytest.approx(max(scores), abs=0.005)


def test_groups_that_are_left_out_take_their_probabilities_along():
    rest = pooled().without(["3"])
    kept = GROUPS != 3
    expected = average_precision_score(TRUTH[kept], CHANCES[kept])
    assert average_precision(rest, "own").value == pytest.approx(expected)


def test_the_probability_is_that_of_the_rare_class_wherever_it_stands():
    X, y = CHANCES[:, None], np.where(TRUTH, "a rare one", "usual")
    fitted = LogisticRegression().fit(X, y)
    expected = fitted.predict_proba(X)[:, 0]
    assert (positive_probability(fitted, X, y) == expected).all()
    other = positive_probability(fitted, X, y, "usual")
    assert other == pytest.approx(1 - expected)
    assert positive_probability(RidgeClassifier().fit(X, y), X, y) is None
    one_class = DummyClassifier().fit(X, ["usual"] * len(y))
    assert positive_probability(one_class, X, y) is None
    three = np.arange(len(y)) % 3
    assert positive_probability(LogisticRegression().fit(X, three), X, three) is None


@pytest.mark.usefixtures("sketched")
def test_the_report_of_a_cross_validation_has_it():
    X = np.c_[CHANCES, rng.normal(size=(len(TRUTH), 2))]
    model = skloss.DenseClassifier(4, depth=1, epochs=4, random_state=0)
    folds = StratifiedGroupKFold(3)
    asked = {"return_estimator": True, "return_indices": True}
    asked["params"] = {"groups": GROUPS}
    results = cross_validate(model, X, TRUTH, cv=folds, groups=GROUPS, **asked)
    made = skloss.report(results, X, TRUTH, groups=GROUPS)
    place = made.answer.metrics.index("average precision")
    joined = np.zeros(len(TRUTH))
    for fitted, test in zip(
        results["estimator"], results["indices"]["test"], strict=True
    ):
        joined[test] = fitted.predict_proba(X[test])[:, 1]
    score = made.answer.scores["This classifier"][place]
    assert score.value == pytest.approx(average_precision_score(TRUTH, joined))
    guess = made.answer.scores["Constant guess (most frequent class)"][place]
    assert guess.value == pytest.approx(TRUTH.mean())
    assert made.answer.scores["Logistic regression"][place].value > guess.value
    assert "recall and average precision are" in made.answer.measured_on
    assert "average precision" in made.card
