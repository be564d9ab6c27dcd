"""Receiver operating characteristic and precision-recall of any number of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays._predictions import checked_scores, class_scores
from skloss.displays._style import (
    BLACK,
    CYCLE,
    GRAY,
    LIGHT,
    legend_above,
    legend_beside,
    new_axes,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["PrecisionRecallCurvesDisplay", "RocCurvesDisplay"]

_GRID = np.linspace(0.0, 1.0, 201)
_MOST_POINTS = 500
_MOST_NAMED = 10
_LONGEST_NAME = 14
_METHODS = ("predict_proba", "decision_function")


class _RankingDisplay:
    """Base of the displays of one class against the rest.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (2, n_points)
        Horizontal and vertical values of each class, by its name.
    areas : dict of str to float
        Area under each curve.
    macro : ndarray of shape (2, n_points), default=None
        Mean of the curves; None if there is one only.
    chance : float or None, default=None
        Share of positives, of one curve.
    """

    ax_: Axes
    figure_: Figure
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
        ax: Axes | None = None,
    ) -> Self:
        """Draw the curves of scores.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Labels of rows that were not trained on.
        y_score : array-like of shape (n, n_classes) or (n,)
            Probabilities, or other scores that rise with them; of two classes one
            column, of the last one, is enough.
        classes : array-like of shape (n_classes,), default=None
            Labels in the order of the columns. None takes those in ``y_true``, in
            order.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display
            The display, drawn. Of two classes there is one curve, of the last one; of
            more also their plain mean. A class without rows in ``y_true`` is left out.

        Raises
        ------
        ValueError
            If the scores do not fit the classes, or ``y_true`` has one class only.
        """
        truth, scores, known = checked_scores(y_true, y_score, classes)
        columns = [1] if len(known) == 2 else range(len(known))
        present = [c for c in columns if 0 < np.sum(truth == known[c]) < len(truth)]
        if not present:
            raise ValueError(
                "y_true has one class only: rows of another one are needed to rank."
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
        thinned = {name: _thinned(curve) for name, curve in curves.items()}
        return cls(thinned, areas, macro=macro, chance=chance).plot(ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, ax: Axes | None = None
    ) -> Self:
        """Draw the curves of a classifier.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``predict_proba`` or ``decision_function``.
        X : array-like of shape (n, ...)
            Rows that were not trained on.
        y : array-like of shape (n,)
            Their labels.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display
            As of `from_predictions`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``y`` has labels that it was not fitted on.
        """
        scores, classes = class_scores(estimator, X, methods=_METHODS)
        return cls.from_predictions(y, scores, classes=classes, ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self
            With its artists.
        """
        ax = self.ax_ = new_axes(ax)
        self.figure_ = ax.figure  # type: ignore[assignment]
        order = sorted(self.curves, key=lambda name: self.areas[name])
        named = set(order) if len(order) <= _MOST_NAMED else set(order[:_MOST_NAMED])
        styles = iter(CYCLE)
        self.lines_ = {}
        for name in self.curves:
            style: dict[str, Any] = {"color": LIGHT, "linewidth": 0.7, "alpha": 0.7}
            if name in named:
                style = {**next(styles), "linewidth": 1.4}
            self.lines_[name] = self._draw(self.curves[name], style)
            # A label in the style would make scikit-learn draw a legend each time.
            self.lines_[name].set_label(self._label(name, self.areas[name]))
        if self.macro is not None:
            area = float(np.mean(list(self.areas.values())))
            style = {"color": BLACK, "linewidth": 2.8}
            self.lines_["macro"] = self._draw(self.macro, style)
            self.lines_["macro"].set_label(self._label("macro mean", area))
        self._draw_chance()
        plain(ax)
        # Beside a square of scikit-learn there is no room for a legend.
        ax.set_aspect("auto")
        self._name_lines([name for name in order if name in named])
        return self

    def _label(self, name: str, area: float) -> str:
        short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
        if len(self.curves) == 1:
            short = f"class {short}"
        return f"{short} ({self._area} {area:.2f})"

    def _name_lines(self, named: list[str]) -> None:
        """Name the mean, then the classes, the worst first; then those left over."""
        from matplotlib.lines import Line2D

        first = [name for name in ("macro",) if name in self.lines_]
        last = [name for name in ("chance",) if name in self.lines_]
        handles = [self.lines_[name] for name in (*first, *named, *last)]
        n_more = len(self.curves) - len(named)
        if n_more:
            label = f"{n_more} more, all higher"
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
    """Receiver operating characteristic, one class against the rest, and their mean.

    Drawn by scikit-learn's ``RocCurveDisplay``. With rare positives look at
    `PrecisionRecallCurvesDisplay` too: a false positive rate of 1 % may be ten false
    alarms for each true one.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (2, n_points)
        False and true positive rates of each class, by its name.
    areas : dict of str to float
        Area under each curve.
    macro : ndarray of shape (2, n_points), default=None
        Plain mean of the curves at equal false positive rates.
    chance : float, default=None
        Not drawn: chance is the diagonal.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        The classes by their names, ``"macro"`` and ``"chance"``.

    See Also
    --------
    PrecisionRecallCurvesDisplay : Precision over recall.
    sklearn.metrics.RocCurveDisplay : Two classes.

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

        from skloss._sklearn import plotted_line

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
    """Precision over recall, one class against the rest, and their mean.

    Drawn by scikit-learn's ``PrecisionRecallDisplay``.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (2, n_points)
        Recalls, falling, and precisions of each class, by its name.
    areas : dict of str to float
        Average precision of each class.
    macro : ndarray of shape (2, n_points), default=None
        Plain mean of the curves at equal recalls.
    chance : float, default=None
        Share of positives, where there is one curve: the precision of a guess.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        The classes by their names, ``"macro"`` and ``"chance"``.

    See Also
    --------
    RocCurvesDisplay : True over false positive rate.
    sklearn.metrics.PrecisionRecallDisplay : Two classes.

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
        # The precision at a recall is that of the first threshold that reaches it.
        recall, precision = curve[:, ::-1]
        return precision[np.searchsorted(recall, _GRID)]

    def _draw(self, curve: np.ndarray, style: dict[str, Any]) -> Line2D:
        from sklearn.metrics import PrecisionRecallDisplay

        from skloss._sklearn import plotted_line

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


def _thinned(curve: np.ndarray) -> np.ndarray:
    """Keep at most `_MOST_POINTS` points of a curve, first and last among them."""
    n = curve.shape[1]
    return curve[:, np.linspace(0, n - 1, min(n, _MOST_POINTS)).astype(int)]
