"""What all neural classifiers share: validation, hold-out, training, prediction."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from skloss._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from skloss.estimators._checks import (
    check_finite,
    encode_known,
    encode_labels,
    warns_of_resampled,
)
from skloss.estimators._fitting import Fitted, fit_network
from skloss.estimators._records import Job
from skloss.estimators._tasks import EpochTasks
from skloss.holdout import natural_holdout
from skloss.networks import NetworkSpec, build_keras_model
from skloss.record import TrainingRecord
from skloss.training import (
    Rows,
    predict_logits,
    probabilities,
    quiet_start,
    settle_threads,
)

__all__ = ["BaseNeuralClassifier", "HoldOut", "checked_weight"]


@dataclass(frozen=True)
class HoldOut:
    """Natural rows to measure on: those held out, and those trained on.

    Where ``X_natural`` is None the rows trained on are natural themselves.
    """

    X_val: Any = None
    y_val: Any = None
    X_natural: Any = None
    y_natural: Any = None
    source: str = "none"
    weight_val: Any = None
    weight_natural: Any = None

    @classmethod
    def given(cls, X_val: Any, y_val: Any, weight_val: Any) -> Self:
        """Rows that the user holds out, or none."""
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(
                f"{given} was given without {missing}: pass both, or neither."
            )
        source = "none" if X_val is None else "X_val"
        return cls(X_val, y_val, source=source, weight_val=weight_val)


class BaseNeuralClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Base of the neural classifiers; a subclass says which network it trains."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "activation": [str],
        "dropout": [Real, "array-like"],
        "batch_norm": ["boolean"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "activity_l2": [Interval(Real, 0, None, closed="left")],
        "loss": [str],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [str, callable],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterov": ["boolean"],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, str, "array-like", None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "monitor": [str],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "restore_best": ["boolean"],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "callbacks": [callable, list, tuple, None],
    }

    _fitted: Fitted

    # ------------------------------------------------------------------ for subclasses

    def _input_shape(self, X: np.ndarray) -> tuple[int, ...]:
        """Shape of one row as the network sees it."""
        raise NotImplementedError

    def _network(self, input_shape: tuple[int, ...], n_outputs: int) -> NetworkSpec:
        """Return the network that the parameters describe."""
        raise NotImplementedError

    # ------------------------------------------------------------------------- fitting

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        groups=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or, for series, (n, timesteps, channels)
            Training rows, finite numbers.
        y : array-like of shape (n,)
            Labels, of two or more classes.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows in the loss, on top of ``class_weight``.
        X_val, y_val : array-likes, optional
            Rows held out by yourself; ``validation_fraction`` is then not used.
        sample_weight_val : array-like, optional
            Weights of the held-out rows in the curves.
        groups : array-like of shape (n,), optional
            Rows of one group are never on both sides of the hold-out.

        Returns
        -------
        self
            The fitted classifier.
        """
        holdout = HoldOut.given(X_val, y_val, sample_weight_val)
        X, y = self._check_rows(X, y, reset=not self._goes_on)
        weight = checked_weight(sample_weight, X)
        split = None if X_val is not None else self.split_validation(X, y, groups)
        if split is None:
            return self._fit(X, y, weight, holdout)
        source = "resampled" if warns_of_resampled(X, y) else "internal"
        kept, held = split
        weight_held = None if weight is None else weight[held]
        holdout = HoldOut(X[held], y[held], source=source, weight_val=weight_held)
        return self._fit(X, y, weight, holdout, kept)

    @fit_context(prefer_skip_nested_validation=True)
    def fit_held_out(self, X, y, holdout: HoldOut, sample_weight=None):
        """Train on rows as a sampler left them, and measure on natural ones.

        This is what :class:`skloss.Pipeline` calls; call :meth:`fit` yourself.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels to train on.
        holdout : HoldOut
            Natural rows, transformed as ``X`` was but never resampled.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows of ``X``.

        Returns
        -------
        self
            The fitted classifier.
        """
        X, y = self._check_rows(X, y, reset=not self._goes_on)
        return self._fit(X, y, checked_weight(sample_weight, X), holdout)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train one more epoch, on the rows given, going on with the optimizer's state.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels.
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
        X, y = self._check_rows(X, y, reset=first)
        if first:
            self.classes_ = np.unique(column_or_1d(classes))
        elif classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes={list(classes)!r} is not the same as on the last call to "
                f"partial_fit, which was {self.classes_.tolist()!r}."
            )
        sample_weight = checked_weight(sample_weight, X)
        return self._train(
            X,
            self._encode(y, "y"),
            sample_weight,
            HoldOut(),
            is_partial=True,
        )

    def split_validation(self, X, y, groups=None):
        """Rows to train on and rows to hold out; a pure function of the parameters.

        ``fit`` uses it, and :class:`skloss.Pipeline` before any other step, so that
        both hold out the same rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows; only their number matters.
        y : array-like of shape (n,)
            Labels: each class gives the share ``validation_fraction``.
        groups : array-like of shape (n,), optional
            Groups that must stay together.

        Returns
        -------
        tuple of two ndarrays of int, or None
            Sorted positions; None if ``validation_fraction`` is None.
        """
        if self.validation_fraction is None:
            return None
        y = column_or_1d(y)
        if (y == y[:1]).all():
            encode_labels(type(self).__name__, y)
        return natural_holdout(y, self.validation_fraction, self.random_state, groups)

    def _fit(self, X, y, sample_weight, holdout: HoldOut, kept=None):
        """Train on validated rows, of which those at the positions kept."""
        classes, encoded = encode_labels(type(self).__name__, y)
        if self._goes_on:
            encoded = self._encode(y, "y")
        else:
            self.classes_ = classes
        return self._train(X, encoded, sample_weight, holdout, kept)

    def _train(
        self, X, encoded, sample_weight, holdout: HoldOut, kept=None, is_partial=False
    ):
        training = Rows(_folded(X), encoded, sample_weight).at(kept)
        job = Job(
            training=training,
            natural=self._natural_rows(holdout, training),
            validation=self._validation_rows(holdout),
            source=holdout.source,
            is_partial=is_partial,
        )
        goes_on = self._is_fitted() if is_partial else self._goes_on
        earlier = self._fitted if goes_on else None
        tasks = None
        if hasattr(self, "_skl_callbacks"):
            epochs = 1 if is_partial else int(self.epochs)
            rows = partial(self._shown_rows, X, encoded, holdout, kept)
            weight = job.natural.sample_weight
            tasks = EpochTasks(self, epochs, rows, weight)
        self._fitted = fit_network(self, self._input_shape(X), job, earlier, tasks)
        if tasks is not None:
            tasks.end()
        return self

    def _shown_rows(self, X, encoded, holdout: HoldOut, kept) -> tuple[Any, Any]:
        """Natural training rows as the classifier itself takes them."""
        if holdout.X_natural is not None:
            return holdout.X_natural, holdout.y_natural
        if kept is not None:
            X, encoded = X[kept], encoded[kept]
        if hasattr(self, "feature_names_in_"):
            import pandas as pd

            X = pd.DataFrame(X, columns=self.feature_names_in_)
        return X, self.classes_[encoded]

    @property
    def _goes_on(self) -> bool:
        """Whether ``fit`` starts from the weights of the fit before."""
        return self.warm_start and self._is_fitted()

    def _is_fitted(self) -> bool:
        return hasattr(self, "_fitted")

    # ---------------------------------------------------------------------- validation

    def _check_rows(self, X, y, *, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        options = {"dtype": np.float32, "order": "C", "ensure_all_finite": False}
        X, y = validate_data(self, X, y, reset=reset, **options, **self._rows_options())
        check_finite("X", X)
        if np.ndim(y) != 1 or y.dtype.kind not in "biuUS":  # else there is no doubt
            check_classification_targets(y)
        return self._check_shape(X, reset), column_or_1d(y, warn=True)

    def _rows_options(self) -> dict[str, Any]:
        return {}

    def _check_shape(self, X: np.ndarray, reset: bool) -> np.ndarray:
        return X

    def _encode(self, y: np.ndarray, name: str) -> np.ndarray:
        return encode_known(self.classes_, y, name)

    def _validation_rows(self, holdout: HoldOut) -> Rows | None:
        if holdout.X_val is None:
            return None
        # Held out of rows that were validated, without the names of their columns.
        is_checked = holdout.source in ("internal", "resampled")
        X_val = holdout.X_val if is_checked else self._check_width(holdout.X_val)
        y_val = self._encode(np.asarray(holdout.y_val), "y_val")
        if len(X_val) != len(y_val):
            raise ValueError(
                f"X_val has {len(X_val)} rows but y_val has {len(y_val)} labels: pass "
                "one label per row."
            )
        weight = holdout.weight_val
        if weight is not None:
            weight = check_sample_weight(weight, X_val, dtype=np.float64)
        return Rows(_folded(X_val), y_val, weight)

    def _check_width(self, X_val: Any) -> np.ndarray:
        width = np.shape(X_val)[1:2]
        if width != (self.n_features_in_,):
            raise ValueError(
                f"X_val has {width[0] if width else 'no'} columns, but X has "
                f"{self.n_features_in_}: pass both through the same steps."
            )
        return self._validated(X_val, "X_val")

    def _natural_rows(self, holdout: HoldOut, training: Rows) -> Rows:
        if holdout.X_natural is None:
            return training
        X = self._validated(holdout.X_natural)
        y = self._encode(np.asarray(holdout.y_natural), "y")
        return Rows(_folded(X), y, holdout.weight_natural)

    def _validated(self, X, name: str = "X") -> np.ndarray:
        if self._is_plain(X):
            X = np.ascontiguousarray(X, dtype=np.float32)
            check_finite(name, X)
            return X
        options = {"dtype": np.float32, "order": "C", "ensure_all_finite": False}
        X = validate_data(self, X, reset=False, **options, **self._rows_options())
        check_finite(name, X)
        return self._check_shape(X, reset=False)

    def _is_plain(self, X) -> bool:
        """Whether X needs no check by scikit-learn, which takes longer than a row."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in (np.float32, np.float64)
            and X.shape[1] == self.n_features_in_
            and len(X) > 0
            and not hasattr(self, "feature_names_in_")
        )

    # ---------------------------------------------------------------------- prediction

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or, for series, (n, timesteps, channels)
            Rows.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Float64, rows sum to one, columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        X = _folded(self._validated(X))
        return probabilities(predict_logits(self.network_, self.weights_, X))

    def predict(self, X):
        """Most probable class; for two classes the second above one half.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or, for series, (n, timesteps, channels)
            Rows.

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
        """The network as data."""
        return self._fitted.network

    @property
    def weights_(self) -> list[np.ndarray]:
        """Weights, in Keras' order."""
        return self._fitted.result.weights

    @property
    def record_(self) -> TrainingRecord:
        """What was asked, what was seen, the curves, and what came out."""
        return self._fitted.record

    @property
    def history_(self) -> dict[str, list[float]]:
        """Curves by name, one value per epoch."""
        return self.record_.history

    @property
    def n_epochs_(self) -> int:
        """Epochs trained."""
        return self.record_.n_epochs

    @property
    def best_epoch_(self) -> int | None:
        """Epoch (from zero) that was best by the monitored curve."""
        return self.record_.best_epoch

    @property
    def model_(self) -> Any:
        """A ``keras.Sequential`` of the fitted network, built anew; it gives logits."""
        settle_threads()
        with quiet_start("keras"):
            return build_keras_model(self.network_, self.weights_)

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_fitted()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def checked_weight(sample_weight: Any, X: np.ndarray) -> np.ndarray | None:
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


def _folded(X: np.ndarray) -> np.ndarray:
    """Rows as the training tower takes them: one axis of values."""
    return np.ascontiguousarray(X.reshape(len(X), -1), dtype=np.float32)
