"""Displays of predictions: equal to scikit-learn's numbers, and readable."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from hypothesis import given
from hypothesis import strategies as st
from pictures import assert_readable, new_axes
from sklearn import metrics
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.neighbors import KNeighborsTransformer

from skloss import OutOfBagThresholdClassifier, TrainingRecord
from skloss.displays import (
    PrecisionRecallCurvesDisplay,
    ProbabilityDisplay,
    RocCurvesDisplay,
    ThresholdDisplay,
)
from skloss.displays.probability import at_prior

RNG = np.random.default_rng(0)
N = 1000
TRUTH = (RNG.random(N) < 0.1).astype(int)
SCORES = np.clip(0.3 * TRUTH + 0.7 * RNG.random(N), 0, 1).round(2)  # with ties
CLASSES = np.array(["ant", "bee", "cow", "dog"])
NAMES = RNG.choice(CLASSES, N, p=[0.7, 0.2, 0.07, 0.03])
SHARES = RNG.dirichlet(np.ones(4), N) + 0.4 * (NAMES[:, None] == CLASSES)


@pytest.fixture
def ax():
    return new_axes()


@pytest.fixture(scope="module")
def rare():
    X, y = make_classification(600, weights=[0.9], random_state=0)
    return X, np.where(y == 1, "rare", "common")


# -------------------------------------------------------------------------- thresholds


@pytest.mark.parametrize("threshold", [0.0, 0.13, 0.5, 0.505, 0.8, 0.97])
def test_metrics_at_a_threshold_are_those_of_scikit_learn(threshold, ax):
    display = ThresholdDisplay.from_predictions(TRUTH, SCORES, ax=ax)
    called = threshold <= SCORES
    values = display.at(threshold)
    assert values["precision"] == pytest.approx(metrics.precision_score(TRUTH, called))
    assert values["recall"] == pytest.approx(metrics.recall_score(TRUTH, called))
    assert values["f1"] == pytest.approx(metrics.f1_score(TRUTH, called))
    assert values["mcc"] == pytest.approx(metrics.matthews_corrcoef(TRUTH, called))
    assert values["alarms"] == pytest.approx(1000 * called.mean())


def test_lines_hold_what_is_read_off(ax):
    display = ThresholdDisplay.from_predictions(TRUTH, SCORES, ax=ax)
    for name, values in {**display.scores, "alarms": display.alarms}.items():
        thresholds, heights = display.lines_[name].get_data()
        assert list(thresholds) == list(np.unique(SCORES))
        assert list(heights) == list(values)
    assert display.lines_["mcc"].get_drawstyle() == "steps-pre"


def test_without_a_choice_the_threshold_of_the_highest_mcc_is_marked(ax):
    display = ThresholdDisplay.from_predictions(TRUTH, SCORES, ax=ax)
    all_mcc = [
        metrics.matthews_corrcoef(TRUTH, threshold <= SCORES)
        for threshold in np.unique(SCORES)
    ]
    assert display.at(display.threshold)["mcc"] == pytest.approx(max(all_mcc))
    assert set(display.lines_["chosen"].get_xdata()) == {display.threshold}
    assert set(display.lines_["default"].get_xdata()) == {0.5}


def test_a_chosen_threshold_is_marked_as_such(ax):
    display = ThresholdDisplay.from_predictions(TRUTH, SCORES, threshold=0.7, ax=ax)
    assert set(display.lines_["chosen"].get_xdata()) == {0.7}
    assert display.lines_["chosen"].get_label().startswith("chosen at 0.7: MCC")


def test_the_threshold_of_a_tuned_classifier_is_the_chosen_one(rare, ax):
    X, y = rare
    tuned = TunedThresholdClassifierCV(LogisticRegression()).fit(X, y)
    display = ThresholdDisplay.from_estimator(tuned, X, y, ax=ax)
    assert display.threshold == tuned.best_threshold_


def test_the_threshold_of_out_of_bag_rows_is_the_chosen_one(rare, ax):
    X, y = rare
    forest = RandomForestClassifier(oob_score=True, random_state=0)
    tuned = OutOfBagThresholdClassifier(forest).fit(X, y)
    display = ThresholdDisplay.from_estimator(tuned, X, y, ax=ax)
    assert display.threshold == tuned.best_threshold_
    (common,) = set(np.unique(y)) - {tuned.pos_label_}
    turned = ThresholdDisplay.from_estimator(tuned, X, y, pos_label=common, ax=ax)
    assert turned.threshold == pytest.approx(1 - tuned.best_threshold_)


def test_scores_that_are_no_probabilities_have_no_default_threshold(rare, ax):
    X, y = rare
    ridge = RidgeClassifier().fit(X, y)
    display = ThresholdDisplay.from_estimator(ridge, X, y, ax=ax)
    assert "default" not in display.lines_
    truth, scores = y == "rare", ridge.decision_function(X)
    expected = metrics.recall_score(truth, scores >= display.threshold)
    assert display.at(display.threshold)["recall"] == pytest.approx(expected)


def test_the_other_class_may_be_the_positive_one(rare, ax):
    X, y = rare
    fitted = LogisticRegression().fit(X, y)
    display = ThresholdDisplay.from_estimator(fitted, X, y, pos_label="common", ax=ax)
    expected = metrics.recall_score(y, fitted.predict(X), pos_label="common")
    assert display.at(0.5)["recall"] == pytest.approx(expected)


def test_many_rows_are_drawn_as_few_points(ax):
    truth = RNG.integers(0, 2, 20_000)
    scores = 0.2 * truth + 0.8 * RNG.random(20_000)
    display = ThresholdDisplay.from_predictions(truth, scores, threshold=0.321, ax=ax)
    assert len(display.thresholds) < 600
    assert display.at(0.321)["recall"] == metrics.recall_score(truth, scores >= 0.321)


@pytest.mark.parametrize("smallest", [1e-3, 1e-5, 1e-8, 1e-16])
def test_ticks_are_readable_however_near_the_ends_probabilities_are(smallest, ax):
    scores = np.append(np.geomspace(smallest, 1e-3, 50), [0.5, 1 - smallest])
    truth = np.arange(len(scores)) >= 40
    ThresholdDisplay.from_predictions(truth, scores, threshold=scores[1], ax=ax)
    assert_readable(ax.figure)


def test_alarms_of_all_rows_are_written_out(ax):
    display = ThresholdDisplay.from_predictions([0, 1], [0.1, 0.9], threshold=0.1)
    assert display.lines_["chosen"].get_label().endswith("MCC 0.00, 1000 per 1,000")


def test_probabilities_near_the_ends_are_spread_out(ax):
    ThresholdDisplay.from_predictions(TRUTH, SCORES**20, ax=ax)
    assert ax.get_xscale() == "logit"


# ----------------------------------------------------------------------- probabilities

shares = st.floats(0.001, 0.999)


@given(p=shares, train=shares, prior=shares)
def test_the_correction_is_undone_by_the_way_back(p, train, prior):
    there = at_prior([p], train, prior)
    assert at_prior(there, prior, train) == pytest.approx([p], abs=1e-9)
    assert at_prior([p], train, train) == pytest.approx([p])


@given(train=shares, prior=shares)
def test_a_guess_of_the_old_prior_becomes_a_guess_of_the_new_one(train, prior):
    assert at_prior([train], train, prior) == pytest.approx([prior])


def test_certainty_stays_certain():
    assert at_prior([0.0, 1.0], 0.5, 0.01).tolist() == [0.0, 1.0]


def test_the_correction_brings_probabilities_of_balanced_training_to_the_diagonal(ax):
    rng = np.random.default_rng(1)
    truth = rng.random(50_000) < 0.05
    x = rng.normal(2.0 * truth, 1.0)
    balanced = 1 / (1 + np.exp(-2 * (x - 1)))  # Bayes' rule for equal priors
    display = ProbabilityDisplay.from_predictions(
        truth, balanced, train_prior=0.5, ax=ax
    )
    predicted, observed, error = display.curves["corrected"]
    assert np.all(np.abs(predicted - observed) < 4 * error)
    predicted, observed, error = display.curves["predicted"]
    assert np.sum(predicted - observed > 10 * error) > 5
    assert display.briers["corrected"] < display.briers["predicted"] / 2


def test_bins_hold_the_rows_they_say(ax):
    display = ProbabilityDisplay.from_predictions(
        [0, 0, 1, 1], [0.1, 0.3, 0.7, 0.9], train_prior=0.5, n_bins=2, ax=ax
    )
    assert display.curves["predicted"][:2].tolist() == [
        pytest.approx([0.2, 0.8]),
        [0, 1],
    ]
    brier = metrics.brier_score_loss([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.9])
    assert display.briers["predicted"] == pytest.approx(brier)


def test_equal_probabilities_share_a_bin(ax):
    display = ProbabilityDisplay.from_predictions(
        TRUTH, np.full(N, 0.3), train_prior=0.3, ax=ax
    )
    assert display.lines_["predicted"].get_xydata().tolist() == [
        pytest.approx([0.3, TRUTH.mean()])
    ]


def test_the_prior_of_training_is_read_from_the_record(rare, ax):
    X, y = rare
    fitted = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="pass train_prior"):
        ProbabilityDisplay.from_estimator(fitted, X, y, ax=ax)
    fitted.record_ = TrainingRecord()
    with pytest.raises(ValueError, match="pass train_prior"):
        ProbabilityDisplay.from_estimator(fitted, X, y, ax=ax)
    fitted.record_ = TrainingRecord(data={"priors": {"train": [0.75, 0.25]}})
    display = ProbabilityDisplay.from_estimator(fitted, X, y, prior=0.02, ax=ax)
    expected = ProbabilityDisplay.from_predictions(
        y == "rare",
        fitted.predict_proba(X)[:, 1],
        train_prior=0.25,
        prior=0.02,
        ax=new_axes(),
    )
    assert display.briers == expected.briers


# ----------------------------------------------------------------------------- ranking


def test_areas_of_all_classes_are_those_of_scikit_learn(ax):
    display = RocCurvesDisplay.from_predictions(NAMES, SHARES, ax=ax)
    one_hot = NAMES[:, None] == CLASSES
    expected = metrics.roc_auc_score(one_hot, SHARES, average=None)
    assert list(display.areas) == list(CLASSES)
    assert list(display.areas.values()) == pytest.approx(expected)
    macro = metrics.roc_auc_score(one_hot, SHARES, average="macro")
    assert f"{macro:.2f}" in display.lines_["macro"].get_label()
    assert metrics.auc(*display.macro) == pytest.approx(macro, abs=0.005)


def test_average_precisions_are_those_of_scikit_learn(ax):
    display = PrecisionRecallCurvesDisplay.from_predictions(NAMES, SHARES, ax=ax)
    one_hot = NAMES[:, None] == CLASSES
    expected = metrics.average_precision_score(one_hot, SHARES, average=None)
    assert list(display.areas.values()) == pytest.approx(expected)
    macro = metrics.average_precision_score(one_hot, SHARES, average="macro")
    assert metrics.auc(*display.macro) == pytest.approx(macro, abs=0.01)


@pytest.mark.parametrize(
    "display_class", [RocCurvesDisplay, PrecisionRecallCurvesDisplay]
)
def test_two_classes_have_one_curve_of_the_last_one(display_class, ax):
    one = display_class.from_predictions(TRUTH, SCORES, ax=ax)
    two = np.column_stack([1 - SCORES, SCORES])
    other = display_class.from_predictions(TRUTH, two, ax=new_axes())
    assert list(one.curves) == list(other.curves) == ["1"]
    assert one.areas == other.areas
    assert one.macro is None
    drawn = np.array(one.lines_["1"].get_data())
    assert drawn.tolist() == one.curves["1"].tolist()


@pytest.mark.parametrize(
    "display_class", [RocCurvesDisplay, PrecisionRecallCurvesDisplay]
)
def test_a_single_curve_takes_the_whole_width(display_class, ax):
    display_class.from_predictions([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], ax=ax)
    ax.figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.bbox.y1
    assert ax.bbox.width > 0.8 * ax.figure.bbox.width


def test_a_class_without_rows_is_left_out(ax):
    chosen = NAMES != "dog"
    display = RocCurvesDisplay.from_predictions(
        NAMES[chosen], SHARES[chosen], classes=CLASSES, ax=ax
    )
    assert list(display.areas) == ["ant", "bee", "cow"]


def test_columns_are_named_by_the_classes_of_an_estimator(rare, ax):
    X, _ = rare
    y = RNG.permutation(np.repeat(["x", "y", "z"], 200))
    fitted = LogisticRegression().fit(X, y)
    display = PrecisionRecallCurvesDisplay.from_estimator(fitted, X, y, ax=ax)
    column = metrics.average_precision_score(y == "z", fitted.predict_proba(X)[:, 2])
    assert display.areas["z"] == pytest.approx(column)


def test_of_hundreds_of_classes_the_worst_are_named(ax):
    truth = np.repeat(np.arange(120), 5)
    scores = RNG.random((600, 120)) + (truth[:, None] == np.arange(120))
    display = RocCurvesDisplay.from_predictions(truth, scores, ax=ax)
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    worst = min(display.areas, key=display.areas.get)
    assert named[1].startswith(f"{worst} (AUC")
    assert named[-1] == "110 more classes, all with higher AUC"
    assert_readable(display.figure_)


def test_curves_of_ten_classes_differ_without_color_or_by_it(ax):
    truth = np.repeat(np.arange(10), 5)
    display = RocCurvesDisplay.from_predictions(truth, RNG.random((50, 10)), ax=ax)
    looks = {
        (line.get_color(), line.get_linestyle()) for line in display.lines_.values()
    }
    assert len(looks) == 12


# --------------------------------------------------------------------------- bad input

TWO = [ThresholdDisplay.from_predictions]
ANY = [RocCurvesDisplay.from_predictions, PrecisionRecallCurvesDisplay.from_predictions]


@pytest.mark.parametrize("draw", TWO + ANY)
def test_predictions_that_do_not_fit_are_refused(draw, ax):
    with pytest.raises(ValueError, match="y_true has 3 rows and y_score has 2"):
        draw([0, 1, 1], [0.5, 0.5], ax=ax)
    with pytest.raises(ValueError, match="but 1 of its values are not"):
        draw([0, 1], [0.5, np.nan], ax=ax)
    with pytest.raises(ValueError, match=r"y_true must be of shape \(n,\)"):
        draw([[0, 1]], [0.5], ax=ax)


@pytest.mark.parametrize("draw", TWO)
def test_more_or_fewer_than_two_classes_have_no_threshold(draw, ax):
    with pytest.raises(ValueError, match="y_true has 3 classes, but two are needed"):
        draw([0, 1, 2], [0.5, 0.5, 0.5], ax=ax)
    with pytest.raises(ValueError, match="2 rows of the positive class 1 among 2"):
        draw([1, 1], [0.5, 0.5], ax=ax)
    with pytest.raises(ValueError, match="0 rows of the positive class 'x' among 2"):
        draw([0, 1], [0.5, 0.5], pos_label="x", ax=ax)


@pytest.mark.parametrize("draw", TWO + ANY)
def test_no_rows_cannot_be_drawn(draw, ax):
    with pytest.raises(ValueError, match="y_true has no rows"):
        draw([], [], ax=ax)


@pytest.mark.parametrize("draw", ANY)
def test_columns_must_be_as_many_as_classes(draw, ax):
    with pytest.raises(ValueError, match="one column for each of 3 classes"):
        draw([0, 1, 2], np.ones((3, 2)), ax=ax)
    with pytest.raises(ValueError, match=r"labels that are not in classes: \[2\]"):
        draw([0, 1, 2], np.ones((3, 2)), classes=[0, 1], ax=ax)
    with pytest.raises(ValueError, match="only one class"):
        draw([0, 0], np.ones((2, 3)), classes=[0, 1, 2], ax=ax)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y_prob": [-3.0, 4.0], "train_prior": 0.5}, "pass probabilities, not logits"),
        ({"y_prob": [0.2, 0.4], "train_prior": 0.0}, "train_prior must be a share"),
        (
            {"y_prob": [0.2, 0.4], "train_prior": 0.5, "prior": 1.5},
            "prior must be a share of positives between 0 and 1, got 1.5",
        ),
    ],
)
def test_what_is_no_probability_is_refused(given, message, ax):
    with pytest.raises(ValueError, match=message):
        ProbabilityDisplay.from_predictions([0, 1], **given, ax=ax)


@pytest.mark.parametrize(
    "display_class",
    [
        ThresholdDisplay,
        ProbabilityDisplay,
        RocCurvesDisplay,
        PrecisionRecallCurvesDisplay,
    ],
)
def test_estimators_must_be_fitted_classifiers(display_class, rare, ax):
    X, y = rare
    with pytest.raises(NotFittedError):
        display_class.from_estimator(LogisticRegression(), X, y, ax=ax)
    with pytest.raises(ValueError, match="KNeighborsTransformer has no predict_proba"):
        display_class.from_estimator(KNeighborsTransformer().fit(X), X, y, ax=ax)


def test_an_estimator_of_three_classes_has_no_threshold(rare, ax):
    X, _ = rare
    y = np.repeat([0, 1, 2], 200)
    fitted = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="was fitted on 3 classes, but two are needed"):
        ThresholdDisplay.from_estimator(fitted, X, y, ax=ax)
    fitted = LogisticRegression().fit(X, y > 0)
    with pytest.raises(ValueError, match=r"pos_label must be one of .*, got 'x'"):
        ThresholdDisplay.from_estimator(fitted, X, y > 0, pos_label="x", ax=ax)


# -------------------------------------------------------------------------- as pictures


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ThresholdDisplay.from_predictions(TRUTH, SCORES, ax=ax),
        lambda ax: ThresholdDisplay.from_predictions(TRUTH, SCORES**20, ax=ax),
        lambda ax: ThresholdDisplay.from_predictions(TRUTH, 9 * SCORES, ax=ax),
        lambda ax: ThresholdDisplay.from_predictions([0, 1], [0.5, 0.5], ax=ax),
        lambda ax: ProbabilityDisplay.from_predictions(
            TRUTH, SCORES, train_prior=0.5, ax=ax
        ),
        lambda ax: RocCurvesDisplay.from_predictions(NAMES, SHARES, ax=ax),
        lambda ax: RocCurvesDisplay.from_predictions(
            np.char.add(NAMES, " of a long name"), SHARES, ax=ax
        ),
        lambda ax: RocCurvesDisplay.from_predictions(TRUTH, SCORES, ax=ax),
        lambda ax: PrecisionRecallCurvesDisplay.from_predictions(NAMES, SHARES, ax=ax),
        lambda ax: PrecisionRecallCurvesDisplay.from_predictions(TRUTH, SCORES, ax=ax),
    ],
    ids=[
        "thresholds",
        "logits",
        "scores",
        "one score",
        "probabilities",
        "ROC of four",
        "long names",
        "ROC of two",
        "precision of four",
        "precision of two",
    ],
)
def test_no_text_covers_another_on_six_by_four_inches(draw, ax):
    assert_readable(draw(ax).figure_)
