"""``KerasClassifier``: any Keras network, and a home for scikeras' users."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from skloss.estimators.all_or_nothing import all_or_nothing, weights_or_nothing
from skloss.estimators.checks import encode_known
from skloss.estimators.fit_rows import HoldOut
from skloss.estimators.keras.free_labels import FreeLabelsWrapper
from skloss.estimators.keras.keras_fitting import fit_keras_network
from skloss.estimators.keras.keras_rows import keras_call, keras_rows
from skloss.estimators.neural_classifier import NeuralClassifierMixin
from skloss.record import TrainingRecord
from skloss.sklearn_compat import Interval, StrOptions, fit_context
from skloss.training import predict_logits, probabilities

__all__ = ["KerasClassifier"]

_DEFAULT_FRACTION = 0.1


class KerasClassifier(NeuralClassifierMixin, FreeLabelsWrapper):
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
        Rows per step; None is 32, -1 or more than there are is all rows.
    validation_batch_size : int or None, default=None
        Rows per step of Keras' own validation.
    verbose : int, default=0
        With 1, Keras' progress bar, or the engine's live line; with 2 a line an epoch.
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
    class_weight : None, "balanced", "effective" or dict from label to weight, \
            default=None
        Weight of each label in the training loss, never in the curves; a label that the
        dict does not name has weight one. "balanced" is
        ``n / (n_classes * n_of_class)`` of the rows given to ``fit``, or of those that
        ``sampler`` left; "effective" is
        that of :class:`DenseClassifier`. It means the same
        as ``fit__class_weight`` and as an argument of ``fit``, which comes before this
        one. The label of a one-hot column is its number or its name. For several
        labels per row, "balanced" or a list with one dict for each column of y.
    balanced_batches : bool or "smote", default=False
        As of :class:`DenseClassifier`: as many rows of each class in every batch. Only
        for networks that skloss' own engine trains; ``keras.Model.fit`` draws its
        batches itself.
    sampler : sampler of imbalanced-learn, default=None
        Resamples the rows trained on, after the hold-out, as of
        :class:`DenseClassifier`.
    prior_correction : bool or dict from label to share, default=False
        As of :class:`DenseClassifier`: whether probabilities are those of the rows
        given to ``fit``, or of the shares in a dict, whatever sampler, weights and
        batches did. ``model_`` stays as it was trained: ``predict_proba`` corrects.
    calibration : {"temperature"} or None, default=None
        As of :class:`DenseClassifier`: one temperature, chosen on the held-out rows,
        by which ``predict_proba`` divides the logits of ``model_``.
    pos_label : label, default=None
        Positive class of two, the one that F1, precision, recall and the like in
        ``record_`` are of. None is the rarer class if it has at most 40 % of the rows,
        and ``classes_[1]`` otherwise.
    validation_fraction : float in (0, 1), "auto" or None, default="auto"
        Share of each class that is held out. "auto": none in ``fit``, as with scikeras;
        in :class:`skloss.Pipeline`, before any other step, the share
        ``validation_split``, or 0.1 if that is zero. None: none at all.
    validation_rows : {"stratified", "last"} or cross-validator, default="stratified"
        Which rows are held out. "stratified": random rows, the same share of each
        class. "last": the last rows, for rows in the order of time. A cross-validator
        such as :class:`sklearn.model_selection.TimeSeriesSplit`: the test rows of its
        last split, whatever the share, unless ``validation_fraction`` is None.
        With any but "stratified", ``validation_fraction="auto"`` holds out in ``fit``.
    scoring : str, callable, list, dict or None, default=None
        Scorers of scikit-learn that are recorded, too: names such as ``"roc_auc"``,
        what ``make_scorer`` gives, functions ``scorer(estimator, X, y)``, a list of
        these, or a dict from names of your own to them. ``"roc_auc"`` makes the curve
        ``"val_roc_auc"`` of the held-out rows, or ``"roc_auc"`` of the training rows if
        none are held out. They are called once an epoch, on rows as the classifier sees
        them and with scikit-learn's positive class. Of names that are recorded anyway,
        such as ``"f1"``, there is the one curve, of ``pos_label_``.
    return_train_score : bool, default=False
        Whether scorers are called on the original training rows, too.
    early_stopping : bool or "auto", default=False
        Whether to stop after ``patience`` epochs without a new best value of
        ``monitor``; "auto" if at least 50 rows of every class were held out.
    monitor : str or scorer, default="auto"
        Any curve of ``record_``, such as ``"val_mcc"``, or of a scorer, such as
        ``"val_roc_auc"``, which need not stand in ``scoring``; or the scorer itself.
        "auto" is ``"val_loss_at_train_prior"``.
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
    pos_label_ : label or None
        Positive class; None if there are more than two classes.
    record_ : TrainingRecord
        What was asked, what was seen, the exact curves, and what came out.
    n_epochs_, n_iter_ : int
        Epochs trained; the second name is that of scikit-learn's ``MLPClassifier``.
    loss_curve_ : list of float
        As of ``MLPClassifier``: the mean loss of the steps of each epoch, as it was
        minimized, with class weights, dropout and penalties.
    validation_scores_ : list of float or None
        As of ``MLPClassifier``: the accuracy on the held-out rows after each epoch;
        None if none were held out. Which epoch is kept, ``monitor`` says.
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
    ((5000, 2), 57)
    >>> len(classifier.record_.history["val_mcc"]), list(classifier.history_)
    (2, ['loss', 'val_loss'])
    >>> classifier.record_.outcome["program"]
    'numpy'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NeuralClassifierMixin._remedy_constraints,
        **NeuralClassifierMixin._stopping_constraints,
        "batch_size": [Interval(Integral, -1, None, closed="left"), None],
        "validation_split": [Interval(Real, 0, 1, closed="left"), None],
        "verbose": ["verbose", StrOptions({"auto"})],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, str, "array-like", None],
        "validation_fraction": [
            Interval(Real, 0, 1, closed="neither"),
            StrOptions({"auto"}),
            None,
        ],
    }

    def __init__(
        self,
        model: Any = None,
        *,
        build_fn: Callable[..., Any] | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        batch_size: int | None = None,
        validation_batch_size: int | None = None,
        verbose: int | str = 0,
        callbacks: Any = None,
        validation_split: float | None = 0.0,
        shuffle: bool = True,
        run_eagerly: bool = False,
        epochs: int = 1,
        class_weight: Mapping[Any, float] | str | None = None,
        balanced_batches: bool | str = False,
        sampler: Any = None,
        prior_correction: bool | Mapping[Any, float] = False,
        calibration: str | None = None,
        pos_label: Any = None,
        validation_fraction: float | str | None = "auto",
        validation_rows: Any = "stratified",
        scoring: Any = None,
        return_train_score: bool = False,
        early_stopping: bool | str = False,
        monitor: Any = "auto",
        patience: int = 20,
        restore_best: bool = True,
        **kwargs: Any,
    ) -> None:
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
        self.balanced_batches = balanced_batches
        self.sampler = sampler
        self.prior_correction = prior_correction
        self.calibration = calibration
        self.pos_label = pos_label
        self.validation_fraction = validation_fraction
        self.validation_rows = validation_rows
        self.scoring = scoring
        self.return_train_score = return_train_score
        self.early_stopping = early_stopping
        self.monitor = monitor
        self.patience = patience
        self.restore_best = restore_best

    # -------------------------------------------------------------------------- fitting

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **kwargs: Any,
    ) -> Self:
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
        holdout = HoldOut.given(X_val, y_val, sample_weight_val)
        return self._fit_all(X, y, sample_weight, holdout, groups, kwargs)

    @fit_context(prefer_skip_nested_validation=True)
    def fit_held_out(
        self,
        X: ArrayLike,
        y: ArrayLike,
        holdout: HoldOut,
        sample_weight: ArrayLike | None = None,
        **kwargs: Any,
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
        **kwargs : dict
            Arguments for ``keras.Model.fit``.

        Returns
        -------
        self
            The fitted classifier.
        """
        return self._fit_all(X, y, sample_weight, holdout, None, kwargs)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **kwargs: Any,
    ) -> Self:
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
        with self._all_or_nothing(goes_on):
            if goes_on:
                self._check_classes(classes)
            else:
                self.classes_ = None if classes is None else np.unique(classes)
            X, y = self._checked(X, y, goes_on)
            if not self._has_plain_labels:
                return self._fit_freely(X, y, sample_weight, kwargs, is_partial=True)
            given, rest = (X, y, sample_weight, HoldOut()), (None, dict(kwargs))
            return self._train(*given, *rest, goes_on, is_partial=True)

    def initialize(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
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
        with self._all_or_nothing(False):
            self.classes_ = None
            self._initialize(X, y)
            self._compile()
        return self

    def _can_hold_out(self, y: ArrayLike) -> bool:
        return type_of_target(y) in ("binary", "multiclass")

    def _holdout_fraction(self) -> float | None:
        if self.validation_fraction == "auto":
            return self.validation_split or _DEFAULT_FRACTION
        return cast("float | None", self.validation_fraction)

    def _read_rows(self, X: ArrayLike, name: str) -> np.ndarray:
        shape = np.shape(X)[1:]
        if name == "X_val" and len(shape) == 1 and shape != self._row_shape[:1]:
            raise ValueError(
                f"X_val has {shape[0]} columns, but X has {self._row_shape[0]}: pass "
                "both through the same steps, as skloss.Pipeline does; other pipelines "
                "pass X_val on as it is."
            )
        return self._rows(X, name, reset=False)

    def _fit_all(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        holdout: HoldOut,
        groups: ArrayLike | None,
        kwargs: Mapping[str, Any],
    ) -> Self:
        goes_on = self.warm_start and self.initialized_
        with self._all_or_nothing(goes_on):
            if not goes_on:
                self.classes_ = None
            X, y = self._checked(X, y, goes_on)
            if self._has_plain_labels:
                given = X, y, sample_weight, holdout, groups, dict(kwargs)
                return self._train(*given, goes_on)
            self._check_free_labels()
            if holdout.X_val is not None:
                held = self._free_validation(holdout)
                kwargs = {**kwargs, "validation_data": held}
            return self._fit_freely(X, y, sample_weight, kwargs)

    @contextmanager
    def _all_or_nothing(self, goes_on: bool) -> Iterator[None]:
        """Leave everything as it was where the block ends in an error."""
        model = self.model_ if goes_on else None
        with all_or_nothing(self), weights_or_nothing(model):
            yield

    def _checked(
        self, X: ArrayLike, y: ArrayLike, goes_on: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and labels, and a network for them unless there is one."""
        if goes_on:
            return self._rows_and_labels(X, y, reset=False)
        return self._initialize(X, y)

    def _train(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: ArrayLike | None,
        holdout: HoldOut,
        groups: ArrayLike | None,
        kwargs: dict[str, Any],
        goes_on: bool,
        is_partial: bool = False,
    ) -> Self:
        network = self._compile()
        call = keras_call(self, kwargs, is_partial=is_partial)
        arguments = dict(call.arguments)
        arranged = keras_rows(
            self,
            X,
            y,
            sample_weight,
            holdout,
            groups,
            arguments,
            class_weight=call.class_weight,
            is_partial=is_partial,
        )
        call = replace(call, arguments=arguments)
        earlier = vars(self).get("_fitted") if goes_on else None
        tasks = self._epoch_tasks(
            call.epochs,
            X,
            encode_known(self.classes_, y, "y"),
            arranged.kept,
            arranged.holdout,
            arranged.rows.original.sample_weight,
        )
        self._fitted, curves = fit_keras_network(
            self, network, arranged, call, earlier, tasks
        )
        if tasks is not None:
            tasks.end()
        if curves is not None:
            self._extend_history(curves, keep=is_partial)
        return self

    # ----------------------------------------------------------------------- prediction

    def predict_proba(self, X: ArrayLike, **kwargs: Any) -> np.ndarray:
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
        if fitted is None or fitted.network is None or self._asks_keras(kwargs):
            network = self._network
            if fitted is not None:
                network = replace(network, calibration=fitted.calibration)
            outputs = self._predict_raw(X, **kwargs).reshape(-1, network.n_units)
            return network.probabilities(outputs)
        rows = self._rows(X, "X", reset=False)
        rows = rows.reshape(len(rows), -1).astype(np.float32, copy=False)
        logits = predict_logits(fitted.network, fitted.result.weights, rows)
        return probabilities(fitted.calibration.logits(logits))

    def predict(self, X: ArrayLike, **kwargs: Any) -> np.ndarray:
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

    def as_keras(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Rows and labels as the network takes them.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels as scikit-learn has them.

        Returns
        -------
        tuple
            Inputs of ``model_``, and the truth for its loss: class numbers
            ``(n, 1)``, or zeros and ones ``(n, n_classes)`` where the loss takes these.

        Examples
        --------
        >>> import keras
        >>> from skloss import KerasClassifier
        >>> def network():
        ...     head = keras.layers.Dense(1, "sigmoid")
        ...     return keras.Sequential([keras.Input((1,)), head])
        >>> X, y = [[0.0], [1.0], [2.0]], ["calm", "calm", "storm"]
        >>> classifier = KerasClassifier(network, loss="binary_crossentropy").fit(X, y)
        >>> classifier.as_keras(X, y)[1].ravel()
        array([0., 0., 1.], dtype=float32)
        """
        check_is_fitted(self)
        rows = self._rows(X, "X", reset=False)
        if not self._has_plain_labels:
            return self._prepared(rows), self.target_encoder_.transform(np.asarray(y))
        codes = encode_known(self.classes_, y, "y")
        return self._prepared(rows), self._network.targets(codes)

    # ------------------------------------------------------------------ what was fitted

    @property
    def record_(self) -> TrainingRecord:
        """What was asked, what was seen, the exact curves, and what came out."""
        fitted = vars(self).get("_fitted")
        if fitted is not None:
            return fitted.record
        if "_record_of_history" in vars(self):
            return self._record_of_history
        raise AttributeError(f"{type(self).__name__} has no record_ before fit.")
