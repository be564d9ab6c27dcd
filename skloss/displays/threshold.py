"""``ThresholdDisplay``: what each threshold finds, and what it costs in alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.metric_curves import METRICS
from skloss.displays.standard_errors import score_of_rates
from skloss.displays.style import (
    BLACK,
    GRAY,
    LIGHT,
    SKY,
    count_in_tens,
    legend_above,
    new_axes,
    plain,
)
from skloss.displays.truth_and_scores import checked_binary, positive_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["ThresholdDisplay"]

_DRAWN = ("mcc", "f1", "precision", "recall")
_MOST_POINTS = 500
_DEFAULT = 0.5
_EXTREME = 0.02
_SMALLEST = 1e-4
_EPSILON = float(np.finfo(float).eps)
_TICKS_A_SIDE = 3


class ThresholdDisplay:
    """Precision, recall, F1, MCC and alarms over the threshold.

    A row is called positive if its score is at least the threshold. Alarms are rows
    that are called positive, rightly or not: what someone would have to look at.

    Parameters
    ----------
    thresholds : array-like of shape (n,)
        Rising.
    scores : mapping of str to array-like of shape (n,)
        ``"mcc"``, ``"f1"``, ``"precision"`` and ``"recall"`` at each of them.
    alarms : array-like of shape (n,)
        Rows called positive, per 1,000 rows.
    threshold : float
        The chosen one.
    chosen_by : str, default="chosen"
        How it was chosen, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        The metrics by their names, ``"alarms"``, ``"default"`` (at 0.5) and
        ``"chosen"``.
    alarms_ax_ : matplotlib Axes
        Axes of the alarms.

    See Also
    --------
    ProbabilityDisplay : Whether probabilities mean what they say.
    sklearn.model_selection.TunedThresholdClassifierCV : Chooses a threshold.

    Examples
    --------
    >>> from skloss.displays import ThresholdDisplay
    >>> display = ThresholdDisplay.from_predictions([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4])
    >>> display.threshold, display.at(display.threshold)["alarms"]
    (0.4, 250.0)
    """

    ax_: Axes
    figure_: Figure
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
    ) -> None:
        self.thresholds = thresholds
        self.scores = scores
        self.alarms = alarms
        self.threshold = threshold
        self.chosen_by = chosen_by

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_score: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the metrics of scores.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Labels of two classes, of rows that were not trained on.
        y_score : array-like of shape (n,) or (n, 2)
            Probabilities of the positive class, or other scores that rise with it.
        threshold : float, default=None
            The chosen one. None takes that of the highest MCC on these rows.
        pos_label : object, default=None
            Label of the positive class. None takes the last in order.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ThresholdDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there are not two classes, or the scores do not fit them.
        """
        positive, scores, _ = checked_binary(y_true, y_score, pos_label)
        thresholds, tp, fp = _counts(positive, scores)
        counts = (float(np.sum(~positive)), float(np.sum(positive)))
        recall, fpr = tp / counts[1], fp / counts[0]
        # Where all rows are called, MCC is 0/0, which counts as 0.
        metrics = {
            name: np.nan_to_num(score_of_rates(name, recall, fpr, counts))
            for name in _DRAWN
        }
        best = int(np.argmax(metrics["mcc"]))
        given = threshold is not None
        chosen = float(thresholds[best]) if threshold is None else float(threshold)
        # The chosen threshold and the default are read off, so they stay.
        wanted = np.searchsorted(thresholds, [_DEFAULT, chosen])
        kept = _thinned(len(thresholds), wanted)
        display = cls(
            thresholds[kept],
            {name: values[kept] for name, values in metrics.items()},
            1000 * (tp + fp)[kept] / sum(counts),
            threshold=chosen,
            chosen_by="chosen" if given else "best MCC",
        )
        return display.plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the metrics of a classifier's probabilities.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``predict_proba`` or ``decision_function``. Of a
            ``TunedThresholdClassifierCV`` the threshold is the chosen one.
        X : array-like of shape (n, ...)
            Rows that were not trained on.
        y : array-like of shape (n,)
            Their labels, of two classes.
        threshold : float, default=None
            The chosen one. None takes the estimator's own or, where it has none, that
            of the highest MCC on these rows.
        pos_label : object, default=None
            Label of the positive class. None takes the last in order.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ThresholdDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there are not two classes.
        """
        methods = ("predict_proba", "decision_function")
        scores, label = positive_scores(estimator, X, pos_label, methods=methods)
        if threshold is None:
            threshold = getattr(estimator, "best_threshold_", None)
        return cls.from_predictions(
            y, scores, threshold=threshold, pos_label=label, ax=ax
        )

    def at(self, threshold: float) -> dict[str, float]:
        """Read all curves at a threshold.

        Parameters
        ----------
        threshold : float
            Any.

        Returns
        -------
        values : dict of str to float
            The metrics by their names, and ``"alarms"`` per 1,000 rows.
        """
        # Between two scores the next higher one calls the same rows.
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
            Where to draw. None makes a figure.

        Returns
        -------
        self : ThresholdDisplay
            With its artists.
        """
        thresholds = np.asarray(self.thresholds, dtype=float)
        ax = self.ax_ = new_axes(ax)
        self.figure_, self.lines_ = ax.figure, {}  # type: ignore[assignment]
        marker = "o" if len(thresholds) == 1 else None
        self.alarms_ax_ = self._draw_alarms(thresholds, marker)
        for name, values in self.scores.items():
            # Each score is the upper end of the thresholds that call the same rows.
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
            self._mark("default", _DEFAULT, "at 0.5", LIGHT)
            self._scale(thresholds)
        if self.threshold != _DEFAULT or not is_probability:
            label = f"{self.chosen_by} at {self.threshold:.3g}"
            self._mark("chosen", self.threshold, label, BLACK)
        ax.set(xlabel="threshold", ylabel="metric")
        ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.02)
        plain(ax)
        in_order = [*self.scores, "alarms", "default", "chosen"]
        legend_above(ax, [self.lines_[n] for n in in_order if n in self.lines_])
        return self

    def _scale(self, thresholds: np.ndarray) -> None:
        """Show probabilities from 0 to 1 or, if most are near an end, their logits."""
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
        ax: Axes = self.ax_.twinx()
        (self.lines_["alarms"],) = ax.plot(
            thresholds,
            self.alarms,
            drawstyle="steps-pre",
            marker=marker,
            color=SKY,
            linewidth=1.0,
            label="alarms per 1,000 rows (right)",
        )
        # From all rows down to the rare ones: a line of even scale would hug the axis.
        ax.set_yscale("log")
        count_in_tens(ax.yaxis)
        ax.set_ylabel("alarms per 1,000 rows", color=GRAY)
        ax.tick_params(axis="y", which="both", colors=GRAY)
        plain(ax)
        ax.spines["right"].set(visible=True, color=LIGHT)
        # The metrics lie above the alarms.
        self.ax_.set_zorder(ax.get_zorder() + 1)
        self.ax_.patch.set_visible(False)
        return ax

    def _mark(self, name: str, threshold: float, label: str, color: str) -> None:
        values = self.at(threshold)
        form = ".3g" if values["alarms"] < 100 else ".0f"
        self.lines_[name] = self.ax_.axvline(
            threshold,
            color=color,
            linestyle="--" if name == "default" else "-",
            linewidth=1.0,
            zorder=1,
            label=f"{label}: MCC {values['mcc']:.2f}, {values['alarms']:{form}} alarms",
        )


def _logit_ticks(smallest: float) -> tuple[list[float], list[str]]:
    """Powers of ten toward both ends of the axis, and one half."""
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
    """Distinct scores, rising, and the rows at or above each that are and are not."""
    order = np.argsort(scores)
    ranked, hits = scores[order], positive[order]
    first_of_tie = np.flatnonzero(np.diff(ranked, prepend=-np.inf))
    below = np.concatenate([[0], np.cumsum(hits)])[first_of_tie]
    tp = np.sum(hits) - below
    called = len(ranked) - first_of_tie
    return ranked[first_of_tie], tp.astype(float), (called - tp).astype(float)


def _thinned(n: int, wanted: np.ndarray) -> np.ndarray:
    """Positions of at most about `_MOST_POINTS` points, the wanted ones among them."""
    even = np.linspace(0, n - 1, min(n, _MOST_POINTS)).astype(int)
    return np.unique(np.concatenate([even, wanted[wanted < n]]))
