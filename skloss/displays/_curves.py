"""Curves over the epochs: losses on natural rows, and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.metrics import entropy
from skloss.record import TrainingRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["LossCurveDisplay", "MetricCurveDisplay"]

# Okabe and Ito's palette; line styles say the same in black and white.
_STYLES: dict[str, dict[str, Any]] = {
    "loss": {"color": "#0072B2", "linestyle": "-", "linewidth": 1.2},
    "val_loss": {"color": "#D55E00", "linestyle": "-", "linewidth": 2.4},
    "val_loss_at_train_prior": {
        "color": "#009E73",
        "linestyle": ":",
        "linewidth": 2.4,
    },
    "constant_guess": {"color": "#555555", "linestyle": "--", "linewidth": 1.0},
    "best_epoch": {"color": "#999999", "linestyle": "-.", "linewidth": 1.0},
    "mcc": {"color": "#0072B2", "linestyle": "-"},
    "f1": {"color": "#D55E00", "linestyle": "--"},
    "precision": {"color": "#009E73", "linestyle": ":"},
    "recall": {"color": "#CC79A7", "linestyle": "-."},
}
_LOSS_LABELS = {
    "loss": "training",
    "val_loss": "validation",
    "val_loss_at_train_prior": "validation at training prior",
}
_METRIC_LABELS = {
    "mcc": "MCC",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
}
# Two curves closer than this share of the picture's height would print as one.
_NOTICEABLE = 0.02


class _CurveDisplay:
    """What both displays share: finding the record, the axes, the best epoch."""

    best_epoch: int | None
    ax_: Axes
    figure_: Figure
    lines_: dict[str, Line2D]

    @classmethod
    def from_record(
        cls, record: TrainingRecord, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw the curves of a record."""
        raise NotImplementedError

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            With a ``record_``; or a pipeline that ends in one, or a search whose
            ``best_estimator_`` is one of these.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **options : dict
            As of `from_record`.

        Returns
        -------
        display
            The display, drawn.

        Raises
        ------
        ValueError
            If the estimator has no record.
        """
        return cls.from_record(_record_of(estimator), ax=ax, **options)

    def _begin(self, ax: Axes | None) -> Axes:
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.lines_ = ax, {}
        self.figure_ = ax.figure  # type: ignore[assignment]
        return ax

    def _draw(self, name: str, values: np.ndarray, **options: Any) -> None:
        epochs = np.arange(1, len(values) + 1)
        # One epoch is a point, which a line alone would not show.
        marker = "o" if len(values) == 1 else None
        (self.lines_[name],) = self.ax_.plot(epochs, values, marker=marker, **options)

    def _curve_lines(self) -> list[Line2D]:
        straight = ("constant_guess", "best_epoch")
        return [line for name, line in self.lines_.items() if name not in straight]

    def _finish(self, ylabel: str) -> Self:
        from matplotlib.ticker import MaxNLocator

        if self.best_epoch is not None:
            self.lines_["best_epoch"] = self.ax_.axvline(
                self.best_epoch + 1,
                label=f"best epoch ({self.best_epoch + 1})",
                zorder=0,
                **_STYLES["best_epoch"],
            )
        self.ax_.set(xlabel="epoch", ylabel=ylabel)
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        # Epochs count from one, so that there must be no tick at zero.
        n_epochs = max(np.size(line.get_xdata()) for line in self._curve_lines())
        self.ax_.set_xlim(0.5, n_epochs + 0.5)
        self.ax_.spines[["top", "right"]].set_visible(False)
        # Above the axes no curve can run through it.
        self.ax_.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=2,
            frameon=False,
            fontsize="small",
            handlelength=3.0,
            borderaxespad=0.2,
        )
        return self


class LossCurveDisplay(_CurveDisplay):
    """Losses on natural rows after every epoch.

    Training and validation loss are measured at the same weights, on rows that no
    sampler has made. Where the two have different shares of the classes, the third
    curve shows the validation loss at the prior that was trained on. Above the
    horizontal line, a constant guess of the validation prior would do better.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Training loss on natural rows.
    val_loss : array-like of shape (n_epochs,), default=None
        Validation loss.
    val_loss_at_train_prior : array-like of shape (n_epochs,), default=None
        Validation loss, reweighted to the prior that was trained on.
    constant_guess : float, default=None
        Entropy of the validation rows' prior, in nats.
    best_epoch : int, default=None
        Best epoch by the monitored curve, from 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        The lines by the names of the parameters.

    See Also
    --------
    MetricCurveDisplay : MCC, F1, precision and recall.

    Examples
    --------
    >>> from skloss.displays import LossCurveDisplay
    >>> display = LossCurveDisplay([0.6, 0.3], val_loss=[0.7, 0.5], best_epoch=1)
    >>> sorted(display.plot().lines_)
    ['best_epoch', 'loss', 'val_loss']
    """

    def __init__(
        self,
        loss: ArrayLike,
        *,
        val_loss: ArrayLike | None = None,
        val_loss_at_train_prior: ArrayLike | None = None,
        constant_guess: float | None = None,
        best_epoch: int | None = None,
    ) -> None:
        self.loss = loss
        self.val_loss = val_loss
        self.val_loss_at_train_prior = val_loss_at_train_prior
        self.constant_guess = constant_guess
        self.best_epoch = best_epoch

    @classmethod
    def from_record(
        cls, record: TrainingRecord, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw the losses of a record.

        Parameters
        ----------
        record : TrainingRecord
            With a ``loss`` in its history.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **options : dict
            There are none.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the history has no ``loss``.

        Examples
        --------
        >>> from skloss import TrainingRecord
        >>> record = TrainingRecord(
        ...     history={"loss": [0.6, 0.3]},
        ...     data={"priors": {"validation": [0.5, 0.5]}},
        ... )
        >>> round(LossCurveDisplay.from_record(record).constant_guess, 3)
        0.693
        """
        if "loss" not in record.history:
            raise _nothing_to_draw("loss", record)
        prior = record.data.get("priors", {}).get("validation")
        names = ("loss", "val_loss", "val_loss_at_train_prior")
        curves: dict[str, Any] = {name: record.history.get(name) for name in names}
        display = cls(
            **curves,
            constant_guess=None if prior is None else entropy(prior),
            best_epoch=record.best_epoch,
        )
        return display.plot(ax, **options)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self : LossCurveDisplay
            With its artists.
        """
        ax = self._begin(ax)
        for name, values in self._curves().items():
            self._draw(name, values, label=_LOSS_LABELS[name], **_STYLES[name])
        if self.constant_guess is not None:
            self.lines_["constant_guess"] = ax.axhline(
                self.constant_guess,
                label=f"constant guess ({self.constant_guess:.2f})",
                **_STYLES["constant_guess"],
            )
        self._finish("loss on natural rows (nats)")
        ax.set_ylim(bottom=0)
        return self

    def _curves(self) -> dict[str, np.ndarray]:
        """Return the curves that there are, without one that would hide another."""
        given = {name: getattr(self, name) for name in _LOSS_LABELS}
        curves = {
            name: np.asarray(values, dtype=float)
            for name, values in given.items()
            if values is not None and len(values)
        }
        third = curves.get("val_loss_at_train_prior")
        if third is not None and not _differ(curves, third):
            del curves["val_loss_at_train_prior"]
        return curves


class MetricCurveDisplay(_CurveDisplay):
    """MCC, F1, precision and recall after every epoch.

    Validation is drawn thick, training thin; both on rows that no sampler has made.

    Parameters
    ----------
    curves : mapping of str to array-like of shape (n_epochs,)
        Names as in a record's history: ``"mcc"``, ``"val_mcc"`` and so on.
    best_epoch : int, default=None
        Best epoch by the monitored curve, from 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        The lines by the names of the curves.

    See Also
    --------
    LossCurveDisplay : Losses on natural rows.

    Examples
    --------
    >>> from skloss.displays import MetricCurveDisplay
    >>> display = MetricCurveDisplay({"mcc": [0.2, 0.6], "val_mcc": [0.1, 0.4]})
    >>> sorted(display.plot().lines_)
    ['mcc', 'val_mcc']
    """

    def __init__(
        self, curves: Mapping[str, ArrayLike], *, best_epoch: int | None = None
    ) -> None:
        self.curves = curves
        self.best_epoch = best_epoch

    @classmethod
    def from_record(
        cls,
        record: TrainingRecord,
        *,
        ax: Axes | None = None,
        metrics: tuple[str, ...] = tuple(_METRIC_LABELS),
        **options: Any,
    ) -> Self:
        """Draw the metrics of a record.

        Parameters
        ----------
        record : TrainingRecord
            With at least one of the metrics in its history.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        metrics : tuple of str, default=("mcc", "f1", "precision", "recall")
            Which of these four.
        **options : dict
            There are none.

        Returns
        -------
        display : MetricCurveDisplay
            The display, drawn.

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
        unknown = [name for name in metrics if name not in _METRIC_LABELS]
        if unknown:
            raise ValueError(
                f"metrics must be of {', '.join(_METRIC_LABELS)}, got {unknown}."
            )
        names = [prefix + name for name in metrics for prefix in ("", "val_")]
        curves = {n: record.history[n] for n in names if n in record.history}
        if not curves:
            raise _nothing_to_draw(" or ".join(metrics), record)
        return cls(curves, best_epoch=record.best_epoch).plot(ax, **options)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the metrics.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self : MetricCurveDisplay
            With its artists.
        """
        self._begin(ax)
        held_out = any(name.startswith("val_") for name in self.curves)
        for name, values in self.curves.items():
            metric = name.removeprefix("val_")
            is_thick = name.startswith("val_") or not held_out
            # The thin twins go without a label: one entry a color is enough.
            self._draw(
                name,
                np.asarray(values, dtype=float),
                linewidth=2.2 if is_thick else 0.9,
                alpha=1.0 if is_thick else 0.8,
                label=_METRIC_LABELS[metric] if is_thick else "_" + name,
                **_STYLES[metric],
            )
        self._finish("validation (thick), training (thin)" if held_out else "training")
        return self


def _differ(curves: Mapping[str, np.ndarray], third: np.ndarray) -> bool:
    """Whether the third curve would be seen beside the validation loss."""
    if "val_loss" not in curves:
        return True
    heights = np.concatenate(list(curves.values()))
    heights = heights[np.isfinite(heights)]
    gaps = np.abs(third - curves["val_loss"])
    gaps = gaps[np.isfinite(gaps)]
    return bool(gaps.size and gaps.max() > _NOTICEABLE * heights.max())


def _record_of(estimator: Any) -> TrainingRecord:
    """Find the record of an estimator, pipeline or search."""
    found = getattr(estimator, "best_estimator_", estimator)
    if hasattr(found, "steps"):
        found = found.steps[-1][1]
    record = getattr(found, "record_", None)
    if record is None:
        raise ValueError(
            f"{type(found).__name__} has no record_: fit a skloss classifier, or a "
            "pipeline or search that ends in one, before drawing its curves."
        )
    return record


def _nothing_to_draw(wanted: str, record: TrainingRecord) -> ValueError:
    return ValueError(
        f"The record's history has no {wanted} to draw; it has "
        f"{sorted(record.history) or 'nothing'}."
    )
