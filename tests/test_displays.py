"""The curves' displays: artists and numbers, not pictures."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from matplotlib.figure import Figure

from skloss import TrainingRecord
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

HISTORY = {
    "loss": [0.6, 0.4, 0.3],
    "val_loss": [0.7, 0.5, 0.6],
    "val_loss_at_train_prior": [0.9, 0.7, 0.8],
    **{
        prefix + name: [start, start + 0.1, start + 0.2]
        for prefix, start in (("", 0.5), ("val_", 0.3))
        for name in ("mcc", "f1", "precision", "recall")
    },
}


@pytest.fixture
def record():
    return TrainingRecord(
        history=HISTORY,
        data={"priors": {"validation": [0.9, 0.1]}},
        outcome={"best_epoch": 1},
    )


@pytest.fixture
def ax():
    return Figure(figsize=(6, 4), layout="constrained").subplots()


class Fitted:
    def __init__(self, record):
        self.record_ = record


class Steps:
    def __init__(self, last):
        self.steps = [("scaler", None), ("last", last)]


class Found:
    def __init__(self, best):
        self.best_estimator_ = best


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


@pytest.mark.parametrize("display_class", [LossCurveDisplay, MetricCurveDisplay])
def test_the_best_epoch_is_marked_counting_from_one(display_class, record, ax):
    display = display_class.from_record(record, ax=ax)
    assert list(display.lines_["best_epoch"].get_xdata()) == [2, 2]


def test_a_third_loss_that_is_like_the_second_is_left_out(ax):
    same = np.array([0.7, 0.5])
    display = LossCurveDisplay(
        [0.6, 0.4], val_loss=same, val_loss_at_train_prior=same + 1e-3
    )
    assert "val_loss_at_train_prior" not in display.plot(ax).lines_


def test_without_validation_only_the_training_loss_is_drawn(ax):
    record = TrainingRecord(history={"loss": [0.5]})
    assert list(LossCurveDisplay.from_record(record, ax=ax).lines_) == ["loss"]


def test_a_single_epoch_is_a_visible_point(ax):
    assert LossCurveDisplay([0.5]).plot(ax).lines_["loss"].get_marker() == "o"


def test_losses_that_are_nan_are_drawn_as_gaps(ax):
    nan = [0.5, float("nan")]
    display = LossCurveDisplay(nan, val_loss=nan, val_loss_at_train_prior=nan)
    assert np.isnan(display.plot(ax).lines_["val_loss"].get_ydata()[1])


def test_validation_metrics_are_thicker_than_training_ones(record, ax):
    lines = MetricCurveDisplay.from_record(record, ax=ax).lines_
    for name in ("mcc", "f1", "precision", "recall"):
        twin = lines["val_" + name]
        assert list(twin.get_ydata()) == HISTORY["val_" + name]
        assert twin.get_linewidth() > lines[name].get_linewidth()
        assert twin.get_color() == lines[name].get_color()


def test_styles_differ_without_color(record, ax):
    lines = MetricCurveDisplay.from_record(record, ax=ax).lines_
    styles = [lines["val_" + n].get_linestyle() for n in ("mcc", "f1", "precision")]
    assert len(set(styles)) == 3


def test_only_the_metrics_asked_for_are_drawn(record, ax):
    display = MetricCurveDisplay.from_record(record, ax=ax, metrics=("mcc",))
    assert set(display.lines_) == {"mcc", "val_mcc", "best_epoch"}


@pytest.mark.parametrize("display_class", [LossCurveDisplay, MetricCurveDisplay])
def test_the_legend_is_inside_the_picture_and_above_the_curves(
    display_class, record, ax
):
    display = display_class.from_record(record, ax=ax)
    figure = display.figure_
    figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 - 1
    assert legend.x1 <= figure.bbox.x1
    assert legend.y1 <= figure.bbox.y1


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


def test_a_history_without_curves_is_refused(ax):
    empty = TrainingRecord(history={"seconds": [1.0]})
    with pytest.raises(ValueError, match=r"no loss to draw; it has \['seconds'\]"):
        LossCurveDisplay.from_record(empty, ax=ax)
    with pytest.raises(ValueError, match="no mcc or f1"):
        MetricCurveDisplay.from_record(empty, ax=ax, metrics=("mcc", "f1"))


def test_an_unknown_metric_is_refused(record, ax):
    with pytest.raises(ValueError, match=r"metrics must be of mcc.*got \['auc'\]"):
        MetricCurveDisplay.from_record(record, ax=ax, metrics=("auc",))


def test_importing_displays_loads_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, skloss.displays; "
        "print([m for m in ('tensorflow', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
