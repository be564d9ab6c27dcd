"""``ThresholdDisplay``: metrics and predicted positives versus the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.display import Display
from skloss.displays.metric_curves import METRICS
from skloss.displays.standard_errors import score_of_rates
from skloss.displays.style import (
    BLACK,
    LIGHT,
    SKY,
    count_in_tens,
    legend_above,
    plain,
    right_axes,
    thinned,
    with_class,
)
from skloss.displays.truth_and_scores import checked_binary, positive_scores
from skloss.sklearn_compat import threshold_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["ThresholdDisplay"]

_DRAWN = ("mcc", "f1", "precision", "recall")
_DEFAULT = 0.5
# Probabilities closer than this to 0 or 1 cannot be told apart on a linear scale.
_EXTREME = 0.02
_SMALLEST = 1e-4
_EPSILON = float(np.finfo(float).eps)
_TICKS_A_SIDE = 3


class ThresholdDisplay(Display):
    """Plot of precision, recall, F1, MCC and predicted positives versus the threshold.

    A row is predicted positive if its score is at least the threshold. The predicted
    positives, true or false, are the alarms that somebody has to look at.

    Parameters
    ----------
    thresholds : array-like of shape (n,)
        Thresholds in rising order.
    scores : mapping of str to array-like of shape (n,)
        Metrics ``"mcc"``, ``"f1"``, ``"precision"`` and ``"recall"`` at each threshold.
    alarms : array-like of shape (n,)
        Rows predicted positive at each threshold, per 1,000 rows.
    threshold : float
        The chosen threshold.
    chosen_by : str, default="chosen"
        Method of the choice, for the legend.
    pos_label : object, default=None
        Label of the positive class, which the axis names.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        Lines, under the names of the metrics, ``"alarms"``, ``"default"`` (at 0.5) and
        ``"chosen"``.
    alarms_ax_ : matplotlib Axes
        Axes of the predicted positives.

    See Also
    --------
    ProbabilityDisplay : Calibration of probabilities.
    skloss.OutOfBagThresholdClassifier : Selection of a threshold, out of bag.
    sklearn.model_selection.TunedThresholdClassifierCV : The same in folds.

    Examples
    --------
    >>> from skloss.displays import ThresholdDisplay
    >>> display = ThresholdDisplay.from_predictions([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4])
    >>> display.threshold, display.at(display.threshold)["alarms"]
    (0.4, 250.0)
    """

    lines_: dict[str, Line2D]
    alarms_ax_: Axes

    def __init__(
        self,
        thresholds: ArrayLike,
        scores: dict[str, ArrayLike],
        alarms: ArrayLike,
        *,
        threshold: float,
        chosen_by: str = "chosen",
        pos_label: object = None,
    ) -> None:
        self.thresholds = thresholds
        self.scores = scores
        self.alarms = alarms
        self.threshold = threshold
        self.chosen_by = chosen_by
        self.pos_label = pos_label

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_score: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: object = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the metrics of predicted scores.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Labels of two classes, of rows that were not trained on.
        y_score : array-like of shape (n,) or (n, 2)
            Predicted probabilities, of the positive class or of both classes, or other
            scores that rise with them.
        threshold : float, default=None
            The chosen threshold. None uses the one with the highest MCC on these rows.
        pos_label : object, default=None
            Label of the positive class. None uses the last label in sorted order, which
            a single column of scores is of in scikit-learn; of two columns the rarer
            class if it has at most 40 % of the rows.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display : ThresholdDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If there are not two classes, or if the shape of the scores is wrong.
        """
        positive, scores, label = checked_binary(y_true, y_score, pos_label)
        thresholds, tp, fp = _counts(positive, scores)
        counts = (float(np.sum(~positive)), float(np.sum(positive)))
        recall, fpr = tp / counts[1], fp / counts[0]
        # If all rows are predicted positive, MCC is 0/0, which counts as 0.
        metrics = {
            name: np.nan_to_num(score_of_rates(name, recall, fpr, counts))
            for name in _DRAWN
        }
        best = int(np.argmax(metrics["mcc"]))
        given = threshold is not None
        chosen = float(thresholds[best]) if threshold is None else float(threshold)
        # The legend shows the values at these two thresholds, so they must be kept.
        shown = np.searchsorted(thresholds, [_DEFAULT, chosen])
        kept = thinned(len(thresholds), shown)
        display = cls(
            thresholds[kept],
            {name: values[kept] for name, values in metrics.items()},
            1000 * (tp + fp)[kept] / sum(counts),
            threshold=chosen,
            chosen_by="chosen" if given else "best MCC",
            pos_label=label,
        )
        return display.plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: ArrayLike,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: object = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the metrics of a classifier.

        Parameters
        ----------
        estimator : classifier
            Fitted classifier with ``predict_proba`` or ``decision_function``.
        X : array-like of shape (n, ...)
            Rows that were not trained on, such as a test set. This is not checked, so
            that the rows of the fit can be drawn for comparison: those look too good.
        y : array-like of shape (n,)
            Labels of the rows, of two classes.
        threshold : float, default=None
            The chosen threshold. None uses that of a ``TunedThresholdClassifierCV`` or
            an :class:`~skloss.OutOfBagThresholdClassifier`; for any other classifier,
            the one with the highest MCC on these rows.
        pos_label : object, default=None
            Label of the positive class. None uses that of the ``record_``, or the rarer
            class of ``y`` if it has at most 40 % of the rows, or else the second one.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display : ThresholdDisplay
            The drawn display.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there are not two classes.
        """
        methods = ("predict_proba", "decision_function")
        scores, label = positive_scores(estimator, X, y, pos_label, methods=methods)
        if threshold is None and hasattr(estimator, "best_threshold_"):
            threshold = float(estimator.best_threshold_)
            if threshold_label(estimator) != label:
                threshold = _of_other_class(threshold, scores)
        return cls.from_predictions(
            y, scores, threshold=threshold, pos_label=label, ax=ax
        )

    def at(self, threshold: float) -> dict[str, float]:
        """Return the values of all curves at a threshold.

        Parameters
        ----------
        threshold : float
            Any threshold.

        Returns
        -------
        values : dict of str to float
            Metrics under their names, and under ``"alarms"`` the rows predicted
            positive, per 1,000 rows.
        """
        # A threshold between two scores predicts the same rows as the higher score.
        place = int(np.searchsorted(np.asarray(self.thresholds), threshold))
        curves = {**self.scores, "alarms": self.alarms}
        if place == np.size(self.thresholds):
            return dict.fromkeys(curves, 0.0)
        return {name: float(np.asarray(v)[place]) for name, v in curves.items()}

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        self : ThresholdDisplay
            The display, with its artists as attributes.
        """
        thresholds = np.asarray(self.thresholds, dtype=float)
        ax = self._begin(ax)
        self.lines_ = {}
        marker = "o" if len(thresholds) == 1 else None
        self.alarms_ax_ = self._draw_alarms(thresholds, marker)
        for name, values in self.scores.items():
            # All thresholds from the next lower score up to a score predict the same
            # rows, so the steps come before the points.
            (self.lines_[name],) = ax.plot(
                thresholds,
                values,
                drawstyle="steps-pre",
                marker=marker,
                linewidth=1.8,
                **METRICS[name],
            )
        is_probability = thresholds[0] >= 0 and thresholds[-1] <= 1
        if is_probability:
            self._mark("default", _DEFAULT, "default", LIGHT)
            self._scale(thresholds)
        if self.threshold != _DEFAULT or not is_probability:
            self._mark("chosen", self.threshold, self.chosen_by, BLACK)
        ax.set(xlabel=with_class("threshold", self.pos_label), ylabel="metric")
        ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.02)
        plain(ax)
        in_order = [*self.scores, "alarms", "default", "chosen"]
        legend_above(ax, [self.lines_[n] for n in in_order if n in self.lines_])
        return self

    def _scale(self, thresholds: np.ndarray) -> None:
        """Show the axis from 0 to 1; if most scores are near the ends, use logits."""
        is_extreme = (thresholds < _EXTREME) | (thresholds > 1 - _EXTREME)
        if is_extreme.mean() > 0.5:
            self.ax_.set_xscale("logit", nonpositive="clip")
            ends = (_SMALLEST, self.threshold / 2, (1 - self.threshold) / 2)
            smallest = max(min(ends), _EPSILON)
            self.ax_.set_xlim(smallest, 1 - smallest)
            self.ax_.set_xticks(*_logit_ticks(smallest))
            self.ax_.set_xticks([], minor=True)
        else:
            self.ax_.set_xlim(0, 1)

    def _draw_alarms(self, thresholds: np.ndarray, marker: str | None) -> Axes:
        ax = right_axes(self.ax_, "predicted positive per 1,000 rows")
        (self.lines_["alarms"],) = ax.plot(
            thresholds,
            self.alarms,
            drawstyle="steps-pre",
            marker=marker,
            color=SKY,
            linewidth=1.0,
            label="predicted positive (right axis)",
        )
        # The counts fall from all rows to a few: a linear scale would show only zero.
        ax.set_yscale("log")
        count_in_tens(ax.yaxis)
        # Draw the metrics in front of the counts.
        self.ax_.set_zorder(ax.get_zorder() + 1)
        self.ax_.patch.set_visible(False)
        return ax

    def _mark(self, name: str, threshold: float, note: str, color: str) -> None:
        values = self.at(threshold)
        form = ".3g" if values["alarms"] < 100 else ".0f"
        label = (
            f"{note} at {threshold:.3g}: MCC {values['mcc']:.2f}, "
            f"{values['alarms']:{form}} per 1,000"
        )
        self.lines_[name] = self.ax_.axvline(
            threshold,
            color=color,
            linestyle="--" if name == "default" else "-",
            linewidth=1.0,
            zorder=1,
            label=label,
        )


