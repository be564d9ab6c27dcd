"""Published networks for series: FCN, ResNet and InceptionTime's Inception.

Wang, Yan and Oates, "Time series classification from scratch with deep neural
networks", IJCNN 2017; Ismail Fawaz et al., "InceptionTime", 2020. Layers are those of
the authors' code. The momentum of batch normalization is that of `BatchNorm`.
"""

from collections.abc import Callable

from skloss.networks.layers import (
    BatchNorm,
    Conv1D,
    Dense,
    GlobalPool,
    Layer,
    Residual,
    SideBySide,
    SlidingMax,
)
from skloss.networks.spec import NetworkSpec

__all__ = ["ARCHITECTURES", "published"]

Layers = tuple[Layer, ...]

_INCEPTION_FILTERS = 32


def _fcn(n_channels: int) -> Layers:
    """Three convolutions."""
    sizes = ((128, 8), (256, 5), (128, 3))
    return tuple(layer for size in sizes for layer in _normed(*size))


def _resnet(n_channels: int) -> Layers:
    """Three residual blocks of three convolutions."""
    blocks: list[Layer] = []
    for filters in (64, 128, 128):
        chain = (
            *_normed(filters, 8),
            *_normed(filters, 5),
            *_normed(filters, 3, "linear"),
        )
        shortcut: Layers = (BatchNorm(),)
        if n_channels != filters:
            shortcut = _normed(filters, 1, "linear")
        blocks.append(Residual(chain, shortcut))
        n_channels = filters
    return tuple(blocks)


def _inception(n_channels: int) -> Layers:
    """Six Inception modules, a residual around every three."""
    blocks: list[Layer] = []
    n_filters = 4 * _INCEPTION_FILTERS
    for _ in range(2):
        chain: list[Layer] = []
        for n_in in (n_channels, n_filters, n_filters):
            chain += [_module(n_in), BatchNorm("relu")]
        shortcut = (Conv1D(n_filters, 1, use_bias=False), BatchNorm())
        blocks.append(Residual(tuple(chain), shortcut))
        n_channels = n_filters
    return tuple(blocks)


def _module(n_channels: int) -> SideBySide:
    def convolution(size: int) -> Conv1D:
        return Conv1D(_INCEPTION_FILTERS, size, use_bias=False)

    wide = SideBySide(tuple((convolution(size),) for size in (40, 20, 10)))
    narrowed = (convolution(1),) if n_channels > 1 else ()
    return SideBySide(((*narrowed, wide), (SlidingMax(3), convolution(1))))


def _normed(filters: int, size: int, activation: str = "relu") -> Layers:
    return (Conv1D(filters, size), BatchNorm(activation))


# What stands before the global average and the logits, by the channels of a series.
ARCHITECTURES: dict[str, Callable[[int], Layers]] = {
    "fcn": _fcn,
    "resnet": _resnet,
    "inception": _inception,
}


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
