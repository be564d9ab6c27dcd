"""The rows of a fit: those trained on, the original ones, and those held out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.sklearn_compat import check_sample_weight
from skloss.training import Rows

__all__ = ["FitRows", "HoldOut", "Split", "checked_weight", "fit_rows", "loss_weight"]


@dataclass(frozen=True)
class HoldOut:
    """Original rows to measure on: those held out, and those trained on.

    Where ``X_original`` is None the rows trained on are original themselves.
    ``samplers`` are the names of those in front; None if they are not known. Of a
    pipeline, ``positions`` are where the held-out rows stood among the ``n_given`` rows
    that it was given.
    """

    X_val: Any = None
    y_val: Any = None
    X_original: Any = None
    y_original: Any = None
    source: str = "none"
    weight_val: Any = None
    weight_original: Any = None
    samplers: tuple[str, ...] | None = None
    positions: np.ndarray | None = None
    n_given: int | None = None

    @classmethod
    def given(
        cls,
        X_val: ArrayLike | None,
        y_val: ArrayLike | None,
        weight_val: ArrayLike | None,
    ) -> Self:
        """Rows that the user holds out, or none."""
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(
                f"{given} was given without {missing}: pass both, or neither."
            )
        source = "none" if X_val is None else "X_val"
        return cls(X_val, y_val, source=source, weight_val=weight_val)


@dataclass(frozen=True)
class Split:
    """Positions of the rows to train on and to hold out, and where they come from.

    None are all rows, and none of them.
    """

    kept: np.ndarray | None = None
    held: np.ndarray | None = None
    source: str = "none"


@dataclass(frozen=True)
class FitRows:
    """Rows of a fit.

    Parameters
    ----------
    training : Rows
        Rows trained on, as a sampler left them.
    original : Rows
        Training rows as they were before any sampler; the curves are measured on them.
    validation : Rows or None
        Rows held out.
    source : str
        Where the rows held out come from, as the record says it.
    is_partial : bool
        Whether the fit is one more epoch, without a hold-out.
    samplers : tuple of str or None
        Names of the samplers in front; None if they are not known.
    positions : ndarray of int or None
        Where the held-out rows stood among the rows given to ``fit``; None if they were
        not among them.
    n_given : int or None
        Rows given to ``fit``; None if not known.
    """

    training: Rows
    original: Rows
    validation: Rows | None
    source: str
    is_partial: bool = False
    samplers: tuple[str, ...] | None = None
    positions: np.ndarray | None = None
    n_given: int | None = None

    def class_counts(self, n_classes: int) -> np.ndarray:
        """Rows of each class as they were given to ``fit``, before any sampler."""
        counts = np.bincount(self.original.y, minlength=n_classes)
        if self.validation is not None and self.source != "X_val":
            counts = counts + np.bincount(self.validation.y, minlength=n_classes)
        return counts


def fit_rows(
    rows: Rows,
    split: Split,
    holdout: HoldOut,
    read: Callable[[Any, Any, Any, str], Rows],
    *,
    is_partial: bool = False,
) -> FitRows:
    """Arrange the rows of a fit.

    Parameters
    ----------
    rows : Rows
        Validated rows.
    split : Split
        Which of them are held out.
    holdout : HoldOut
        Other rows that are held out, and original rows, if any.
    read : callable
        Validates rows, labels and weights of the hold-out; the text that it is given
        stands behind "X" and "y" in errors.
    is_partial : bool
        Whether the fit is one more epoch.
    """
    training = rows.at(split.kept)
    original, validation = training, None
    if split.held is not None:
        validation = rows.at(split.held).compact()
    elif holdout.X_val is not None:
        validation = read(holdout.X_val, holdout.y_val, holdout.weight_val, "_val")
    if holdout.X_original is not None:
        original = read(
            holdout.X_original, holdout.y_original, holdout.weight_original, ""
        )
    positions, n_given = split.held, len(rows)
    if holdout.n_given is not None:
        positions, n_given = holdout.positions, holdout.n_given
    if rows.positions is not None:  # rows without weight were left out
        positions = n_given = None
    return FitRows(
        training,
        original,
        validation,
        split.source,
        is_partial,
        holdout.samplers,
        positions=positions,
        n_given=n_given,
    )


def checked_weight(sample_weight: ArrayLike | None, X: np.ndarray) -> np.ndarray | None:
    """Check that there is one weight for each training row; None stays None."""
    if sample_weight is None:
        return None
    given = np.asarray(sample_weight)
    if given.ndim == 1 and len(given) != len(X):
        raise ValueError(
            f"sample_weight has {len(given)} entries, but there are {len(X)} "
            "rows to train on: a sampler in front makes or drops rows and no weights "
            "for them, so use class_weight, or leave the sampler out."
        )
    return check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )


def loss_weight(rows: Rows, by_class: np.ndarray | None) -> np.ndarray | None:
    """Weight of each row in the loss, with that of its class; None if all are one."""
    if by_class is None:
        return rows.sample_weight
    weight = by_class[rows.y]
    return weight if rows.sample_weight is None else weight * rows.sample_weight
