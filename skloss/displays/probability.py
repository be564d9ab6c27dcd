"""``ProbabilityDisplay``: whether probabilities mean what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.style import (
    BLUE,
    GRAY,
    VERMILLION,
    legend_above,
    new_axes,
    plain,
)
from skloss.displays.truth_and_scores import checked_binary, positive_scores
from skloss.record.find import find_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["ProbabilityDisplay", "at_prior"]

_STYLES: dict[str, dict[str, Any]] = {
    "predicted": {
        "color": VERMILLION,
        "linestyle": "--",
        "marker": "s",
        "markerfacecolor": "white",
        "markersize": 8,  # seen around the other one where both are the same
    },
    "corrected": {"color": BLUE, "linestyle": "-", "marker": "o", "markersize": 5},
}
_N_BINS = 10


def at_prior(y_prob: ArrayLike, train_prior: float, prior: float) -> np.ndarray:
    r"""Correct probabilities for another share of positives than was trained on.

    .. math:: p' = \frac{p \, \pi' / \pi}
                   {p \, \pi' / \pi + (1 - p) (1 - \pi') / (1 - \pi)}

    with the share :math:`\pi` that was trained on and :math:`\pi'` of use, after Elkan,
    "The foundations of cost-sensitive learning", IJCAI 2001, theorem 2.

    Parameters
    ----------
    y_prob : array-like of shape (n,)
        Probabilities of the positive class.
    train_prior : float
        Share of positives that was trained on, after sampling and weighting.
    prior : float
        Share of positives where the probabilities are used.

    Returns
    -------
    corrected : ndarray of shape (n,)
        In the same order, so that no ranking changes.

    Examples
    --------
    >>> at_prior([0.5, 0.9], train_prior=0.5, prior=0.1).round(2)
    array([0.1, 0.5])
    """
    p = np.asarray(y_prob, dtype=float)
    yes = p * prior / train_prior
    no = (1 - p) * (1 - prior) / (1 - train_prior)
    return yes / (yes + no)


class ProbabilityDisplay:
    """Calibration before and after a correction of the prior.

    A network that was trained on balanced rows gives probabilities for a balanced
    world; where positives are rare, they are far too high. The correction needs the two
    shares only. Points on the diagonal say what happens; bars are one standard error.

    Parameters
    ----------
    curves : dict of str to array-like of shape (3, n_bins)
        ``"predicted"`` and ``"corrected"``: mean probability, share of positives and
        its standard error in each bin.
    briers : dict of str to float, default=None
        Brier scores of both.
    prior : float, default=None
        Share of positives that was corrected to.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        The curves by their names, and ``"diagonal"``.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : Without a correction.
    ThresholdDisplay : Metrics over the threshold.

    Examples
    --------
    >>> from skloss.displays import ProbabilityDisplay
    >>> display = ProbabilityDisplay.from_predictions(
    ...     [0, 0, 0, 1], [0.2, 0.4, 0.6, 0.8], train_prior=0.5
    ... )
    >>> sorted(display.lines_), display.prior
    (['corrected', 'diagonal', 'predicted'], 0.25)
    """

    ax_: Axes
    figure_: Figure
    lines_: dict[str, Line2D]

    def __init__(
        self,
        curves: dict[str, ArrayLike],
        *,
        briers: dict[str, float] | None = None,
        prior: float | None = None,
    ) -> None:
        self.curves = curves
        self.briers = briers
        self.prior = prior

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_prob: ArrayLike,
        *,
        train_prior: float,
        prior: float | None = None,
        n_bins: int = _N_BINS,
        pos_label: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the calibration of probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Labels of two classes, of rows that were not trained on.
        y_prob : array-like of shape (n,) or (n, 2)
            Probabilities of the positive class.
        train_prior : float
            Share of positives that was trained on, after sampling and weighting.
        prior : float, default=None
            Share of positives to correct to. None takes that of ``y_true``.
        n_bins : int, default=10
            Most bins. Each holds as much of both classes together as every other, where
            either class counts half, so that rare positives get bins of their own.
        pos_label : object, default=None
            Label of the positive class. None takes the last in order.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ProbabilityDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there are not two classes, or a probability or a prior is none.
        """
        positive, given, _ = checked_binary(y_true, y_prob, pos_label, "y_prob")
        if given.min() < 0 or given.max() > 1:
            raise ValueError(
                f"y_prob must lie between 0 and 1, got {given.min():.3g} to "
                f"{given.max():.3g}: pass probabilities, not logits or scores."
            )
        if prior is None:
            prior = float(positive.mean())
        for name, share in (("train_prior", train_prior), ("prior", prior)):
            if not 0 < share < 1:
                raise ValueError(
                    f"{name} must be a share of positives between 0 and 1, got {share}."
                )
        bins = _bins(positive, given, n_bins)
        both = {"predicted": given, "corrected": at_prior(given, train_prior, prior)}
        display = cls(
            {name: _reliability(positive, p, bins) for name, p in both.items()},
            briers={n: float(np.mean((p - positive) ** 2)) for n, p in both.items()},
            prior=prior,
        )
        return display.plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        train_prior: float | None = None,
        prior: float | None = None,
        n_bins: int = _N_BINS,
        pos_label: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the calibration of a classifier.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``predict_proba``.
        X : array-like of shape (n, ...)
            Rows that were not trained on.
        y : array-like of shape (n,)
            Their labels, of two classes.
        train_prior : float, default=None
            Share of positives that was trained on. None reads it from the ``record_``
            of the estimator.
        prior : float, default=None
            Share of positives to correct to. None takes that of ``y``.
        n_bins : int, default=10
            Most bins.
        pos_label : object, default=None
            Label of the positive class. None takes the last in order.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ProbabilityDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there are not two classes, or the prior is not known.
        """
        p, label = positive_scores(estimator, X, pos_label, methods=("predict_proba",))
        if train_prior is None:
            shares = _trained_on(estimator)
            if shares is None:
                raise ValueError(
                    f"{type(estimator).__name__} does not tell the share of positives "
                    "that was trained on: pass train_prior."
                )
            position = int(np.flatnonzero(estimator.classes_ == label)[0])
            train_prior = float(shares[position])
        return cls.from_predictions(
            y,
            p,
            train_prior=train_prior,
            prior=prior,
            n_bins=n_bins,
            pos_label=label,
            ax=ax,
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self : ProbabilityDisplay
            With its artists.
        """
        from sklearn.calibration import CalibrationDisplay

        ax = self.ax_ = new_axes(ax)
        self.figure_, self.lines_ = ax.figure, {}  # type: ignore[assignment]
        (self.lines_["diagonal"],) = ax.plot(
            [0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1.0
        )
        self.lines_["diagonal"].set_label("what is said happens")
        for name, curve in self.curves.items():
            predicted, observed, error = np.asarray(curve, dtype=float)
            style = {"label": self._label(name), **_STYLES[name]}
            drawn = CalibrationDisplay(observed, predicted, predicted).plot(
                ax=ax, ref_line=False, **style
            )
            self.lines_[name] = drawn.line_
            ax.errorbar(
                predicted,
                observed,
                error,
                linestyle="none",
                color=style["color"],
                linewidth=1.0,
                alpha=0.6,
            )
        ax.set(
            xlabel="mean predicted probability",
            ylabel="share of positives",
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
        )
        plain(ax)
        legend_above(ax, list(self.lines_.values()), columns=1)
        return self

    def _label(self, name: str) -> str:
        words = "as predicted"
        if name == "corrected":
            prior = "" if self.prior is None else f" to {self.prior:.2%} positives"
            words = f"corrected{prior}"
        if self.briers is None:
            return words
        return f"{words} (Brier score {self.briers[name]:.3f})"


def _trained_on(estimator: Any) -> Any:
    """Shares of the classes that an estimator was trained on; None if not known."""
    try:
        return find_record(estimator).data.get("priors", {}).get("train")
    except ValueError:  # it has no record
        return None


def _bins(positive: np.ndarray, p: np.ndarray, n_bins: int) -> np.ndarray:
    """Bin of each row: equal shares of the rows, where either class weighs half."""
    order = np.argsort(p, kind="stable")
    weight = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    ranked = p[order]
    # Equal probabilities share a bin, that of the first.
    first = np.searchsorted(ranked, ranked)
    passed = (np.cumsum(weight[order]) - weight[order])[first]
    bins = np.empty(len(p), dtype=int)
    bins[order] = np.minimum((passed * n_bins + 1e-9).astype(int), n_bins - 1)
    return bins


def _reliability(positive: np.ndarray, p: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Mean probability, share of positives and its standard error in each bin."""
    n = np.bincount(bins)
    used = n > 0
    n = n[used]
    hits = np.bincount(bins, positive)[used]
    predicted = np.bincount(bins, p)[used] / n
    # One more hit and one more miss: a bin of no hits is not certain.
    smooth = (hits + 1) / (n + 2)
    return np.array([predicted, hits / n, np.sqrt(smooth * (1 - smooth) / n)])
