"""The layers of a network as frozen data: their shapes and their arrays of weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = [
    "MOST_MOMENT",
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
    "Padding",
    "SeriesScale",
    "SlidingMax",
    "WeightShape",
    "inner_layers",
    "multiplications",
]

Padding = Literal["same", "valid"]

# Standard deviations: how far the moments of a series go from those of the training
# rows.
MOST_MOMENT = 3.0


@dataclass(frozen=True)
class WeightShape:
    """One array of weights: its role, its shape, and whether it is trained."""

    role: Literal[
        "kernel",
        "bias",
        "gamma",
        "beta",
        "moving_mean",
        "moving_variance",
        "center",
        "spread",
    ]
    shape: tuple[int, ...]

    @property
    def trained(self) -> bool:
        """False for the statistics of batch normalization and of `SeriesScale`."""
        return self.role in ("kernel", "bias", "gamma", "beta")


@dataclass(frozen=True)
class Dense:
    """``activation(x @ kernel + bias)``; a BatchNorm that follows has the bias."""

    units: int
    activation: str = "linear"
    use_bias: bool = True

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return (*shape[:-1], self.units)

    def weight_shapes(self, shape: tuple[int, ...]) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        kernel = WeightShape("kernel", (shape[-1], self.units))
        bias = WeightShape("bias", (self.units,))
        return [kernel, bias] if self.use_bias else [kernel]


@dataclass(frozen=True)
class Conv1D:
    """Convolution in time, stride one; kernels ``(kernel_size, in, filters)``."""

    filters: int
    kernel_size: int
    activation: str = "linear"
    padding: Padding = "same"
    use_bias: bool = True

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        lost = 0 if self.padding == "same" else self.kernel_size - 1
        return (shape[0] - lost, self.filters)

    def weight_shapes(self, shape: tuple[int, ...]) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        kernel = WeightShape("kernel", (self.kernel_size, shape[-1], self.filters))
        bias = WeightShape("bias", (self.filters,))
        return [kernel, bias] if self.use_bias else [kernel]


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization over the last axis, then an activation.

    Momentum 0.9, not Keras' 0.99: with few steps the moving averages of 0.99 lag so far
    behind that the validation loss of the untrained network is never beaten.
    """

    activation: str = "linear"
    momentum: float = 0.9
    epsilon: float = 1e-3

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return shape

    def weight_shapes(self, shape: tuple[int, ...]) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        size = (shape[-1],)
        return [
            WeightShape("gamma", size),
            WeightShape("beta", size),
            WeightShape("moving_mean", size),
            WeightShape("moving_variance", size),
        ]


class _WithoutWeights:
    """A layer that has nothing to train."""

    def weight_shapes(self, shape: tuple[int, ...]) -> list[WeightShape]:
        """No arrays."""
        return []


@dataclass(frozen=True)
class Dropout(_WithoutWeights):
    """Sets a share ``rate`` to zero while training, and scales the rest up."""

    rate: float

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return shape


@dataclass(frozen=True)
class MaxPool(_WithoutWeights):
    """Largest of every ``size`` neighbors in time; an incomplete last group goes."""

    size: int

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return (shape[0] // self.size, shape[1])


@dataclass(frozen=True)
class SlidingMax(_WithoutWeights):
    """Largest of ``size`` neighbors around each time step, as many steps as before."""

    size: int

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return shape


@dataclass(frozen=True)
class GlobalPool(_WithoutWeights):
    """Average or largest value of each channel over all of time."""

    pooling: Literal["average", "max"]

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return (shape[1],)


@dataclass(frozen=True)
class Flatten(_WithoutWeights):
    """``(timesteps, channels)`` to ``(timesteps * channels,)``, channels fastest."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return (int(np.prod(shape)),)


@dataclass(frozen=True)
class SeriesScale:
    """Each channel of each series by itself, to mean 0 and standard deviation 1.

    With moments, the mean and the logarithm of the standard deviation of each channel
    follow as channels that are the same at all time steps, standardized by what they
    are over the training rows and cut at three standard deviations.
    """

    moments: bool = False

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return (shape[0], shape[1] * (3 if self.moments else 1))

    def weight_shapes(self, shape: tuple[int, ...]) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        size = (2 * shape[1],)
        both = [WeightShape("center", size), WeightShape("spread", size)]
        return both if self.moments else []


@dataclass(frozen=True)
class Augment(_WithoutWeights):
    """While training, changes each series by random numbers; else does nothing.

    Each number is the largest change: ``shift`` in time, as a share of the length;
    ``scale``, the factor on the values, less one; ``window``, the share that is cut off
    before the rest is stretched to the length again. ``noise`` is the standard
    deviation of what is added, as a share of that of the series. Channels behind
    ``n_channels`` stay as they are.
    """

    n_channels: int
    shift: float = 0.0
    scale: float = 0.0
    noise: float = 0.0
    window: float = 0.0

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        return shape


@dataclass(frozen=True)
class Branches:
    """Chains of layers on the same series; their outputs added, or side by side.

    A chain without layers gives what it gets.
    """

    chains: tuple[tuple["Layer", ...], ...]
    joined: Literal["sum", "concat"]
    activation: str = "linear"

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row after this layer."""
        ends = [_shapes(chain, shape)[-1] for chain in self.chains]
        if self.joined == "sum":
            return ends[0]
        return (ends[0][0], sum(n_channels for _, n_channels in ends))

    def weight_shapes(self, shape: tuple[int, ...]) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape, chain by chain."""
        return [
            weight
            for chain in self.chains
            for layer, before in zip(chain, _shapes(chain, shape), strict=False)
            for weight in layer.weight_shapes(before)
        ]


Layer = (
    Dense
    | Conv1D
    | BatchNorm
    | Dropout
    | MaxPool
    | GlobalPool
    | Flatten
    | SeriesScale
    | Augment
    | SlidingMax
    | Branches
)


def _shapes(layers: tuple[Layer, ...], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Shape of one row before the first layer and after each one."""
    shapes = [shape]
    for layer in layers:
        shapes.append(layer.output_shape(shapes[-1]))
    return shapes


def inner_layers(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """All layers, those within branches too."""
    for layer in layers:
        yield layer
        if isinstance(layer, Branches):
            for chain in layer.chains:
                yield from inner_layers(chain)


def multiplications(layers: tuple[Layer, ...], shape: tuple[int, ...]) -> int:
    """Multiplications of the kernels for one row."""
    total, shapes = 0, _shapes(layers, shape)
    for layer, before, after in zip(layers, shapes, shapes[1:], strict=False):
        if isinstance(layer, Branches):
            total += sum(multiplications(chain, before) for chain in layer.chains)
            continue
        steps = after[0] if isinstance(layer, Conv1D) else 1
        for weight in layer.weight_shapes(before):
            total += steps * int(np.prod(weight.shape)) * (weight.role == "kernel")
    return total
