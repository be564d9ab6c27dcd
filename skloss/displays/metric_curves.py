"""``MetricCurveDisplay``: metrics versus epochs, with their standard errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.record_display import (
    RecordDisplay,
    equally_long,
    nothing_to_draw,
)
from skloss.displays.standard_errors import standard_error
from skloss.displays.style import (
    BLACK,
    BLUE,
    CYCLE,
    GRAY,
    GREEN,
    LIGHT,
    ORANGE,
    PURPLE,
    VERMILLION,
    draw_curve,
    epoch_axis,
    legend_above,
    new_axes,
    penalty_axis,
    plain,
    with_class,
)
from skloss.record import TrainingRecord
from skloss.record.find import find_record

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import FillBetweenPolyCollection
    from matplotlib.lines import Line2D

__all__ = ["METRICS", "MetricCurveDisplay"]

METRICS: dict[str, dict[str, Any]] = {
    "mcc": {"label": "MCC", "color": BLUE, "linestyle": "-"},
    "f1": {"label": "F1", "color": VERMILLION, "linestyle": "--"},
    "precision": {"label": "precision", "color": GREEN, "linestyle": ":"},
    "recall": {"label": "recall", "color": PURPLE, "linestyle": "-."},
    "fpr": {
        "label": "false positive rate",
        "color": BLACK,
        "linestyle": (0, (6, 1, 1, 1, 1, 1)),
    },
    "average_precision": {
        "label": "average precision",
        "color": ORANGE,
        "linestyle": (0, (8, 2)),
    },
}
_DEFAULT = ("mcc", "f1", "precision", "recall", "fpr")
_THICK, _THIN = 2.2, 0.9
_FAINT = 0.16
_HALF_WIDTH = 0.02  # epochs; half the width of the band if there is one epoch


class MetricCurveDisplay(RecordDisplay):
    """Plot of MCC, F1, precision, recall and false positive rate after every epoch.

    Validation curves are thick, training curves are thin. Both are measured on original
    rows, that is on rows not made by a sampler. The bands show plus and minus one
    standard error. Changes within a band may be due to the choice of validation rows.

    Parameters
    ----------
    curves : mapping of str to array-like of shape (n_epochs,)
        Curves under their names in the history of a record, such as ``"mcc"`` and
        ``"val_mcc"``.
    errors : mapping of str to array-like of shape (n_epochs,), default=None
        Standard errors of some of the curves, under the same names.
    n_minority : int, default=None
        Number of validation rows of the smallest class.
    best_epoch : int, default=None
        Best epoch by the monitored curve, counted from 0.
    penalties : array-like of shape (n_epochs,), default=None
        Penalties, for curves over the penalties of a `RocketClassifier` in the place of
        epochs.
    pos_label : object, default=None
        Label of the positive class, which the axis names.
    name : str, default=None
        Name of the estimator, if several estimators share the axes. Each of them has
        its own color, and only its validation curves are drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        Lines, under the names of the curves and ``"best_epoch"``.
    bands_ : dict of str to matplotlib FillBetweenPolyCollection
        Bands of the standard errors, under the names of the curves.

    See Also
    --------
    LossCurveDisplay : Losses on original rows.
    ThresholdDisplay : The same metrics versus the threshold.

    Examples
    --------
    >>> from skloss.displays import MetricCurveDisplay
    >>> display = MetricCurveDisplay({"mcc": [0.2, 0.6], "val_mcc": [0.1, 0.4]})
    >>> sorted(display.plot().lines_)
    ['mcc', 'val_mcc']
    """

    bands_: dict[str, FillBetweenPolyCollection]

    def __init__(
        self,
        curves: Mapping[str, ArrayLike],
        *,
        errors: Mapping[str, ArrayLike] | None = None,
        n_minority: int | None = None,
        best_epoch: int | None = None,
        penalties: ArrayLike | None = None,
        pos_label: object = None,
        name: str | None = None,
    ) -> None:
        self.curves = curves
        self.errors = errors
        self.n_minority = n_minority
        self.best_epoch = best_epoch
        self.penalties = penalties
        self.pos_label = pos_label
        self.name = name

    @classmethod
    def from_record(
        cls,
        record: TrainingRecord,
        *,
        ax: Axes | None = None,
        metrics: Sequence[str] = _DEFAULT,
        name: str | None = None,
    ) -> Self:
        """Draw the metrics of a record.

        Parameters
        ----------
        record : TrainingRecord
            Training record whose history has at least one of the metrics.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.
        metrics : sequence of str, default=("mcc", "f1", "precision", "recall", "fpr")
            Metrics to draw, of these, ``"average_precision"``, and the scorers of
            scikit-learn that were recorded, such as ``"roc_auc"``.
        name : str, default=None
            Name of the estimator, if several estimators share the axes.

        Returns
        -------
        display : MetricCurveDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If a metric is unknown, or the history has none of them.

        Examples
        --------
        >>> from skloss import TrainingRecord
        >>> record = TrainingRecord(history={"mcc": [0.2], "f1": [0.3]})
        >>> list(MetricCurveDisplay.from_record(record, metrics=("mcc",)).curves)
        ['mcc']
        """
        record = find_record(record)
        scored = record.configuration.get("higher_is_better") or {}
        choices = [*METRICS, *dict.fromkeys(c.removeprefix("val_") for c in scored)]
        unknown = [metric for metric in metrics if metric not in choices]
        if unknown:
            raise ValueError(
                f"metrics must be among {', '.join(choices)}, got {unknown}."
            )
        names = [prefix + metric for metric in metrics for prefix in ("", "val_")]
        curves = {n: record.history[n] for n in names if record.history.get(n)}
        if not curves:
            raise nothing_to_draw(" or ".join(metrics), record)
        counts = record.data.get("class_counts", {}).get("validation")
        known = counts is not None and min(counts) > 0
        display = cls(
            curves,
            errors=_errors(curves, record, counts) if known else None,
            n_minority=min(counts) if known else None,
            best_epoch=record.best_epoch,
            penalties=record.history.get("penalty"),
            pos_label=record.data.get("pos_label"),
            name=name,
        )
        return display.plot(ax)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        *,
        ax: Axes | None = None,
        metrics: Sequence[str] = ("mcc",),
    ) -> list[Self]:
        """Draw several estimators in the same axes.

        Parameters
        ----------
        estimators : mapping of str to estimator
            Fitted estimators as in `from_estimator`, under their names in the legend.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.
        metrics : sequence of str, default=("mcc",)
            Metrics to draw, as in `from_record`.

        Returns
        -------
        displays : list of MetricCurveDisplay
            One drawn display for each estimator.

        Raises
        ------
        ValueError
            If there is no estimator, or one of them has no record.
        """
        if not estimators:
            raise ValueError("estimators is empty: give at least one by its name.")
        records = {name: find_record(found) for name, found in estimators.items()}
        ax = new_axes(ax)
        return [
            cls.from_record(record, ax=ax, metrics=metrics, name=name)
            for name, record in records.items()
        ]

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the metrics.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        self : MetricCurveDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ValueError
            If there is no curve, or the curves differ in length.
        """
        curves = {n: np.asarray(v, dtype=float) for n, v in self.curves.items()}
        if not any(map(np.size, curves.values())):
            raise ValueError("curves has no epoch, so there is nothing to draw.")
        equally_long(curves)
        ax = self._begin(ax)
        self.lines_, self.bands_ = {}, {}
        held_out = any(name.startswith("val_") for name in curves)
        if self.name is None:
            self._draw_alone(curves, held_out)
        else:
            self._draw_among_others(curves, held_out)
        for name, line in self.lines_.items():
            self._draw_band(name, curves[name], line)
        self._mark_best_epoch(curves)
        if self.penalties is None:
            epoch_axis(ax, len(next(iter(curves.values()))))
        else:
            penalty_axis(ax, self.penalties)
        ylabel = self._ylabel(curves, held_out)
        drawn = {name.removeprefix("val_") for name in curves}
        depends = drawn & METRICS.keys() - {"mcc"}
        ax.set_ylabel(with_class(ylabel, self.pos_label) if depends else ylabel)
        plain(ax)
        legend_above(ax, [*ax.get_legend_handles_labels()[0], *self._common_handles()])
        return self

    def _draw_alone(self, curves: Mapping[str, np.ndarray], held_out: bool) -> None:
        styles = _styles(curves)
        for name, values in curves.items():
            style = styles[name.removeprefix("val_")]
            is_thick = name.startswith("val_") or not held_out
            # The thin training curve needs no legend entry; it has the same color.
            label = style["label"] if is_thick else "_" + name
            self._draw(name, values, is_thick, **style | {"label": label})

    def _draw_among_others(
        self, curves: Mapping[str, np.ndarray], held_out: bool
    ) -> None:
        """Draw with the next color that no display in these axes has used."""
        from cycler import cycler

        if not self.ax_.lines:
            styles = {key: [style[key] for style in CYCLE] for key in CYCLE[0]}
            self.ax_.set_prop_cycle(
                cycler(color=styles["color"]) + cycler(linestyle=styles["linestyle"])
            )
        chosen = {
            n: v for n, v in curves.items() if n.startswith("val_") or not held_out
        }
        color: dict[str, Any] = {}
        labels = _styles(chosen)
        for name, values in chosen.items():
            style = labels[name.removeprefix("val_")]
            label, dashes = self.name, {}
            if len(chosen) > 1:
                label = f"{self.name}: {style['label']}"
                dashes = {"linestyle": style["linestyle"]}
            self._draw(name, values, True, label=label, **dashes, **color)
            color = {"color": self.lines_[name].get_color()}

    def _draw(
        self, name: str, values: np.ndarray, is_thick: bool, **style: Any
    ) -> None:
        width, alpha = (_THICK, 1.0) if is_thick else (_THIN, 0.8)
        self.lines_[name] = draw_curve(
            self.ax_, values, linewidth=width, alpha=alpha, **style
        )

    def _draw_band(self, name: str, values: np.ndarray, line: Line2D) -> None:
        if self.errors is None or name not in self.errors:
            return
        error = np.asarray(self.errors[name], dtype=float)
        epochs = np.arange(1.0, len(values) + 1)
        if len(values) == 1:  # a band without width would be invisible
            epochs = np.array([1 - _HALF_WIDTH, 1 + _HALF_WIDTH])
            values, error = np.repeat(values, 2), np.repeat(error, 2)
        lowest = -1.0 if name.endswith("mcc") else 0.0
        self.bands_[name] = self.ax_.fill_between(
            epochs,
            np.clip(values - error, lowest, 1.0),
            np.clip(values + error, lowest, 1.0),
            color=line.get_color(),
            alpha=_FAINT,
            linewidth=0.0,
            zorder=0.5,
        )

    def _mark_best_epoch(self, curves: Mapping[str, np.ndarray]) -> None:
        best = self.best_epoch
        if best is None:
            return
        if self.name is None:
            self.lines_["best_epoch"] = self.ax_.axvline(
                best + 1,
                label="penalty chosen"
                if self.penalties is not None
                else f"best epoch ({best + 1})",
                zorder=0,
                color=LIGHT,
                linestyle="-.",
                linewidth=1.0,
            )
            return
        # With several estimators, vertical lines would not show which one they mark.
        name, line = next(iter(self.lines_.items()))
        (self.lines_["best_epoch"],) = self.ax_.plot(
            [best + 1],
            [curves[name][best]],
            marker="o",
            color=line.get_color(),
            markeredgecolor="white",
            linestyle="none",
            label="_best epoch",
        )

    def _common_handles(self) -> list[Artist]:
        """Legend entries of the bands and best epochs, which have several colors."""
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        handles: list[Artist] = []
        if self.bands_:
            is_alone = self.name is None and self.n_minority is not None
            note = f", {self.n_minority} minority rows" if is_alone else ""
            label = f"one standard error{note}"
            handles.append(Patch(color=GRAY, alpha=_FAINT, linewidth=0, label=label))
        if self.name is not None and self.best_epoch is not None:
            dot: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": GRAY}
            handles.append(Line2D([], [], label="best epoch", **dot))
        return handles

    def _ylabel(self, curves: Mapping[str, np.ndarray], held_out: bool) -> str:
        split = "validation" if held_out else "training"
        has_both = held_out and not all(name.startswith("val_") for name in curves)
        if self.name is None and has_both:
            return "validation (thick), training (thin)"
        metrics = list({name.removeprefix("val_") for name in curves})
        if len(metrics) > 1:
            return f"{split} metric"
        return f"{split} {_styles(curves)[metrics[0]]['label']}"


def _styles(curves: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Label, color and dashes of each metric; scorers take what is left."""
    names = dict.fromkeys(name.removeprefix("val_") for name in curves)
    scored = [name for name in names if name not in METRICS]
    of_scored = islice(cycle(CYCLE), len(METRICS), None)
    others = {
        name: {"label": name.replace("_", " "), **style}
        for name, style in zip(scored, of_scored, strict=False)
    }
    return METRICS | others


def _errors(
    curves: Mapping[str, ArrayLike], record: TrainingRecord, counts: Sequence[float]
) -> dict[str, np.ndarray]:
    """Estimate the standard errors of the validation curves."""
    rates = {
        rate: record.history[f"val_{rate}"]
        for rate in ("recall", "fpr")
        if f"val_{rate}" in record.history
    }
    if record.positive == 0:  # negative rows first
        counts = counts[::-1]
    return {
        name: standard_error(name.removeprefix("val_"), values, counts, rates)
        for name, values in curves.items()
        if name.startswith("val_") and name.removeprefix("val_") in METRICS
    }
