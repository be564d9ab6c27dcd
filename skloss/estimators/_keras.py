"""``KerasClassifier``: any Keras network, and a home for scikeras' users.

The only module that imports scikeras. Its last version is older than scikit-learn 1.6,
so that what scikit-learn asks of an estimator is answered here, while the handling of
model functions and of routed parameters (``optimizer__learning_rate``) is scikeras'.
"""

import math
import re
import warnings
from collections import defaultdict
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from numbers import Integral, Real
from threading import RLock
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from skloss._sklearn import Interval, StrOptions, fit_context
from skloss.estimators._base import HoldOut, checked_weight
from skloss.estimators._checks import (
    check_finite,
    class_weights,
    encode_known,
    encode_labels,
    warns_of_resampled,
)
from skloss.estimators._keras_checks import (
    check_head,
    check_model,
    check_parameters,
    check_units,
)
from skloss.estimators._keras_fitting import KerasFitted, KerasJob, fit_keras_network
from skloss.estimators._records import Job
from skloss.exceptions import TailValidationWarning
from skloss.holdout import natural_holdout
from skloss.networks.keras_arrays import pack_model
from skloss.record import TrainingRecord
from skloss.training import Rows, predict_logits, probabilities
from skloss.training.from_keras import compiled_loss
from skloss.training.keras_network import KerasNetwork
from skloss.training.threads import settle_threads

settle_threads()
try:
    from scikeras._utils import route_params
    from scikeras.wrappers import KerasClassifier as _Wrapper
except Exception as error:  # an installed one can fail in any way
    _cause = error

    class _Wrapper:  # type: ignore[no-redef]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise ImportError(
                "KerasClassifier needs scikeras, which cannot be imported here "
                f"({type(_cause).__name__}: {_cause}): install it by "
                "'pip install \"scikeras>=0.13\"'."
            ) from _cause


__all__ = ["KerasClassifier"]

_DEFAULT_FRACTION = 0.1
# Seeds of TensorFlow and of Keras are those of the process: one fit at a time has them.
_SEEDS = RLock()
_COUNTER = re.compile(r"_\d+$")


