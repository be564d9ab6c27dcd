"""The rows of a fit: those trained on, the original ones, and those held out."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.exceptions import UngroupedHoldOutWarning
from skloss.holdout import count_codes
from skloss.sklearn_compat import check_sample_weight, groups_stay_outside
from skloss.sparse_rows import n_rows
from skloss.streams.ways_in import source_of
from skloss.training import Rows

__all__ = [
    "GIVEN",
    "FitRows",
    "HoldOut",
    "MemberRows",
    "Split",
    "checked_weight",
    "fit_rows",
    "groups_of_holdout",
    "loss_weight",
]

# Sources of validation rows that are not among the rows given to ``fit``.
GIVEN = ("X_val", "validation_data")


@dataclass(frozen=True)
class HoldOut:
    """Original rows to measure on: those held out, and those trained on.

    Where ``X_original`` is None the rows trained on are original themselves.
    ``samplers`` are the names of those in front; None if they are not known. Of a
    pipeline, ``positions`` are where the held-out rows stood among the ``n_given`` rows
    that it was given. ``groups`` says whether groups were kept together, as
    `groups_of_holdout` does; the group of each row is known where it was given, and
    ``group_name`` where the groups were a column with a name.
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
    groups: str | None = None
    groups_val: np.ndarray | None = None
    groups_original: np.ndarray | None = None
    group_name: str | None = None

    @classmethod
    def given(
        cls,
        X_val: ArrayLike | None,
        y_val: ArrayLike | None,
        weight_val: ArrayLike | None,
    ) -> Self:
        """Rows that the user holds out, or none."""
        if source_of(X_val, "X_val") is not None:
            raise ValueError(
                "X_val is a source of rows in blocks, but X is not: pass X as a "
                "source, too, such as skloss.streams.array_rows(X, y)."
            )
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(
                f"{given} was given without {missing}: pass both, or neither."
            )
        if X_val is None and weight_val is not None:
            raise ValueError(
                "sample_weight_val was given without X_val and y_val: pass all three, "
                "or leave it out; a hold-out of fit takes its weights of sample_weight."
            )
        source = "none" if X_val is None else "X_val"
        return cls(X_val, y_val, source=source, weight_val=weight_val)

    @classmethod
    def of_keras(cls, validation_data: Any) -> Self:
        """Rows that the user holds out as ``validation_data`` of Keras."""
        is_tuple = isinstance(validation_data, tuple | list)
        if not is_tuple or len(validation_data) not in (2, 3):
            got = type(validation_data).__name__
            got += f" of {len(validation_data)} parts" if is_tuple else ""
            raise ValueError(
                "validation_data must be (X_val, y_val) or (X_val, y_val, "
                f"sample_weight_val), got a {got}: pass arrays."
            )
        X_val, y_val, *weight = validation_data
        weight_val = weight[0] if weight else None
        return cls(X_val, y_val, source="validation_data", weight_val=weight_val)

    def without_validation(self) -> "HoldOut":
        """Return the original rows alone."""
        return HoldOut(
            X_original=self.X_original,
            y_original=self.y_original,
            weight_original=self.weight_original,
            samplers=self.samplers,
        )

    def transformed(self, transform: Callable[[Any], Any]) -> Self:
        """Rows as a transformer makes them."""
        original = self.X_original
        return replace(
            self,
            X_val=None if self.X_val is None else transform(self.X_val),
            X_original=None if original is None else transform(original),
        )


@dataclass(frozen=True)
class Split:
    """Positions of the rows to train on and to hold out, and where they come from.

    None are all rows, and none of them. Of rows that are read in blocks they are masks,
    which take a byte a row. ``groups`` is as in `HoldOut`; ``group_of``
    has the group of each row, and ``group_name`` the name of their column.
    """

    kept: np.ndarray | None = None
    held: np.ndarray | None = None
    source: str = "none"
    groups: str | None = None
    group_of: np.ndarray | None = None
    group_name: str | None = None