def _of_other_class(threshold: float, scores: np.ndarray) -> float:
    """Threshold on the scores of one class that predicts as one on the other does.

    A row that has exactly the threshold belongs to the other class, so that the result
    is a little higher.
    """
    is_probability = scores.min() >= 0 and scores.max() <= 1
    turned = 1 - threshold if is_probability else -threshold
    return float(turned + 1e-9 * abs(turned))


def _logit_ticks(smallest: float) -> tuple[list[float], list[str]]:
    """Place ticks at powers of ten toward both ends of the axis, and at one half."""
    last = int(-np.log10(smallest) - 1e-9)
    step = -(-last // _TICKS_A_SIDE)
    powers = range(step if step > 1 else 1, last + 1, step)
    low = {10.0**-n: f"{10.0**-n:g}" for n in reversed(powers)}
    high = {1 - p: f"{1 - p:g}" if p >= _SMALLEST else f"1-{p:g}" for p in low}
    ticks = low | {_DEFAULT: f"{_DEFAULT:g}"} | dict(reversed(high.items()))
    return list(ticks), list(ticks.values())


def _counts(
    positive: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores in rising order, with true and false positives at each."""
    order = np.argsort(scores)
    ranked, hits = scores[order], positive[order]
    first_of_tie = np.flatnonzero(np.diff(ranked, prepend=-np.inf))
    below = np.concatenate([[0], np.cumsum(hits)])[first_of_tie]
    tp = np.sum(hits) - below
    n_predicted = len(ranked) - first_of_tie
    return ranked[first_of_tie], tp.astype(float), (n_predicted - tp).astype(float)
