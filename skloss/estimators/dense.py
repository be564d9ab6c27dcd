"""``DenseClassifier``: a network of fully connected layers for tables."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np

from skloss.estimators.base import BaseNeuralClassifier
from skloss.estimators.checks import check_rates, check_sizes
from skloss.estimators.table_columns import TableColumnsMixin
from skloss.networks import NetworkSpec, dense
from skloss.sklearn_compat import Interval

__all__ = ["DenseClassifier"]


@dataclass(eq=False, repr=False)
class DenseClassifier(TableColumnsMixin, BaseNeuralClassifier):
    """Fully connected network for tables.

    Hidden layers of ``width`` units, each followed by dropout, and one output per class
    (a single one for two classes). The defaults are one hidden layer of 128 ReLU units,
    without bins. Columns should be scaled first, or by ``scale_columns``. Sparse tables
    are made dense a batch at a time.

    Parameters
    ----------
    width : int, sequence of int or None, default=128
        Units of the hidden layers: one number for all, or one per layer. None is twice
        the number of columns, those of categories and of flags counted as they enter
        the network.
    depth : int or None, default=None
        Number of hidden layers; None is one, or the length of ``width``.
    activation : str, default="relu"
        Activation of the hidden layers: "linear", "relu", "leaky_relu", "elu", "selu",
        "gelu", "silu", "softplus", "tanh" or "sigmoid".
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Columns of categories, as scikit-learn's ``HistGradientBoostingClassifier``
        takes them: positions, names or a mask. "from_dtype" are those of a DataFrame
        that have a categorical type, or texts none of which reads as a number. None
        takes all columns as numbers. For each category the network learns a few numbers
        (``1.6 * n_categories ** 0.56``, at most 50), and for a missing value, too.
        Values that it is not trained on stand for nothing, as with ``OneHotEncoder(
        handle_unknown="ignore")``. In ``partial_fit`` the categories are those of the
        first call: the values of its rows, and all that a categorical type names.
    missing : {"error", "indicator"}, default="error"
        With "indicator", columns of numbers may have NaN. The median of the training
        rows stands in its place. For each column with gaps in training rows the network
        gets one more column, which is 1 at a gap and else 0. This is what
        ``SimpleImputer(strategy="median", add_indicator=True)`` does, but with the rows
        alone that the hold-out leaves.
    scale_columns : {"auto", "standard", "piecewise"} or None, default=None
        Whether the network scales columns of numbers itself, to mean 0 and standard
        deviation 1 of the training rows that the hold-out leaves. Columns of 0 and 1
        stay. "auto" scales no table whose columns all have a mean from -0.5 to 0.5 and
        a deviation from 0.5 to 2. It scales no sparse table either, and nothing in
        ``partial_fit``, whose first rows may be few. "piecewise" scales and adds up to
        16 bins of each column, between quantiles that differ: -1/2 up to the lower edge
        of a bin, 1/2 from its upper edge on, and a line between. So the network learns
        thresholds as trees do. On tables of some thousand rows and more it pays, with
        ``learning_rate=1e-3, batch_size=128, epochs=150``.
    dropout : float in [0, 1) or sequence, default=0.0
        Share of a layer's outputs set to zero in training, for all layers or for each.
    batch_norm : bool, default=False
        Whether batch normalization (momentum 0.9) stands between each hidden layer and
        its activation.
    l1, l2 : float, default=0.0
        Penalties on all kernels, ``l1 * sum(|w|) + l2 * sum(w ** 2)``.
    activity_l2 : float, default=0.0
        Penalty ``activity_l2 * sum(output ** 2) / n_rows`` on the outputs of hidden
        layers.
    loss : {"crossentropy", "focal", "logit_adjusted"} or callable, \
            default="crossentropy"
        Loss of each row, on logits ``z``: ``-log p_y``; focal,
        ``-(1 - p_y) ** focal_gamma log p_y``; or the cross-entropy of
        ``z + logit_tau * log prior``, with the prior of the rows trained on, so that
        the network itself predicts as if the classes were equally frequent. A function
        ``loss(y, logits)`` of TensorFlow tensors, class numbers ``(n,)`` and logits
        ``(n, n_classes)`` or, of two classes, ``(n, 1)``, returns one loss per row.
        With any other than the cross-entropy that one is recorded beside, as
        ``crossentropy`` and ``val_crossentropy``: losses of two kinds do not compare.
    focal_gamma : float, default=2.0
        Exponent of the focal loss.
    focal_alpha : float in (0, 1) or None, default=None
        Weight of the positive class (``pos_label_``) in the focal loss; the other one
        of two has ``1 - focal_alpha``. With more classes use ``class_weight``.
    logit_tau : float, default=1.0
        Strength of the logit adjustment; 0 is the cross-entropy.
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all classes.
    optimizer : str, default="adam"
        Update rule, with Keras' constants: "adam", "adamw", "nadam", "adamax",
        "rmsprop", "lion", "adagrad", "adadelta" or "sgd". For Keras' "adafactor" and
        "ftrl" use :class:`KerasClassifier`.
    learning_rate : float, default=2e-3
        Learning rate where the schedule's factor is one.
    learning_rate_schedule : {"constant", "cosine", "exponential", "linear"}, callable \
            or ReduceLROnPlateau, default="cosine"
        Factor on the rate at each step. A callable takes an array of the progress, from
        0 to 1 over all ``epochs``, and returns the factors. A
        :class:`~skloss.ReduceLROnPlateau` lowers the rate where a recorded curve gets
        no better.
    momentum : float in [0, 1), default=0.9
        Momentum of ``optimizer="sgd"``.
    nesterov : bool, default=True
        Whether that momentum is Nesterov's.
    weight_decay : float, default=0.004
        Decoupled weight decay of ``optimizer="adamw"``.
    clipnorm : float, default=None
        Largest norm of the gradient of one array of weights, as in Keras.
    epochs : int, default=100
        Most passes over the rows.
    batch_size : int, default=32
        Rows per step; all rows if there are fewer.
    balanced_batches : bool or "smote", default=False
        Whether every batch has as many rows of each class. They are drawn anew in every
        epoch, which stays as long; nothing is copied, and a large class is seen as a
        whole over several epochs. With "smote" a row of a small class that comes again
        in one epoch is moved towards one of its five nearest neighbors of the class.
    sampler : sampler of imbalanced-learn or None, default=None
        Resamples the rows trained on, after the hold-out, for the place where
        :class:`skloss.Pipeline` cannot stand, and for series, which samplers take flat.
        Each of ``n_members`` has rows of its own. One without a seed takes
        ``random_state``.
    class_weight : None, "balanced", "effective" or dict from label to weight, \
            default=None
        Weight of each class in the training loss, never in the curves; a dict must name
        every label. "balanced" is ``n / (n_classes * n_of_class)`` of the rows trained
        on, hence all ones behind SMOTE. "effective" is in proportion to
        ``(1 - effective_beta) / (1 - effective_beta ** n_of_class)``, with mean one
        over the rows.
    effective_beta : float in [0, 1), default=0.999
        Of ``class_weight="effective"``: 0 weighs all classes alike, and values towards
        one come near "balanced".
    prior_correction : bool or dict from label to share, default=False
        Whether to undo what samplers, weights and the logit-adjusted loss do to the
        shares of the classes, so that probabilities are those of the original rows
        before any sampler, each counted once. A dict gives the shares where the
        classifier is used. It shifts the logits by ``log(share / share in training)``,
        in predictions and in all curves but those of the loss.
    calibration : {"temperature"} or None, default=None
        Whether the logits are divided by a temperature, after the correction of the
        prior: that of the lowest cross-entropy on the held-out rows, nearer to 1 the
        fewer these are. Predicted classes stay.
    pos_label : label, default=None
        Positive class of two, the one that F1, precision, recall and the like are of.
        None is the rarer class if it has at most 40 % of the rows, and ``classes_[1]``
        otherwise. It changes the curves, and what ``focal_alpha`` weighs; otherwise not
        the network and its predictions.
    validation_fraction : float in (0, 1) or None, default=0.1
        Share of each class that is held out, before any sampler in
        :class:`skloss.Pipeline`. None holds nothing out.
    validation_rows : {"stratified", "last"} or cross-validator, default="stratified"
        Which rows are held out. "stratified": random rows, the same share of each
        class. "last": the last rows, for rows in the order of time. A cross-validator
        such as :class:`sklearn.model_selection.TimeSeriesSplit`: the test rows of its
        last split, whatever the share, unless ``validation_fraction`` is None.
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
    early_stopping : bool or "auto", default="auto"
        Whether to stop after ``patience`` epochs without a new best value of
        ``monitor``. "auto" stops if at least 50 rows of every class were held out: with
        fewer the curve is noise, and stopping by it costs more than it saves.
    monitor : str or scorer, default="auto"
        Any recorded curve, such as ``"val_mcc"``, or that of a scorer of scikit-learn,
        such as ``"val_roc_auc"``, which need not stand in ``scoring``; or the scorer
        itself. "auto" is ``"val_loss_at_train_prior"``, the one that can be compared
        with what training minimizes, or ``"val_loss"`` where a class was not held out.
    patience : int, default=20
        Epochs to wait for a new best value.
    restore_best : bool, default=True
        Whether, with early stopping, the weights of the best epoch are kept.
    refit : bool, default=False
        Whether to give rows that ``fit`` held out back: the network is trained once
        more, on all rows, for as many epochs as the weights of the first training have
        seen. Curves, metrics and ``oob_decision_function_`` stay those of the first
        training. Of one network only.
    n_members : int, default=1
        Number of networks. Each has a seed and a hold-out of its own, and the
        probabilities are their mean. The next member holds out the next
        ``validation_fraction`` of the rows, so that with ``1 / validation_fraction``
        members or more each row was held out, by members that never saw it, and was
        trained on by the others. With other ``validation_rows`` than "stratified", and
        with ``X_val``, all members have the same hold-out.
    random_state : int, RandomState or None, default=None
        Seed of hold-out, first weights, order of rows and dropout. With an int two fits
        are equal to the bit, and no global generator is read or changed.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the fit before.
    verbose : int, default=0
        With 1 the standard output has one live line (epoch, loss, MCC, time left), or
        where it is no terminal a line every ten seconds; with 2 a line an epoch.
    callbacks : callable or list of callables, default=None
        Each is called after every epoch with its values by name, and ``"epoch"`` from
        zero; training stops when one returns True. Callbacks of :mod:`sklearn.callback`
        are set by ``set_callbacks``: each epoch is a task, scored on original rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    pos_label_ : label or None
        Positive class; None if there are more than two classes.
    record_ : TrainingRecord
        What was asked, what was seen, the curves, and what came out.
    history_ : dict of str to list of float
        The curves of ``record_``, one value per epoch: ``loss`` and ``val_loss`` at the
        end of the epoch, in inference mode, on original rows; the same
        ``_at_train_prior`` and per class; ``mcc``, ``f1``, ``precision``, ``recall``,
        ``fpr``, ``average_precision`` with their ``val_`` twins; and more.
    weights_ : list of ndarray
        Weights, in Keras' order; the output layer has the calibration in it. Of several
        members each array has these as its first axis.
    members_ : list of classifiers
        The members, each a fitted classifier of one network with a record of its own.
    oob_decision_function_ : ndarray of shape (n, n_classes)
        Probabilities of the rows of ``fit``, each by the members that held it out; NaN
        where none did.
    network_ : NetworkSpec
        The network as data.
    model_ : keras.Sequential or keras.Model
        The network as a Keras model, built when asked for; its output is the logits. Of
        several members it gives those of the mean probabilities.
    n_epochs_, n_iter_ : int
        Epochs trained; the second name is that of scikit-learn's ``MLPClassifier``.
    loss_curve_ : list of float
        As of ``MLPClassifier``: the mean loss of the steps of each epoch, as it was
        minimized, with class weights, dropout and penalties.
    validation_scores_ : list of float or None
        As of ``MLPClassifier``: the accuracy on the held-out rows after each epoch;
        None if none were held out. Which epoch is kept, ``monitor`` says.
    best_epoch_ : int or None
        Epoch (from zero) that was best by the monitored curve; None of several members,
        each of which has its own.
    is_categorical_ : ndarray of bool of shape (n_features,) or None
        Which columns have categories; None if none has.
    categories_ : list of ndarray
        Categories of each of these columns; their places are their codes.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, if X had any.

    See Also
    --------
    CNN1DClassifier : The same for series.
    skloss.Pipeline : Holds validation rows out before any sampler.

    Examples
    --------
    >>> from skloss import DenseClassifier
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> classifier = DenseClassifier(class_weight="balanced", epochs=3, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.predict_proba(X).shape
    (5000, 2)
    >>> classifier.model_.count_params()
    1793
    >>> len(classifier.history_["val_mcc"])
    3
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNeuralClassifier._parameter_constraints,
        "width": [Integral, "array-like", None],
        "depth": [Interval(Integral, 1, None, closed="left"), None],
        **TableColumnsMixin._column_constraints,
    }

    width: int | Sequence[int] | None = 128
    depth: int | None = None
    activation: str = "relu"
    dropout: float | Sequence[float] = 0.0
    _: KW_ONLY
    categorical_features: str | Sequence[Any] | None = "from_dtype"
    missing: Literal["error", "indicator"] = "error"
    scale_columns: Literal["auto", "standard", "piecewise"] | None = None
    learning_rate: float = 2e-3
    batch_size: int = 32

    def _rows_options(self) -> dict[str, Any]:
        return {"accept_sparse": "csr"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _input_shape(self, X: np.ndarray) -> tuple[int, ...]:
        return (X.shape[1],)

    def _network(self, input_shape: tuple[int, ...], n_outputs: int) -> NetworkSpec:
        owner = type(self).__name__
        width = 2 * input_shape[0] if self.width is None else self.width
        depth = self.depth
        if isinstance(width, Integral) and depth is None:
            depth = 1
        widths = check_sizes(owner, "width", width, depth)
        return dense(
            input_shape[0],
            n_outputs=n_outputs,
            width=widths,
            activation=self.activation,
            dropout=check_rates(owner, self.dropout, [True] * len(widths)),
            batch_norm=self.batch_norm,
            l1=float(self.l1),
            l2=float(self.l2),
            activity_l2=float(self.activity_l2),
        )
