"""Scores of the test rows of all folds, against loops over groups and scipy."""

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import f1_score, matthews_corrcoef, precision_score, recall_score
from sklearn.model_selection import StratifiedGroupKFold, cross_validate

import skloss
from skloss.reports.pooled_scores import Pooled
from skloss.reports.score_intervals import (
    of_counts,
    of_difference,
    of_group_difference,
    of_groups,
)

pytestmark = pytest.mark.usefixtures("sketched")


rng = np.random.default_rng(1)
GROUPS = np.repeat(np.arange(12) * 10 + 100, rng.integers(20, 60, 12))
TRUTH = (rng.random(len(GROUPS)) < 0.2).astype(int)
HARD = np.isin(GROUPS, [100, 110])
NOISE = np.where(HARD, 0.4, 0.05)
GOOD = np.where(rng.random(len(GROUPS)) < NOISE, 1 - TRUTH, TRUTH)
POOR = np.where(rng.random(len(GROUPS)) < 0.3, 1 - TRUTH, TRUTH)
METRICS = {
    "mcc": matthews_corrcoef,
    "f1": f1_score,
    "precision": precision_score,
    "recall": recall_score,
}


def tables(predicted):
    found = np.zeros((12, 2, 2))
    for place, group in enumerate(np.unique(GROUPS)):
        for truth, other in zip(
            TRUTH[group == GROUPS], predicted[group == GROUPS], strict=True
        ):
            found[place, truth, other] += 1
    return found


def by_formula(table):
    """Metrics of one table of two classes, by their textbook formulas."""
    (tn, fp), (fn, tp) = table.tolist()
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "mcc": (tp * tn - fp * fn) / margins**0.5 if margins else 0.0,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0,
        "precision": tp / (tp + fp) if tp + fp else 0.0,
        "recall": tp / (tp + fn) if tp + fn else 0.0,
    }


def drawn(predicted):
    """Metrics of each draw of groups, one after the other, as `of_groups` draws."""
    generator = np.random.default_rng(0)
    of_groups_alone = tables(predicted)
    found = []
    for times in generator.multinomial(12, np.full(12, 1 / 12), 2_000):
        table = np.zeros((2, 2))
        for group, n_times in enumerate(times):
            for _ in range(n_times):
                table += of_groups_alone[group]
        found.append(by_formula(table))
    return {name: np.array([one[name] for one in found]) for name in METRICS}


@pytest.fixture(scope="module")
def draws():
    return {"own": drawn(GOOD), "other": drawn(POOR)}


@pytest.mark.parametrize("name", METRICS)
def test_the_interval_is_that_of_a_loop_over_draws_of_groups(name, draws):
    found = of_groups(tables(GOOD))[name]
    low, high = np.quantile(draws["own"][name], [0.025, 0.975])
    assert found.value == pytest.approx(METRICS[name](TRUTH, GOOD))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_a_difference_is_paired_in_each_draw(draws):
    found = of_group_difference(tables(GOOD), tables(POOR))["mcc"]
    paired = draws["own"]["mcc"] - draws["other"]["mcc"]
    low, high = np.quantile(paired, [0.025, 0.975])
    np.testing.assert_allclose([found.low, found.high], [low, high])


def test_scipy_finds_nearly_the_same_interval():
    alone = tables(GOOD)

    def mcc(picked):
        return by_formula(alone[picked].sum(axis=0))["mcc"]

    expected = bootstrap(
        (np.arange(12),), mcc, n_resamples=2_000, method="percentile",
        vectorized=False, random_state=3,
    ).confidence_interval  # fmt: skip
    found = of_groups(tables(GOOD))["mcc"]
    assert found.low == pytest.approx(expected.low, abs=0.04)
    assert found.high == pytest.approx(expected.high, abs=0.04)


def test_groups_make_the_interval_wider_than_rows_do():
    by_groups = of_groups(tables(GOOD))["mcc"]
    by_rows = of_counts(tables(GOOD).sum(axis=0))["mcc"]
    assert by_groups.value == pytest.approx(by_rows.value)
    assert by_groups.high - by_groups.low > by_rows.high - by_rows.low


