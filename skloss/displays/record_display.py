"""The base of displays that draw the curves of one training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.display import Display
from skloss.record import TrainingRecord
from skloss.record.find import find_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["RecordDisplay", "equally_long", "nothing_to_draw"]


class RecordDisplay(Display):
    """Base of the displays of one training."""

    lines_: dict[str, Line2D]

    @classmethod
    def from_record(cls, *args: Any, **kwargs: Any) -> Self:
        """Draw the curves of a record."""
        raise NotImplementedError

    @classmethod
    def from_estimator(
        cls, estimator: object, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            With a ``record_``, or whatever holds one: a pipeline, a search, a threshold
            or calibration wrapper, the dict of ``cross_validate``, in any order.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.
        **options : dict
            Other arguments of `from_record`.

        Returns
        -------
        display
            The drawn display.

        Raises
        ------
        ValueError
            If the estimator has no record.
        """
        return cls.from_record(find_record(estimator), ax=ax, **options)

    @classmethod
    def from_history(
        cls, history: object, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw curves that were measured by any library.

        Parameters
        ----------
        history : mapping of str to list of float, Keras History, DataFrame or path
            One value per epoch under each name; usual names of curves are understood.
            A path leads to a file that `skloss.diagnose` reads.
        ax : matplotlib Axes, default=None
            Axes to draw in. None creates a figure.
        **options : dict
            Other arguments of `from_record`.

        Returns
        -------
        display
            The drawn display.

        Raises
        ------
        RecordFormatError
            If it is no history, or its curves differ in length.
        ValueError
            If none of them can be drawn.
        """
        return cls.from_record(TrainingRecord.from_history(history), ax=ax, **options)


def equally_long(curves: Mapping[str, ArrayLike]) -> None:
    """Raise unless all curves have one value per epoch."""
    lengths = {name: np.size(values) for name, values in curves.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ValueError(
            f"Curves must have one value per epoch, NaN where nothing was measured, "
            f"but they differ in length: {told}."
        )


def nothing_to_draw(wanted: str, record: TrainingRecord) -> ValueError:
    """Error of a record without the curves that a display draws."""
    if not record.n_epochs and record.outcome.get("stop_reason") == "diverged":
        return ValueError(
            "Training diverged in its first epoch, so there is no curve to draw: lower "
            "learning_rate, or scale the inputs."
        )
    known = sorted(name for name, values in record.history.items() if values)
    return ValueError(
        f"The record's history has no {wanted} to draw; it has {known or 'nothing'}."
    )