class KerasClassifier(_Wrapper):
    """Any Keras network as a classifier; scikeras' classifier, mended.

    ``model`` is a function that returns a network. Each parameter of that function is
    one of the classifier, as ``model__width=16`` or, where it is named in the
    constructor, as ``width=16``, so that a search can tune it.

    The rows that the curves are measured on are held out as by the other classifiers of
    skloss, the curves of ``record_`` are exact, and a network that skloss' own engine
    knows is trained by it, many times faster; any other by ``keras.Model.fit``.
    ``record_.outcome["program"]`` says by what, ``["program_reason"]`` why.

    Parameters
    ----------
    model : callable or keras.Model
        Function that returns a network, compiled or not. If it has arguments of these
        names, it is handed ``meta`` (a dict of ``n_features_in_``, ``X_shape_``,
        ``classes_``, ``n_classes_``, ``target_type_`` and others), ``compile_kwargs``
        (the arguments for ``compile``) and ``params`` (all parameters). A
        ``keras.Model`` is copied, with its weights, at every ``fit``.
    build_fn : callable, default=None
        Old name of ``model``.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the fit before.
    random_state : int, RandomState or None, default=None
        Seed of hold-out, first weights, order of rows and dropout. While the network is
        made, and trained by ``keras.Model.fit``, the seeds of the process are set, and
        put back afterwards.
    optimizer : str, class or instance, default="rmsprop"
        As for ``compile``. Of a name or a class the arguments can be given, as
        ``optimizer__learning_rate=0.01``.
    loss : str, class, instance or callable, default=None
        As for ``compile``; routed as ``loss__label_smoothing=0.1`` where it is a class.
    metrics : list, default=None
        As for ``compile``; what Keras makes of them stands in ``history_``.
    batch_size : int or None, default=None
        Rows per step; None is 32, -1 all rows.
    validation_batch_size : int or None, default=None
        Rows per step of Keras' own validation.
    verbose : int, default=0
        With 1, Keras' progress bar, or the engine's line per epoch.
    callbacks : list, dict, class or instance, default=None
        Callbacks of Keras; with them ``keras.Model.fit`` trains.
    validation_split : float, default=0.0
        Keras' hold-out: the **last** rows as they stand, hence a warning. It is not
        used where validation rows come from anywhere else.
    shuffle : bool, default=True
        Whether the order of rows changes with every epoch.
    run_eagerly : bool, default=False
        Refused if true.
    epochs : int, default=1
        Most passes over the rows.
    class_weight : None, "balanced" or dict from label to weight, default=None
        Weight of each label in the training loss, never in the curves; a label that the
        dict does not name has weight one. "balanced" is
        ``n / (n_classes * n_of_class)`` of the rows given to ``fit``.
    validation_fraction : float in (0, 1), "auto" or None, default="auto"
        Share of each class that is held out. "auto": none in ``fit``, as with scikeras;
        in :class:`skloss.Pipeline`, before any other step, the share
        ``validation_split``, or 0.1 if that is zero. None: none at all.
    early_stopping : bool or "auto", default=False
        Whether to stop after ``patience`` epochs without a new best value of
        ``monitor``; "auto" if at least 50 rows of every class were held out.
    monitor : str, default="auto"
        Any curve of ``record_``, such as ``"val_mcc"``; "auto" is
        ``"val_loss_at_train_prior"``.
    patience : int, default=20
        Epochs to wait for a new best value.
    restore_best : bool, default=True
        Whether, with early stopping, the weights of the best epoch are kept.
    **kwargs : dict
        Parameters of the model function, by name or as ``model__name``; and, with the
        prefixes ``optimizer__``, ``loss__``, ``metrics__``, ``callbacks__``,
        ``compile__``, ``fit__`` and ``predict__``, arguments of these.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    n_classes_ : int
        Number of labels.
    model_ : keras.Model
        The trained network.
    history_ : dict of str to list of float
        Curves by the names and in the sense of Keras: ``loss`` is a mean over the steps
        of an epoch, with dropout, weights and penalties. Where the engine trains,
        ``accuracy`` and all ``val_`` curves are exact.
    record_ : TrainingRecord
        What was asked, what was seen, the exact curves, and what came out.
    n_epochs_ : int
        Epochs trained.
    best_epoch_ : int or None
        Epoch (from zero) that was best by the monitored curve.
    n_features_in_ : int
        Number of columns; of series, of steps.
    feature_names_in_ : ndarray of str
        Names of the columns, if X had any.

    See Also
    --------
    DenseClassifier : Dense networks by plain parameters.
    CNN1DClassifier : Convolutional networks of series.

    Notes
    -----
    Labels of several columns, and classes with a ``target_encoder`` of their own, are
    handled as by scikeras; their record has the curves of Keras only. Both the engine
    and Keras have the loss on logits where the last activation is a sigmoid or softmax
    of Keras, hence equal gradients, also in the extremes.

    Examples
    --------
    >>> import keras
    >>> from skloss import KerasClassifier
    >>> from skloss.datasets import make_rare_events
    >>> def network(meta, width=8):
    ...     return keras.Sequential([
    ...         keras.Input((meta["n_features_in_"],)),
    ...         keras.layers.Dense(width, "relu"),
    ...         keras.layers.Dense(1, "sigmoid"),
    ...     ])
    >>> X, y = make_rare_events(random_state=0)
    >>> classifier = KerasClassifier(
    ...     network, loss="binary_crossentropy", optimizer="adam", width=4,
    ...     epochs=2, validation_fraction=0.1, random_state=0,
    ... )
    >>> classifier = classifier.fit(X, y)
    >>> classifier.predict_proba(X).shape, classifier.model_.count_params()
    ((5000, 2), 49)
    >>> len(classifier.record_.history["val_mcc"]), list(classifier.history_)
    (2, ['loss', 'val_loss'])
    >>> classifier.record_.outcome["program"]
    'graph'
    """

    classes_: Any
    n_classes_: int
    _has_plain_labels: bool
    _keras_network: KerasNetwork

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "batch_size": [Interval(Integral, -1, None, closed="left"), None],
        "validation_split": [Interval(Real, 0, 1, closed="left"), None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, str, None],
        "validation_fraction": [
            Interval(Real, 0, 1, closed="neither"),
            StrOptions({"auto"}),
            None,
        ],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "monitor": [str],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "restore_best": ["boolean"],
    }
    _routing_prefixes: ClassVar[set[str]] = {
        "model",
        "fit",
        "compile",
        "predict",
        "optimizer",
        "loss",
        "metrics",
        "callbacks",
        "score",
    }

    def __init__(
        self,
        model=None,
        *,
        build_fn=None,
        warm_start=False,
        random_state=None,
        optimizer="rmsprop",
        loss=None,
        metrics=None,
        batch_size=None,
        validation_batch_size=None,
        verbose=0,
        callbacks=None,
        validation_split=0.0,
        shuffle=True,
        run_eagerly=False,
        epochs=1,
        class_weight=None,
        validation_fraction="auto",
        early_stopping=False,
        monitor="auto",
        patience=20,
        restore_best=True,
        **kwargs,
    ):
        super().__init__(
            model=model,
            build_fn=build_fn,
            warm_start=warm_start,
            random_state=random_state,
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            batch_size=batch_size,
            validation_batch_size=validation_batch_size,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            shuffle=shuffle,
            run_eagerly=run_eagerly,
            epochs=epochs,
            class_weight=class_weight,
            **kwargs,
        )
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.monitor = monitor
        self.patience = patience
        self.restore_best = restore_best

    # ----------------------------------------------------------- what scikit-learn asks

    __repr__ = BaseEstimator.__repr__

    def __sklearn_tags__(self):
        # scikeras stands its mixin to the right of BaseEstimator, where no tag of a
        # classifier is asked for.
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return self.initialized_

    def set_params(self, **params):
        """Set parameters, also those of the model function that were never set.

        Parameters
        ----------
        **params : dict
            Parameters by name; with a prefix, as ``model__width``, any.

        Returns
        -------
        self
            The classifier.
        """
        known = self.get_params(deep=False)
        for name, value in params.items():
            prefix, _, rest = name.partition("__")
            if name not in known and not (rest and prefix in self._routing_prefixes):
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator "
                    f"{type(self).__name__}: write 'model__{name}' if it is one of the "
                    f"model function, or name it in the constructor, as {name}=..."
                )
            setattr(self, name, value)
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in ("_keras_network", "_fit_callbacks", "_predict_callbacks"):
            state.pop(name, None)
        model = state.pop("_model", None)
        if model is not None:
            state["_packed"] = pack_model(model)
        if "_loss" in state:
            state["_loss"] = replace(state["_loss"], function=None)
        return state

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
        **kwargs,
    ):
        """Make the network and train it.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, ...)
            Training rows, finite numbers.
        y : array-like of shape (n,)
            Labels, of two or more classes.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows in the loss, on top of ``class_weight``; rows of weight
            zero are left out.
        X_val, y_val : array-likes, optional
            Rows held out by yourself; ``validation_fraction`` and ``validation_split``
            are then not used.
        sample_weight_val : array-like, optional
            Weights of the held-out rows in the curves.
        groups : array-like of shape (n,), optional
            Rows of one group are never on both sides of ``validation_fraction``.
        **kwargs : dict
            Arguments for ``keras.Model.fit``.

        Returns
        -------
        self
            The fitted classifier.
        """
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(
                f"{given} was given without {missing}: pass both, or neither."
            )
        source = "none" if X_val is None else "X_val"
        holdout = HoldOut(X_val, y_val, None, None, source, sample_weight_val)
        return self._fit_all(X, y, sample_weight, holdout, groups, kwargs)

    @fit_context(prefer_skip_nested_validation=True)
    def fit_held_out(self, X, y, holdout: HoldOut, sample_weight=None, **kwargs):
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
        **kwargs : dict
            Arguments for ``keras.Model.fit``.

        Returns
        -------
        self
            The fitted classifier.
        """
        return self._fit_all(X, y, sample_weight, holdout, None, kwargs)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None, **kwargs):
        """Train one more epoch, on the rows given, going on with the optimizer's state.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels.
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come, at the first call; else those of its ``y``.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows.
        **kwargs : dict
            Arguments for ``keras.Model.fit``.

        Returns
        -------
        self
            The classifier.
        """
        for name in ("epochs", "initial_epoch"):
            if name in kwargs:
                raise TypeError(
                    f"partial_fit trains one epoch and takes no {name}: call it once "
                    "for each, or use fit."
                )
        goes_on = self.initialized_
        if goes_on and classes is not None:
            if not np.array_equal(np.unique(classes), self.classes_):
                raise ValueError(
                    f"classes={list(classes)!r} is not the same as on the last call to "
                    f"partial_fit, which was {self.classes_.tolist()!r}."
                )
        elif not goes_on:
            self.classes_ = None if classes is None else np.unique(classes)
        X, y = self._checked(X, y, goes_on)
        if not self._has_plain_labels:
            return self._fit_freely(X, y, sample_weight, kwargs, is_partial=True)
        holdout = HoldOut(None, None, None, None, "none")
        return self._train(
            X, y, sample_weight, holdout, None, dict(kwargs), goes_on, is_partial=True
        )

    def split_validation(self, X, y, groups=None):
        """Rows to train on and rows to hold out; a pure function of the parameters.

        :class:`skloss.Pipeline` asks for it before any other step.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows; only their number matters.
        y : array-like of shape (n,)
            Labels: each class gives the same share.
        groups : array-like of shape (n,), optional
            Groups that must stay together.

        Returns
        -------
        tuple of two ndarrays of int, or None
            Sorted positions; None if ``validation_fraction`` is None.
        """
        fraction = self.validation_fraction
        if fraction == "auto":
            fraction = self.validation_split or _DEFAULT_FRACTION
        if fraction is None or type_of_target(y) not in ("binary", "multiclass"):
            return None
        y = column_or_1d(y)
        if (y == y[:1]).all():
            encode_labels(type(self).__name__, y)
        return natural_holdout(y, fraction, self.random_state, groups)

    def initialize(self, X, y=None):
        """Make the network without training it.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels, for their shapes and classes.

        Returns
        -------
        self
            The classifier, ready to predict.
        """
        self.classes_ = None
        self._initialize(X, y)
        self._compile(self._row_shape)
        return self

    def _fit_all(self, X, y, sample_weight, holdout: HoldOut, groups, kwargs):
        goes_on = self.warm_start and self.initialized_
        if not goes_on:
            self.classes_ = None
        X, y = self._checked(X, y, goes_on)
        if not self._has_plain_labels:
            return self._fit_freely(X, y, sample_weight, kwargs)
        return self._train(X, y, sample_weight, holdout, groups, dict(kwargs), goes_on)

    def _checked(self, X, y, goes_on: bool):
        """Rows and labels, and a network for them unless there is one."""
        if goes_on:
            return self._validate_data(X, y)
        return self._initialize(X, y)

    def _train(
        self,
        X,
        y,
        sample_weight,
        holdout: HoldOut,
        groups,
        kwargs: dict[str, Any],
        goes_on: bool,
        is_partial: bool = False,
    ):
        owner = type(self).__name__
        network = self._compile(X.shape[1:])
        codes = encode_known(self.classes_, y, "y")
        arguments = self._fit_arguments(kwargs)
        epochs, first_epoch = arguments.pop("epochs"), arguments.pop("initial_epoch", 0)
        if is_partial:
            epochs, first_epoch = 1, self.current_epoch
        holdout, arguments = self._given_holdout(holdout, arguments)
        weight = checked_weight(sample_weight, X)
        by_class = self._weights_of_classes(owner, codes)
        rows = Rows(X.reshape(len(X), -1), codes, weight).at(
            _rows_that_count(owner, codes, weight, by_class)
        )
        kept, held, source = self._split(X, rows, holdout, groups, arguments)
        training = rows if kept is None else rows.at(kept)
        if held is None:
            validation = self._validation_rows(holdout)
        else:
            validation = rows.at(held).compact()
        job = KerasJob(
            rows=Job(
                training=training,
                natural=self._natural_rows(holdout, training),
                validation=validation,
                source=source,
                is_partial=is_partial,
            ),
            weight=_loss_weight(training, by_class),
            epochs=int(epochs),
            arguments=arguments,
            fit=lambda watch: self._fit_by_keras(
                watch,
                # Keras itself cuts the tail off all rows.
                rows if source == "tail" else training,
                None if source == "tail" else validation,
                by_class,
                epochs=int(epochs),
                initial_epoch=int(first_epoch),
                warm_start=is_partial or self.warm_start,
                arguments=arguments,
            ),
            callbacks=tuple(type(callback).__name__ for callback in self._callbacks()),
            obstacle=self._obstacle(),
        )
        earlier = vars(self).get("_fitted") if goes_on else None
        self._fitted = fit_keras_network(self, network, job, earlier)
        if self._fitted.spec is not None:
            self._extend_history(self._fitted.curves, keep=is_partial)
        return self

    # ------------------------------------------------------------------- rows of a fit

    def _fit_arguments(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments for ``keras.Model.fit``: of the call, of ``fit__``, or plain."""
        found = route_params(
            self.get_params(), destination="fit", pass_filter=self._fit_kwargs
        )
        found = {k: v for k, v in found.items() if not k.startswith("callbacks")}
        return {**found, **kwargs}

    def _given_holdout(
        self, holdout: HoldOut, arguments: dict[str, Any]
    ) -> tuple[HoldOut, dict[str, Any]]:
        """Take Keras' own ``validation_data`` for X_val and y_val."""
        given = arguments.pop("validation_data", None)
        if given is None or holdout.X_val is not None:
            return holdout, arguments
        X_val, y_val, *weight = given
        more = {"weight_val": weight[0]} if weight else {}
        return HoldOut(X_val, y_val, None, None, "X_val", **more), arguments

    def _split(
        self,
        X,
        rows: Rows,
        holdout: HoldOut,
        groups,
        arguments: dict[str, Any],
    ):
        """Positions to train on and to hold out, None where they are all or given."""
        split = arguments.pop("validation_split", None)
        if holdout.X_val is not None or holdout.source == "pipeline":
            return None, None, holdout.source
        if isinstance(self.validation_fraction, Real):
            kept, held = natural_holdout(
                rows.y,
                float(self.validation_fraction),
                self.random_state,
                groups if groups is None else np.asarray(groups)[_positions(rows)],
            )
            resampled = warns_of_resampled(X, self.classes_[rows.y], stacklevel=7)
            return kept, held, "resampled" if resampled else "internal"
        if not split:
            return None, None, "none"
        arguments["validation_split"] = split
        cut = math.floor(len(rows) * (1 - split))
        if not 0 < cut < len(rows):
            raise ValueError(
                f"validation_split={split} of {len(rows)} rows leaves none on one "
                "side: change it, or set validation_fraction instead."
            )
        self._warn_of_tail(split, rows.y[cut:])
        warns_of_resampled(X, self.classes_[rows.y], stacklevel=7)
        return np.arange(cut), np.arange(cut, len(rows)), "tail"

    def _warn_of_tail(self, split: float, codes: np.ndarray) -> None:
        counts = np.bincount(codes, minlength=len(self.classes_)).tolist()
        shown = ", ".join(
            f"{count} of {label!r}"
            for label, count in zip(self.classes_.tolist(), counts, strict=True)
        )
        warnings.warn(
            f"validation_split={split} takes the last {len(codes)} rows as they stand, "
            f"unshuffled, here {shown}; behind a sampler these are synthetic ones. Set "
            "validation_fraction, pass X_val and y_val, or use skloss.Pipeline.",
            TailValidationWarning,
            stacklevel=7,
        )

    def _weights_of_classes(self, owner: str, codes: np.ndarray) -> np.ndarray | None:
        given = self.class_weight
        if given is None:
            return None
        if isinstance(given, Mapping):
            given = {**dict.fromkeys(self.classes_.tolist(), 1.0), **given}
        return class_weights(owner, given, self.classes_, codes)

    def _validation_rows(self, holdout: HoldOut) -> Rows | None:
        if holdout.X_val is None:
            return None
        X = self._rows(holdout.X_val, "X_val", reset=False)
        y = encode_known(self.classes_, np.asarray(holdout.y_val), "y_val")
        if len(X) != len(y):
            raise ValueError(
                f"X_val has {len(X)} rows but y_val has {len(y)} labels: pass one "
                "label per row."
            )
        return Rows(X.reshape(len(X), -1), y, checked_weight(holdout.weight_val, X))

    def _natural_rows(self, holdout: HoldOut, training: Rows) -> Rows:
        if holdout.X_natural is None:
            return training
        X = self._rows(holdout.X_natural, "X", reset=False)
        y = encode_known(self.classes_, np.asarray(holdout.y_natural), "y")
        return Rows(X.reshape(len(X), -1), y, holdout.weight_natural)

    # ---------------------------------------------------------------------- validation

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        """Check rows and labels; scikeras calls it."""
        if y is not None and X is not None:
            X, y = self._rows_and_labels(X, y, reset)
        elif X is not None:
            X = self._rows(X, "X", reset)
        elif y is not None:
            y = np.asarray(y)
        return X, y

    def _rows_and_labels(self, X, y, reset: bool):
        X = self._rows(X, "X", reset, y=y)
        y = np.asarray(y)
        if len(X) != len(y):
            raise ValueError(
                f"X has {len(X)} rows but y has {len(y)} labels: pass one label per "
                "row."
            )
        check_classification_targets(y)
        plain = type_of_target(y) in ("binary", "multiclass")
        if plain and type(self).target_encoder is KerasClassifier.target_encoder:
            y = column_or_1d(y, warn=True)
            if reset and self.classes_ is None:
                encode_labels(type(self).__name__, y)
        else:
            plain = False
        if reset:
            self._has_plain_labels = plain
            self.target_type_ = self._type_of_target(y)
            self.y_dtype_, self.y_ndim_ = y.dtype, y.ndim
        elif plain != self._has_plain_labels:
            raise ValueError(
                "y has labels of another kind than those of the fit before: pass one "
                "label per row each time."
            )
        return X, y

    def _rows(self, X, name: str, reset: bool, **labels: Any) -> np.ndarray:
        """Rows as an array of finite numbers, floats in single precision."""
        options = {"allow_nd": True, "dtype": "numeric", "ensure_all_finite": False}
        if labels and labels["y"] is None:
            validate_data(self, X, **labels)  # says that y is missing
        X = validate_data(self, X, reset=reset, **options)
        if X.dtype.kind == "f":
            with np.errstate(over="ignore"):
                X = np.ascontiguousarray(X, dtype=np.float32)
            check_finite(name, X)
        if reset:
            self.X_dtype_, self.X_shape_ = X.dtype, X.shape
        elif X.shape[1:] != self._row_shape:
            raise ValueError(
                f"{name} has rows of shape {X.shape[1:]}, but {type(self).__name__} "
                f"was fitted on rows of shape {self._row_shape}."
            )
        return X

    @property
    def _row_shape(self) -> tuple[int, ...]:
        return tuple(self.X_shape_[1:])

    # ----------------------------------------------------------------------- the model

    def _initialize(self, X, y=None):
        """Check rows and labels, fit the encoders and make the network."""
        X, y = self._validate_data(X, y, reset=True)
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            state = int(check_random_state(state).randint(2**31 - 1))
        self._random_state = state
        self.target_encoder_ = self.target_encoder.fit(y)
        self.feature_encoder_ = self.feature_encoder.fit(X)
        for encoder in (self.target_encoder_, self.feature_encoder_):
            self.__dict__.update(getattr(encoder, "get_metadata", dict)())
        for name in ("_keras_network", "_packed", "_fitted"):
            self.__dict__.pop(name, None)
        self.model_ = self._build_keras_model()
        self._initialize_callbacks()
        return X, y

    @property
    def model_(self) -> Any:
        """The network, built again from its arrays where it was pickled."""
        if "_model" not in vars(self):
            if "_packed" not in vars(self):
                raise AttributeError(f"{type(self).__name__} has no model_ before fit.")
            self._model = self.__dict__.pop("_packed").unpack()
        return self._model

    @model_.setter
    def model_(self, model: Any) -> None:
        self._model = model

    @property
    def initialized_(self) -> bool:
        """Whether there is a network that can predict."""
        return "_model" in vars(self) or "_packed" in vars(self)

    def _check_model_param(self):
        import keras

        model = self.build_fn if self.model is None else self.model
        if isinstance(model, keras.Model):
            from copy import deepcopy

            return lambda: deepcopy(model)
        if model is None and hasattr(self, "_keras_build_fn"):
            return self._keras_build_fn
        if not callable(model):
            got = "None" if model is None else f"a {type(model).__name__}: {model!r}"
            raise ValueError(
                f"The 'model' parameter of {type(self).__name__} must be a function "
                f"that returns a keras.Model, got {got}."
            )
        return model

    def _build_keras_model(self):
        owner = type(self).__name__
        extra = vars(self).get("_user_params", set())
        parameters = self.get_params(deep=False)
        check_parameters(owner, self._check_model_param(), extra, parameters)
        with self._seeds():
            model = super()._build_keras_model()
        check_model(owner, model)
        return model

    def _get_compile_kwargs(self):
        import keras

        found = super()._get_compile_kwargs()
        optimizer = found["optimizer"]
        if isinstance(optimizer, keras.optimizers.Optimizer):
            # An optimizer belongs to the weights of one network, a parameter to all.
            found["optimizer"] = type(optimizer).from_config(optimizer.get_config())
        return found

    def _compile(self, row_shape: tuple[int, ...]) -> KerasNetwork:
        """Compile the model if need be; check it against the labels and the loss."""
        if "_keras_network" in vars(self):
            return self._keras_network
        owner, model = type(self).__name__, self.model_
        if model.compiled:
            self._check_unused_compile_parameters()
        self._ensure_compiled_model()
        check_model(owner, model)
        self._check_model_compatibility(None)
        self._loss = compiled_loss(model.loss)
        shape = self._output_shape(row_shape)
        n_units = math.prod(shape)
        check_units(owner, n_units, self.n_classes_)
        check_head(owner, model, self._loss, n_units)
        self._keras_network = KerasNetwork(
            model, self._loss, self.n_classes_, n_units, self._prepared
        )
        return self._keras_network

    def _output_shape(self, row_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of what the network gives for one row."""
        outputs = getattr(self.model_, "outputs", None)
        if outputs:
            return tuple(outputs[0].shape[1:])
        # A network of a class of the user's has weights once it has seen a row.
        row = self._prepared(np.zeros((1, *row_shape), self.X_dtype_))
        with self._seeds():
            return tuple(self.model_(row, training=False).shape[1:])

    def _prepared(self, X: np.ndarray) -> Any:
        """Rows, folded or not, as the model takes them."""
        return self.feature_encoder_.transform(X.reshape(len(X), *self._row_shape))

    def _check_model_compatibility(self, y) -> None:
        if getattr(self.model_, "outputs", None) is not None:
            super()._check_model_compatibility(y)

    def _check_unused_compile_parameters(self) -> None:
        """Refuse what a network that its function has compiled cannot take."""
        from inspect import signature

        build = self._check_model_param()
        arguments = signature(build).parameters.values()
        if any(
            argument.name in ("compile_kwargs", "params")
            or argument.kind is argument.VAR_KEYWORD
            for argument in arguments
        ):
            return
        prefixes = ("optimizer__", "loss__", "metrics__", "compile__")
        unused = [p for p in self.get_params(deep=False) if p.startswith(prefixes)]
        if unused:
            raise ValueError(
                f"The parameter {unused[0]!r} of {type(self).__name__} is taken by "
                "nothing, because the model function compiles the network itself: let "
                "it take compile_kwargs, or return the network without compiling it."
            )

    def _seeds(self) -> Any:
        """Hold off other seeded fits, where this one is seeded."""
        return nullcontext() if self._random_state is None else _SEEDS

    def _callbacks(self) -> list[Any]:
        if "_fit_callbacks" not in vars(self):
            self._initialize_callbacks()
        return self._fit_callbacks

    def _obstacle(self) -> str | None:
        """Say what of this class the engine could not do."""
        if type(self).feature_encoder is not KerasClassifier.feature_encoder:
            return "the class has a feature_encoder of its own"
        return None

    # ------------------------------------------------------------------ keras.Model.fit

    def _fit_by_keras(
        self,
        watch: Any,
        rows: Rows,
        validation: Rows | None,
        by_class: np.ndarray | None,
        *,
        epochs: int,
        initial_epoch: int,
        warm_start: bool,
        arguments: dict[str, Any],
    ) -> None:
        network = self._keras_network
        given = dict(arguments)
        if validation is not None:
            held = (
                self._prepared(validation.X),
                network.targets(validation.y),
                validation.sample_weight,
            )
            given |= {"validation_data": held, "validation_split": 0.0}
        elif "validation_split" not in given:
            given["validation_split"] = 0.0
        rows = rows.compact()
        weight = _loss_weight(rows, by_class)
        callbacks = self._callbacks()
        self._fit_callbacks = [*callbacks, watch]
        try:
            self._fit_keras_model(
                self._prepared(rows.X),
                network.targets(rows.y),
                sample_weight=None if weight is None else weight.astype(np.float32),
                warm_start=warm_start,
                epochs=epochs,
                initial_epoch=initial_epoch,
                **given,
            )
        finally:
            self._fit_callbacks = callbacks

    def _fit_keras_model(
        self, X, y, sample_weight, warm_start, epochs, initial_epoch, **kwargs
    ):
        before = vars(self).get("history_")
        self.history_ = defaultdict(list)  # scikeras adds to it
        try:
            with self._seeds():
                super()._fit_keras_model(
                    X, y, sample_weight, warm_start, epochs, initial_epoch, **kwargs
                )
        finally:
            # Names of metrics as they were asked for, also where it was interrupted.
            self.history_ = before
            curves = getattr(self.model_.history, "history", {})
            keep = warm_start and initial_epoch != 0
            self._extend_history(_without_counters(curves), keep=keep)

    def _extend_history(self, curves: Mapping[str, Any], *, keep: bool) -> None:
        before = dict(vars(self).get("history_") or {}) if keep else {}
        self.history_ = {
            name: [*before.get(name, []), *map(float, values)]
            for name, values in curves.items()
        }

    def _fit_freely(self, X, y, sample_weight, kwargs, is_partial=False):
        """Train on labels that have no exact curves, as scikeras does."""
        kwargs = dict(kwargs)
        epochs = kwargs.pop("epochs", getattr(self, "fit__epochs", self.epochs))
        first = kwargs.pop("initial_epoch", 0)
        weight = None if sample_weight is None else np.array(sample_weight, float)
        if self.class_weight is not None:
            from sklearn.utils.class_weight import compute_sample_weight

            by_class = compute_sample_weight(self.class_weight, y)
            weight = by_class if weight is None else weight * by_class
        self._ensure_compiled_model()
        if weight is not None:
            X, y, weight = self._validate_sample_weight(X, y, weight)
        y = self.target_encoder_.transform(y)
        self._check_model_compatibility(y)
        self._fit_keras_model(
            self.feature_encoder_.transform(X),
            y,
            sample_weight=weight,
            warm_start=is_partial or self.warm_start,
            epochs=1 if is_partial else epochs,
            initial_epoch=self.current_epoch if is_partial else first,
            **kwargs,
        )
        self._record_of_history = TrainingRecord(
            history=self.history_,
            outcome={
                "program": "keras",
                "program_reason": "labels without exact curves",
                "stop_reason": "epochs",
            },
        )
        return self

    # ---------------------------------------------------------------------- prediction

    def predict_proba(self, X, **kwargs):
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, ...)
            Rows.
        **kwargs : dict
            Arguments for ``keras.Model.predict``.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Float64, rows sum to one, columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        if not self._has_plain_labels:
            return super().predict_proba(X, **kwargs)
        fitted = vars(self).get("_fitted")
        if fitted is None or fitted.spec is None or self._asks_keras(kwargs):
            outputs = self._predict_raw(X, **kwargs).reshape(-1, self._network.n_units)
            return self._network.probabilities(outputs)
        X = self._rows(X, "X", reset=False)
        X = X.reshape(len(X), -1).astype(np.float32, copy=False)
        return probabilities(predict_logits(fitted.spec, fitted.result.weights, X))

    def predict(self, X, **kwargs):
        """Most probable class; for two classes the second above one half.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, ...)
            Rows.
        **kwargs : dict
            Arguments for ``keras.Model.predict``.

        Returns
        -------
        ndarray of shape (n,)
            Labels.
        """
        check_is_fitted(self)
        if not self._has_plain_labels:
            return super().predict(X, **kwargs)
        return self.classes_[self.predict_proba(X, **kwargs).argmax(axis=1)]

    def score(self, X, y, sample_weight=None):
        """Score of the predictions by ``scorer``, which is the accuracy.

        Parameters
        ----------
        X, y : array-likes
            Rows and their labels.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows.

        Returns
        -------
        float
            The score.
        """
        options = route_params(
            self.get_params(deep=False), destination="score", pass_filter=set()
        )
        predicted = self.predict(X)
        return self.scorer(y, predicted, sample_weight=sample_weight, **options)

    def _predict_raw(self, X, **kwargs):
        if "_predict_callbacks" not in vars(self):
            self._initialize_callbacks()
        if not self._has_plain_labels or self._asks_keras(kwargs):
            return super()._predict_raw(X, **kwargs)
        return self._network.outputs(self._rows(X, "X", reset=False))

    def _asks_keras(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether ``keras.Model.predict`` itself was told something."""
        names = self.get_params(deep=False)
        return (
            bool(kwargs)
            or self.callbacks is not None
            or any(name.startswith("predict__") for name in names)
        )

    @property
    def _network(self) -> KerasNetwork:
        if "_keras_network" not in vars(self):
            shape = self._output_shape(self._row_shape)
            self._keras_network = KerasNetwork(
                self.model_,
                self._loss,
                self.n_classes_,
                math.prod(shape),
                self._prepared,
            )
        return self._keras_network

    # ------------------------------------------------------------------ what was fitted

    @property
    def record_(self) -> TrainingRecord:
        """What was asked, what was seen, the exact curves, and what came out."""
        fitted: KerasFitted | None = vars(self).get("_fitted")
        if fitted is not None:
            return fitted.record
        if "_record_of_history" in vars(self):
            return self._record_of_history
        raise AttributeError(f"{type(self).__name__} has no record_ before fit.")

    @property
    def n_epochs_(self) -> int:
        """Epochs trained."""
        return self.record_.n_epochs

    @property
    def best_epoch_(self) -> int | None:
        """Epoch (from zero) that was best by the monitored curve."""
        return self.record_.best_epoch


