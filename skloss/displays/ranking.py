"""ROC and precision-recall curves for any number of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.display import Display
from skloss.displays.style import (
    BLACK,
    CYCLE,
    GRAY,
    LIGHT,
    legend_above,
    legend_beside,
    plain,
    short_name,
    thinned,
)
from skloss.displays.truth_and_scores import (
    checked_scores,
    class_scores,
    positive_number,
    positive_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["PrecisionRecallCurvesDisplay", "RocCurvesDisplay"]

_GRID = np.linspace(0.0, 1.0, 201)
_MOST_NAMED = 10
_METHODS = ("predict_proba", "decision_function")


class _RankingDisplay(Display):
    """Base of the displays of one class versus the rest.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (2, n_points)
        Horizontal and vertical values of each class, under its name.
    areas : dict of str to float
        Area under each curve.
    macro : ndarray of shape (2, n_points), default=None
        Mean of the curves; None if there is only one.
    chance : float or None, default=None
        Share of positives, if there is one curve.
    """

    lines_: dict[str, Line2D]

    _area: ClassVar[str]

    def __init__(
        self,
        curves: dict[str, np.ndarray],
        areas: dict[str, float],
        *,
        macro: np.ndarray | None = None,
        chance: float | None = None,
    ) -> None:
        self.curves = curves
        self.areas = areas
        self.macro = macro
        self.chance = chance

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_score: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        pos_label: object = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the curves of scores.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Labels of rows that were not trained on.
        y_score : array-like of shape (n, n_classes) or (n,)
            Predicted probabilities, or other scores that rise with them. For two
            classes, one column with the scores of the last class is enough.
        classes : array-like of shape (n_classes,), default=None
            Labels in the order of the columns. None uses the sorted labels in
            ``y_true``.
        pos_label : object, default=None
            Label of the positive class of two. None uses the last one for a single
            column of scores; for two columns the rarer class if it has at most 40 % of
            the rows, and else the second one.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display
            The drawn display. For two classes it has one curve, of the positive class.
            For more it has a curve for each, and their macro average. A class
            without rows in ``y_true`` is left out.

        Raises
        ------
        ValueError
            If the shape of the scores does not match the classes, or if ``y_true`` has
            only one class.
        """
        truth, scores, known = checked_scores(y_true, y_score, classes)
        columns: Sequence[int] = range(len(known))
        if len(known) == 2:
            columns = [positive_number(truth, y_score, known, pos_label)]
        present = [c for c in columns if 0 < np.sum(truth == known[c]) < len(truth)]
        if not present:
            raise ValueError(
                "y_true has only one class, but rows of two classes are needed."
            )
        curves, areas = {}, {}
        for column in present:
            name = str(known[column])
            positive = truth == known[column]
            curves[name], areas[name] = cls._measured(positive, scores[:, column])
        macro = None
        if len(known) > 2:
            heights = [cls._on_grid(curve) for curve in curves.values()]
            macro = np.array([_GRID, np.mean(heights, axis=0)])
        positive = truth == known[present[0]]
        chance = float(np.mean(positive)) if len(known) == 2 else None
        drawn = {name: c[:, thinned(c.shape[1])] for name, c in curves.items()}
        return cls(drawn, areas, macro=macro, chance=chance).plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: ArrayLike,
        y: ArrayLike,
        *,
        pos_label: object = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the curves of a classifier.

        Parameters
        ----------
        estimator : classifier
            Fitted classifier with ``predict_proba`` or ``decision_function``.
        X : array-like of shape (n, ...)
            Rows that were not trained on, such as a test set. This is not checked, so
            that the rows of the fit can be drawn for comparison: those look too good.
        y : array-like of shape (n,)
            Labels of the rows.
        pos_label : object, default=None
            Label of the positive class of two. None uses that of the ``record_``, or
            the rarer class of ``y`` if it has at most 40 % of the rows, or else the
            second one.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display
            The drawn display, as in `from_predictions`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``y`` has labels that the estimator was not fitted on.
        """
        scores, classes = class_scores(estimator, X, methods=_METHODS)
        positive = positive_of(estimator, y, classes, pos_label)
        if positive is not None:
            pos_label = classes.tolist()[positive]
        return cls.from_predictions(
            y, scores, classes=classes, pos_label=pos_label, ax=ax
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        self
            The display, with its artists as attributes.
        """
        ax = self._begin(ax)
        order = sorted(self.curves, key=lambda name: self.areas[name])
        named = set(order) if len(order) <= _MOST_NAMED else set(order[:_MOST_NAMED])
        styles = iter(CYCLE)
        self.lines_ = {}
        for name in self.curves:
            style: dict[str, Any] = {"color": LIGHT, "linewidth": 0.7, "alpha": 0.7}
            if name in named:
                style = {**next(styles), "linewidth": 1.4}
            self.lines_[name] = self._draw(self.curves[name], style)
            # With a label in the style, scikit-learn would draw a legend for each line.
            self.lines_[name].set_label(self._label(name, self.areas[name]))
        if self.macro is not None:
            area = float(np.mean(list(self.areas.values())))
            style = {"color": BLACK, "linewidth": 2.8}
            self.lines_["macro"] = self._draw(self.macro, style)
            self.lines_["macro"].set_label(self._label("macro average", area))
        self._draw_chance()
        plain(ax)
        # scikit-learn draws square axes, which leave no room for a legend beside them.
        ax.set_aspect("auto")
        self._name_lines([name for name in order if name in named])
        return self

    def _label(self, name: str, area: float) -> str:
        short = short_name(name)
        if len(self.curves) == 1:
            short = f"class {short}"
        return f"{short} ({self._area} {area:.2f})"

    def _name_lines(self, named: list[str]) -> None:
        """List the average in the legend, then the classes, the worst first."""
        from matplotlib.lines import Line2D

        first = [name for name in ("macro",) if name in self.lines_]
        last = [name for name in ("chance",) if name in self.lines_]
        handles = [self.lines_[name] for name in (*first, *named, *last)]
        n_more = len(self.curves) - len(named)
        if n_more:
            label = f"{n_more} more classes, all with higher {self._area}"
            handles.append(Line2D([], [], color=LIGHT, linewidth=0.7, label=label))
        if len(self.curves) == 1:
            legend_above(self.ax_, handles)
        else:
            legend_beside(self.ax_, handles)

    @classmethod
    def _measured(
        cls, positive: np.ndarray, scores: np.ndarray
    ) -> tuple[np.ndarray, float]:
        raise NotImplementedError

    @staticmethod
    def _on_grid(curve: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _draw(self, curve: np.ndarray, style: dict[str, Any]) -> Line2D:
        raise NotImplementedError

    def _draw_chance(self) -> None:
        raise NotImplementedError


class RocCurvesDisplay(_RankingDisplay):
    """Plot of ROC curves, one class versus the rest, and of their macro average.

    The curves are drawn by ``RocCurveDisplay`` of scikit-learn. If positives are rare,
    also look at `PrecisionRecallCurvesDisplay`: a false positive rate of 1 % may mean
    ten false positives for each true positive.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (2, n_points)
        False and true positive rates of each class, under its name.
    areas : dict of str to float
        Area under each curve.
    macro : ndarray of shape (2, n_points), default=None
        Unweighted mean of the curves at equal false positive rates.
    chance : float, default=None
        Not used, because the diagonal is the curve of guessing.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        Lines, under the names of the classes, ``"macro"`` and ``"chance"``.

    See Also
    --------
    PrecisionRecallCurvesDisplay : Precision versus recall.
    sklearn.metrics.RocCurveDisplay : The ROC curve of two classes.

    Examples
    --------
    >>> from skloss.displays import RocCurvesDisplay
    >>> display = RocCurvesDisplay.from_predictions(
    ...     ["a", "b", "c"], [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.1, 0.7]]
    ... )
    >>> display.areas
    {'a': 1.0, 'b': 1.0, 'c': 1.0}
    """

    _area = "AUC"

    @classmethod
    def _measured(
        cls, positive: np.ndarray, scores: np.ndarray
    ) -> tuple[np.ndarray, float]:
        from sklearn.metrics import auc, roc_curve

        fpr, tpr, _ = roc_curve(positive, scores)
        return np.array([fpr, tpr]), float(auc(fpr, tpr))

    @staticmethod
    def _on_grid(curve: np.ndarray) -> np.ndarray:
        heights = np.interp(_GRID, *curve)
        heights[0] = 0.0
        return heights

    def _draw(self, curve: np.ndarray, style: dict[str, Any]) -> Line2D:
        from sklearn.metrics import RocCurveDisplay

        from skloss.sklearn_compat import plotted_line

        display = RocCurveDisplay(fpr=curve[0], tpr=curve[1])
        return plotted_line(display, self.ax_, style)

    def _draw_chance(self) -> None:
        (self.lines_["chance"],) = self.ax_.plot(
            [0, 1],
            [0, 1],
            color=GRAY,
            linestyle=":",
            linewidth=1.0,
            label="chance (AUC 0.50)",
        )
        self.ax_.set(xlabel="false positive rate", ylabel="true positive rate")


class PrecisionRecallCurvesDisplay(_RankingDisplay):
    """Plot of precision-recall curves, one class versus the rest, and of their average.

    The curves are drawn by ``PrecisionRecallDisplay`` of scikit-learn.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (2, n_points)
        Recalls in falling order, and precisions, of each class, under its name.
    areas : dict of str to float
        Average precision of each class.
    macro : ndarray of shape (2, n_points), default=None
        Unweighted mean of the curves at equal recalls.
    chance : float, default=None
        Share of positives, if there is one curve. It is the precision of guessing.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        Lines, under the names of the classes, ``"macro"`` and ``"chance"``.

    See Also
    --------
    RocCurvesDisplay : True positive rate versus false positive rate.
    sklearn.metrics.PrecisionRecallDisplay : The curve of two classes.

    Examples
    --------
    >>> from skloss.displays import PrecisionRecallCurvesDisplay
    >>> display = PrecisionRecallCurvesDisplay.from_predictions(
    ...     [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    ... )
    >>> round(display.areas["1"], 3), display.chance
    (0.833, 0.5)
    """

    _area = "AP"

    @classmethod
    def _measured(
        cls, positive: np.ndarray, scores: np.ndarray
    ) -> tuple[np.ndarray, float]:
        from sklearn.metrics import average_precision_score, precision_recall_curve

        precision, recall, _ = precision_recall_curve(positive, scores)
        area = float(average_precision_score(positive, scores))
        return np.array([recall, precision]), area

    @staticmethod
    def _on_grid(curve: np.ndarray) -> np.ndarray:
        # The precision at a recall is that of the highest threshold that reaches it.
        recall, precision = curve[:, ::-1]
        return precision[np.searchsorted(recall, _GRID)]

    def _draw(self, curve: np.ndarray, style: dict[str, Any]) -> Line2D:
        from sklearn.metrics import PrecisionRecallDisplay

        from skloss.sklearn_compat import plotted_line

        display = PrecisionRecallDisplay(precision=curve[1], recall=curve[0])
        style = {"drawstyle": "steps-post", **style}
        return plotted_line(display, self.ax_, style)

    def _draw_chance(self) -> None:
        if self.chance is not None:
            self.lines_["chance"] = self.ax_.axhline(
                self.chance,
                color=GRAY,
                linestyle=":",
                linewidth=1.0,
                label=f"chance (AP {self.chance:.2f})",
            )
        self.ax_.set(xlabel="recall", ylabel="precision")
