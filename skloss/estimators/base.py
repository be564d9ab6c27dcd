"""The base class of the neural classifiers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skloss.estimators.all_or_nothing import all_or_nothing
from skloss.estimators.callback_tasks import MemberTasks
from skloss.estimators.checked_rows import CheckedRowsMixin
from skloss.estimators.checks import encode_known, encode_labels
from skloss.estimators.fit_job import Fitted
from skloss.estimators.fit_members import fit_members
from skloss.estimators.fit_rows import (
    FitRows,
    HoldOut,
    MemberRows,
    Split,
    checked_weight,
)
from skloss.estimators.fitting import prepare_network
from skloss.estimators.members import MembersMixin
from skloss.estimators.network_fit import NetworkFit
from skloss.estimators.neural_classifier import NeuralClassifierMixin
from skloss.estimators.parameter_names import ParameterNamesMixin
from skloss.estimators.refit import check_refit, fit_again
from skloss.estimators.sampler import sampled_rows
from skloss.estimators.streamed_fit import StreamedFitMixin
from skloss.keras_interop import build_mean_model
from skloss.networks import NetworkSpec
from skloss.sklearn_bases import BaseEstimator, ClassifierMixin
from skloss.sklearn_compat import Interval, fit_context
from skloss.sparse_rows import flat_rows
from skloss.streams import RowSource
from skloss.streams.streamed_rows import StreamedRows
from skloss.streams.ways_in import source_of
from skloss.training import Augmentation, ReduceLROnPlateau, Rows

__all__ = ["BaseNeuralClassifier"]

# From a warning in `_split_off` to the line that called ``fit``.
_TO_CALLER = 4


@dataclass(eq=False, repr=False, kw_only=True)
class BaseNeuralClassifier(
    CheckedRowsMixin,
    StreamedFitMixin,
    MembersMixin,
    NeuralClassifierMixin,
    ParameterNamesMixin,
    ClassifierMixin,
    BaseEstimator,
):
    """Base of the neural classifiers; a subclass says which network it trains.

    The fields are the parameters that all of them have; a subclass adds its own, and
    may set another default. The constructor is made of both, by ``dataclass``.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "activation": [str],
        "dropout": [Real, "array-like"],
        "batch_norm": ["boolean"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "activity_l2": [Interval(Real, 0, None, closed="left")],
        "loss": [str, callable],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "focal_alpha": [Interval(Real, 0, 1, closed="neither"), None],
        "logit_tau": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [str, callable, ReduceLROnPlateau],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterov": ["boolean"],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, str, "array-like", None],
        "effective_beta": [Interval(Real, 0, 1, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "refit": ["boolean"],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
        "callbacks": [callable, list, tuple, None],
        **NeuralClassifierMixin._remedy_constraints,
        **NeuralClassifierMixin._stopping_constraints,
    }

    batch_norm: bool = False
    l1: float = 0.0
    l2: float = 0.0
    activity_l2: float = 0.0
    loss: str | Callable[..., Any] = "crossentropy"
    focal_gamma: float = 2.0
    focal_alpha: float | None = None
    logit_tau: float = 1.0
    label_smoothing: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 2e-3
    learning_rate_schedule: str | Callable[..., Any] | ReduceLROnPlateau = "cosine"
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.004
    clipnorm: float | None = None
    epochs: int = 100
    batch_size: int = 32
    balanced_batches: bool | str = False
    sampler: Any = None
    class_weight: Mapping[Any, float] | str | None = None
    effective_beta: float = 0.999
    prior_correction: bool | Mapping[Any, float] = False
    calibration: str | None = None
    pos_label: Any = None
    validation_fraction: float | None = 0.1
    validation_rows: Any = "stratified"
    scoring: Any = None
    return_train_score: bool = False
    early_stopping: bool | str = "auto"
    monitor: Any = "auto"
    patience: int = 20
    restore_best: bool = True
    refit: bool = False
    n_members: int = 1
    random_state: int | np.random.RandomState | None = None
    warm_start: bool = False
    verbose: int = 0
    callbacks: Callable[..., Any] | Sequence[Callable[..., Any]] | None = None

    # ------------------------------------------------------------------ for subclasses

    def _input_shape(self, X: np.ndarray) -> tuple[int, ...]:
        """Shape of one row as the network sees it."""
        raise NotImplementedError

    def _network(self, input_shape: tuple[int, ...], n_outputs: int) -> NetworkSpec:
        """Return the network that the parameters describe."""
        raise NotImplementedError

    def _in_front(
        self, spec: NetworkSpec, rows: FitRows, alike: NetworkSpec | None
    ) -> NetworkSpec:
        """Return the network with layers in front that the rows decide on.

        Those of ``alike``, if given, have been decided on before.
        """
        return spec

    def _augmentation(self, spec: NetworkSpec) -> Augmentation | None:
        """Return what changes the rows that are trained on, if anything does."""
        return None

    # ------------------------------------------------------------------------- fitting

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike | RowSource,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | RowSource | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or, for series, (n, timesteps, channels)
            Training rows: finite numbers, and what parameters allow. Rows that do not
            fit into memory come as a source of :mod:`skloss.streams`, without ``y``.
        y : array-like of shape (n,)
            Labels, of two or more classes.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows in the loss, on top of ``class_weight``.
        X_val, y_val : array-likes, optional
            Rows held out by yourself; ``validation_fraction`` is then not used. Beside
            a source, ``X_val`` can be a source, too.
        sample_weight_val : array-like, optional
            Weights of the held-out rows in the curves.
        groups : array-like of shape (n,), optional
            Rows of one group are never on both sides of the hold-out.

        Returns
        -------
        self
            The fitted classifier.
        """
        held_out: tuple[Any, ...] = X_val, y_val, sample_weight_val
        if (rows := source_of(X)) is not None:
            return self._fit_source(rows, y, sample_weight, groups, held_out)
        holdout = HoldOut.given(*held_out)
        with all_or_nothing(self):
            X, y = self._check_rows(X, y, reset=not self._goes_on)
            weight = checked_weight(sample_weight, X)
            splits = [Split(source=holdout.source)]
            if X_val is None:
                parts = self.split_members(X, y, groups)
                splits = [self._split_off(X, y, parts[0], _TO_CALLER, groups)]
                splits += self._other_splits(splits[0], parts[1:])
            return self._fit(
                [MemberRows(X, y, weight, split, holdout) for split in splits]
            )

    @fit_context(prefer_skip_nested_validation=True)
    def fit_held_out(
        self,
        X: ArrayLike,
        y: ArrayLike,
        holdout: HoldOut,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train on rows as a sampler left them, and measure on original ones.

        This is what :class:`skloss.Pipeline` calls; call :meth:`fit` yourself.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels to train on.
        holdout : HoldOut
            Original rows, transformed as ``X`` was but never resampled.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows of ``X``.

        Returns
        -------
        self
            The fitted classifier.
        """
        with all_or_nothing(self):
            X, y = self._check_rows(X, y, reset=not self._goes_on)
            weight = checked_weight(sample_weight, X)
            split = Split(source=holdout.source)
            return self._fit([MemberRows(X, y, weight, split, holdout)])

    @fit_context(prefer_skip_nested_validation=True)
    def fit_again(
        self,
        X: ArrayLike,
        y: ArrayLike,
        holdout: HoldOut,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train again, on all rows as a sampler left them, and keep the record.

        This is what :class:`skloss.Pipeline` calls with ``refit=True``.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels to train on.
        holdout : HoldOut
            Original rows, transformed as ``X`` was but never resampled; none held out.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows of ``X``.

        Returns
        -------
        self
            The fitted classifier.
        """
        check_is_fitted(self)
        with all_or_nothing(self):
            self._see_more(X)
            X, y = self._check_rows(X, y, reset=False)
            codes = encode_known(self.classes_, y, "y")
            weight = checked_weight(sample_weight, X)
            rows = MemberRows(X, codes, weight, holdout=holdout)
            self._fitted = fit_again(self, rows, self._fitted.members[0])
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_members(self, members: Sequence[MemberRows]) -> Self:
        """Train each member on rows as a sampler left them.

        This is what :class:`skloss.Pipeline` calls; call :meth:`fit` yourself.

        Parameters
        ----------
        members : sequence of MemberRows
            Rows, labels, weights and hold-out of each member.

        Returns
        -------
        self
            The fitted classifier.
        """
        with all_or_nothing(self):
            checked, is_new = [], not self._goes_on
            for number, rows in enumerate(members):
                if is_new and number:  # it has rows that the first one holds out
                    self._see_more(rows.X)
                X, y = self._check_rows(rows.X, rows.y, reset=is_new and number == 0)
                weight = checked_weight(rows.weight, X)
                split = Split(source=rows.holdout.source)
                own = MemberRows(X, y, weight, split, rows.holdout)
                checked.append(own)
            return self._fit(checked)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike | RowSource | Iterator[Any],
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train one more epoch, on the rows given, going on with the optimizer's state.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels. A source of :mod:`skloss.streams` has both; of an iterator
            of (X, y) blocks each block is an epoch.
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come; needed at the first call only.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows.

        Returns
        -------
        self
            The classifier.
        """
        first = not self._is_fitted()
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if isinstance(X, Iterator):
            return self._partial_fit_blocks(X, y, classes, sample_weight)
        if (rows := source_of(X)) is not None:
            return self._partial_fit_source(rows, y, classes, sample_weight)
        with all_or_nothing(self):
            X, y = self._check_rows(X, y, reset=first)
            self._set_classes(classes)
            weight = checked_weight(sample_weight, X)
            codes = encode_known(self.classes_, y, "y")
            return self._train([MemberRows(X, codes, weight)], is_partial=True)

    def _set_classes(self, classes: Any) -> None:
        """Take in the classes of the first partial fit, or compare those of others."""
        if self._is_fitted():
            self._check_classes(classes)
        else:
            self.classes_ = np.unique(column_or_1d(classes))

    def _fit(self, given: Sequence[MemberRows]) -> Self:
        """Train each member on rows of its own, or all on the same ones."""
        labels = {id(rows.y): rows.y for rows in given}  # mostly the same of all
        together = np.concatenate(list(labels.values()))
        classes, _ = encode_labels(type(self).__name__, together)
        if not self._goes_on:
            self.classes_ = classes
        codes = {key: encode_known(self.classes_, y, "y") for key, y in labels.items()}
        return self._train([replace(rows, y=codes[id(rows.y)]) for rows in given])

    def _train(self, given: Sequence[MemberRows], is_partial: bool = False) -> Self:
        check_refit(self)
        goes_on = self._is_fitted() if is_partial else self._goes_on
        earlier = self._fitted.members if goes_on else ()
        if self.n_members == 1:
            before = earlier[0] if earlier else None
            self._fitted = self._network_fit(given[0], before, is_partial).run()
            if self.refit and given[0].split.held is not None:
                self._fitted = fit_again(self, given[0], self._fitted)
        else:
            self._fitted = fit_members(self, given, earlier, is_partial)
        return self

    def _network_fit(
        self,
        given: MemberRows,
        earlier: Fitted | None,
        is_partial: bool,
        member: int | None = None,
        within: MemberTasks | None = None,
        alike: NetworkSpec | None = None,
    ) -> NetworkFit:
        """Make a network ready; of several, it is told its number and the first one."""
        X, codes, split, holdout = given.X, given.y, given.split, given.holdout
        rows = self._arranged(
            Rows(flat_rows(X), codes, given.weight), split, holdout, is_partial
        )
        rows = sampled_rows(self, rows)
        epochs = 1 if is_partial else int(self.epochs)
        weight = rows.original.sample_weight
        tasks = self._epoch_tasks(epochs, X, codes, split.kept, holdout, weight, within)
        return prepare_network(
            self,
            self._input_shape(X),
            rows,
            earlier,
            tasks,
            X.shape[1:],
            member,
            alike,
        )

    def _holdout_fraction(self) -> float | None:
        return self.validation_fraction

    @property
    def _goes_on(self) -> bool:
        """Whether ``fit`` starts from the weights of the fit before."""
        return self.warm_start and self._is_fitted()

    def _is_fitted(self) -> bool:
        return hasattr(self, "_fitted")

    # ---------------------------------------------------------------------- prediction

    def predict_proba(self, X: ArrayLike | RowSource) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or, for series, (n, timesteps, channels)
            Rows, or a source of them of :mod:`skloss.streams`.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Float64, rows sum to one, columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        if isinstance(X, StreamedRows):
            return self._fitted.probabilities(flat_rows(X))
        if (rows := source_of(X)) is not None:
            return rows.mapped(self.predict_proba)
        return self._fitted.probabilities(flat_rows(self._validated(X)))

    def predict(self, X: ArrayLike | RowSource) -> np.ndarray:
        """Most probable class; for two classes the second above one half.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or, for series, (n, timesteps, channels)
            Rows, or a source of them of :mod:`skloss.streams`.

        Returns
        -------
        ndarray of shape (n,)
            Labels.
        """
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(axis=1)]

    # ------------------------------------------------------------------ what was fitted

    @property
    def network_(self) -> NetworkSpec:
        """The network as data; all members have the same one."""
        return cast(NetworkSpec, self._fitted.network)

    @property
    def weights_(self) -> list[np.ndarray]:
        """Weights, in Keras' order; of several members each array is a stack."""
        return self._fitted.weights

    @property
    def history_(self) -> dict[str, list[float]]:
        """Curves by name, one value per epoch."""
        return self.record_.history

    @property
    def model_(self) -> Any:
        """A Keras model of what was fitted, built anew; it gives logits.

        A ``keras.Sequential`` of the network. Of several members it is a
        ``keras.Model`` that gives the logits of the mean probabilities.
        """
        members = [member.weights for member in self._fitted.members]
        return build_mean_model(self.network_, members)

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_fitted()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
