"""The common style of all displays: palette, axes and legends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D

__all__ = [
    "BLACK",
    "BLUE",
    "CYCLE",
    "GRAY",
    "GREEN",
    "LEGEND",
    "LIGHT",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "count_in_tens",
    "draw_curve",
    "epoch_axis",
    "legend_above",
    "legend_below",
    "legend_beside",
    "new_axes",
    "penalty_axis",
    "plain",
    "right_axes",
    "short_name",
    "thinned",
    "with_class",
]

# Okabe and Ito's palette without its yellow, which is hard to see on white.
BLACK = "#000000"
BLUE = "#0072B2"
GREEN = "#009E73"
ORANGE = "#E69F00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
VERMILLION = "#D55E00"
GRAY = "#555555"
LIGHT = "#999999"

_LONGEST_NAME = 14

# Line styles tell curves apart in black and white. The numbers of colors and of line
# styles have no common divisor, so that a pair repeats only after 35 curves.
_COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
_DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))
CYCLE: tuple[dict[str, Any], ...] = tuple(
    {"color": _COLORS[i % len(_COLORS)], "linestyle": _DASHES[i % len(_DASHES)]}
    for i in range(len(_COLORS) * len(_DASHES))
)
LEGEND: dict[str, Any] = {
    "frameon": False,
    "fontsize": "small",
    "handlelength": 3.0,
    "borderaxespad": 0.2,
    "labelspacing": 0.3,
    "columnspacing": 1.5,
}
_POINTS_PER_INCH = 72
_MOST_POINTS = 500
# An axis of fewer powers of ten than this also has ticks at 2 and 5.
_FEW_TENS = 2.5


def new_axes(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new figure."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    return ax


def plain(ax: Axes) -> None:
    """Remove the top and right border of the axes, which carry no information."""
    ax.spines[["top", "right"]].set_visible(False)


def right_axes(ax: Axes, label: str) -> Axes:
    """Add axes with a gray scale at the right side."""
    right: Axes = ax.twinx()
    right.set_ylabel(label, color=GRAY)
    right.tick_params(axis="y", which="both", colors=GRAY)
    plain(right)
    right.spines["right"].set(visible=True, color=LIGHT)
    return right


def thinned(n: int, kept: ArrayLike = ()) -> np.ndarray:
    """Positions of about 500 of n points, evenly spaced; those in `kept` are added."""
    even = np.linspace(0, n - 1, min(n, _MOST_POINTS)).astype(int)
    wanted = np.asarray(kept, dtype=int)
    return np.union1d(even, wanted[wanted < n])


def epoch_axis(ax: Axes, n_epochs: int) -> None:
    """Label epochs from 1; axes that already show more epochs keep their limits."""
    from matplotlib.ticker import MaxNLocator

    drawn = ax.get_xlim()[1] if ax.get_xlabel() == "epoch" else 0.0
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    # The axis starts at 0.5, so that it has no tick at epoch 0.
    ax.set_xlim(0.5, max(n_epochs + 0.5, drawn))


def penalty_axis(ax: Axes, penalties: ArrayLike) -> None:
    """Label the powers of ten among penalties, which take the place of epochs."""
    exponents = np.log10(np.asarray(penalties, dtype=float))
    places = np.flatnonzero(np.isclose(exponents, np.round(exponents)))
    names = [f"$10^{{{round(exponents[place])}}}$" for place in places]
    ax.set_xticks(places + 1, names)
    ax.set_xlim(0.5, len(exponents) + 0.5)
    ax.set_xlabel("penalty")


def draw_curve(ax: Axes, values: np.ndarray, **style: Any) -> Line2D:
    """Draw values versus epochs; a value between two NaN is drawn as a point."""
    is_known = np.isfinite(values)
    has_neighbor = np.append(is_known[1:], False) | np.append(False, is_known[:-1])
    alone = np.flatnonzero(is_known & ~has_neighbor).tolist()
    epochs = np.arange(1, len(values) + 1)
    points: dict[str, Any] = {}
    if alone:
        points = {"marker": "o", "markersize": 4, "markevery": alone}
    (line,) = ax.plot(epochs, values, **points, **style)
    return line


def count_in_tens(axis: Axis) -> None:
    """Write plain numbers at the major ticks of a logarithmic axis."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    if low > 0 and np.log10(high / low) < _FEW_TENS:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def legend_above(
    ax: Axes,
    handles: Sequence[Artist] | None = None,
    *,
    columns: int = 2,
    lift: float = 0.0,
) -> Legend:
    """Put a legend above the axes, where it hides no curve; `lift` is in points."""
    return ax.legend(
        handles=_named(ax, handles),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=_shifted(ax, lift),
        ncols=columns,
        **LEGEND,
    )


def legend_below(ax: Axes, handles: Sequence[Artist], *, columns: int = 1) -> Legend:
    """Put a second legend below the label of the horizontal axis."""
    from matplotlib.legend import Legend

    legend = Legend(
        ax,
        handles,
        [str(handle.get_label()) for handle in handles],
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=_shifted(ax, -36.0),
        ncols=columns,
        **LEGEND | {"handlelength": 1.0},
    )
    ax.add_artist(legend)
    # Unlike the legend of the axes, an added artist would be clipped to the axes.
    legend.set_clip_on(False)
    return legend


def legend_beside(ax: Axes, handles: Sequence[Artist] | None = None) -> Legend:
    """Put a legend at the right of the axes, one entry per line."""
    return ax.legend(
        handles=_named(ax, handles),
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        **LEGEND,
    )


def _named(ax: Axes, handles: Sequence[Artist] | None) -> list[Artist]:
    """Keep one artist for each label."""
    if handles is None:
        handles = ax.get_legend_handles_labels()[0]
    return list({str(artist.get_label()): artist for artist in handles}.values())


def _shifted(ax: Axes, points: float) -> Any:
    from matplotlib.transforms import ScaledTranslation

    inches = points / _POINTS_PER_INCH
    return ax.transAxes + ScaledTranslation(0, inches, ax.figure.dpi_scale_trans)


def with_class(label: str, pos_label: object) -> str:
    """Name the positive class behind the label of an axis; None leaves it as it is.

    Examples
    --------
    >>> with_class("threshold", "fraud"), with_class("threshold", None)
    ('threshold, class fraud', 'threshold')
    """
    if pos_label is None:
        return label
    return f"{label}, class {short_name(pos_label)}"


def short_name(label: object) -> str:
    """Name of a class, cut where it would not leave room for a curve."""
    name = str(label)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
