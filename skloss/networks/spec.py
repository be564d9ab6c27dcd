"""``NetworkSpec``: a network as frozen, hashable data, and the two that are built here.

Weights belong to a spec as a flat list of arrays, layer by layer, in the order in which
Keras keeps them, so that ``model.set_weights(weights)`` fits without a translation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from skloss.networks.architectures import ARCHITECTURES
from skloss.networks.layers import (
    Augment,
    BatchNorm,
    Branches,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    Padding,
    SeriesScale,
    SlidingMax,
    WeightShape,
    inner_layers,
    multiplications,
)

__all__ = [
    "Augment",
    "BatchNorm",
    "Branches",
    "Conv1D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalPool",
    "Layer",
    "MaxPool",
    "NetworkSpec",
    "SeriesScale",
    "SlidingMax",
    "WeightShape",
    "cnn1d",
    "dense",
    "published",
]


@dataclass(frozen=True)
class NetworkSpec:
    """A network as data.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row: ``(n_features,)`` or ``(timesteps, channels)``.
    layers : tuple of layers
        The last one is a linear ``Dense`` that gives the logits: one for two classes,
        else one per class.
    l1, l2 : float
        Penalties on every kernel, ``l1 * sum(|w|) + l2 * sum(w ** 2)``.
    activity_l2 : float
        Penalty ``activity_l2 * sum(output ** 2) / n_rows`` on the outputs of the
        convolutions or, in a network without any, of the hidden layers.

    Examples
    --------
    >>> spec = dense(9, n_outputs=1, width=(18,))
    >>> spec.n_parameters, spec.n_multiplications
    (199, 180)
    """

    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    l1: float = 0.0
    l2: float = 0.0
    activity_l2: float = 0.0

    @property
    def n_outputs(self) -> int:
        """Number of logits."""
        return self.shapes()[-1][0]

    @property
    def is_convolutional(self) -> bool:
        """Whether rows are series."""
        return len(self.input_shape) == 2

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """Rates of the dropout layers, from the input to the output."""
        return tuple(layer.rate for layer in self.layers if isinstance(layer, Dropout))

    @property
    def n_parameters(self) -> int:
        """Number of trained numbers."""
        return sum(int(np.prod(w.shape)) for w in self.weight_shapes() if w.trained)

    @property
    def n_multiplications(self) -> int:
        """Multiplications of the kernels for one row."""
        return multiplications(self.layers, self.input_shape)

    @property
    def normalizes_batches(self) -> bool:
        """Whether what a row gives in training depends on the other rows."""
        return any(isinstance(layer, BatchNorm) for layer in inner_layers(self.layers))

    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of one row before the first layer and after each one."""
        shapes = [self.input_shape]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def weight_shapes(self) -> list[WeightShape]:
        """All arrays of weights, in Keras' order."""
        before = zip(self.layers, self.shapes(), strict=False)
        return [
            weight for layer, shape in before for weight in layer.weight_shapes(shape)
        ]

    def activity_penalized(self) -> tuple[bool, ...]:
        """Whether ``activity_l2`` acts on a layer's outputs, for each layer."""
        kind = Conv1D if self.is_convolutional else Dense
        hidden = [
            isinstance(layer, BatchNorm | Branches)
            or (isinstance(layer, kind) and layer.use_bias and not normed)
            for layer, normed in zip(
                self.layers,
                (isinstance(layer, BatchNorm) for layer in self.layers[1:]),
                strict=False,
            )
        ]
        return (*hidden, False)

    def structure(self) -> "NetworkSpec":
        """Return the spec without the numbers that change no shape.

        Two specs of equal structure share one compiled program; what is left out here
        is handed to that program as arguments.
        """
        layers = tuple(
            replace(layer, rate=0.5) if isinstance(layer, Dropout) else layer
            for layer in self.layers
        )
        return NetworkSpec(
            self.input_shape, layers, activity_l2=1.0 if self.activity_l2 else 0.0
        )

    def with_idle_dropout(self) -> "NetworkSpec":
        """Return the spec with a dropout of rate zero where a hidden layer has none.

        Specs that differ in dropout alone are then of one structure.
        """
        layers: list[Layer] = []
        for layer, following in pairwise(self.layers):
            layers.append(layer)
            is_hidden = isinstance(layer, BatchNorm) or getattr(
                layer, "use_bias", False
            )
            if is_hidden and not isinstance(following, Dropout):
                layers.append(Dropout(0.0))
        return replace(self, layers=(*layers, self.layers[-1]))


