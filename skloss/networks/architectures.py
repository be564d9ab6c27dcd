"""Published networks for series: FCN, ResNet, InceptionTime's Inception, and LITE.

Wang, Yan and Oates, "Time series classification from scratch with deep neural
networks", IJCNN 2017; Ismail Fawaz et al., "InceptionTime", 2020; Ismail-Fawaz,
Devanne, Weber and Forestier, "LITE: light Inception with boosting techniques for time
series classification", DSAA 2023. Layers are those of the authors' code. The momentum
of batch normalization is that of `BatchNorm`.
"""

from collections.abc import Callable

from skloss.networks.layers import (
    BatchNorm,
    Conv1D,
    Dense,
    FixedFilters,
    GlobalPool,
    Layer,
    Residual,
    SeparableConv1D,
    SideBySide,
    SlidingMax,
)
from skloss.networks.spec import NetworkSpec

__all__ = ["ARCHITECTURES", "FRONT_ENDS", "front_end", "published"]

Layers = tuple[Layer, ...]

_INCEPTION_FILTERS = 32
_LITE_FILTERS = 32


def _fcn(n_channels: int, n_series: int) -> Layers:
    """Three convolutions."""
    sizes = ((128, 8), (256, 5), (128, 3))
    return tuple(layer for size in sizes for layer in _normed(*size))


def _resnet(n_channels: int, n_series: int) -> Layers:
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


def _inception(n_channels: int, n_series: int) -> Layers:
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


def _lite(n_channels: int, n_series: int) -> Layers:
    """Three convolutions beside filters made by hand, then two separable ones.

    Of several channels each has the filters by itself, as in the authors' LITEMV.
    """
    wide = tuple(
        (Conv1D(_LITE_FILTERS, size, use_bias=False),) for size in (40, 20, 10)
    )
    layers: Layers = (SideBySide((*wide, (FixedFilters(n_series),))), BatchNorm("relu"))
    for size, dilation in ((20, 2), (10, 4)):
        separable = SeparableConv1D(
            _LITE_FILTERS, size, use_bias=False, dilation=dilation
        )
        layers += (separable, BatchNorm("relu"))
    return layers


def _module(n_channels: int) -> SideBySide:
    def convolution(size: int) -> Conv1D:
        return Conv1D(_INCEPTION_FILTERS, size, use_bias=False)

    wide = SideBySide(tuple((convolution(size),) for size in (40, 20, 10)))
    narrowed = (convolution(1),) if n_channels > 1 else ()
    return SideBySide(((*narrowed, wide), (SlidingMax(3), convolution(1))))


def _normed(filters: int, size: int, activation: str = "relu") -> Layers:
    return (Conv1D(filters, size), BatchNorm(activation))


# What stands before the global average and the logits, by the number of channels, and
# of those that are values of series, which come first.
ARCHITECTURES: dict[str, Callable[[int, int], Layers]] = {
    "fcn": _fcn,
    "resnet": _resnet,
    "inception": _inception,
    "lite": _lite,
}


def published(
    name: str,
    input_shape: tuple[int, int],
    n_outputs: int,
    n_series: int | None = None,
    **penalties: float,
) -> NetworkSpec:
    """Return a network of `ARCHITECTURES`, its global average and the logits.

    Of the channels only the first ``n_series`` are values of series, or all of them.

    >>> spec = published("fcn", (100, 1), n_outputs=1)
    >>> spec.shapes()[-3:]
    [(100, 128), (128,), (1,)]
    """
    n_channels = input_shape[1]
    layers = ARCHITECTURES[name](n_channels, n_series or n_channels)
    layers += (GlobalPool("average"), Dense(n_outputs))
    return NetworkSpec(input_shape, layers, **penalties)


def front_end(name: str, n_channels: int) -> SideBySide:
    """Hand on all channels, with fixed filters of the first ones behind them.

    They are normalized, since longer filters give larger numbers; those of MiniRocket
    get thresholds that way, which are trained.

    >>> front_end("filters", 1).output_shape((100, 2))
    (100, 19)
    >>> front_end("rocket", 1).output_shape((100, 2))
    (100, 34)
    """
    return SideBySide(((), FRONT_ENDS[name](n_channels)))


FRONT_ENDS: dict[str, Callable[[int], Layers]] = {
    "filters": lambda n_channels: (FixedFilters(n_channels), BatchNorm()),
    "rocket": lambda n_channels: (
        FixedFilters(n_channels, "rocket"),
        BatchNorm("relu"),
    ),
}
