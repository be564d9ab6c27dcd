"""``CNN1DClassifier``: a convolutional network for series."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from skloss.estimators._base import BaseNeuralClassifier
from skloss.estimators._checks import check_rates, check_sizes
from skloss._sklearn import Interval, StrOptions
from skloss.networks import NetworkSpec, cnn1d

__all__ = ["CNN1DClassifier"]


class CNN1DClassifier(BaseNeuralClassifier):
    """Convolutional network for series.

    PARAMETERS
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNeuralClassifier._parameter_constraints,
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "filters": ["array-like", None],
        "kernel_size": [Integral, "array-like"],
        "pool_size": [Integral, "array-like"],
        "head": [Integral, "array-like"],
        "global_pooling": [StrOptions({"average", "max"}), None],
        "padding": [StrOptions({"same", "valid"})],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        width=16,
        depth=2,
        activation="relu",
        dropout=0.0,
        *,
        filters=None,
        kernel_size=7,
        pool_size=2,
        head=(),
        global_pooling=None,
        padding="same",
        n_channels=1,
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
        self.filters = filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.head = head
        self.global_pooling = global_pooling
        self.padding = padding
        self.n_channels = n_channels
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

    def _X_options(self) -> dict[str, Any]:
        return {"allow_nd": True}

    def _check_shape(self, X: np.ndarray, reset: bool) -> np.ndarray:
        if X.ndim > 3:
            raise ValueError(
                f"X has shape {X.shape}: {type(self).__name__} takes series of shape "
                "(n, timesteps, channels), or folded to (n, timesteps * channels)."
            )
        if X.ndim == 2 and X.shape[1] % self.n_channels:
            raise ValueError(
                f"X has {X.shape[1]} columns, which n_channels={self.n_channels} does "
                "not divide: a row must hold timesteps * n_channels values."
            )
        shape = self._input_shape(X)
        if (
            not reset
            and hasattr(self, "network_")
            and shape != self.network_.input_shape
        ):
            raise ValueError(
                f"X holds series of (timesteps, channels) = {shape}, but "
                f"{type(self).__name__} was fitted on {self.network_.input_shape}."
            )
        return X

    def _input_shape(self, X: np.ndarray) -> tuple[int, ...]:
        if X.ndim == 3:
            return X.shape[1:]
        return (X.shape[1] // self.n_channels, self.n_channels)

    def _network(self, input_shape: tuple[int, ...], n_outputs: int) -> NetworkSpec:
        owner = type(self).__name__
        filters = self._filters()
        n_blocks = len(filters)
        kernels = check_sizes(owner, "kernel_size", self.kernel_size, n_blocks)
        pools = check_sizes(owner, "pool_size", self.pool_size, n_blocks)
        head = check_sizes(owner, "head", self.head)
        self._check_timesteps(input_shape[0], filters, kernels, pools)
        dropout = self.dropout
        if not hasattr(dropout, "__len__"):
            blocks = [0.0] * n_blocks if head else [0.0] * (n_blocks - 1) + [dropout]
            dropout = blocks + [dropout] * len(head)
        return cnn1d(
            (input_shape[0], input_shape[1]),
            n_outputs=n_outputs,
            filters=filters,
            kernel_size=kernels,
            pool_size=pools,
            head=head,
            activation=self.activation,
            dropout=check_rates(owner, dropout, n_blocks + len(head)),
            batch_norm=self.batch_norm,
            padding=self.padding,
            global_pooling=self.global_pooling,
            l1=float(self.l1),
            l2=float(self.l2),
            activity_l2=float(self.activity_l2),
        )

    def _filters(self) -> list[tuple[int, ...]]:
        """Filters of each convolution of each block."""
        if self.filters is None:
            return [(self.width * 2**block,) for block in range(self.depth)]
        owner = type(self).__name__
        return [check_sizes(owner, "filters", block) for block in self.filters]

    def _check_timesteps(
        self,
        timesteps: int,
        filters: list[tuple[int, ...]],
        kernels: tuple[int, ...],
        pools: tuple[int, ...],
    ) -> None:
        """Say which block has no timesteps left, before Keras or XLA would."""
        left = timesteps
        for number, (block, kernel, pool) in enumerate(
            zip(filters, kernels, pools, strict=True), start=1
        ):
            lost = 0 if self.padding == "same" else (kernel - 1) * len(block)
            if left - lost < 1:
                raise ValueError(
                    f"kernel_size={kernel} with padding='valid' needs {lost + 1} "
                    f"timesteps in block {number}, but {left} are left: choose a smaller "
                    "kernel_size or padding='same'."
                )
            left -= lost
            if left < pool:
                raise ValueError(
                    f"pool_size={pool} is larger than the {left} timesteps that are left "
                    f"in block {number} of {len(filters)}: choose a smaller pool_size or "
                    "fewer blocks."
                )
            left //= pool

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
