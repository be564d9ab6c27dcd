"""``LossCurveDisplay``: losses versus epochs, with the findings of a diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.record_display import RecordDisplay, equally_long, nothing_to_draw
from skloss.displays.style import (
    BLACK,
    BLUE,
    GRAY,
    GREEN,
    LIGHT,
    PURPLE,
    VERMILLION,
    count_in_tens,
    draw_curve,
    epoch_axis,
    legend_above,
    legend_below,
    penalty_axis,
    plain,
    right_axes,
)
from skloss.metrics import entropy
from skloss.record import TrainingRecord
from skloss.record.find import find_record

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon, Rectangle
    from matplotlib.text import Text

__all__ = ["LossCurveDisplay"]

_CURVES: dict[str, dict[str, Any]] = {
    "loss": {"label": "training", "color": BLUE, "linewidth": 1.2},
    "val_loss": {"label": "validation", "color": VERMILLION, "linewidth": 2.4},
    "val_loss_at_train_prior": {
        "label": "validation at training prior",
        "color": GREEN,
        "linestyle": ":",
        "linewidth": 2.4,
    },
    "crossentropy": {
        "label": "cross-entropy in training",
        "color": BLUE,
        "linestyle": "--",
        "linewidth": 1.0,
    },
    "val_crossentropy": {
        "label": "cross-entropy in validation",
        "color": VERMILLION,
        "linestyle": "--",
        "linewidth": 1.6,
    },
}
_LEVELS: dict[str, dict[str, Any]] = {
    "constant_guess": {"color": GRAY, "linestyle": "--", "linewidth": 1.0},
    "error_floor": {"color": GRAY, "linestyle": (0, (1, 3)), "linewidth": 1.2},
}
_EPOCHS: dict[str, dict[str, Any]] = {
    "best_epoch": {"color": LIGHT, "linestyle": "-.", "linewidth": 1.0},
    "last_epoch": {"color": LIGHT, "linestyle": "-", "linewidth": 0.8},
}
_KEPT: dict[str, Any] = {
    "linestyle": "none",
    "marker": "^",
    "markersize": 8,
    "color": BLACK,
    "clip_on": False,
    "zorder": 5,
}
_REASONS = {
    "early_stopping": "stopped early",
    "callback": "stopped by a callback",
    "diverged": "then diverged",
    "interrupted": "interrupted",
}
# Two curves that differ by less than this share of the height look like one.
_NOTICEABLE = 0.02
# A loss this many times the median would flatten all other losses on a linear scale.
_BLOWN_UP = 30.0
# A curve that stays below this share of the height would look like zero.
_ON_THE_FLOOR = 0.1
_MOST_FINDINGS = 6
# Two marks closer than this share of the epochs would overlap.
_CLOSE = 0.05
_MARK_HEIGHT = 15.0  # points


class LossCurveDisplay(RecordDisplay):
    """Plot of the losses on original rows after every epoch.

    Training and validation loss are measured with the same weights, on original rows,
    that is on rows not made by a sampler. If training and validation rows have
    different class priors, a third curve shows the validation loss at the prior of the
    training. Where another loss than the cross-entropy was trained by, the latter is
    drawn beside, since losses of two kinds do not compare. The horizontal line is the
    loss of a constant guess of the validation prior. A network with a loss above this
    line is worse than that guess.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Training loss on original rows. NaN where it was not measured or not finite.
    val_loss : array-like of shape (n_epochs,), default=None
        Validation loss.
    val_loss_at_train_prior : array-like of shape (n_epochs,), default=None
        Validation loss, reweighted to the class prior of the training.
    crossentropy, val_crossentropy : array-like of shape (n_epochs,), default=None
        Cross-entropy of training and validation rows, where the loss is another one.
    constant_guess : float, default=None
        Loss of a constant guess, the entropy of the validation prior, in nats.
    error_floor : float, default=None
        Estimated lowest loss that any network can reach, in nats.
    learning_rate : array-like of shape (n_epochs,), default=None
        Learning rate. It is drawn on a second axis, if it changes.
    best_epoch : int, default=None
        Best epoch by the monitored curve, counted from 0.
    kept_epoch : int, default=None
        Epoch whose weights were kept, counted from 0.
    stop_reason : str, default=None
        Reason for the end of the training, as in the outcome of a record.
    findings : iterable of Finding, default=()
        Findings of a diagnosis, with ``name``, ``is_alarm``, ``epoch`` and
        ``explains``.
    penalties : array-like of shape (n_epochs,), default=None
        Penalties, for curves over the penalties of a `RocketClassifier` in the place of
        epochs.
    original_rows : bool, default=True
        Whether the losses were measured on original rows, as skloss does.
    members : sequence of array-like, default=()
        Validation losses of each of several members, or their training losses without
        validation rows; drawn as thin lines behind the mean.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    lines_ : dict of str to matplotlib Line2D
        Lines, under the names of the parameters.
    members_ : list of matplotlib Line2D
        Lines of the members.
    rate_ax_ : matplotlib Axes or None
        Axes of the learning rate.
    marks_ : list of matplotlib Text
        Numbers of the findings, at their epochs.
    findings_ : matplotlib Legend or None
        Legend with the names of the findings.
    not_finite_ : matplotlib Polygon or None
        Shaded epochs at the end, where the training loss is NaN or infinite.

    See Also
    --------
    MetricCurveDisplay : MCC, F1, precision, recall and false positive rate.
    FoldCurvesDisplay : One curve of every fold.

    Examples
    --------
    >>> from skloss.displays import LossCurveDisplay
    >>> display = LossCurveDisplay([0.6, 0.3], val_loss=[0.7, 0.5], best_epoch=0)
    >>> sorted(display.plot().lines_)
    ['best_epoch', 'last_epoch', 'loss', 'val_loss']
    """

    def __init__(
        self,
        loss: ArrayLike,
        *,
        val_loss: ArrayLike | None = None,
        val_loss_at_train_prior: ArrayLike | None = None,
        crossentropy: ArrayLike | None = None,
        val_crossentropy: ArrayLike | None = None,
        constant_guess: float | None = None,
        error_floor: float | None = None,
        learning_rate: ArrayLike | None = None,
        best_epoch: int | None = None,
        kept_epoch: int | None = None,
        stop_reason: str | None = None,
        findings: Iterable[Any] = (),
        penalties: ArrayLike | None = None,
        original_rows: bool = True,
        members: Sequence[ArrayLike] = (),
    ) -> None:
        self.loss = loss
        self.val_loss = val_loss
        self.val_loss_at_train_prior = val_loss_at_train_prior
        self.crossentropy = crossentropy
        self.val_crossentropy = val_crossentropy
        self.constant_guess = constant_guess
        self.error_floor = error_floor
        self.learning_rate = learning_rate
        self.best_epoch = best_epoch
        self.kept_epoch = kept_epoch
        self.stop_reason = stop_reason
        self.findings = findings
        self.penalties = penalties
        self.original_rows = original_rows
        self.members = members

    @classmethod
    def from_record(
        cls,
        record: TrainingRecord,
        *,
        ax: Axes | None = None,
        diagnosis: Any = None,
        constant_guess: float | None = None,
        error_floor: Any = None,
        learning_rate: bool = False,
    ) -> Self:
        """Draw the losses of a record.

        Parameters
        ----------
        record : TrainingRecord, path or fitted estimator
            Training record whose history has a ``loss``; or where to find one.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.
        diagnosis : Diagnosis, default=None
            Diagnosis whose findings are marked at their epochs and named below.
        constant_guess : float, default=None
            Loss of a constant guess of the class prior, in nats. None uses the entropy
            of the validation prior, if the record has it.
        error_floor : float or ErrorFloor, default=None
            Lowest loss that any network can reach, in nats, or what
            :func:`skloss.error_floor` has estimated.
        learning_rate : bool, default=False
            Whether to draw the learning rate on a second axis, if it changes.

        Returns
        -------
        display : LossCurveDisplay
            The drawn display.

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
        record = find_record(record)
        if not record.history.get("loss"):
            raise nothing_to_draw("loss", record)
        priors = record.data.get("priors", {})
        prior = priors.get("validation")
        if constant_guess is None and prior is not None:
            constant_guess = entropy(prior)
        names = (*_CURVES, *(["learning_rate"] if learning_rate else []))
        curves: dict[str, Any] = {name: record.history.get(name) for name in names}
        display = cls(
            **curves,
            constant_guess=constant_guess,
            error_floor=getattr(error_floor, "loss", error_floor),
            best_epoch=record.best_epoch,
            kept_epoch=_kept(record),
            stop_reason=record.outcome.get("stop_reason"),
            findings=() if diagnosis is None else diagnosis.findings,
            penalties=record.history.get("penalty"),
            original_rows=bool(priors),
            members=_of_members(record),
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        self : LossCurveDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ValueError
            If there is no epoch, or the curves differ in length.
        """
        curves = self._curves()
        n_epochs = len(curves["loss"])
        ax = self._begin(ax)
        self.lines_ = {}
        self.members_ = self._draw_members(curves)
        for name, values in curves.items():
            self.lines_[name] = draw_curve(ax, values, **_CURVES[name])
        self._draw_levels()
        self._draw_epochs(n_epochs)
        self.not_finite_ = self._shade_not_finite(curves["loss"])
        if self.penalties is None:
            epoch_axis(ax, n_epochs)
        else:
            penalty_axis(ax, self.penalties)
        ax.set_ylabel(
            "loss on original rows (nats)" if self.original_rows else "loss (nats)"
        )
        plain(ax)
        self._scale(curves)
        self.rate_ax_ = self._draw_rate()
        self.marks_, self.findings_ = self._mark_findings(n_epochs)
        shaded = [self.not_finite_] if self.not_finite_ else []
        lift = _MARK_HEIGHT if self.marks_ else 0.0
        shown = [*self.lines_.values(), *self.members_[:1], *shaded]
        legend_above(ax, shown, lift=lift)
        return self

    def _curves(self) -> dict[str, np.ndarray]:
        """Return the known curves, without the third one if it equals the second."""
        given = {name: getattr(self, name) for name in _CURVES}
        curves = {
            name: np.asarray(values, dtype=float)
            for name, values in given.items()
            if values is not None and len(values)
        }
        if "loss" not in curves:
            raise ValueError("loss has no epoch, so there is nothing to draw.")
        equally_long(curves)
        third = curves.get("val_loss_at_train_prior")
        if third is not None and not _differ(curves, third):
            del curves["val_loss_at_train_prior"]
        return curves

    def _draw_members(self, curves: Mapping[str, np.ndarray]) -> list[Line2D]:
        """Draw the members behind the curve that is their mean."""
        name = "val_loss" if "val_loss" in curves else "loss"
        style = {"color": _CURVES[name]["color"], "linewidth": 0.6, "alpha": 0.5}
        style["label"] = f"{_CURVES[name]['label']} of each member"
        return [
            draw_curve(self.ax_, np.asarray(values, dtype=float), **style)
            for values in self.members
        ]

    def _draw_levels(self) -> None:
        for name, style in _LEVELS.items():
            height = getattr(self, name)
            if height is not None:
                label = f"{name.replace('_', ' ')} ({height:.3g})"
                self.lines_[name] = self.ax_.axhline(height, label=label, **style)

    def _draw_epochs(self, n_epochs: int) -> None:
        """Mark the best epoch and, if it adds information, the last epoch."""
        best, last = self.best_epoch, n_epochs - 1
        reason = _REASONS.get(self.stop_reason or "")
        why = f", {reason}" if reason else ""
        marked: dict[str, tuple[int, str]] = {}
        if self.penalties is not None:
            last = 0  # no penalty is the end of a training
        if best is not None:
            is_last = best == last
            label = "best and last epoch" if is_last else "best epoch"
            marked["best_epoch"] = best, f"{label} ({best + 1}{why * is_last})"
        if best != last and last > 0 and (best is not None or reason):
            marked["last_epoch"] = last, f"last epoch ({n_epochs}{why})"
        if self.kept_epoch is not None and self.penalties is None:
            (self.lines_["kept_epoch"],) = self.ax_.plot(
                [self.kept_epoch + 1],
                [0.0],
                transform=self.ax_.get_xaxis_transform(),
                label=f"weights kept: epoch {self.kept_epoch + 1}",
                **_KEPT,
            )
        if best is not None and self.penalties is not None:
            chosen = np.asarray(self.penalties)[best]
            marked["best_epoch"] = best, f"penalty chosen ({chosen:.1e})"
        for name, (epoch, label) in marked.items():
            self.lines_[name] = self.ax_.axvline(
                epoch + 1, label=label, zorder=0, **_EPOCHS[name]
            )

    def _shade_not_finite(self, loss: np.ndarray) -> Polygon | Rectangle | None:
        """Shade the epochs at the end in which the loss is NaN or infinite."""
        finite = np.flatnonzero(np.isfinite(loss))
        first = finite[-1] + 1 if len(finite) else 0
        if first == len(loss):
            return None
        return self.ax_.axvspan(
            first + 0.5,
            len(loss) + 0.5,
            facecolor="none",
            edgecolor=LIGHT,
            hatch="//",
            linewidth=0.0,
            label=f"NaN or infinite from epoch {first + 1}",
            zorder=0,
        )

    def _scale(self, curves: Mapping[str, np.ndarray]) -> None:
        """Start at zero, or use a logarithmic scale if a curve would look flat."""
        finite = [values[np.isfinite(values)] for values in curves.values()]
        finite = [values for values in finite if values.size]
        if not finite:
            self.ax_.set_yticks([])
            return
        heights = np.concatenate(finite)
        levels = [self.constant_guess, self.error_floor]
        top = max(heights.max(), *(level for level in levels if level is not None), 0)
        is_low = min(values.max() for values in finite) < _ON_THE_FLOOR * top
        is_blown_up = heights.max() > _BLOWN_UP * np.median(heights)
        if heights.min() > 0 and (is_low or is_blown_up):
            self.ax_.set_yscale("log")
            count_in_tens(self.ax_.yaxis)
        elif heights.min() >= 0:
            self.ax_.set_ylim(bottom=0)

    def _draw_rate(self) -> Axes | None:
        """Draw the learning rate on a second axis, if it changes."""
        if self.learning_rate is None:
            return None
        rates = np.asarray(self.learning_rate, dtype=float)
        finite = rates[np.isfinite(rates)]
        if not finite.size or np.ptp(finite) <= 1e-6 * np.abs(finite).max():
            return None
        ax = right_axes(self.ax_, "learning rate")
        line = draw_curve(
            ax,
            rates,
            label="learning rate (right axis)",
            color=PURPLE,
            linewidth=1.0,
            linestyle=(0, (4, 1, 1, 1)),
        )
        self.lines_["learning_rate"] = line
        # A schedule that divides by ten needs a logarithmic scale. A cosine schedule,
        # which ends near zero, needs a linear one.
        if finite.min() > 0 and finite.max() > 10 * np.median(finite):
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
        return ax

    def _mark_findings(self, n_epochs: int) -> tuple[list[Text], Legend | None]:
        """Write the numbers of findings at their epochs, and the names below."""
        shown = [f for f in self.findings if f.is_alarm or _epoch_of(f) is not None]
        named, rest = shown[:_MOST_FINDINGS], len(shown[_MOST_FINDINGS:])
        if not named:
            return [], None
        at: dict[int, list[int]] = {}
        handles: list[Artist] = []
        for finding in named:
            epoch = _epoch_of(finding)
            if epoch is None or not 0 <= epoch < n_epochs:
                handles.append(_name(finding.name, "$-$"))
                continue
            number = 1 + sum(map(len, at.values()))
            near = [e for e in at if abs(e - epoch) <= _CLOSE * n_epochs]
            at.setdefault(near[0] if near else epoch, []).append(number)
            text = f"{finding.name} (epoch {epoch + 1})"
            handles.append(_name(text, f"${number}$"))
        if rest:
            handles.append(_name(f"and {rest} more", " "))
        columns = 2 if len(handles) > 2 else 1
        legend = legend_below(self.ax_, handles, columns=columns)
        marks = [self._mark(epoch, numbers) for epoch, numbers in sorted(at.items())]
        return marks, legend

    def _mark(self, epoch: int, numbers: list[int]) -> Text:
        return self.ax_.annotate(
            ", ".join(map(str, numbers)),
            xy=(epoch + 1, 1.0),
            xycoords=self.ax_.get_xaxis_transform(),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize="small",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "linewidth": 0.8},
            annotation_clip=False,
        )


def _kept(record: TrainingRecord) -> int | None:
    """Epoch whose weights were kept; None if it is not known."""
    kept = record.outcome.get("kept_epoch")
    is_last = kept is None and record.configuration.get("origin") == "skloss"
    return record.n_epochs - 1 if is_last and record.n_epochs else kept


def _name(label: str, marker: str) -> Line2D:
    from matplotlib.lines import Line2D

    style: dict[str, Any] = {"linestyle": "none", "color": BLACK}
    # A thick outline would make the number bold.
    return Line2D([], [], marker=marker, markeredgewidth=0.2, label=label, **style)


def _epoch_of(finding: Any) -> int | None:
    """Epoch of a finding, or else the first epoch among the symptoms it explains."""
    epochs = (finding.epoch, *map(_epoch_of, finding.explains))
    return next((epoch for epoch in epochs if epoch is not None), None)


def _differ(curves: Mapping[str, np.ndarray], third: np.ndarray) -> bool:
    """Whether the third curve is visibly different from the validation loss."""
    if "val_loss" not in curves:
        return True
    heights = np.concatenate(list(curves.values()))
    heights = heights[np.isfinite(heights)]
    gaps = np.abs(third - curves["val_loss"])
    gaps = gaps[np.isfinite(gaps)]
    return bool(gaps.size and gaps.max() > _NOTICEABLE * heights.max())


def _of_members(record: TrainingRecord) -> list[list[float]]:
    """Losses of each member of a classifier of several networks."""
    name = "val_loss" if record.history.get("val_loss") else "loss"
    members = (m.get("history", {}) for m in record.outcome.get("members") or ())
    return [curves[name] for curves in members if curves.get(name)]
