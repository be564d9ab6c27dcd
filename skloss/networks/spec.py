"""``NetworkSpec``: a network as frozen, hashable data, and the two that are built here.

Weights belong to a spec as a flat list of arrays, layer by layer, in the order in which
Keras keeps them, so that ``model.set_weights(weights)`` fits without a translation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, pairwise
from math import prod
from typing import Any, Literal

from skloss.networks.layers import (
    BatchNorm,
    Conv1D,
    Conv2D,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    Padding,
    Recurrent,
    Residual,
    WeightShape,
)

__all__ = ["NetworkSpec", "cnn1d", "cnn2d", "dense"]


@dataclass(frozen=True)
class NetworkSpec:
    """A network as data.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row: ``(n_features,)``, ``(timesteps, channels)`` or ``(height,
        width, channels)``.
    layers : tuple of layers
        The last one is a linear ``Dense`` that gives the logits: one for two classes,
        else one per class.
    l1, l2 : float
        Penalties on every kernel, ``l1 * sum(|w|) + l2 * sum(w ** 2)``.
    activity_l2 : float
        Penalty ``activity_l2 * sum(output ** 2) / n_rows`` on the outputs of the
        convolutions and recurrent layers or, in a network without any, of the hidden
        layers.

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
        """Whether rows are series or images."""
        return len(self.input_shape) > 1

    @property
    def is_recurrent(self) -> bool:
        """Whether a layer goes along time step by step."""
        return any(isinstance(part, Recurrent) for part in self.parts())

    def parts(self) -> Iterator[Layer]:
        """Give all layers in the order of weights, those inside others too."""
        for layer in self.layers:
            yield from layer.parts()

    @property
    def is_dense(self) -> bool:
        """Whether dense layers are all that is trained, with only dropout between."""

        def is_fixed(pair: tuple[Layer, tuple[int, ...]]) -> bool:
            layer, shape = pair
            trained = any(weight.trained for weight in layer.weight_shapes(shape))
            return not (trained or isinstance(layer, Dropout))

        behind = dropwhile(is_fixed, zip(self.layers, self.shapes(), strict=False))
        return not self.is_convolutional and all(
            isinstance(layer, Dense | Dropout) for layer, _ in behind
        )

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """Rates of the dropout layers, from the input to the output."""
        return tuple(part.rate for part in self.parts() if isinstance(part, Dropout))

    @property
    def uses_batches(self) -> bool:
        """Whether a row's output in training depends on the rows beside it."""
        return any(isinstance(part, BatchNorm) for part in self.parts())

    @property
    def n_parameters(self) -> int:
        """Number of trained numbers."""
        return sum(prod(w.shape) for w in self.weight_shapes() if w.trained)

    @property
    def n_multiplications(self) -> int:
        """Multiplications of the kernels for one row."""
        before = zip(self.layers, self.shapes(), strict=False)
        return sum(layer.multiplications(shape) for layer, shape in before)

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

    def penalizes(self, layer: Layer) -> bool:
        """Whether ``activity_l2`` acts on the outputs of one of the layers."""
        if layer is self.layers[-1]:
            return False
        is_dense = isinstance(layer, Dense)
        has_bias = getattr(layer, "use_bias", False)
        return isinstance(layer, BatchNorm | Recurrent) or (
            has_bias and is_dense is not self.is_convolutional
        )

    def structure(self) -> "NetworkSpec":
        """Return the spec without the numbers that change no shape.

        Two specs of equal structure share one compiled program; what is left out here
        is handed to that program as arguments.
        """
        layers = tuple(layer.structure() for layer in self.layers)
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


def cnn1d(input_shape: tuple[int, int], **options: Any) -> NetworkSpec:
    """Blocks of convolutions in time; the options are those of `cnn`.

    >>> spec = cnn1d((1036, 1), n_outputs=1, filters=((32, 16), (8, 8)),
    ...              kernel_size=(3, 3), pool_size=(2, 2), head=(10,))
    >>> spec.shapes()[-3:]
    [(2072,), (10,), (1,)]
    """
    return cnn(Conv1D, input_shape, **options)