@dataclass(frozen=True)
class MemberRows:
    """Rows to train a member on, and which of them or what else it holds out.

    ``y`` has labels, and class numbers once the classes are known. A fit of one network
    has one member.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray | None = None
    split: Split = field(default_factory=Split)
    holdout: HoldOut = field(default_factory=HoldOut)

    @property
    def is_weighted(self) -> bool:
        """Whether the rows that are measured have weights."""
        return self.weight is not None or self.holdout.weight_val is not None


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
    groups : {"kept", "missed", "none"} or None
        Whether the hold-out kept groups together; None if it was not made here.
    groups_val, groups_original : ndarray or None
        Group of each held-out row, and of each original training row.
    group_name : str or None
        Name of the column of the groups.
    """

    training: Rows
    original: Rows
    validation: Rows | None
    source: str
    is_partial: bool = False
    samplers: tuple[str, ...] | None = None
    positions: np.ndarray | None = None
    n_given: int | None = None
    groups: str | None = None
    groups_val: np.ndarray | None = None
    groups_original: np.ndarray | None = None
    group_name: str | None = None

    def class_counts(self, n_classes: int) -> np.ndarray:
        """Rows of each class as they were given to ``fit``, before any sampler."""
        counts = count_codes(self.original.y, n_classes)
        if self.validation is not None and self.source not in GIVEN:
            counts = counts + count_codes(self.validation.y, n_classes)
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
        validation = read(
            holdout.X_val, holdout.y_val, holdout.weight_val, "_val"
        ).compact()
    if holdout.X_original is not None:
        original = read(
            holdout.X_original, holdout.y_original, holdout.weight_original, ""
        )
    positions: np.ndarray | None = split.held
    if positions is not None and positions.dtype == bool:
        positions = np.flatnonzero(positions)
    n_given: int | None = len(rows)
    if holdout.n_given is not None:
        positions, n_given = holdout.positions, holdout.n_given
    if rows.positions is not None:  # rows without weight were left out
        positions = n_given = None
    groups_val, groups_original = holdout.groups_val, holdout.groups_original
    if split.group_of is not None and split.held is not None:
        groups_val = split.group_of[split.held]
        groups_original = split.group_of[split.kept]
    return FitRows(
        training,
        original,
        validation,
        split.source,
        is_partial,
        holdout.samplers,
        positions=positions,
        n_given=n_given,
        groups=split.groups or holdout.groups,
        groups_val=groups_val,
        groups_original=groups_original,
        group_name=split.group_name or holdout.group_name,
    )


def groups_of_holdout(groups: ArrayLike | None, stacklevel: int) -> str:
    """Say whether a hold-out keeps groups together, and warn if it misses them.

    Returns
    -------
    {"kept", "missed", "none"}
        "missed" if a cross-validation around this fit has groups, but the fit has not.
    """
    if groups is not None:
        return "kept"
    if not groups_stay_outside():
        return "none"
    warnings.warn(
        "The cross-validation was given groups, but the classifier was not, so its "
        "hold-out can have rows of one group on both sides, and its curves are too "
        "good. Pass the groups to the classifier too, as groups=... or "
        "step__groups=..., or pass them once after "
        "sklearn.set_config(enable_metadata_routing=True).",
        UngroupedHoldOutWarning,
        stacklevel=stacklevel + 1,
    )
    return "missed"


def checked_weight(sample_weight: ArrayLike | None, X: Any) -> np.ndarray | None:
    """Check that there is one weight for each training row; None stays None."""
    if sample_weight is None:
        return None
    given = np.asarray(sample_weight)
    if given.ndim == 1 and len(given) != n_rows(X):
        raise ValueError(
            f"sample_weight has {len(given)} entries, but there are {n_rows(X)} "
            "rows to train on: pass one weight per row; behind a sampler, use "
            "skloss.Pipeline, where the weights follow the rows, or class_weight."
        )
    return check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )


def loss_weight(rows: Rows, by_class: np.ndarray | None) -> np.ndarray | None:
    """Weight of each row in the loss, with that of its class; None if all are one.

    Rows that are read in blocks have those of their classes alone.
    """
    if by_class is None or rows.is_streamed:
        return rows.sample_weight
    weight = by_class[rows.y]
    return weight if rows.sample_weight is None else weight * rows.sample_weight
