"""The base of displays that draw the curves of one training."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.displays.display import Display
from skloss.record import TrainingRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["RecordDisplay", "equally_long", "nothing_to_draw", "record_of"]

_INNER = ("best_estimator_", "estimator_")


class RecordDisplay(Display):
    """Base of the displays of one training."""

    lines_: dict[str, Line2D]

    @classmethod
    def from_record(cls, *args: Any, **kwargs: Any) -> Self:
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
            Fitted classifier of skloss, a pipeline that ends in one, or a search over
            one of these.
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
        return cls.from_record(record_of(estimator), ax=ax, **options)

    @classmethod
    def from_history(
        cls, history: Any, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw curves that were measured by any library.

        Parameters
        ----------
        history : mapping of str to list of float, Keras History or DataFrame
            A list of one value per epoch under the name of each curve.
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
        TypeError
            If `history` is of another type.
        ValueError
            If the curves differ in length, or none of them can be drawn.
        """
        return cls.from_record(_record_of_history(history), ax=ax, **options)


def record_of(estimator: Any) -> TrainingRecord:
    """Find the record of an estimator, pipeline or search."""
    found = estimator
    while not hasattr(found, "record_"):
        if hasattr(found, "steps"):
            found = found.steps[-1][1]
            continue
        inner = next((name for name in _INNER if hasattr(found, name)), None)
        if inner is None:
            raise _no_record(found)
        found = getattr(found, inner)
    return found.record_


def _no_record(found: Any) -> ValueError:
    kind = type(found).__name__
    if hasattr(found, "cv_results_"):
        return ValueError(
            f"{kind} was fitted with refit=False, so it has no winner whose curves "
            "could be drawn: fit it with refit=True."
        )
    return ValueError(
        f"{kind} has no record_: fit a skloss classifier, or a "
        "pipeline or search that ends in one, before drawing its curves."
    )


def _record_of_history(history: Any) -> TrainingRecord:
    if hasattr(history, "columns"):
        history = {str(name): history[name].tolist() for name in history.columns}
    curves = getattr(history, "history", history)
    if not isinstance(curves, Mapping):
        raise TypeError(
            "history must be a dict of lists, a Keras History or a DataFrame, got "
            f"{type(history).__name__}."
        )
    # Keras has two names for the rate; a metric of one value per class is no curve.
    scalars = [k for k, v in curves.items() if np.ndim(v) == 0]
    if scalars:
        raise TypeError(
            f"history must hold a list of one value per epoch under each name, but "
            f"{', '.join(map(str, scalars))} is a single value."
        )
    named = {"learning_rate" if k == "lr" else k: v for k, v in curves.items()}
    scalar = {
        name: [np.nan if value is None else float(value) for value in values]
        for name, values in named.items()
        if all(value is None or isinstance(value, Real) for value in values)
    }
    equally_long(scalar)
    return TrainingRecord.from_history(scalar)


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
