"""``SearchDisplay``: scores of a search versus its parameters or versus fit time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.display import Display
from skloss.displays.search_candidates import Candidates, read_results
from skloss.displays.search_panels import (
    MOST_IN_TABLE,
    draw_cost,
    draw_effect,
    draw_interaction,
    draw_table,
)
from skloss.displays.style import BLACK, LEGEND, legend_above
from skloss.record.find import find_classifier
from skloss.record.search_results import read_search_results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SearchDisplay"]

Kind = Literal["auto", "heatmap", "effects", "cost"]

_KINDS = ("auto", "heatmap", "effects", "cost")
_MOST_EFFECTS = 5
_MOST_COLUMNS = 3
_PANEL = (3.0, 2.6)  # inches
_METRICS = {"matthews_corrcoef": "MCC", "f1": "F1", "average_precision": "AP"}


class SearchDisplay(Display):
    """Plot of the scores of a search, versus its parameters or versus fit time.

    Two parameters make a heat map. For more parameters, one panel for each shows its
    effect, averaged over the other parameters, with the largest effect first; a last
    panel shows the two parameters with the largest interaction. The winner is marked.
    Candidates within one standard error of the winner are marked too, because the folds
    cannot tell them from the winner.

    Parameters
    ----------
    parameters : mapping of str to sequence of length n_candidates
        Values of each parameter.
    scores : array-like of shape (n_candidates, n_folds)
        Scores, higher is better; NaN where a fit failed.
    train_scores : array-like of shape (n_candidates, n_folds), default=None
        Scores on the training rows.
    seconds : array-like of shape (n_candidates,), default=None
        Mean fit time.
    metric : str, default="score"
        Name of the score.
    winner : int, default=None
        Candidate that the search selected. None uses the one with the highest mean.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the first panel.
    axes_ : list of matplotlib Axes
        Axes of all panels, in their order.
    figure_ : matplotlib Figure
        Figure of the panels.
    artists_ : list of dict of str to matplotlib Artist
        Artists of each panel, among them ``"winner"`` and ``"tied"``.
    candidates_ : Candidates
        Numbers that were drawn: ``means``, ``errors``, ``winner``, ``is_tied``,
        ``effect(name)``, ``interaction()``.

    See Also
    --------
    FoldCurvesDisplay : Curves of the winner on every fold.

    Examples
    --------
    >>> from skloss.displays import SearchDisplay
    >>> display = SearchDisplay(
    ...     {"width": [4, 8, 16], "depth": [1, 1, 1]},
    ...     [[0.1, 0.2], [0.6, 0.8], [0.7, 0.6]],
    ... ).plot()
    >>> display.candidates_.winner, display.candidates_.is_tied.tolist()
    (1, [False, False, True])
    """

    axes_: list[Axes]
    artists_: list[dict[str, Any]]
    candidates_: Candidates

    def __init__(
        self,
        parameters: Mapping[str, Sequence[Any]],
        scores: ArrayLike,
        *,
        train_scores: ArrayLike | None = None,
        seconds: ArrayLike | None = None,
        metric: str = "score",
        winner: int | None = None,
    ) -> None:
        self.parameters = parameters
        self.scores = scores
        self.train_scores = train_scores
        self.seconds = seconds
        self.metric = metric
        self.winner = winner

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any] | pd.DataFrame,
        *,
        metric: str | None = None,
        parameters: Sequence[str] | None = None,
        winner: int | None = None,
        kind: Kind = "auto",
        ax: Axes | None = None,
    ) -> Self:
        """Draw the results of a search.

        Parameters
        ----------
        cv_results : mapping or DataFrame
            The ``cv_results_`` of a search.
        metric : str, default=None
            Score to draw, if there are several.
        parameters : sequence of str, default=None
            Parameters to draw, with or without the names of their steps. None uses all
            whose values differ between candidates.
        winner : int, default=None
            Candidate that the search selected. None uses the one with the highest mean.
        kind : {"auto", "heatmap", "effects", "cost"}, default="auto"
            Kind of plot, as in `plot`.
        ax : matplotlib Axes, default=None
            Axes to draw a single panel in. None creates a figure.

        Returns
        -------
        display : SearchDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the scores of the folds are missing, or a name is unknown.

        Examples
        --------
        >>> results = {
        ...     "param_net__width": [4, 8],
        ...     "split0_test_score": [0.1, 0.4],
        ...     "split1_test_score": [0.2, 0.5],
        ... }
        >>> display = SearchDisplay.from_cv_results(results)
        >>> display.ax_.get_xlabel()
        'width'
        """
        read = read_results(cv_results, metric, parameters, winner)
        display = cls(
            read.parameters,
            read.scores,
            train_scores=read.train_scores,
            seconds=read.seconds,
            metric=_METRICS.get(read.metric, read.metric),
            winner=read.chosen,
        )
        return display.plot(ax, kind=kind)

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        metric: str | None = None,
        parameters: Sequence[str] | None = None,
        kind: Kind = "auto",
        ax: Axes | None = None,
    ) -> Self:
        """Draw a fitted search.

        Parameters
        ----------
        search : fitted search
            Search with ``cv_results_``, such as GridSearchCV and RandomizedSearchCV. Of
            a halving search only the last round is drawn, which uses all rows.
        metric : str, default=None
            Score to draw, if there are several. None uses that of ``refit``.
        parameters : sequence of str, default=None
            Parameters to draw, with or without the names of their steps. None uses all
            whose values differ between candidates.
        kind : {"auto", "heatmap", "effects", "cost"}, default="auto"
            Kind of plot, as in `plot`.
        ax : matplotlib Axes, default=None
            Axes to draw a single panel in. None creates a figure.

        Returns
        -------
        display : SearchDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the search is not fitted, or a name is unknown.
        """
        found = search
        if not hasattr(search, "cv_results_"):
            found = find_classifier(search).search
        if found is None:
            raise ValueError(
                f"{type(search).__name__} has no cv_results_: fit the search first."
            )
        search, results = found, read_search_results(found)
        is_single = "mean_test_score" in results
        if metric is None and not is_single and isinstance(search.refit, str):
            metric = search.refit
        # best_index_ is the winner only by the metric that the search selected by.
        is_chosen = is_single or callable(search.refit) or metric == search.refit
        options: dict[str, Any] = {
            "parameters": parameters,
            "winner": getattr(search, "best_index_", None) if is_chosen else None,
            "kind": kind,
            "ax": ax,
        }
        if not is_single or not isinstance(search.scoring, str):
            return cls.from_cv_results(results, metric=metric, **options)
        renamed = {
            name.removesuffix("score") + search.scoring
            if name.startswith("split") and name.endswith("_score")
            else name: values
            for name, values in results.items()
        }
        return cls.from_cv_results(renamed, **options)

    def plot(self, ax: Axes | None = None, *, kind: Kind = "auto") -> Self:
        """Draw the search.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw a single panel in. None creates a figure.
        kind : {"auto", "heatmap", "effects", "cost"}, default="auto"
            "heatmap" draws the two parameters with the largest effects. "effects" draws
            the effect of each parameter. "cost" draws scores versus fit time. "auto"
            draws a heat map if exactly two parameters differ, else the effects.

        Returns
        -------
        self : SearchDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ValueError
            If no candidate has a score on every fold, if no parameter differs between
            candidates, or if one `ax` is given for several panels.
        """
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}.")
        self.candidates_ = self._candidates()
        kind = self._resolved(kind)
        if kind == "effects":
            return self._plot_effects(ax)
        self.axes_ = [self._begin(ax)]
        if kind == "cost":
            drawn = draw_cost(self.ax_, self.candidates_)
        else:
            drawn = draw_table(self.ax_, self.candidates_, *self._table_axes())
        self.artists_ = [drawn]
        handles = self.ax_.get_legend_handles_labels()[0]
        legend_above(self.ax_, sorted(handles, key=lambda h: h.get_label() != "winner"))
        return self

    def _candidates(self) -> Candidates:
        def table(values: ArrayLike | None) -> np.ndarray | None:
            return None if values is None else np.asarray(values, dtype=float)

        scores = np.asarray(self.scores, dtype=float)
        if scores.ndim != 2:
            raise ValueError(
                f"scores must be of shape (n_candidates, n_folds), got {scores.shape}."
            )
        lengths = {name: len(values) for name, values in self.parameters.items()}
        odd = {name: n for name, n in lengths.items() if n != len(scores)}
        if odd:
            raise ValueError(
                f"Each parameter must have a value for each of {len(scores)} "
                f"candidates, got {odd}."
            )
        if not np.isfinite(scores).all(axis=1).any():
            raise ValueError(
                f"None of {len(scores)} candidates has a score on every fold: read the "
                "warnings of the search, or set its error_score='raise'."
            )
        return Candidates(
            self.parameters,
            scores,
            table(self.train_scores),
            table(self.seconds),
            self.metric,
            self.winner,
        )

    def _resolved(self, kind: Kind) -> Kind:
        """Choose the kind of plot for "auto"."""
        n_varied = len(self.candidates_.varied)
        if kind == "auto":
            if n_varied == 0 and self.candidates_.seconds is not None:
                return "cost"
            return "heatmap" if n_varied == 2 and self._is_full() else "effects"
        return kind

    def _is_full(self) -> bool:
        """Whether at most half of the cells of a heat map would be empty."""
        row, column = self.candidates_.varied
        means, _ = self.candidates_.table(row, column, MOST_IN_TABLE)
        return float(np.isfinite(means).mean()) >= 0.5

    def _table_axes(self) -> tuple[str, str]:
        """Return the two parameters with the largest effects, fewer levels first."""
        chosen = list(self.candidates_.sizes())[:2]
        if len(chosen) < 2:
            raise ValueError(
                f"A heat map needs two parameters that differ between candidates, got "
                f"{chosen or 'none'}: set kind='effects' or kind='cost'."
            )
        first, second = sorted(chosen, key=lambda n: len(self.candidates_.levels(n)))
        return first, second

    def _plot_effects(self, ax: Axes | None) -> Self:
        candidates = self.candidates_
        names = list(candidates.sizes())
        if not names:
            raise ValueError(
                "No parameter differs between the candidates, so there is no effect to "
                "plot. Set kind='cost'."
            )
        shown = names[:_MOST_EFFECTS]
        pair = candidates.interaction() if len(names) > 1 else None
        n_panels = len(shown) + (pair is not None)
        if n_panels == 1:
            self.axes_ = [self._begin(ax)]
        elif ax is None:
            self._make_panels(n_panels)
        else:
            raise ValueError(
                f"The effects of {len(shown)} parameters need {n_panels} panels: set "
                "ax=None, or pass one name in parameters."
            )
        panels = zip(self.axes_, shown, strict=False)
        self.artists_ = [draw_effect(at, candidates, name) for at, name in panels]
        if pair is not None:
            self.artists_.append(draw_interaction(self.axes_[-1], candidates, pair))
        self._name_effects(n_panels, len(names) - len(shown))
        return self

    def _make_panels(self, n_panels: int) -> None:
        import matplotlib.pyplot as plt

        n_columns = min(n_panels, _MOST_COLUMNS) if n_panels != 4 else 2
        n_rows = -(-n_panels // n_columns)
        self.figure_, axes = plt.subplots(
            n_rows,
            n_columns,
            sharey=True,
            squeeze=False,
            layout="constrained",
            figsize=(_PANEL[0] * n_columns, _PANEL[1] * n_rows + 0.5),
        )
        for spare in axes.flat[n_panels:]:
            spare.remove()
        self.axes_ = list(axes.flat[:n_panels])
        self.ax_ = self.axes_[0]

    def _name_effects(self, n_panels: int, n_left_out: int) -> None:
        """Add the legend and the axis label that all panels share."""
        from matplotlib.lines import Line2D

        label = f"{self.metric}, mean over folds"
        handles = list(self.artists_[0].values())
        if n_left_out:
            text = f"{n_left_out} parameters with smaller effects are not shown"
            handles.append(Line2D([], [], linestyle="none", color=BLACK, label=text))
        if n_panels == 1:
            self.ax_.set_ylabel(label)
            legend_above(self.ax_, handles)
            return
        self.figure_.supylabel(label, fontsize="medium")
        # An entry is about as wide as a panel; one more would be cut off.
        columns = min(
            n_panels, _MOST_COLUMNS, int(self.figure_.get_figwidth() // _PANEL[0])
        )
        self.figure_.legend(
            handles=handles, loc="outside upper left", ncols=columns, **LEGEND
        )
