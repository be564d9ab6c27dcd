"""The base of all displays: their axes and figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skloss.displays.style import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Display"]


class Display:
    """Base of all displays.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of ``ax_``.
    """

    ax_: Axes
    figure_: Figure

    def _begin(self, ax: Axes | None) -> Axes:
        """Keep the axes to draw in, and return them; None creates a figure."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        return self.ax_
