"""The common base of neural classifiers: hold-out, record and callbacks."""

from copy import copy
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import column_or_1d

from skloss.estimators.callback_tasks import EpochTasks, MemberTasks
from skloss.estimators.checks import (
    check_labels,
    encode_labels,
    warns_of_resampled,
)
from skloss.estimators.fit_job import Fitted
from skloss.estimators.fit_rows import (
    FitRows,
    HoldOut,
    Split,
    fit_rows,
    groups_of_holdout,
)
from skloss.estimators.held_out_rows import read_held_out
from skloss.holdout import last_holdout, splitter_holdout, stratified_holdout
from skloss.record import TrainingRecord
from skloss.record.group_names import group_name
from skloss.sklearn_bases import CallbackSupportMixin
from skloss.sklearn_compat import HasMethods, Interval, StrOptions
from skloss.sparse_rows import sparse_frame
from skloss.streams.streamed_rows import StreamedRows
from skloss.training import Rows

__all__ = ["NeuralClassifierMixin"]


class NeuralClassifierMixin(CallbackSupportMixin):
    """Hold-out, record and callbacks of a classifier, whatever trains its network."""

    # With metadata routing, groups that are passed once reach the hold-out, too.
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    _remedy_constraints: ClassVar[dict[str, list[Any]]] = {
        "balanced_batches": ["boolean", StrOptions({"smote"})],
        "sampler": [HasMethods(["fit_resample"]), None],
        "prior_correction": ["boolean", dict],
        "calibration": [StrOptions({"temperature"}), None],
    }
    _stopping_constraints: ClassVar[dict[str, list[Any]]] = {
        "validation_rows": [
            StrOptions({"stratified", "last"}),
            HasMethods(["split", "get_n_splits"]),
        ],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "scoring": [str, callable, list, tuple, set, dict, None],
        "return_train_score": ["boolean"],
        "monitor": [str, callable],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "restore_best": ["boolean"],
        "pos_label": [Real, str, "boolean", None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
    }

    classes_: Any
    early_stopping: Any
    monitor: Any
    patience: Any
    pos_label: Any
    random_state: Any
    restore_best: Any
    sampler: Any
    return_train_score: Any
    scoring: Any
    validation_rows: Any
    _fitted: Fitted

    # ------------------------------------------------------------------ for subclasses

    def _read_rows(self, X: ArrayLike, name: str) -> np.ndarray:
        """Validate rows of a classifier that knows its columns."""
        raise NotImplementedError

    def _holdout_fraction(self) -> float | None:
        """Share of rows to hold out; None for none."""
        raise NotImplementedError

    def _can_hold_out(self, y: ArrayLike) -> bool:
        """Whether the labels are of a kind that rows can be held out by."""
        return True

    # -------------------------------------------------------------------- the hold-out

    def split_validation(
        self,
        X: ArrayLike,
        y: ArrayLike,
        groups: ArrayLike | None = None,
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows to train on and rows to hold out; a pure function of the parameters.

        ``fit`` uses it, and :class:`skloss.Pipeline` before any other step, so that
        both hold out the same rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows; only their number matters, unless ``validation_rows`` is a splitter.
        y : array-like of shape (n,)
            Labels: each class gives the same share.
        groups : array-like of shape (n,), optional
            Groups that must stay together.

        Returns
        -------
        tuple of two ndarrays of int, or None
            Sorted positions; None if no rows are to be held out.
        """
        fraction = self._holdout_fraction()
        if fraction is None or not self._can_hold_out(y):
            return None
        return self._chosen_rows(X, self._labels_to_split(y), fraction, groups)

    def _labels_to_split(self, y: ArrayLike) -> np.ndarray:
        """Check labels that rows are held out by."""
        check_labels(type(self).__name__, y)
        labels: np.ndarray = column_or_1d(y)
        if (labels == labels[:1]).all():
            encode_labels(type(self).__name__, labels)
        return labels

    def _chosen_rows(
        self, X: ArrayLike, labels: ArrayLike, fraction: float, groups: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hold rows out in the way of ``validation_rows``."""
        how = self.validation_rows
        if how == "stratified":
            return stratified_holdout(labels, fraction, self._split_state(), groups)
        if how == "last":
            return last_holdout(labels, fraction, groups)
        return splitter_holdout(self._seeded(how), X, labels, groups)

    def _seeded(self, splitter: Any) -> Any:
        """Give a cross-validator without a seed of its own that of the split."""
        if isinstance(getattr(splitter, "random_state", 0), Integral):
            return splitter
        seeded = copy(splitter)
        seeded.random_state = self._split_state()
        return seeded

    def _split_state(self) -> Any:
        """Seed of the split: where a fit goes on, that of the fit before.

        Else rows that the network has learned would be held out.
        """
        if isinstance(self.random_state, Integral):
            return self.random_state
        goes_on = getattr(self, "warm_start", False) and "_fitted" in vars(self)
        if not goes_on or "_split_seed" not in vars(self):
            state = check_random_state(self.random_state)
            self._split_seed = int(state.randint(2**31 - 1))
        return self._split_seed

    def _split_off(
        self,
        X: np.ndarray,
        labels: np.ndarray,
        positions: tuple[np.ndarray, np.ndarray] | None,
        stacklevel: int,
        groups: ArrayLike | None = None,
    ) -> Split:
        """Return a split, after a look whether a sampler has made the rows."""
        if positions is None:
            return Split()
        resampled = warns_of_resampled(X, labels, stacklevel=stacklevel + 1)
        known = groups_of_holdout(groups, stacklevel)
        names = None if groups is None else np.asarray(groups)
        source = "resampled" if resampled else "internal"
        return Split(*positions, source, known, names, group_name(groups))

    def _arranged(
        self,
        rows: Rows,
        split: Split,
        holdout: HoldOut,
        is_partial: bool,
    ) -> FitRows:
        return fit_rows(
            rows, split, holdout, self._read_held_out, is_partial=is_partial
        )

    def _read_held_out(
        self, X: ArrayLike, y: ArrayLike, weight: Any, suffix: str
    ) -> Rows:
        return read_held_out(self._read_rows, self.classes_, X, y, weight, suffix)

    def _check_classes(self, classes: Any) -> None:
        """Raise unless a later call of partial_fit names the same classes, or none."""
        if classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes={list(classes)!r} is not the same as on the last call to "
                f"partial_fit, which was {self.classes_.tolist()!r}."
            )

    # ----------------------------------------------------------------------- callbacks

    def _epoch_tasks(
        self,
        epochs: int,
        X: np.ndarray,
        codes: np.ndarray,
        kept: np.ndarray | None,
        holdout: HoldOut,
        weight: np.ndarray | None,
        within: MemberTasks | None = None,
    ) -> EpochTasks | None:
        """Tasks of the fit and its epochs, if callbacks were set."""
        rows = partial(self._shown_rows, X, codes, kept, holdout)
        if within is not None:
            return EpochTasks(within.estimator, epochs, rows, weight, within.context)
        if not hasattr(self, "_skl_callbacks"):
            return None
        return EpochTasks(self, epochs, rows, weight)

    def _shown_rows(
        self,
        X: Any,
        codes: np.ndarray,
        kept: np.ndarray | None,
        holdout: HoldOut,
    ) -> tuple[Any, Any]:
        """Original training rows as the classifier itself takes them."""
        if holdout.X_original is not None:
            return holdout.X_original, holdout.y_original
        if kept is not None:
            X, codes = X[kept], codes[kept]
        return self._as_given(X), self.classes_[codes]

    def _as_given(self, X: Any) -> Any:
        """Return validated rows as the classifier itself takes them."""
        if isinstance(X, StreamedRows):
            return X
        if hasattr(self, "feature_names_in_"):
            names = self.feature_names_in_
            if issparse(X):
                return sparse_frame(X, names)
            import pandas as pd

            X = pd.DataFrame(X, columns=names)
        return X

    # ------------------------------------------------------------------ what was fitted

    @property
    def record_(self) -> TrainingRecord:
        """What was asked, what was seen, the curves, and what came out."""
        return self._fitted.record

    @property
    def pos_label_(self) -> Any:
        """Positive class of two, the one that F1 and the like are of; None of more."""
        positive = self.record_.positive
        return None if positive is None else self.classes_[positive]

    @property
    def n_epochs_(self) -> int:
        """Epochs trained."""
        return self.record_.n_epochs

    @property
    def n_iter_(self) -> int:
        """Epochs trained, as of scikit-learn's ``MLPClassifier``; ``n_epochs_``."""
        return self.record_.n_epochs

    @property
    def loss_curve_(self) -> list[float]:
        """Mean loss of the steps of each epoch, as of ``MLPClassifier``.

        It is the objective while it is minimized: with class weights, dropout and
        penalties, on the rows that a sampler made. The ``loss`` of ``record_`` can be
        compared with ``val_loss``; this curve cannot.
        """
        history = self.record_.history
        return list(history.get("running_loss") or history["loss"])

    @property
    def validation_scores_(self) -> list[float] | None:
        """Accuracy on the held-out rows after each epoch, as of ``MLPClassifier``.

        None if no rows were held out. Training does not stop by it unless ``monitor``
        says so.
        """
        scores = self.record_.history.get("val_accuracy")
        return None if scores is None else list(scores)

    @property
    def best_epoch_(self) -> int | None:
        """Epoch (from zero) that was best by the monitored curve."""
        return self.record_.best_epoch
