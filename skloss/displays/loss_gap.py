"""``LossGapDisplay``: the gap between training and validation loss as a waterfall."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Self

import numpy as np

from skloss.displays.record_display import RecordDisplay
from skloss.displays.style import BLUE, GRAY, GREEN, LIGHT, VERMILLION, new_axes, plain
from skloss.record import TrainingRecord
from skloss.record.loss_gap import LossGap, gap_of_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

__all__ = ["LossGapDisplay"]

_LONGEST_LINE = 30
_ROW_INCHES = 0.42
_MANY_ROWS = 7


class LossGapDisplay(RecordDisplay):
    """The gap between printed training loss and validation loss, part by part.

    The first bar is the training loss as it was printed, the last one the validation
    loss. Each bar between them begins where the one above ends: it is what one cause
    adds, or takes away. Thin lines are standard errors.

    Parameters
    ----------
    gap : LossGap
        The parts, as `skloss.explain_gap` or ``diagnosis.gap`` gives them.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
        One bar for each loss and each part, from the top.
    error_lines_ : list of matplotlib Line2D
        Standard errors, in the order of the parts that have one.
    texts_ : list of matplotlib Text
        The numbers beside the bars.
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.

    See Also
    --------
    skloss.explain_gap : Measures the parts.
    LossCurveDisplay : Losses versus epochs.

    Examples
    --------
    >>> from skloss.diagnosis import GapPart, LossGap
    >>> parts = (
    ...     GapPart("prior", 0.04, 0.01, "SMOTE's prior"),
    ...     GapPart("generalization", 1.43, 0.2, "groups never seen"),
    ... )
    >>> display = LossGapDisplay(LossGap(0.01, 1.48, parts)).plot()
    >>> [text.get_text() for text in display.texts_]
    ['0.010', '+0.040', '+1.430', '1.480']
    """

    bars_: BarContainer
    error_lines_: list[Line2D]
    texts_: list[Text]

    def __init__(self, gap: LossGap) -> None:
        self.gap = gap

    @classmethod
    def from_record(
        cls, record: TrainingRecord, *, epoch: str = "kept", ax: Axes | None = None
    ) -> Self:
        """Draw the gap that a fit has recorded.

        Parameters
        ----------
        record : TrainingRecord
            Of a fit with a hold-out.
        epoch : {"kept", "last"}, default="kept"
            The epoch whose weights were kept, or the last one.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        display
            The drawn display.

        Raises
        ------
        ValueError
            If the record has no gap, or the epoch is none of the two.
        """
        if epoch not in ("kept", "last"):
            raise ValueError(f"epoch must be 'kept' or 'last', got {epoch!r}.")
        gap = gap_of_record(record)
        if gap is None:
            reason = (record.outcome.get("loss_gap") or {}).get("not_measured")
            raise ValueError(
                "The record does not have the parts of the gap to draw"
                + (f": {reason}. " if reason else ". ")
                + "They are measured by fits of skloss with a hold-out; "
                "skloss.explain_gap measures those of a Keras model."
            )
        if epoch == "last" and gap.last is not None:
            gap = gap.last
        return cls(gap).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the waterfall.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.

        Returns
        -------
        self
            The display.
        """
        gap, parts = self.gap, self.gap.shown
        if ax is None:
            ax = new_axes(None)
            ax.figure.set_figheight(1.2 + _ROW_INCHES * (len(parts) + 2))  # type: ignore[union-attr]
        self._begin(ax)
        steps = np.array([part.nats for part in parts])
        ends = gap.printed + np.cumsum(steps)
        starts = np.concatenate([[0.0], ends - steps, [0.0]])
        widths = np.concatenate([[gap.printed], steps, [gap.validation]])
        places = np.arange(len(widths))
        colors = [GREEN if step < 0 else VERMILLION for step in steps]
        self.bars_ = ax.barh(
            places, widths, left=starts, height=0.6, color=[BLUE, *colors, BLUE]
        )
        self._join(np.concatenate([[gap.printed], ends]))
        self.error_lines_ = [
            ax.plot(
                [end - part.error, end + part.error], [place, place], color=GRAY, lw=1.2
            )[0]
            for place, (part, end) in enumerate(zip(parts, ends, strict=True), start=1)
            if part.error
        ]
        self._write(starts, widths)
        titles = ["printed training loss", *(p.title for p in parts), "validation loss"]
        labels = [textwrap.fill(title, _LONGEST_LINE) for title in titles]
        ax.set_yticks(places, labels)
        ax.tick_params(axis="y", length=0)
        if len(titles) > _MANY_ROWS:
            ax.tick_params(axis="y", labelsize="small")
        ax.set_ylim(len(widths) - 0.4, -0.6)
        ax.set_xlabel("loss (nats)")
        ax.set_title(self._title(), loc="left", fontsize="medium")
        ax.axvline(0.0, color=LIGHT, lw=0.8, zorder=0)
        plain(ax)
        return self

    def _title(self) -> str:
        told = f"gap of {self.gap.total:.2f} nats, {self.gap.where}"
        return told + f"; standard errors over {self.gap.unit}"

    def _join(self, levels: np.ndarray) -> None:
        """Lead the eye from the end of each bar to the begin of the next one."""
        for place, level in enumerate(levels):
            self.ax_.plot([level, level], [place, place + 1], color=LIGHT, lw=0.8)

    def _write(self, starts: np.ndarray, widths: np.ndarray) -> None:
        """Write each number at the right of its bar and of its error."""
        right = np.maximum(starts, starts + widths)
        errors = [0.0, *(part.error or 0.0 for part in self.gap.shown), 0.0]
        ends = starts + widths
        right = np.maximum(right, ends + np.array(errors))
        last = len(widths) - 1
        self.texts_ = [
            self.ax_.annotate(
                f"{width:.3f}" if place in (0, last) else f"{width:+.3f}",
                (right[place], place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
            )
            for place, width in enumerate(widths)
        ]
        self.ax_.margins(x=0.15)
