"""``FoldCurvesDisplay``: one curve of every fold, with their median and range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.display import Display
from skloss.displays.metric_curves import METRICS
from skloss.displays.record_display import nothing_to_draw
from skloss.displays.style import (
    BLACK,
    BLUE,
    LIGHT,
    VERMILLION,
    draw_curve,
    epoch_axis,
    legend_above,
    plain,
    with_class,
)
from skloss.record import TrainingRecord
from skloss.record.find import find_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import FillBetweenPolyCollection
    from matplotlib.lines import Line2D

__all__ = ["FoldCurvesDisplay"]

_SPLITS = {"val_": "validation", "": "training"}
_LOSSES = {"loss": "loss", "loss_at_train_prior": "loss at training prior"}


class FoldCurvesDisplay(Display):
    """Plot of the same curve of every fold, with their median and range.

    A pattern in all folds is a property of the network. A pattern in one fold is due
    to chance or to its rows. Folds may stop at different epochs. The median and the
    range at an epoch are those of the folds that still train, and the median ends where
    fewer than half of the folds train.

    Parameters
    ----------
    curves : sequence of array-like of shape (n_epochs_of_the_fold,)
        The curve of each fold.
    curve : str, default="val_mcc"
        Name of the curve in the history of a record.
    best_epochs : sequence of int or None, default=None
        Best epoch of each fold, counted from 0.
    pos_label : object, default=None
        Label of the positive class, which the axis names if the curve is of it.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    lines_ : list of matplotlib Line2D
        Line of each fold.
    median_ : matplotlib Line2D
        Median of the folds.
    range_ : matplotlib FillBetweenPolyCollection
        Band from the minimum to the maximum of the folds.
    stops_ : matplotlib Line2D
        Ticks at the last epoch of each fold.
    best_ : matplotlib Line2D or None
        Points at the best epochs.

    See Also
    --------
    LossCurveDisplay : All losses of one training.
    MetricCurveDisplay : All metrics of one training.

    Examples
    --------
    >>> from skloss.displays import FoldCurvesDisplay
    >>> display = FoldCurvesDisplay([[0.1, 0.5], [0.2, 0.3], [0.3]]).plot()
    >>> display.median_.get_ydata()
    array([0.2, 0.4])
    """

    lines_: list[Line2D]
    median_: Line2D
    range_: FillBetweenPolyCollection
    stops_: Line2D
    best_: Line2D | None

    def __init__(
        self,
        curves: Sequence[ArrayLike],
        *,
        curve: str = "val_mcc",
        best_epochs: Sequence[int | None] | None = None,
        pos_label: object = None,
    ) -> None:
        self.curves = curves
        self.curve = curve
        self.best_epochs = best_epochs
        self.pos_label = pos_label

    @classmethod
    def from_records(
        cls,
        records: Iterable[TrainingRecord],
        *,
        curve: str = "val_mcc",
        ax: Axes | None = None,
    ) -> Self:
        """Draw a curve of several records.

        Parameters
        ----------
        records : iterable of TrainingRecord
            Training record of each fold.
        curve : str, default="val_mcc"
            Name of the curve in their history.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display : FoldCurvesDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If there is no record, or a record does not have the curve.

        Examples
        --------
        >>> from skloss import TrainingRecord
        >>> histories = [{"val_mcc": [0.1, 0.3]}, {"val_mcc": [0.1, 0.6]}]
        >>> records = [TrainingRecord(history=history) for history in histories]
        >>> len(FoldCurvesDisplay.from_records(records).lines_)
        2
        """
        records = list(records)
        for record in records:
            if not record.history.get(curve):
                raise nothing_to_draw(curve, record)
        display = cls(
            [record.history[curve] for record in records],
            curve=curve,
            best_epochs=[record.best_epoch for record in records],
            pos_label=_pos_label(records, curve),
        )
        return display.plot(ax)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        curve: str = "val_mcc",
        ax: Axes | None = None,
    ) -> Self:
        """Draw a curve of every fold of a cross-validation.

        Parameters
        ----------
        cv_results : mapping
            Result of ``cross_validate(..., return_estimator=True)``.
        curve : str, default="val_mcc"
            Name of the curve in the history of the estimators.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display : FoldCurvesDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the results have no estimators, or an estimator does not have the curve.
        """
        if "estimator" not in cv_results:
            raise ValueError(
                "cv_results has no estimators: call cross_validate with "
                "return_estimator=True."
            )
        records = [find_record(estimator) for estimator in cv_results["estimator"]]
        return cls.from_records(records, curve=curve, ax=ax)

    @classmethod
    def from_search(
        cls,
        search: Any,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        curve: str = "val_mcc",
        ax: Axes | None = None,
    ) -> Self:
        """Draw a curve of the winner of a search on every fold.

        A search of scikit-learn keeps the scores of the folds, but not the fitted
        estimators. This method therefore trains the winner on every fold again.

        Parameters
        ----------
        search : fitted search
            Search with ``best_estimator_`` and ``cv``.
        X, y : array-like
            Rows and labels that were passed to its ``fit``.
        groups : array-like of shape (n,), default=None
            Groups that were passed to its ``fit``.
        curve : str, default="val_mcc"
            Name of the curve in the history of the estimators.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display : FoldCurvesDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If ``X`` and ``y`` are missing, or there is no winner.
        """
        from sklearn.base import clone
        from sklearn.model_selection import cross_validate

        kind = type(search).__name__
        if X is None or y is None:
            raise ValueError(
                f"{kind} keeps no estimators of its folds. Pass X and y, so that the "
                "winner can be trained on each fold again, or pass the result of "
                "cross_validate(..., return_estimator=True) to from_cv_results."
            )
        results = cross_validate(
            clone(_winner(search)),
            X,
            y,
            groups=groups,
            cv=search.cv,
            return_estimator=True,
            error_score="raise",
        )
        return cls.from_cv_results(results, curve=curve, ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        self : FoldCurvesDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ValueError
            If there is no curve.
        """
        table = self._table()
        n_folds, n_epochs = table.shape
        epochs = np.arange(1, n_epochs + 1)
        lasts = [np.size(values) for values in self.curves]
        is_known = np.isfinite(table).any(axis=0)
        low, high, median = np.full((3, n_epochs), np.nan)
        low[is_known] = np.nanmin(table[:, is_known], axis=0)
        high[is_known] = np.nanmax(table[:, is_known], axis=0)
        has_half = 2 * np.isfinite(table).sum(axis=0) >= n_folds
        median[has_half] = np.nanmedian(table[:, has_half], axis=0)

        ax = self._begin(ax)
        self.range_ = ax.fill_between(
            epochs,
            low,
            high,
            color=BLUE,
            alpha=0.12,
            linewidth=0.0,
            label="minimum to maximum",
        )
        self.lines_ = [draw_curve(ax, v, color=LIGHT, linewidth=0.9) for v in table]
        self.lines_[0].set_label("one fold")
        of_folds = "one fold" if n_folds == 1 else f"{n_folds} folds"
        label = f"median of {of_folds}"
        self.median_ = draw_curve(ax, median, color=BLUE, linewidth=2.4, label=label)
        self.best_ = self._draw_best(table)
        (self.stops_,) = ax.plot(
            lasts,
            np.zeros(n_folds),
            "|",
            color=BLACK,
            markersize=12,
            markeredgewidth=1.6,
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            label=f"last epoch ({_spread(lasts)})",
        )
        epoch_axis(ax, n_epochs)
        ax.set_ylabel(with_class(_label(self.curve), self.pos_label))
        plain(ax)
        legend_above(ax)
        return self

    def _table(self) -> np.ndarray:
        """Return the curves as rows; NaN after the last epoch of a fold."""
        lengths = [np.size(values) for values in self.curves]
        if not any(lengths):
            raise ValueError(
                "curves has no fold with an epoch, so there is nothing to draw."
            )
        table = np.full((len(lengths), max(lengths)), np.nan)
        for row, values in zip(table, self.curves, strict=True):
            row[: np.size(values)] = values
        return np.where(np.isfinite(table), table, np.nan)

    def _draw_best(self, table: np.ndarray) -> Line2D | None:
        bests = self.best_epochs or []
        found = [
            (best, table[fold, best])
            for fold, best in enumerate(bests)
            if best is not None
        ]
        if not found:
            return None
        epochs, values = np.transpose(found)
        (line,) = self.ax_.plot(
            epochs + 1,
            values,
            linestyle="none",
            marker="o",
            markersize=5,
            color=VERMILLION,
            markeredgecolor="white",
            label=f"best epoch ({_spread(epochs.astype(int) + 1)})",
        )
        return line


def _pos_label(records: Sequence[TrainingRecord], curve: str) -> Any:
    """Positive class of a curve that depends on it, if it is the same in all folds."""
    if curve.removeprefix("val_") not in METRICS.keys() - {"mcc"}:
        return None
    labels = [record.data.get("pos_label") for record in records]
    return labels[0] if all(label == labels[0] for label in labels) else None


def _winner(search: object) -> Any:
    winner = getattr(search, "best_estimator_", None)
    if winner is None:
        raise ValueError(
            f"{type(search).__name__} has no best_estimator_: fit it, with refit=True, "
            "before drawing its folds."
        )
    return winner


def _spread(epochs: Sequence[int] | np.ndarray) -> str:
    low, high = min(epochs), max(epochs)
    return f"{low}" if low == high else f"{low} to {high}"


def _label(curve: str) -> str:
    """Axis label of a curve."""
    prefix = "val_" if curve.startswith("val_") else ""
    name = curve.removeprefix(prefix)
    words = METRICS[name]["label"] if name in METRICS else _LOSSES.get(name, name)
    return f"{_SPLITS[prefix]} {words}"