def test_one_group_gives_no_interval():
    assert of_groups(tables(GOOD)[:1])["mcc"].low is None


def pooled(groups=GROUPS):
    return Pooled(TRUTH, {"own": GOOD, "other": POOR}, 2, 1, groups)


def test_scores_are_by_groups_where_there_are_any_and_else_by_rows():
    assert pooled().scores("own") == of_groups(tables(GOOD))
    by_rows = pooled(None)
    assert by_rows.scores("own") == of_counts(tables(GOOD).sum(axis=0))
    joint = np.zeros((2, 2, 2))
    np.add.at(joint, (TRUTH, GOOD, POOR), 1)
    assert by_rows.difference("own", "other") == of_difference(joint)["mcc"]
    assert by_rows.by_group("own") == []
    assert by_rows.limits("own") == ""


def test_the_errors_of_each_group_are_counted():
    found = {one.group: one for one in pooled().by_group("own")}
    assert list(found) == [str(one.group) for one in pooled().by_group("own")]
    for name in np.unique(GROUPS):
        of_group = name == GROUPS
        one = found[str(name)]
        missed = of_group & (TRUTH == 1) & (GOOD == 0)
        false = of_group & (TRUTH == 0) & (GOOD == 1)
        assert (one.n_rows, one.n_positive) == (
            of_group.sum(),
            (of_group & (TRUTH == 1)).sum(),
        )
        assert (one.n_missed, one.n_false) == (missed.sum(), false.sum())


def test_the_groups_with_most_errors_are_named_and_left_out():
    own = pooled()
    assert {one.group for one in own.limiting("own")} == {"100", "110"}
    share = (GOOD != TRUTH)[HARD].sum() / (GOOD != TRUTH).sum()
    assert f"have {share:.0%} of all errors" in own.limits("own")
    rest = own.without(["100", "110"]).scores("own")["mcc"]
    assert rest.value == pytest.approx(matthews_corrcoef(TRUTH[~HARD], GOOD[~HARD]))
    assert own.limits("other") == ""


def test_of_many_classes_all_but_the_largest_are_to_be_found():
    truth = np.array([0, 0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 0, 1, 1, 0, 1])
    groups = np.array(list("aaabbbb"))
    one = Pooled(truth, {"own": predicted}, 3, None, groups)
    worst = one.by_group("own")[0]
    assert (worst.group, worst.n_rows, worst.n_positive) == ("b", 4, 3)
    assert (worst.n_missed, worst.n_false) == (2, 1)
    expected = matthews_corrcoef(truth, predicted)
    assert one.scores("own")["mcc"].value == pytest.approx(expected)


def test_the_rival_is_the_best_of_the_others():
    three = Pooled(TRUTH, {"own": POOR, "a": GOOD, "b": 0 * TRUTH}, 2, 1)
    assert three.rival("own") == "a"
    assert three.rival("own", "a") == "b"
    assert Pooled(TRUTH, {"own": POOR}, 2, 1).rival("own") is None


def test_a_cross_validation_with_groups_is_scored_by_them():
    X = TRUTH[:, np.newaxis] + rng.normal(size=(len(TRUTH), 3))
    names = np.array(["calm", "storm"])[TRUTH]
    network = skloss.DenseClassifier(4, depth=1, epochs=2, random_state=0)
    results = cross_validate(
        network, X, names, groups=GROUPS, params={"groups": GROUPS},
        cv=StratifiedGroupKFold(3),
        return_estimator=True, return_indices=True,
    )  # fmt: skip
    page = skloss.report(results, X, names, groups=GROUPS)
    predicted = np.empty(len(X), object)
    for fitted, test in zip(
        results["estimator"], results["indices"]["test"], strict=True
    ):
        predicted[test] = fitted.predict(X[test])
    own = page.answer.scores["This classifier"][0]
    expected = np.unique(predicted.astype(str), return_inverse=True)[1]
    assert own == of_groups(tables(expected))["mcc"]
    assert own.value == pytest.approx(matthews_corrcoef(names, predicted.astype(str)))
    assert "bootstrap of the 12 groups" in page.answer.measured_on
    assert "Logistic regression" in page.answer.scores
    assert "Scores of each group" in page.html
