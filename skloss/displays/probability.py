"""``ProbabilityDisplay``: calibration before and after a correction of the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.display import Display
from skloss.displays.style import (
    BLUE,
    GRAY,
    VERMILLION,
    legend_above,
    plain,
    with_class,
)
from skloss.displays.truth_and_scores import checked_binary, positive_scores
from skloss.protocols import FittedClassifier
from skloss.record.find import find_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["ProbabilityDisplay", "at_prior"]

_STYLES: dict[str, dict[str, Any]] = {
    "predicted": {
        "color": VERMILLION,
        "linestyle": "--",
        "marker": "s",
        "markerfacecolor": "white",
        "markersize": 8,  # larger than the other marker, so that both can be seen
    },
    "corrected": {"color": BLUE, "linestyle": "-", "marker": "o", "markersize": 5},
}
_N_BINS = 10


def at_prior(y_prob: ArrayLike, train_prior: float, prior: float) -> np.ndarray:
    r"""Correct probabilities for a class prior that differs from that of the training.

    .. math:: p' = \frac{p \, \pi' / \pi}
                   {p \, \pi' / \pi + (1 - p) (1 - \pi') / (1 - \pi)}

    where :math:`\pi` is the share of positives in training and :math:`\pi'` their share
    in use. See Elkan, "The foundations of cost-sensitive learning", IJCAI 2001,
    theorem 2.

    Parameters
    ----------
    y_prob : array-like of shape (n,)
        Predicted probabilities of the positive class.
    train_prior : float
        Share of positives in training, after sampling and weighting.
    prior : float
        Share of positives where the probabilities are used.

    Returns
    -------
    corrected : ndarray of shape (n,)
        Corrected probabilities. The ranking of the rows does not change.

    Examples
    --------
    >>> at_prior([0.5, 0.9], train_prior=0.5, prior=0.1).round(2)
    array([0.1, 0.5])
    """
    p = np.asarray(y_prob, dtype=float)
    yes = p * prior / train_prior
    no = (1 - p) * (1 - prior) / (1 - train_prior)
    return yes / (yes + no)


class ProbabilityDisplay(Display):
    """Plot of the calibration before and after a correction of the class prior.

    A network that was trained on balanced rows predicts probabilities for balanced
    rows. Where positives are rare, these probabilities are far too high. The correction
    needs only the share of positives in training and in use. Points on the diagonal are
    perfectly calibrated. The bars are one standard error.

    Parameters
    ----------
    curves : dict of str to array-like of shape (3, n_bins)
        Curves ``"predicted"`` and ``"corrected"``: mean predicted probability, actual
        share of positives, and standard error of this share in each bin.
    briers : dict of str to float, default=None
        Brier scores of the two curves.
    prior : float, default=None
        Share of positives that the probabilities were corrected to.
    pos_label : object, default=None
        Label of the positive class, which the axis names.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        Lines, under the names of the curves and ``"diagonal"``.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : Calibration without a correction.
    ThresholdDisplay : Metrics versus the threshold.

    Examples
    --------
    >>> from skloss.displays import ProbabilityDisplay
    >>> display = ProbabilityDisplay.from_predictions(
    ...     [0, 0, 0, 1], [0.2, 0.4, 0.6, 0.8], train_prior=0.5
    ... )
    >>> sorted(display.lines_), display.prior
    (['corrected', 'diagonal', 'predicted'], 0.25)
    """

    lines_: dict[str, Line2D]

    def __init__(
        self,
        curves: dict[str, ArrayLike],
        *,
        briers: dict[str, float] | None = None,
        prior: float | None = None,
        pos_label: object = None,
    ) -> None:
        self.curves = curves
        self.briers = briers
        self.prior = prior
        self.pos_label = pos_label

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_prob: ArrayLike,
        *,
        train_prior: float,
        prior: float | None = None,
        n_bins: int = _N_BINS,
        pos_label: object = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the calibration of predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Labels of two classes, of rows that were not trained on.
        y_prob : array-like of shape (n,) or (n, 2)
            Predicted probabilities, of the positive class or of both classes.
        train_prior : float
            Share of positives in training, after sampling and weighting.
        prior : float, default=None
            Share of positives to correct to. None uses their share in ``y_true``.
        n_bins : int, default=10
            Largest number of bins. The bins have equal weight, and each class has half
            of the total weight, so that rare positives get bins of their own.
        pos_label : object, default=None
            Label of the positive class. None uses the last label in sorted order, which
            a single column of scores is of in scikit-learn; of two columns the rarer
            class if it has at most 40 % of the rows.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display : ProbabilityDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If there are not two classes, or if a probability or prior is not between 0
            and 1.
        """
        positive, given, label = checked_binary(y_true, y_prob, pos_label, "y_prob")
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
            pos_label=label,
        )
        return display.plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: FittedClassifier,
        X: ArrayLike,
        y: ArrayLike,
        *,
        train_prior: float | None = None,
        prior: float | None = None,
        n_bins: int = _N_BINS,
        pos_label: object = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the calibration of a classifier.

        Parameters
        ----------
        estimator : classifier
            Fitted classifier with ``predict_proba``.
        X : array-like of shape (n, ...)
            Rows that were not trained on, such as a test set. This is not checked, so
            that the rows of the fit can be drawn for comparison: those look too good.
        y : array-like of shape (n,)
            Labels of the rows, of two classes.
        train_prior : float, default=None
            Share of positives in training. None reads it from the ``record_`` of the
            estimator.
        prior : float, default=None
            Share of positives to correct to. None uses their share in ``y``.
        n_bins : int, default=10
            Largest number of bins, as in `from_predictions`.
        pos_label : object, default=None
            Label of the positive class. None uses that of the ``record_``, or the rarer
            class of ``y`` if it has at most 40 % of the rows, or else the second one.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display : ProbabilityDisplay
            The drawn display.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there are not two classes, or if the prior of the training is not known.
        """
        methods = ("predict_proba",)
        p, label = positive_scores(estimator, X, y, pos_label, methods=methods)
        if train_prior is None:
            priors = _train_priors(estimator)
            if priors is None:
                raise ValueError(
                    f"{type(estimator).__name__} has no record of the share of "
                    "positives in training: pass train_prior."
                )
            position = int(np.flatnonzero(estimator.classes_ == label)[0])
            train_prior = float(priors[position])
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
            Axes to draw in. None creates a figure.

        Returns
        -------
        self : ProbabilityDisplay
            The display, with its artists as attributes.
        """
        from sklearn.calibration import CalibrationDisplay

        ax = self._begin(ax)
        self.lines_ = {}
        (self.lines_["diagonal"],) = ax.plot(
            [0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1.0
        )
        self.lines_["diagonal"].set_label("perfectly calibrated")
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
            xlabel=with_class("mean predicted probability", self.pos_label),
            ylabel="actual share of positives",
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
        )
        plain(ax)
        legend_above(ax, list(self.lines_.values()), columns=1)
        return self

    def _label(self, name: str) -> str:
        words = "uncorrected"
        if name == "corrected":
            prior = "" if self.prior is None else f" to prior {self.prior:.2%}"
            words = f"corrected{prior}"
        if self.briers is None:
            return words
        return f"{words} (Brier score {self.briers[name]:.3f})"


