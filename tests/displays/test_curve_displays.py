"""Displays of trainings: artists and numbers, and pictures that can be read."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from pictures import assert_readable, new_axes
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

import skloss
from skloss import TrainingRecord
from skloss.diagnosis import Diagnosis, Finding
from skloss.displays import (
    FoldCurvesDisplay,
    LossCurveDisplay,
    MetricCurveDisplay,
    ProbabilityDisplay,
)
from skloss.displays.standard_errors import score_of_rates, standard_error

NAN = float("nan")
METRICS = ("mcc", "f1", "precision", "recall", "fpr")
HISTORY = {
    "loss": [0.6, 0.4, 0.3],
    "val_loss": [0.7, 0.5, 0.6],
    "val_loss_at_train_prior": [0.9, 0.7, 0.8],
    "learning_rate": [0.1, 0.1, 0.01],
    **{
        prefix + name: [start, start + 0.1, start + 0.2]
        for prefix, start in (("", 0.5), ("val_", 0.3))
        for name in METRICS
    },
}


@pytest.fixture
def record():
    return TrainingRecord(
        history=HISTORY,
        data={
            "priors": {"validation": [0.9, 0.1]},
            "class_counts": {"validation": [90, 10]},
        },
        outcome={"best_epoch": 1, "stop_reason": "early_stopping"},
    )


@pytest.fixture
def ax():
    return new_axes()


def finding(name, epoch=None, severity="warning", explains=()):
    return Finding(
        "X01", name, severity, "Seen.", {}, "Mend.", explains=explains, epoch=epoch
    )


class Fitted:
    def __init__(self, record):
        self.record_ = record


class Steps:
    def __init__(self, last):
        self.steps = [("scaler", None), ("last", last)]


class Found:
    def __init__(self, best):
        self.best_estimator_ = best


# ------------------------------------------------------------------------------ losses


def test_losses_are_drawn_as_recorded_over_epochs_from_one(record, ax):
    display = LossCurveDisplay.from_record(record, ax=ax)
    for name in ("loss", "val_loss", "val_loss_at_train_prior"):
        epochs, values = display.lines_[name].get_data()
        assert list(epochs) == [1, 2, 3]
        assert list(values) == HISTORY[name]
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_xlabel() == "epoch"
    assert ax.get_xlim() == (0.5, 3.5)


def test_the_constant_guess_stands_at_the_entropy_of_the_validation_prior(record, ax):
    display = LossCurveDisplay.from_record(record, ax=ax)
    expected = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    line = display.lines_["constant_guess"]
    assert list(line.get_ydata()) == pytest.approx([expected, expected])
    assert line.get_linestyle() == "--"


def test_a_constant_guess_may_be_given_for_curves_alone(ax):
    history = {"loss": [0.5, 0.4]}
    display = LossCurveDisplay.from_history(history, ax=ax, constant_guess=0.25)
    assert list(display.lines_["constant_guess"].get_ydata()) == [0.25, 0.25]


def test_an_error_floor_that_is_known_is_a_line(record, ax):
    display = LossCurveDisplay.from_record(record, ax=ax, error_floor=0.125)
    assert list(display.lines_["error_floor"].get_ydata()) == [0.125, 0.125]


@pytest.mark.parametrize("display_class", [LossCurveDisplay, MetricCurveDisplay])
def test_the_best_epoch_is_marked_counting_from_one(display_class, record, ax):
    display = display_class.from_record(record, ax=ax)
    assert list(display.lines_["best_epoch"].get_xdata()) == [2, 2]


def test_the_last_epoch_says_why_it_was_the_last(record, ax):
    line = LossCurveDisplay.from_record(record, ax=ax).lines_["last_epoch"]
    assert list(line.get_xdata()) == [3, 3]
    assert line.get_label() == "last epoch (3, stopped early)"


def test_a_best_epoch_that_is_the_last_is_one_line(ax):
    lines = LossCurveDisplay([0.6, 0.4], best_epoch=1).plot(ax).lines_
    assert set(lines) == {"loss", "best_epoch"}
    assert lines["best_epoch"].get_label() == "best and last epoch (2)"


def test_a_third_loss_that_is_like_the_second_is_left_out(ax):
    same = np.array([0.7, 0.5])
    display = LossCurveDisplay(
        [0.6, 0.4], val_loss=same, val_loss_at_train_prior=same + 1e-3
    )
    assert "val_loss_at_train_prior" not in display.plot(ax).lines_


def test_without_validation_only_the_training_loss_is_drawn(ax):
    record = TrainingRecord(history={"loss": [0.5]})
    assert list(LossCurveDisplay.from_record(record, ax=ax).lines_) == ["loss"]


def test_a_single_epoch_is_a_visible_point_at_a_tick_of_its_own(ax):
    line = LossCurveDisplay([0.5]).plot(ax).lines_["loss"]
    assert line.get_marker() == "o"
    assert [tick for tick in ax.get_xticks() if 0.5 < tick < 1.5] == [1]


def test_losses_that_are_nan_are_drawn_as_gaps(ax):
    nan = [0.5, NAN]
    display = LossCurveDisplay(nan, val_loss=nan, val_loss_at_train_prior=nan)
    assert np.isnan(display.plot(ax).lines_["val_loss"].get_ydata()[1])


def test_values_between_gaps_are_points(ax):
    display = LossCurveDisplay([4, 3, 2, 1], val_loss=[4.0, NAN, 2.0, NAN]).plot(ax)
    assert display.lines_["val_loss"].get_markevery() == [0, 2]
    assert display.lines_["loss"].get_marker() == "None"


def test_epochs_after_the_last_finite_loss_are_shaded(ax):
    display = LossCurveDisplay([0.5, NAN, 0.4, NAN, float("inf")]).plot(ax)
    shaded = display.not_finite_.get_extents().transformed(ax.transData.inverted())
    assert (shaded.x0, shaded.x1) == pytest.approx((3.5, 5.5))
    assert display.not_finite_.get_label() == "NaN or infinite from epoch 4"
    assert LossCurveDisplay([0.5, NAN, 0.4]).plot(new_axes()).not_finite_ is None


@pytest.mark.parametrize(
    ("loss", "scale"), [([0.7, 0.6, 0.5], "linear"), ([0.7, 0.6, 0.5, 900], "log")]
)
def test_a_loss_that_blew_up_is_counted_in_powers_of_ten(loss, scale, ax):
    LossCurveDisplay(loss).plot(ax)
    assert ax.get_yscale() == scale


@pytest.mark.parametrize(
    "others",
    [{"constant_guess": 2.3}, {"val_loss_at_train_prior": [9.0, 8.0, 8.0]}],
    ids=["guess", "other prior"],
)
def test_losses_that_would_lie_on_the_floor_are_counted_in_powers_of_ten(others, ax):
    display = LossCurveDisplay([0.15, 0.05, 0.01], val_loss=[0.2, 0.1, 0.1], **others)
    display.plot(ax)
    assert ax.get_yscale() == "log"
    assert_readable(ax.figure)


@pytest.mark.parametrize(
    ("rates", "scale"),
    [
        ([0.1, 0.1, 0.1], None),
        ([0.1, 0.05, 0.0], "linear"),
        ([1.0, 0.1, 0.01, 0.001], "log"),
    ],
    ids=["constant", "linear", "steps of ten"],
)
def test_a_learning_rate_that_changes_has_an_axis_of_its_own(rates, scale, ax):
    display = LossCurveDisplay(rates, learning_rate=rates).plot(ax)
    assert (display.rate_ax_ is not None) == (scale is not None)
    if display.rate_ax_ is not None:
        assert display.rate_ax_.get_yscale() == scale
        assert list(display.lines_["learning_rate"].get_ydata()) == rates


def test_findings_are_numbered_at_their_epochs_and_named(record, ax):
    symptom = finding("symptom", epoch=2)
    diagnosis = Diagnosis(
        (
            finding("cause", explains=(symptom,)),
            finding("of-no-epoch"),
            finding("first", epoch=0),
            finding("context", severity="info"),
        )
    )
    display = LossCurveDisplay.from_record(record, ax=ax, diagnosis=diagnosis)
    marks = {mark.get_text(): mark.xy[0] for mark in display.marks_}
    assert marks == {"1": 3, "2": 1}
    named = [text.get_text() for text in display.findings_.get_texts()]
    assert named == ["cause (epoch 3)", "of-no-epoch", "first (epoch 1)"]


def test_findings_of_close_epochs_share_a_mark(ax):
    findings = [finding("one", epoch=40), finding("other", epoch=42)]
    display = LossCurveDisplay(np.ones(100), findings=findings).plot(ax)
    assert [mark.get_text() for mark in display.marks_] == ["1, 2"]


def test_of_many_findings_the_first_are_named_and_the_rest_counted(ax):
    findings = [finding(f"number-{i}", epoch=i) for i in range(9)]
    display = LossCurveDisplay(np.ones(9), findings=findings).plot(ax)
    named = [text.get_text() for text in display.findings_.get_texts()]
    assert len(named) == 7
    assert named[-1] == "and 3 more"


def test_lines_of_losses_differ_without_color(record, ax):
    lines = LossCurveDisplay.from_record(record, ax=ax, error_floor=0.1).lines_
    looks = {(str(line._dash_pattern), line.get_linewidth()) for line in lines.values()}
    assert len(looks) == len(lines)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda lists: lists,
        lambda lists: SimpleNamespace(history=lists),
        lambda lists: pd.DataFrame(lists).assign(name="run"),
    ],
    ids=["dict", "History", "DataFrame"],
)
def test_a_history_may_be_a(wrap, ax):
    history = wrap({"loss": [0.5, 0.4], "lr": [0.1, 0.01], "val_loss": [0.6, None]})
    display = LossCurveDisplay.from_history(history, ax=ax, learning_rate=True)
    assert set(display.lines_) == {"loss", "val_loss", "learning_rate"}
    assert ax.get_ylabel() == "loss (nats)"


def test_a_metric_of_one_value_per_class_is_no_curve(ax):
    history = {"loss": [0.5], "f1": [np.array([0.1, 0.2])], "mcc": [np.float32(0.5)]}
    display = MetricCurveDisplay.from_history(history, ax=ax)
    assert list(display.lines_) == ["mcc"]


# ----------------------------------------------------------------------------- metrics


def test_validation_metrics_are_thicker_than_training_ones(record, ax):
    lines = MetricCurveDisplay.from_record(record, ax=ax).lines_
    for name in METRICS:
        twin = lines["val_" + name]
        assert list(twin.get_ydata()) == HISTORY["val_" + name]
        assert twin.get_linewidth() > lines[name].get_linewidth()
        assert twin.get_color() == lines[name].get_color()


def test_lines_of_metrics_differ_without_color(record, ax):
    lines = MetricCurveDisplay.from_record(record, ax=ax).lines_
    dashes = {str(lines["val_" + name]._dash_pattern) for name in METRICS}
    assert len(dashes) == len(METRICS)


def test_metrics_between_gaps_are_points(ax):
    display = MetricCurveDisplay({"val_mcc": [0.1, NAN, 0.4, NAN]}).plot(ax)
    assert display.lines_["val_mcc"].get_markevery() == [0, 2]


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("mcc", "val_mcc"), "validation (thick), training (thin)"),
        (("val_mcc",), "validation MCC"),
        (("mcc", "f1"), "training metric"),
    ],
)
def test_only_splits_that_are_drawn_are_named(names, label, ax):
    MetricCurveDisplay({name: [0.1, 0.2] for name in names}).plot(ax)
    assert ax.get_ylabel() == label


def test_the_band_of_a_single_epoch_can_be_seen(ax):
    display = MetricCurveDisplay({"val_mcc": [0.5]}, errors={"val_mcc": [0.1]}).plot(ax)
    box = display.bands_["val_mcc"].get_paths()[0].get_extents()
    assert box.width > 0
    assert (box.y0, box.y1) == pytest.approx((0.4, 0.6))


def test_only_the_metrics_asked_for_are_drawn(record, ax):
    display = MetricCurveDisplay.from_record(record, ax=ax, metrics=("mcc",))
    assert set(display.lines_) == {"mcc", "val_mcc", "best_epoch"}


def test_the_band_of_recall_is_one_binomial_error_wide(record, ax):
    display = MetricCurveDisplay.from_record(record, ax=ax, metrics=("recall",))
    smooth = (0.3 * 10 + 1) / 12
    error = np.sqrt(smooth * (1 - smooth) / 10)
    heights = display.bands_["val_recall"].get_paths()[0].vertices
    first = heights[heights[:, 0] == 1, 1]
    assert (first.min(), first.max()) == pytest.approx((0.3 - error, 0.3 + error))
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "one standard error, 10 minority rows" in named


def test_without_counts_of_the_rows_there_is_no_band(ax):
    record = TrainingRecord(history=HISTORY)
    assert MetricCurveDisplay.from_record(record, ax=ax).bands_ == {}


@pytest.mark.parametrize("metric", METRICS)
def test_standard_errors_are_those_of_repeated_draws(metric):
    counts, recall, fpr = (2000, 150), 0.7, 0.05
    rng = np.random.default_rng(0)
    recalls = rng.binomial(counts[1], recall, 20_000) / counts[1]
    fprs = rng.binomial(counts[0], fpr, 20_000) / counts[0]
    expected = score_of_rates(metric, recalls, fprs, counts).std()
    value = score_of_rates(metric, [recall], [fpr], counts)
    rates = {"recall": [recall], "fpr": [fpr]}
    assert standard_error(metric, value, counts, rates) == pytest.approx(
        [expected], rel=0.03
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("recall", [0.0, 1.0])
def test_perfect_and_useless_predictions_are_not_certain(metric, recall):
    rates = {"recall": [recall], "fpr": [0.0]}
    error = standard_error(metric, [recall], (50, 10), rates)
    assert np.isfinite(error).all()
    assert error > 0


def test_errors_of_macro_means_shrink_with_the_number_of_classes():
    two, many = ([100] * n for n in (2, 50))
    for metric in ("mcc", "recall"):
        assert standard_error(metric, [0.5], many) < standard_error(metric, [0.5], two)


def test_several_estimators_share_the_axes_in_colors_of_their_own(record, ax):
    displays = MetricCurveDisplay.from_estimators(
        {"first": Fitted(record), "second": Steps(Fitted(record))}, ax=ax
    )
    lines = [display.lines_["val_mcc"] for display in displays]
    assert [line.get_label() for line in lines] == ["first", "second"]
    assert lines[0].get_color() != lines[1].get_color()
    assert lines[0].get_linestyle() != lines[1].get_linestyle()
    assert ax.get_ylabel() == "validation MCC"
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert named == ["first", "second", "one standard error", "best epoch"]


def test_the_longest_of_several_estimators_sets_the_width(record, ax):
    short = TrainingRecord(history={"val_mcc": [0.5]})
    estimators = {"long": Fitted(record), "short": Fitted(short)}
    MetricCurveDisplay.from_estimators(estimators, ax=ax)
    assert ax.get_xlim() == (0.5, 3.5)


# ------------------------------------------------------------------------------- folds


def test_median_and_range_are_of_the_folds_that_still_train(ax):
    display = FoldCurvesDisplay([[1, 2, 9], [3, 4], [5, 9], [7]]).plot(ax)
    median = display.median_.get_ydata()
    assert list(median[:2]) == [4.0, 4.0]
    assert np.isnan(median[2])  # one of four folds is not half of them
    heights = display.range_.get_paths()[0].vertices
    for epoch, low, high in ((1, 1, 7), (2, 2, 9), (3, 9, 9)):
        at = heights[heights[:, 0] == epoch, 1]
        assert (at.min(), at.max()) == (low, high)


def test_stopped_epochs_are_ticks_and_best_ones_points(ax):
    display = FoldCurvesDisplay([[0.1, 0.4, 0.3], [0.2, 0.1]], best_epochs=[1, None])
    display.plot(ax)
    assert list(display.stops_.get_xdata()) == [3, 2]
    assert display.best_.get_xydata().tolist() == [[2.0, 0.4]]


def test_an_epoch_between_gaps_of_a_fold_is_a_point(ax):
    display = FoldCurvesDisplay([[0.1, 0.2, 0.3], [0.2, NAN, 0.4]]).plot(ax)
    assert display.lines_[1].get_markevery() == [0, 2]


def test_a_fold_of_nothing_but_nan_is_drawn_as_nothing(ax):
    display = FoldCurvesDisplay([[NAN, NAN], [0.2, 0.3]]).plot(ax)
    assert list(display.median_.get_ydata()) == [0.2, 0.3]


class Recorded(ClassifierMixin, BaseEstimator):
    """Takes no time to fit; its curve is as long as its parameter."""

    def __init__(self, epochs=2):
        self.epochs = epochs

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        curve = [0.1 * len(X) for _ in range(self.epochs)]
        self.record_ = TrainingRecord(history={"val_mcc": curve})
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


ROWS = np.zeros((12, 1)), np.tile([0, 1], 6)


def test_folds_of_a_cross_validation_are_drawn(ax):
    results = cross_validate(Recorded(), *ROWS, cv=3, return_estimator=True)
    display = FoldCurvesDisplay.from_cv_results(results, ax=ax)
    assert len(display.lines_) == 3
    assert ax.get_ylabel() == "validation MCC"


def test_the_winner_of_a_search_is_trained_on_each_fold_again(ax):
    search = GridSearchCV(Recorded(), {"epochs": [3]}, cv=4).fit(*ROWS)
    display = FoldCurvesDisplay.from_search(search, *ROWS, ax=ax)
    assert [list(line.get_ydata()) for line in display.lines_] == [
        pytest.approx([0.9] * 3)
    ] * 4


def test_a_search_without_its_rows_says_what_to_pass(ax):
    search = GridSearchCV(Recorded(), {"epochs": [3]}, cv=2).fit(*ROWS)
    with pytest.raises(ValueError, match=r"GridSearchCV keeps no .* Pass X and y"):
        FoldCurvesDisplay.from_search(search, ax=ax)


# ------------------------------------------------------------------ records, bad input


@pytest.mark.parametrize(
    "wrap",
    [Fitted, lambda r: Steps(Fitted(r)), lambda r: Found(Steps(Fitted(r)))],
    ids=["classifier", "pipeline", "search"],
)
def test_the_record_is_found_in(wrap, record, ax):
    display = LossCurveDisplay.from_estimator(wrap(record), ax=ax)
    assert display.best_epoch == 1


def test_an_estimator_without_a_record_is_named(ax):
    with pytest.raises(ValueError, match="object has no record_: fit a skloss"):
        LossCurveDisplay.from_estimator(Steps(object()), ax=ax)


def test_a_search_without_a_winner_says_how_to_get_one(ax):
    search = GridSearchCV(LogisticRegression(), {"C": [1]}, cv=2, refit=False)
    search.fit(np.arange(12).reshape(-1, 1), ROWS[1])
    with pytest.raises(ValueError, match="refit=True"):
        LossCurveDisplay.from_estimator(search, ax=ax)
    with pytest.raises(ValueError, match="has no best_estimator_"):
        FoldCurvesDisplay.from_search(search, *ROWS, ax=ax)


def test_a_history_without_curves_is_refused(ax):
    empty = TrainingRecord(history={"seconds": [1.0]})
    with pytest.raises(ValueError, match=r"no loss to draw; it has \['seconds'\]"):
        LossCurveDisplay.from_record(empty, ax=ax)
    with pytest.raises(ValueError, match="no mcc or f1"):
        MetricCurveDisplay.from_record(empty, ax=ax, metrics=("mcc", "f1"))
    with pytest.raises(ValueError, match="no val_mcc"):
        FoldCurvesDisplay.from_records([empty], ax=ax)


@pytest.mark.parametrize("display_class", [LossCurveDisplay, MetricCurveDisplay])
def test_a_training_that_diverged_at_once_has_nothing_to_draw(display_class, ax):
    record = TrainingRecord(outcome={"stop_reason": "diverged"})
    with pytest.raises(ValueError, match="diverged in its first epoch"):
        display_class.from_record(record, ax=ax)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: LossCurveDisplay([]).plot(ax),
        lambda ax: MetricCurveDisplay({"mcc": []}).plot(ax),
        lambda ax: FoldCurvesDisplay([[]]).plot(ax),
        lambda ax: FoldCurvesDisplay([]).plot(ax),
        lambda ax: MetricCurveDisplay.from_estimators({}, ax=ax),
    ],
)
def test_nothing_is_not_drawn(draw, ax):
    with pytest.raises(ValueError, match=r"nothing to draw|is empty"):
        draw(ax)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: LossCurveDisplay([1, 2], val_loss=[1]).plot(ax),
        lambda ax: MetricCurveDisplay({"mcc": [1, 2], "val_mcc": [1]}).plot(ax),
        lambda ax: LossCurveDisplay.from_history({"loss": [1, 2], "a": [1]}, ax=ax),
    ],
)
def test_curves_of_unequal_length_are_counted(draw, ax):
    with pytest.raises(ValueError, match=r"one value per epoch.*has 2.* has 1"):
        draw(ax)


def test_a_single_value_is_no_curve(ax):
    with pytest.raises(ValueError, match="'loss' must be a list of numbers, got float"):
        LossCurveDisplay.from_history({"loss": 0.5}, ax=ax)


def test_what_is_no_history_is_named(ax):
    with pytest.raises(ValueError, match=r"a mapping of lists or a file .* got int"):
        LossCurveDisplay.from_history(7, ax=ax)


def test_curves_under_other_names_are_drawn(ax):
    history = {"Loss": [0.5, 0.4], "ValLoss": [0.6, 0.5], "acc": [0.8, 0.9]}
    display = LossCurveDisplay.from_history(history, ax=ax)
    assert set(display.lines_) == {"loss", "val_loss"}


def test_curves_of_a_file_are_drawn(tmp_path, ax):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n0,0.5,0.6\n1,0.4,0.5\n")
    display = LossCurveDisplay.from_history(path, ax=ax)
    assert list(display.lines_["val_loss"].get_ydata()) == [0.6, 0.5]


def test_an_unknown_metric_is_refused(record, ax):
    with pytest.raises(ValueError, match=r"metrics must be among mcc.*got \['auc'\]"):
        MetricCurveDisplay.from_record(record, ax=ax, metrics=("auc",))


def test_cross_validation_without_estimators_says_what_to_ask_for(ax):
    with pytest.raises(ValueError, match="return_estimator=True"):
        FoldCurvesDisplay.from_cv_results({"test_score": [0.5]}, ax=ax)


# ------------------------------------------------------------------- a real classifier


@pytest.fixture(scope="module")
def trained():
    X, y = skloss.datasets.make_rare_events(400, random_state=0)
    return skloss.DenseClassifier(epochs=3, random_state=0).fit(X, y), X, y


def test_everything_of_a_training_is_found_in_its_record(trained, ax):
    classifier, X, y = trained
    losses = LossCurveDisplay.from_estimator(
        classifier, ax=ax, diagnosis=skloss.diagnose(classifier)
    )
    assert {"loss", "val_loss", "constant_guess", "best_epoch"} <= set(losses.lines_)
    metrics = MetricCurveDisplay.from_estimator(classifier, ax=new_axes())
    assert set(metrics.bands_) == {f"val_{name}" for name in METRICS}
    folds = FoldCurvesDisplay.from_records([classifier.record_], ax=new_axes())
    assert len(folds.lines_[0].get_ydata()) == 3
    probabilities = ProbabilityDisplay.from_estimator(classifier, X, y, ax=new_axes())
    assert probabilities.prior == y.mean()
    for display in (losses, metrics, folds, probabilities):
        assert_readable(display.figure_)


def test_a_classifier_that_is_not_fitted_is_named(ax):
    with pytest.raises(ValueError, match="DenseClassifier has no record_: fit"):
        LossCurveDisplay.from_estimator(skloss.DenseClassifier(), ax=ax)


# -------------------------------------------------------------------------- as pictures

LONG = {name: np.linspace(0.9, 0.1, 300) for name in HISTORY}
LONG["learning_rate"] = np.geomspace(1, 1e-4, 300)
MANY = [finding(f"a-finding-of-a-long-name-{i}", epoch=12 * i) for i in range(9)]


@pytest.mark.parametrize(
    "draw",
    [
        lambda r, ax: LossCurveDisplay.from_record(r, ax=ax, error_floor=0.1),
        lambda r, ax: LossCurveDisplay([0.5], best_epoch=0).plot(ax),
        lambda r, ax: LossCurveDisplay([NAN, NAN]).plot(ax),
        lambda r, ax: LossCurveDisplay([0.5, 1e9, NAN, NAN]).plot(ax),
        lambda r, ax: LossCurveDisplay.from_history(
            LONG, ax=ax, error_floor=0.2, diagnosis=Diagnosis(tuple(MANY))
        ),
        lambda r, ax: MetricCurveDisplay.from_record(r, ax=ax),
        lambda r, ax: MetricCurveDisplay.from_history(LONG, ax=ax),
        lambda r, ax: MetricCurveDisplay.from_estimators(
            {f"estimator {i}": Fitted(r) for i in range(6)}, ax=ax
        )[0],
        lambda r, ax: FoldCurvesDisplay([[0.5, 0.6], [0.7]], best_epochs=[1, 0]).plot(
            ax
        ),
    ],
    ids=[
        "losses",
        "one epoch",
        "nothing but NaN",
        "blown up",
        "long and sick",
        "metrics",
        "300 epochs",
        "six estimators",
        "folds",
    ],
)
def test_no_text_covers_another_on_six_by_four_inches(draw, record, ax):
    assert_readable(draw(record, ax).figure_)


@pytest.mark.parametrize("places", [[(0.5, 0.5), (0.5, 0.51)], [(0.95, 0.5)]])
def test_text_on_text_and_beyond_the_edge_is_seen(places, ax):
    for place in places:
        ax.figure.text(*place, "some text")
    with pytest.raises(AssertionError, match="some text"):
        assert_readable(ax.figure)


@pytest.mark.parametrize("display_class", [LossCurveDisplay, MetricCurveDisplay])
def test_the_legend_is_above_the_curves(display_class, record, ax):
    display = display_class.from_record(record, ax=ax)
    display.figure_.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 - 1


def test_importing_displays_loads_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, skloss.displays; "
        "print([m for m in ('tensorflow', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_learning_rate_is_drawn_only_if_asked_for(ax):
    history = {"loss": [0.5, 0.4], "learning_rate": [0.1, 0.01]}
    display = LossCurveDisplay.from_history(history, ax=ax)
    assert set(display.lines_) == {"loss"}
    assert display.rate_ax_ is None


@pytest.mark.parametrize(
    ("kept", "origin", "epoch"),
    [(1, "skloss", 2), (None, "skloss", 3), (0, "keras", 1), (None, "keras", None)],
)
def test_the_epoch_whose_weights_were_kept_is_marked(kept, origin, epoch, ax):
    record = TrainingRecord(
        configuration={"origin": origin},
        history={"loss": [0.5, 0.4, 0.3], "val_loss": [0.6, 0.5, 0.7]},
        outcome={"kept_epoch": kept},
    )
    line = LossCurveDisplay.from_record(record, ax=ax).lines_.get("kept_epoch")
    if epoch is None:
        assert line is None
        return
    assert line.get_label() == f"weights kept: epoch {epoch}"
    assert list(line.get_xdata()) == [epoch]


def test_losses_of_another_kind_have_the_cross_entropy_beside():
    curves = {"loss": [0.2, 0.1], "val_loss": [0.3, 0.2]}
    plain = {"crossentropy": [0.6, 0.4], "val_crossentropy": [0.7, 0.5]}
    record = TrainingRecord(history={**curves, **plain})
    lines = LossCurveDisplay.from_record(record).lines_
    for name, values in plain.items():
        np.testing.assert_array_equal(lines[name].get_ydata(), values)
        assert lines[name].get_linestyle() == "--"
    alone = LossCurveDisplay.from_record(TrainingRecord(history=curves))
    assert not plain.keys() & alone.lines_.keys()
