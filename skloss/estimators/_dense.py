"""``DenseClassifier``: a network of fully connected layers for tables."""

from numbers import Integral
from typing import Any, ClassVar

from skloss.estimators._base import BaseNeuralClassifier
from skloss.estimators._checks import check_rates, check_sizes
from skloss._sklearn import Interval
from skloss.networks import NetworkSpec, dense

__all__ = ["DenseClassifier"]


class DenseClassifier(BaseNeuralClassifier):
    """Fully connected network for tables.

    PARAMETERS
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNeuralClassifier._parameter_constraints,
        "width": [Integral, "array-like", None],
        "depth": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        width=None,
        depth=None,
        activation="relu",
        dropout=0.0,
        *,
        batch_norm=False,
        l1=0.0,
        l2=0.0,
        activity_l2=0.0,
        loss="crossentropy",
        focal_gamma=2.0,
        label_smoothing=0.0,
        optimizer="adam",
        learning_rate=1e-3,
        learning_rate_schedule="constant",
        momentum=0.9,
        nesterov=True,
        weight_decay=0.004,
        clipnorm=None,
        epochs=100,
        batch_size=32,
        class_weight=None,
        validation_fraction=0.1,
        early_stopping="auto",
        monitor="auto",
        patience=20,
        restore_best=True,
        random_state=None,
        warm_start=False,
        verbose=0,
        callbacks=None,
    ):
        self.width = width
        self.depth = depth
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.l1 = l1
        self.l2 = l2
        self.activity_l2 = activity_l2
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.label_smoothing = label_smoothing
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.epochs = epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.monitor = monitor
        self.patience = patience
        self.restore_best = restore_best
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.callbacks = callbacks

    def _input_shape(self, X) -> tuple[int, ...]:
        return (X.shape[1],)

    def _network(self, input_shape: tuple[int, ...], n_outputs: int) -> NetworkSpec:
        owner = type(self).__name__
        width = 2 * input_shape[0] if self.width is None else self.width
        depth = self.depth
        if isinstance(width, Integral) and depth is None:
            depth = 1
        widths = check_sizes(owner, "width", width, depth)
        dropout = self.dropout
        if not hasattr(dropout, "__len__"):
            dropout = [dropout] * len(widths)
        return dense(
            input_shape[0],
            n_outputs=n_outputs,
            width=widths,
            activation=self.activation,
            dropout=check_rates(owner, dropout, len(widths)),
            batch_norm=self.batch_norm,
            l1=float(self.l1),
            l2=float(self.l2),
            activity_l2=float(self.activity_l2),
        )