def dense(
    n_features: int,
    *,
    n_outputs: int,
    width: Sequence[int],
    activation: str = "relu",
    dropout: Sequence[float] | None = None,
    batch_norm: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    activity_l2: float = 0.0,
) -> NetworkSpec:
    """Hidden layers of the given widths, each with its dropout, and the logits.

    >>> [type(layer).__name__ for layer in dense(9, n_outputs=1, width=(18,)).layers]
    ['Dense', 'Dense']
    >>> dense(9, n_outputs=1, width=()).n_parameters  # logistic regression
    10
    """
    rates = dropout or [0.0] * len(width)
    layers: list[Layer] = []
    for units, rate in zip(width, rates, strict=True):
        layers += _hidden(Dense(units), activation, batch_norm) + _dropout(rate)
    layers.append(Dense(n_outputs))
    return NetworkSpec((n_features,), tuple(layers), l1, l2, activity_l2)


def cnn1d(
    input_shape: tuple[int, int],
    *,
    n_outputs: int,
    filters: Sequence[Sequence[int]],
    kernel_size: Sequence[int],
    pool_size: Sequence[int],
    head: Sequence[int] = (),
    activation: str = "relu",
    dropout: Sequence[float] | None = None,
    batch_norm: bool = False,
    padding: Padding = "same",
    global_pooling: Literal["average", "max"] | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    activity_l2: float = 0.0,
) -> NetworkSpec:
    """Blocks of convolutions, each with its pool and dropout, then a dense head.

    ``kernel_size`` and ``pool_size`` have one entry per block, ``dropout`` one per
    block and head layer. A pool of size one is left out.

    >>> spec = cnn1d((1036, 1), n_outputs=1, filters=((32, 16), (8, 8)),
    ...              kernel_size=(3, 3), pool_size=(2, 2), head=(10,))
    >>> spec.shapes()[-3:]
    [(2072,), (10,), (1,)]
    """
    rates = list(dropout or [0.0] * (len(filters) + len(head)))
    layers: list[Layer] = []
    for block, kernel, pool in zip(filters, kernel_size, pool_size, strict=True):
        for n_filters in block:
            convolution = Conv1D(n_filters, kernel, padding=padding)
            layers += _hidden(convolution, activation, batch_norm)
        layers += [MaxPool(pool)] if pool > 1 else []
        layers += _dropout(rates.pop(0))
    layers.append(GlobalPool(global_pooling) if global_pooling else Flatten())
    for units, rate in zip(head, rates, strict=True):
        layers += _hidden(Dense(units), activation, False) + _dropout(rate)
    layers.append(Dense(n_outputs))
    return NetworkSpec(input_shape, tuple(layers), l1, l2, activity_l2)


def published(
    name: str, input_shape: tuple[int, int], n_outputs: int, **penalties: float
) -> NetworkSpec:
    """Return a network of `ARCHITECTURES`, its global average and the logits.

    >>> spec = published("fcn", (100, 1), n_outputs=1)
    >>> spec.shapes()[-3:]
    [(100, 128), (128,), (1,)]
    """
    layers = ARCHITECTURES[name](input_shape[1])
    layers += (GlobalPool("average"), Dense(n_outputs))
    return NetworkSpec(input_shape, layers, **penalties)


def _hidden(layer: Dense | Conv1D, activation: str, batch_norm: bool) -> list[Layer]:
    if batch_norm:
        return [replace(layer, use_bias=False), BatchNorm(activation)]
    return [replace(layer, activation=activation)]


def _dropout(rate: float) -> list[Layer]:
    return [Dropout(rate)] if rate > 0 else []