def cnn2d(input_shape: tuple[int, int, int], **options: Any) -> NetworkSpec:
    """Blocks of convolutions over images; the options are those of `cnn`.

    >>> spec = cnn2d((8, 8, 1), n_outputs=1, filters=((16,), (32,)),
    ...              kernel_size=(3, 3), pool_size=(2, 2))
    >>> spec.shapes()[-2:]
    [(128,), (1,)]
    """
    return cnn(Conv2D, input_shape, **options)


def cnn(
    convolution: type[Convolution],
    input_shape: tuple[int, ...],
    *,
    n_outputs: int,
    filters: Sequence[Sequence[int]],
    kernel_size: Sequence[int],
    pool_size: Sequence[int],
    strides: Sequence[int] | None = None,
    head: Sequence[int] = (),
    activation: str = "relu",
    dropout: Sequence[float] | None = None,
    spatial_dropout: bool = False,
    batch_norm: bool = False,
    residual: bool = False,
    padding: Padding = "same",
    global_pooling: Literal["average", "max"] | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    activity_l2: float = 0.0,
) -> NetworkSpec:
    """Blocks of convolutions, each with its pool and dropout, then a dense head.

    ``kernel_size``, ``pool_size`` and ``strides`` have one entry per block, ``dropout``
    one per block and head layer. A pool of size one is left out. ``strides`` are those
    of the first convolution of a block. With ``residual``, the convolutions of a block
    of several make units of two, each with a shortcut around it.
    """
    rates = list(dropout or [0.0] * (len(filters) + len(head)))
    shape, layers = input_shape, list[Layer]()
    steps = strides or [1] * len(filters)
    for block, kernel, pool, stride in zip(
        filters, kernel_size, pool_size, steps, strict=True
    ):
        convolutions = [
            convolution(
                n_filters, kernel, padding=padding, strides=1 if number else stride
            )
            for number, n_filters in enumerate(block)
        ]
        if residual and len(block) > 1:
            made = _residual_units(convolutions, shape[-1], activation, batch_norm)
        else:
            made = [
                layer
                for one in convolutions
                for layer in _hidden(one, activation, batch_norm)
            ]
        layers += made + ([MaxPool(pool)] if pool > 1 else [])
        rate = rates.pop(0)
        layers += [Dropout(rate, spatial_dropout)] if rate > 0 else []
        shape = (*shape[:-1], block[-1])
    layers.append(GlobalPool(global_pooling) if global_pooling else Flatten())
    for units, rate in zip(head, rates, strict=True):
        layers += _hidden(Dense(units), activation, False) + _dropout(rate)
    layers.append(Dense(n_outputs))
    return NetworkSpec(input_shape, tuple(layers), l1, l2, activity_l2)


def _residual_units(
    convolutions: Sequence[Convolution],
    n_channels: int,
    activation: str,
    batch_norm: bool,
) -> list[Layer]:
    """Pairs of convolutions; where shapes change, the shortcut is a projection."""
    units: list[Layer] = []
    for first, second in zip(convolutions[::2], convolutions[1::2], strict=True):
        branch = _hidden(first, activation, batch_norm)
        branch += _hidden(second, "linear", batch_norm)
        projects = first.strides > 1 or second.filters != n_channels
        projection = replace(second, kernel_size=1, strides=first.strides)
        shortcut = _hidden(projection, "linear", batch_norm) if projects else []
        units.append(Residual(tuple(branch), tuple(shortcut), activation))
        n_channels = second.filters
    return units


def _hidden(
    layer: Dense | Convolution, activation: str, batch_norm: bool
) -> list[Layer]:
    if batch_norm:
        return [replace(layer, use_bias=False), BatchNorm(activation)]
    return [replace(layer, activation=activation)]


def _dropout(rate: float) -> list[Layer]:
    return [Dropout(rate)] if rate > 0 else []