def _positions(rows: Rows) -> Any:
    """Where rows stand among those given to ``fit``."""
    return slice(None) if rows.positions is None else rows.positions


def _loss_weight(rows: Rows, by_class: np.ndarray | None) -> np.ndarray | None:
    """Weight of each row in the loss, None if all are one."""
    if by_class is None:
        return rows.sample_weight
    own = by_class[rows.y]
    return own if rows.sample_weight is None else own * rows.sample_weight


def _rows_that_count(
    owner: str,
    codes: np.ndarray,
    weight: np.ndarray | None,
    by_class: np.ndarray | None,
) -> np.ndarray | None:
    """Positions of rows that have any weight, None if all have."""
    total = _loss_weight(Rows(np.empty(0), codes, weight), by_class)
    if total is None or (total > 0).all():
        return None
    if not (total > 0).any():
        raise ValueError(
            f"{owner} has nothing to train on: all rows have weight zero; give some a "
            "sample_weight or class_weight above zero."
        )
    return np.flatnonzero(total > 0)


def _without_counters(curves: Mapping[str, Any]) -> dict[str, Any]:
    """Curves without the counters of Keras, which names a second AUC ``auc_1``."""
    short = [_COUNTER.sub("", name) for name in curves]
    return {
        name if short.count(plain) > 1 else plain: values
        for (name, values), plain in zip(curves.items(), short, strict=True)
    }