def _train_priors(estimator: object) -> Any:
    """Share of each class in training, from the record; None if it is not known."""
    try:
        return find_record(estimator).data.get("priors", {}).get("train")
    except ValueError:  # it has no record
        return None


def _bins(positive: np.ndarray, p: np.ndarray, n_bins: int) -> np.ndarray:
    """Assign rows to bins of equal weight; each class has half of the weight."""
    order = np.argsort(p, kind="stable")
    weight = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    ranked = p[order]
    # Rows of equal probability go into the bin of the first one.
    first = np.searchsorted(ranked, ranked)
    passed = (np.cumsum(weight[order]) - weight[order])[first]
    bins = np.empty(len(p), dtype=int)
    bins[order] = np.minimum((passed * n_bins + 1e-9).astype(int), n_bins - 1)
    return bins


def _reliability(positive: np.ndarray, p: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Mean probability, share of positives, and standard error of it in each bin."""
    n = np.bincount(bins)
    used = n > 0
    n = n[used]
    hits = np.bincount(bins, positive)[used]
    predicted = np.bincount(bins, p)[used] / n
    # Add one positive and one negative, or a bin without positives had no error bar.
    smooth = (hits + 1) / (n + 2)
    return np.array([predicted, hits / n, np.sqrt(smooth * (1 - smooth) / n)])
