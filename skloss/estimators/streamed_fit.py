"""``fit`` of rows that are read in blocks: counted, held out, then trained on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from skloss.estimators.all_or_nothing import all_or_nothing
from skloss.estimators.checks import check_labels, encode_known, encode_labels
from skloss.estimators.fit_rows import HoldOut, MemberRows, Split
from skloss.holdout import last_mask, stratified_mask
from skloss.streams import RowSource
from skloss.streams.counted import CountedRows, count_rows
from skloss.streams.iterated import as_block, given_values
from skloss.streams.streamed_rows import StreamedRows
from skloss.streams.ways_in import refuse_beside, source_of

__all__ = ["StreamedFit", "StreamedFitMixin"]


@dataclass(frozen=True)
class StreamedFit:
    """Rows of a source, which of them are held out, and the steps in front.

    Parameters
    ----------
    counted : CountedRows
        The source after its first pass.
    held : ndarray of bool of shape (n,), or None
        Rows that are held out of it.
    source : str
        Where the held-out rows come from, as the record says it.
    holdout : HoldOut
        Other rows that are held out.
    steps : tuple of transformers
        Fitted ones, which the rows go through.
    """

    counted: CountedRows
    held: np.ndarray | None = None
    source: str = "none"
    holdout: HoldOut = field(default_factory=HoldOut)
    steps: tuple[Any, ...] = ()

    def through(self, X: np.ndarray) -> Any:
        """Values of a block as the steps make them, a frame if they have names."""
        given = self.counted.source.named(X)
        for step in self.steps:
            given = step.transform(given)
        return given

    def split(self) -> Split:
        """Which rows are trained on and which are held out."""
        if self.held is None:
            return Split(source=self.source)
        group_of, group_name = self.counted.group_of, self.counted.source.group_name
        kept = "none" if group_of is None else "kept"
        return Split(~self.held, self.held, self.source, kept, group_of, group_name)

    def training_blocks(self) -> Iterator[Any]:
        """Give the rows that are not held out, as the steps make them."""
        first = 0
        for _, X in self.counted.values(range(len(self.counted.lengths))):
            stop = first + len(X)
            if self.held is not None:
                X = X[~self.held[first:stop]]
            first = stop
            if len(X):
                yield self.through(X)


class StreamedFitMixin:
    """Fits of a classifier on rows that are read in blocks."""

    # What needs all rows at once, the values without that, and what to do.
    _not_streamed: ClassVar[dict[str, tuple[tuple[Any, ...], str]]] = {
        "n_members": ((1,), "fit one network, or several classifiers of other seeds"),
        "sampler": ((None,), "set class_weight='balanced' instead"),
        "balanced_batches": ((False,), "set class_weight='balanced' instead"),
        "categorical_features": (
            (None, "from_dtype"),
            "encode these columns where the rows are written",
        ),
    }

    classes_: Any
    validation_rows: Any

    def score(
        self,
        X: ArrayLike | RowSource,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Share of rows whose class is predicted.

        Parameters
        ----------
        X : array-like, or source of :mod:`skloss.streams`
            Rows. A source brings its labels along, and is read twice.
        y : array-like of shape (n,)
            Labels; left out beside a source.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows; not beside a source.

        Returns
        -------
        float
            Accuracy, from 0 to 1.
        """
        if (rows := source_of(X)) is None:
            found = super().score(X, y, sample_weight)  # type: ignore[misc]
        else:
            refuse_beside("X", y=y, sample_weight=sample_weight)
            found = accuracy_score(rows.labels(), self.predict(rows))  # type: ignore[attr-defined]
        return float(found)

    def _fit_source(
        self,
        rows: RowSource,
        y: Any,
        sample_weight: Any,
        groups: Any,
        held_out: tuple[Any, Any, Any],
    ) -> Self:
        """Count the rows of a source, hold some out, and train on the others."""
        refuse_beside("X", y=y, sample_weight=sample_weight, groups=groups)
        with all_or_nothing(self):
            return self.fit_streamed(self.read_streamed(rows, *held_out))

    def _partial_fit_source(
        self, rows: RowSource, y: Any, classes: Any, sample_weight: Any
    ) -> Self:
        """Train one more epoch on the rows of a source."""
        refuse_beside("X", y=y, sample_weight=sample_weight)
        with all_or_nothing(self):
            self._set_classes(classes)  # type: ignore[attr-defined]
            streamed = self.read_streamed(rows, holds_out=False)
            return self.fit_streamed(streamed, is_partial=True)

    def _partial_fit_blocks(
        self, blocks: Iterator[Any], y: Any, classes: Any, sample_weight: Any
    ) -> Self:
        """Train one epoch on each block of an iterator, which gives it once."""
        refuse_beside("X", y=y, sample_weight=sample_weight)
        has_blocks = False
        for given in blocks:
            has_blocks, block = True, as_block(given)
            self.partial_fit(given_values(given), block.y, classes)  # type: ignore[attr-defined]
        if not has_blocks:
            raise ValueError("The iterator gave no block of rows: it may be used up.")
        return self

    def read_streamed(
        self,
        rows: RowSource,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        *,
        holds_out: bool = True,
    ) -> StreamedFit:
        """Count rows in a first pass, and choose those that are held out.

        ``fit`` uses it, and :class:`skloss.Pipeline` before any other step.

        Parameters
        ----------
        rows : RowSource
            The rows.
        X_val, y_val, sample_weight_val : optional
            Rows held out by yourself; ``X_val`` may be a source that has its labels.
        holds_out : bool
            Whether rows are held out at all.

        Returns
        -------
        StreamedFit
        """
        self._check_streamed()
        counted = count_rows(rows, self._read_labels)
        if holds_out:
            encode_labels(type(self).__name__, counted.classes)
        if isinstance(X_val, RowSource):
            refuse_beside("X_val", y_val=y_val, sample_weight_val=sample_weight_val)
            holdout = _of_source(count_rows(X_val, self._read_labels), counted)
            return StreamedFit(counted, holdout=holdout, source="X_val")
        holdout = HoldOut.given(X_val, y_val, sample_weight_val)
        fraction = self._holdout_fraction()  # type: ignore[attr-defined]
        if X_val is not None or fraction is None or not holds_out:
            return StreamedFit(counted, holdout=holdout, source=holdout.source)
        return StreamedFit(counted, self._held_out(counted, fraction), "internal")

    def _check_streamed(self) -> None:
        owner = type(self).__name__
        for name, (allowed, advice) in self._not_streamed.items():
            value = getattr(self, name, allowed[0])
            if not any(value is one or np.array_equal(value, one) for one in allowed):
                raise ValueError(
                    f"{name}={value!r} of {owner} needs all rows at once, and a source "
                    f"gives them block by block: {advice}."
                )

    def _read_labels(self, y: Any) -> np.ndarray:
        """Check labels of a block."""
        check_labels(type(self).__name__, y)
        labels: np.ndarray = column_or_1d(y)
        if labels.dtype.kind not in "biuU":
            check_classification_targets(labels)
        return labels

    def _held_out(self, counted: CountedRows, fraction: float) -> np.ndarray:
        codes, classes, how = counted.codes, counted.classes, self.validation_rows
        if how == "stratified":
            seed = self._split_state()  # type: ignore[attr-defined]
            return stratified_mask(codes, classes, fraction, seed, counted.group_of)
        if how == "last":
            return last_mask(codes, classes, fraction, counted.group_of)
        raise ValueError(
            f"validation_rows={how!r} of {type(self).__name__} needs all rows at once, "
            "and a source gives them block by block: set 'stratified' or 'last', or "
            "pass another source as X_val."
        )

    def fit_streamed(self, streamed: StreamedFit, is_partial: bool = False) -> Self:
        """Train on rows that were counted.

        This is what :class:`skloss.Pipeline` calls; call ``fit`` yourself.

        Parameters
        ----------
        streamed : StreamedFit
            The rows, and what is held out.
        is_partial : bool
            Whether the fit is one more epoch.

        Returns
        -------
        self
            The fitted classifier.
        """
        counted = streamed.counted
        goes_on = self._is_fitted() if is_partial else self._goes_on  # type: ignore[attr-defined]
        if not goes_on:
            vars(self).pop("_fitted", None)  # its shape is not that of these rows
            if not is_partial:
                self.classes_ = counted.classes
        row_shape = self._learn_rows(streamed, reset=not goes_on)
        as_rows = partial(
            StreamedRows,
            prepare=partial(self._prepared, streamed.through),
            row_shape=row_shape,
        )
        holdout = streamed.holdout
        if isinstance(holdout.X_val, CountedRows):
            holdout = replace(holdout, X_val=as_rows(holdout.X_val))
        codes = _codes_in(self.classes_, counted)
        rows = MemberRows(as_rows(counted), codes, None, streamed.split(), holdout)
        fitted: Self = self._train([rows], is_partial)  # type: ignore[attr-defined]
        return fitted

    def _learn_rows(self, streamed: StreamedFit, *, reset: bool) -> tuple[int, ...]:
        """Learn the columns from the first rows; return the shape of a row."""
        counted = streamed.counted
        number = int(np.flatnonzero(counted.lengths)[0])
        X = next(counted.values([number]))[1]
        labels = counted.classes[counted.codes[: len(X)]]
        try:
            checked, _ = self._check_rows(streamed.through(X), labels, reset=reset)  # type: ignore[attr-defined]
        except ValueError as error:
            raise counted.error_in(number, ValueError(_told(error))) from error
        shape: tuple[int, ...] = checked.shape[1:]
        return shape

    def _prepared(
        self, through: Callable[[np.ndarray], Any], X: np.ndarray
    ) -> np.ndarray:
        """Values of a block as the network takes them, checked."""
        with np.errstate(over="ignore"):  # infinity has an error of its own
            values = np.ascontiguousarray(through(X), dtype=np.float32)
        try:
            self._check_values("X", values)  # type: ignore[attr-defined]
        except ValueError as error:
            raise ValueError(_told(error)) from error
        checked: np.ndarray = self._check_shape(values, reset=False)  # type: ignore[attr-defined]
        return checked


def _codes_in(classes: np.ndarray, counted: CountedRows) -> np.ndarray:
    """Positions of the rows' labels in the classes of the classifier."""
    known = encode_known(classes, counted.classes, "y")
    if np.array_equal(known, np.arange(len(known))):
        return counted.codes  # one copy less of a value for each row
    kind = np.int8 if len(classes) <= np.iinfo(np.int8).max else np.int32
    codes: np.ndarray = np.take(known.astype(kind), counted.codes)
    return codes


def _told(error: ValueError) -> str:
    """Advise no step that cannot be fitted block by block."""
    imputer = ", for instance with SimpleImputer as first step,"
    return str(error).replace(imputer, " where the rows are written,")


def _of_source(held: CountedRows, counted: CountedRows) -> HoldOut:
    """Rows of another source, which must have the same columns."""
    names, others = counted.source.names, held.source.names
    if held.row_shape != counted.row_shape or names != others:
        told = names or counted.row_shape
        raise ValueError(
            f"The rows of X_val have the columns {others or held.row_shape}, but those "
            f"of X {told}: give both the same columns in the same order."
        )
    return HoldOut(held, held.classes[held.codes], source="X_val")
