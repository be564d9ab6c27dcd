"""``CNN1DClassifier``: a convolutional network for series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from skloss.estimators.augmentation import augment_layer
from skloss.estimators.convolutional import BaseConvolutionalClassifier
from skloss.estimators.fit_rows import FitRows
from skloss.estimators.missing_values import MissingStepsMixin
from skloss.estimators.series_choice import SCALINGS, level_tells, limited_threads
from skloss.estimators.series_rows import SeriesRowsMixin
from skloss.networks import (
    ARCHITECTURES,
    FRONT_ENDS,
    NetworkSpec,
    front_end,
    published,
)
from skloss.networks.layers import (
    Conv1D,
    Convolution,
    FlagMissing,
    Layer,
    SeriesScale,
)
from skloss.sklearn_compat import StrOptions

__all__ = ["CNN1DClassifier"]


@dataclass(eq=False, repr=False, kw_only=True)
class CNN1DClassifier(MissingStepsMixin, SeriesRowsMixin, BaseConvolutionalClassifier):
    """Convolutional network for series.

    Blocks of convolutions, each closed by a pool, then the values flattened (or pooled
    over time), a dense head, and one output per class (a single one for two classes).
    Series come folded, ``(n, timesteps * n_channels)`` with the channels of a time step
    side by side, so that any sampler can stand before, or as ``(n, timesteps,
    channels)``; in the order of aeon and sktime with ``channels_first``.

    Parameters
    ----------
    width : int, default=16
        Filters of the first block; each block doubles them. Not used with ``filters``.
    depth : int or None, default=None
        Number of blocks, of one convolution each. Not used with ``filters``. None is
        three, or fewer where a series is too short to be pooled so often.
    activation : str, default="relu"
        Activation of convolutions and head: "linear", "relu", "leaky_relu", "elu",
        "selu", "gelu", "silu", "softplus", "tanh" or "sigmoid".
    dropout : float in [0, 1) or sequence, default=0.5
        Share of outputs set to zero in training. A number acts on every head layer or,
        without a head, on the last block; a sequence has one entry per block and head
        layer.
    architecture : {"plain", "fcn", "resnet", "inception", "lite"}, default="plain"
        "plain" is the network that this page is about. The others are published
        networks for series: three convolutions; three residual blocks; the six modules
        of one member of InceptionTime; LITE, which has few weights (9,814 without the
        last layer), since filters made by hand stand beside its first convolutions, and
        the others are separable. They are slower, and have no use for ``width``,
        ``depth``, ``activation``, ``dropout``, ``filters``, ``kernel_size``,
        ``pool_size``, ``head``, ``global_pooling``, ``padding`` and ``batch_norm``.
    front_end : {"filters", "rocket"} or None, default=None
        Filters that are not trained, in front of any network. What they make of each
        channel of the series is normalized and follows as more channels. "filters" are
        17 made by hand: rises, falls and peaks of 2 to 96 time steps. "rocket" are 32
        kernels of MiniRocket, with trained thresholds, and dilations up to 8.
    filters : sequence, default=None
        Filters of each convolution of each block, such as ``((32, 16), (8, 8))``; a
        number stands for a block of one convolution.
    kernel_size : int or sequence of int, default=7
        Time steps that a filter sees, for all blocks or for each.
    pool_size : int or sequence of int, default=2
        Time steps of which a block's pool keeps the largest; 1 is no pool.
    head : int or sequence of int, default=128
        Units of dense layers between the blocks and the output; ``()`` is none.
    global_pooling : {"average", "max"} or None, default=None
        What each channel is reduced to over time; None keeps all time steps.
    padding : {"same", "valid"}, default="same"
        Whether convolutions keep the number of time steps.
    n_channels : int, default=1
        Values per time step of folded series.
    channels_first : bool or None, default=None
        Whether series come as ``(n, channels, timesteps)``, as aeon and sktime have
        them, or folded from it. None is as False, with a
        :class:`~skloss.exceptions.SeriesOrderWarning` where there are more channels
        than time steps.
    scale_series : {"auto", "zscore"} or None, default="auto"
        "zscore" scales each channel of each series by itself, as
        :class:`skloss.SeriesScaler` does, in a first layer of the network. "auto" does
        so, too; where unseen rows are clearly better predicted with their level and
        amplitude, by a trial of fixed kernels on at most 1,000 original training rows
        (groups left out together), mean and logarithm of the standard deviation follow
        as channels. None takes series as they are.
    missing : {"error", "mask"}, default="error"
        With "mask", series may have NaN: gaps, and what shorter series are padded with.
        They count in no scaling, are zero for the network (the mean of a scaled
        series), and each channel has another one beside it that is 1 where it is
        missing. Not with ``augment``.
    augment : None, str, sequence of str or dict from str to float, default=None
        How series are changed at random while the network trains on them, anew at each
        step; held-out rows never are. "shift" in time by at most 5 % of the length,
        "scale" by a factor of at most 10 % from one, "noise" with 5 % of the standard
        deviation of the series, "window": up to 10 % are cut off at the ends, and the
        rest is stretched. A dict has other strengths, such as ``{"shift": 0.1}``. Good
        where there are few series or few people, and harmful where the position or the
        size of what happens tells the class.
    batch_norm : bool, default=True
        Whether batch normalization (momentum 0.9) stands between each convolution and
        its activation.
    l1, l2 : float, default=0.0
        Penalties on all kernels, ``l1 * sum(|w|) + l2 * sum(w ** 2)``.
    activity_l2 : float, default=0.0
        Penalty ``activity_l2 * sum(output ** 2) / n_rows`` on the outputs of
        convolutions.
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
    learning_rate : float, default=3e-3
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
    epochs : int, default=50
        Most passes over the rows.
    batch_size : int, default=16
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
    n_features_in_ : int
        Number of columns; of time steps for rows with channels.
    feature_names_in_ : ndarray of str
        Names of the columns, if X had any.

    See Also
    --------
    DenseClassifier : The same for tables.
    skloss.Pipeline : Holds validation rows out before any sampler.

    Examples
    --------
    >>> from skloss import CNN1DClassifier
    >>> from skloss.datasets import load_heartbeats
    >>> X, y = load_heartbeats(return_X_y=True)
    >>> classifier = CNN1DClassifier(width=4, depth=2, epochs=1, random_state=0)
    >>> classifier = classifier.fit(X[::20], y[::20])
    >>> classifier.predict_proba(X[:5]).shape
    (5, 2)
    >>> [layer.name.split("_")[0] for layer in classifier.model_.layers][:4]
    ['series', 'conv1d', 'batch', 'activation']
    """

    _convolution: ClassVar[type[Convolution]] = Conv1D
    _places: ClassVar[str] = "timesteps"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseConvolutionalClassifier._parameter_constraints,
        "architecture": [StrOptions({"plain", *ARCHITECTURES})],
        "front_end": [StrOptions(set(FRONT_ENDS)), None],
        "scale_series": [StrOptions(set(SCALINGS)), None],
        "augment": [str, list, tuple, Mapping, None],
        **SeriesRowsMixin._series_constraints,
        **MissingStepsMixin._missing_constraints,
    }

    architecture: Literal["plain", "fcn", "resnet", "inception", "lite"] = "plain"
    front_end: Literal["filters", "rocket"] | None = None
    n_channels: int = 1
    channels_first: bool | None = None
    scale_series: Literal["auto", "zscore"] | None = "auto"
    missing: Literal["error", "mask"] = "error"
    augment: str | Sequence[str] | Mapping[str, float] | None = None
    batch_norm: bool = True
    epochs: int = 50

    def _fitted_shape(self) -> tuple[int, ...] | None:
        return self.network_.input_shape if self._is_fitted() else None

    def _network(self, input_shape: tuple[int, ...], n_outputs: int) -> NetworkSpec:
        return self._behind(input_shape, n_outputs, input_shape[1])

    def _behind(
        self, shape: tuple[int, ...], n_outputs: int, n_series: int
    ) -> NetworkSpec:
        """Return the network for rows of a shape, the first channels of them series."""
        if self.architecture == "plain":
            return super()._network(shape, n_outputs)
        return published(
            self.architecture,
            (shape[0], shape[1]),
            n_outputs,
            n_series,
            l1=float(self.l1),
            l2=float(self.l2),
            activity_l2=float(self.activity_l2),
        )

    def _in_front(
        self, spec: NetworkSpec, rows: FitRows, alike: NetworkSpec | None
    ) -> NetworkSpec:
        given, n_series = spec.input_shape, spec.input_shape[1]
        augment = augment_layer(type(self).__name__, self.augment, n_series)
        front: list[Layer] = []
        if (scale := self._scale_layer(given, rows, alike)) is not None:
            front.append(scale)
        if self.missing == "mask":
            if augment is not None:
                raise ValueError(
                    f"augment={self.augment!r} of {type(self).__name__} cannot change "
                    "series with gaps: leave it out with missing='mask', or fill them."
                )
            front.append(FlagMissing(n_series))
        front += [] if augment is None else [augment]
        if self.front_end is not None:
            front.append(front_end(self.front_end, n_series))
        shape = NetworkSpec(given, tuple(front)).shapes()[-1]
        if shape != given:  # the first convolutions see more channels
            spec = self._behind(shape, spec.n_outputs, n_series)
        return replace(spec, input_shape=given, layers=(*front, *spec.layers))

    def _scale_layer(
        self, shape: tuple[int, ...], rows: FitRows, alike: NetworkSpec | None
    ) -> SeriesScale | None:
        if self.scale_series is None:
            return None
        plain = SeriesScale(gaps=self.missing == "mask")
        if self.scale_series == "zscore":
            return plain
        if alike is not None:
            first = alike.layers[0]
            return first if isinstance(first, SeriesScale) else plain
        with limited_threads(None):
            tells = level_tells(rows.original, shape, rows.groups_original)
        return replace(plain, moments=tells)
